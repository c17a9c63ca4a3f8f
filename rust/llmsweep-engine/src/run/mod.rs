//! Runs a plan: every row, those that can run, the best by one column, or the Pareto front.
mod blocks;
mod collect;
mod filter;
mod front;
mod materialise;
mod stats;
mod top;
mod walk;

use std::ops::Range;
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use rayon::prelude::*;

use crate::batch::{BatchBuilder, schema};
use crate::context::Context;
use crate::control::{Cancelled, Control};
use crate::evaluate::ideal::Objective;
use crate::evaluate::{Evaluator, Outcome};
use crate::pareto::Ties;
use crate::plan::Point;
use crate::spec::{Constraint, ParetoSpec};
use crate::values::Value;
pub use filter::{Filter, Test};
pub use stats::Stats;

/// Which rows to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every row, those that can't run with their reason.
    All,
    /// Rows that can run and meet the constraints.
    Feasible,
    /// Rows that no other row of their group beats on every objective.
    Front,
}

impl Keep {
    /// Every choice with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("all", Self::All), ("feasible", Self::Feasible), ("front", Self::Front)];
}

/// What a run gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// Schema of the batches.
    pub schema: SchemaRef,
    /// The rows kept, in the order of their numbers.
    pub batches: Vec<RecordBatch>,
    /// Counts.
    pub stats: Stats,
}

/// What of a plan may be left out without a look at each row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pruning {
    /// Every row is evaluated.
    Off,
    /// Boxes of rows that one reason refuses are counted together: every count stays what it is.
    Refused,
    /// Boxes whose best conceivable row is beaten are left out too: the answer stays what it is, but nobody knows how many of them can run.
    Beaten,
    /// [`Self::Refused`] in a plan of up to [`COUNTED`] rows, [`Self::Beaten`] in larger ones, whatever part of it the run covers.
    #[default]
    Auto,
}

impl Pruning {
    /// Every choice with its name.
    pub const ALL: [(&'static str, Self); 4] =
        [("off", Self::Off), ("refused", Self::Refused), ("beaten", Self::Beaten), ("auto", Self::Auto)];
}

/// Rows that take so little time that it is worth to know exactly how many of them can run.
pub const COUNTED: u64 = 10_000_000;

/// The best rows by one column.
#[derive(Clone, Copy, Debug)]
pub struct Best {
    /// The column; rows without a value are left out.
    pub value: Value,
    /// Whether more is better.
    pub descending: bool,
    /// How many.
    pub rows: usize,
}

/// A run of a compiled sweep.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    context: &'a Context,
    rows: Range<u64>,
    limits: Vec<Filter>,
    filters: Vec<Filter>,
    objectives: Vec<Objective>,
    /// Axes that make a group, each with its number of values.
    groups: Vec<(usize, u64)>,
    ties: Ties,
    pruning: Pruning,
    against: Vec<u64>,
}

impl<'a> Run<'a> {
    /// A run with a specification's constraints and objectives, whose columns the specification's decoder has checked.
    #[must_use]
    pub fn new(context: &'a Context, constraints: &[Constraint], pareto: &ParetoSpec) -> Self {
        let phase = context.plan.phase;
        let value = |name: &str| Value::by_name(phase, name);
        let limits = constraints.iter().filter_map(|limit| Some(Filter::of(limit, value(limit.column)?)));
        let signed = |names: &[&'static str], sign: f64| {
            names.iter().filter_map(|name| Some(Objective::new(phase, value(name)?, sign))).collect::<Vec<_>>()
        };
        let mut objectives = signed(&pareto.minimize, 1.0);
        objectives.extend(signed(&pareto.maximize, -1.0));
        let group = |name: &&'static str| {
            let position = value(name)?.axis()?;
            Some((position, context.plan.axis(position)?.values.len() as u64))
        };
        Self {
            context,
            rows: 0..context.plan.rows(),
            limits: limits.flatten().collect(),
            filters: Vec::new(),
            objectives,
            groups: pareto.by.iter().filter_map(group).collect(),
            ties: if pareto.distinct { Ties::First } else { Ties::All },
            pruning: Pruning::Auto,
            against: Vec::new(),
        }
    }

    /// The same over a part of the rows.
    #[must_use]
    pub fn within(self, rows: Range<u64>) -> Self {
        Self { rows: rows.start.min(self.context.plan.rows())..rows.end.min(self.context.plan.rows()), ..self }
    }

    /// The same of rows that pass these filters.
    #[must_use]
    pub fn only(self, filters: Vec<Filter>) -> Self {
        Self { filters, ..self }
    }

    /// The same with another choice of what may be left out.
    #[must_use]
    pub fn pruning(self, pruning: Pruning) -> Self {
        Self { pruning, ..self }
    }

