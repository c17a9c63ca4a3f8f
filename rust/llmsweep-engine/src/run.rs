//! Runs a plan: every row, those that can run, or the Pareto front.
use std::time::Instant;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use llmsweep_model::reject::Reject;
use rayon::prelude::*;
use serde_json::{Map, json};

use crate::batch::{BatchBuilder, schema};
use crate::context::Context;
use crate::control::{Cancelled, Control};
use crate::evaluate::{Evaluator, Outcome};
use crate::pareto::{GroupedArchive, Ids, Ties};
use crate::plan::Point;
use crate::spec::{Constraint, ParetoSpec};
use crate::values::Value;

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

/// Counts of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Rows of the plan.
    pub configurations: u64,
    /// Rows evaluated.
    pub evaluated: u64,
    /// Rows that can run and meet the constraints.
    pub feasible: u64,
    /// Rows that can't run, by reason.
    pub rejected: [u64; Reject::ALL.len()],
    /// Rows that can run but miss a constraint.
    pub constrained: u64,
    /// Feasible rows without one of the objectives: the catalogue has no price or power for their accelerator.
    pub unpriced: u64,
    /// Rows on the front; `None` where none was asked for.
    pub front: Option<u64>,
    /// Wall time.
    pub seconds: f64,
}

impl Stats {
    fn new(configurations: u64) -> Self {
        Self {
            configurations,
            evaluated: 0,
            feasible: 0,
            rejected: [0; Reject::ALL.len()],
            constrained: 0,
            unpriced: 0,
            front: None,
            seconds: 0.0,
        }
    }

    fn add(mut self, other: &Self) -> Self {
        self.evaluated += other.evaluated;
        self.feasible += other.feasible;
        for (sum, count) in self.rejected.iter_mut().zip(other.rejected) {
            *sum += count;
        }
        self.constrained += other.constrained;
        self.unpriced += other.unpriced;
        self
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
            "feasible": self.feasible,
            "rejected": rejected,
            "constrained": self.constrained,
            "unpriced": self.unpriced,
            "front": self.front,
            "seconds": self.seconds,
        })
    }
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

/// A constraint with the column that it reads.
#[derive(Clone, Copy, Debug)]
struct Limit {
    value: Value,
    min: f64,
    max: f64,
}

impl Limit {
    /// A quantity that does not exist meets no limit.
    fn meets(&self, number: f64) -> bool {
        number >= self.min && number <= self.max
    }
}

/// A run of a compiled sweep.
#[derive(Debug)]
pub struct Run<'a> {
    context: &'a Context,
    limits: Vec<Limit>,
    objectives: Vec<(Value, f64)>,
    /// Axes that make a group, each with its number of values.
    groups: Vec<(usize, u64)>,
    ties: Ties,
}

/// Rows of a block of work: enough to outweigh hand-over, few enough to spread over threads and to stop soon.
const BLOCK_ROWS: u64 = 16_384;

