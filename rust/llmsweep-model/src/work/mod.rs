//! What has to be done, counted without knowing any hardware: kernels with their FLOPs and bytes, and messages between devices.
//!
//! Everything is per device. `h` hidden, `a` query heads, `g` key-value heads, `d` head channels, `f` intermediate channels, `t` tensor
//! parallel.

pub mod adapters;
pub mod attention;
pub mod backward;
pub mod context;
pub mod decode;
pub mod experts;
pub mod forward;
pub mod launches;
pub mod linear;
pub mod names;
pub mod orthogonalise;
pub mod part;
pub mod prediction;
pub mod recipe;

use crate::law::{ConvolutionShape, DecodeShape, GemmShape, GroupedShape, LatentDecodeShape, LatentWidths};
use crate::parallel::context::ContextExchange;
use crate::quantity::{Bytes, Flops};
pub use part::Part;

/// Which law times a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kernel {
    /// A matrix multiplication with quantised weights, in the precision's compute format.
    Gemm(GemmShape),
    /// A matrix multiplication that is never quantised (LM head, router), in 16 bits.
    PlainGemm(GemmShape),
    /// The cast of an operand before a multiplication.
    Quantise {
        /// Rows: tokens.
        rows: f64,
        /// Values in a row.
        width: f64,
    },
    /// An expert layer: up, activation function, down, one group of rows per expert.
    Experts(GroupedShape),
    /// Attention of many queries at once (training, prefill), in 16 bits.
    Attention(Scores),
    /// The same with keys and values expanded from a latent.
    LatentAttention(Scores, LatentWidths),
    /// Attention whose score matrix goes through memory.
    UnfusedAttention(Scores),
    /// Attention of one query per request over the cache (decode).
    CacheRead(DecodeShape),
    /// The same over a latent cache (MLA in absorbed form).
    LatentCacheRead(LatentDecodeShape),
    /// The short convolution of a linear mixer.
    Convolution(ConvolutionShape),
    /// A pass over memory: norms, activation functions, casts, permutations, recurrent states.
    Elementwise,
    /// A recurrence over many tokens.
    Scan,
}

/// Scores of many queries at once on one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// Sequences.
    pub sequences: f64,
    /// Queries of all sequences.
    pub queries: f64,
    /// Query-key pairs of all sequences, per head.
    pub pairs: f64,
    /// Keys of one sequence. \[tokens\]
    pub keys: f64,
    /// Keys that the query with the most of them sees. \[tokens\]
    pub longest: f64,
    /// Query heads.
    pub heads: f64,
    /// Key-value heads.
    pub kv_heads: f64,
    /// Channels of a query and of a key.
    pub query_dim: f64,
    /// Channels of a value.
    pub value_dim: f64,
}

/// One kernel, or several of one kind, of one device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Op {
    /// What it does, as `explain` prints it.
    pub name: &'static str,
    /// The law that times it.
    pub kernel: Kernel,
    /// How many times.
    pub count: f64,
    /// Floating-point operations of all.
    pub flops: Flops,
    /// Bytes moved between memory and chip by all.
    pub bytes: Bytes,
    /// Kernels launched.
    pub launches: f64,
    /// The part of a layer that it belongs to.
    pub part: Part,
}

impl Op {
    /// A pass over memory without arithmetic that matters.
    #[must_use]
    pub fn memory(name: &'static str, bytes: f64, launches: f64) -> Self {
        Self {
            name,
            kernel: Kernel::Elementwise,
            count: 1.0,
            flops: Flops::ZERO,
            bytes: Bytes(bytes),
            launches,
            part: Part::Rest,
        }
    }

