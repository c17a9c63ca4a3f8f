//! A training setup, term by term.
use llmsweep_model::phase::training::TrainingRow;
use llmsweep_model::phase::training_memory::{MemoryTerm, TrainingMemory};
use llmsweep_model::phase::training_messages::message_time;
use llmsweep_model::phase::training_times::kinds_of;
use llmsweep_model::quantity::Seconds;

use super::{Explained, Section, Term, device_section, kernels, money, seconds, short};
use crate::context::{Context, axis};
use crate::evaluate::training::{TrainingEvaluator, setup};
use crate::plan::Point;
use crate::spread::Spread;

pub(super) fn explained(context: &Context, point: &Point) -> Explained {
    let mut evaluator = TrainingEvaluator::new(context);
    let outcome = *evaluator.outcome(point);
    let mut sections: Vec<Section> = device_section(context, point).into_iter().collect();
    sections.push(stack(context, point));
    sections.push(model(context, point));
    sections.extend(layers(context, point, &evaluator));
    sections.extend(outcome.memory.as_ref().map(|held| memory(held, &outcome.common.spread)));
    if let Ok(row) = &outcome.result {
        sections.push(step(row, &outcome.common.spread));
        sections.push(messages(row));
        sections.push(flops(row));
        sections.push(whole_run(context, point, row));
        sections.push(failures(context, point, row));
        sections.push(money(
            &outcome.common,
            &context.accelerator(point),
            &context.operations,
            "Money and energy of the whole run",
            row.time_to_train,
            row.tokens,
        ));
    }
    let missing = outcome.memory.as_ref().and_then(missing);
    Explained { reject: outcome.result.err(), missing, sections }
}

fn gib(bytes: f64) -> String {
    const GIB: f64 = (1_u64 << 30) as f64;
    format!("{:.2} GiB", bytes / GIB)
}

/// Stage, bytes and the largest term of what does not fit.
fn missing(memory: &TrainingMemory) -> Option<String> {
    let more = memory.peak - memory.usable;
    let largest = memory.largest();
    let bytes = memory.terms()[largest as usize].1;
    (more > 0.0).then(|| {
        format!(
            "Stage {} lacks {} of {}; the largest term is {} with {}.",
            memory.stage,
            gib(more),
            gib(memory.peak),
            MemoryTerm::NAMES[largest as usize],
            gib(bytes)
        )
    })
}

/// The constants of the training stack that most often decide.
fn stack(context: &Context, point: &Point) -> Section {
    let system = context.stack(point);
    let attention = context.attention_ratios[point.index(axis::ACCELERATOR)][point.index(axis::STACK)];
    Section::new(
        format!("Training stack ({})", context.stack_names[point.index(axis::STACK)]),
        vec![
            Term::new("attention, speed over the law's", attention, "", ""),
            seconds("host time of a launch", system.host_launch, ""),
            Term::new("host time waited for", system.host_exposed, "", "share"),
            Term::new("tensor messages exposed", system.tensor_exposed, "", "share"),
            Term::new("the same with sequence parallelism", system.tensor_exposed_overlapped, "", "share"),
            Term::new("expert messages exposed", system.expert_exposed, "", "share"),
            seconds("least time of a layer of experts", system.expert_layer_floor, "forward and backward"),
            Term::new("data-parallel messages beside kernels", system.data_overlap, "", "share"),
            Term::new("memory that fragments", system.fragmentation, "", "over what is handed out"),
            Term::new("memory held back", system.cached, "", "over what is handed out, where there is room"),
        ],
    )
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

fn memory(memory: &TrainingMemory, spread: &Spread) -> Section {
    let mut terms: Vec<Term> = memory.terms().into_iter().map(|(term, bytes)| memory_term(term, bytes)).collect();
    terms.push(Term::new("fragmentation", memory.fragmentation, "B", "what the allocator reserves beyond it"));
    let missing = memory.peak - memory.usable;
    let usable = format!("{} usable, {} of context beside it", gib(memory.usable), gib(memory.context));
    let missing = if missing > 0.0 { format!(": {} are missing", gib(missing)) } else { String::new() };
    let low = gib(spread.memory.p10(memory.peak));
    let high = gib(spread.memory.p90(memory.peak));
    let numbers = format!("{usable}{missing}; measured {low} to {high} (p10 to p90)");
    Section::new(format!("Memory of the fullest device (stage {})", memory.stage), terms)
        .total(Term::new("peak", memory.peak, "B", "Σ").numbers(numbers))
}

fn memory_term(term: MemoryTerm, bytes: f64) -> Term {
    match term {
        MemoryTerm::Weights => Term::new("weights", bytes, "B", "parameters of the device · bytes each / ZeRO-3 shard"),
        MemoryTerm::Gradients => {
            Term::new("gradients", bytes, "B", "trained parameters · bytes of their sum / ZeRO-2 shard")
        }
        MemoryTerm::Optimizer => {
            Term::new("optimizer state", bytes, "B", "parameters · (master + moments) / ZeRO-1 shard")
                .source("Rajbhandari et al. 2020, arXiv:1910.02054, figure 1")
        }
        MemoryTerm::Activations => {
            Term::new("activations", bytes, "B", "kept by layers · micro-batches in flight + layer computed again")
                .source("Korthikanti et al. 2022, arXiv:2205.05198, table 2")
        }
        MemoryTerm::Logits => {
            Term::new("logits", bytes, "B", "tokens · vocabulary / t · (format + 4 B), if the loss is the peak")
        }
        MemoryTerm::Gathered => Term::new("gathered weights", bytes, "B", "two whole layers under ZeRO-3"),
        MemoryTerm::Temporary => {
            Term::new("temporary", bytes, "B", "gradient of the layer at work, casts of the update, message buffers")
        }
    }
}

fn step(row: &TrainingRow, spread: &Spread) -> Section {
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
            seconds("messages between stages", terms.pipeline, "(p − 1) · p2p; + m · p2p in 1F1B of one chunk"),
            seconds(
                "pipeline bubble",
                terms.bubble,
                "waits of the slowest stage; (p − 1) · stage / v in 1F1B of equal stages",
            )
            .source("Narayanan et al. 2021, arXiv:2104.04473, section 2.2"),
            seconds("gradients and weights", terms.data, "what backward and forward do not hide, and the last bucket"),
            seconds("optimizer", terms.optimizer, "passes over the shard / bandwidth"),
            seconds("stragglers", terms.straggler, "σ · √(2 ln replicas) · (kernels + host)"),
            seconds("host transfers", terms.offload, "to and from the host beyond kernels, its update"),
        ],
    )
    .total(seconds("step", row.step, "Σ").numbers(format!(
        "at least {} s at peak; measured {} to {} s (p10 to p90)",
        short(row.step_bound.0),
        short(spread.step_time.p10(row.step.0)),
        short(spread.step_time.p90(row.step.0))
    )))
}

