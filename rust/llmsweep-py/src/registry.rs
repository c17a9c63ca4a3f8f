//! The registries as JSON: what there is to name, said once in Rust and read by the command line, the docs and the tests.
use llmsweep_engine::axes::{AXES, Axis, Domain, Fallback, Level, Phase};
use llmsweep_engine::catalog::Provenance;
use llmsweep_engine::columns::{COLUMNS, HIGHER_IS_BETTER, Kind};
use llmsweep_engine::spec::json_schema;
use llmsweep_model::phase::share::Bottleneck;
use llmsweep_model::precision::{KvPrecision, Precision};
use llmsweep_model::reject::Reject;
use pyo3::prelude::*;
use serde_json::{Value, json};

/// Axes, columns, precisions, cache formats, reject reasons and other labels, as JSON.
#[pyfunction]
pub(crate) fn registry() -> String {
    let precisions = Precision::ALL.iter().map(|precision| {
        json!({
            "name": precision.name,
            "weight_bits": precision.weight_bits,
            "activation_bits": precision.activation_bits,
            "compute": precision.compute.iter().map(|format| format.name()).collect::<Vec<_>>(),
            "trains": precision.trains,
            "doc": precision.doc,
        })
    });
    let kv = KvPrecision::ALL.iter().map(|kv| json!({ "name": kv.name, "bits": kv.bits, "doc": kv.doc }));
    let columns = COLUMNS.iter().map(|column| {
        json!({
            "name": column.name,
            "phases": names(column.phases),
            "kind": kind(column.kind),
            "unit": column.unit,
            "doc": column.doc,
            "formula": column.formula,
            "higher_is_better": HIGHER_IS_BETTER.contains(&column.name),
        })
    });
    let rejects = Reject::ALL
        .iter()
        .map(|reject| json!({ "name": reject.name(), "phases": reject_phases(*reject), "doc": reject.doc() }));
    let bottlenecks = Bottleneck::ALL.iter().map(|one| json!({ "name": one.name(), "doc": one.doc() }));
    let provenances = Provenance::ALL.iter().map(|one| json!({ "name": one.name(), "doc": one.doc() }));
    json!({
        "axes": AXES.iter().map(axis).collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
        "precisions": precisions.collect::<Vec<_>>(),
        "kv_precisions": kv.collect::<Vec<_>>(),
        "rejects": rejects.collect::<Vec<_>>(),
        "bottlenecks": bottlenecks.collect::<Vec<_>>(),
        "provenances": provenances.collect::<Vec<_>>(),
    })
    .to_string()
}

/// The JSON Schema of a sweep specification.
#[pyfunction]
pub(crate) fn schema() -> String {
    json_schema().to_string()
}

fn names(phases: &[Phase]) -> Vec<&'static str> {
    phases.iter().map(|phase| phase.name()).collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "number",
        Kind::Count => "count",
        Kind::Bool => "bool",
        Kind::Label => "label",
    }
}

fn axis(axis: &Axis) -> Value {
    let domain = match axis.domain {
        Domain::Model => json!({ "kind": "model" }),
        Domain::DraftModel => json!({ "kind": "draft_model" }),
        // Its fallback says that it takes "same" too.
        Domain::Accelerator | Domain::PoolAccelerator => json!({ "kind": "accelerator" }),
        Domain::Network => json!({ "kind": "network" }),
        Domain::Stack => json!({ "kind": "stack" }),
        Domain::Engine => json!({ "kind": "engine" }),
        Domain::Choice(values) => json!({ "kind": "choice", "values": values }),
        Domain::Subset(values) => json!({ "kind": "subset", "values": values }),
        Domain::Integer { min, max } => json!({ "kind": "integer", "min": min, "max": max }),
        Domain::Positive => json!({ "kind": "positive" }),
        Domain::Amount => json!({ "kind": "amount" }),
        Domain::AtLeastOne => json!({ "kind": "at_least_one" }),
        Domain::Share => json!({ "kind": "share" }),
        Domain::Between { min, max } => json!({ "kind": "between", "min": min, "max": max }),
        Domain::Bool => json!({ "kind": "bool" }),
    };
    let fallback = match axis.fallback {
        Fallback::Required => Value::Null,
        Fallback::Name(name) => json!(name),
        Fallback::Integer(number) => json!(number),
        Fallback::Number(number) => json!(number),
        Fallback::Bool(flag) => json!(flag),
    };
    let level = match axis.level {
        Level::Shape => "shape",
        Level::Work => "work",
        Level::Time => "time",
        Level::Row => "row",
    };
    json!({
        "name": axis.name,
        "phases": names(axis.phases),
        "level": level,
        "domain": domain,
        "fallback": fallback,
        "workload": axis.workload,
        "unit": axis.unit,
        "doc": axis.doc,
    })
}

fn reject_phases(reject: Reject) -> Vec<&'static str> {
    names(match reject {
        Reject::PrecisionUnsupported
        | Reject::TensorParallelHeads
        | Reject::TensorParallelMlp
        | Reject::ExpertParallelDense
        | Reject::ExpertParallelExperts
        | Reject::ExpertParallelRanks
        | Reject::ExpertTensorParallel
        | Reject::PipelineTooDeep
        | Reject::WeightsDoNotFit => &Phase::ALL,
        Reject::PrecisionNotTrained
        | Reject::ContextParallelSequence
        | Reject::ContextParallelHeads
        | Reject::SequenceTooLong
        | Reject::NothingTrained
        | Reject::VirtualPipelineAlone
        | Reject::VirtualPipelineBatches
        | Reject::ScheduleAlone
        | Reject::ScheduleChunks
        | Reject::ScheduleBatches
        | Reject::StageLayers
        | Reject::DevicesNotDivisible
        | Reject::DevicesTooFew
        | Reject::GlobalBatchNotDivisible
        | Reject::DataParallelReplicate
        | Reject::OptimizerDoesNotFit
        | Reject::ActivationsDoNotFit
        | Reject::FailsTooOften => &[Phase::Training],
        Reject::ContextTooLong
        | Reject::ConcurrencyBelowReplicas
        | Reject::CacheDoesNotFit
        | Reject::BatchDoesNotFit
        | Reject::DrafterMissing
        | Reject::DrafterSplit
        | Reject::Overloaded
        | Reject::StaticArrivals
        | Reject::FleetTooSmall
        | Reject::PrefillPrecisionUnsupported
        | Reject::PrefillLayout
        | Reject::PrefillDoesNotFit => &[Phase::Inference],
    })
}
