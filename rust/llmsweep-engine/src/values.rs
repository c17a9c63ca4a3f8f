//! Where each column's value comes from: one function per column of the registry.
//!
//! Values travel as `f64`: NaN where the quantity does not exist, a code for a label, 1 for true. Arrow arrays turn NaN into null.
mod formula;
mod percentile;
mod rows;

use llmsweep_model::economics::{HOUR, Upkeep};
use llmsweep_model::phase::inference::{InferenceRow, Pools};
use llmsweep_model::phase::share::Bottleneck;
use llmsweep_model::phase::training::TrainingRow;
use llmsweep_model::phase::training_memory::{MemoryTerm, TrainingMemory};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;

use crate::axes::{AXES, Domain, Phase};
use crate::catalog::Provenance;
use crate::columns::{COLUMNS, Column, Kind};
use crate::context::Context;
use crate::evaluate::inference::InferenceOutcome;
use crate::evaluate::training::TrainingOutcome;
use crate::evaluate::{Outcome, Results};
use crate::plan::Point;
use formula::{Formula, formula, formulas};
use percentile::{PERCENTILES, Percentile};
pub(crate) use rows::{Outcomes, Rows};

const MILLION: f64 = 1e6;

fn or_nan(value: Option<f64>) -> f64 {
    value.unwrap_or(f64::NAN)
}

impl TrainingOutcome {
    fn of(&self, value: impl Fn(&TrainingRow) -> f64) -> f64 {
        self.result.as_ref().map_or(f64::NAN, value)
    }

    fn held(&self, value: impl Fn(&TrainingMemory) -> f64) -> f64 {
        self.memory.as_ref().map_or(f64::NAN, value)
    }

    fn cost_usd(&self) -> f64 {
        self.of_run(Upkeep::cost, |cost| cost.0)
    }

    fn energy_j(&self) -> f64 {
        self.of_run(Upkeep::energy, |energy| energy.0)
    }

    fn run_tokens(&self) -> f64 {
        self.of(|row| row.tokens)
    }

    /// What a run takes by the clock on the wall.
    fn of_run<T>(&self, value: impl Fn(&Upkeep, Seconds) -> Option<T>, number: impl Fn(T) -> f64) -> f64 {
        self.of(|row| or_nan(value(&self.common.upkeep, row.time_to_train).map(&number)))
    }
}

impl InferenceOutcome {
    fn of(&self, value: impl Fn(&InferenceRow) -> f64) -> f64 {
        self.result.as_ref().map_or(f64::NAN, value)
    }

    fn of_pools(&self, value: impl Fn(&Pools) -> f64) -> f64 {
        self.of(|row| row.pools.as_ref().map_or(f64::NAN, &value))
    }

    /// Rental per answered token.
    fn usd_per_token(&self) -> f64 {
        self.of(|row| or_nan(self.common.upkeep.rental.map(|rental| rental.0 / row.tokens_per_s)))
    }

    fn j_per_token(&self) -> f64 {
        self.of(|row| or_nan(self.common.upkeep.power.map(|power| power.0 / row.tokens_per_s)))
    }

    /// What one request takes of all devices' time at this load.
    fn of_request<T>(&self, value: impl Fn(&Upkeep, Seconds) -> Option<T>, number: impl Fn(T) -> f64) -> f64 {
        self.of(|row| or_nan(value(&self.common.upkeep, Seconds(1.0 / row.requests_per_s)).map(&number)))
    }

    fn answer_tokens(&self) -> f64 {
        self.of(|row| row.tokens_per_s / row.requests_per_s)
    }

    /// Of what an answered token takes, the part of a prompt's token.
    fn per_input_token(&self, per_token: f64) -> f64 {
        self.of(|row| per_token * self.answer_tokens() * row.prefill_share(&self.setup) / self.setup.input_tokens)
    }

    /// Of what an answered token takes, the part without prefills.
    fn per_output_token(&self, per_token: f64) -> f64 {
        self.of(|row| per_token * (1.0 - row.prefill_share(&self.setup)))
    }

