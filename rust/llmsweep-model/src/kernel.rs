//! How long a kernel takes: which law times which operation. Timing knows no model.
use crate::kernel_software::KernelSoftware;
use crate::law::{
    Chip, ConvolutionLaw, DecodeAttentionLaw, ElementwiseLaw, GemmLaw, GemmShape, GroupedGemmLaw, LatentDecodeLaw,
    LatentPrefillLaw, PrefillAttentionLaw, PrefillShape, Prompt, QuantiseLaw, ScanLaw,
};
use crate::quantity::{Bytes, BytesPerSec, Flops, FlopsPerSec, Seconds};
use crate::work::{Kernel, Op, Scores};

/// The laws of all kernels of one accelerator in one precision with one cache format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Laws {
    /// Multiplications with quantised weights.
    pub gemm: GemmLaw,
    /// Multiplications in 16 bits.
    pub plain_gemm: GemmLaw,
    /// Casts of operands.
    pub quantise: QuantiseLaw,
    /// Layers of experts.
    pub experts: GroupedGemmLaw,
    /// Attention of many queries.
    pub attention: PrefillAttentionLaw,
    /// Attention over the cache.
    pub cache: DecodeAttentionLaw,
    /// Attention of many queries with keys and values expanded from a latent.
    pub latent_attention: LatentPrefillLaw,
    /// Attention over a latent cache.
    pub latent_cache: LatentDecodeLaw,
    /// Short convolutions of linear mixers.
    pub convolution: ConvolutionLaw,
    /// Recurrences.
    pub scan: ScanLaw,
    /// Passes over memory.
    pub elementwise: ElementwiseLaw,
    /// Speed of backward attention over forward attention.
    pub backward_attention_ratio: f64,
}

/// Everything that times kernels: laws, and what they may know of the hardware.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelModel {
    /// Laws.
    pub laws: Laws,
    /// The hardware in the precision of quantised weights, at the clock of sustained load.
    pub chip: Chip,
    /// The same in 16 bits.
    pub plain_chip: Chip,
    /// The same in the cache's format.
    pub cache_chip: Chip,
    /// Speed of the software's attention kernels over the law's.
    pub attention_ratio: f64,
    /// What the engine's kernels add to the laws.
    pub software: KernelSoftware,
    /// Most that the start of a kernel costs: what it is inside a captured graph, however long a timing loop takes to start it.
    pub start: Seconds,
    /// Dense peak of the datasheet in the precision.
    pub peak: FlopsPerSec,
    /// The same in 16 bits.
    pub plain_peak: FlopsPerSec,
    /// Memory bandwidth of the datasheet.
    pub bandwidth: BytesPerSec,
}

/// Whether a kernel runs in the forward or in the backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Forward, prefill and decode.
    Forward,
    /// Backward.
    Backward,
}

/// Time of a kernel, in its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpTime {
    /// What the hardware is busy with.
    pub busy: Seconds,
    /// Starting it.
    pub launch: Seconds,
}

impl KernelModel {
    /// Time of a kernel, launches included. Never below the roofline of the datasheet.
    #[must_use]
    pub fn time(&self, op: &Op, pass: Pass) -> Seconds {
        let OpTime { busy, launch } = self.parts(op, pass);
        busy + launch
    }

    /// Time of a kernel without its launches.
    #[must_use]
    pub fn busy_time(&self, op: &Op, pass: Pass) -> Seconds {
        self.parts(op, pass).busy
    }

    /// Time of a pass over so many bytes of memory, without its launch.
    #[inline]
    #[must_use]
    pub fn streaming(&self, bytes: Bytes) -> Seconds {
        self.laws.elementwise.streaming(&self.plain_chip, bytes)
    }

    /// Time of a kernel, in its parts.
    #[inline]
    #[must_use]
    pub fn parts(&self, op: &Op, pass: Pass) -> OpTime {
        let (once, start) = self.once(op, pass);
        let busy = (once - start) * op.count;
        let launch = self.start.min(self.laws.elementwise.launch) * op.launches;
        let launch = if start > Seconds::ZERO { launch.min(start * op.count) } else { launch };
        OpTime {
            busy: if is_attention(&op.kernel) { busy.max(self.least(op)) } else { busy },
            launch: launch + self.software.gap * op.launches,
        }
    }

    /// What an operation takes at the datasheet's rates.
    fn least(&self, op: &Op) -> Seconds {
        let peak = self.peak.max(self.plain_peak);
        if op.flops.0 * self.bandwidth.0 > op.bytes.0 * peak.0 { op.flops / peak } else { op.bytes / self.bandwidth }
    }

