//! The JSON Schema of a specification, for editors: generated from the registries, so that it can't fall behind them.
use serde_json::{Map, Value, json};

use super::objective::{group_columns, numeric_columns};
use super::{SCHEMA, VALUES_LIMIT};
use crate::axes::{AXES, Axis, Domain, Fallback, Phase, of_phase};
use crate::catalog::constant::Range;
use crate::catalog::operations::OPERATIONS;
use crate::lengths;

/// The JSON Schema (draft 2020-12) of a specification.
///
/// It is looser than [`Spec::decode`](super::Spec::decode), which also knows the catalogue's names and looks across keys.
#[must_use]
pub fn json_schema() -> Value {
    let mut definitions = Map::new();
    definitions.insert("range".to_owned(), range());
    definitions.insert("bound".to_owned(), bound());
    for axis in AXES {
        definitions.insert(format!("axis_{}", axis.name), axis_schema(axis));
    }
    for phase in Phase::ALL {
        definitions.insert(phase.name().to_owned(), phase_schema(phase));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "llmsweep sweep specification",
        "description": "What to vary, what to demand and what to look for in a sweep of training or inference setups.",
        "type": "object",
        "required": ["schema", "phase", "axes"],
        "additionalProperties": false,
        "properties": {
            "schema": { "const": SCHEMA, "description": "Version of this format." },
            "phase": { "enum": Phase::ALL.map(Phase::name), "description": "Training or inference." },
            "name": { "type": "string", "description": "Name of the sweep." },
            "description": { "type": "string", "description": "What the sweep is for." },
            "axes": { "type": "object", "description": "What is varied: every combination of these values is one row." },
            "workload": { "type": "object", "description": "What the setups have to do; each key may be an axis instead." },
            "constraints": { "type": "object", "description": "Bounds that a row must keep, by column." },
            "pareto": { "type": "object", "description": "What makes a row worth having." },
            "prices": {
                "type": "object",
                "description": "USD per device-hour by accelerator, in place of the catalogue's prices.",
                "additionalProperties": { "type": "number", "minimum": 0 },
            },
            "operations": operations(),
            "search": {
                "type": "object",
                "description": "How many replicas a row of serving has: the fewest, or as many as a fleet of devices holds.",
                "required": ["mode"],
                "properties": {
                    "mode": { "enum": ["per_device", "fleet"] },
                    "devices": { "type": "integer", "minimum": 1, "maximum": 100_000_000 },
                },
                "additionalProperties": false,
            },
            "model": inline("Models that the catalogue lacks, or that replace its own."),
            "accelerator": inline("Accelerators that the catalogue lacks, or that replace its own."),
            "network": inline("Networks that the catalogue lacks, or that replace its own."),
            "stack": inline("Training stacks that the catalogue lacks, or that replace its own."),
            "engine": inline("Serving engines that the catalogue lacks, or that replace its own."),
        },
        "if": { "properties": { "phase": { "const": Phase::Training.name() } }, "required": ["phase"] },
        "then": { "$ref": format!("#/$defs/{}", Phase::Training.name()) },
        "else": { "$ref": format!("#/$defs/{}", Phase::Inference.name()) },
        "$defs": definitions,
    })
}

fn operations() -> Value {
    let constants: Map<String, Value> = OPERATIONS
        .iter()
        .map(|constant| {
            let mut schema = match constant.range {
                Range::Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
                Range::Amount => json!({ "type": "number", "minimum": 0 }),
                Range::DividingShare => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 }),
                Range::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
                Range::Surplus => json!({ "type": "number", "minimum": 1 }),
            };
            schema["description"] = json!(constant.doc);
            (constant.key.to_owned(), schema)
        })
        .collect();
    json!({
        "type": "object",
        "description": "How the cluster is run, in place of the catalogue's constants.",
        "properties": constants,
        "additionalProperties": false,
    })
}

fn inline(description: &str) -> Value {
    json!({
        "type": "array",
        "description": description,
        "items": {
            "type": "object",
            "required": ["id"],
            "properties": { "id": { "type": "string", "pattern": "^[^*?]+$" } },
        },
    })
}

