//! Training, level row: gradients and weights exchanged by data parallelism, and the optimizer's update.
use super::training::{Step, TrainingLevels};
use super::training_times::{BlockTime, TrainingWork};
use crate::arch::ModelShape;
use crate::collective::Ring;
use crate::kernel::Pass;
use crate::memory::activations::Recompute;
use crate::memory::state::{DeviceParameters, ModelState, StateBytes, table_parameters};
use crate::parallel::pipeline::StageClass;
use crate::quantity::{Bytes, Seconds};
use crate::work::{Collective, Op};

/// Parameters of one device of a stage. Prediction layers stand on the last, with a copy of the embedding where the first is another.
pub(super) fn stage_parameters(shape: &ModelShape, work: &TrainingWork, stage: &StageClass) -> DeviceParameters {
    let mut sum = DeviceParameters::of_stage(shape, &work.parameters, stage, work.split.tensor);
    if stage.last && work.prediction_layers > 0.0 {
        sum.dense += work.prediction_parameters.dense;
        sum.experts += work.prediction_parameters.experts;
        if !stage.first && !shape.tied_embeddings {
            sum.dense += table_parameters(shape) / work.split.tensor;
        }
    }
    sum
}

/// Parameters of a bucket of gradients on `ranks` data-parallel ranks: `max(40 M, 1 M · ranks)`, so that the parts that a ring passes on stay
/// large (Megatron-LM, `DistributedDataParallelConfig.bucket_size`).
///
/// ```
/// # use llmsweep_model::phase::exchange::bucket_parameters;
/// assert_eq!((bucket_parameters(8.0), bucket_parameters(128.0)), (40e6, 128e6));
/// ```
#[must_use]
pub fn bucket_parameters(ranks: f64) -> f64 {
    (1e6 * ranks).max(40e6)
}

/// How many messages carry a stage's dense parameters and its experts.
#[derive(Clone, Copy)]
struct Units {
    dense: f64,
    experts: f64,
}

impl Units {
    fn most(self) -> f64 {
        self.dense.max(self.experts)
    }
}

impl Step<'_> {
    /// Exposed data-parallel messages and the optimizer's update, on the stage with the most parameters.
    ///
    /// Gradients are scattered in buckets while the last micro-batch runs backward, and summed over the copies of what ZeRO shards; weights
    /// are gathered in buckets while the next step starts forward. ZeRO-2 scatters after every micro-batch. ZeRO-3 gathers the weights of one
    /// unit ahead of the unit at work, forward and backward, for every micro-batch, a unit being a layer, the embedding or the LM head
    /// (Zhao et al. 2023, arXiv:2304.11277, section 3.3). The sum over copies waits for the last micro-batch.
    pub(super) fn exchange(&self, slowest: &BlockTime, between_stages: Seconds) -> (Seconds, Seconds) {
        let TrainingLevels { shape, precision, work, device, system, .. } = self.levels;
        let Self { setup, placement, micro_batches, .. } = self;
        let bytes = StateBytes::of(precision, setup.optimizer);
        let fabric = &device.accelerator.fabric;
        let (dense_ring, expert_ring) = (placement.data_ring(), placement.expert_data_ring());
        let (dense, experts) = (placement.sharding(), placement.expert_sharding());
        // Every stage takes the slowest one's time per micro-batch, of which the forward pass is one part in three, or in four where it runs
        // again. Messages of other groups through the same port leave the rest of that time.
        let free = (slowest.total() - slowest.network - between_stages).max(Seconds::ZERO);
        let forward = free / if work.layout.recompute == Recompute::Full { 4.0 } else { 3.0 };
        let backward = free - forward;
        // Chunks of an interleaved schedule finish one by one: gradients of the first have the others' time to travel. What is sent for every
        // micro-batch has that micro-batch's time alone.
        let window = if setup.virtual_pipeline > 1 && setup.zero_stage < 2 {
            micro_batches.min(f64::from(setup.pipeline))
        } else {
            1.0
        };
        let width = system.gradient_message_bytes;
        let mut worst = (Seconds::ZERO, Seconds::ZERO);
        for stage in self.stages {
            let parameters = stage_parameters(shape, work, stage);
            let state = ModelState::of(&parameters, &bytes, setup.zero_stage, dense.shards.size, experts.shards.size);
            let units = self.units(stage, &parameters);
            let of = |collective, part: &DeviceParameters, width: f64, (dense, experts): (Ring, Ring)| {
                let one = |parameters: f64, units: f64, ring: Ring| {
                    device.collectives.time(collective, Bytes(parameters / units * width), ring, fabric) * units
                };
                one(part.dense, units.dense, dense) + one(part.experts, units.experts, experts)
            };
            let time = |collective, width, rings| of(collective, &parameters, width, rings);
            let shards = (dense.shards, experts.shards);
            let (scatter, gather) = if setup.zero_stage == 0 {
                (time(Collective::AllReduce, width, (dense_ring, expert_ring)), Seconds::ZERO)
            } else {
                (time(Collective::ReduceScatter, width, shards), time(Collective::AllGather, bytes.weight, shards))
            };
            let sum = if setup.zero_stage == 0 || setup.data_parallel_replicate == 1 {
                Seconds::ZERO
            } else {
                let part = DeviceParameters {
                    dense: parameters.dense / dense.shards.size,
                    experts: parameters.experts / experts.shards.size,
                };
                of(Collective::AllReduce, &part, width, (dense.copies, experts.copies))
            };
            let exposed = |message, kernels: Seconds| system.data_exposed(message, units.most(), kernels * window);
            let before_last = micro_batches - 1.0;
            let data = match setup.zero_stage {
                0 | 1 => exposed(scatter + sum, backward) + exposed(gather, forward),
                2 => {
                    exposed(scatter, backward) * before_last
                        + exposed(scatter + sum, backward)
                        + exposed(gather, forward)
                }
                _ => {
                    exposed(gather, forward) * *micro_batches
                        + exposed(gather + scatter, backward) * before_last
                        + exposed(gather + scatter + sum, backward)
                }
            };
            // Gradient read, master and moments read and written, weight written; sharded like the state.
            let updated = state.optimizer / bytes.optimizer;
            let passes =
                Op::memory("optimizer", updated * (bytes.gradient + 2.0 * bytes.optimizer + bytes.weight), 1.0);
            let update = device.kernels.busy_time(&passes, Pass::Forward);
            if data + update > worst.0 + worst.1 {
                worst = (data, update);
            }
        }
        worst
    }

    /// Buckets of every chunk, or with ZeRO-3 layers and ends.
    fn units(&self, stage: &StageClass, parameters: &DeviceParameters) -> Units {
        if self.setup.zero_stage == 3 {
            let ends = f64::from(u8::from(stage.first)) + f64::from(u8::from(stage.last));
            let units = stage.layer_count() + ends;
            return Units { dense: units, experts: units };
        }
        let chunks = f64::from(self.setup.virtual_pipeline);
        let bucket = bucket_parameters(self.placement.data_ring().size) * chunks;
        let buckets = |parameters: f64| (parameters / bucket).ceil().max(1.0) * chunks;
        Units { dense: buckets(parameters.dense), experts: buckets(parameters.experts) }
    }
}
