//! Low-rank adapters: what is trained beside frozen matrices.
//!
//! Hu et al. 2021, arXiv:2106.09685, section 4.1: a frozen `k × n` matrix gets a trained product `A·B` of rank `r`, `A` of `k × r` and `B` of
//! `r × n`, so `r·(k + n)` parameters in place of `k·n`.
use super::backward::expert_pairs;
use super::names::{QUERY_KEY_VALUE, QUERY_LATENT_DOWN, up_matrices};
use super::{Kernel, Op, Part, Widths, Work};
use crate::law::GemmShape;
use crate::memory::state::DeviceParameters;
use crate::quantity::{Bytes, Flops};
use crate::subset::Subset;

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All parameters, from scratch.
    Pretraining,
    /// All parameters, from a checkpoint: the same work as pretraining.
    FullFinetuning,
    /// Adapters beside frozen 16-bit weights.
    Lora,
    /// Adapters beside frozen 4-bit weights, expanded for every multiplication (Dettmers et al. 2023, arXiv:2305.14314).
    Qlora,
}

impl Mode {
    /// Every mode with its name in specifications.
    pub const ALL: [(&'static str, Self); 4] = [
        ("pretraining", Self::Pretraining),
        ("full_finetuning", Self::FullFinetuning),
        ("lora", Self::Lora),
        ("qlora", Self::Qlora),
    ];

    /// Whether the model's own weights stay as they are.
    #[must_use]
    pub const fn frozen(self) -> bool {
        matches!(self, Self::Lora | Self::Qlora)
    }
}

/// Matrices that get adapters, in the order of [`Target::NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Target {
    /// Projections of attention, or of a linear mixer.
    Attention,
    /// The dense MLP and shared experts.
    Mlp,
    /// Routed experts, an adapter each.
    Experts,
    /// The LM head.
    Head,
}

impl Target {
    /// Names in specifications.
    pub const NAMES: [&'static str; 4] = ["attention", "mlp", "experts", "head"];
    /// All matrices: where nothing is frozen.
    pub const ALL: Subset = Subset::of(&[0, 1, 2, 3]);

    /// The target that a multiplication belongs to; routers get no adapters.
    fn of(op: &Op) -> Option<Self> {
        match (op.kernel, op.part) {
            (Kernel::Experts(_), _) => Some(Self::Experts),
            (Kernel::Gemm(_), Part::Mlp | Part::Moe) => Some(Self::Mlp),
            (Kernel::Gemm(_), Part::Mixer | Part::LatentUp) => Some(Self::Attention),
            (Kernel::PlainGemm(_), Part::Rest) => Some(Self::Head),
            _ => None,
        }
    }
}

/// Adapters of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adapters {
    /// Their rank `r`.
    pub rank: f64,
    /// The matrices that have one.
    pub targets: Subset,
}

/// Bits of a frozen weight in 4-bit NormalFloat: 4, an 8-bit scale per 64 values and a 32-bit one per 256 scales (Dettmers et al. 2023,
/// arXiv:2305.14314, section 3: double quantisation takes 0.127 bits per parameter).
pub const NF4_BITS: f64 = 4.0 + 8.0 / 64.0 + 32.0 / (64.0 * 256.0);

impl Adapters {
    /// Adds the adapters' multiplications to a forward pass, and says how many parameters they have on this device.
    ///
    /// Matrices that one kernel multiplies together (queries, keys and values; gate and up) have an `A` each. The sum with the frozen
    /// product is a pass over the result. An expert's adapters are counted for each of `experts` on the device and timed as one product.
    pub fn add(&self, work: &mut Work, gated: bool, experts: f64, widths: &Widths) -> DeviceParameters {
        let mut parameters = DeviceParameters::default();
        for op in work.ops.clone() {
            if !Target::of(&op).is_some_and(|target| self.targets.has(target as usize)) {
                continue;
            }
            match op.kernel {
                Kernel::Gemm(GemmShape { m, n, k }) | Kernel::PlainGemm(GemmShape { m, n, k }) => {
                    let together = matrices(op.name, gated);
                    parameters.dense += op.count * self.rank * (together * k + n);
                    self.multiply(work, m, n, k, together, widths);
                }
                Kernel::Experts(shape) => {
                    let gate = if shape.gated { 2.0 } else { 1.0 };
                    let (h, f) = (shape.hidden, shape.intermediate);
                    let pairs = expert_pairs(&op, &shape);
                    parameters.experts += experts * self.rank * (gate * (h + f) + f + h);
                    self.multiply(work, pairs, gate * f, h, gate, widths);
                    self.multiply(work, pairs, h, f, 1.0, widths);
                }
                _ => {}
            }
        }
        parameters
    }

    fn multiply(&self, work: &mut Work, m: f64, n: f64, k: f64, together: f64, widths: &Widths) {
        let rank = self.rank * together;
        for (name, count, n, k) in
            [("adapter down", 1.0, rank, k), ("adapter up", together, n / together, rank / together)]
        {
            work.ops.push(Op {
                name,
                kernel: Kernel::PlainGemm(GemmShape { m, n, k }),
                count,
                flops: Flops(2.0 * m * n * k * count),
                bytes: Bytes((m * k + m * n + k * n) * widths.activation * count),
                launches: count,
                part: Part::Adapter,
            });
        }
        let sum = 3.0 * m * n * widths.activation;
        work.ops.push(Op::memory("adapter sum", sum, 1.0).in_part(Part::Adapter));
    }
}

/// How many matrices a kernel multiplies at once.
fn matrices(name: &str, gated: bool) -> f64 {
    match name {
        QUERY_KEY_VALUE => 3.0,
        QUERY_LATENT_DOWN => 2.0,
        name => up_matrices(name, gated),
    }
}

/// The pass of [`expand_weights`].
pub(super) const EXPAND: &str = "expand weights";

/// Expands frozen 4-bit weights to 16 bits before each multiplication: a pass that reads `NF4_BITS` and writes 16 for every weight of it
/// (Dettmers et al. 2023, equation 5).
pub fn expand_weights(work: &mut Work, experts: f64, widths: &Widths) {
    let mut passes = Vec::new();
    for op in &work.ops {
        let weights = match op.kernel {
            Kernel::Gemm(GemmShape { n, k, .. }) => op.count * n * k,
            Kernel::Experts(shape) => experts * shape.hidden * shape.intermediate * if shape.gated { 3.0 } else { 2.0 },
            _ => continue,
        };
        let bytes = weights * (NF4_BITS / 8.0 + widths.plain_weight);
        passes.push(Op::memory(EXPAND, bytes, 1.0).in_part(op.part));
    }
    work.ops.append(&mut passes);
}
