//! Constants of software: what a wrong file says, and that `docs/catalog.md` has every key.
use std::fs;
use std::path::PathBuf;

use llmsweep_engine::catalog::constant::keys;
use llmsweep_engine::catalog::{
    Catalog, collectives, efficiency, engine, kernels, operations, serving_engine, stack, training_system,
};
use tempfile::TempDir;

use crate::common::{catalog_folder, sweep};

/// A catalogue folder with one file, gone when dropped.
pub(crate) struct Overlay(TempDir);

impl Overlay {
    pub(crate) fn new(file: &str, text: &str) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let file = root.path().join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder in it");
        fs::write(file, text).expect("a file");
        Self(root)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

/// The shipped catalogue with this file on top is refused with this sentence, whose place may be deep in the file system.
#[track_caller]
pub(crate) fn refuses(file: &str, text: &str, expected: &str) {
    let overlay = Overlay::new(file, text);
    let error =
        Catalog::from_directories(&[catalog_folder(), overlay.path()]).map(|_| ()).expect_err(expected).to_string();
    assert!(error.ends_with(&format!("/{expected}")), "{error}\nis not\n{expected}");
}

fn shipped(file: &str) -> String {
    fs::read_to_string(catalog_folder().join(file)).expect("a shipped file")
}

/// A shipped file of `systems/` with one part in place of another is refused with a sentence that has this in it.
#[track_caller]
fn refuses_spoilt(file: &str, from: &str, to: &str, expected: &str) {
    let text = shipped(&format!("systems/{file}.toml"));
    let wrong = text.replacen(from, to, 1);
    assert_ne!(wrong, text, "{from}");
    let overlay = Overlay::new(&format!("systems/{file}.toml"), &wrong);
    let error =
        Catalog::from_directories(&[catalog_folder(), overlay.path()]).map(|_| ()).expect_err(expected).to_string();
    assert!(error.contains(&format!("/{expected}")), "{error}\nis not\n{expected}");
}

#[test]
fn wrong_constants_of_operations_are_one_sentence_with_their_place() {
    for (from, to, expected) in [
        (
            "pue = 1.2",
            "pue = 0.9",
            "operations.toml:20:7: \"pue\" of the table of constants of operations is \"0.9\", allowed are finite numbers of at least 1",
        ),
        (
            "busy_share = 0.8",
            "busy_share = 1.8",
            "operations.toml:27:14: \"busy_share\" of the table of constants of operations is \"1.8\", allowed are numbers up to 1",
        ),
        (
            "repair_s = 1800",
            "repairs_s = 1800",
            "operations.toml:13:1: unknown key \"repairs_s\" in the table of constants of operations: did you mean \"repair_s\"?",
        ),
        (
            "usd_per_kwh = 0.08\n",
            "",
            "operations.toml:1:1: the table of constants of operations lacks the key \"usd_per_kwh\"",
        ),
    ] {
        refuses_spoilt("operations", from, to, expected);
    }
}

#[test]
fn a_wrong_file_is_one_sentence_with_its_place() {
    for (file, from, to, expected) in [
        (
            "training",
            "fragmentation = 1.0",
            "fragmentatoin = 1.0",
            "training.toml:24:1: unknown key \"fragmentatoin\" in the table of constants of training: did you mean \"fragmentation\"?",
        ),
        (
            "training",
            "fragmentation = 1.0\n",
            "",
            "training.toml:1:1: the table of constants of training lacks the key \"fragmentation\"",
        ),
        (
            "training",
            "tensor_exposed_overlapped = 1.0",
            "tensor_exposed_overlapped = 1.23",
            "training.toml:8:29: \"tensor_exposed_overlapped\" of the table of constants of training is \"1.23\", allowed are numbers from 0 to 1",
        ),
        (
            "training",
            "= 6e-6",
            "= -1",
            "training.toml:3:17: \"host_launch_s\" of the table of constants of training is \"-1\", allowed are finite numbers of at least 0",
        ),
        (
            "training",
            "cached = 1.04",
            "cached = 0.5",
            "training.toml:23:10: \"cached\" of the table of constants of training is \"0.5\", allowed are finite numbers of at least 1",
        ),
        (
            "serving",
            "memory_fraction = 0.90\n",
            "",
            "serving.toml:1:1: the table of constants of serving lacks the key \"memory_fraction\"",
        ),
        (
            "serving",
            "memory_fraction = 0.90",
            "memory_fraction = 1.2",
            "serving.toml:6:19: \"memory_fraction\" of the table of constants of serving is \"1.2\", allowed are numbers up to 1",
        ),
        (
            "serving",
            "output_reserved = 0.6",
            "output_reserved = 6",
            "serving.toml:9:19: \"output_reserved\" of the table of constants of serving is \"6\", allowed are numbers from 0 to 1",
        ),
        (
            "serving",
            "block_tokens = 16",
            "block_tokens = 0.5",
            "serving.toml:10:16: \"block_tokens\" of the table of constants of serving is \"0.5\", allowed are finite numbers of at least 1",
        ),
        (
            "serving",
            "queue_weight",
            "queue_wait",
            "serving.toml:17:1: unknown key \"queue_wait\" in the table of constants of serving: did you mean \"queue_weight\"?",
        ),
        (
            "collectives",
            "efficiency = 0.96",
            "efficiency = 0",
            "collectives.toml:154:14: \"efficiency\" of \"between_nodes\" of the table of constants of collectives is \"0\", allowed are finite numbers above 0",
        ),
        (
            "collectives",
            "[between_nodes]",
            "[other]",
            "collectives.toml:150:2: unknown key \"other\" in the table of constants of collectives",
        ),
    ] {
        refuses_spoilt(file, from, to, expected);
    }
    refuses(
        "systems/trainig.toml",
        "",
        "trainig.toml:1:1: \"trainig.toml\" has no meaning here: allowed are collectives, intervals, operations, serving, training",
    );
}

/// A folder of one's own alone has no constants: nothing can be swept with it.
#[test]
fn a_catalogue_without_constants_says_what_it_lacks() {
    let overlay = Overlay::new(
        "models/own.toml",
        "[[model]]\nid = \"own\"\nlayers = 1\nhidden = 64\nvocab = 100\ncontext_tokens = 100\n\
         attention = { kind = \"softmax\", heads = 1, head_dim = 64 }\nmlp = { ffn = 64 }\n",
    );
    let catalog = Catalog::from_directories(&[overlay.path()]).expect("the folder reads");
    let document = llmsweep_engine::document::parse_toml(
        "sweep.toml",
        "schema = 1\nphase = \"inference\"\n[axes]\nmodel = \"own\"\naccelerator = \"chip\"\n[[network]]\nid = \"pcie5-x16\"\nwiring = \"pcie\"\nbandwidth_bytes_per_s = 63e9\nlatency_s = 1e-6\n[[network]]\nid = \"roce-100\"\nbandwidth_bytes_per_s = 12.5e9\nlatency_s = 1e-6\n[[accelerator]]\nid = \"chip\"\n\
         peak_flops_per_s = { bf16 = 1e15 }\nmemory_bytes = 80e9\nmemory_bandwidth_bytes_per_s = 3e12\n",
    )
    .expect("TOML");
    let error = llmsweep_engine::sweep::Sweep::compile(&document, &catalog).expect_err("no constants").to_string();
    assert_eq!(
        error,
        "the catalogue has no constants of serving (systems/serving.toml): a folder like the shipped one must come first"
    );
    // The same sweep over the shipped catalogue runs.
    sweep("schema = 1\nphase = \"inference\"\n[axes]\nmodel = \"gpt2\"\naccelerator = \"h100-sxm-80\"\n");
}

/// Whatever a file may say stands in the documentation, in the part on its folder.
#[test]
fn the_documentation_has_every_key() {
    let page =
        fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalog.md")).expect("a page");
    let (_, page) = page.split_once("## Efficiencies of an architecture").expect("a section on efficiencies");
    let (efficiencies, software) = page.split_once("## Constants of software").expect("a section on software");
    let has = |text: &str, keys: &[&str]| {
        for key in keys {
            assert!(text.contains(&format!("`{key}`")), "docs/catalog.md lacks {key}");
        }
    };
    has(efficiencies, &efficiency::EFFICIENCY_KEYS);
    has(efficiencies, &efficiency::OVERRIDE_KEYS);
    let (_, laws) = page.split_once("## Laws fitted to timings").expect("a section on fitted laws");
    has(laws, &kernels::LAW_KEYS);
    has(laws, &kernels::KERNEL_ENGINES);
    for family in llmsweep_model::law::FAMILIES {
        has(laws, &[family.name]);
    }
    let (_, stacks) = page.split_once("## Training stacks").expect("a section on stacks");
    has(stacks, &stack::STACK_KEYS);
    for keys in [
        &collectives::LIBRARY_KEYS[..],
        &collectives::DIRECT_KEYS,
        &collectives::BETWEEN_NODES_KEYS,
        &collectives::EXCHANGE_KEYS,
        &collectives::EXCHANGE_KERNELS_KEYS,
    ] {
        has(software, keys);
    }
    let training_and_serving = keys(&training_system::TRAINING).chain(keys(&serving_engine::SERVING));
    for key in keys(&operations::OPERATIONS).chain(training_and_serving) {
        has(software, &[key]);
    }
    let (_, engines) = page.split_once("## Serving engines").expect("a section on engines");
    has(engines, &engine::ENGINE_KEYS);
    has(engines, &engine::ENGINE_KERNELS);
    for table in [
        "[switched]",
        "[pcie]",
        "[host]",
        "[direct]",
        "[between_nodes]",
        "[engine_all_reduce]",
        "[exchange]",
        "collectives.toml",
        "training.toml",
        "serving.toml",
        "intervals.toml",
        "operations.toml",
    ] {
        assert!(software.contains(&format!("`{table}`")), "docs/catalog.md lacks {table}");
    }
}
