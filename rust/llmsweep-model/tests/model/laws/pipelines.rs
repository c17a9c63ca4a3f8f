//! Pipelines: what any stages and micro-batches must obey, and a replay of the schedules op by op.
use super::layouts::{power, shape};
use llmsweep_model::parallel::pipeline::{Cut, Order, Passes, Schedule, Walk, stages};
use llmsweep_model::quantity::Seconds;
use proptest::prelude::*;

/// A stage's passes: forward from 0.7 to 1.3, backward from there to twice that.
fn passes() -> impl Strategy<Value = Passes> {
    (0.7..1.3_f64, 1.0..1.6_f64, 0.4..1.0_f64).prop_map(|(forward, input, weight)| Passes {
        forward: Seconds(forward),
        input: Seconds(forward * input),
        weight: Seconds(forward * weight),
        paired: Seconds::ZERO,
    })
}

/// Two to sixteen stages.
fn pipeline() -> impl Strategy<Value = Vec<Passes>> {
    proptest::sample::select(vec![2_usize, 4, 8, 16]).prop_flat_map(|p| proptest::collection::vec(passes(), p))
}

fn slowest(stages: &[Passes]) -> Passes {
    stages
        .iter()
        .copied()
        .fold(Passes::default(), |most, stage| if stage.total() > most.total() { stage } else { most })
}

fn bubble(schedule: Schedule, chunks: f64, micro_batches: usize, stages: &[Passes]) -> f64 {
    let mut walk = Walk::new(schedule, stages.len() as f64, chunks, micro_batches as f64);
    for stage in stages.iter().rev() {
        walk.add(*stage, 1.0);
    }
    walk.bubble(&slowest(stages)).0
}

/// One pass of one chunk of one stage over one micro-batch.
#[derive(Clone, Copy)]
struct Pass {
    backward: bool,
    chunk: usize,
    batch: usize,
}

/// Megatron-LM's order of a stage's passes (`megatron/core/pipeline_parallel/schedules.py`): warm-up, one forward one backward, the rest.
fn order(stage: usize, pipeline: usize, chunks: usize, batches: usize) -> Vec<Pass> {
    let behind = pipeline - stage - 1;
    let warm = if chunks == 1 { behind } else { 2 * behind + (chunks - 1) * pipeline };
    let (all, round) = (batches * chunks, pipeline * chunks);
    let warm = warm.min(all);
    let pass = |backward: bool, step: usize| {
        let (chunk, batch) =
            if chunks == 1 { (0, step) } else { (step % round / pipeline, step / round * pipeline + step % pipeline) };
        Pass { backward, chunk: if backward { chunks - 1 - chunk } else { chunk }, batch }
    };
    let mut order: Vec<Pass> = (0..warm).map(|step| pass(false, step)).collect();
    for step in 0..all {
        if step + warm < all {
            order.push(pass(false, step + warm));
        }
        order.push(pass(true, step));
    }
    order
}

/// Time until the last pass of all stages ends, each pass as early as its stage and what it needs allow.
fn replay(stages: &[Passes], chunks: usize, batches: usize) -> f64 {
    let p = stages.len();
    let orders: Vec<Vec<Pass>> = (0..p).map(|stage| order(stage, p, chunks, batches)).collect();
    let slot = |pass: &Pass, stage: usize| {
        ((usize::from(pass.backward) * chunks + pass.chunk) * p + stage) * batches + pass.batch
    };
    let mut ends = vec![None; 2 * chunks * p * batches];
    let (mut next, mut clock) = (vec![0; p], vec![0.0_f64; p]);
    while (0..p).any(|stage| next[stage] < orders[stage].len()) {
        for stage in 0..p {
            while let Some(pass) = orders[stage].get(next[stage]) {
                let needed = match (pass.backward, stage, pass.chunk) {
                    (false, 0, 0) => Some(0.0),
                    (false, 0, chunk) => ends[slot(&Pass { chunk: chunk - 1, ..*pass }, p - 1)],
                    (false, stage, _) => ends[slot(pass, stage - 1)],
                    (true, stage, _) if stage + 1 < p => ends[slot(pass, stage + 1)],
                    (true, _, chunk) if chunk + 1 < chunks => ends[slot(&Pass { chunk: chunk + 1, ..*pass }, 0)],
                    (true, ..) => ends[slot(&Pass { backward: false, ..*pass }, stage)],
                };
                let Some(ready) = needed else { break };
                let time = if pass.backward { stages[stage].backward() } else { stages[stage].forward };
                clock[stage] = clock[stage].max(ready) + time.0 / chunks as f64;
                ends[slot(pass, stage)] = Some(clock[stage]);
                next[stage] += 1;
            }
        }
    }
    clock.into_iter().fold(0.0, f64::max)
}

