//! The row level of a training point, axis by axis.
use llmsweep_model::memory::state::Optimizer;
use llmsweep_model::parallel::pipeline::Schedule;
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::quantity::Seconds;
use llmsweep_model::subset::Subset;

use super::followed::Write;
use crate::context::{Context, axis};
use crate::plan::Point;

/// Before any point is read.
pub(super) const BLANK: TrainingSetup = TrainingSetup {
    devices: 0,
    pipeline: 0,
    virtual_pipeline: 0,
    global_batch: 0,
    zero_stage: 0,
    data_parallel_replicate: 0,
    optimizer: Optimizer::AdamW,
    tokens: 0.0,
    tokens_per_parameter: 0.0,
    device_mtbf_hours: 0.0,
    checkpoint_interval: Seconds::ZERO,
    spares: 0.0,
    schedule: Schedule::OneForwardOneBackward,
    first_stage_layers: 0,
    last_stage_layers: 0,
    embedding_as_layers: false,
    recompute_layers: 0,
    offload: Subset::NONE,
};

/// What each axis of the row level says.
pub(super) const WRITES: &[(usize, Write<TrainingSetup>)] = &[
    (axis::PIPELINE, |setup, context, point| setup.pipeline = context.count(point, axis::PIPELINE)),
    (axis::VIRTUAL, |setup, context, point| setup.virtual_pipeline = context.count(point, axis::VIRTUAL)),
    (axis::DEVICES, |setup, context, point| setup.devices = context.count(point, axis::DEVICES)),
    (axis::GLOBAL_BATCH, |setup, context, point| setup.global_batch = context.count(point, axis::GLOBAL_BATCH)),
    (axis::ZERO, |setup, context, point| setup.zero_stage = context.count(point, axis::ZERO)),
    (axis::REPLICATE, |setup, context, point| {
        setup.data_parallel_replicate = context.count(point, axis::REPLICATE);
    }),
    (axis::OPTIMIZER, |setup, context, point| setup.optimizer = context.optimizer(point)),
    (axis::RECOMPUTE_LAYERS, |setup, context, point| {
        setup.recompute_layers = context.count(point, axis::RECOMPUTE_LAYERS);
    }),
    (axis::OFFLOAD, |setup, context, point| setup.offload = context.offload(point)),
    (axis::TOKENS, |setup, context, point| setup.tokens = context.number(point, axis::TOKENS)),
    (axis::TOKENS_PER_PARAMETER, |setup, context, point| {
        setup.tokens_per_parameter = context.number(point, axis::TOKENS_PER_PARAMETER);
    }),
    (axis::DEVICE_MTBF, |setup, context, point| {
        setup.device_mtbf_hours = context.number(point, axis::DEVICE_MTBF);
    }),
    (axis::CHECKPOINT_INTERVAL, |setup, context, point| {
        setup.checkpoint_interval = Seconds(context.number(point, axis::CHECKPOINT_INTERVAL));
    }),
    (axis::SPARES, |setup, context, point| setup.spares = context.number(point, axis::SPARES)),
    (axis::SCHEDULE, |setup, context, point| setup.schedule = context.schedule(point)),
    (axis::FIRST_STAGE, |setup, context, point| {
        setup.first_stage_layers = context.count(point, axis::FIRST_STAGE);
    }),
    (axis::LAST_STAGE, |setup, context, point| {
        setup.last_stage_layers = context.count(point, axis::LAST_STAGE);
    }),
    (axis::EMBEDDING_AS_LAYERS, |setup, context, point| {
        setup.embedding_as_layers = context.flag(point, axis::EMBEDDING_AS_LAYERS);
    }),
];

/// The row level of a point.
#[must_use]
pub fn setup(context: &Context, point: &Point) -> TrainingSetup {
    let mut setup = BLANK;
    for (_, write) in WRITES {
        write(&mut setup, context, point);
    }
    setup
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::{AXES, Phase};
    use crate::evaluate::followed::row_axes_but;

    #[test]
    fn every_axis_of_the_row_level_is_read() {
        for axis in row_axes_but(Phase::Training, &[axis::PRICE_SCALE, axis::POWER_SCALE]) {
            assert!(WRITES.iter().any(|(known, _)| *known == axis), "{}", AXES[axis].name);
        }
    }
}
