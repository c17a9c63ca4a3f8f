//! A serving setup, term by term.
use llmsweep_model::arch::ModelShape;
use llmsweep_model::phase::inference::speculation::{Drafter, Guess};
use llmsweep_model::phase::inference::times::{InferenceDevice, InferenceWork};
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup, ServingMode};
use llmsweep_model::quantity::Seconds;
use llmsweep_model::reject::Reject;
use llmsweep_model::work::decode;

use super::{Section, Term, device_section, kernels, money, pools, seconds, short, traffic};
use crate::context::Context;
use crate::evaluate::inference::InferenceEvaluator;
use crate::plan::Point;

pub(super) fn sections(context: &Context, point: &Point) -> (Option<Reject>, Vec<Section>) {
    let mut evaluator = InferenceEvaluator::new(context);
    let outcome = *evaluator.outcome(point);
    let setup = outcome.setup;
    let mut sections: Vec<Section> = device_section(context, point).into_iter().collect();
    if let Ok(work) = evaluator.work() {
        sections.push(model(context, point, work));
    }
    if let (Ok(row), Ok(work), Ok((device, _))) = (&outcome.result, evaluator.work(), evaluator.device()) {
        let drafter = evaluator.drafter();
        sections.push(memory(row));
        sections.push(room(row, &setup));
        sections.extend(layers(evaluator.shape(point), work, device, drafter, (row, &setup)));
        sections.extend(drafter.map(|drafter| guesses(drafter, row, &setup)));
        sections.push(between_tokens(row, &setup));
        if let Some(found) = &row.pools {
            sections.extend(pools::sections((context, point), (row, &setup), found));
        }
        sections.push(first_token(row, &setup));
        sections.extend(traffic::sections(row, &setup, &outcome.common));
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
    let cached = row.peak_memory() - room.weights - room.reserve - room.shared;
    Section::new(
        "Memory of the fullest device",
        vec![
            Term::new("weights", room.weights, "B", "parameters of the device · bytes each"),
            Term::new("activations", room.activations, "B", "of the engine's largest chunk of prompts"),
            Term::new("engine", room.reserve - room.activations, "B", "graphs, communication buffers, contexts"),
            Term::new("cached prefix of all", room.shared, "B", "cache of the tokens that all prompts share"),
            Term::new("cache of the running requests", cached, "B", "min(R · request, room)").numbers(format!(
                "min({} · {}, {})",
                short(row.running),
                short(room.full_request),
                short(room.own())
            )),
        ],
    )
    .total(Term::new("used", row.peak_memory(), "B", "Σ").numbers(format!("of {} B usable", short(room.usable))))
}

fn room(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let room = &row.room;
    Section::new(
        "Room for requests on one replica",
        vec![
            Term::new("room for the cache", room.cache, "B", "what the engine sets aside"),
            Term::new("cache of one request", room.full_request, "B", "at full length, as it is set aside")
                .numbers(format!("{} tokens", short(setup.held_prompt() + setup.held_answer()))),
            Term::new("longest request that fits alone", room.max_context, "tokens", "within the model's context"),
            Term::new(
                "of a request's room in vain",
                room.waste,
                "",
                "1 − tokens / tokens set aside, half of the answer there",
            ),
            Term::new("in the host's memory", room.used_of_host(row.running), "B", "weights + R · cache of a request"),
            Term::new("requests that fit", room.full_requests(), "", "room / request"),
            running(row, setup),
        ],
    )
}

fn layers(
    shape: &ModelShape,
    work: &InferenceWork,
    device: &InferenceDevice,
    drafter: Option<&Drafter>,
    (row, setup): (&InferenceRow, &InferenceSetup),
) -> Vec<Section> {
    let group = (row.running / f64::from(setup.pipeline)).max(1.0);
    let checked = if drafter.is_some() { 1.0 + setup.guess.tokens } else { 1.0 };
    let halved = setup.two_batch_overlap && group >= 2.0;
    let (requests, of) = if halved { (group / 2.0, ", half of the batch") } else { (group, "") };
    let context_tokens = setup.context(row.running);
    let sections = work.kinds.iter().map(|&(kind, count)| {
        let mut layer = device.decode_layer(shape, work, kind, requests * checked);
        let read = decode::cache_read(shape, kind, requests, context_tokens, work.kv_bytes, &work.split);
        layer.ops.extend(read.map(|op| decode::checking(op, checked)));
        let title = format!("Decode step of one layer{of} ({count} of {:?} mixer, {:?} MLP)", kind.mixer, kind.mlp);
        kernels::section(title, &layer, &device.device.kernels, |message| device.message(message, &work.split))
    });
    sections.collect()
}

fn guesses(drafter: &Drafter, row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let Guess { tokens, acceptance } = setup.guess;
    let guessing = row.terms.draft * row.terms.tokens;
    Section::new(
        "Tokens guessed ahead",
        vec![
            Term::new(
                "parameters that guess",
                drafter.parameters(),
                "",
                "layers and projection, or a whole draft model",
            ),
            Term::new("their weights on a device", drafter.weights(), "B", "on the last pipeline stage"),
            Term::new("tokens guessed before a step", tokens, "", "γ"),
            Term::new("acceptance of a guess", acceptance, "", "α"),
            Term::new("tokens that a step gives", row.terms.tokens, "", "(1 − α^(γ+1)) / (1 − α)").numbers(format!(
                "(1 − {}^{}) / (1 − {})",
                short(acceptance),
                short(tokens + 1.0),
                short(acceptance)
            )),
            seconds("guessing, of a step", guessing, "γ · (layers, table, head and cache of what guesses)"),
        ],
    )
}

fn between_tokens(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let terms = &row.terms;
    let messages = if setup.two_batch_overlap {
        "dispatch and combine, what the other half's kernels leave exposed"
    } else {
        "dispatch and combine"
    };
    Section::new(
        "Time between two tokens",
        vec![
            seconds("compute-bound kernels", terms.kernels.compute + terms.cache.compute, "Σ layers and head"),
            seconds("bandwidth-bound kernels", terms.kernels.memory, "Σ layers and head"),
            seconds("reading the cache", terms.cache.memory, "context · running requests · bytes / bandwidth"),
            seconds("launches", terms.kernels.launch + terms.cache.launch, "kernels · t₀"),
            seconds("tensor-parallel messages", terms.tensor, "two all-reduces a layer"),
            seconds("expert messages", terms.expert, messages),
            seconds("context-parallel messages", terms.context, "queries to all parts of the cache, results back"),
            seconds("messages between stages", terms.pipeline, "(p − 1) · p2p"),
            seconds("host", terms.host, "per step, rank group and stage + per request and its cached tokens"),
            seconds(
                "guessing tokens ahead",
                terms.draft,
                "of a step / tokens that it gives, as all terms but the last",
            ),
            seconds(
                "waiting for the host's memory",
                terms.host_transfer,
                "what the link does not bring over beside the step",
            ),
            waiting_for_prefills(row, setup),
        ],
    )
    .total(seconds("tpot", row.tpot, "Σ").numbers(format!("at least {} s by physics", short(row.tpot_bound.time().0))))
}

fn waiting_for_prefills(row: &InferenceRow, setup: &InferenceSetup) -> Term {
    let wait = row.terms.prefill;
    match setup.mode {
        ServingMode::Static => return seconds("waiting for prefills", wait, "none: one batch at a time"),
        ServingMode::Disaggregated => return seconds("waiting for prefills", wait, "none: they have their own pool"),
        ServingMode::Continuous => {}
    }
    if setup.arrival_rate > 0.0 {
        let share = wait / row.tpot;
        return seconds("waiting for prefills", wait, "ρ / (1 − ρ) · step")
            .numbers(format!("{share:.4} / (1 − {share:.4}) · {}", short(row.terms.undisturbed().0)));
    }
    let prefill = row.stall.mean();
    let own = row.running - wait / prefill * setup.output_tokens;
    seconds(
        "waiting for prefills",
        wait,
        "(R − 1/κ) / s_out · P_R, one's part where several join a step; κ: held up by replicas that share experts",
    )
    .numbers(format!(
        "({} − {}) / {} · {}",
        short(row.running),
        short(own),
        short(setup.output_tokens),
        short(prefill.0)
    ))
}

/// What runs: what is offered, or what arrives while a request runs.
fn running(row: &InferenceRow, setup: &InferenceSetup) -> Term {
    let admitted = format!("{}, {}", short(row.room.requests()), short(setup.max_batch));
    let term = |formula: &'static str| Term::new("requests that run", row.running, "", formula);
    if setup.mode == ServingMode::Disaggregated {
        return term("rate · time in decode / replicas").numbers(format!(
            "{} · {} / {}",
            short(row.requests_per_s),
            short(row.answer_times(setup).mean + row.terms.step().0),
            short(row.replicas)
        ));
    }
    if setup.arrival_rate > 0.0 {
        return term("min(1 + arrivals in an answer, admitted, the engine's most)").numbers(format!(
            "min(1 + {} · {}, {admitted})",
            short(setup.arrival_rate / row.replicas),
            short(row.tpot.0 * setup.output_tokens)
        ));
    }
    if setup.mode == ServingMode::Static {
        let offered = format!("{} / {}", short(setup.concurrency), short(row.replicas));
        return term("offered / replicas").numbers(offered);
    }
    term("min(offered, admitted, the engine's most)")
        .numbers(format!("min({}, {admitted})", short(setup.concurrency / row.replicas)))
}

fn first_token(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let formula = match setup.mode {
        ServingMode::Continuous if setup.arrival_rate > 0.0 => "prefill + engine + its steps + running step + waits",
        ServingMode::Continuous if setup.attention_dp_wait_steps > 0.0 => {
            "prefill + engine + its steps + other replicas' prompts + burst + queue + wait for room"
        }
        ServingMode::Continuous => "prefill + engine + its steps + burst + queue + wait for room",
        ServingMode::Static => "prefill of the batch + host",
        ServingMode::Disaggregated => {
            "prefill + hand-off + engine + its steps + burst + wait for a prefill rank and for a slot"
        }
    };
    Section::new(
        "Time to the first token, and throughput",
        vec![
            seconds("prefill alone", row.prefill, "Σ layers over the prompt, less what is cached of it").numbers(
                format!(
                    "{} tokens behind {}",
                    short(setup.fresh_tokens()),
                    short(setup.prefix.cached(setup.input_tokens))
                ),
            ),
            seconds("ttft", row.ttft, formula)
                .numbers(format!("at least {} s by physics", short(row.ttft_bound.time.0))),
            seconds("e2e", row.e2e, "ttft + (output tokens − 1) · tpot"),
            Term::new(
                "answered tokens per second",
                row.tokens_per_s,
                "tokens/s",
                "requests per second · output tokens",
            ),
            Term::new(
                "requests per second",
                row.requests_per_s,
                "1/s",
                match setup.mode {
                    ServingMode::Disaggregated => "requests in flight / time of one round, at most what the pools can",
                    ServingMode::Continuous | ServingMode::Static => "replicas · R / time of one request",
                },
            ),
        ],
    )
}