    /// Arrivals beyond capacity have no other result than that they are.
    fn saturated(&self) -> f64 {
        match &self.result {
            Ok(row) => f64::from(u8::from(row.saturated)),
            Err(Reject::Overloaded) => 1.0,
            Err(_) => f64::NAN,
        }
    }
}

/// Columns that both phases compute alike.
fn shared<O: Results>(name: &str) -> Option<Formula<O>> {
    Some(match name {
        "feasible" => formula!(|o: &O| f64::from(u8::from(o.reject().is_none()))),
        "reject" => formula!(|o: &O| or_nan(o.reject().map(|reject| f64::from(reject.code())))),
        "provenance" => {
            formula!(|o: &O| or_nan(o.common().provenance.map(|provenance| f64::from(provenance as u8))))
        }
        "nodes" => formula!(|o: &O| o.common().nodes()),
        "parameters" => formula!(|o: &O| o.common().parameters),
        "active_parameters" => formula!(|o: &O| o.common().active_parameters),
        "usd_per_hour" => formula!(|o: &O| or_nan(o.common().upkeep.rental.map(|rental| rental.0 * HOUR))),
        "power_w" => formula!(|o: &O| or_nan(o.common().upkeep.power.map(|power| power.0))),
        _ => return None,
    })
}

formulas! {
    /// Columns of training.
    const TRAINING: TrainingOutcome = [
        ("bottleneck", |o| o.of(|row| f64::from(row.terms.bottleneck().code()))),
        ("data_parallel", |o| o.of(|row| row.replicas)),
        ("micro_batches", |o| o.of(|row| row.micro_batches)),
        ("memory_bytes_p10", |o| o.held(|memory| o.common.spread.memory.p10(memory.peak))),
        ("memory_bytes_p90", |o| o.held(|memory| o.common.spread.memory.p90(memory.peak))),
        ("memory_bytes", |o| o.held(|memory| memory.peak)),
        ("memory_headroom_bytes", |o| o.held(|memory| memory.usable - memory.peak)),
        ("memory_stage", |o| o.held(|memory| memory.stage)),
        ("memory_term", |o| o.held(|memory| f64::from(memory.largest() as u8))),
        ("weight_bytes", |o| o.held(|memory| memory.weights)),
        ("gradient_bytes", |o| o.held(|memory| memory.gradients)),
        ("optimizer_bytes", |o| o.held(|memory| memory.optimizer)),
        ("activation_bytes", |o| o.held(|memory| memory.activations)),
        ("logits_bytes", |o| o.held(|memory| memory.logits)),
        ("gathered_bytes", |o| o.held(|memory| memory.gathered)),
        ("temporary_bytes", |o| o.held(|memory| memory.temporary)),
        ("context_bytes", |o| o.held(|memory| memory.context)),
        ("first_stage_layer_count", |o| o.of(|row| row.first_stage_layers)),
        ("last_stage_layer_count", |o| o.of(|row| row.last_stage_layers)),
        ("largest_stage_layer_count", |o| o.of(|row| row.largest_stage_layers)),
        ("trainable_parameters", |o| o.of(|row| row.trainable_parameters)),
        ("host_memory_bytes", |o| o.held(|memory| memory.host)),
        ("offload_time_s", |o| o.of(|row| row.terms.offload.0)),
        ("step_time_s", |o| o.of(|row| row.step.0)),
        ("step_time_s_p10", |o| o.of(|row| o.common.spread.step_time.p10(row.step.0))),
        ("step_time_s_p90", |o| o.of(|row| o.common.spread.step_time.p90(row.step.0))),
        ("step_time_s_bound", |o| o.of(|row| row.step_bound.0)),
        ("compute_time_s", |o| o.of(|row| row.terms.compute().0)),
        ("tensor_communication_s", |o| o.of(|row| row.terms.tensor.0)),
        ("expert_communication_s", |o| o.of(|row| row.terms.expert.0)),
        ("context_communication_s", |o| o.of(|row| row.terms.context.0)),
        ("pipeline_communication_s", |o| o.of(|row| row.terms.pipeline.0)),
        ("data_communication_s", |o| o.of(|row| row.terms.data.0)),
        ("tensor_message_bytes", |o| o.of(|row| row.traffic.tensor)),
        ("expert_message_bytes", |o| o.of(|row| row.traffic.expert)),
        ("context_message_bytes", |o| o.of(|row| row.traffic.context)),
        ("pipeline_message_bytes", |o| o.of(|row| row.traffic.pipeline)),
        ("data_message_bytes", |o| o.of(|row| row.traffic.data)),
        ("bubble_time_s", |o| o.of(|row| row.terms.bubble.0)),
        ("optimizer_time_s", |o| o.of(|row| row.terms.optimizer.0)),
        ("straggler_time_s", |o| o.of(|row| row.terms.straggler.0)),
        ("bubble_fraction", |o| o.of(|row| row.terms.bubble / row.step)),
        ("exposed_communication_fraction", |o| o.of(|row| row.terms.communication() / row.step)),
        ("tokens_per_s", |o| o.of(|row| row.tokens_per_s)),
        ("tokens_per_s_p10", |o| o.of(|row| o.common.spread.step_time.p10(row.tokens_per_s))),
        ("tokens_per_s_p90", |o| o.of(|row| o.common.spread.step_time.p90(row.tokens_per_s))),
        ("tokens_per_s_per_device", |o| o.of(|row| row.tokens_per_s / o.common.fleet.devices)),
        ("model_flops", |o| o.of(|row| row.model_flops)),
        ("model_flops_non_causal", |o| o.of(|row| row.model_flops_full)),
        ("hardware_flops", |o| o.of(|row| row.hardware_flops)),
        ("mfu", |o| o.of(|row| row.model_flops / row.peak_flops)),
        ("mfu_non_causal", |o| o.of(|row| row.model_flops_full / row.peak_flops)),
        ("hfu", |o| o.of(|row| row.hardware_flops / row.peak_flops)),
        ("trained_tokens", TrainingOutcome::run_tokens),
        ("checkpoint_interval_used_s", |o| o.of(|row| row.goodput.interval.0)),
        ("checkpoint_write_s", |o| o.of(|row| row.goodput.write.0)),
        ("failures", |o| o.of(|row| row.time_to_train / row.goodput.mtbf)),
        ("goodput", |o| o.of(|row| row.goodput.share)),
        ("time_to_train_s", |o| o.of(|row| row.time_to_train.0)),
        ("device_hours", |o| o.of(|row| row.time_to_train.0 / HOUR * o.common.fleet.paid())),
        ("cost_usd", TrainingOutcome::cost_usd),
        ("usd_per_million_tokens", |o| o.cost_usd() / o.run_tokens() * MILLION),
        ("energy_j", TrainingOutcome::energy_j),
        ("j_per_token", |o| o.energy_j() / o.run_tokens()),
        ("ownership_usd", |o| o.of_run(Upkeep::ownership, |cost| cost.0)),
        ("facility_energy_j", |o| o.of_run(Upkeep::facility_energy, |energy| energy.0)),
        ("co2_kg", |o| o.of_run(Upkeep::carbon, |mass| mass)),
    ];
}

