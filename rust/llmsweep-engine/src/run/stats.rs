//! Counts of a run.
use llmsweep_model::reject::Reject;
use serde_json::{Map, json};

/// Counts of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Rows of the plan, or of the part of it that the run covers.
    pub configurations: u64,
    /// Rows whose outcome is known: one by one, or together where one reason refuses a whole box of them.
    pub evaluated: u64,
    /// Rows left out together because none of them can be among those asked for, whether they can run or not.
    pub pruned: u64,
    /// Rows left out because a filter on an axis does not want them.
    pub unwanted: u64,
    /// Rows that can run and meet the constraints.
    pub feasible: u64,
    /// Feasible rows that meet the filters; `None` where there are none.
    pub selected: Option<u64>,
    /// Rows that can't run, by reason.
    pub rejected: [u64; Reject::ALL.len()],
    /// Rows that can run but miss a constraint.
    pub constrained: u64,
    /// Selected rows without one of the objectives: the catalogue has no price or power for their accelerator.
    pub unpriced: u64,
    /// Rows on the front; `None` where none was asked for.
    pub front: Option<u64>,
    /// Wall time.
    pub seconds: f64,
}

impl Stats {
    /// Nothing counted yet of so many rows.
    pub(crate) fn new(configurations: u64) -> Self {
        Self {
            configurations,
            evaluated: 0,
            pruned: 0,
            unwanted: 0,
            feasible: 0,
            selected: None,
            rejected: [0; Reject::ALL.len()],
            constrained: 0,
            unpriced: 0,
            front: None,
            seconds: 0.0,
        }
    }

    /// Of a batch of rows that were kept.
    #[must_use]
    pub fn of_batch(rows: u64) -> Self {
        Self { evaluated: rows, ..Self::new(rows) }
    }

    /// Both together, of the same rows.
    pub(crate) fn add(mut self, other: &Self) -> Self {
        self.evaluated += other.evaluated;
        self.pruned += other.pruned;
        self.unwanted += other.unwanted;
        self.feasible += other.feasible;
        self.selected =
            self.selected.zip(other.selected).map(|(one, two)| one + two).or(self.selected).or(other.selected);
        for (sum, count) in self.rejected.iter_mut().zip(other.rejected) {
            *sum += count;
        }
        self.constrained += other.constrained;
        self.unpriced += other.unpriced;
        self
    }

    /// Counts rows that one reason refuses.
    pub(crate) fn refuse(&mut self, reject: Reject, rows: u64) {
        self.evaluated += rows;
        self.rejected[usize::from(reject.code())] += rows;
    }

    /// As JSON; reasons that rejected nothing are left out.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let counts = Reject::ALL.iter().zip(self.rejected).filter(|(_, count)| *count > 0);
        let rejected: Map<String, serde_json::Value> =
            counts.map(|(reject, count)| (reject.name().to_owned(), json!(count))).collect();
        json!({
            "configurations": self.configurations,
            "evaluated": self.evaluated,
            "pruned": self.pruned,
            "unwanted": self.unwanted,
            "feasible": self.feasible,
            "selected": self.selected,
            "rejected": rejected,
            "constrained": self.constrained,
            "unpriced": self.unpriced,
            "front": self.front,
            "seconds": self.seconds,
        })
    }
}