    /// Time of one of an operation's kernels, and how much of it starts the kernel.
    #[inline]
    fn once(&self, op: &Op, pass: Pass) -> (Seconds, Seconds) {
        let laws = &self.laws;
        match &op.kernel {
            Kernel::Gemm(shape) => (self.multiplication(shape), laws.gemm.launch),
            Kernel::PlainGemm(shape) => {
                (laws.plain_gemm.multiplication(&self.plain_chip, shape, false), laws.plain_gemm.launch)
            }
            Kernel::Quantise { rows, width } => {
                (laws.quantise.seconds(&self.chip, *rows, *width), laws.quantise.launch)
            }
            Kernel::Experts(shape) => (laws.experts.seconds(&self.chip, shape), laws.experts.launch),
            Kernel::Attention(scores) => {
                let time = laws.attention.seconds(&self.plain_chip, &prefill_shape(scores), false);
                self.attention_pass(time, laws.attention.launch, pass)
            }
            Kernel::LatentAttention(scores, widths) => {
                let prompt = prompt(scores);
                let time = laws.latent_attention.seconds(&self.plain_chip, &prompt, scores.heads, widths, false);
                self.attention_pass(time, laws.latent_attention.launch, pass)
            }
            Kernel::UnfusedAttention(_) => (self.unfused(op), Seconds::ZERO),
            Kernel::CacheRead(shape) => {
                let lanes = laws.cache.launch + self.software.on_lanes(shape, self.cache_chip.units.max(1.0));
                (laws.cache.unbounded(&self.cache_chip, shape, false).max(lanes), laws.cache.launch)
            }
            Kernel::LatentCacheRead(shape) => {
                (laws.latent_cache.seconds(&self.cache_chip, shape, false), laws.latent_cache.launch)
            }
            Kernel::Convolution(shape) => {
                (laws.convolution.seconds(&self.plain_chip, shape, false), laws.convolution.launch)
            }
            Kernel::Scan => {
                (laws.scan.of_work(&self.plain_chip, op.flops / op.count, op.bytes / op.count), laws.scan.launch)
            }
            Kernel::Elementwise => (self.streaming(op.bytes / op.count), Seconds::ZERO),
        }
    }

    /// The fused multiplication, or a pass that expands the weights to 16 bits and a plain multiplication, whichever is faster.
    fn multiplication(&self, shape: &GemmShape) -> Seconds {
        let few = self.laws.gemm.launch + self.software.few_vectors(&self.chip, shape);
        let fused = self.laws.gemm.multiplication(&self.chip, shape, false).max(few);
        if !self.software.expands || self.chip.weight_bytes >= 2.0 {
            return fused;
        }
        let expanded = shape.n * shape.k * (self.chip.weight_bytes + 2.0);
        let pass = Bytes(expanded) / (self.plain_chip.bandwidth * self.laws.elementwise.memory_efficiency);
        fused.min(pass + self.laws.plain_gemm.multiplication(&self.plain_chip, shape, false))
    }

    /// Backward attention is slower per FLOP; `Op::backward` counts its FLOPs.
    fn attention_pass(&self, forward: Seconds, launch: Seconds, pass: Pass) -> (Seconds, Seconds) {
        match pass {
            Pass::Forward => (launch + (forward - launch) / self.attention_ratio, launch),
            Pass::Backward => {
                let speed = self.laws.backward_attention_ratio * self.attention_ratio;
                (launch + (forward - launch) / speed, launch)
            }
        }
    }

    /// Matrix multiplications as fast as others, and passes of the score matrix over memory.
    fn unfused(&self, op: &Op) -> Seconds {
        let rate = self.plain_chip.peak * self.laws.plain_gemm.compute_efficiency;
        let bandwidth = self.plain_chip.bandwidth * self.laws.elementwise.memory_efficiency;
        roofline(op.flops / op.count, rate, op.bytes / op.count, bandwidth)
    }
}

/// Laws of attention may reach more than the datasheet's rates, since what they are fitted to starts while they wait; others can't.
fn is_attention(kernel: &Kernel) -> bool {
    matches!(
        kernel,
        Kernel::Attention(_) | Kernel::LatentAttention(..) | Kernel::CacheRead(_) | Kernel::LatentCacheRead(_)
    )
}

/// The queries and keys of scores, per sequence.
fn prompt(scores: &Scores) -> Prompt {
    let batch = scores.sequences;
    Prompt {
        batch,
        queries: scores.queries / batch,
        keys: scores.keys,
        pairs: scores.pairs / batch,
        longest: scores.longest,
    }
}

/// Scores as the law of fused attention takes them: a width of heads that has the FLOPs of queries and values together.
fn prefill_shape(scores: &Scores) -> PrefillShape {
    PrefillShape {
        prompt: prompt(scores),
        heads: scores.heads,
        kv_heads: scores.kv_heads,
        head_dim: f64::midpoint(scores.query_dim, scores.value_dim),
    }
}

/// `√((flops/rate)² + (bytes/bandwidth)²)`.
///
/// ```
/// # use llmsweep_model::{kernel::roofline, quantity::*};
/// let time = roofline(Flops(3e12), FlopsPerSec(1e12), Bytes(4e9), BytesPerSec(1e9));
/// assert_eq!(time, Seconds(5.0));
/// ```
#[must_use]
pub fn roofline(flops: Flops, rate: FlopsPerSec, bytes: Bytes, bandwidth: BytesPerSec) -> Seconds {
    let (compute, memory) = ((flops / rate).0, (bytes / bandwidth).0);
    Seconds((compute * compute + memory * memory).sqrt())
}
