//! Rows on their way into columns.
use super::percentile::Times;
use crate::axes::Phase;
use crate::evaluate::Outcome;
use crate::evaluate::inference::InferenceOutcome;
use crate::evaluate::training::TrainingOutcome;
use crate::plan::Point;

/// Some rows, evaluated.
pub(crate) struct Rows {
    pub(crate) ids: Vec<u64>,
    pub(crate) points: Vec<Point>,
    pub(crate) outcomes: Outcomes,
    pub(super) times: Times,
}

/// Outcomes of one phase.
pub(crate) enum Outcomes {
    Training(Vec<TrainingOutcome>),
    Inference(Vec<InferenceOutcome>),
}

impl Rows {
    /// Room for so many rows of a phase.
    pub(crate) fn with_capacity(phase: Phase, rows: usize) -> Self {
        Self {
            ids: Vec::with_capacity(rows),
            points: Vec::with_capacity(rows),
            outcomes: match phase {
                Phase::Training => Outcomes::Training(Vec::with_capacity(rows)),
                Phase::Inference => Outcomes::Inference(Vec::with_capacity(rows)),
            },
            times: Times::default(),
        }
    }

    pub(crate) fn push(&mut self, id: u64, point: &Point, outcome: &Outcome) {
        match (&mut self.outcomes, outcome) {
            (Outcomes::Training(outcomes), Outcome::Training(outcome)) => outcomes.push(**outcome),
            (Outcomes::Inference(outcomes), Outcome::Inference(outcome)) => outcomes.push(**outcome),
            (Outcomes::Training(_), Outcome::Inference(_)) | (Outcomes::Inference(_), Outcome::Training(_)) => {
                unreachable!("a sweep has one phase")
            }
        }
        self.ids.push(id);
        self.points.push(*point);
    }

    pub(crate) fn clear(&mut self) {
        self.ids.clear();
        self.points.clear();
        self.times = Times::default();
        match &mut self.outcomes {
            Outcomes::Training(outcomes) => outcomes.clear(),
            Outcomes::Inference(outcomes) => outcomes.clear(),
        }
    }
}