formulas! {
    /// Columns of serving, but for percentiles.
    const INFERENCE: InferenceOutcome = [
        ("bottleneck", |o| o.of(|row| f64::from(row.bottleneck().code()))),
        ("device_count", |o| o.common.fleet.devices),
        ("replicas", |o| o.of(|row| row.replicas)),
        ("memory_bytes", |o| o.of(InferenceRow::peak_memory)),
        // A full cache is the sum of its requests' parts, which rounding may carry a few millionths of a byte too far.
        ("memory_headroom_bytes", |o| o.of(|row| (row.room.usable - row.peak_memory()).max(0.0))),
        ("weight_bytes", |o| o.of(|row| row.room.weights)),
        ("activation_bytes", |o| o.of(|row| row.room.activations)),
        ("engine_bytes", |o| o.of(|row| row.room.reserve - row.room.activations)),
        ("kv_cache_bytes", |o| o.of(|row| row.room.cache)),
        ("host_memory_bytes", |o| o.of(|row| row.room.used_of_host(row.running))),
        ("host_transfer_s", |o| o.of(|row| row.terms.host_transfer.0)),
        ("max_context_tokens", |o| o.of(|row| row.room.max_context)),
        ("kv_waste_fraction", |o| o.of(|row| row.room.waste)),
        ("tokens_per_s", |o| o.of(|row| row.tokens_per_s)),
        ("tokens_per_s_per_device", |o| o.of(|row| row.tokens_per_s / o.common.fleet.devices)),
        ("ttft_s", |o| o.of(|row| row.ttft.0)),
        ("ttft_s_p10", |o| o.of(|row| o.common.spread.ttft.p10(row.ttft.0))),
        ("ttft_s_p90", |o| o.of(|row| o.common.spread.ttft.p90(row.ttft.0))),
        ("ttft_s_bound", |o| o.of(|row| row.ttft_bound.time.0)),
        ("tpot_s", |o| o.of(|row| row.tpot.0)),
        ("tpot_s_p10", |o| o.of(|row| o.common.spread.tpot.p10(row.tpot.0))),
        ("tpot_s_p90", |o| o.of(|row| o.common.spread.tpot.p90(row.tpot.0))),
        ("mbu", |o| o.of(InferenceRow::mbu)),
        ("decode_mfu", |o| o.of(InferenceRow::decode_mfu)),
        ("prefill_mfu", |o| o.of(|row| row.prefill_mfu(&o.setup))),
        ("tpot_s_bound", |o| o.of(|row| row.tpot_bound.time().0)),
        ("e2e_s", |o| o.of(|row| row.e2e.0)),
        ("e2e_s_p10", |o| o.of(|row| o.common.spread.e2e.p10(row.e2e.0))),
        ("e2e_s_p90", |o| o.of(|row| o.common.spread.e2e.p90(row.e2e.0))),
        ("tokens_per_s_p10", |o| o.of(|row| o.common.spread.rate.p10(row.tokens_per_s))),
        ("tokens_per_s_p90", |o| o.of(|row| o.common.spread.rate.p90(row.tokens_per_s))),
        ("prefill_time_s", |o| o.of(|row| row.prefill.0)),
        ("decode_step_s", |o| o.of(|row| row.terms.step().0)),
        ("accepted_tokens_per_step", |o| o.of(|row| row.terms.tokens)),
        ("decode_expert_communication_s", |o| o.of(|row| (row.terms.expert * row.terms.tokens).0)),
        ("tokens_per_s_per_user", |o| o.of(|row| 1.0 / row.tpot.0)),
        ("requests_per_s", |o| o.of(|row| row.requests_per_s)),
        ("max_requests_per_s", |o| o.of(|row| row.max_requests_per_s)),
        ("utilisation", |o| o.of(|row| row.requests_per_s / row.max_requests_per_s)),
        ("slo_attainment", |o| o.of(|row| row.slo_attainment(&o.setup))),
        ("goodput_requests_per_s", |o| o.of(|row| row.slo_attainment(&o.setup) * row.requests_per_s)),
        ("running_requests", |o| o.of(|row| row.running)),
        ("max_concurrency", |o| o.of(|row| finite(row.max_concurrency()))),
        ("kv_tokens", |o| o.of(|row| finite(row.kv_tokens(&o.setup)))),
        ("kv_bytes_per_token", |o| o.kv_bytes_per_token),
        ("message_bytes_per_token", |o| o.message_bytes_per_token),
        ("prefill_device_count", |o| o.of_pools(|pools| pools.prefill_devices)),
        ("decode_device_count", |o| o.of_pools(|pools| pools.decode_devices)),
        ("kv_transfer_bytes", |o| o.of_pools(|pools| pools.handoff.bytes)),
        ("kv_transfer_s", |o| o.of_pools(|pools| pools.handoff.time.0)),
        ("prefill_wait_s", |o| o.of_pools(|pools| (pools.wait + pools.burst).0)),
        ("prefill_utilisation", |o| o.of_pools(|pools| pools.prefill_utilisation)),
        ("decode_utilisation", |o| o.of_pools(|pools| pools.decode_utilisation)),
        ("saturated", InferenceOutcome::saturated),
        ("cost_usd", |o| o.usd_per_token() * o.answer_tokens()),
        ("usd_per_million_tokens", |o| o.usd_per_token() * MILLION),
        ("usd_per_million_input_tokens", |o| o.per_input_token(o.usd_per_token()) * MILLION),
        ("usd_per_million_output_tokens", |o| o.per_output_token(o.usd_per_token()) * MILLION),
        ("energy_j", |o| o.j_per_token() * o.answer_tokens()),
        ("j_per_token", InferenceOutcome::j_per_token),
        ("j_per_input_token", |o| o.per_input_token(o.j_per_token())),
        ("j_per_output_token", |o| o.per_output_token(o.j_per_token())),
        ("ownership_usd", |o| o.of_request(Upkeep::ownership, |cost| cost.0)),
        ("facility_energy_j", |o| o.of_request(Upkeep::facility_energy, |energy| energy.0)),
        ("co2_kg", |o| o.of_request(Upkeep::carbon, |mass| mass)),
    ];
}

