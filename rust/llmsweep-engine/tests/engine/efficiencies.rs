//! Which laws time an accelerator in a precision, and how they are known.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::catalog::engine::ENGINE_KERNELS;
use llmsweep_engine::catalog::kernels::{ANY_ENGINE, FASTEST_ENGINE, chip};
use llmsweep_engine::catalog::{Catalog, Kind, Provenance, ResolvedLaws};
use llmsweep_model::law::{
    DecodeAttentionLaw, ElementwiseLaw, Family, GemmLaw, GroupedGemmLaw, LatentDecodeLaw, LatentPrefillLaw, Law,
};
use llmsweep_model::precision::{KvPrecision, Precision};

use crate::common::{catalog, catalog_folder};
use crate::systems::{Overlay, refuses};

fn of(catalog: &Catalog, id: &str, precision: &str, cache: &str, engine: &str) -> ResolvedLaws {
    let entry = catalog.accelerator(id).expect("an accelerator of the catalogue");
    let (precision, cache) = (Precision::by_name(precision).expect("a precision"), KvPrecision::by_name(cache));
    let laws = catalog.laws(entry, precision, cache.expect("a format"), engine, Phase::Inference);
    laws.expect("the shipped catalogue has a last resort")
}

fn resolved(id: &str, precision: &str, engine: &str) -> ResolvedLaws {
    of(catalog(), id, precision, "bf16", engine)
}

/// The law fitted to exactly this.
#[track_caller]
fn fitted<L: Law>(id: &str, precision: &str, engine: &str) -> L {
    let mut laws = catalog().kernels().of(id, L::FAMILY);
    let law = laws.find(|(key, _)| key.precision == precision && key.engine == engine);
    L::of(&law.unwrap_or_else(|| panic!("{} of {id} in {precision} of {engine}", L::FAMILY)).1.coefficients)
}

/// The law of the fastest engine of each shape, else of the engine in the middle.
#[track_caller]
fn pooled<L: Law>(id: &str, precision: &str) -> L {
    let law = catalog().kernels().law(id, L::FAMILY, precision, FASTEST_ENGINE);
    L::of(&law.unwrap_or_else(|| panic!("{} of {id} in {precision}", L::FAMILY)).coefficients)
}

fn defaults<L: Law>() -> L {
    L::of(&Family::by_name(L::FAMILY).expect("a law of the registry").defaults())
}

#[test]
fn every_accelerator_resolves_what_it_computes() {
    let mut answered = 0;
    for id in catalog().ids(Kind::Accelerators) {
        let entry = catalog().accelerator(id).expect("an id of the catalogue");
        for precision in Precision::ALL {
            if entry.accelerator.peaks.of(precision).is_none() {
                continue;
            }
            let chip = chip(&entry.accelerator, precision.name).expect("the chip computes in it");
            assert!(chip.peak.0 > 0.0 && chip.plain_peak.0 > 0.0 && chip.bandwidth.0 > 0.0 && chip.units > 0.0);
            for engine in ENGINE_KERNELS {
                let ResolvedLaws { laws, sustained_clock, .. } = resolved(id, precision.name, engine);
                assert!(sustained_clock > 0.0 && sustained_clock < 1.2, "{id}: {sustained_clock}");
                for share in [
                    laws.gemm.compute_efficiency,
                    laws.gemm.memory_efficiency,
                    laws.plain_gemm.compute_efficiency,
                    laws.plain_gemm.memory_efficiency,
                    laws.elementwise.memory_efficiency,
                    laws.backward_attention_ratio,
                ] {
                    assert!(share > 0.0 && share <= 1.0, "{id} in {}", precision.name);
                }
                answered += 1;
            }
        }
    }
    assert!(answered > 1000, "{answered}");
}