fn range() -> Value {
    let bounds = |parameter: &str| {
        json!({
            "type": "array",
            "description": format!("[first, last, {parameter}]"),
            "items": { "type": "number" },
            "minItems": 3,
            "maxItems": 3,
        })
    };
    json!({
        "type": "object",
        "description": "Values from a first to a last one, both included.",
        "properties": { "geometric": bounds("ratio"), "linear": bounds("step") },
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

fn bound() -> Value {
    json!({
        "type": "object",
        "properties": {
            "min": { "type": "number", "description": "Smallest value allowed." },
            "max": { "type": "number", "description": "Largest value allowed." },
        },
        "additionalProperties": false,
        "minProperties": 1,
    })
}

fn axis_schema(axis: &Axis) -> Value {
    let scalar = match axis.domain {
        Domain::Model
        | Domain::DraftModel
        | Domain::Accelerator
        | Domain::PoolAccelerator
        | Domain::Network
        | Domain::Stack
        | Domain::Engine => {
            json!({ "type": "string", "minLength": 1 })
        }
        Domain::Choice(names) => json!({ "enum": names }),
        Domain::Subset(names) => {
            let any = names.join("|");
            json!({ "type": "string", "pattern": format!("^\\s*(none|({any})(\\s*\\+\\s*({any}))*)\\s*$") })
        }
        Domain::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Domain::Positive => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Domain::Amount => json!({ "type": "number", "minimum": 0 }),
        Domain::AtLeastOne => json!({ "type": "number", "minimum": 1 }),
        Domain::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Domain::Between { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Domain::Bool => json!({ "type": "boolean" }),
    };
    let list = json!({
        "type": "array",
        "items": scalar,
        "minItems": 1,
        "maxItems": VALUES_LIMIT,
        "uniqueItems": true,
    });
    let mut forms = vec![scalar, list];
    if axis.domain.is_numeric() {
        forms.push(json!({ "$ref": "#/$defs/range" }));
    }
    let unit = if axis.unit.is_empty() { String::new() } else { format!(" Unit: {}.", axis.unit) };
    let mut schema = json!({ "description": format!("{}{unit}", axis.doc), "anyOf": forms });
    let default = match axis.fallback {
        Fallback::Required => return schema,
        Fallback::Name(name) => json!(name),
        Fallback::Integer(number) => json!(number),
        Fallback::Number(number) => json!(number),
        Fallback::Bool(flag) => json!(flag),
    };
    schema["default"] = default;
    schema
}

/// What the phase decides: which axes and columns there are.
fn phase_schema(phase: Phase) -> Value {
    let required = |axis: &&Axis| axis.fallback == Fallback::Required;
    let always: Vec<&str> =
        of_phase(phase).filter(required).filter(|axis| !axis.workload).map(|axis| axis.name).collect();
    let in_either: Vec<Value> = of_phase(phase)
        .filter(required)
        .filter(|axis| axis.workload)
        .map(|axis| {
            let within = |section: &str| {
                json!({ "required": [section], "properties": { section: { "required": [axis.name] } } })
            };
            json!({ "oneOf": [within("axes"), within("workload")] })
        })
        .collect();
    let numeric = numeric_columns(phase);
    let columns = |names: &[&str], description: &str| {
        let name = json!({ "enum": names });
        let list = json!({ "type": "array", "items": name, "uniqueItems": true });
        json!({ "description": description, "anyOf": [name, list] })
    };
    let bound = json!({ "$ref": "#/$defs/bound" });
    let bounds: Map<String, Value> = numeric.iter().map(|column| ((*column).to_owned(), bound.clone())).collect();
    let mut schema = json!({
        "properties": {
            "axes": { "properties": axes(phase, false), "required": always, "additionalProperties": false },
            "workload": { "properties": workload(phase), "additionalProperties": false },
            "constraints": { "properties": bounds, "additionalProperties": false },
            "pareto": {
                "properties": {
                    "minimize": columns(&numeric, "Columns of which less is better."),
                    "maximize": columns(&numeric, "Columns of which more is better."),
                    "by": columns(&group_columns(phase), "Axes whose values each have a front of their own."),
                    "distinct": {
                        "type": "boolean",
                        "description": "Whether of rows equal in every objective only the first stays.",
                        "default": false,
                    },
                },
                "additionalProperties": false,
            },
        },
    });
    if !in_either.is_empty() {
        schema["allOf"] = Value::Array(in_either);
    }
    schema
}

fn workload(phase: Phase) -> Map<String, Value> {
    let mut properties = axes(phase, true);
    if phase == Phase::Inference {
        let description =
            "A CSV file of requests, beside the specification: input_tokens and output_tokens of each, and count.";
        properties.insert(lengths::KEY.to_owned(), json!({ "type": "string", "description": description }));
    }
    properties
}

fn axes(phase: Phase, workload_only: bool) -> Map<String, Value> {
    let mut properties = Map::new();
    for axis in of_phase(phase).filter(|axis| axis.workload || !workload_only) {
        let reference = json!({ "$ref": format!("#/$defs/axis_{}", axis.name) });
        if axis.name.ends_with("_scale") {
            properties.insert(format!("accelerator.{}", axis.name), reference.clone());
        }
        properties.insert(axis.name.to_owned(), reference);
    }
    properties
}
