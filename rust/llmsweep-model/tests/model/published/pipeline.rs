//! Pipeline schedules.
use crate::common::close;
use crate::common::hardware::{H100, Machine};
use crate::common::run::{ONE, STEP, train};
use crate::common::shapes::{gpt3_175b, llama, llama3_405b};
use llmsweep_model::parallel::pipeline::{Cut, Passes, Schedule, Walk, stages};
use llmsweep_model::phase::training::TrainingSetup;
use llmsweep_model::phase::training_times::TrainingLayout;
use llmsweep_model::quantity::Seconds;

/// Llama Team 2024, arXiv:2407.21783, section 3.3.2: one layer fewer on the first and on the last of 16 stages.
#[test]
fn llama_405b_has_126_layers_on_16_stages() {
    let classes = stages(&llama3_405b(), &Cut::even(16, 1)).expect("16 stages of 126 layers");
    let sizes: Vec<(f64, f64)> = classes.iter().map(|stage| (stage.layer_count, stage.count)).collect();
    assert_eq!(sizes, [(7.0, 1.0), (8.0, 14.0), (7.0, 1.0)]);
}

/// Narayanan et al. 2021, arXiv:2104.04473, sections 2.2.1 and 2.2.2: bubble over ideal time is `(p − 1)/m`, and `(p − 1)/(v·m)`
/// interleaved. A model of nearly no vocabulary, for the paper's stages are equal.
#[test]
fn bubbles_are_p_less_one_over_m_v() {
    let shape = llama(32, 4096, 32, 32, 11_008, 8);
    let machine = Machine { memory: 1e15, ..H100 };
    for (pipeline, batches, chunks) in [(4, 8, 1), (8, 64, 1), (4, 8, 2), (8, 64, 4)] {
        let setup =
            TrainingSetup { devices: pipeline, pipeline, virtual_pipeline: chunks, global_batch: batches, ..STEP };
        let row = train(&shape, &machine, ONE, &setup).expect("fits");
        let ideal = row.terms.compute() + row.terms.tensor;
        let published = f64::from(pipeline - 1) / f64::from(batches * chunks);
        close(row.terms.bubble / ideal, published, 5e-3);
    }
}

/// Korthikanti et al. 2022, arXiv:2205.05198, section 4.2.3: interleaving holds `1 + (p − 1)/(p·m)` times the activations of the first
/// stage, `m` its chunks; GPT-3 with p = 8 and three chunks 1.29.
#[test]
fn interleaving_holds_more() {
    let held = |chunks| Schedule::OneForwardOneBackward.in_flight(8.0, chunks, 64.0, 0.0);
    close(held(3.0) / held(1.0), 1.29, 2e-3);
}

/// 1F1B: as many as stages behind, but no more than there are (the same paper, section 4.2.3).
#[test]
fn one_forward_one_backward_holds_p_less_i() {
    close(Schedule::OneForwardOneBackward.in_flight(8.0, 1.0, 64.0, 5.0), 3.0, 1e-12);
    close(Schedule::OneForwardOneBackward.in_flight(8.0, 1.0, 2.0, 0.0), 2.0, 1e-12);
}

/// Equal stages.
fn equal(forward: f64, input: f64, weight: f64) -> Passes {
    let [forward, input, weight] = [forward, input, weight].map(Seconds);
    Passes { forward, input, weight, paired: Seconds::ZERO }
}

fn bubble(schedule: Schedule, pipeline: f64, chunks: f64, stage: Passes) -> f64 {
    let mut walk = Walk::new(schedule, pipeline, chunks, 8.0 * pipeline);
    walk.add(stage, pipeline);
    walk.bubble(&stage).0
}

/// DeepSeek-AI 2024, arXiv:2412.19437, table 2, where B is the whole backward pass and F&B both, overlapped: bubbles, copies of the
/// parameters and activations of 1F1B, ZB1P (which is ZB-H1) and `DualPipe`.
#[test]
fn deepseek_v3_table_2() {
    let (forward, input, weight, hidden) = (1.1, 1.3, 0.8, 0.4);
    let (backward, together) = (input + weight, forward + input + weight - hidden);
    let stage = Passes { paired: Seconds(hidden), ..equal(forward, input, weight) };
    for p in [4.0, 8.0, 16.0] {
        let table = [
            (Schedule::OneForwardOneBackward, (p - 1.0) * (forward + backward), 1.0, p),
            (Schedule::ZeroBubbleH1, (p - 1.0) * (forward + backward - 2.0 * weight), 1.0, p),
            (Schedule::DualPipe, (p / 2.0 - 1.0) * (together + backward - 3.0 * weight), 2.0, p + 1.0),
        ];
        for (schedule, published, parameters, activations) in table {
            close(bubble(schedule, p, 1.0, stage), published, 1e-12);
            close(schedule.copies(), parameters, 1e-12);
            // The table counts micro-batches on one stage; a device of `DualPipe` holds two, and each micro-batch lies on one of them.
            close(schedule.in_flight(p, 1.0, 8.0 * p, 0.0) * schedule.copies(), activations, 1e-12);
        }
    }
}

