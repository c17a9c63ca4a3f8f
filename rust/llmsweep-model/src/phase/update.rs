//! Training, level row: the optimizer's update, on the device or on its host.
use super::training::{Counted, TrainingLevels};
use super::training_stage::TrainingStage;
use super::training_state::Offload;
use crate::kernel::Pass;
use crate::law::GemmShape;
use crate::memory::state::{DeviceParameters, Optimizer};
use crate::quantity::{Bytes, Flops, Seconds};
use crate::work::orthogonalise::whole_matrices;
use crate::work::{Collective, Kernel, Op, Part};

/// Time of an update.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Update {
    /// On the device.
    pub(super) device: Seconds,
    /// Gradients to the host, its update and the weights back.
    pub(super) host: Seconds,
}

/// Time in which a stage's trained matrices get new narrow copies.
pub(super) fn cast_weights(levels: &TrainingLevels, stage: &TrainingStage) -> Seconds {
    let TrainingLevels { device, work, .. } = *levels;
    let casts = if work.layout.mode.frozen() { 0.0 } else { work.cast_traffic * stage.parameters.layers.total() };
    device.kernels.streaming(Bytes(casts))
}

impl Counted<'_> {
    /// The update of a stage: gradient read, master and moments read and written, weight written, sharded like the state; Muon's
    /// orthogonalisation before, and `cast` ([`cast_weights`]) after.
    ///
    /// On the host the same bytes pass through its memory, between the gradients' way there and the weights' way back (ZeRO-Offload, Ren et
    /// al. 2021, arXiv:2101.06840, section 4). The time that the backward pass has
    /// left after the exchange of gradients hides their way, unless activations are on it.
    pub(super) fn update(
        &self,
        levels: &TrainingLevels,
        stage: &TrainingStage,
        cast: Seconds,
        left: Seconds,
    ) -> Update {
        let TrainingLevels { precision, device, system, .. } = *levels;
        let (bytes, parameters) = (&self.bytes, &stage.parameters);
        let plain = precision.unquantised_bytes();
        let updated = self.updated(parameters);
        let passes = updated * (bytes.gradient + 2.0 * bytes.optimizer + plain);
        let after = cast + self.orthogonalised(levels, stage);
        if !Offload::Optimizer.is_in(self.setup.offload) {
            return Update { device: device.kernels.streaming(Bytes(passes)) + after, host: Seconds::ZERO };
        }
        let link = device.accelerator.host_bandwidth;
        let hidden = if Offload::Activations.is_in(self.setup.offload) { Seconds::ZERO } else { left };
        let down = (Bytes(updated * bytes.gradient) / link - hidden).max(Seconds::ZERO);
        let host = down + Bytes(passes) / system.host_memory_bandwidth + Bytes(updated * plain) / link;
        Update { device: after, host }
    }

    /// Muon: five Newton–Schulz steps on whole matrices, each on one of the ranks that share the state, to which its shards are gathered
    /// in 16 bits (Liu et al. 2025, arXiv:2502.16982, section 2.3).
    fn orthogonalised(&self, levels: &TrainingLevels, stage: &TrainingStage) -> Seconds {
        let TrainingLevels { shape, device, work, .. } = *levels;
        if self.setup.optimizer != Optimizer::Muon || work.layout.mode.frozen() {
            return Seconds::ZERO;
        }
        let mut flops = DeviceParameters::default();
        for (matrices, count) in work.orthogonalised.iter().zip(stage.class.layers) {
            flops.add(matrices, count);
        }
        let placement = &self.groups.placement;
        let (dense, experts) = (placement.data_ring(), placement.expert_data_ring());
        let shards = if self.setup.zero_stage == 0 { (1.0, 1.0) } else { (dense.size, experts.size) };
        let flops = flops.dense / shards.0 + flops.experts / shards.1;
        let side = f64::from(shape.hidden);
        let one = whole_matrices(side);
        let op = Op {
            name: "orthogonalisation",
            kernel: Kernel::PlainGemm(GemmShape { m: side, n: side, k: side }),
            count: flops / one,
            flops: Flops(flops),
            bytes: Bytes(6.0 * side * side * flops / one),
            launches: 1.0,
            part: Part::Rest,
        };
        let fabric = &device.accelerator.fabric;
        let gather = |parameters: f64, ring| {
            device.collectives.time(Collective::AllGather, Bytes(parameters * 2.0), ring, fabric)
        };
        let gathered = if self.setup.zero_stage == 0 {
            Seconds::ZERO
        } else {
            gather(stage.parameters.layers.dense, dense) + gather(stage.parameters.layers.experts, experts)
        };
        device.kernels.busy_time(&op, Pass::Forward) + gathered
    }
}
