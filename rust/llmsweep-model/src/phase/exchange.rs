//! Training, level row: gradients and weights exchanged by data parallelism, and the optimizer's update.
use super::training::{Step, TrainingLevels};
use super::training_times::BlockTime;
use super::update::Update;
use crate::collective::Ring;
use crate::memory::activations::Recompute;
use crate::memory::state::{DeviceParameters, StageParameters};
use crate::parallel::pipeline::StageClass;
use crate::quantity::{Bytes, Seconds};
use crate::work::Collective;

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

/// Times of a stage's messages.
#[derive(Clone, Copy, Default)]
struct Messages {
    scatter: Seconds,
    gather: Seconds,
    sum: Seconds,
}

impl Units {
    fn most(self) -> f64 {
        self.dense.max(self.experts)
    }
}

impl Step<'_> {
    /// Forward and backward pass of a micro-batch: every stage takes the slowest one's time, of which the forward pass is one part in three,
    /// or in four where it runs again.
    pub(super) fn passes(&self, time: Seconds) -> (Seconds, Seconds) {
        let whole_again = self.levels.work.layout.recompute == Recompute::Full;
        let forward = time / if whole_again { 4.0 } else { 3.0 };
        (forward, time - forward)
    }

    /// Exposed data-parallel messages and the optimizer's update, on the stage with the most of both.
    ///
    /// Gradients are scattered in buckets while the last micro-batch runs backward, and summed over the copies of what ZeRO shards; weights
    /// are gathered in buckets while the next step starts forward. ZeRO-2 scatters after every micro-batch. ZeRO-3 gathers the weights of one
    /// unit ahead of the unit at work, forward and backward, for every micro-batch, a unit being a layer, the embedding or the LM head
    /// (Zhao et al. 2023, arXiv:2304.11277, section 3.3). The sum over copies waits for the last micro-batch.
    pub(super) fn exchange(&self, slowest: &BlockTime, between_stages: Seconds) -> (Seconds, Update) {
        let TrainingLevels { system, .. } = self.levels;
        let Self { setup, micro_batches, .. } = self;
        // Messages of other groups through the same port leave the rest of that time.
        let (forward, backward) = self.passes((slowest.total() - slowest.network - between_stages).max(Seconds::ZERO));
        // Chunks of an interleaved schedule finish one by one: gradients of the first have the others' time to travel. What is sent for every
        // micro-batch has that micro-batch's time alone.
        let window = if setup.virtual_pipeline > 1 && setup.zero_stage < 2 {
            micro_batches.min(f64::from(setup.pipeline))
        } else {
            1.0
        };
        let mut worst = (Seconds::ZERO, Update::default());
        for stage in self.stages {
            let parameters = &stage.parameters;
            let units = self.units(&stage.class, &parameters.held);
            let Messages { scatter, gather, sum } = self.messages(parameters, units);
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
            let behind = if setup.zero_stage == 3 { gather + scatter } else { scatter };
            let update = self.update(stage, (backward - behind).max(Seconds::ZERO));
            let total = data + update.device + update.host;
            if total > worst.0 + worst.1.device + worst.1.host {
                worst = (data, update);
            }
        }
        worst
    }

    /// A stage's messages, each of them in units: trained gradients, weights, and the sum over copies of what ZeRO shards.
    fn messages(&self, parameters: &StageParameters, units: Units) -> Messages {
        let TrainingLevels { device, system, precision, .. } = self.levels;
        let Self { setup, placement, .. } = self;
        let bytes = &self.bytes;
        let plain = precision.unquantised_bytes();
        let fabric = &device.accelerator.fabric;
        let (dense, experts) = (&self.dense, &self.experts);
        let time = |collective, part: &DeviceParameters, width: f64, (dense, experts): (Ring, Ring)| {
            let one = |parameters: f64, units: f64, ring: Ring| {
                device.collectives.time(collective, Bytes(parameters / units * width), ring, fabric) * units
            };
            one(part.dense, units.dense, dense) + one(part.experts, units.experts, experts)
        };
        let width = system.gradient_message_bytes.min(bytes.gradient);
        let trained = &parameters.trained;
        let shards = (dense.shards, experts.shards);
        if setup.zero_stage == 0 {
            let everyone = (placement.data_ring(), placement.expert_data_ring());
            return Messages { scatter: time(Collective::AllReduce, trained, width, everyone), ..Messages::default() };
        }
        let part = DeviceParameters {
            dense: trained.dense / dense.shards.size,
            experts: trained.experts / experts.shards.size,
        };
        let copies = (dense.copies, experts.copies);
        Messages {
            scatter: time(Collective::ReduceScatter, trained, width, shards),
            gather: match setup.zero_stage {
                3 => time(Collective::AllGather, &parameters.held, bytes.weight.min(plain), shards),
                _ => time(Collective::AllGather, trained, plain, shards),
            },
            sum: match setup.data_parallel_replicate {
                1 => Seconds::ZERO,
                _ => time(Collective::AllReduce, &part, width, copies),
            },
        }
    }

    /// Buckets of every chunk, or with ZeRO-3 layers and ends.
    fn units(&self, stage: &StageClass, parameters: &DeviceParameters) -> Units {
        if self.setup.zero_stage == 3 {
            let ends = f64::from(u8::from(stage.first)) + f64::from(u8::from(stage.last));
            let units = stage.layer_count + ends;
            return Units { dense: units, experts: units };
        }
        let chunks = f64::from(self.setup.virtual_pipeline);
        let bucket = bucket_parameters(self.placement.data_ring().size) * chunks;
        let buckets = |parameters: f64| (parameters / bucket).ceil().max(1.0) * chunks;
        Units { dense: buckets(parameters.dense), experts: buckets(parameters.experts) }
    }
}
