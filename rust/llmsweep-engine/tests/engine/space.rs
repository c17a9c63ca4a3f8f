//! The whole space, sampled: every model, accelerator and precision; no panic, no infinity, no bound beaten.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::catalog::Kind;
use llmsweep_engine::columns::Kind as Storage;
use llmsweep_engine::control::Control;
use llmsweep_engine::plan::{Plan, Point};
use llmsweep_engine::sweep::Sweep;
use llmsweep_model::reject::Reject;
use proptest::prelude::*;

use crate::common::{Rows, all_columns, all_rows, catalog, sweep};
use crate::specs;

/// A sum of the same terms in another order differs by rounding.
fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1e-300)
}

/// What must be true of any row.
fn sound(rows: &Rows, phase: Phase, what: &dyn Fn(usize) -> String) {
    for row in 0..rows.len() {
        let number = |column: &str| rows.get(row, column);
        for (column, value) in &rows.0[row] {
            let finite = value.is_none_or(|value| value.number().is_finite());
            assert!(finite, "{column} is {value:?}: {}", what(row));
            // What is missing where memory is the reason.
            let missing = column == "memory_headroom_bytes" && number("feasible") != Some(1.0);
            let negative =
                !missing && column != "length_correlation" && value.is_some_and(|value| value.number() < 0.0);
            assert!(!negative, "{column} is {value:?}: {}", what(row));
        }
        if number("feasible") != Some(1.0) {
            assert!(number("reject").is_some());
            continue;
        }
        let bounded: &[(&str, &str)] = match phase {
            Phase::Training => &[("step_time_s", "step_time_s_bound")],
            Phase::Inference => &[("tpot_s", "tpot_s_bound"), ("ttft_s", "ttft_s_bound")],
        };
        for (column, bound) in bounded {
            let (value, least) = (rows.number(row, column), rows.number(row, bound));
            assert!(value >= least && least > 0.0, "{column} {value} is below {least}: {}", what(row));
        }
        let sum = |columns: &[&str]| columns.iter().map(|column| rows.number(row, column)).sum::<f64>();
        match phase {
            Phase::Training => {
                let terms = [
                    "compute_time_s",
                    "tensor_communication_s",
                    "expert_communication_s",
                    "context_communication_s",
                    "pipeline_communication_s",
                    "data_communication_s",
                    "bubble_time_s",
                    "optimizer_time_s",
                    "offload_time_s",
                    "straggler_time_s",
                ];
                assert!(close(sum(&terms), rows.number(row, "step_time_s")), "{}", what(row));
                let goodput = rows.number(row, "goodput");
                assert!(goodput > 0.0 && goodput <= 1.0, "{}", what(row));
                assert!(rows.number(row, "mfu") <= 1.0 && rows.number(row, "hfu") <= 1.0, "{}", what(row));
                assert!(rows.number(row, "mfu") <= rows.number(row, "mfu_non_causal") * (1.0 + 1e-9), "{}", what(row));
                assert!(sum(&["bubble_fraction", "exposed_communication_fraction"]) < 1.0, "{}", what(row));
                let held = [
                    "weight_bytes",
                    "gradient_bytes",
                    "optimizer_bytes",
                    "activation_bytes",
                    "logits_bytes",
                    "gathered_bytes",
                    "temporary_bytes",
                ];
                // What the allocator caches beside it is given back where there is no room.
                let usable = rows.number(row, "memory_bytes") + rows.number(row, "memory_headroom_bytes");
                let reserved = (sum(&held) * 1.04).min(usable);
                assert!(close(reserved, rows.number(row, "memory_bytes")), "{}", what(row));
                let largest = held.iter().map(|column| rows.number(row, column)).fold(0.0, f64::max);
                let column = held[rows.number(row, "memory_term") as usize];
                assert!(rows.number(row, column) >= largest, "{column}: {}", what(row));
            }
            Phase::Inference => {
                let step = rows.number(row, "decode_step_s") / rows.number(row, "accepted_tokens_per_step");
                assert!(rows.number(row, "tpot_s") >= step * (1.0 - 1e-12), "{}", what(row));
                assert!(rows.number(row, "e2e_s") >= rows.number(row, "ttft_s"), "{}", what(row));
                assert!(rows.number(row, "ttft_s") >= rows.number(row, "prefill_time_s"), "{}", what(row));
            }
        }
    }
}

