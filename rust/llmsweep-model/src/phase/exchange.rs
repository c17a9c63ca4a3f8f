//! Training, level row: gradients and weights exchanged by data parallelism, and the optimizer's update.
use super::training::{Counted, Groups, TrainingLevels, TrainingSetup};
use super::training_pipeline::{Pipelined, passes};
use super::training_stage::TrainingStage;
use super::update::{Update, cast_weights};
use crate::collective::{CollectiveModel, Ring, Route};
use crate::memory::state::DeviceParameters;
use crate::parallel::pipeline::StageClass;
use crate::quantity::{Bytes, Seconds};
use crate::work::Collective;

/// How many messages carry a stage's dense parameters and its experts.
#[derive(Clone, Copy)]
struct Units {
    dense: f64,
    experts: f64,
}

/// Times of a stage's messages, how many units each of them has, and what else follows the last micro-batch whatever the optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageMessages {
    /// Trained gradients.
    scatter: Seconds,
    /// Weights.
    gather: Seconds,
    /// The sum over copies of what ZeRO shards.
    sum: Seconds,
    units: f64,
    /// The cast of new weights after the update.
    cast: Seconds,
}

/// The ways of a message's dense parameters and of its experts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair {
    dense: Route,
    experts: Route,
}

/// The ways of a row's messages, which all its stages share; the same for all of ZeRO's stages that shard anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routes {
    scatter: Pair,
    gather: Pair,
    sum: Pair,
}

impl Pair {
    const ALONE: Self = Self { dense: Route::Alone, experts: Route::Alone };

    /// Time of these parameters, of `width` bytes each, in units.
    fn seconds(&self, model: &CollectiveModel, parameters: &DeviceParameters, width: f64, units: Units) -> Seconds {
        let one = |route: &Route, parameters: f64, units: f64| match route {
            Route::Alone => Seconds::ZERO,
            Route::Placed(_) => route.seconds(model, Bytes(parameters / units * width)) * units,
        };
        one(&self.dense, parameters.dense, units.dense) + one(&self.experts, parameters.experts, units.experts)
    }
}

impl Units {
    /// Buckets of every chunk, or with ZeRO-3 layers and ends.
    fn of(counted: &Counted, stage: &StageClass, parameters: &DeviceParameters) -> Self {
        if counted.setup.zero_stage == 3 {
            let ends = f64::from(u8::from(stage.first)) + f64::from(u8::from(stage.last));
            let units = stage.layer_count + ends;
            return Self { dense: units, experts: units };
        }
        let chunks = f64::from(counted.setup.virtual_pipeline);
        let bucket = counted.system.bucket(counted.groups.placement.data_ring().size) * chunks;
        let buckets = |parameters: f64| {
            if parameters > 0.0 { whole_above(parameters / bucket).max(1.0) * chunks } else { chunks }
        };
        Self { dense: buckets(parameters.dense), experts: buckets(parameters.experts) }
    }
}

/// A number of at least zero rounded up, without the call that `ceil` is on old processors.
fn whole_above(number: f64) -> f64 {
    let whole = number as i64 as f64;
    if whole < number { whole + 1.0 } else { whole }
}

impl Routes {
    /// Of a setup's groups.
    #[must_use]
    pub fn of(levels: &TrainingLevels, groups: &Groups, setup: &TrainingSetup) -> Self {
        let TrainingLevels { shape, device, .. } = *levels;
        let fabric = &device.accelerator.fabric;
        let pair = |collective, dense: Ring, experts: Ring| Pair {
            dense: device.collectives.route(collective, dense, fabric),
            experts: match shape.moe {
                Some(_) => device.collectives.route(collective, experts, fabric),
                None => Route::Alone,
            },
        };
        let Groups { placement, dense, experts, .. } = groups;
        if setup.zero_stage == 0 {
            let scatter = pair(Collective::AllReduce, placement.data_ring(), placement.expert_data_ring());
            return Self { scatter, gather: Pair::ALONE, sum: Pair::ALONE };
        }
        Self {
            scatter: pair(Collective::ReduceScatter, dense.shards, experts.shards),
            gather: pair(Collective::AllGather, dense.shards, experts.shards),
            sum: pair(Collective::AllReduce, dense.copies, experts.copies),
        }
    }
}