/// What leaves a device, what of it the step waits for, and the bandwidth that it takes on average.
fn messages(row: &TrainingRow) -> Section {
    let (sent, exposed) = (&row.traffic, &row.terms);
    let group = |name: &'static str, bytes: f64, waited: Seconds, formula: &'static str| {
        let numbers =
            format!("{} s of them exposed; {} B/s over the whole step", short(waited.0), short(bytes / row.step.0));
        Term::new(name, bytes, "B", formula).numbers(numbers)
    };
    Section::new(
        "Messages that a device sends in one step",
        vec![
            group("to tensor-parallel ranks", sent.tensor, exposed.tensor, "m · layers · 8·b·s·h·(t − 1)/t values")
                .source("Narayanan et al. 2021, arXiv:2104.04473, section 3.2"),
            group("to experts and back", sent.expert, exposed.expert, "m · layers · dispatch and combine, both passes"),
            group(
                "to context-parallel ranks",
                sent.context,
                exposed.context,
                "m · layers · keys and values, or heads, both passes",
            ),
            group("to stages beside it", sent.pipeline, exposed.pipeline, "m · chunks · b·s·h values, both ways"),
            group(
                "gradients and weights",
                sent.data,
                exposed.data,
                "2·(d − 1)/d · parameters of the device; ZeRO-3 half as much again",
            )
            .source("Rajbhandari et al. 2020, arXiv:1910.02054, section 7"),
        ],
    )
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
    let parameters = context.model(point).shape.parameters();
    let tokens = if setup.tokens_per_parameter > 0.0 {
        Term::new("tokens", row.tokens, "tokens", "tokens per parameter · parameters")
            .numbers(format!("{} · {}", short(setup.tokens_per_parameter), short(parameters)))
            .source("Hoffmann et al. 2022, arXiv:2203.15556: 20 is compute-optimal")
    } else {
        Term::new("tokens", row.tokens, "tokens", "")
    };
    Section::new(
        "Whole run",
        vec![
            tokens,
            Term::new("tokens per second", row.tokens_per_s, "tokens/s", "global batch · sequence length / step"),
            seconds("all steps", row.training_time, "tokens / tokens per second").numbers(format!(
                "{} / {}",
                short(row.tokens),
                short(row.tokens_per_s)
            )),
            Term::new("goodput", row.goodput.share, "", "training time / wall time"),
            seconds("time to train", row.time_to_train, "all steps / goodput").numbers(format!(
                "{} / {}",
                short(row.training_time.0),
                short(row.goodput.share)
            )),
        ],
    )
}

fn failures(context: &Context, point: &Point, row: &TrainingRow) -> Section {
    let setup = setup(context, point);
    let goodput = &row.goodput;
    let best = "√(2δM) · (1 + ⅓ √(δ/2M) + ⅑ δ/2M) − δ";
    let interval = seconds(
        "training between two checkpoints",
        goodput.interval,
        if setup.checkpoint_interval.0 > 0.0 { "given" } else { best },
    );
    Section::new(
        "Failures and checkpoints of the run",
        vec![
            seconds("mean time between failures, M", goodput.mtbf, "device's mean time between failures / devices")
                .numbers(format!("{} h / {}", short(setup.device_mtbf_hours), setup.devices)),
            Term::new("failures", row.time_to_train / goodput.mtbf, "", "time to train / M"),
            seconds("writing a checkpoint", goodput.write, "weights and optimizer state / the slower bandwidth"),
            seconds("pause for it, δ", goodput.pause, "write · (1 − asynchronous share)"),
            interval.source("Daly 2006, doi:10.1016/j.future.2004.11.016"),
            seconds("recovery from a failure, R", goodput.recovery, "detection + restart + wait for a node").numbers(
                format!(
                    "{} + {} + {}",
                    short(context.operations.detection.0),
                    short(context.operations.restart.0),
                    short((goodput.recovery - context.operations.detection - context.operations.restart).0.max(0.0))
                ),
            ),
            Term::new("goodput", goodput.share, "", "τ / (M · e^(R/M) · (e^((τ + δ)/M) − 1))").numbers(format!(
                "τ = {}, δ = {}, R = {}, M = {}",
                short(goodput.interval.0),
                short(goodput.pause.0),
                short(goodput.recovery.0),
                short(goodput.mtbf.0)
            )),
        ],
    )
}