fn describe<'a>(sweep: &'a Sweep, points: &'a [Point]) -> impl Fn(usize) -> String + 'a {
    |row| {
        let values = sweep.context.values(&points[row]).into_iter();
        values.map(|(axis, value)| format!("{axis} = {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// A repeatable, even sequence (SplitMix64).
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % limit as u64) as usize
    }
}

fn any_point(plan: &Plan, sequence: &mut Sequence) -> Point {
    let mut point = Point::FIRST;
    for axis in &plan.axes {
        point.set(axis.position, sequence.below(axis.values.len()));
    }
    point
}

/// Points of a sweep over everything: a model, an accelerator and a precision each, and a plausible layout.
fn sampled(text: &str, phase: Phase, count: usize) {
    let sweep = sweep(text);
    let mut sequence = Sequence(phase as u64);
    let points: Vec<Point> = (0..count).map(|_| any_point(&sweep.context.plan, &mut sequence)).collect();
    let output = sweep.run().points(&points, &all_columns(&sweep), &Control::new()).expect("nobody cancels");
    assert!(output.stats.feasible as usize > count / 50, "{:?}", output.stats);
    sound(&Rows::of(&output), phase, &describe(&sweep, &points));
}

const EVERYTHING: &str = "model = \"*\"\naccelerator = \"*\"\n\
     precision = [\"fp32\", \"tf32\", \"fp16\", \"bf16\", \"fp8\", \"mxfp8\", \"int8\", \"w8a16\", \"w4a16\", \"q4_k_m\", \"int4\", \"mxfp4\", \"nvfp4\"]\n";

#[test]
fn training_is_sound_everywhere() {
    let text = format!(
        "schema = 1\nphase = \"training\"\n[axes]\n{EVERYTHING}\
         devices = [1, 8, 64, 1024, 16384]\nglobal_batch = [1, 64, 1024, 16384]\ntensor_parallel = [1, 2, 4, 8]\n\
         pipeline_parallel = [1, 2, 4, 8]\nvirtual_pipeline = [1, 2]\ncontext_parallel = [1, 2]\nexpert_parallel = [1, 2, 8]\n\
         expert_tensor_parallel = [1, 2]\nsequence_parallel = [true, false]\nsequence_length = [128, 1024, 2048, 4096]\n\
         micro_batch = [1, 2]\nrecompute = [\"none\", \"selective\", \"full\"]\nmulti_token_prediction = [true, false]\n\
         attention_kernel = [\"flash\", \"unfused\"]\nnetwork = [\"default\", \"*\"]\nzero_stage = [0, 1, 2, 3]\n\
         device_mtbf_hours = [500, 50_000, 1e300]\ncheckpoint_interval_s = [0, 60, 36_000]\nspare_devices = [0, 64]\n\
         tokens_per_parameter = [0, 20]\n\
         optimizer = [\"adamw\", \"adamw_bf16\", \"adamw_8bit\", \"muon\", \"sgd_momentum\"]\nmemory_scale = [1, 4]\n\
         recompute_modules = [\"scores+norm+activation\", \"attention+latent_up\", \"mlp+moe\", \"none\"]\nrecompute_layers = [0, 1, 4]\n\
         training_mode = [\"pretraining\", \"full_finetuning\", \"lora\", \"qlora\"]\nlora_rank = [1, 16, 256]\n\
         lora_modules = [\"attention+mlp\", \"attention+mlp+experts+head\"]\ngradient_precision = [\"fp32\", \"bf16\"]\n\
         offload = [\"none\", \"optimizer\", \"activations\", \"optimizer+activations\"]\n"
    );
    sampled(&text, Phase::Training, 60_000);
}

#[test]
fn pipelines_are_sound_everywhere() {
    let text = "schema = 1\nphase = \"training\"\n[axes]\nmodel = \"*\"\naccelerator = \"*\"\nmemory_scale = [1, 16]\n\
         devices = [64, 1024]\nglobal_batch = [1024, 16384]\ntensor_parallel = [1, 4]\nexpert_parallel = [1, 8]\n\
         pipeline_parallel = [2, 4, 8]\nvirtual_pipeline = [1, 2]\nrecompute = [\"none\", \"full\"]\nzero_stage = [1, 3]\n\
         schedule = [\"1f1b\", \"gpipe\", \"zero_bubble_h1\", \"zero_bubble_v\", \"dualpipe\", \"dualpipe_v\"]\n\
         first_stage_layers = [0, 2]\nlast_stage_layers = [0, 3]\nembedding_as_layers = [true, false]\n";
    sampled(text, Phase::Training, 60_000);
}

#[test]
fn serving_is_sound_everywhere() {
    let text = format!(
        "schema = 1\nphase = \"inference\"\n[axes]\n{EVERYTHING}\
         kv_precision = [\"fp32\", \"fp16\", \"bf16\", \"fp8\", \"int8\", \"int4\", \"nvfp4\"]\ntensor_parallel = [1, 2, 4, 8, 64]\n\
         pipeline_parallel = [1, 2, 4]\nexpert_parallel = [1, 2, 8]\ndata_parallel = [1, 2, 8]\nengine = [\"vllm\", \"sglang\", \"trtllm\"]\n\
         serving_mode = [\"continuous\", \"static\", \"disaggregated\"]\nconcurrency = [1, 3, 8, 64, 1024]\nnetwork = [\"default\", \"*\"]\n\
         input_tokens = [1, 100, 1000, 8000]\noutput_tokens = [1, 2, 100, 1000]\nmemory_scale = [1, 4]\n\
         context_parallel = [1, 4]\nkv_allocator = [\"paged\", \"contiguous\", \"power_of_two\"]\nmax_model_len = [0, 4096]\n\
         weight_offload = [0, 0.5, 1]\nkv_offload = [0, 0.5, 1]\n\
         speculation = [\"none\", \"draft\", \"mtp\", \"eagle\"]\ndraft_model = [\"none\", \"llama3.2-1b\", \"mixtral-8x7b\"]\n\
         speculative_tokens = [0, 1, 4]\nacceptance_rate = [0, 0.7, 1]\n\
         prefix_hit_rate = [0, 0.5, 1]\nprefix_shared = [false, true]\n"
    );
    sampled(&text, Phase::Inference, 60_000);
}

/// Every model on every accelerator in every precision, in its plainest setup.
#[test]
fn every_model_meets_every_accelerator_and_precision() {
    let sweep = crate::common::inference(EVERYTHING);
    let (models, accelerators) = (catalog().ids(Kind::Models).count(), catalog().ids(Kind::Accelerators).count());
    assert_eq!(sweep.context.plan.rows(), (models * accelerators * 13) as u64);
    let columns: Vec<_> = all_columns(&sweep)
        .into_iter()
        .filter(|value| value.kind == Storage::Number || ["feasible", "reject"].contains(&value.name))
        .collect();
    let output = sweep.run().run(llmsweep_engine::run::Keep::All, &columns, &Control::new()).expect("nobody cancels");
    assert!(output.stats.feasible > output.stats.configurations / 20, "{:?}", output.stats);
    let points: Vec<Point> = (0..sweep.context.plan.rows()).map(|row| sweep.context.plan.point(row)).collect();
    sound(&Rows::of(&output), Phase::Inference, &describe(&sweep, &points));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn random_sweeps_are_sound(phase in prop::sample::select(Phase::ALL.to_vec()).prop_flat_map(|phase| specs::text(phase).prop_map(move |text| (phase, text)))) {
        let (phase, text) = phase;
        let sweep = sweep(&text);
        let points: Vec<Point> = (0..sweep.context.plan.rows()).map(|row| sweep.context.plan.point(row)).collect();
        sound(&all_rows(&sweep), phase, &describe(&sweep, &points));
    }
}

/// Twice as fast in one respect, whichever, no setup gets slower. (The wait for the first token may grow: faster decode steps let
/// other requests return sooner.)
fn faster_is_never_slower(text: &str, factor: &str, slack: f64, columns: &[&str]) {
    let table = |value: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(factor));
        let text = lines.chain([format!("{factor} = {value}").as_str()]).collect::<Vec<_>>().join("\n");
        (all_rows(&sweep(&text)), text)
    };
    let ((slow, text), (fast, _)) = (table("1"), table("2"));
    let overloaded = f64::from(Reject::Overloaded.code());
    for row in 0..slow.len() {
        let (slow_reject, fast_reject) = (slow.get(row, "reject"), fast.get(row, "reject"));
        assert!(
            slow_reject == fast_reject || slow_reject == Some(overloaded),
            "{slow_reject:?} {fast_reject:?}: {text}"
        );
        for column in columns {
            let (Some(slow), Some(fast)) = (slow.get(row, column), fast.get(row, column)) else { continue };
            assert!(
                fast <= slow * (1.0 + slack),
                "{column} of row {row} goes from {slow} to {fast} by {factor}:\n{text}"
            );
        }
    }
}