/// A model without a cache holds any number of requests: there is no such number.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

/// Where a column's value comes from.
#[derive(Clone, Copy, Debug)]
enum Source {
    RowId,
    Phase,
    Axis(usize),
    Training(Formula<TrainingOutcome>),
    Inference(Formula<InferenceOutcome>),
    Percentile(Percentile),
}

/// A column of a result: its name, its storage, and where its values come from.
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// The column's name.
    pub name: &'static str,
    /// Storage.
    pub kind: Kind,
    source: Source,
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

impl Value {
    /// The column of this name in a phase.
    #[must_use]
    pub fn by_name(phase: Phase, name: &str) -> Option<Self> {
        if let Some(position) = AXES.iter().position(|axis| axis.name == name && axis.phases.contains(&phase)) {
            let axis = &AXES[position];
            let kind = match axis.domain {
                Domain::Model
                | Domain::Accelerator
                | Domain::DraftModel
                | Domain::PoolAccelerator
                | Domain::Network
                | Domain::Stack
                | Domain::Engine
                | Domain::Choice(_)
                | Domain::Subset(_) => Kind::Label,
                Domain::Integer { .. } => Kind::Count,
                Domain::Positive | Domain::Amount | Domain::AtLeastOne | Domain::Share | Domain::Between { .. } => {
                    Kind::Number
                }
                Domain::Bool => Kind::Bool,
            };
            return Some(Self { name: axis.name, kind, source: Source::Axis(position) });
        }
        let column = COLUMNS.iter().find(|column| column.name == name && column.phases.contains(&phase))?;
        let source = match column.name {
            "row_id" => Source::RowId,
            "phase" => Source::Phase,
            name => match phase {
                Phase::Training => find(TRAINING, name).or_else(|| shared(name)).map(Source::Training),
                Phase::Inference => find(INFERENCE, name)
                    .or_else(|| shared(name))
                    .map(Source::Inference)
                    .or_else(|| find(PERCENTILES, name).map(Source::Percentile)),
            }?,
        };
        Some(Self { name: column.name, kind: column.kind, source })
    }

