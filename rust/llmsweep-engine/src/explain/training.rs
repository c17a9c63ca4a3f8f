//! A training setup, term by term.
use llmsweep_model::phase::training::TrainingRow;
use llmsweep_model::phase::training_messages::message_time;
use llmsweep_model::phase::training_times::kinds_of;
use llmsweep_model::reject::Reject;

use super::{Section, Term, device_section, kernels, money, seconds, short};
use crate::context::Context;
use crate::evaluate::training::{TrainingEvaluator, TrainingOutcome, setup};
use crate::plan::Point;

pub(super) fn sections(context: &Context, point: &Point) -> (Option<Reject>, Vec<Section>) {
    let mut evaluator = TrainingEvaluator::new(context);
    let outcome = evaluator.outcome(point);
    let mut sections: Vec<Section> = device_section(context, point).into_iter().collect();
    sections.push(model(context, point));
    sections.extend(layers(context, point, &evaluator));
    if let Ok(row) = &outcome.result {
        sections.push(memory(row));
        sections.push(step(row));
        sections.push(flops(row));
        sections.push(whole_run(context, point, row));
        let tokens = row.tokens_per_s * row.time_to_train.0;
        sections.push(money(&outcome.common, "Money and energy of the whole run", row.time_to_train, tokens));
    }
    (reject(&outcome), sections)
}

fn reject(outcome: &TrainingOutcome) -> Option<Reject> {
    outcome.result.as_ref().err().copied()
}

fn model(context: &Context, point: &Point) -> Section {
    let shape = &context.model(point).shape;
    let active = shape.active_parameters();
    Section::new(
        "Model",
        vec![
            Term::new("parameters", shape.parameters(), "", "Σ layers + embedding + head"),
            Term::new("active parameters", active.with_embeddings, "", "with embeddings"),
            Term::new("active parameters", active.without_input_embedding, "", "without the input table"),
            Term::new("active parameters", active.without_embeddings, "", "layers alone"),
        ],
    )
}

fn layers(context: &Context, point: &Point, evaluator: &TrainingEvaluator) -> Vec<Section> {
    let (Ok(work), Ok(device)) = (evaluator.work(), evaluator.device()) else { return Vec::new() };
    let shape = &context.model(point).shape;
    let kinds = kinds_of(shape);
    let mut sections: Vec<Section> = kinds
        .iter()
        .zip(&work.layers)
        .map(|(kind, layer)| {
            let title =
                format!("Forward pass of one layer, {:?} mixer, {:?} MLP, one micro-batch", kind.mixer, kind.mlp);
            kernels::section(title, layer, &device.device.kernels, |message| {
                message_time(message, &work.split, &device.device)
            })
        })
        .collect();
    let title = "Forward pass of the LM head, one micro-batch".to_owned();
    sections.push(kernels::section(title, &work.head, &device.device.kernels, |message| {
        message_time(message, &work.split, &device.device)
    }));
    sections
}

fn memory(row: &TrainingRow) -> Section {
    let memory = &row.memory;
    let sum = memory.weights + memory.gradients + memory.optimizer + memory.activations;
    Section::new(
        format!("Memory of the fullest device (stage {})", memory.stage),
        vec![
            Term::new("weights", memory.weights, "B", "parameters of the device · bytes each / ZeRO-3 shard"),
            Term::new("gradients", memory.gradients, "B", "parameters · 4 B / ZeRO-2 shard"),
            Term::new("optimizer state", memory.optimizer, "B", "parameters · (master + moments) / ZeRO-1 shard")
                .source("Rajbhandari et al. 2020, arXiv:1910.02054, figure 1"),
            Term::new("activations", memory.activations, "B", "kept by layers · micro-batches in flight + logits")
                .source("Korthikanti et al. 2022, arXiv:2205.05198, table 2"),
            Term::new("fragmentation", memory.peak - sum, "B", "what the allocator reserves beyond it"),
        ],
    )
    .total(Term::new("peak", memory.peak, "B", "Σ").numbers(format!("of {} B usable", short(memory.usable))))
}

fn step(row: &TrainingRow) -> Section {
    let terms = &row.terms;
    let m = short(row.micro_batches);
    Section::new(
        "Time of one step",
        vec![
            seconds("compute-bound kernels", terms.kernels.compute, "m · slowest stage").numbers(format!("m = {m}")),
            seconds("bandwidth-bound kernels", terms.kernels.memory, "m · slowest stage"),
            seconds("host", terms.host, "(device⁶ + host⁶)^(1/6) − device"),
            seconds(
                "tensor-parallel messages",
                terms.tensor,
                "exposed share of all-gather, reduce-scatter, all-reduce",
            ),
            seconds("expert messages", terms.expert, "dispatch and combine, both passes"),
            seconds("context-parallel messages", terms.context, "what attention does not hide"),
            seconds("messages between stages", terms.pipeline, "m · p2p + (p − 1) · p2p"),
            seconds("pipeline bubble", terms.bubble, "(p − 1) · average stage / v")
                .source("Narayanan et al. 2021, arXiv:2104.04473, section 2.2"),
            seconds("gradients and weights", terms.data, "what backward and forward do not hide, and the last bucket"),
            seconds("optimizer", terms.optimizer, "passes over the shard / bandwidth"),
            seconds("stragglers", terms.straggler, "σ · √(2 ln replicas) · (kernels + host)"),
        ],
    )
    .total(seconds("step", row.step, "Σ").numbers(format!("at least {} s at peak", short(row.step_bound.0))))
}

fn flops(row: &TrainingRow) -> Section {
    let peak = short(row.peak_flops);
    let share = |name: &'static str, flops: f64, formula: &'static str| {
        Term::new(name, flops / row.peak_flops, "", formula).numbers(format!("{} / {peak}", short(flops)))
    };
    Section::new(
        "Utilisation",
        vec![
            share("mfu", row.model_flops, "model FLOPs, causal / (step · devices · peak)"),
            share("mfu_non_causal", row.model_flops_full, "model FLOPs, full square / (step · devices · peak)"),
            share("hfu", row.hardware_flops, "FLOPs with recomputation / (step · devices · peak)"),
        ],
    )
}

fn whole_run(context: &Context, point: &Point, row: &TrainingRow) -> Section {
    let setup = setup(context, point);
    Section::new(
        "Whole run",
        vec![
            Term::new("tokens per second", row.tokens_per_s, "tokens/s", "global batch · sequence length / step"),
            Term::new("time to train", row.time_to_train.0, "s", "tokens / tokens per second").numbers(format!(
                "{} / {}",
                short(setup.tokens),
                short(row.tokens_per_s)
            )),
        ],
    )
}
