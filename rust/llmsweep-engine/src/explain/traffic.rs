//! Traffic of a serving setup: arrivals, lengths, percentiles, promises, and whose tokens the bill is for.
use llmsweep_model::distribution::Cumulants;
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup, ServingMode};
use llmsweep_model::quantity::Seconds;

use super::{Section, Term, short};
use crate::evaluate::Common;

pub(super) fn sections(row: &InferenceRow, setup: &InferenceSetup, common: &Common) -> Vec<Section> {
    let lengths = setup.varies().then(|| lengths(row, setup));
    let arrivals = (setup.arrival_rate > 0.0 && row.pools.is_none()).then(|| arrivals(row, setup));
    lengths.into_iter().chain(arrivals).chain([percentiles(row, setup), bill(row, setup, common)]).collect()
}

fn lengths(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let held = |name: &str, tokens: f64, formula: &'static str| Term::new(name, tokens, "tokens", formula);
    Section::new(
        "Lengths that vary",
        vec![
            held("prompt and answer of one in a hundred", setup.longest(), "lognormal, at least"),
            held("prompt of a running request", setup.held_prompt(), "E[s_in · s_out] / E[s_out]"),
            held("answer of a running request", setup.held_answer(), "E[s_out²] / E[s_out]").numbers(format!(
                "{} · (1 + {}²)",
                short(setup.output_tokens),
                short(setup.output_cv)
            )),
            held("context of a decode step", setup.context(row.running), "prompt + half of the answer"),
            held("decode steps", setup.steps(row.running), "answer; in a static batch the longest"),
        ],
    )
}

fn arrivals(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let rate = setup.arrival_rate / row.replicas;
    let wait = |name: &str, (share, wait): (f64, Cumulants), formula: &'static str| {
        Term::new(name, share * wait.mean, "s", formula).numbers(format!("{} · {} s", short(share), short(wait.mean)))
    };
    let [prefills, place] = row.ttft_times.waits;
    Section::new(
        "Arrivals at one replica",
        vec![
            Term::new("arrivals", rate, "1/s", "arrival rate / replicas"),
            Term::new(
                "arrivals that it can't finish",
                row.max_requests_per_s / row.replicas,
                "1/s",
                "1 / (P_R + s_out · t / R) at full room",
            ),
            Term::new("utilisation", setup.arrival_rate / row.max_requests_per_s, "", "arrivals / capacity"),
            Term::new("requests in a step", row.running, "", "1 + arrivals · time of an answer"),
            wait("waiting for prefills before", prefills, "share that waits · λ·E[P²]/2/(1 − ρ)/ρ"),
            wait("waiting for a place", place, "share that waits · 1 / (capacity − arrivals) · (1 + cv²)/2"),
        ],
    )
}

fn percentiles(row: &InferenceRow, setup: &InferenceSetup) -> Section {
    let (whole, token) = (row.e2e_times(setup), row.tpot_times(setup));
    let kept = row.slo_attainment(setup);
    let time = |name: &str, time: f64, formula: &'static str| Term::new(name, time, "s", formula);
    let first = "three-parameter lognormals of own time and of each wait";
    let later = "lognormal of what falls between tokens";
    let mut terms = vec![
        time("ttft, half of the requests", row.ttft_times.quantile(0.5), first),
        time("ttft, nine in ten", row.ttft_times.quantile(0.9), first),
        time("ttft, 99 in 100", row.ttft_times.quantile(0.99), first),
        time("tpot, half of the answers", token.quantile(0.5), later),
        time("tpot, nine in ten", token.quantile(0.9), later),
        time("tpot, 99 in 100", token.quantile(0.99), later),
        time("e2e, 99 in 100", whole.quantile(0.99), "both, one after the other"),
    ];
    if !kept.is_nan() {
        let promised = |slo: Seconds| if slo > Seconds::ZERO { short(slo.0) } else { "∞".to_owned() };
        terms.push(Term::new("within what is promised", kept, "", "share(ttft) · share(tpot)").numbers(format!(
            "P(ttft ≤ {}) · P(tpot ≤ {})",
            promised(setup.slo_ttft),
            promised(setup.slo_tpot)
        )));
        let goodput = kept * row.requests_per_s;
        terms.push(Term::new("goodput", goodput, "1/s", "share · requests per second"));
    }
    Section::new("From request to request", terms)
}

fn bill(row: &InferenceRow, setup: &InferenceSetup, common: &Common) -> Section {
    const MILLION: f64 = 1e6;
    let share = row.prefill_share(setup);
    let formula = match setup.mode {
        ServingMode::Disaggregated => "devices that prefill / devices",
        ServingMode::Static => "P / (P + steps · t)",
        ServingMode::Continuous => "P_R / (P_R + s_out · t / R)",
    };
    let mut terms = vec![Term::new("share of prefills", share, "", formula)];
    let request = Seconds(1.0 / row.requests_per_s);
    let answer = row.tokens_per_s / row.requests_per_s;
    if let Some(cost) = common.upkeep.cost(request) {
        let prompt = cost.0 * share / setup.input_tokens * MILLION;
        let answered = cost.0 * (1.0 - share) / answer * MILLION;
        terms.push(Term::new("cost per million prompt tokens", prompt, "USD", "cost · share / prompt · 10⁶"));
        terms.push(Term::new("cost per million answered tokens", answered, "USD", "cost · (1 − share) / answer · 10⁶"));
    }
    if let Some(energy) = common.upkeep.energy(request) {
        let prompt = energy.0 * share / setup.input_tokens;
        let answered = energy.0 * (1.0 - share) / answer;
        terms.push(Term::new("energy per prompt token", prompt, "J", "energy · share / prompt"));
        terms.push(Term::new("energy per answered token", answered, "J", "energy · (1 − share) / answer"));
    }
    Section::new("Prompts and answers in the bill", terms)
}
