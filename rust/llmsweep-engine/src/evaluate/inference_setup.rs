//! The row level of a serving point, axis by axis.
use llmsweep_model::phase::inference::allocator::KvAllocator;
use llmsweep_model::phase::inference::offload::HostShare;
use llmsweep_model::phase::inference::prefix::Prefix;
use llmsweep_model::phase::inference::speculation::Guess;
use llmsweep_model::phase::inference::{InferenceSetup, ServingMode};
use llmsweep_model::quantity::Seconds;

use super::Common;
use super::followed::Write;
use super::inference::InferenceOutcome;
use super::prefill_pool::PrefillLayout;
use super::seen::UNSEEN;
use crate::context::{Context, axis};
use crate::plan::Point;
use crate::spec::Search;

/// Before any point is read.
pub(super) const BLANK: InferenceOutcome = InferenceOutcome {
    result: Err(UNSEEN),
    common: Common::UNSEEN,
    kv_bytes_per_token: f64::NAN,
    message_bytes_per_token: f64::NAN,
    own_devices: 0.0,
    setup: InferenceSetup {
        input_tokens: 0.0,
        output_tokens: 0.0,
        input_cv: 0.0,
        output_cv: 0.0,
        length_correlation: 0.0,
        pipeline: 0,
        data: 0,
        mode: ServingMode::Continuous,
        concurrency: 0.0,
        max_batch: 0.0,
        decode_workers: 0.0,
        two_batch_overlap: false,
        admission_interval: 0.0,
        attention_dp_wait_steps: 0.0,
        arrival_rate: 0.0,
        slo_ttft: Seconds::ZERO,
        slo_tpot: Seconds::ZERO,
        prefix: Prefix::NONE,
        guess: Guess::NONE,
        allocator: KvAllocator::Paged,
        max_model_len: 0.0,
        host: HostShare::NONE,
    },
};

/// What each axis of the row level says.
pub(super) const WRITES: &[(usize, Write<InferenceOutcome>)] = &[
    (axis::PIPELINE, |outcome, context, point| {
        outcome.setup.pipeline = context.count(point, axis::PIPELINE);
        replicas(outcome, context, point);
    }),
    (axis::DATA, replicas),
    (axis::MODE, |outcome, context, point| {
        outcome.setup.mode = context.mode(point);
        replicas(outcome, context, point);
    }),
    (axis::INPUT, |outcome, context, point| outcome.setup.input_tokens = context.number(point, axis::INPUT)),
    (axis::OUTPUT, |outcome, context, point| outcome.setup.output_tokens = context.number(point, axis::OUTPUT)),
    (axis::CONCURRENCY, |outcome, context, point| {
        outcome.setup.concurrency = context.number(point, axis::CONCURRENCY);
    }),
    (axis::ADMISSION_INTERVAL, |outcome, context, point| {
        outcome.setup.admission_interval = context.number(point, axis::ADMISSION_INTERVAL);
    }),
    (axis::ATTENTION_DP_WAIT, |outcome, context, point| {
        outcome.setup.attention_dp_wait_steps = context.number(point, axis::ATTENTION_DP_WAIT);
    }),
    (axis::SPECULATIVE_TOKENS, |outcome, context, point| {
        outcome.setup.guess.tokens = context.number(point, axis::SPECULATIVE_TOKENS);
    }),
    (axis::KV_ALLOCATOR, |outcome, context, point| outcome.setup.allocator = context.allocator(point)),
    (axis::MAX_MODEL_LEN, |outcome, context, point| {
        outcome.setup.max_model_len = context.number(point, axis::MAX_MODEL_LEN);
    }),
    (axis::WEIGHT_OFFLOAD, |outcome, context, point| {
        outcome.setup.host.weights = context.number(point, axis::WEIGHT_OFFLOAD);
    }),
    (axis::KV_OFFLOAD, |outcome, context, point| {
        outcome.setup.host.cache = context.number(point, axis::KV_OFFLOAD);
    }),
    (axis::ACCEPTANCE, |outcome, context, point| {
        outcome.setup.guess.acceptance = context.number(point, axis::ACCEPTANCE);
    }),
    (axis::PREFIX_HIT_RATE, |outcome, context, point| {
        outcome.setup.prefix.hit_rate = context.number(point, axis::PREFIX_HIT_RATE);
    }),
    (axis::PREFIX_SHARED, |outcome, context, point| {
        outcome.setup.prefix.shared = context.flag(point, axis::PREFIX_SHARED);
    }),
    (axis::ARRIVAL_RATE, |outcome, context, point| {
        outcome.setup.arrival_rate = context.number(point, axis::ARRIVAL_RATE);
    }),
    (axis::INPUT_CV, |outcome, context, point| outcome.setup.input_cv = context.number(point, axis::INPUT_CV)),
    (axis::OUTPUT_CV, |outcome, context, point| outcome.setup.output_cv = context.number(point, axis::OUTPUT_CV)),
    (axis::LENGTH_CORRELATION, |outcome, context, point| {
        outcome.setup.length_correlation = context.number(point, axis::LENGTH_CORRELATION);
    }),
    (axis::SLO_TTFT, |outcome, context, point| {
        outcome.setup.slo_ttft = Seconds(context.number(point, axis::SLO_TTFT));
    }),
    (axis::SLO_TPOT, |outcome, context, point| {
        outcome.setup.slo_tpot = Seconds(context.number(point, axis::SLO_TPOT));
    }),
    (axis::MAX_BATCH, |outcome, context, point| {
        let number = context.number(point, axis::MAX_BATCH);
        outcome.setup.max_batch = if number > 0.0 { number } else { context.engine(point).max_batch };
    }),
    (axis::DECODE_WORKERS, |outcome, context, point| {
        outcome.setup.decode_workers = context.number(point, axis::DECODE_WORKERS);
        replicas(outcome, context, point);
    }),
    (axis::TWO_BATCH_OVERLAP, |outcome, context, point| {
        outcome.setup.two_batch_overlap = context.flag(point, axis::TWO_BATCH_OVERLAP);
    }),
    (axis::PREFILL_WORKERS, replicas),
    (axis::PREFILL_TENSOR, replicas),
    (axis::PREFILL_EXPERT, replicas),
    (axis::PREFILL_PIPELINE, replicas),
    (axis::PREFILL_DATA, replicas),
];

