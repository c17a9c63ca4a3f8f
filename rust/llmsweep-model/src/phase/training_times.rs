//! Training, levels work to time: how long what one micro-batch does takes.
pub use super::training_layout::TrainingLayout;
pub use super::training_work::{TrainingWork, kinds_of};

use super::Device;
use super::share::KernelTime;
use super::training_messages as messages;
use crate::kernel::Pass;
use crate::memory::activations::Recompute;
use crate::memory::state::GradientPrecision;
use crate::parallel::pipeline::MAX_KINDS;
use crate::quantity::Seconds;
use crate::system::TrainingSystem;
use crate::work::backward::Backward;
use crate::work::{Group, Kernel, Op, Part, Work};

/// Time of one micro-batch in one layer, or in the embedding or the LM head.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockTime {
    /// Kernels of the forward pass.
    pub forward: KernelTime,
    /// Kernels of the backward pass, recomputation included.
    pub backward: KernelTime,
    /// Of the backward pass, the part that makes gradients of weights, which other stages don't wait for.
    pub weight: Seconds,
    /// What the host adds where it is slower than the device.
    pub host: Seconds,
    /// Exposed tensor-parallel messages, both passes.
    pub tensor: Seconds,
    /// Exposed expert messages, both passes.
    pub expert: Seconds,
    /// Exposed context-parallel messages, both passes.
    pub context: Seconds,
    /// Time that these messages, exposed or not, hold the device's link to the network: what data parallelism cannot have.
    pub network: Seconds,
}

impl BlockTime {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.forward.busy() + self.backward.busy() + self.host + self.tensor + self.expert + self.context
    }
}

/// Level *time*: the work of a micro-batch on one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingTimes {
    /// One layer of each kind.
    pub layers: [BlockTime; MAX_KINDS],
    /// The same where nothing is run again.
    pub plain: [BlockTime; MAX_KINDS],
    /// The embedding.
    pub embedding: BlockTime,
    /// The LM head and the loss.
    pub head: BlockTime,
    /// All prediction layers, without their logits.
    pub prediction: BlockTime,
}

impl TrainingTimes {
    /// Times counted work on a device.
    #[must_use]
    pub fn of(work: &TrainingWork, device: &Device, system: &TrainingSystem) -> Self {
        let timed = Timed { work, device, system };
        let nothing = Work::default();
        let (mut layers, mut plain) = ([BlockTime::default(); MAX_KINDS], [BlockTime::default(); MAX_KINDS]);
        for (index, (layer, backward)) in work.layers.iter().zip(&work.backward).enumerate() {
            let gradients = work.trained[index].total();
            layers[index] = timed.layer(layer, &backward.ops, &backward.again, gradients, 1.0);
            plain[index] = match work.layout.recompute {
                Recompute::None => layers[index],
                _ => timed.layer(layer, &backward.ops, &nothing, gradients, 1.0),
            };
        }
        let prediction = if work.prediction_layers > 0.0 {
            let Backward { ops, again } = &work.prediction_backward;
            timed.layer(&work.prediction, ops, again, work.prediction_trained.total(), work.prediction_layers)
        } else {
            BlockTime::default()
        };
        let frozen = work.layout.mode.frozen();
        let gradients = |own: f64, adapter: f64| if frozen { adapter } else { own };
        let (embedding, head) =
            (gradients(work.embedding_parameters, 0.0), gradients(work.head_parameters, work.head_adapter.total()));
        Self {
            layers,
            plain,
            embedding: timed.end(&work.embedding, &work.embedding_backward.ops, embedding),
            head: timed.end(&work.head, &work.head_backward.ops, head),
            prediction,
        }
    }
}

/// What times the blocks of a micro-batch.
struct Timed<'a> {
    work: &'a TrainingWork,
    device: &'a Device,
    system: &'a TrainingSystem,
}