impl<'a> Run<'a> {
    /// A run with a specification's constraints and objectives, whose columns the specification's decoder has checked.
    #[must_use]
    pub fn new(context: &'a Context, constraints: &[Constraint], pareto: &ParetoSpec) -> Self {
        let phase = context.plan.phase;
        let value = |name: &str| Value::by_name(phase, name);
        let limit = |constraint: &Constraint| {
            Some(Limit {
                value: value(constraint.column)?,
                min: constraint.min.unwrap_or(f64::NEG_INFINITY),
                max: constraint.max.unwrap_or(f64::INFINITY),
            })
        };
        let signed = |names: &[&'static str], sign: f64| {
            names.iter().filter_map(|name| Some((value(name)?, sign))).collect::<Vec<_>>()
        };
        let mut objectives = signed(&pareto.minimize, 1.0);
        objectives.extend(signed(&pareto.maximize, -1.0));
        let group = |name: &&'static str| {
            let position = value(name)?.axis()?;
            Some((position, context.plan.axis(position)?.values.len() as u64))
        };
        Self {
            context,
            limits: constraints.iter().filter_map(limit).collect(),
            objectives,
            groups: pareto.by.iter().filter_map(group).collect(),
            ties: if pareto.distinct { Ties::First } else { Ties::All },
        }
    }

    /// Evaluates all rows and keeps those asked for.
    pub fn run(&self, keep: Keep, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let started = Instant::now();
        control.expect(self.context.plan.rows());
        let mut output = match keep {
            Keep::Front => self.front(values, control)?,
            Keep::All | Keep::Feasible => self.materialise(keep, values, control)?,
        };
        output.stats.seconds = started.elapsed().as_secs_f64();
        Ok(output)
    }

    /// Evaluates single rows by number.
    pub fn rows(&self, rows: &[u64], values: &[Value]) -> Output {
        let started = Instant::now();
        let mut stats = Stats::new(self.context.plan.rows());
        let mut evaluator = Evaluator::new(self.context);
        let mut builder = BatchBuilder::new(self.context, values, rows.len());
        for &row in rows {
            let point = self.context.plan.point(row);
            let outcome = evaluator.outcome(&point);
            self.count(&mut stats, row, &point, &outcome);
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
            .par_chunks(BLOCK_ROWS as usize)
            .enumerate()
            .map(|(block, points)| {
                let mut evaluator = Evaluator::new(self.context);
                let mut builder = BatchBuilder::new(self.context, values, points.len());
                let mut stats = Stats::new(0);
                for (offset, point) in points.iter().enumerate() {
                    if offset % CHECK_ROWS == 0 {
                        control.check()?;
                    }
                    let row = block as u64 * BLOCK_ROWS + offset as u64;
                    let outcome = evaluator.outcome(point);
                    self.count(&mut stats, row, point, &outcome);
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

    fn blocks(&self) -> u64 {
        self.context.plan.rows().div_ceil(self.block_rows())
    }

    /// Whole cells where they are small, parts of a cell where they are large.
    fn block_rows(&self) -> u64 {
        let cell = self.context.plan.cell_rows();
        if cell >= BLOCK_ROWS { BLOCK_ROWS } else { BLOCK_ROWS / cell * cell }
    }

    /// Walks the rows of a block.
    fn walk(
        &self,
        evaluator: &mut Evaluator,
        block: u64,
        control: &Control,
        mut visit: impl FnMut(u64, &Point, &Outcome),
    ) -> Result<(), Cancelled> {
        let plan = &self.context.plan;
        let first = block * self.block_rows();
        let end = first.saturating_add(self.block_rows()).min(plan.rows());
        let mut point = plan.point(first);
        for row in first..end {
            if (row - first).is_multiple_of(CHECK_ROWS as u64) {
                control.check()?;
            }
            let outcome = evaluator.outcome(&point);
            visit(row, &point, &outcome);
            plan.advance(&mut point);
        }
        control.advance(end - first);
        Ok(())
    }

    /// Counts a row; whether it can run and meets the constraints.
    fn count(&self, stats: &mut Stats, row: u64, point: &Point, outcome: &Outcome) -> bool {
        stats.evaluated += 1;
        if let Some(reject) = outcome.reject() {
            stats.rejected[usize::from(reject.code())] += 1;
            return false;
        }
        let meets = self.limits.iter().all(|limit| limit.meets(limit.value.of(self.context, row, point, outcome)));
        if meets {
            stats.feasible += 1;
        } else {
            stats.constrained += 1;
        }
        meets
    }

    fn materialise(&self, keep: Keep, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let schema = schema(values);
        let blocks: Result<Vec<_>, Cancelled> = (0..self.blocks())
            .into_par_iter()
            .map_init(
                || Evaluator::new(self.context),
                |evaluator, block| {
                    let rows = self.block_rows().min(self.context.plan.rows());
                    let capacity = if keep == Keep::All { rows as usize } else { 0 };
                    let mut builder = BatchBuilder::new(self.context, values, capacity);
                    let mut stats = Stats::new(0);
                    self.walk(evaluator, block, control, |row, point, outcome| {
                        let feasible = self.count(&mut stats, row, point, outcome);
                        if feasible || keep == Keep::All {
                            builder.push(row, point, outcome);
                        }
                    })?;
                    Ok((builder.finish(&schema), stats))
                },
            )
            .collect();
        let mut stats = Stats::new(self.context.plan.rows());
        let mut batches = Vec::new();
        for (batch, part) in blocks? {
            stats = stats.add(&part);
            if batch.num_rows() > 0 {
                batches.push(batch);
            }
        }
        Ok(Output { schema, batches, stats })
    }

    fn front(&self, values: &[Value], control: &Control) -> Result<Output, Cancelled> {
        let empty = || (GroupedArchive::new(self.objectives.len(), self.ties), Stats::new(0));
        // One archive for all blocks that a thread takes in turn: what it holds already keeps most new rows out.
        let (archive, part) = (0..self.blocks())
            .into_par_iter()
            .try_fold(
                || (Evaluator::new(self.context), empty()),
                |(mut evaluator, (mut archive, mut stats)), block| {
                    let mut rows = ObjectiveRows::new(self.objectives.len());
                    self.walk(&mut evaluator, block, control, |row, point, outcome| {
                        if self.count(&mut stats, row, point, outcome) {
                            rows.push(self, row, point, outcome, &mut stats);
                        }
                    })?;
                    rows.into_archive(&mut archive);
                    Ok((evaluator, (archive, stats)))
                },
            )
            .map(|part| part.map(|(_, part)| part))
            .try_reduce(empty, |(mut archive, stats), (other, part)| {
                archive.merge(other);
                Ok((archive, stats.add(&part)))
            })?;
        let members = archive.into_members();
        let mut output = self.rows(&members, values);
        output.stats = Stats::new(self.context.plan.rows()).add(&part);
        output.stats.front = Some(members.len() as u64);
        Ok(output)
    }

    /// The number of a row's group: mixed radix over the axes that make it, which is below the number of rows.
    fn group(&self, point: &Point) -> u64 {
        self.groups.iter().fold(0, |key, &(axis, length)| key * length + point.index(axis) as u64)
    }
}

/// Rows between two looks at the control: some ten thousandths of a second.
const CHECK_ROWS: usize = 256;

/// Objectives of feasible rows, column by column, as the archive takes them.
struct ObjectiveRows {
    columns: Vec<Vec<f64>>,
    groups: Vec<u64>,
    rows: Vec<u64>,
}

impl ObjectiveRows {
    fn new(dimensions: usize) -> Self {
        Self { columns: vec![Vec::new(); dimensions], groups: Vec::new(), rows: Vec::new() }
    }

    fn push(&mut self, run: &Run, row: u64, point: &Point, outcome: &Outcome, stats: &mut Stats) {
        let numbers = run.objectives.iter().map(|(value, sign)| sign * value.of(run.context, row, point, outcome));
        let start = self.rows.len();
        let mut exists = true;
        for (column, number) in self.columns.iter_mut().zip(numbers) {
            exists &= !number.is_nan();
            column.push(number);
        }
        if exists {
            self.groups.push(run.group(point));
            self.rows.push(row);
        } else {
            stats.unpriced += 1;
            for column in &mut self.columns {
                column.truncate(start);
            }
        }
    }

    fn into_archive(self, archive: &mut GroupedArchive) {
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        archive.push_block(&self.groups, &columns, Ids::Each(&self.rows), None);
    }
}
