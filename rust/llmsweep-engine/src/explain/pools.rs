//! The two pools of disaggregated serving, term by term.
use llmsweep_model::phase::inference::{InferenceRow, InferenceSetup, Pools};

use super::{Section, Term, seconds, short};
use crate::context::Context;
use crate::evaluate::prefill_pool::PrefillLayout;
use crate::plan::Point;

pub(super) fn sections(
    (context, point): (&Context, &Point),
    (row, setup): (&InferenceRow, &InferenceSetup),
    pools: &Pools,
) -> [Section; 2] {
    let layout = PrefillLayout::of(context, point);
    let (accelerator, precision) = context.prefill_pool(point);
    let title = format!(
        "Prefill pool: {} in {}, tensor {}, context {}, expert {}, pipeline {} parallel",
        context.accelerators[accelerator].name,
        context.precisions[precision].name,
        layout.tensor,
        layout.context,
        layout.expert,
        layout.pipeline
    );
    let ranks = layout.workers * layout.data;
    let queueing = if setup.arrival_rate > 0.0 {
        "share that waits · (1 + cv²)/2 / (ranks / busy − arrivals)"
    } else {
        "mean value analysis of the closed loop"
    };
    [
        Section::new(
            title,
            vec![
                Term::new(
                    "devices that prefill",
                    pools.prefill_devices,
                    "",
                    "workers · attention replicas · t · c · p",
                )
                .numbers(format!(
                    "{} · {} · {} · {} · {}",
                    short(layout.workers),
                    short(layout.data),
                    layout.tensor,
                    layout.context,
                    layout.pipeline
                )),
                Term::new("devices that decode", pools.decode_devices, "", "workers · attention replicas · t · c · p"),
                seconds(
                    "busy with one prompt",
                    pools.service,
                    "step / prompts in it / p · slowest rank, or the hand-off",
                ),
                Term::new("share of time at work", pools.prefill_utilisation, "", "rate · busy / ranks")
                    .numbers(format!("{} · {} / {}", short(row.requests_per_s), short(pools.service.0), short(ranks))),
                Term::new("decode slots in use", pools.decode_utilisation, "", "requests that run / admitted"),
                Term::new("cache of one prompt", pools.handoff.bytes, "B", "bytes per token · prompt · copies"),
                seconds("hand-off", pools.handoff.time, "latency + bytes / links of the slower side"),
            ],
        ),
        Section::new(
            "From request to first token through both pools",
            vec![
                seconds("prefill alone", row.prefill, "Σ layers over the prompt"),
                seconds(
                    "hand-off, exposed",
                    pools.handoff.exposed,
                    "the last layer's part, or what outlasts the prefill",
                ),
                seconds("engine and its steps", pools.server, "fixed + (steps + share · (interval − 1)) · TPOT"),
                seconds("wait for a prefill rank", pools.wait, queueing),
                seconds("opening burst", pools.burst, "(N − ranks) / ranks · busy / 2 / n"),
                seconds("wait for a decode slot", pools.slot_wait, "requests / rate − time of one round"),
            ],
        )
        .total(seconds("first token", row.ttft, "Σ")),
    ]
}
