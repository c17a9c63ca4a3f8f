//! Specifications that are wrong, and the sentence that each gets.
use super::*;
use crate::axes::{PRECISION_NAMES, Phase, of_phase};
use crate::spec::objective::{group_columns, numeric_columns};
use crate::spec::report::listed;

/// A text, and what follows `s.toml:` in its sentence.
pub(super) type Case = (&'static str, &'static str);

const PHASE: &str = "schema = 1\nphase = \"inference\"\n";
pub(super) const SERVING: &str =
    "schema = 1\nphase = \"inference\"\n[axes]\nmodel = \"deepseek-v3\"\naccelerator = \"mi300x\"\n";
const TRAINING: &str = "schema = 1\nphase = \"training\"\n[axes]\nmodel = \"deepseek-v3\"\naccelerator = \"mi300x\"\n";
pub(super) const RUN: &str = "schema = 1\nphase = \"training\"\n[axes]\nmodel = \"deepseek-v3\"\naccelerator = \"mi300x\"\ndevices = 8\nglobal_batch = 8\n";

/// Checks each case after a beginning that is right; what the registries list stands in braces.
pub(super) fn check(beginning: &str, cases: &[Case]) {
    let axes: Vec<_> = of_phase(Phase::Inference).map(|axis| axis.name).collect();
    let workload = of_phase(Phase::Inference).filter(|axis| axis.workload).map(|axis| axis.name);
    let workload: Vec<_> = workload.chain(["lengths"]).collect();
    let lists = [
        ("{axes}", axes.len().to_string()),
        ("{workload}", listed(&workload)),
        ("{how_many}", numeric_columns(Phase::Inference).len().to_string()),
        ("{numbers}", listed(&numeric_columns(Phase::Inference))),
        ("{groups}", listed(&group_columns(Phase::Inference))),
        ("{precisions}", listed(&PRECISION_NAMES)),
    ];
    for (lines, sentence) in cases {
        let expected = lists.iter().fold(format!("s.toml:{sentence}"), |text, (mark, list)| text.replace(mark, list));
        let error = decode(&format!("{beginning}{lines}")).expect_err(lines);
        assert_eq!(error.to_string(), expected, "{lines}");
    }
}