impl Timed<'_> {
    /// Embedding or LM head, with the accumulation of its gradient.
    fn end(&self, block: &Work, backward: &[Op], gradients: f64) -> BlockTime {
        let time = self.block(block, backward, &Work::default());
        self.with_accumulation(time, gradients)
    }

    /// A micro-batch's gradient is added to the sum of the step: fewer bytes where the sum is narrow.
    fn with_accumulation(&self, time: BlockTime, gradients: f64) -> BlockTime {
        let narrow = self.work.layout.gradient.bytes() / GradientPrecision::Fp32.bytes();
        let bytes = self.system.gradient_accumulation_bytes * narrow * gradients;
        let accumulation = Op::memory("gradient accumulation", bytes, 0.0);
        let accumulation = KernelTime::of(&self.device.kernels, &accumulation, Pass::Backward);
        BlockTime { backward: time.backward.plus(accumulation), weight: time.weight + accumulation.busy(), ..time }
    }

    /// `layers` layers whose weights have `gradients` values together.
    fn layer(&self, layer: &Work, backward: &[Op], again: &Work, gradients: f64, layers: f64) -> BlockTime {
        let system = self.system;
        let mut time = self.with_accumulation(self.block(layer, backward, again), gradients);
        // The ring counts with the kernels that hide it: shorter kernels that bare more of it leave the host as much to hide.
        let busy = time.forward.busy() + time.backward.busy() + time.context;
        let whole_again = self.work.layout.recompute == Recompute::Full && !again.ops.is_empty();
        let passes = if whole_again { 4.0 } else { 3.0 };
        let messages: f64 =
            layer.messages.iter().filter(|message| message.group == Group::Tensor).map(|message| message.count).sum();
        let launches = system.layer_launches * layers + system.tensor_launches * messages;
        let mut host = system.host_launch * (launches * passes);
        if layer.ops.iter().any(|op| matches!(op.kernel, Kernel::Experts(_))) {
            host = host.max(system.expert_layer_floor * layers);
        }
        let waited = host * system.host_exposed;
        time.host = sixth_norm(busy, host - waited) - busy + waited;
        time
    }

    /// Time of the gradient of the weights of a kernel of the backward pass; frozen weights have none.
    fn weight_gradient(&self, op: &Op) -> Seconds {
        let multiplies = matches!(op.kernel, Kernel::Gemm(_) | Kernel::PlainGemm(_) | Kernel::Experts(_));
        if !multiplies || (self.work.layout.mode.frozen() && op.part != Part::Adapter) {
            return Seconds::ZERO;
        }
        self.device.kernels.busy_time(op, Pass::Backward) * WEIGHT_SHARE
    }

    fn block(&self, block: &Work, backward: &[Op], again: &Work) -> BlockTime {
        let kernels = &self.device.kernels;
        let forward = KernelTime::of_all(kernels, &block.ops, Pass::Forward);
        let repeated = KernelTime::of_all(kernels, &again.ops, Pass::Forward);
        let exposed = messages::exposed(block, backward, again, self.work, self.device, self.system);
        BlockTime {
            forward,
            weight: backward.iter().map(|op| self.weight_gradient(op)).sum(),
            backward: KernelTime::of_all(kernels, backward, Pass::Backward).plus(repeated),
            host: Seconds::ZERO,
            tensor: exposed.tensor,
            expert: exposed.expert,
            context: exposed.context,
            network: exposed.network,
        }
    }
}

/// Of a multiplication's backward pass, the part that is the gradient of its weights: one of two multiplications of the same size
/// (Qi et al. 2024, arXiv:2401.10241, table 1). Attention, norms and activation functions have no weights to speak of.
const WEIGHT_SHARE: f64 = 0.5;

/// `(a⁶ + b⁶)^(1/6)`: the slower of device and host, smooth where they meet.
fn sixth_norm(one: Seconds, other: Seconds) -> Seconds {
    let (low, high) = (one.min(other), one.max(other));
    let ratio = low / high;
    high * (1.0 + ratio.powi(6)).powf(1.0 / 6.0)
}