/// Attention replicas of a point, or of one decode worker, as the axis says, or as `[search]` has it; and the devices that they pay for.
fn replicas(outcome: &mut InferenceOutcome, context: &Context, point: &Point) {
    let (tensor, ranks) = (context.count(point, axis::TENSOR), context.count(point, axis::CONTEXT));
    let (pipeline, workers) = (context.count(point, axis::PIPELINE), context.number(point, axis::DECODE_WORKERS));
    let (expert, data) = (context.count(point, axis::EXPERT), context.count(point, axis::DATA));
    outcome.setup.data = search(context, point, workers).replicas(tensor * ranks, pipeline, expert, data);
    let each = f64::from(tensor) * f64::from(ranks) * f64::from(pipeline);
    let own = each * f64::from(outcome.setup.data);
    let used = if context.mode(point) == ServingMode::Disaggregated { own * workers } else { own };
    outcome.own_devices = search(context, point, 1.0).paid(used);
}

/// What `[search]` leaves to each of as many decode workers, where another pool prefills.
fn search(context: &Context, point: &Point, workers: f64) -> Search {
    match context.mode(point) {
        ServingMode::Disaggregated => context.search.beside(PrefillLayout::of(context, point).devices(), workers),
        ServingMode::Continuous | ServingMode::Static => context.search,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::{AXES, Phase};
    use crate::evaluate::followed::row_axes_but;

    /// Those left out say what the prefill pool is made of, not how large it is.
    #[test]
    fn every_axis_of_the_row_level_is_read() {
        let of_money = [axis::PRICE_SCALE, axis::POWER_SCALE];
        let of_pool = [axis::PREFILL_ACCELERATOR, axis::PREFILL_PRECISION];
        for axis in row_axes_but(Phase::Inference, &[of_money, of_pool].concat()) {
            assert!(WRITES.iter().any(|(known, _)| *known == axis), "{}", AXES[axis].name);
        }
    }
}
