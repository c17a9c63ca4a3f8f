//! A serving setup, term by term.
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork};
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup, ServingMode};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;
use llmsweep_model::system::ServingEngine;
use llmsweep_model::work::{Work, decode};

use super::{Section, Term, device_section, kernels, money, seconds, short};
use crate::context::Context;
use crate::evaluate::inference::{InferenceEvaluator, setup};
use crate::plan::Point;

pub(super) fn sections(context: &Context, point: &Point) -> (Option<Reject>, Vec<Section>) {
    let mut evaluator = InferenceEvaluator::new(context);
    let outcome = evaluator.outcome(point);
    let setup = setup(context, point);
    let mut sections: Vec<Section> = device_section(context, point).into_iter().collect();
    if let Ok(work) = evaluator.work() {
        sections.push(model(context, point, work));
    }
    if let (Ok(row), Ok(work), Ok((device, _))) = (&outcome.result, evaluator.work(), evaluator.device()) {
        sections.push(memory(row));
        sections.push(room(row, &setup, context.engine(point)));
        sections.extend(layers(context, point, work, device, row, &setup));
        sections.push(between_tokens(row, &setup));
        sections.push(first_token(row, &setup));
        let request = Seconds(1.0 / row.requests_per_s);
        sections.push(money(
            &outcome.common,
            &device.device.accelerator,
            &context.operations,
            "Money and energy of one request at this load",
            request,
            setup.output_tokens,
        ));
    }
    (outcome.result.err(), sections)
}

fn model(context: &Context, point: &Point, work: &InferenceWork) -> Section {
    let shape = &context.model(point).shape;
    Section::new(
        "Model",
        vec![
            Term::new("parameters", shape.parameters(), "", "Σ layers + embedding + head"),
            Term::new("active parameters", work.active_parameters, "", "of one token, without the input table"),
            Term::new("cache of one token", work.kv_bytes_per_token, "B", "Σ layers of values · bytes each").source(
                "grouped-query attention: 2 · kv heads · head channels; latent attention: rank + rotary channels",
            ),
        ],
    )
}

fn memory(row: &InferenceRow) -> Section {
    let room = &row.room;
    let cached = row.peak_memory - room.weights - room.reserve;
    Section::new(
        "Memory of the fullest device",
        vec![
            Term::new("weights", room.weights, "B", "parameters of the device · bytes each"),
            Term::new("reserve", room.reserve, "B", "activations, graphs, communication buffers"),
            Term::new("cache of the running requests", cached, "B", "min(R · request, room)").numbers(format!(
                "min({} · {}, {})",
                short(row.running),
                short(room.full_request),
                short(room.cache)
            )),
        ],
    )
    .total(Term::new("used", row.peak_memory, "B", "Σ").numbers(format!("of {} B usable", short(room.usable))))
}

fn room(row: &InferenceRow, setup: &InferenceSetup, engine: &ServingEngine) -> Section {
    let room = &row.room;
    Section::new(
        "Room for requests on one replica",
        vec![
            Term::new("room for the cache", room.cache, "B", "what the engine sets aside"),
            Term::new("cache of one request", room.full_request, "B", "at full length, last block half empty")
                .numbers(format!("{} tokens", short(setup.input_tokens + setup.output_tokens))),
            Term::new("requests that fit", room.full_requests(), "", "room / request"),
            Term::new("requests that run", row.running, "", "min(offered, admitted, the engine's most)").numbers(
                format!(
                    "min({}, {}, {})",
                    short(setup.concurrency / f64::from(setup.data)),
                    short(room.requests()),
                    short(engine.max_batch)
                ),
            ),
        ],
    )
}

fn layers(
    context: &Context,
    point: &Point,
    work: &InferenceWork,
    device: &InferenceDevice,
    row: &InferenceRow,
    setup: &InferenceSetup,
) -> Vec<Section> {
    let shape = &context.model(point).shape;
    let requests = (row.running / f64::from(setup.pipeline)).max(1.0);
    let context_tokens = setup.input_tokens + setup.output_tokens / 2.0;
    let sections = work.kinds.iter().map(|&(kind, count)| {
        let mut layer: Work = decode::layer(shape, kind, requests, &device.routing, &work.split, &work.widths);
        layer.ops.extend(decode::cache_read(shape, kind, requests, context_tokens, work.kv_bytes, &work.split));
        let title = format!("Decode step of one layer ({count} of {:?} mixer, {:?} MLP)", kind.mixer, kind.mlp);
        kernels::section(title, &layer, &device.device.kernels, |message| device.message(message, &work.split))
    });
    sections.collect()
}

fn between_tokens(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let terms = &row.terms;
    Section::new(
        "Time between two tokens",
        vec![
            seconds("compute-bound kernels", terms.kernels.compute + terms.cache.compute, "Σ layers and head"),
            seconds("bandwidth-bound kernels", terms.kernels.memory, "Σ layers and head"),
            seconds("reading the cache", terms.cache.memory, "context · running requests · bytes / bandwidth"),
            seconds("launches", terms.kernels.launch + terms.cache.launch, "kernels · t₀"),
            seconds("tensor-parallel messages", terms.tensor, "two all-reduces a layer"),
            seconds("expert messages", terms.expert, "dispatch and combine"),
            seconds("messages between stages", terms.pipeline, "(p − 1) · p2p"),
            seconds("host", terms.host, "per step, rank group and stage + per request and its cached tokens"),
            seconds("waiting for prefills", terms.prefill, "(R − 1) / s_out · P").numbers(format!(
                "({} − 1) / {} · {}",
                short(row.running),
                short(setup.output_tokens),
                short(row.prefill.0)
            )),
        ],
    )
    .total(seconds("tpot", row.tpot, "Σ").numbers(format!("at least {} s by physics", short(row.tpot_bound.0))))
}

fn first_token(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let formula = match setup.mode {
        ServingMode::Continuous => "prefill + step + engine + burst + queue + wait for room",
        ServingMode::Static => "prefill of the batch + host",
    };
    Section::new(
        "Time to the first token, and throughput",
        vec![
            seconds("prefill alone", row.prefill, "Σ layers over the prompt"),
            seconds("ttft", row.ttft, formula).numbers(format!("at least {} s by physics", short(row.ttft_bound.0))),
            seconds("e2e", row.e2e, "ttft + (output tokens − 1) · tpot"),
            Term::new(
                "answered tokens per second",
                row.tokens_per_s,
                "tokens/s",
                "requests per second · output tokens",
            ),
            Term::new("requests per second", row.requests_per_s, "1/s", "replicas · R / time of one request"),
        ],
    )
}