/// Attention is the engine's own; multiplications come from libraries that engines share: theirs are pooled.
#[test]
fn laws_are_the_engines() {
    for engine in ["vllm", "trtllm"] {
        let laws = resolved("h100-sxm-80", "fp8", engine).laws;
        assert_eq!(laws.cache, fitted("h100-sxm-80", "bf16", engine));
        assert_eq!(laws.attention, fitted("h100-sxm-80", "bf16", engine));
        assert_eq!(laws.gemm, pooled("h100-sxm-80", "fp8"));
        assert_eq!(laws.plain_gemm, pooled("h100-sxm-80", "bf16"));
        assert_eq!(laws.experts, pooled::<GroupedGemmLaw>("h100-sxm-80", "fp8"));
    }
    let entry = catalog().accelerator("h100-sxm-80").expect("shipped");
    let (fp8, cache) = (Precision::by_name("fp8").expect("a precision"), KvPrecision::by_name("bf16"));
    let training = catalog().laws(entry, fp8, cache.expect("a format"), ANY_ENGINE, Phase::Training);
    assert_eq!(training.map(|resolved| resolved.laws.gemm), Some(fitted("h100-sxm-80", "fp8", ANY_ENGINE)));
    // Nobody timed SGLang's attention over an fp8 latent.
    let latent = of(catalog(), "h100-sxm-80", "bf16", "fp8", "sglang").laws.latent_cache;
    assert_eq!(latent, fitted::<LatentDecodeLaw>("h100-sxm-80", "fp8", ANY_ENGINE));
    let cache = of(catalog(), "h100-sxm-80", "bf16", "fp8", "vllm").laws.cache;
    assert_eq!(cache, fitted::<DecodeAttentionLaw>("h100-sxm-80", "fp8", "vllm"));
}

/// Without a law of one's own, the nearest timed board of the architecture lends its, then those of related architectures.
#[test]
fn laws_are_a_relatives() {
    let relatives = |id: &str| catalog().timed_relatives(catalog().accelerator(id).expect("in the catalogue"));
    assert_eq!(relatives("h100-pcie-80")[0], "h100-sxm-80");
    assert_eq!(relatives("h200-nvl-141")[0], "h200-sxm-141");
    assert_eq!(resolved("h100-pcie-80", "fp8", "vllm").laws.gemm, pooled("h100-sxm-80", "fp8"));
    assert_eq!(resolved("h200-nvl-141", "bf16", "vllm").laws.gemm, pooled("h200-sxm-141", "bf16"));
    // Boards with GDDR lie nearer to each other than to one with HBM of the same generation.
    assert_eq!(resolved("rtx-3090", "bf16", "vllm").laws.gemm, pooled("a40", "bf16"));
    assert_eq!(resolved("rtx-3090", "bf16", "vllm").laws.cache, fitted("l40s", "bf16", "vllm"));
}

/// The format counts more than the hardware: 4-bit weights have a law on a relative, and only where no relative has one does another
/// format stand in.
#[test]
fn formats_stand_in_last() {
    assert_eq!(resolved("h100-sxm-80", "w4a16", "trtllm").laws.gemm, pooled("a100-sxm-80", "w4a16"));
    assert_eq!(resolved("h100-sxm-80", "fp16", "vllm").laws.gemm, pooled("h100-sxm-80", "bf16"));
    assert_eq!(resolved("h100-sxm-80", "mxfp8", "vllm").laws.gemm, pooled("h100-sxm-80", "fp8"));
    assert_eq!(resolved("b200-sxm", "mxfp4", "vllm").laws.gemm, pooled("b200-sxm", "nvfp4"));
    assert_eq!(resolved("b200-sxm", "mxfp4", "vllm").laws.experts, pooled::<GroupedGemmLaw>("b200-sxm", "mxfp4"));
    let cache = of(catalog(), "h100-sxm-80", "bf16", "fp16", "vllm").laws.cache;
    assert_eq!(cache, fitted::<DecodeAttentionLaw>("h100-sxm-80", "bf16", "vllm"));
}

/// What a file says of an architecture, the physical default for what it leaves out.
#[test]
fn assumptions_fill_what_nobody_timed() {
    let laws = resolved("mi300x", "bf16", "vllm").laws;
    let gemm = GemmLaw { compute_efficiency: 0.54, memory_efficiency: 0.72, ..defaults() };
    assert_eq!(laws.gemm, gemm);
    assert_eq!(laws.scan, defaults());
    let untimed = resolved("tpu-v5p", "bf16", "vllm").laws;
    assert_eq!(untimed.latent_attention.launch, defaults::<LatentPrefillLaw>().launch);
    // No cast was timed alone: what the timings of products contain of it stands for it.
    let laws = resolved("h100-sxm-80", "fp8", "vllm").laws;
    assert_eq!((laws.quantise.launch.0, laws.quantise.traffic), (0.0, laws.gemm.quantise_bytes));
}