    /// The same with rows, from anywhere in the plan, that keep off the front what they beat.
    #[must_use]
    pub fn against(self, against: Vec<u64>) -> Self {
        Self { against, ..self }
    }

    /// Evaluates all rows and keeps those asked for, in memory.
    pub fn run(&self, keep: Keep, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let started = Instant::now();
        control.expect(self.len());
        let mut output = match keep {
            Keep::Front => self.front(values, control)?,
            Keep::All | Keep::Feasible => self.materialise(keep, values, control)?,
        };
        output.stats.seconds = started.elapsed().as_secs_f64();
        Ok(output)
    }

    /// The best rows by one column, best first; of equals the first.
    pub fn best(&self, best: &Best, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let started = Instant::now();
        control.expect(self.len());
        let mut output = self.top(best, values, control)?;
        output.stats.seconds = started.elapsed().as_secs_f64();
        Ok(output)
    }

    fn len(&self) -> u64 {
        self.rows.end.saturating_sub(self.rows.start)
    }

    /// Evaluates single rows by number.
    pub fn numbered(&self, rows: &[u64], values: &[Value]) -> Output {
        let started = Instant::now();
        let mut stats = self.stats();
        let mut evaluator = Evaluator::new(self.context);
        let mut builder = BatchBuilder::new(self.context, values, rows.len());
        for &row in rows {
            let point = self.context.plan.point(row);
            let outcome = evaluator.outcome(&point);
            self.judge(&mut stats, row, &point, &outcome);
            builder.push(row, &point, &outcome);
        }
        stats.seconds = started.elapsed().as_secs_f64();
        let schema = schema(values);
        Output { batches: vec![builder.finish(&schema)], schema, stats }
    }

    /// Evaluates points that need not be rows of a grid; they are numbered as they come.
    pub fn points(&self, points: &[Point], values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let started = Instant::now();
        control.expect(points.len() as u64);
        let schema = schema(values);
        let blocks: Result<Vec<_>, Cancelled> = points
            .par_chunks(blocks::LEAST_ROWS as usize)
            .enumerate()
            .map(|(block, points)| {
                let mut evaluator = Evaluator::new(self.context);
                let mut builder = BatchBuilder::new(self.context, values, points.len());
                let mut stats = Stats::new(0);
                for (offset, point) in points.iter().enumerate() {
                    if offset % CHECK_ROWS == 0 {
                        control.check()?;
                    }
                    let row = block as u64 * blocks::LEAST_ROWS + offset as u64;
                    let outcome = evaluator.outcome(point);
                    self.judge(&mut stats, row, point, &outcome);
                    builder.push(row, point, &outcome);
                }
                control.advance(points.len() as u64);
                Ok((builder.finish(&schema), stats))
            })
            .collect();
        let mut stats = Stats::new(points.len() as u64);
        let mut batches = Vec::new();
        for (batch, part) in blocks? {
            stats = stats.add(&part);
            batches.push(batch);
        }
        stats.seconds = started.elapsed().as_secs_f64();
        Ok(Output { schema, batches, stats })
    }

    /// Counts a row.
    fn judge(&self, stats: &mut Stats, row: u64, point: &Point, outcome: &Outcome) -> Verdict {
        let passes = |filter: &Filter| filter.passes(self.context, row, point, outcome);
        let wanted = self.filters.iter().all(passes);
        stats.evaluated += 1;
        if let Some(reject) = outcome.reject() {
            stats.rejected[usize::from(reject.code())] += 1;
            return Verdict { feasible: false, wanted };
        }
        let feasible = self.limits.iter().all(passes);
        if feasible {
            stats.feasible += 1;
        } else {
            stats.constrained += 1;
        }
        if let Some(selected) = &mut stats.selected {
            *selected += u64::from(feasible && wanted);
        }
        Verdict { feasible, wanted }
    }

    fn prunes(&self) -> bool {
        match self.pruning {
            Pruning::Off | Pruning::Refused => false,
            Pruning::Beaten => true,
            Pruning::Auto => self.context.plan.rows() > COUNTED,
        }
    }

    /// The number of a row's group: mixed radix over the axes that make it, which is below the number of rows.
    fn group(&self, point: &Point) -> u64 {
        self.groups.iter().fold(0, |key, &(axis, length)| key * length + point.index(axis) as u64)
    }

    fn stats(&self) -> Stats {
        let selected = (!self.filters.is_empty()).then_some(0);
        Stats { selected, ..Stats::new(self.len()) }
    }
}

/// What a run thinks of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verdict {
    /// It can run and meets the constraints.
    feasible: bool,
    /// It passes the filters.
    wanted: bool,
}

impl Verdict {
    fn selected(self) -> bool {
        self.feasible && self.wanted
    }
}

/// Rows, or boxes of them, between two looks at the control: some ten thousandths of a second.
const CHECK_ROWS: usize = 256;
