//! One way of evaluating: a row alone, in a sweep, in any order and in a table is the same row.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::control::Control;
use llmsweep_engine::plan::Point;
use llmsweep_engine::run::Keep;
use proptest::prelude::*;

use crate::common::{Bits, Rows, all_columns, all_rows, one_row, run, sweep};
use crate::specs;

/// Numbers of rows, spread over the whole sweep.
fn sample(rows: u64, count: u64, seed: u64) -> Vec<u64> {
    (0..count.min(rows))
        .map(|index| (seed.wrapping_add(index).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1) % rows)
        .collect()
}

fn paths_agree(text: &str, seed: u64) {
    let sweep = sweep(text);
    let rows = sweep.context.plan.rows();
    let whole = all_rows(&sweep);
    assert_eq!(whole.len() as u64, rows);
    let order = sample(rows, 400, seed);
    let pick = |ids: &[u64]| Rows(ids.iter().map(|&row| whole.0[row as usize].clone()).collect());

    for &row in &order[..order.len().min(150)] {
        assert_eq!(one_row(&sweep, row), pick(&[row]), "row {row} of\n{text}");
    }
    let columns = all_columns(&sweep);
    let shuffled = Rows::of(&sweep.run().numbered(&order, &columns));
    assert_eq!(shuffled, pick(&order), "rows in another order of\n{text}");

    let points: Vec<Point> = order.iter().map(|&row| sweep.context.plan.point(row)).collect();
    let listed = sweep.run().points(&points, &columns, &Control::new()).expect("nobody cancels");
    assert_eq!(Rows::of(&listed).without("row_id"), pick(&order).without("row_id"), "points of\n{text}");
    for (row, cells) in whole.0.iter().enumerate() {
        assert_eq!(cells["row_id"].map(Bits::number), Some(row as f64));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_training_row_is_the_same_on_every_path(text in specs::text(Phase::Training), seed: u64) {
        paths_agree(&text, seed);
    }

    #[test]
    fn a_serving_row_is_the_same_on_every_path(text in specs::text(Phase::Inference), seed: u64) {
        paths_agree(&text, seed);
    }
}

/// Cuts, layers that are run again and copies of the model in one cell, whose stages an evaluator keeps.
#[test]
fn stages_of_a_cell_do_not_mix() {
    paths_agree(
        "schema = 1\nphase = \"training\"\n[axes]\nmodel = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\n\
         recompute = \"full\"\npipeline_parallel = [2, 4]\nvirtual_pipeline = [1, 2]\ndevices = [16, 32]\nglobal_batch = 64\n\
         zero_stage = [1, 3]\nrecompute_layers = [0, 2, 5]\nfirst_stage_layers = [0, 6]\n\
         schedule = [\"1f1b\", \"zero_bubble_h1\", \"zero_bubble_v\", \"dualpipe\"]\n",
        7,
    );
}

/// One evaluator walks along rows from many places in turn, across the borders of cells; each row is the same for an evaluator of its own.
fn walks_agree(text: &str, seed: u64) {
    let sweep = sweep(text);
    let rows = sweep.context.plan.rows();
    let order: Vec<u64> = sample(rows, 80, seed).into_iter().flat_map(|first| first..rows.min(first + 50)).collect();
    let walked = Rows::of(&sweep.run().numbered(&order, &all_columns(&sweep)));
    for (place, &row) in order.iter().enumerate().step_by(7) {
        assert_eq!(one_row(&sweep, row).0[0], walked.0[place], "row {row} of\n{text}");
    }
}

/// Every axis of the row level and some of each other: what rows share is kept by the right axes.
#[test]
fn training_rows_share_no_more_than_they_have_in_common() {
    for (seed, more) in ["", "data_parallel_replicate = [1, 2]\nexpert_parallel = [1, 8]\n"].into_iter().enumerate() {
        let model = if more.is_empty() { "llama3.1-8b" } else { "mixtral-8x7b" };
        walks_agree(
            &format!(
                "schema = 1\nphase = \"training\"\n[axes]\nmodel = \"{model}\"\naccelerator = [\"h100-sxm-80\", \"b200-sxm\"]\n\
                 precision = [\"bf16\", \"fp8\"]\nrecompute = [\"none\", \"full\"]\ntensor_parallel = [1, 4]\n\
                 memory_scale = [1, 8]\nprice_scale = [1, 2]\npower_scale = [1, 0.5]\npipeline_parallel = [1, 2, 4]\nvirtual_pipeline = [1, 2]\n\
                 devices = [32, 64]\nglobal_batch = [64, 128]\nzero_stage = [0, 1, 2, 3]\noptimizer = [\"adamw\", \"muon\"]\n\
                 recompute_layers = [0, 3]\noffload = [\"none\", \"optimizer\", \"activations\"]\n\
                 tokens = [1_000_000, 2_000_000]\ntokens_per_parameter = [0, 20]\ndevice_mtbf_hours = [1000, 50_000]\n\
                 checkpoint_interval_s = [0, 600]\nspare_devices = [0, 8]\nschedule = [\"1f1b\", \"zero_bubble_h1\", \"dualpipe\"]\n\
                 first_stage_layers = [0, 6]\nlast_stage_layers = [0, 7]\nembedding_as_layers = [false, true]\n{more}"
            ),
            seed as u64,
        );
    }
}

#[test]
fn serving_rows_share_no_more_than_they_have_in_common() {
    let closed = "concurrency = [1, 64, 700]\nserving_mode = [\"continuous\", \"static\", \"disaggregated\"]\n\
                  decode_workers = [1, 2]\nprefill_workers = [1, 3]\nprefill_tensor_parallel = [0, 2]\n\
                  prefill_accelerator = [\"same\", \"h200-sxm-141\"]\n";
    for (seed, load) in [closed, "arrival_rate_per_s = [0.1, 2, 30]\n"].into_iter().enumerate() {
        walks_agree(
            &format!(
                "schema = 1\nphase = \"inference\"\n[axes]\nmodel = \"llama3.1-8b\"\naccelerator = [\"h100-sxm-80\", \"l4\"]\n\
                 engine = [\"vllm\", \"sglang\"]\ntensor_parallel = [1, 2]\nspeculation = [\"none\", \"eagle\"]\n\
                 price_scale = [1, 2]\npower_scale = [1, 0.5]\npipeline_parallel = [1, 2]\ndata_parallel = [1, 2]\ninput_tokens = [500, 9000]\n\
                 output_tokens = [1, 300]\nadmission_interval = [1, 4]\nattention_dp_wait_steps = [0, 60]\nspeculative_tokens = [1, 3]\n\
                 kv_allocator = [\"paged\", \"contiguous\", \"power_of_two\"]\nmax_model_len = [0, 12_000]\n\
                 weight_offload = [0, 0.5]\nkv_offload = [0, 0.5]\nacceptance_rate = [0.5, 0.8]\nprefix_hit_rate = [0, 0.4]\n\
                 prefix_shared = [false, true]\ninput_tokens_cv = [0, 1]\noutput_tokens_cv = [0, 0.5]\n\
                 length_correlation = [0, 0.3]\nslo_ttft_s = [0, 1]\nslo_tpot_s = [0, 0.05]\nmax_batch = [0, 16]\n\
                 two_batch_overlap = [false, true]\n{load}"
            ),
            seed as u64,
        );
    }
}

/// More rows than a block in one cell, and cells that do not fill a block.
#[test]
fn blocks_join_without_seams() {
    for axes in [
        "concurrency = { linear = [1, 30000, 1] }\nkv_precision = [\"bf16\", \"fp8\"]\n",
        "concurrency = [1, 2, 3]\ntensor_parallel = [1, 2, 4, 8]\nhbm_bandwidth_scale = { linear = [1, 3000, 1] }\n",
    ] {
        let sweep =
            crate::common::inference(&format!("model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\n{axes}"));
        let columns = sweep.columns(Some(&["row_id".to_owned(), "tpot_s".to_owned()])).expect("known columns");
        let output = sweep.run().run(Keep::All, &columns, &Control::new()).expect("nobody cancels");
        let whole = Rows::of(&output);
        assert_eq!(whole.len() as u64, sweep.context.plan.rows());
        assert_eq!(output.stats.evaluated, sweep.context.plan.rows());
        for row in [0, 1, 16_383, 16_384, 16_385, 29_999, 30_000] {
            assert_eq!(whole.number(row, "row_id"), row as f64);
            assert_eq!(whole.get(row, "tpot_s"), one_row(&sweep, row as u64).get(0, "tpot_s"));
        }
    }
}

/// Row numbers above 2⁵³ are exact too.
#[test]
fn far_rows_keep_their_number() {
    let axes: Vec<String> = ["tokens", "sequence_length", "global_batch", "devices"]
        .iter()
        .map(|axis| format!("{axis} = {{ linear = [1, 16384, 1] }}\n"))
        .collect();
    let sweep = crate::common::training(&format!(
        "model = \"gpt2\"\naccelerator = \"h100-sxm-80\"\nzero_stage = [0, 1, 2]\n{}",
        axes.concat()
    ));
    let row = sweep.context.plan.rows() - 2;
    assert!(row > 1 << 53, "{row}");
    let columns = sweep.columns(Some(&["row_id".to_owned()])).expect("a known column");
    let output = sweep.run().numbered(&[row], &columns);
    let ids = output.batches[0].column(0).as_any().downcast_ref::<arrow_array::UInt64Array>().expect("counts").clone();
    assert_eq!(ids.value(0), row);
    assert_eq!(sweep.context.plan.row(&sweep.context.plan.point(row)), row);
}

#[test]
fn no_rows_are_an_empty_table_with_the_schema() {
    let sweep = crate::common::inference("model = \"llama3.1-405b\"\naccelerator = \"l4\"\n");
    let names = all_columns(&sweep).len();
    for keep in [Keep::Feasible, Keep::Front] {
        let output = run(&sweep, keep);
        assert_eq!(output.schema.fields().len(), names);
        assert_eq!(output.batches.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>(), 0);
        assert!(output.batches.iter().all(|batch| batch.schema() == output.schema));
        assert_eq!(output.stats.feasible, 0);
    }
    assert_eq!(run(&sweep, Keep::Front).stats.front, Some(0));
}