/// sail-sg/zero-bubble-pipeline-parallelism, README: with F = B = W the bubble over the work is `(p − 1)/m` in 1F1B, a third of that in
/// ZB1P, nothing in ZB-V; the memory of all three is the same.
#[test]
fn zero_bubbles_where_all_passes_are_equal() {
    for p in [4.0, 8.0, 32.0] {
        let (even, work) = (equal(1.0, 1.0, 1.0), 3.0 * 8.0 * p);
        let published = (p - 1.0) / (8.0 * p);
        close(bubble(Schedule::OneForwardOneBackward, p, 1.0, even) / work, published, 1e-12);
        close(bubble(Schedule::ZeroBubbleH1, p, 1.0, even) / work, published / 3.0, 1e-12);
        assert!(bubble(Schedule::ZeroBubbleV, p, 2.0, even).abs() < 1e-12);
        for (schedule, chunks) in [(Schedule::ZeroBubbleH1, 1.0), (Schedule::ZeroBubbleV, 2.0)] {
            close(schedule.in_flight(p, chunks, 64.0, 0.0), p.min(64.0), 1e-12);
        }
    }
}

/// deepseek-ai/DualPipe: `DualPipeV` is the half of a `DualPipe` with twice as many stages, each half as long: the same bubble, one copy
/// of the parameters, as many half stages in flight.
#[test]
fn dualpipe_v_is_half_of_dualpipe() {
    let (whole, half) = (equal(2.0, 2.6, 1.6), equal(1.0, 1.3, 0.8));
    close(bubble(Schedule::DualPipeV, 4.0, 2.0, whole), bubble(Schedule::DualPipe, 8.0, 1.0, half), 1e-12);
    let halves = Schedule::DualPipeV.in_flight(4.0, 2.0, 64.0, 0.0) * 2.0;
    close(halves, Schedule::DualPipe.in_flight(8.0, 1.0, 64.0, 0.0) * 2.0, 1e-12);
}

/// Llama-3.1-405B interleaves 128 chunks, of which embedding and head are one each (Llama Team 2024, arXiv:2407.21783, section 3.3.2,
/// takes one layer each from the first and the last stage).
#[test]
fn llama_405b_has_chunks_of_one_layer() {
    let cut = Cut { embedding_as_layers: true, ..Cut::even(16, 8) };
    let classes = stages(&llama3_405b(), &cut).expect("126 layers, embedding and head");
    let sizes: Vec<(f64, f64)> = classes.iter().map(|stage| (stage.layer_count, stage.count)).collect();
    assert_eq!(sizes, [(7.0, 1.0), (8.0, 14.0), (7.0, 1.0)]);
    assert!(classes[0].first && classes[2].last);
}

/// Narayanan et al. 2021, arXiv:2104.04473, section 5.3.2 and figure 12: GPT-3 175B on 96 A100, the interleaved schedule is more than 10 %
/// faster at small batches, and the difference shrinks with the batch. Two chunks leave half of the bubble: at 24 sequences on 12 stages
/// `(1 + 11/24)/(1 + 11/48)` = 1.19 without messages. Here on H100, of which the ratio knows little.
#[test]
fn interleaving_is_a_tenth_faster_at_small_batches() {
    let shape = gpt3_175b();
    let gain = |global_batch| {
        let machine = Machine { memory: 1e15, ..H100 };
        let layout = TrainingLayout { tensor: 8, ..ONE };
        let run = |virtual_pipeline| {
            let setup = TrainingSetup { devices: 96, pipeline: 12, virtual_pipeline, global_batch, ..STEP };
            train(&shape, &machine, layout, &setup).expect("fits").step
        };
        run(1) / run(2)
    };
    let (small, large) = (gain(24), gain(60));
    assert!(small > 1.1 && small < 1.25, "{small}");
    assert!(large > 1.0 && large < small, "{large}");
}