/// The step by the closed form.
fn step(stages: &[Passes], chunks: usize, batches: usize) -> f64 {
    let waits = bubble(Schedule::OneForwardOneBackward, chunks as f64, batches, stages);
    batches as f64 * slowest(stages).total().0 + waits
}

proptest! {
    /// The closed form of 1F1B over uneven stages is what a replay takes, but for waits of several slow stages together.
    #[test]
    fn one_forward_one_backward_as_replayed(stages in pipeline(), batches in 1..64_usize) {
        let (found, replayed) = (step(&stages, 1, batches), replay(&stages, 1, batches));
        prop_assert!(found < replayed * (1.0 + 1e-9), "{found} of {replayed}");
        prop_assert!(found > replayed * 0.94, "{found} of {replayed}");
    }

    /// Interleaved, a slow stage has more passes to fill its waits with than the closed form gives it.
    #[test]
    fn interleaved_as_replayed(stages in pipeline(), chunks in 2..5_usize, rounds in 1..8_usize) {
        let batches = rounds * stages.len();
        let ratio = step(&stages, chunks, batches) / replay(&stages, chunks, batches);
        // 20,000 random cases lie within -8 and +12 %.
        prop_assert!(ratio > 0.90 && ratio < 1.14, "{ratio}");
    }

    #[test]
    fn equal_stages_as_replayed(stage in passes(), p in power(4), chunks in 1..4_usize, rounds in 1..6_usize) {
        let stages = vec![stage; p as usize * 2];
        let batches = rounds * stages.len();
        let ratio = step(&stages, chunks, batches) / replay(&stages, chunks, batches);
        prop_assert!((ratio - 1.0).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn waits_of_every_schedule(stages in pipeline(), rounds in 2..16_usize) {
        let batches = rounds * stages.len();
        let share = |schedule: Schedule, chunks, batches| bubble(schedule, chunks, batches, &stages) / batches as f64;
        for (name, schedule) in Schedule::ALL {
            let chunks = if schedule.order() == Order::There { 2.0 } else { 1.0 };
            let waits = share(schedule, chunks, batches);
            prop_assert!(waits >= 0.0, "{name} {waits}");
            prop_assert!(share(schedule, chunks, batches * 2) <= waits + 1e-12, "{name}");
        }
        let [plain, zero] = [Schedule::OneForwardOneBackward, Schedule::ZeroBubbleH1].map(|of| share(of, 1.0, batches));
        prop_assert!(zero <= plain + 1e-12, "{zero} of {plain}");
    }

    /// Where a forward pass is at least a weight gradient: `F ≥ W`.
    #[test]
    fn dualpipe_waits_less_than_zero_bubbles(stage in passes(), p in power(3)) {
        let stages = vec![stage; p as usize * 2];
        let waits = |schedule| bubble(schedule, 1.0, 4 * stages.len(), &stages);
        prop_assert!(waits(Schedule::DualPipe) <= waits(Schedule::ZeroBubbleH1) + 1e-12);
    }

    /// However a model is cut, its stages hold every layer once per copy, and the ends what was asked for.
    #[test]
    fn cuts_keep_every_layer(
        shape in shape(), pipeline in 1..12_u32, chunks in 1..4_u32, ends in (0..6_u32, 0..6_u32), embedding in any::<bool>(),
        order in proptest::sample::select(vec![Order::Loop, Order::There, Order::Mirror]),
    ) {
        let cut = Cut { pipeline, chunks, order, first_layers: ends.0, last_layers: ends.1, embedding_as_layers: embedding };
        let Ok(classes) = stages(&shape, &cut) else { return Ok(()) };
        let held: f64 = classes.iter().map(|stage| stage.layer_count * stage.count).sum();
        let copies = if order == Order::Mirror { 2.0 } else { 1.0 };
        prop_assert!((held - copies * f64::from(shape.layers())).abs() < 0.5);
        let (first, last) = (&classes[0], &classes[classes.len() - 1]);
        prop_assert!(ends.0 == 0 || (first.layer_count - f64::from(ends.0)).abs() < 0.5);
        prop_assert!(ends.1 == 0 || (last.layer_count - f64::from(ends.1)).abs() < 0.5);
        prop_assert!((classes.iter().map(|stage| stage.count).sum::<f64>() - f64::from(pipeline)).abs() < 0.5);
        let round = order == Order::There && chunks % 2 == 0;
        let end = if round { first } else { last };
        prop_assert!(first.first && end.last);
    }
}
