//! Parts of a layer: what selective recomputation runs again and what adapters are attached to.

/// The part of a layer that a kernel or a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Norms and residual additions.
    Norm,
    /// Projections of attention or of a linear mixer, and what goes with them.
    Mixer,
    /// Scores, softmax and the product with the values.
    Scores,
    /// Up-projections from a latent.
    LatentUp,
    /// Multiplications of a dense MLP.
    Mlp,
    /// Activation function of a dense MLP.
    MlpActivation,
    /// Router, experts and shared experts.
    Moe,
    /// Activation function of a shared expert; that of routed experts is inside their kernel.
    MoeActivation,
    /// Low-rank adapters beside a frozen matrix.
    Adapter,
    /// Outside the layers, or not told apart.
    Rest,
}

impl Part {
    /// Whether it is of the MLP, dense or of experts.
    #[must_use]
    pub const fn is_mlp(self) -> bool {
        matches!(self, Self::Mlp | Self::MlpActivation | Self::Moe | Self::MoeActivation)
    }
}