const FACTORS: [&str; 4] =
    ["peak_flops_scale", "hbm_bandwidth_scale", "scale_up_bandwidth_scale", "network_bandwidth_scale"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn faster_hardware_never_trains_slower(text in specs::text(Phase::Training), factor in 0..4_usize) {
        // The host's part of a layer is spread evenly over its passes, whichever of them got shorter: a zero-bubble schedule, which fills its
        // waits with one of the three, may then wait a little longer.
        faster_is_never_slower(&text, FACTORS[factor], 2e-2, &["step_time_s", "time_to_train_s"]);
        faster_is_never_slower(&text, FACTORS[factor], 1e-9, &["step_time_s_bound"]);
    }

    #[test]
    fn faster_hardware_never_serves_slower(text in specs::text(Phase::Inference), factor in 0..4_usize) {
        let one_pool = in_mode(&text, "[\"continuous\", \"static\"]");
        faster_is_never_slower(&one_pool, FACTORS[factor], 1e-9, &["tpot_s", "prefill_time_s", "decode_step_s"]);
        // A faster prefill pool fills the decode pool, whose steps then take longer: what two pools may not lose is throughput. The running
        // batch is settled to a thousandth.
        let two_pools = in_mode(&text, "\"disaggregated\"");
        faster_is_never_slower(&two_pools, FACTORS[factor], 1e-9, &["prefill_time_s", "kv_transfer_s"]);
        faster_is_never_slower(&two_pools, FACTORS[factor], 1e-2, &["usd_per_million_tokens"]);
    }
}

/// A sweep's text with other serving modes.
fn in_mode(text: &str, modes: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("serving_mode"));
    lines.chain([format!("serving_mode = {modes}").as_str()]).collect::<Vec<_>>().join("\n")
}