    /// The same as a part of its layer.
    #[must_use]
    pub fn in_part(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// The kernels of the backward pass: two matrix multiplications for one (gradients of input and of weight), five attention
    /// multiplications for two (the scores are computed again; Dao et al., arXiv:2205.14135, algorithm 4), and a half more memory passes.
    #[must_use]
    pub fn backward(self) -> Self {
        let factor = match self.kernel {
            Kernel::Attention(_) | Kernel::LatentAttention(..) => 2.5,
            Kernel::UnfusedAttention(_)
            | Kernel::Gemm(_)
            | Kernel::PlainGemm(_)
            | Kernel::Experts(_)
            | Kernel::Convolution(_)
            | Kernel::Scan => 2.0,
            Kernel::CacheRead(_) | Kernel::LatentCacheRead(_) | Kernel::Quantise { .. } | Kernel::Elementwise => 1.5,
        };
        let backward = self.repeated(factor);
        if matches!(self.kernel, Kernel::UnfusedAttention(_)) {
            return Self { bytes: self.bytes * UNFUSED_BACKWARD_BYTES, ..backward };
        }
        backward
    }

    /// The same where weights are frozen: gradients of inputs alone.
    #[must_use]
    pub fn backward_of_input(self) -> Self {
        match self.kernel {
            Kernel::Gemm(_) | Kernel::PlainGemm(_) | Kernel::Experts(_) => self,
            _ => self.backward(),
        }
    }

    fn repeated(self, factor: f64) -> Self {
        Self {
            count: self.count * factor,
            flops: self.flops * factor,
            bytes: self.bytes * factor,
            launches: (self.launches * factor).ceil(),
            ..self
        }
    }
}

/// Bytes of unfused attention's backward pass over its forward pass: gradient of the result written, dropout (read, write), softmax (two
/// reads, a write), and gradients of queries, keys and values (a read each, two of them shared by a batched product): 7.5 passes after 6.
const UNFUSED_BACKWARD_BYTES: f64 = 1.25;

/// The pattern of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Collective {
    /// Every rank ends with the sum of all.
    AllReduce,
    /// Every rank ends with all parts.
    AllGather,
    /// Every rank ends with its part of the sum.
    ReduceScatter,
    /// Every rank sends a different part to every other.
    AllToAll,
    /// One rank sends to one other.
    PointToPoint,
}

/// The group of ranks that takes part in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Tensor-parallel ranks.
    Tensor,
    /// Context-parallel ranks.
    Context,
    /// Expert-parallel ranks.
    Expert,
    /// Ranks that share one expert's matrices.
    ExpertTensor,
    /// Ranks that hold neighbouring pipeline stages.
    Pipeline,
    /// Data-parallel ranks.
    Data,
}

/// A message of one device, repeated `count` times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// What it carries.
    pub name: &'static str,
    /// Pattern.
    pub collective: Collective,
    /// Ranks.
    pub group: Group,
    /// The whole buffer: what is reduced, what is gathered, or what one rank sends away.
    pub bytes: Bytes,
    /// How many times.
    pub count: f64,
    /// Where tokens go to their experts or come back: what an exchange kernel needs to know.
    pub routed: Option<Routed>,
    /// The part of a layer that it belongs to.
    pub part: Part,
}

/// Tokens on their way to experts or back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routed {
    /// Tokens of one rank, each counted once.
    pub bytes: Bytes,
    /// Experts that a token chooses.
    pub top_k: f64,
    /// Experts of the layer.
    pub experts: f64,
    /// Whether they come back.
    pub back: bool,
    /// Whether in a captured graph, where nothing can wait for the host to learn how many tokens arrive.
    pub captured: bool,
}

/// How a model is spread over devices, as far as one layer can tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Tensor-parallel size, `t`.
    pub tensor: f64,
    /// Whether norms and residuals are split over the tensor-parallel group too (Korthikanti et al. 2022).
    pub sequence_parallel: bool,
    /// Context-parallel size.
    pub context: f64,
    /// What context-parallel ranks send each other.
    pub context_exchange: ContextExchange,
    /// Expert-parallel size.
    pub expert: f64,
    /// Devices that share one expert's matrices.
    pub expert_tensor: f64,
}

impl Split {
    /// Everything on one device.
    pub const NONE: Self = Self {
        tensor: 1.0,
        sequence_parallel: false,
        context: 1.0,
        context_exchange: ContextExchange::Ring,
        expert: 1.0,
        expert_tensor: 1.0,
    };

