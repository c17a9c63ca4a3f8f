//! Percentiles: each is searched for, those of many rows side by side.
use std::cell::OnceCell;
use std::sync::LazyLock;

use llmsweep_model::distribution::{Cumulants, Mixture, RUN, ShapeRun, ShapesRun, Share};
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup};

use crate::evaluate::inference::InferenceOutcome;

static P50: LazyLock<Share> = LazyLock::new(|| Share::of(0.5));
static P90: LazyLock<Share> = LazyLock::new(|| Share::of(0.9));
static P99: LazyLock<Share> = LazyLock::new(|| Share::of(0.99));

/// The times of which there are percentiles.
#[derive(Clone, Copy, Debug)]
enum Time {
    /// To the first token.
    First,
    /// Between later ones.
    Later,
    /// Of the whole request.
    Whole,
}

/// The time that a share of requests keeps within.
#[derive(Clone, Copy, Debug)]
pub(super) struct Percentile {
    time: Time,
    share: &'static LazyLock<Share>,
}

/// Columns that are percentiles.
pub(super) const PERCENTILES: &[(&str, Percentile)] = &[
    ("ttft_p50_s", Percentile { time: Time::First, share: &P50 }),
    ("ttft_p90_s", Percentile { time: Time::First, share: &P90 }),
    ("ttft_p99_s", Percentile { time: Time::First, share: &P99 }),
    ("tpot_p50_s", Percentile { time: Time::Later, share: &P50 }),
    ("tpot_p90_s", Percentile { time: Time::Later, share: &P90 }),
    ("tpot_p99_s", Percentile { time: Time::Later, share: &P99 }),
    ("e2e_p99_s", Percentile { time: Time::Whole, share: &P99 }),
];

/// How times vary in some rows, in runs; found out when a percentile is first asked for.
#[derive(Default)]
pub(super) struct Times {
    first: OnceCell<Vec<ShapesRun>>,
    later: OnceCell<Vec<ShapeRun>>,
}

impl Percentile {
    /// In a row.
    pub(super) fn one(&self, outcome: &InferenceOutcome) -> f64 {
        let Ok(row) = &outcome.result else { return f64::NAN };
        let (setup, share) = (&outcome.setup, **self.share);
        match self.time {
            Time::First => row.ttft_times.shapes().quantile(share),
            Time::Later => row.tpot_times(setup).shape().quantile(share),
            Time::Whole => row.e2e_times(setup).shapes().quantile(share),
        }
    }

    /// In many rows, of which `times` are.
    pub(super) fn many(&self, outcomes: &[InferenceOutcome], times: &Times, numbers: &mut Vec<f64>) {
        let share = **self.share;
        for (number, run) in outcomes.chunks(RUN).enumerate() {
            let found = match self.time {
                Time::First => times.first(outcomes)[number].quantiles(share),
                Time::Later => times.later(outcomes)[number].quantiles(share),
                Time::Whole => mixtures(run, InferenceRow::e2e_times).quantiles(share),
            };
            let rows = run.iter().zip(found);
            numbers.extend(rows.map(|(outcome, time)| if outcome.result.is_ok() { time } else { f64::NAN }));
        }
    }
}

impl Times {
    fn first(&self, outcomes: &[InferenceOutcome]) -> &[ShapesRun] {
        self.first.get_or_init(|| outcomes.chunks(RUN).map(|run| mixtures(run, |row, _| row.ttft_times)).collect())
    }

    fn later(&self, outcomes: &[InferenceOutcome]) -> &[ShapeRun] {
        let times = |outcome: &InferenceOutcome| {
            outcome.result.as_ref().map_or(Cumulants::default(), |row| row.tpot_times(&outcome.setup))
        };
        self.later.get_or_init(|| outcomes.chunks(RUN).map(|run| ShapeRun::of(run.iter().map(times))).collect())
    }
}

/// A time of each row of a run, none where the setup can't run.
fn mixtures(run: &[InferenceOutcome], time: impl Fn(&InferenceRow, &InferenceSetup) -> Mixture) -> ShapesRun {
    let times = |outcome: &InferenceOutcome| {
        outcome.result.as_ref().map_or(Mixture::default(), |row| time(row, &outcome.setup))
    };
    ShapesRun::of(run.iter().map(times))
}
