//! How an engine's kernels differ from those that laws are fitted to.
use crate::law::{Chip, DecodeShape, GemmShape};
use crate::quantity::{Bytes, BytesPerSec, Seconds};

/// Vectors up to which llama.cpp runs its kernels for a matrix and vectors (`MMVQ_MAX_BATCH_SIZE`).
const FEW_VECTORS: f64 = 8.0;

/// What an engine's kernels add to the laws.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KernelSoftware {
    /// Idle time of the device between two kernels that the host launches one by one, beyond the start inside a captured graph.
    pub gap: Seconds,
    /// Time that a unit needs for a cached value and a query head where attention over the cache runs on scalar lanes; zero where it runs
    /// on matrix units.
    pub lane: Seconds,
    /// Query heads to a key for which it runs on matrix units all the same; zero for none.
    pub matrix_group: f64,
    /// Bytes that a unit reads in a second where a matrix meets few vectors; zero where nothing but the memory limits it.
    pub unit_bandwidth: BytesPerSec,
    /// Whether narrow weights are expanded to 16 bits in memory where that is faster than the fused kernel.
    pub expands: bool,
}

impl KernelSoftware {
    /// Time of attention over the cache on scalar lanes: `2·b·q·h·L·d·lane / units`, each of q queries and each head reading keys and values by itself.
    ///
    /// Masked multi-head attention of FasterTransformer and of TensorRT-LLM before its kernels for grouped heads (XQA), and vLLM's paged
    /// attention over 8-bit caches.
    ///
    /// ```
    /// # use llmsweep_model::{kernel_software::KernelSoftware, law::DecodeShape, quantity::Seconds};
    /// let software = KernelSoftware { lane: Seconds(3.5e-11), matrix_group: 8.0, ..KernelSoftware::default() };
    /// // Falcon-180B on four devices: 58 query heads of 64 values, 64 sequences of 3,072 tokens.
    /// let shape = DecodeShape { batch: 64.0, context: 3072.0, longest: 3072.0, heads: 58.0, kv_heads: 2.0, head_dim: 64.0, queries: 1.0 };
    /// assert!((software.on_lanes(&shape, 132.0).0 - 3.87e-4).abs() < 1e-6);
    /// // Eight query heads to a key have a kernel of their own.
    /// let grouped = DecodeShape { heads: 16.0, ..shape };
    /// assert_eq!(software.on_lanes(&grouped, 132.0), Seconds(0.0));
    /// ```
    #[must_use]
    pub fn on_lanes(&self, shape: &DecodeShape, units: f64) -> Seconds {
        let &DecodeShape { batch, context, heads, kv_heads, head_dim, queries, .. } = shape;
        let on_matrix_units = (heads - self.matrix_group * kv_heads).abs() < 0.5;
        if self.lane <= Seconds::ZERO || on_matrix_units {
            return Seconds::ZERO;
        }
        self.lane * (2.0 * batch * queries * heads * context * head_dim / units)
    }

    /// Time of reading the weights where units can't keep enough bytes in flight: `w·n·k / (units·unit_bandwidth)`.
    #[must_use]
    pub fn few_vectors(&self, chip: &Chip, shape: &GemmShape) -> Seconds {
        if self.unit_bandwidth <= BytesPerSec::ZERO || shape.m > FEW_VECTORS {
            return Seconds::ZERO;
        }
        Bytes(chip.weight_bytes * shape.n * shape.k) / (self.unit_bandwidth * chip.units.max(1.0))
    }
}