    /// Devices over which the residual stream's tokens are split by sequence parallelism.
    #[must_use]
    pub fn residual(&self) -> f64 {
        if self.sequence_parallel { self.tensor } else { 1.0 }
    }

    /// Attention replicas whose tokens meet in the same experts: they compute their steps together.
    ///
    /// ```
    /// # use llmsweep_model::work::Split;
    /// let split = Split { tensor: 2.0, expert: 8.0, ..Split::NONE };
    /// assert_eq!((split.replicas_in_step(), Split::NONE.replicas_in_step()), (4.0, 1.0));
    /// ```
    #[must_use]
    pub fn replicas_in_step(&self) -> f64 {
        (self.expert * self.expert_tensor / self.tensor).max(1.0)
    }

    /// Key-value heads on one device: they can't be split further than one each.
    ///
    /// ```
    /// # use llmsweep_model::work::Split;
    /// let split = Split { tensor: 16.0, ..Split::NONE };
    /// assert_eq!((split.kv_heads(8), split.kv_heads(32)), (1.0, 2.0));
    /// ```
    #[must_use]
    pub fn kv_heads(&self, kv_heads: u32) -> f64 {
        (f64::from(kv_heads) / self.tensor).max(1.0)
    }
}

/// The tokens that one device works on at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Rows of the matrix multiplications.
    pub rows: f64,
    /// Sequences that they belong to.
    pub sequences: f64,
    /// Tokens of one whole sequence (over all context-parallel ranks).
    pub sequence_length: f64,
    /// Tokens of each sequence before these, whose keys and values are there already: earlier chunks of a prompt, or a cached prefix.
    pub past: f64,
}

impl Tokens {
    /// `sequences` whole sequences split over `context` devices.
    #[must_use]
    pub fn of_sequences(sequences: f64, sequence_length: f64, context: f64) -> Self {
        Self { rows: sequences * sequence_length / context, sequences, sequence_length, past: 0.0 }
    }

    /// The same tokens, each sequence's behind `past` others.
    #[must_use]
    pub fn after(self, past: f64) -> Self {
        Self { past, ..self }
    }

    /// Query-key pairs per head on one of `context` devices that share the causal work evenly: `c·p + c²/2` for c tokens behind p. Chunks
    /// of a sequence have together the pairs of the whole.
    ///
    /// ```
    /// # use llmsweep_model::work::Tokens;
    /// let chunk = Tokens::of_sequences(1.0, 1024.0, 1.0).after(3072.0);
    /// assert_eq!(chunk.causal_pairs(None, 1.0), 1024.0 * 3072.0 + 1024.0 * 1024.0 / 2.0);
    /// assert_eq!(chunk.causal_pairs(Some(512.0), 1.0), 1024.0 * 512.0);
    /// ```
    #[must_use]
    pub fn causal_pairs(&self, window: Option<f64>, context: f64) -> f64 {
        let before = if self.past > 0.0 { causal_pairs(self.past, window) } else { 0.0 };
        self.sequences * (causal_pairs(self.past + self.sequence_length, window) - before) / context
    }

    /// Keys of one sequence that these tokens see: their own, and of those before no more than a window.
    #[must_use]
    pub fn keys(&self, window: Option<f64>) -> f64 {
        self.sequence_length + window.map_or(self.past, |window| window.min(self.past))
    }
}

/// Query-key pairs of one causal sequence: `s²/2`, or `w·s − w²/2` where only `w` past tokens are seen.
///
/// ```
/// # use llmsweep_model::work::causal_pairs;
/// assert_eq!(causal_pairs(4096.0, None), 8_388_608.0);
/// assert_eq!(causal_pairs(4096.0, Some(1024.0)), 3_670_016.0);
/// ```
#[must_use]
pub fn causal_pairs(sequence_length: f64, window: Option<f64>) -> f64 {
    let seen = window.map_or(sequence_length, |window| window.min(sequence_length));
    seen * sequence_length - seen * seen / 2.0
}