    /// All columns of a phase: row and phase, the axes, the results.
    #[must_use]
    pub fn all(phase: Phase) -> Vec<Self> {
        let (first, rest): (Vec<&Column>, Vec<&Column>) =
            crate::columns::of_phase(phase).partition(|column| matches!(column.name, "row_id" | "phase"));
        let axes = crate::axes::of_phase(phase).map(|axis| axis.name);
        let names = first.iter().map(|column| column.name).chain(axes).chain(rest.iter().map(|column| column.name));
        names.filter_map(|name| Self::by_name(phase, name)).collect()
    }

    /// Appends the values in many rows: where they come from is looked at once for all of them.
    pub(crate) fn extend(&self, context: &Context, rows: &Rows, numbers: &mut Vec<f64>) {
        match (self.source, &rows.outcomes) {
            (Source::RowId, _) => numbers.extend(rows.ids.iter().map(|id| *id as f64)),
            (Source::Phase, _) => numbers.extend(rows.ids.iter().map(|_| f64::from(context.plan.phase as u8))),
            (Source::Axis(position), _) => {
                numbers.extend(rows.points.iter().map(|point| context.number(point, position)));
            }
            (Source::Training(formula), Outcomes::Training(outcomes)) => (formula.many)(outcomes, numbers),
            (Source::Inference(formula), Outcomes::Inference(outcomes)) => (formula.many)(outcomes, numbers),
            (Source::Percentile(percentile), Outcomes::Inference(outcomes)) => {
                percentile.many(outcomes, &rows.times, numbers);
            }
            _ => unreachable!("a sweep has one phase"),
        }
    }