#[test]
fn provenance_says_what_was_measured() {
    use Provenance::{Calibrated, Datasheet, Transferred};
    for (id, precision, expected) in [
        ("h100-sxm-80", "bf16", Calibrated),
        ("h100-sxm-80", "fp8", Calibrated),
        ("h200-sxm-141", "bf16", Calibrated),
        ("a40", "bf16", Calibrated),
        ("mi300x", "bf16", Calibrated),
        ("h100-pcie-80", "bf16", Transferred),
        ("h100-sxm-80", "mxfp8", Transferred),
        ("h100-sxm-80", "fp16", Transferred),
        ("h100-sxm-80", "w4a16", Transferred),
        ("h100-sxm-80", "fp32", Datasheet),
        ("tpu-v5p", "bf16", Datasheet),
        ("groq-lpu-v1", "fp16", Datasheet),
    ] {
        assert_eq!(resolved(id, precision, "vllm").provenance, expected, "{id} in {precision}");
    }
}

/// The coefficients of one multiplication, on a chip that the catalogue knows.
const LAW: &str = "accelerator = \"l40s\"\n[[gemm]]\nprecision = \"bf16\"\nengine = \"fastest\"\nlaunch_s = 1e-5\n\
     compute_efficiency = 0.5\nmemory_efficiency = 0.5\nstep_s = 1e-9\nsplit_depth = 4000\nfill_depth = 60\n\
     idle_tiles = 0.1\nslowdown = 0.1\nquantise_bytes = 5\nl2_speed = 2\nragged = 0.03\n";

#[test]
fn fits_of_your_own_replace_their_like() {
    let overlay = Overlay::new("kernels/own.toml", LAW);
    let own = Catalog::from_directories(&[catalog_folder(), overlay.path()]).expect("both folders read");
    let gemm = of(&own, "l40s", "bf16", "bf16", "vllm").laws.gemm;
    assert_eq!((gemm.launch.0, gemm.compute_efficiency), (1e-5, 0.5));
    // Neither other formats nor other families nor other accelerators change.
    assert_eq!(of(&own, "l40s", "fp8", "bf16", "vllm").laws.gemm, resolved("l40s", "fp8", "vllm").laws.gemm);
    assert_eq!(of(&own, "l40s", "bf16", "bf16", "vllm").laws.experts, resolved("l40s", "bf16", "vllm").laws.experts);
    assert_eq!(of(&own, "h100-sxm-80", "bf16", "bf16", "vllm"), resolved("h100-sxm-80", "bf16", "vllm"));
}

#[test]
fn a_wrong_file_of_laws_is_one_sentence_with_its_place() {
    let with = |from: &str, to: &str| {
        let wrong = LAW.replacen(from, to, 1);
        assert_ne!(wrong, LAW, "{from}");
        wrong
    };
    for (text, expected) in [
        (
            with("l40s", "l40-s"),
            "own.toml:1:15: these laws are of \"l40-s\", which is no accelerator of the catalogue; did you mean \"l40s\"?",
        ),
        (with("accelerator = \"l40s\"\n", ""), "own.toml:1:1: a file of fitted laws lacks the key \"accelerator\""),
        (
            with("[[gemm]]", "[[gem]]"),
            "own.toml:2:3: unknown key \"gem\" in a file of fitted laws: did you mean \"gemm\"?",
        ),
        (with("[[gemm]]", "[gemm]"), "own.toml:2:1: \"gemm\" must be tables [[gemm]]"),
        (with("bf16", "bf61"), "own.toml:3:13: unknown precision \"bf61\"; did you mean \"bf16\"?"),
        (
            with("fastest", "fastet"),
            "own.toml:4:10: \"engine\" of this law of gemm is \"fastet\", allowed are any, fastest, vllm, sglang, trtllm, nccl, deepep_low_latency, deepep; did you mean \"fastest\"?",
        ),
        (with("slowdown = 0.1\n", ""), "own.toml:2:1: this law of gemm lacks the key \"slowdown\""),
        (
            with("slowdown", "slodown"),
            "own.toml:12:1: unknown key \"slodown\" in this law of gemm: did you mean \"slowdown\"?",
        ),
        (
            with("memory_efficiency = 0.5", "memory_efficiency = 1.5"),
            "own.toml:7:21: \"memory_efficiency\" of this law of gemm is \"1.5\", allowed is 0.1 to 1",
        ),
        (
            with("launch_s = 1e-5", "launch_s = \"10 us\""),
            "own.toml:5:12: \"launch_s\" of this law of gemm must be a number, not the text \"10 us\"",
        ),
    ] {
        refuses("kernels/own.toml", &text, expected);
    }
}

