//! Training, between cell and row: what no row of a cell betters, whatever else it says.
use super::training_times::{BlockTime, TrainingTimes, TrainingWork};
use crate::bound::ROUNDING;
use crate::parallel::pipeline::StageClass;
use crate::quantity::Seconds;

/// Time that the devices of a stage spend together on one sequence, at least, over all stages: a step has every stage wait for the slowest,
/// which is no faster than the mean, and all that is added to that is not negative.
///
/// `whole` is the model in one stage. Where the schedule may hide messages to experts behind kernels (`hides`), it hides no larger a share of
/// a stage than the layer that has most of them.
///
/// Llama-3.1-405B on H100 at a MFU of 0.4: `6·405e9·8192/(0.4·989e12) = 50` device-seconds for a sequence of 8,192 tokens.
#[must_use]
pub fn least_device_time(whole: &StageClass, work: &TrainingWork, times: &TrainingTimes, hides: bool) -> Seconds {
    let layers = times.layers.iter().zip(&times.plain).zip(whole.layers).filter(|(_, count)| *count > 0.0);
    let (mut sum, mut hidden) = (Seconds::ZERO, 0.0_f64);
    let share = |block: &BlockTime| if block.expert > Seconds::ZERO { block.expert / block.total() } else { 0.0 };
    for ((again, plain), count) in layers {
        sum += again.total().min(plain.total()) * count;
        hidden = hidden.max(share(again)).max(share(plain));
    }
    sum += times.embedding.total() + times.head.total() * (1.0 + work.prediction_layers) + times.prediction.total();
    hidden = hidden.max(share(&times.prediction));
    let shown = if hides { 1.0 - hidden } else { 1.0 };
    let devices = work.split.tensor * work.split.context / f64::from(work.layout.micro_batch);
    sum * (shown * devices * (1.0 - ROUNDING))
}