#[test]
fn the_top() {
    check(
        "",
        &[
            (r#"phase = "inference""#, r#"1:1: the key "schema" is missing: write schema = 1"#),
            ("schema = 2", r#"1:10: schema must be 1, the only version, not "2""#),
            (r#"schema = "1""#, r#"1:10: schema must be 1, the only version, not the text "1""#),
            ("schema = 1", r#"1:1: the key "phase" is missing: write phase = "training" or phase = "inference""#),
            (
                "schema = 1\nphase = \"trainig\"",
                r#"2:9: unknown phase "trainig"; did you mean "training"?; allowed: training, inference"#,
            ),
            ("schema = 1\nphase = 1", r#"2:9: phase must be one of training, inference, not "1""#),
            (
                "shcema = 1\nphase = \"inference\"",
                r#"1:1: unknown key "shcema"; did you mean "schema"?; allowed: schema, phase, name, description, axes, workload, constraints, pareto, prices, operations, search, model, accelerator, network, stack, engine"#,
            ),
            (
                "schema = 1\nphase = \"inference\"",
                r#"1:1: the axis "model" is missing: phase "inference" needs it in [axes]"#,
            ),
        ],
    );
}

#[test]
fn the_axes_section() {
    check(
        PHASE,
        &[
            ("tensor_parallel = 8", r#"3:1: "tensor_parallel" is an axis: write it under [axes]"#),
            ("axes = 3", r#"3:8: [axes] must be a table, not "3""#),
            (
                "[axes]\nmodel = \"deepseek-v3\"",
                r#"3:2: the axis "accelerator" is missing: phase "inference" needs it in [axes]"#,
            ),
            ("name = 3", r#"3:8: name must be text, not "3""#),
            (
                r#"model = "deepseek-v3""#,
                r#"3:9: model must be [[model]] tables, not the text "deepseek-v3": to choose what is swept, write model under [axes]"#,
            ),
            (
                "[axes]\nmodle = \"deepseek-v3\"\naccelerator = \"mi300x\"",
                r#"4:1: unknown key "modle"; did you mean "model"?; {axes} are allowed"#,
            ),
            (
                "[axes]\nmodel = \"gpt-5\"\naccelerator = \"mi300x\"",
                r#"4:9: unknown model "gpt-5"; allowed: llama3.1-8b, llama3.1-70b, llama3.1-405b, deepseek-v3"#,
            ),
            (
                "[axes]\nmodel = \"llama3.1-70\"\naccelerator = \"mi300x\"",
                r#"4:9: unknown model "llama3.1-70"; did you mean "llama3.1-70b"?; allowed: llama3.1-8b, llama3.1-70b, llama3.1-405b, deepseek-v3"#,
            ),
            (
                "[axes]\nmodel = [\"z*\"]\naccelerator = \"mi300x\"",
                r#"4:10: no model matches "z*"; allowed: llama3.1-8b, llama3.1-70b, llama3.1-405b, deepseek-v3"#,
            ),
        ],
    );
}

#[test]
fn values_of_axes() {
    check(
        SERVING,
        &[
            (
                "tensor_parralel = 8",
                r#"6:1: unknown key "tensor_parralel"; did you mean "tensor_parallel"?; {axes} are allowed"#,
            ),
            ("zero_stage = 3", r#"6:1: "zero_stage" is not an axis of phase "inference", only of phase "training""#),
            ("ttft_s = 1", r#"6:1: "ttft_s" is a result, not an axis: bound it under [constraints]"#),
            (
                r#"tensor_parallel = "8""#,
                r#"6:19: tensor_parallel must be a whole number from 1 to 100,000,000, not the text "8""#,
            ),
            ("tensor_parallel = 0", r#"6:19: tensor_parallel must be a whole number from 1 to 100,000,000, not "0""#),
            ("tensor_parallel = -1", r#"6:19: tensor_parallel must be a whole number from 1 to 100,000,000, not "-1""#),
            (
                "tensor_parallel = 2.5",
                r#"6:19: tensor_parallel must be a whole number from 1 to 100,000,000, not "2.5""#,
            ),
            (
                "tensor_parallel = true",
                r#"6:19: tensor_parallel must be a whole number from 1 to 100,000,000, not "true""#,
            ),
            (
                "tensor_parallel = []",
                "6:19: tensor_parallel has no values: it must be a whole number from 1 to 100,000,000",
            ),
            (
                "tensor_parallel = [[1]]",
                "6:20: tensor_parallel must be a whole number from 1 to 100,000,000, not a list",
            ),
            ("tensor_parallel = [1, 2, 1]", r#"6:26: tensor_parallel has the value "1" twice, first at s.toml:6:20"#),
            (
                "tensor_parallel = [1, {linear = [1, 2, 1]}]",
                "6:23: tensor_parallel must be a whole number from 1 to 100,000,000, not a table",
            ),
            (
                "tensor_parallel = 1_000_000_000",
                r#"6:19: tensor_parallel must be a whole number from 1 to 100,000,000, not "1000000000""#,
            ),
            (
                "tensor_parallel = nan",
                r#"6:19: tensor_parallel must be a whole number from 1 to 100,000,000, not "nan""#,
            ),
            (r#"precision = "fp9""#, r#"6:13: unknown precision "fp9"; did you mean "fp8"?; allowed: {precisions}"#),
            ("precision = 8", r#"6:13: precision must be one of {precisions}, not "8""#),
            ("price_scale = 0", r#"6:15: price_scale must be a finite number above 0, not "0""#),
            ("price_scale = -1.5", r#"6:15: price_scale must be a finite number above 0, not "-1.5""#),
            ("price_scale = inf", r#"6:15: price_scale must be a finite number above 0, not "inf""#),
            ("oversubscription = 0.5", r#"6:20: oversubscription must be a finite number of at least 1, not "0.5""#),
            ("oversubscription = 0", r#"6:20: oversubscription must be a finite number of at least 1, not "0""#),
            ("price_scale = [1, 1.0]", r#"6:19: price_scale has the value "1" twice, first at s.toml:6:16"#),
            (
                "hbm_bandwidth_scale = 1\n\"accelerator.hbm_bandwidth_scale\" = 2",
                r#"7:1: the axis "hbm_bandwidth_scale" is given twice, first at s.toml:6:1"#,
            ),
            (
                r#"network = "ib-nrd""#,
                r#"6:11: unknown network "ib-nrd"; did you mean "ib-ndr"?; allowed: default, ib-ndr, roce-400"#,
            ),
            (r#"network = "x*""#, r#"6:11: no network matches "x*"; allowed: ib-ndr, roce-400"#),
            (
                "serving_mode = true",
                r#"6:16: serving_mode must be one of continuous, static, disaggregated, not "true""#,
            ),
            (
                "prefill_accelerator = 8",
                r#"6:23: prefill_accelerator must be the name of an accelerator in the catalogue, or "same", not "8""#,
            ),
            (
                "input_tokens = 8\n[workload]\ninput_tokens = 9",
                r#"8:1: the axis "input_tokens" is given twice, first at s.toml:6:1"#,
            ),
            (
                "[workload]\ntensor_parallel = 8",
                r#"7:1: "tensor_parallel" is no property of the workload: write it under [axes]"#,
            ),
            (
                "[workload]\ninput_token = 8",
                r#"7:1: unknown key "input_token"; did you mean "input_tokens"?; allowed: {workload}"#,
            ),
            (
                "[workload]\ntokens = 8",
                r#"7:1: "tokens" is not an axis of phase "inference", only of phase "training""#,
            ),
            (
                "output_tokens = \"many\"\nconcurrency = 0",
                r#"6:17: output_tokens must be a whole number from 1 to 100,000,000, not the text "many""#,
            ),
            (
                "accelerator.hbm_bandwidth_scale = 2",
                "6:1: this is not valid TOML: cannot extend value of type string with a dotted key",
            ),
        ],
    );
}

#[test]
fn ranges() {
    check(
        SERVING,
        &[
            (
                "tensor_parallel = { geometric = [8, 4, 2] }",
                r#"6:33: geometric is empty: its first value "8" is above its last "4""#,
            ),
            (
                "tensor_parallel = { geometric = [1, 8, 1] }",
                r#"6:40: the ratio of geometric must be a finite number above 1, not "1""#,
            ),
            (
                "tensor_parallel = { linear = [1, 8, 0] }",
                r#"6:37: the step of linear must be a finite number above 0, not "0""#,
            ),
            (
                "tensor_parallel = { linear = [1, 8, -1] }",
                r#"6:37: the step of linear must be a finite number above 0, not "-1""#,
            ),
            (
                "tensor_parallel = { linear = [1, 8, inf] }",
                r#"6:37: the step of linear must be a finite number above 0, not "inf""#,
            ),
            (
                "tensor_parallel = { geometric = [1, 8] }",
                "6:33: geometric = [first, last, ratio] takes three numbers, not 2",
            ),
            (
                "tensor_parallel = { geometric = 8 }",
                r#"6:33: geometric must be three numbers, [first, last, ratio], not "8""#,
            ),
            (
                "tensor_parallel = { geometrc = [1, 8, 2] }",
                r#"6:21: unknown key "geometrc"; did you mean "geometric"?; allowed: geometric, linear"#,
            ),
            (
                "tensor_parallel = {}",
                "6:19: tensor_parallel must be one range, { geometric = [first, last, ratio] } or { linear = [first, last, step] }",
            ),
            (
                "tensor_parallel = { geometric = [1, 8, 2], linear = [1, 8, 1] }",
                "6:19: tensor_parallel must be one range, { geometric = [first, last, ratio] } or { linear = [first, last, step] }",
            ),
            (
                "tensor_parallel = { geometric = [1, 8, 1.5] }",
                r#"6:40: geometric gives "1.5", but tensor_parallel must be a whole number from 1 to 100,000,000"#,
            ),
            (
                "tensor_parallel = { linear = [1, 100_000_000, 1] }",
                "6:30: tensor_parallel takes at most 100,000 values",
            ),
            (
                "tensor_parallel = { geometric = [0, 8, 2] }",
                r#"6:34: tensor_parallel must be a whole number from 1 to 100,000,000, not "0""#,
            ),
            (
                r#"tensor_parallel = { geometric = ["1", 8, 2] }"#,
                r#"6:34: tensor_parallel must be a whole number from 1 to 100,000,000, not the text "1""#,
            ),
            ("precision = { geometric = [1, 8, 2] }", "6:13: precision takes no range: it must be one of {precisions}"),
            (
                "memory_scale = { geometric = [1, 2, 1.5], x = 1 }",
                r#"6:43: unknown key "x"; allowed: geometric, linear"#,
            ),
            (
                "tensor_parallel = { geometric = [1, 1e9, 2] }",
                r#"6:37: tensor_parallel must be a whole number from 1 to 100,000,000, not "1000000000.0""#,
            ),
            (
                "network = { linear = [1, 2, 1] }",
                r#"6:11: network takes no range: it must be the name of a network in the catalogue, or "default""#,
            ),
        ],
    );
}

#[test]
fn constraints() {
    check(
        SERVING,
        &[
            (
                "[constraints]\nttft_s = 0.5",
                r#"7:10: ttft_s must be { min = … }, { max = … } or both, not "0.5": write ttft_s = { max = 0.5 }"#,
            ),
            (
                "[constraints]\nttft = { max = 0.5 }",
                r#"7:1: unknown column "ttft"; did you mean "ttft_s"?; {how_many} are allowed"#,
            ),
            ("[constraints]\nttft_s = {}", "7:10: ttft_s has no bound: write { min = … }, { max = … } or both"),
            (
                "[constraints]\nttft_s = { maximum = 0.5 }",
                r#"7:12: unknown key "maximum"; did you mean "max"?; allowed: min, max"#,
            ),
            (
                "[constraints]\nttft_s = { max = \"0.5\" }",
                r#"7:18: max of ttft_s must be a finite number, not the text "0.5""#,
            ),
            ("[constraints]\nttft_s = { max = nan }", r#"7:18: max of ttft_s must be a finite number, not "nan""#),
            (
                "[constraints]\nttft_s = { min = 2, max = 1 }",
                r#"7:10: ttft_s allows nothing: its min "2" is above its max "1""#,
            ),
            (
                "[constraints]\nmfu = { min = 0.4 }",
                r#"7:1: "mfu" is not a column of phase "inference", only of phase "training""#,
            ),
            (
                "[constraints]\nmodel = { min = 1 }",
                r#"7:1: "model" can't be bounded, because it is not a number; allowed: {numbers}"#,
            ),
            (
                "[constraints]\nttft_s = \"0.5\"",
                r#"7:10: ttft_s must be { min = … }, { max = … } or both, not the text "0.5""#,
            ),
        ],
    );
}

#[test]
fn objectives() {
    check(
        SERVING,
        &[
            (
                "[pareto]\nminimise = [\"cost_usd\"]",
                r#"7:1: unknown key "minimise"; did you mean "minimize"?; allowed: minimize, maximize, by, distinct"#,
            ),
            ("[pareto]\nminimize = []", "6:2: [pareto] has no objective: name a column in minimize or maximize"),
            (
                "[pareto]\nminimize = [\"cost\"]",
                r#"7:13: unknown column "cost"; did you mean "cost_usd"?; {how_many} are allowed"#,
            ),
            (
                "[pareto]\nminimize = [\"mfu\"]",
                r#"7:13: "mfu" is not a column of phase "inference", only of phase "training""#,
            ),
            (
                "[pareto]\nminimize = [\"saturated\"]",
                r#"7:13: "saturated" can't be minimized, because it is not a number; allowed: {numbers}"#,
            ),
            (
                "[pareto]\nminimize = [\"cost_usd\", \"cost_usd\"]",
                r#"7:25: minimize has the column "cost_usd" twice, first at s.toml:7:13"#,
            ),
            (
                "[pareto]\nminimize = [\"cost_usd\"]\nmaximize = [\"cost_usd\"]",
                r#"8:13: "cost_usd" can't be both minimized and maximized"#,
            ),
            ("[pareto]\nminimize = 3", r#"7:12: minimize must be a list of columns, not "3""#),
            (
                "[pareto]\nby = [\"bottleneck\"]",
                r#"7:7: "bottleneck" can't group rows, because it is not an axis of names or whole numbers; allowed: {groups}"#,
            ),
            (
                "[pareto]\nby = [\"price_scale\"]",
                r#"7:7: "price_scale" can't group rows, because it is not an axis of names or whole numbers; allowed: {groups}"#,
            ),
            ("[pareto]\ndistinct = 1", r#"7:12: distinct must be true or false, not "1""#),
        ],
    );
}

#[test]
fn prices_and_tables() {
    check(
        SERVING,
        &[
            (
                "[prices]\nmi300 = 2",
                r#"7:1: unknown accelerator "mi300"; did you mean "mi300x"?; allowed: a100-sxm-80, h100-sxm-80, h200-sxm-141, b200-sxm, mi300x, l40s"#,
            ),
            (
                "[prices]\nmi300x = \"2\"",
                r#"7:10: the price of "mi300x" must be USD per device-hour, a finite number of at least 0, not the text "2""#,
            ),
            (
                "[prices]\nmi300x = -2",
                r#"7:10: the price of "mi300x" must be USD per device-hour, a finite number of at least 0, not "-2""#,
            ),
            ("[[model]]\nname = \"m\"", r#"6:1: this [[model]] has no "id": write id = "…""#),
            ("[[model]]\nid = 3", r#"7:6: id must be text, not "3""#),
            ("[[model]]\nid = \"m*\"", r#"7:6: "m*" can't be an id: it must not be empty nor hold * or ?"#),
            (
                "[[network]]\nid = \"default\"",
                r#"7:6: "default" can't be an id: it must not be empty nor hold * or ?, nor be "default""#,
            ),
            (
                "[[model]]\nid = \"m\"\n[[model]]\nid = \"m\"",
                r#"9:6: the model "m" is given twice, first at s.toml:7:6"#,
            ),
        ],
    );
}

#[test]
fn operations() {
    const KEYS: &str = "checkpoint_device_bytes_per_s, checkpoint_storage_bytes_per_s, checkpoint_asynchronous_share, detection_s, restart_s, repair_s, hardware_failure_share, node_devices, host_power_share, idle_power_share, pue, usd_per_kwh, kg_co2_per_kwh, capital_overhead, amortisation_years, busy_share, operations_share_per_year";
    let unknown = format!("7:1: unknown key \"puee\"; did you mean \"pue\"?; allowed: {KEYS}");
    let unknown: &'static str = unknown.leak();
    check(
        SERVING,
        &[
            ("[operations]\npuee = 1.2", unknown),
            ("[operations]\npue = 0.9", r#"7:7: pue must be a finite number of at least 1, not "0.9""#),
            ("[operations]\npue = \"low\"", r#"7:7: pue must be a finite number of at least 1, not the text "low""#),
            ("[operations]\npue = inf", r#"7:7: pue must be a finite number of at least 1, not "inf""#),
            ("[operations]\npue = [1.1, 1.2]", "7:7: pue must be a finite number of at least 1, not a list"),
            ("[operations]\nusd_per_kwh = -1", r#"7:15: usd_per_kwh must be a finite number of at least 0, not "-1""#),
            (
                "[operations]\nidle_power_share = 1.5",
                r#"7:20: idle_power_share must be a number from 0 to 1, not "1.5""#,
            ),
            ("[operations]\nbusy_share = 0", r#"7:14: busy_share must be a number above 0 and up to 1, not "0""#),
            (
                "[operations]\namortisation_years = 0",
                r#"7:22: amortisation_years must be a finite number above 0, not "0""#,
            ),
            ("[[operations]]", "6:1: [operations] must be a table, not a list"),
        ],
    );
}

#[test]
fn axes_of_training() {
    check(
        TRAINING,
        &[
            (
                "devices = 8",
                r#"3:2: the axis "global_batch" is missing: phase "training" needs it in [axes] or [workload]"#,
            ),
            (
                "tensor_parallel = {linear = [1, 90000, 1]}\npipeline_parallel = {linear = [1, 90000, 1]}\nmicro_batch = {linear = [1, 90000, 1]}\ndevices = {linear = [1, 90000, 1]}\nglobal_batch = 1",
                "3:2: the axes make more than 18,446,744,073,709,551,615 configurations: shorten some",
            ),
        ],
    );
}

#[test]
fn values_of_training() {
    check(
        RUN,
        &[
            ("concurrency = 8", r#"8:1: "concurrency" is not an axis of phase "training", only of phase "inference""#),
            (
                "checkpoint_interval_s = -1",
                r#"8:25: checkpoint_interval_s must be a finite number of at least 0, not "-1""#,
            ),
            (
                "checkpoint_interval_s = inf",
                r#"8:25: checkpoint_interval_s must be a finite number of at least 0, not "inf""#,
            ),
            (
                "tokens_per_parameter = { geometric = [0, 40, 2] }",
                r#"8:39: the first value of geometric must be above 0, not "0""#,
            ),
            (
                "tokens_per_parameter = [0, -0.0]",
                r#"8:28: tokens_per_parameter has the value "0" twice, first at s.toml:8:25"#,
            ),
            ("device_mtbf_hours = 0", r#"8:21: device_mtbf_hours must be a finite number above 0, not "0""#),
            ("spare_devices = 0.5", r#"8:17: spare_devices must be a whole number from 0 to 100,000,000, not "0.5""#),
            ("zero_stage = 4", r#"8:14: zero_stage must be a whole number from 0 to 3, not "4""#),
            (
                "first_stage_layers = -1",
                r#"8:22: first_stage_layers must be a whole number from 0 to 100,000, not "-1""#,
            ),
            (
                "last_stage_layers = 1.5",
                r#"8:21: last_stage_layers must be a whole number from 0 to 100,000, not "1.5""#,
            ),
            ("embedding_as_layers = 1", r#"8:23: embedding_as_layers must be true or false, not "1""#),
            (
                r#"schedule = "dualpipe_w""#,
                r#"8:12: unknown schedule "dualpipe_w"; did you mean "dualpipe_v"?; allowed: 1f1b, gpipe, zero_bubble_h1, zero_bubble_v, dualpipe, dualpipe_v"#,
            ),
            (
                r#"recompute = "ful""#,
                r#"8:13: unknown recompute "ful"; did you mean "full"?; allowed: none, selective, full"#,
            ),
            (r#"sequence_parallel = "yes""#, r#"8:21: sequence_parallel must be true or false, not the text "yes""#),
            ("sequence_parallel = 1", r#"8:21: sequence_parallel must be true or false, not "1""#),
            (
                "[constraints]\nttft_s = { max = 1 }",
                r#"9:1: "ttft_s" is not a column of phase "training", only of phase "inference""#,
            ),
            (
                "[workload]\ntokens = 1e99",
                r#"9:10: tokens must be a whole number from 1 to 1,000,000,000,000,000, not "1e99""#,
            ),
            (
                "zero_stage = { geometric = [0, 3, 2] }",
                r#"8:29: the first value of geometric must be above 0, not "0""#,
            ),
        ],
    );
}