const FILE: &str = "architecture = \"own\"\nrelatives = [\"hopper\"]\nmeasured_on = [\"h100-sxm-80\"]\ntraining_clock = 0.9\n\
     serving_clock = 0.9\nbackward_attention_ratio = 0.7\ncollective_latency_factor = 1\n";

#[test]
fn a_file_of_your_own_stands_beside_the_shipped_ones() {
    let text = format!("{FILE}[elementwise.bf16]\nlaunch_s = 9e-6\n");
    let overlay = Overlay::new("efficiency/own.toml", &text);
    let catalog = Catalog::from_directories(&[catalog_folder(), overlay.path()]).expect("both folders read");
    let mut entry = catalog.accelerator("h200-nvl-141").expect("shipped").clone();
    "own".clone_into(&mut entry.architecture);
    let (bf16, cache) = (Precision::by_name("bf16").expect("a precision"), KvPrecision::by_name("bf16"));
    let resolved =
        catalog.laws(&entry, bf16, cache.expect("a format"), "vllm", Phase::Training).expect("a last resort");
    // Its products are Hopper's, what starts its passes over memory is its own.
    assert_eq!(resolved.provenance, Provenance::Transferred);
    assert_eq!(resolved.laws.gemm, fitted("h200-sxm-141", "bf16", "any"));
    assert_eq!(resolved.laws.elementwise.launch.0, 9e-6);
    assert_eq!(resolved.laws.elementwise.memory_efficiency, defaults::<ElementwiseLaw>().memory_efficiency);
    assert_eq!((resolved.laws.backward_attention_ratio, resolved.sustained_clock), (0.7, 0.9));
}

#[test]
fn a_wrong_file_is_one_sentence_with_its_place() {
    let with = |from: &str, to: &str| FILE.replace(from, to);
    for (text, expected) in [
        (
            with("training_clock", "trainin_clock"),
            "own.toml:4:1: unknown key \"trainin_clock\" in an efficiency file: did you mean \"training_clock\"?",
        ),
        (with("serving_clock = 0.9\n", ""), "own.toml:1:1: efficiency of \"own\" lacks the key \"serving_clock\""),
        (
            with("= 0.7", "= 1.7"),
            "own.toml:6:28: \"backward_attention_ratio\" of efficiency of \"own\" is \"1.7\", allowed are numbers up to 1",
        ),
        (
            with("factor = 1", "factor = -1"),
            "own.toml:7:29: \"collective_latency_factor\" of efficiency of \"own\" is \"-1\", allowed are finite numbers above 0",
        ),
        (
            with("hopper", "hoper"),
            "own.toml:1:1: \"own\" names the relative \"hoper\", which no file describes; did you mean \"hopper\"?",
        ),
        (
            with("h100-sxm-80", "h100"),
            "own.toml:1:1: \"own\" was measured on \"h100\", which is no accelerator of the catalogue; did you mean \"h100-sxm-80\"?",
        ),
        (
            format!("{FILE}[gemm.bf17]\ncompute_efficiency = 0.8\n"),
            "own.toml:8:7: unknown key \"bf17\" in \"gemm\" of efficiency of \"own\": did you mean \"bf16\"?",
        ),
        (
            format!("{FILE}[gemm.bf16]\nhalf_depth = 100\n"),
            "own.toml:9:1: unknown key \"half_depth\" in law of gemm in \"bf16\" of \"own\": did you mean \"fill_depth\"?",
        ),
        (
            format!("{FILE}[gemm.bf16]\ncompute_efficiency = 1.01\n"),
            "own.toml:9:22: \"compute_efficiency\" of law of gemm in \"bf16\" of \"own\" must be a number, allowed is 0.05 to 1",
        ),
        (
            format!("{FILE}accelerator = 3\n"),
            "own.toml:8:15: \"accelerator\" of efficiency of \"own\" must be a table, not \"3\"",
        ),
        (
            format!("{FILE}[accelerator.h200-sxm]\ncompute_factor = 1.1\n"),
            "own.toml:1:1: \"own\" has an override of \"h200-sxm\", which is no accelerator of the catalogue; did you mean \"h200-sxm-141\"?",
        ),
        (
            format!("{FILE}[accelerator.h200-sxm-141]\nfactor = 1.1\n"),
            "own.toml:9:1: unknown key \"factor\" in override of \"h200-sxm-141\": allowed are compute_factor, training_clock_16_bit, source",
        ),
        ("relatives = []\n".to_owned(), "own.toml:1:1: an efficiency file lacks the key \"architecture\""),
    ] {
        refuses("efficiency/own.toml", &text, expected);
    }
}
