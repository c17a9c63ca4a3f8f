//! Training, level row: gradients and weights exchanged by data parallelism, and the optimizer's update.
use super::training::{Step, TrainingLevels};
use super::training_times::BlockTime;
use super::update::Update;
use crate::collective::{Ring, Route};
use crate::memory::activations::Recompute;
use crate::memory::state::{DeviceParameters, StageParameters};
use crate::parallel::pipeline::StageClass;
use crate::quantity::{Bytes, Seconds};
use crate::work::Collective;

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

/// The ways of a message's dense parameters and of its experts.
#[derive(Clone, Copy)]
struct Pair<'a> {
    dense: Route<'a>,
    experts: Route<'a>,
}

/// The ways of all messages.
struct Routes<'a> {
    scatter: Pair<'a>,
    gather: Pair<'a>,
    sum: Pair<'a>,
}

impl Pair<'_> {
    const ALONE: Self = Self { dense: Route::Alone, experts: Route::Alone };

    /// Time of these parameters, of `width` bytes each, in units.
    fn seconds(&self, parameters: &DeviceParameters, width: f64, units: Units) -> Seconds {
        let one = |route: &Route, parameters: f64, units: f64| route.seconds(Bytes(parameters / units * width)) * units;
        one(&self.dense, parameters.dense, units.dense) + one(&self.experts, parameters.experts, units.experts)
    }
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
    pub(super) fn exchange(
        &self,
        slowest: &BlockTime,
        between_stages: Seconds,
        away: (Seconds, Seconds),
    ) -> (Seconds, Update) {
        let TrainingLevels { system, .. } = self.levels;
        let Self { setup, micro_batches, .. } = self;
        // Messages of other groups through the same port leave the rest of that time.
        let (forward, backward) = self.passes((slowest.total() - slowest.network - between_stages).max(Seconds::ZERO));
        // Activations on their way to the host make the passes longer, and pass through another port.
        let (forward, backward) = (forward + away.0, backward + away.1);
        // Chunks of an interleaved schedule finish one by one: gradients of the first have the others' time to travel. What is sent for every
        // micro-batch has that micro-batch's time alone.
        let window = if setup.virtual_pipeline > 1 && setup.zero_stage < 2 {
            micro_batches.min(f64::from(setup.pipeline))
        } else {
            1.0
        };
        let routes = self.routes();
        let mut worst = (Seconds::ZERO, Update::default());
        for stage in self.stages {
            let parameters = &stage.parameters;
            let units = self.units(&stage.class, &parameters.held);
            let Messages { scatter, gather, sum } = self.messages(&routes, parameters, units);
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

    /// The ways of a row's messages, which all its stages share.
    fn routes(&self) -> Routes<'_> {
        let TrainingLevels { shape, device, .. } = self.levels;
        let Self { setup, placement, .. } = self;
        let fabric = &device.accelerator.fabric;
        let pair = |collective, dense: Ring, experts: Ring| Pair {
            dense: device.collectives.route(collective, dense, fabric),
            experts: match shape.moe {
                Some(_) => device.collectives.route(collective, experts, fabric),
                None => Route::Alone,
            },
        };
        if setup.zero_stage == 0 {
            let scatter = pair(Collective::AllReduce, placement.data_ring(), placement.expert_data_ring());
            return Routes { scatter, gather: Pair::ALONE, sum: Pair::ALONE };
        }
        let (dense, experts) = (&self.dense, &self.experts);
        Routes {
            scatter: pair(Collective::ReduceScatter, dense.shards, experts.shards),
            gather: pair(Collective::AllGather, dense.shards, experts.shards),
            sum: pair(Collective::AllReduce, dense.copies, experts.copies),
        }
    }

    /// A stage's messages, each of them in units: trained gradients, weights, and the sum over copies of what ZeRO shards.
    fn messages(&self, routes: &Routes, parameters: &StageParameters, units: Units) -> Messages {
        let TrainingLevels { system, precision, .. } = self.levels;
        let bytes = &self.bytes;
        let plain = precision.unquantised_bytes();
        let width = system.gradient_message_bytes.min(bytes.gradient);
        let trained = &parameters.trained;
        let part = DeviceParameters {
            dense: trained.dense / self.dense.shards.size,
            experts: trained.experts / self.experts.shards.size,
        };
        Messages {
            scatter: routes.scatter.seconds(trained, width, units),
            gather: match self.setup.zero_stage {
                3 => routes.gather.seconds(&parameters.held, bytes.weight.min(plain), units),
                _ => routes.gather.seconds(trained, plain, units),
            },
            sum: routes.sum.seconds(&part, width, units),
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
        let bucket = self.levels.system.bucket(self.placement.data_ring().size) * chunks;
        let buckets = |parameters: f64| (parameters / bucket).ceil().max(1.0) * chunks;
        Units { dense: buckets(parameters.dense), experts: buckets(parameters.experts) }
    }
}
