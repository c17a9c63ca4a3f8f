//! What takes the time.
use crate::kernel::{KernelModel, OpTime, Pass};
use crate::quantity::Seconds;
use crate::work::Op;

/// The resource that takes the largest share of a setup's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each variant's meaning is its entry in `doc`")]
pub enum Bottleneck {
    Compute,
    MemoryBandwidth,
    Host,
    TensorCommunication,
    ExpertCommunication,
    ContextCommunication,
    PipelineCommunication,
    DataCommunication,
    PipelineBubble,
    Optimizer,
    HostTransfer,
    Straggler,
    CacheCapacity,
    Prefill,
    Draft,
}

impl Bottleneck {
    /// Every bottleneck, in the order of its code.
    pub const ALL: [Self; 15] = [
        Self::Compute,
        Self::MemoryBandwidth,
        Self::Host,
        Self::TensorCommunication,
        Self::ExpertCommunication,
        Self::ContextCommunication,
        Self::PipelineCommunication,
        Self::DataCommunication,
        Self::PipelineBubble,
        Self::Optimizer,
        Self::HostTransfer,
        Self::Straggler,
        Self::CacheCapacity,
        Self::Prefill,
        Self::Draft,
    ];

    /// Position in [`Bottleneck::ALL`].
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Name in the `bottleneck` column.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::MemoryBandwidth => "memory_bandwidth",
            Self::Host => "host",
            Self::TensorCommunication => "tensor_communication",
            Self::ExpertCommunication => "expert_communication",
            Self::ContextCommunication => "context_communication",
            Self::PipelineCommunication => "pipeline_communication",
            Self::DataCommunication => "data_communication",
            Self::PipelineBubble => "pipeline_bubble",
            Self::Optimizer => "optimizer",
            Self::HostTransfer => "host_transfer",
            Self::Straggler => "straggler",
            Self::CacheCapacity => "cache_capacity",
            Self::Prefill => "prefill",
            Self::Draft => "draft",
        }
    }

    /// One sentence.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Compute => "Kernels that the matrix units bound.",
            Self::MemoryBandwidth => "Kernels that the memory bandwidth bounds.",
            Self::Host => "Kernel launches and the host's work per step.",
            Self::TensorCommunication => "Messages of tensor and sequence parallelism.",
            Self::ExpertCommunication => "Dispatch to experts and combination.",
            Self::ContextCommunication => "Keys and values passed around by context parallelism.",
            Self::PipelineCommunication => "Messages between pipeline stages.",
            Self::DataCommunication => "Gradients and weights exchanged by data parallelism.",
            Self::PipelineBubble => "Stages that wait for each other.",
            Self::Optimizer => "The optimizer's update.",
            Self::HostTransfer => "Transfers to and from the host's memory, and its update.",
            Self::Straggler => "Replicas that wait for the slowest.",
            Self::CacheCapacity => "Requests that wait for room in the key-value cache.",
            Self::Prefill => "Decode steps that wait for other requests' prefills.",
            Self::Draft => "Guessing tokens ahead for a step to check.",
        }
    }

    /// The resource with the largest time; the first of equals.
    #[must_use]
    pub fn largest(times: &[(Self, Seconds)]) -> Self {
        let mut best = (Self::Compute, Seconds(-1.0));
        for &(bottleneck, time) in times {
            if time > best.1 {
                best = (bottleneck, time);
            }
        }
        best.0
    }
}

/// Kernel time, split by what bounds each kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KernelTime {
    /// Of kernels that arithmetic bounds.
    pub compute: Seconds,
    /// Of kernels that bandwidth bounds.
    pub memory: Seconds,
    /// Of launches.
    pub launch: Seconds,
}

impl KernelTime {
    /// Of one kernel.
    #[inline]
    #[must_use]
    pub fn of(model: &KernelModel, op: &Op, pass: Pass) -> Self {
        let OpTime { busy, launch } = model.parts(op, pass);
        // FLOPs over peak against bytes over bandwidth.
        if op.flops.0 * model.bandwidth.0 > op.bytes.0 * model.plain_peak.max(model.peak).0 {
            Self { compute: busy, memory: Seconds::ZERO, launch }
        } else {
            Self { compute: Seconds::ZERO, memory: busy, launch }
        }
    }

    /// Of many kernels.
    #[must_use]
    pub fn of_all(model: &KernelModel, ops: &[Op], pass: Pass) -> Self {
        ops.iter().fold(Self::default(), |sum, op| sum.plus(Self::of(model, op, pass)))
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            compute: self.compute + other.compute,
            memory: self.memory + other.memory,
            launch: self.launch + other.launch,
        }
    }

    /// `factor` times it.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self { compute: self.compute * factor, memory: self.memory * factor, launch: self.launch * factor }
    }

    /// Without launches.
    #[must_use]
    pub fn busy(&self) -> Seconds {
        self.compute + self.memory
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.busy() + self.launch
    }
}
