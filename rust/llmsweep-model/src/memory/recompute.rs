//! Which parts of a layer are run again in the backward pass instead of being kept.
use crate::subset::Subset;
use crate::work::names::MLP_UP;
use crate::work::{Collective, Kernel, Message, Op, Part, Work};

/// Which activations are computed again in the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recompute {
    /// None.
    None,
    /// Those of the chosen modules.
    Selective,
    /// Everything but the layer's input.
    Full,
}

impl Recompute {
    /// Every choice with its name in specifications.
    pub const ALL: [(&'static str, Self); 3] =
        [("none", Self::None), ("selective", Self::Selective), ("full", Self::Full)];
}

/// What selective recomputation can run again, in the order of [`Module::NAMES`] (Megatron-Core's `--recompute-modules`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Module {
    /// The score matrix where it is not fused (Korthikanti et al. 2022, arXiv:2205.05198, section 5).
    Scores,
    /// Attention between projections, fused or not (`core_attn`).
    Attention,
    /// Norms (`layernorm`).
    Norm,
    /// Activation functions, experts' too (`moe_act`).
    Activation,
    /// Up-projections of latent attention and the rotation behind them (`mla_up_proj`; DeepSeek-AI 2024, arXiv:2412.19437, section 3.2.3).
    LatentUp,
    /// The dense MLP (`mlp`).
    Mlp,
    /// The layer of experts with its messages (`moe`).
    Moe,
    /// The up-projection and activation function of the dense MLP: a compiler that sees the whole pass leaves the down-projection out, whose
    /// result no gradient needs (XLA, torch.compile).
    MlpUp,
}

impl Module {
    /// Names in specifications.
    pub const NAMES: [&'static str; 8] =
        ["scores", "attention", "norm", "activation", "latent_up", "mlp", "moe", "mlp_up"];
    /// What is cheap to run again for the bytes that it frees.
    pub const CHEAP: Subset = Subset::of(&[Self::Scores as usize, Self::Norm as usize, Self::Activation as usize]);
}

/// What is run again, and which of a layer's activations are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// Nothing, some modules or everything.
    pub recompute: Recompute,
    /// The modules of selective recomputation.
    pub modules: Subset,
}

impl Again {
    /// Nothing is run again.
    pub const NOTHING: Self = Self { recompute: Recompute::None, modules: Subset::NONE };
    /// The cheap modules are.
    pub const CHEAP: Self = Self { recompute: Recompute::Selective, modules: Module::CHEAP };
    /// The whole layer is.
    pub const EVERYTHING: Self = Self { recompute: Recompute::Full, modules: Subset::NONE };

    /// Whether a module is run again on its own account.
    #[must_use]
    pub fn has(self, module: Module) -> bool {
        self.recompute == Recompute::Selective && self.modules.has(module as usize)
    }

    fn part(self, part: Part, unfused: bool) -> bool {
        match part {
            Part::Norm => self.has(Module::Norm),
            Part::Scores => self.has(Module::Attention) || (unfused && self.has(Module::Scores)),
            Part::LatentUp => self.has(Module::LatentUp),
            Part::Mlp => self.has(Module::Mlp),
            Part::MlpActivation => self.has(Module::Mlp) || self.has(Module::MlpUp) || self.has(Module::Activation),
            Part::Moe => self.has(Module::Moe),
            Part::MoeActivation => self.has(Module::Moe) || self.has(Module::Activation),
            Part::Mixer | Part::Adapter | Part::Rest => false,
        }
    }

    /// The kernels and messages of a forward pass that the backward pass runs again.
    #[must_use]
    pub fn of(self, forward: &Work, activation_bytes: f64) -> Work {
        match self.recompute {
            Recompute::None => Work::default(),
            Recompute::Full => forward.clone(),
            Recompute::Selective => {
                let unfused = forward.ops.iter().any(|op| matches!(op.kernel, Kernel::UnfusedAttention(_)));
                let mut again = Work::default();
                for op in &forward.ops {
                    let up = op.part == Part::Mlp && op.name == MLP_UP && self.has(Module::MlpUp);
                    if up || self.part(op.part, unfused) {
                        again.ops.push(*op);
                    } else if let Kernel::Experts(shape) = op.kernel
                        && self.has(Module::Activation)
                    {
                        again.ops.push(expert_activation(op, shape.hidden, activation_bytes));
                    }
                }
                let gathers = |message: &Message| {
                    message.part == Part::Mlp && message.collective == Collective::AllGather && self.has(Module::MlpUp)
                };
                let messages =
                    forward.messages.iter().filter(|message| gathers(message) || self.part(message.part, unfused));
                again.messages.extend(messages);
                again
            }
        }
    }
}

/// The activation function of routed experts, which the forward pass times inside their kernel: results of the up-projection in, one
/// operand out, `pairs · f · (2 gated | 1 plain, + 1)` values, of `2 · h` FLOPs each in the kernel.
fn expert_activation(experts: &Op, hidden: f64, activation_bytes: f64) -> Op {
    let values = experts.flops.0 / (2.0 * hidden);
    Op::memory("expert activation", values * activation_bytes, 1.0).in_part(Part::MoeActivation)
}
