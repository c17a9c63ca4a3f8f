//! Which efficiencies an accelerator has in a precision, and how they are known.
use llmsweep_engine::axes::Phase;
use llmsweep_engine::catalog::{Catalog, Kind, Provenance};
use llmsweep_model::precision::Precision;
use llmsweep_model::reject::Reject;

use crate::common::{catalog, catalog_folder};
use crate::systems::{Overlay, refuses};

fn provenance(id: &str, precision: &str, phase: Phase) -> Result<Provenance, Reject> {
    let entry = catalog().accelerator(id).expect("an accelerator of the catalogue");
    let precision = Precision::by_name(precision).expect("a precision");
    let resolved =
        catalog().efficiencies().resolve(&entry.architecture, &entry.id, &entry.accelerator, precision, phase)?;
    let kernels = resolved.kernels;
    for share in [
        kernels.gemm.compute_efficiency,
        kernels.gemm.memory_efficiency,
        kernels.plain_gemm.compute_efficiency,
        kernels.attention.compute_efficiency,
        kernels.attention.cache_efficiency,
        kernels.elementwise_efficiency,
        kernels.sustained_clock,
    ] {
        assert!(share > 0.0 && share <= 1.0, "{id} in {}", precision.name);
    }
    assert!(kernels.peak.0 > 0.0 && kernels.plain_peak.0 > 0.0 && kernels.bandwidth.0 > 0.0 && kernels.launch.0 > 0.0);
    Ok(resolved.provenance)
}

#[test]
fn every_accelerator_resolves_what_it_computes() {
    let mut answered = 0;
    for id in catalog().ids(Kind::Accelerators) {
        let peaks = catalog().accelerator(id).expect("an id of the catalogue").accelerator.peaks;
        for precision in Precision::ALL {
            for phase in Phase::ALL {
                let expected = if peaks.of(precision).is_some() { Ok(()) } else { Err(Reject::PrecisionUnsupported) };
                assert_eq!(provenance(id, precision.name, phase).map(|_| ()), expected, "{id} in {}", precision.name);
                answered += usize::from(expected.is_ok());
            }
        }
    }
    assert!(answered > 1000, "{answered}");
}

#[test]
fn provenance_says_what_was_measured() {
    use Provenance::{Calibrated, Datasheet, Transferred};
    for (id, precision, expected) in [
        ("h100-sxm-80", "bf16", Calibrated),
        ("h100-sxm-80", "fp8", Calibrated),
        ("h200-sxm-141", "bf16", Calibrated),
        ("h100-pcie-80", "bf16", Transferred),
        ("h100-sxm-80", "mxfp8", Transferred),
        ("h100-sxm-80", "fp16", Transferred),
        ("tpu-v5p", "bf16", Datasheet),
        ("groq-lpu-v1", "fp16", Datasheet),
    ] {
        assert_eq!(provenance(id, precision, Phase::Inference), Ok(expected), "{id} in {precision}");
    }
}

const FILE: &str = "architecture = \"own\"\nrelatives = [\"hopper\"]\nmeasured_on = [\"h100-sxm-80\"]\nlaunch_s = 2e-6\n\
     elementwise_efficiency = 0.8\ntraining_clock = 0.9\nserving_clock = 0.9\ncollective_latency_factor = 1\n";

#[test]
fn a_file_of_your_own_stands_beside_the_shipped_ones() {
    let overlay = Overlay::new("efficiency/own.toml", FILE);
    let catalog = Catalog::from_directories(&[catalog_folder(), overlay.path()]).expect("both folders read");
    let h100 = catalog.accelerator("h100-sxm-80").expect("shipped");
    let bf16 = Precision::by_name("bf16").expect("a precision");
    let resolved = catalog
        .efficiencies()
        .resolve("own", &h100.id, &h100.accelerator, bf16, Phase::Inference)
        .expect("bf16 runs on H100");
    // Its curve is Hopper's, its launch its own.
    assert_eq!(resolved.provenance, Provenance::Transferred);
    assert_eq!(resolved.kernels.launch.0, 2e-6);
}

#[test]
fn a_wrong_file_is_one_sentence_with_its_place() {
    let with = |from: &str, to: &str| FILE.replace(from, to);
    let gemm = |text: &str| format!("{FILE}[gemm.bf16]\n{text}");
    let curve = "compute_efficiency = 0.8\nmemory_efficiency = 0.8\nhalf_columns = 16\nhalf_depth = 100\n";
    for (text, expected) in [
        (
            with("launch_s", "lunch_s"),
            "own.toml:4:1: unknown key \"lunch_s\" in an efficiency file: did you mean \"launch_s\"?",
        ),
        (with("launch_s = 2e-6\n", ""), "own.toml:1:1: efficiency of \"own\" lacks the key \"launch_s\""),
        (
            with("= 0.8", "= 1.8"),
            "own.toml:5:26: \"elementwise_efficiency\" of efficiency of \"own\" is \"1.8\", allowed are numbers up to 1",
        ),
        (
            with("= 2e-6", "= -1"),
            "own.toml:4:12: \"launch_s\" of efficiency of \"own\" is \"-1\", allowed are finite numbers above 0",
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
            gemm("compute_efficiency = 0.8\n"),
            "own.toml:9:1: gemm curve \"bf16\" of \"own\" lacks the key \"memory_efficiency\"",
        ),
        (
            gemm(&curve.replace("0.8\nm", "1.01\nm")),
            "own.toml:10:22: \"compute_efficiency\" of gemm curve \"bf16\" of \"own\" is \"1.01\", allowed are numbers up to 1",
        ),
        (
            format!("{FILE}[gemm.bf17]\n{curve}"),
            "own.toml:9:7: unknown key \"bf17\" in \"gemm\" of efficiency of \"own\": did you mean \"bf16\"?",
        ),
        (
            format!("{FILE}[attention]\ncompute_efficiency = 0.5\n"),
            "own.toml:9:1: \"attention\" of efficiency of \"own\" lacks the key \"half_keys\"",
        ),
        (
            format!("{FILE}accelerator = 3\n"),
            "own.toml:9:15: \"accelerator\" of efficiency of \"own\" must be a table, not \"3\"",
        ),
        (
            format!("{FILE}[accelerator.h200-sxm]\ncompute_factor = 1.1\n"),
            "own.toml:1:1: \"own\" has an override of \"h200-sxm\", which is no accelerator of the catalogue; did you mean \"h200-sxm-141\"?",
        ),
        (
            format!("{FILE}[accelerator.h200-sxm-141]\nfactor = 1.1\n"),
            "own.toml:10:1: unknown key \"factor\" in override of \"h200-sxm-141\": allowed are compute_factor, training_clock_16_bit, source",
        ),
        ("relatives = []\n".to_owned(), "own.toml:1:1: an efficiency file lacks the key \"architecture\""),
    ] {
        refuses("efficiency/own.toml", &text, expected);
    }
}