impl StageMessages {
    /// Of every stage. They depend on whether ZeRO shards nothing, state or weights too, and not on the optimizer.
    pub fn of_all(levels: &TrainingLevels, counted: &Counted, routes: &Routes) -> impl Iterator<Item = Self> {
        counted.stages.iter().map(|stage| Self::of(levels, counted, routes, stage))
    }

    fn of(levels: &TrainingLevels, counted: &Counted, routes: &Routes, stage: &TrainingStage) -> Self {
        let Counted { precision, system, setup, groups, bytes, .. } = *counted;
        let model = &levels.device.collectives;
        let parameters = &stage.parameters;
        let units = Units::of(counted, &stage.class, &parameters.held);
        let plain = precision.unquantised_bytes();
        let width = system.gradient_message_bytes.min(bytes.gradient);
        let trained = &parameters.trained;
        let part = DeviceParameters {
            dense: trained.dense / groups.dense.shards.size,
            experts: trained.experts / groups.experts.shards.size,
        };
        Self {
            scatter: routes.scatter.seconds(model, trained, width, units),
            gather: match setup.zero_stage {
                3 => routes.gather.seconds(model, &parameters.held, bytes.weight.min(plain), units),
                _ => routes.gather.seconds(model, trained, plain, units),
            },
            sum: routes.sum.seconds(model, &part, width, units),
            units: units.dense.max(units.experts),
            cast: cast_weights(levels, stage),
        }
    }
}

impl Pipelined {
    /// Exposed data-parallel messages and the optimizer's update, on the stage with the most of both.
    ///
    /// Gradients are scattered in buckets while the last micro-batch runs backward, and summed over the copies of what ZeRO shards; weights
    /// are gathered in buckets while the next step starts forward. ZeRO-2 scatters after every micro-batch. ZeRO-3 gathers the weights of one
    /// unit ahead of the unit at work, forward and backward, for every micro-batch, a unit being a layer, the embedding or the LM head
    /// (Zhao et al. 2023, arXiv:2304.11277, section 3.3). The sum over copies waits for the last micro-batch.
    pub(super) fn exchange(
        &self,
        levels: &TrainingLevels,
        counted: &Counted,
        messages: &[StageMessages],
        away: (Seconds, Seconds),
    ) -> (Seconds, Update) {
        let system = levels.system;
        let Counted { setup, .. } = *counted;
        let micro_batches = self.groups.micro_batches;
        // Messages of other groups through the same port leave the rest of that time.
        let free = (self.slowest.total() - self.slowest.network - self.between_nodes).max(Seconds::ZERO);
        let (forward, backward) = passes(levels, free);
        // Activations on their way to the host make the passes longer, and pass through another port.
        let (forward, backward) = (forward + away.0, backward + away.1);
        // Chunks of an interleaved schedule finish one by one: gradients of the first have the others' time to travel. What is sent for every
        // micro-batch has that micro-batch's time alone.
        let window = if setup.virtual_pipeline > 1 && setup.zero_stage < 2 {
            micro_batches.min(f64::from(setup.pipeline))
        } else {
            1.0
        };
        let mut worst = (Seconds::ZERO, Update::default());
        for (stage, &StageMessages { scatter, gather, sum, units, cast }) in counted.stages.iter().zip(messages) {
            let exposed = |message, kernels: Seconds| system.data_exposed(message, units, kernels * window);
            let before_last = micro_batches - 1.0;
            let data = match setup.zero_stage {
                0 | 1 => exposed(scatter + sum, backward) + exposed(gather, forward),
                2 => {
                    exposed(scatter, backward) * before_last
                        + exposed(scatter + sum, backward)
                        + exposed(gather, forward)
                }
                _ => {
                    exposed(gather, forward) * micro_batches
                        + exposed(gather + scatter, backward) * before_last
                        + exposed(gather + scatter + sum, backward)
                }
            };
            let behind = if setup.zero_stage == 3 { gather + scatter } else { scatter };
            let update = counted.update(levels, stage, cast, (backward - behind).max(Seconds::ZERO));
            let total = data + update.device + update.host;
            if total > worst.0 + worst.1.device + worst.1.host {
                worst = (data, update);
            }
        }
        worst
    }
}

/// Which of ZeRO's stages send the same messages: 0 none of its shards, 1 and 2 those of gradients and trained weights, 3 all weights too.
#[must_use]
pub fn messages_like(setup: &TrainingSetup) -> u32 {
    match setup.zero_stage {
        0 => 0,
        1 | 2 => 1,
        _ => 3,
    }
}