    /// The value that every row of a sweep has, if the sweep says so.
    pub(crate) fn constant(&self, context: &Context) -> Option<f64> {
        match self.source {
            Source::Phase => Some(f64::from(context.plan.phase as u8)),
            Source::Axis(position) => match context.plan.axis(position)?.numbers.as_slice() {
                [number] => Some(*number),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the column numbers the rows.
    pub(crate) fn is_row_id(&self) -> bool {
        matches!(self.source, Source::RowId)
    }

    /// The position of the axis that the column is, if it is one.
    #[must_use]
    pub fn axis(&self) -> Option<usize> {
        match self.source {
            Source::Axis(position) => Some(position),
            _ => None,
        }
    }

    /// The value in a row; a row's number is exact below 2⁵³.
    #[must_use]
    #[inline]
    pub fn of(&self, context: &Context, row: u64, point: &Point, outcome: &Outcome) -> f64 {
        match (self.source, outcome) {
            (Source::RowId, _) => row as f64,
            (Source::Phase, _) => f64::from(context.plan.phase as u8),
            (Source::Axis(position), _) => context.number(point, position),
            (Source::Training(formula), Outcome::Training(outcome)) => (formula.one)(outcome),
            (Source::Inference(formula), Outcome::Inference(outcome)) => (formula.one)(outcome),
            (Source::Percentile(percentile), Outcome::Inference(outcome)) => percentile.one(outcome),
            _ => f64::NAN,
        }
    }

    /// The names that a label column's codes stand for.
    #[must_use]
    pub fn labels(&self, context: &Context) -> Option<Vec<String>> {
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        if self.kind != Kind::Label {
            return None;
        }
        Some(match (self.source, self.name) {
            (Source::Axis(position), _) => context.axis_names(position),
            (_, "phase") => owned(Phase::ALL.iter().map(|phase| phase.name()).collect()),
            (_, "reject") => owned(Reject::ALL.iter().map(|reject| reject.name()).collect()),
            (_, "bottleneck") => owned(Bottleneck::ALL.iter().map(|bottleneck| bottleneck.name()).collect()),
            (_, "provenance") => owned(Provenance::ALL.iter().map(|provenance| provenance.name()).collect()),
            (_, "memory_term") => owned(MemoryTerm::NAMES.to_vec()),
            (_, name) => unreachable!("the label column {name} has no names"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_has_a_value() {
        for phase in Phase::ALL {
            for column in crate::columns::of_phase(phase) {
                assert!(Value::by_name(phase, column.name).is_some(), "{} of {}", column.name, phase.name());
            }
        }
    }
}
