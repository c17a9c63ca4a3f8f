//! Every reason that a setup can't run, by a small sweep that gives it.
use llmsweep_engine::explain::explain;
use llmsweep_model::phase::training_memory::MemoryTerm;
use llmsweep_model::reject::Reject;

use crate::common::{Rows, all_rows, inference, one_row, reject, training};

/// The smallest setup on which a reason stands alone; a new reason has to be given one here.
fn case(reject: Reject) -> (&'static str, &'static str) {
    const TRAINING: &str = "training";
    const SERVING: &str = "inference";
    match reject {
        Reject::PrecisionUnsupported => (SERVING, "precision = \"nvfp4\""),
        Reject::PrecisionNotTrained => (TRAINING, "precision = \"int8\""),
        Reject::TensorParallelHeads => (TRAINING, "tensor_parallel = 3"),
        Reject::TensorParallelMlp => (SERVING, "model = \"qwen2.5-0.5b\"\ntensor_parallel = 7"),
        Reject::ExpertParallelDense => (TRAINING, "expert_parallel = 2"),
        Reject::ExpertParallelExperts => (TRAINING, "model = \"mixtral-8x7b\"\nexpert_parallel = 3"),
        Reject::ExpertParallelRanks => (TRAINING, "model = \"mixtral-8x7b\"\nexpert_parallel = 8\ndevices = 4"),
        Reject::ExpertTensorParallel => (TRAINING, "model = \"mixtral-8x7b\"\nexpert_tensor_parallel = 3"),
        Reject::ContextParallelSequence => (TRAINING, "context_parallel = 3"),
        Reject::ContextParallelHeads => {
            (TRAINING, "context_parallel = 8\ntensor_parallel = 8\ncontext_exchange = \"all_to_all\"")
        }
        Reject::SequenceTooLong => (TRAINING, "model = \"gpt2\"\nsequence_length = 2048"),
        Reject::NothingTrained => (TRAINING, "training_mode = \"lora\"\nlora_modules = \"experts\""),
        Reject::PipelineTooDeep => (SERVING, "pipeline_parallel = 33"),
        Reject::VirtualPipelineAlone => (TRAINING, "virtual_pipeline = 2"),
        Reject::VirtualPipelineBatches => {
            (TRAINING, "virtual_pipeline = 2\npipeline_parallel = 4\nglobal_batch = 6\ndevices = 4")
        }
        Reject::ScheduleAlone => (TRAINING, "schedule = \"zero_bubble_h1\""),
        Reject::ScheduleChunks => (TRAINING, "schedule = \"zero_bubble_v\"\npipeline_parallel = 4"),
        Reject::ScheduleBatches => (TRAINING, "schedule = \"dualpipe\"\npipeline_parallel = 8"),
        Reject::StageLayers => (TRAINING, "first_stage_layers = 30\npipeline_parallel = 4"),
        Reject::DevicesNotDivisible => (TRAINING, "tensor_parallel = 8\ndevices = 12"),
        Reject::DevicesTooFew => (TRAINING, "tensor_parallel = 8\ndevices = 4"),
        Reject::GlobalBatchNotDivisible => (TRAINING, "global_batch = 12\ndevices = 8"),
        Reject::DataParallelReplicate => (TRAINING, "data_parallel_replicate = 3"),
        Reject::ContextTooLong => (SERVING, "input_tokens = 131_072"),
        Reject::ConcurrencyBelowReplicas => (SERVING, "data_parallel = 2"),
        Reject::WeightsDoNotFit => (SERVING, "memory_scale = 0.1"),
        Reject::OptimizerDoesNotFit => (TRAINING, "devices = 1\nglobal_batch = 1"),
        Reject::ActivationsDoNotFit => (TRAINING, "devices = 8\nmicro_batch = 64\nglobal_batch = 512"),
        Reject::CacheDoesNotFit => (SERVING, "memory_scale = 0.27\ninput_tokens = 100_000"),
        Reject::FailsTooOften => (TRAINING, "model = \"gpt2\"\nsequence_length = 1024\ndevice_mtbf_hours = 0.1"),
        Reject::DrafterMissing => (SERVING, "speculation = \"mtp\"\nspeculative_tokens = 1"),
        Reject::DrafterSplit => {
            (SERVING, "speculation = \"draft\"\ndraft_model = \"qwen2.5-0.5b\"\ntensor_parallel = 4")
        }
        Reject::Overloaded => (SERVING, "arrival_rate_per_s = 1000"),
        Reject::StaticArrivals => (SERVING, "arrival_rate_per_s = 0.1\nserving_mode = \"static\""),
        Reject::FleetTooSmall => (SERVING, "tensor_parallel = 8\n[search]\nmode = \"fleet\"\ndevices = 4"),
        Reject::PrefillPrecisionUnsupported => {
            (SERVING, "serving_mode = \"disaggregated\"\nprefill_precision = \"nvfp4\"")
        }
        Reject::PrefillLayout => (SERVING, "serving_mode = \"disaggregated\"\nprefill_tensor_parallel = 3"),
        Reject::PrefillDoesNotFit => (
            SERVING,
            "model = \"llama3.1-70b\"\ntensor_parallel = 4\nserving_mode = \"disaggregated\"\nprefill_tensor_parallel = 1",
        ),
        Reject::BatchDoesNotFit => (SERVING, "serving_mode = \"static\"\nconcurrency = 100_000"),
    }
}