/// Bytes per value of each kind of data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Widths {
    /// A quantised weight.
    pub weight: f64,
    /// A weight that is never quantised.
    pub plain_weight: f64,
    /// An activation entering a quantised matrix multiplication.
    pub operand: f64,
    /// An activation in memory: residual stream, results of matrix multiplications.
    pub activation: f64,
    /// Whether operands are cast (quantised) by a pass of their own.
    pub casts: bool,
    /// Whether experts alone are quantised.
    pub only_experts: bool,
}

impl Widths {
    /// The widths of a precision.
    #[must_use]
    pub fn of(precision: &crate::precision::Precision) -> Self {
        let activation = precision.unquantised_bytes();
        let operand = precision.activation_bytes().min(activation);
        Self {
            weight: precision.weight_bytes(),
            plain_weight: activation,
            operand,
            activation,
            casts: operand < activation,
            only_experts: false,
        }
    }

    /// A weight of a layer's matrices outside its experts.
    #[must_use]
    pub fn dense_weight(&self) -> f64 {
        if self.only_experts { self.plain_weight } else { self.weight }
    }
}

/// Collects the kernels and messages of a layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// Kernels.
    pub ops: Vec<Op>,
    /// Messages.
    pub messages: Vec<Message>,
}

impl Work {
    /// FLOPs of all kernels.
    #[must_use]
    pub fn flops(&self) -> Flops {
        self.ops.iter().map(|op| op.flops).sum()
    }

    /// Says of everything that has no part yet which one it is of.
    pub fn mark(&mut self, part: Part) {
        let ops = self.ops.iter_mut().map(|op| &mut op.part);
        let messages = self.messages.iter_mut().map(|message| &mut message.part);
        ops.chain(messages).filter(|own| **own == Part::Rest).for_each(|own| *own = part);
    }

    /// Says that the operand of the last multiplication comes from this part: its cast is run again with it.
    pub fn operand_from(&mut self, part: Part) {
        if let [.., cast, _] = &mut self.ops[..]
            && matches!(cast.kernel, Kernel::Quantise { .. })
        {
            cast.part = part;
        }
    }

    /// Adds all of another's.
    pub fn append(&mut self, mut other: Self) {
        self.ops.append(&mut other.ops);
        self.messages.append(&mut other.messages);
    }

    /// A matrix multiplication `m × k` by `k × n` outside the experts, with quantised weights and the cast of its operand where the format
    /// needs one, or like those that are never quantised.
    pub fn gemm(&mut self, name: &'static str, m: f64, n: f64, k: f64, widths: &Widths) {
        if widths.only_experts {
            return self.plain_gemm(name, m, n, k, widths);
        }
        if widths.casts {
            self.ops.push(Op {
                name: "cast",
                kernel: Kernel::Quantise { rows: m, width: k },
                count: 1.0,
                flops: Flops::ZERO,
                bytes: Bytes(m * k * (widths.activation + widths.operand)),
                launches: 0.0,
                part: Part::Rest,
            });
        }
        self.ops.push(Op {
            name,
            kernel: Kernel::Gemm(GemmShape { m, n, k }),
            count: 1.0,
            flops: Flops(2.0 * m * n * k),
            bytes: Bytes(m * k * widths.operand + k * n * widths.weight + m * n * widths.activation),
            launches: 1.0,
            part: Part::Rest,
        });
    }

    /// A matrix multiplication that is never quantised.
    pub fn plain_gemm(&mut self, name: &'static str, m: f64, n: f64, k: f64, widths: &Widths) {
        self.ops.push(Op {
            name,
            kernel: Kernel::PlainGemm(GemmShape { m, n, k }),
            count: 1.0,
            flops: Flops(2.0 * m * n * k),
            bytes: Bytes((m * k + m * n) * widths.activation + k * n * widths.plain_weight),
            launches: 1.0,
            part: Part::Rest,
        });
    }

    /// A message.
    pub fn message(&mut self, name: &'static str, collective: Collective, group: Group, bytes: f64) {
        self.messages.push(Message {
            name,
            collective,
            group,
            bytes: Bytes(bytes),
            count: 1.0,
            routed: None,
            part: Part::Rest,
        });
    }
}