fn with_fallbacks(phase: &str, own: &str) -> String {
    let mut axes = String::new();
    let fallbacks: &[(&str, &str)] = match phase {
        "training" => {
            &[("model", "\"llama3.1-8b\""), ("accelerator", "\"h100-sxm-80\""), ("devices", "8"), ("global_batch", "8")]
        }
        _ => &[("model", "\"llama3.1-8b\""), ("accelerator", "\"h100-sxm-80\"")],
    };
    for (axis, value) in fallbacks {
        if !own.lines().any(|line| line.starts_with(&format!("{axis} "))) {
            axes.extend([axis, " = ", value, "\n"]);
        }
    }
    // A reason may need a table of its own, which comes after the axes.
    axes + own + "\n"
}

#[test]
fn every_reason_can_be_met_and_explained() {
    for expected in Reject::ALL {
        let (phase, own) = case(expected);
        let axes = with_fallbacks(phase, own);
        let sweep = if phase == "training" { training(&axes) } else { inference(&axes) };
        let rows = all_rows(&sweep);
        assert_eq!(reject(&rows, 0), Some(expected.name()), "{axes}");
        assert_eq!(rows.number(0, "feasible"), 0.0);
        assert_eq!(rows.get(0, "bottleneck"), None);
        let explained = explain(&sweep.context, &sweep.context.plan.point(0));
        assert_eq!(explained["feasible"], false);
        assert_eq!(explained["reject"], expected.name());
        let detail = explained["reject_detail"].as_str().expect("a sentence");
        let memory = phase == "training" && rows.get(0, "memory_bytes").is_some();
        if memory {
            let term = MemoryTerm::NAMES[rows.number(0, "memory_term") as usize];
            assert!(detail.starts_with(expected.doc()), "{detail}");
            assert!(detail.contains(&format!("Stage {} lacks", rows.number(0, "memory_stage"))), "{detail}");
            assert!(detail.contains(&format!("the largest term is {term} with")), "{detail}");
        } else {
            assert_eq!(detail, expected.doc());
        }
    }
}

/// Results are null where a setup can't run; what does not depend on running is there.
#[test]
fn a_rejected_row_has_its_axes_and_nothing_of_its_results() {
    let rows: Rows =
        one_row(&inference("model = \"llama3.1-8b\"\naccelerator = \"h100-sxm-80\"\nmemory_scale = 0.01\n"), 0);
    let there = [
        "parameters",
        "active_parameters",
        "usd_per_hour",
        "power_w",
        "kv_bytes_per_token",
        "provenance",
        "device_count",
        "nodes",
    ];
    for column in there {
        assert!(rows.get(0, column).is_some(), "{column}");
    }
    for column in ["tpot_s", "ttft_s", "memory_bytes", "cost_usd", "saturated", "bottleneck", "tokens_per_s"] {
        assert_eq!(rows.get(0, column), None, "{column}");
    }
}

/// What is missing, on which stage and of which term; other refusals have no memory.
#[test]
fn a_training_row_refused_for_memory_says_how_much_it_needs() {
    let axes = "model = \"llama3.1-405b\"\naccelerator = \"h100-sxm-80\"\ndevices = 512\ntensor_parallel = 8\n\
                pipeline_parallel = 8\nmicro_batch = 1\nglobal_batch = 64\nsequence_length = 8192\nzero_stage = 1\n";
    let rows = all_rows(&training(axes));
    assert_eq!(reject(&rows, 0), Some("activations_do_not_fit"));
    assert!(rows.number(0, "memory_bytes") > 80e9 && rows.number(0, "memory_headroom_bytes") < 0.0);
    assert_eq!(rows.number(0, "memory_term"), f64::from(MemoryTerm::Activations as u8));
    assert_eq!(rows.number(0, "memory_stage"), 0.0);
    assert_eq!(rows.get(0, "step_time_s"), None);
    let sweep = training(axes);
    let explained = explain(&sweep.context, &sweep.context.plan.point(0)).to_string();
    assert!(explained.contains("Memory of the fullest device (stage 0)") && explained.contains(" GiB are missing"));
    let other = all_rows(&training(&axes.replace("devices = 512", "devices = 32")));
    assert_eq!(reject(&other, 0), Some("devices_too_few"));
    assert_eq!((other.get(0, "memory_bytes"), other.get(0, "memory_term")), (None, None));
}
