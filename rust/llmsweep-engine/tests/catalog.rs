//! The shipped catalogue, folders on top of it, tables inside a sweep, and what they refuse.
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use llmsweep_engine::catalog::accelerator::ACCELERATOR_KEYS;
use llmsweep_engine::catalog::fabric::NIC_ASSUMED;
use llmsweep_engine::catalog::model::{ATTENTION_KEYS, MODEL_KEYS, MOE_KEYS, TRAINING_KEYS};
use llmsweep_engine::catalog::network::NETWORK_KEYS;
use llmsweep_engine::catalog::price::PRICE_KEYS;
use llmsweep_engine::catalog::{AcceleratorEntry, Catalog, Kind, ModelEntry};
use llmsweep_engine::document::parse_toml;
use llmsweep_engine::node::{Node, Value};
use llmsweep_model::hardware::LinkKind;
use llmsweep_model::precision::Precision;
use tempfile::TempDir;

fn shipped_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../python/llmsweep/catalog")
}

fn shipped() -> &'static Catalog {
    static CATALOG: OnceLock<Catalog> = OnceLock::new();
    CATALOG.get_or_init(|| Catalog::from_directories(&[shipped_folder()]).expect("the shipped catalogue reads"))
}

/// A catalogue folder with one file, gone when dropped.
struct Folder(TempDir);

impl Folder {
    fn new(file: &str, text: &str) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let file = root.path().join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder in it");
        fs::write(file, text).expect("a file");
        Self(root)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

fn merged(text: &str) -> Result<Catalog, String> {
    let document = parse_toml("sweep.toml", text).map_err(|error| error.to_string())?;
    shipped().with_document(&document).map_err(|error| error.to_string())
}

#[track_caller]
fn refuses(text: &str, place: &str, words: &str) {
    let error = merged(text).expect_err("the document is wrong");
    assert!(error.starts_with(&format!("sweep.toml:{place}: ")), "{error}");
    assert!(error.contains(words), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

const MODEL: &str = "[[model]]\nid = \"x\"\nlayers = 4\nhidden = 64\nvocab = 100\ncontext_tokens = 128\n";
const CHIP: &str = "[[accelerator]]\nid = \"x\"\npeak_flops_per_s = { bf16 = 1e15 }\nmemory_bytes = 1e11\n\
                    memory_bandwidth_bytes_per_s = 4e12\n";

#[test]
fn everything_is_there() {
    let counts = Kind::ALL.map(|kind| shipped().ids(kind).count());
    assert_eq!(counts, [170, 87, 51, 67, 11, 13]);
    assert_eq!(shipped().measured_collectives().len(), 113);
    let nccl = shipped().constants("nccl-latency").expect("the constants of NCCL");
    assert_eq!(nccl.get("nvlink_ring_s"), Some(&[0.6e-6, 1.9e-6, 3.4e-6][..]));
}

#[test]
fn every_source_key_is_spelt_out() {
    let catalog = shipped();
    let check = |kind: Kind, list: &[String]| {
        assert!(!list.is_empty());
        for key in list {
            assert!(catalog.source(kind, key).is_some(), "\"{key}\" stands in no [sources] of {}", kind.name());
        }
    };
    for kind in [Kind::Models, Kind::Accelerators, Kind::Networks] {
        for id in catalog.ids(kind) {
            let lists = [
                catalog.model(id).filter(|_| kind == Kind::Models).map(|entry| &entry.source),
                catalog.accelerator(id).filter(|_| kind == Kind::Accelerators).map(|entry| &entry.source),
                catalog.network(id).filter(|_| kind == Kind::Networks).map(|entry| &entry.source),
            ];
            lists.into_iter().flatten().for_each(|list| check(kind, list));
        }
    }
    for id in catalog.ids(Kind::Prices) {
        let price = catalog.price(id).expect("listed");
        assert_eq!(price.rental_usd_per_hour.is_some(), price.rental_source.is_some() && price.rental_date.is_some());
        assert_eq!(price.purchase.is_some(), price.purchase_source.is_some() && price.purchase_date.is_some());
    }
}

#[test]
fn the_documentation_names_every_key() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/catalog.md");
    let text = fs::read_to_string(path).expect("docs/catalog.md");
    let lists = [MODEL_KEYS, ATTENTION_KEYS, MOE_KEYS, TRAINING_KEYS, ACCELERATOR_KEYS, NETWORK_KEYS, PRICE_KEYS];
    for key in lists.into_iter().flatten() {
        assert!(
            text.contains(&format!("`{key}`")) || text.contains(&format!("`{key} =")),
            "docs/catalog.md lacks `{key}`"
        );
    }
}

/// Every value of a table, at any depth, replaced by one that is out of place.
fn spoilt(node: &Node) -> Vec<Node> {
    let strange = [
        Value::Integer(-1),
        Value::Integer(0),
        Value::Integer(i64::MAX),
        Value::Float(f64::NAN),
        Value::Float(f64::INFINITY),
        Value::Float(-2.5),
        Value::Bool(true),
        Value::String("odd".to_owned()),
        Value::Array(Vec::new()),
        Value::Table(Vec::new()),
    ];
    let mut all: Vec<Node> = strange.into_iter().map(|value| Node { value, place: node.place.clone() }).collect();
    if let Value::Table(entries) = &node.value {
        for at in 0..entries.len() {
            let with = |replaced: Option<Node>| {
                let mut entries = entries.clone();
                match replaced {
                    Some(value) => entries[at].node = value,
                    None => drop(entries.remove(at)),
                }
                Node { value: Value::Table(entries), place: node.place.clone() }
            };
            all.push(with(None));
            all.extend(spoilt(&entries[at].node).into_iter().map(|value| with(Some(value))));
        }
    }
    all
}

#[test]
fn a_spoilt_entry_is_a_sentence_or_still_makes_sense() {
    let mut refused = 0;
    for (file, key) in [
        ("models/deepseek.toml", "model"),
        ("models/qwen3.toml", "model"),
        ("models/nemotron.toml", "model"),
        ("models/gemma.toml", "model"),
        ("accelerators/amd.toml", "accelerator"),
    ] {
        let text = fs::read_to_string(shipped_folder().join(file)).expect("a shipped file");
        let document = parse_toml(file, &text).expect("a shipped file is TOML");
        let Value::Table(entries) = &document.value else { panic!("a table") };
        let Value::Array(items) = &entries.iter().find(|entry| entry.key == key).expect("entries").node.value else {
            panic!("a list")
        };
        for spoilt in spoilt(items.last().expect("an entry")) {
            let outcome = if key == "model" {
                ModelEntry::decode(&spoilt).map(|model| model.shape.parameters())
            } else {
                AcceleratorEntry::decode(&spoilt).map(|chip| chip.accelerator.memory.0)
            };
            match outcome {
                Ok(size) => assert!(size.is_finite() && size > 0.0),
                Err(error) => {
                    assert_eq!(error.to_string().lines().count(), 1, "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 500);
}

#[test]
fn unverified_fields_are_fields() {
    for id in shipped().ids(Kind::Accelerators) {
        for field in &shipped().accelerator(id).expect("listed").unverified {
            let key = field.split('.').next().unwrap_or(field);
            assert!(key == "all" || key == NIC_ASSUMED || ACCELERATOR_KEYS.contains(&key), "{id}: {field}");
        }
    }
}

#[test]
fn an_h100_is_an_h100() {
    let h100 = shipped().accelerator("h100-sxm-80").expect("in the catalogue");
    let bf16 = Precision::by_name("bf16").expect("a precision");
    assert_eq!(h100.accelerator.peaks.of(bf16).map(|(_, rate)| rate.0), Some(989.4e12));
    let tiers = h100.accelerator.fabric.tiers();
    assert_eq!(tiers.iter().map(|tier| tier.kind).collect::<Vec<_>>(), [LinkKind::Switched, LinkKind::Network]);
    assert_eq!((tiers[0].span, tiers[0].bandwidth.0, tiers[0].latency.0), (8, 450e9, 1.5e-6));
    assert_eq!((tiers[1].span, tiers[1].bandwidth.0), (u32::MAX, 50e9));
    assert!((tiers[1].latency.0 - 1e-6).abs() < 1e-12);
    let hourly = h100.accelerator.rental.map(|rental| rental.0 * 3600.0).expect("a rental");
    assert!((hourly - (2.29_f64 * 12.29).sqrt()).abs() < 1e-9);
    assert!((h100.accelerator.host_bandwidth.0 - 63e9).abs() < 1.0);
}

#[test]
fn fabrics_follow_the_host() {
    let kinds = |id: &str| -> Vec<(LinkKind, u32)> {
        let entry = shipped().accelerator(id).expect("in the catalogue");
        entry.accelerator.fabric.tiers().iter().map(|tier| (tier.kind, tier.span)).collect()
    };
    let network = (LinkKind::Network, u32::MAX);
    assert_eq!(kinds("l40s"), [(LinkKind::HostPcie, 8), network]);
    assert_eq!(kinds("a100-pcie-80"), [(LinkKind::Mesh, 2), (LinkKind::Pcie, 8), network]);
    assert_eq!(kinds("mi300x"), [(LinkKind::Mesh, 8), network]);
    assert_eq!(kinds("gb200-nvl72"), [(LinkKind::Switched, 72), network]);
    assert_eq!(kinds("m4-max"), [(LinkKind::Mesh, 4), network]);
    assert_eq!(kinds("dgx-spark-gb10"), [network]);
    for id in shipped().ids(Kind::Accelerators) {
        let spans: Vec<u32> = kinds(id).into_iter().map(|(_, span)| span).collect();
        assert!(spans.windows(2).all(|pair| pair[0] < pair[1]), "{id}: {spans:?}");
    }
}

#[test]
fn an_unknown_network_is_a_named_assumption() {
    let card = shipped().accelerator("rtx-4090").expect("in the catalogue");
    assert!(card.unverified.iter().any(|field| field == NIC_ASSUMED));
    assert_eq!(card.accelerator.fabric.tiers().last().map(|tier| tier.bandwidth.0), Some(12.5e9));
    assert!(!shipped().accelerator("h100-sxm-80").expect("there").unverified.iter().any(|field| field == NIC_ASSUMED));
}

#[test]
fn another_network_replaces_the_last_tier() {
    let h100 = shipped().accelerator("h100-sxm-80").expect("in the catalogue");
    let xdr = shipped().network("ib-xdr").expect("in the catalogue");
    assert!(xdr.joins_hosts() && !shipped().network("nvlink4").expect("there").joins_hosts());
    let tiers = h100.with_network(xdr, 1.0).fabric.tiers().to_vec();
    assert_eq!((tiers.len(), tiers[1].bandwidth.0, tiers[0].bandwidth.0), (2, 100e9, 450e9));
}

#[test]
fn globs_and_near_names() {
    assert_eq!(shipped().matching(Kind::Accelerators, "h?00-sxm*"), ["h100-sxm-80", "h200-sxm-141", "h800-sxm-80"]);
    assert!(shipped().matching(Kind::Models, "nothing*").is_empty());
    assert_eq!(shipped().nearest(Kind::Models, "llama-3.1-70b"), Some("llama3.1-70b"));
    assert!(shipped().unknown(Kind::Accelerators, "h100-smx-80").ends_with("did you mean \"h100-sxm-80\"?"));
    assert_eq!(Kind::by_name("model"), Some(Kind::Models));
    assert_eq!(Kind::by_name("models"), Some(Kind::Models));
}

#[test]
fn json_has_units_and_spelt_sources() {
    let rows = shipped().list_json(Kind::Models, "llama2-*");
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
    assert_eq!(rows[1]["parameters"], 68_976_648_192.0);
    let chip = shipped().show_json(Kind::Accelerators, "h100-sxm-80").expect("in the catalogue");
    assert_eq!(chip["memory_bytes"], 85_520_809_984.0);
    assert_eq!(chip["fabric"][1]["devices"], serde_json::Value::Null);
    assert!(chip["sources"].is_object());
    for kind in Kind::ALL {
        for id in shipped().ids(kind) {
            assert!(shipped().show_json(kind, id).is_some());
        }
    }
    assert!(shipped().show_json(Kind::Models, "nothing").is_none());
}

#[test]
fn a_later_folder_wins() {
    let text = format!(
        "{}scale_up_link = \"nvlink9\"\nscale_up_devices = 16\nscale_up_bandwidth_bytes_per_s = 1e12\n\
                        scale_up_latency_s = 1e-6\nrental_usd_per_hour = 3.6\n",
        CHIP.replace("\"x\"", "\"h100-sxm-80\"")
    );
    let folder = Folder::new("accelerators/mine.toml", &text);
    let catalog = Catalog::from_directories(&[shipped_folder(), folder.path().to_path_buf()]).expect("both read");
    let mine = catalog.accelerator("h100-sxm-80").expect("still there");
    assert_eq!(mine.accelerator.fabric.tiers()[0].span, 16);
    assert!((mine.accelerator.rental.expect("its own rental").0 - 0.001).abs() < 1e-12);
    assert_eq!(catalog.ids(Kind::Accelerators).count(), 87);
}

#[test]
fn folders_that_do_not_read() {
    let missing =
        Catalog::from_directories(&[PathBuf::from("/no/such/folder")]).expect_err("there is none").to_string();
    assert_eq!(missing, "/no/such/folder: there is no such catalogue folder");
    let twice = Folder::new("models/a.toml", "[[model]]\nid = \"a\"\n[[modle]]\n");
    let error = Catalog::from_directories(&[twice.path().to_path_buf()]).expect_err("a slip").to_string();
    assert!(
        error.contains("a.toml:3:3: unknown key \"modle\"") && error.contains("did you mean \"model\"?"),
        "{error}"
    );
    let empty = Folder::new("notes.txt", "");
    assert_eq!(Catalog::from_directories(&[empty.path().to_path_buf()]), Ok(Catalog::default()));
}

#[test]
fn tables_of_a_sweep_join_the_catalogue() {
    let attention = "attention = { kind = \"softmax\", heads = 4, head_dim = 16 }\nmlp = { ffn = 256 }\n";
    let sweep = format!(
        "schema = 1\n{MODEL}{attention}{CHIP}[[network]]\nid = \"x\"\nbandwidth_bytes_per_s = 1e9\nlatency_s = 1e-6\n"
    );
    let catalog = merged(&sweep).expect("a good sweep");
    assert_eq!(catalog.model("x").map(|model| model.shape.layers()), Some(4));
    assert_eq!(catalog.accelerator("x").map(|chip| chip.accelerator.fabric.tiers().len()), Some(2));
    assert!(catalog.network("x").is_some_and(llmsweep_engine::catalog::NetworkEntry::joins_hosts));
}

#[test]
fn models_that_do_not_fit_together() {
    let attention = "attention = { kind = \"softmax\", heads = 4, head_dim = 16 }\n";
    refuses(&MODEL.replace("hidden", "hiden"), "4:1", "unknown key \"hiden\" in this model: did you mean \"hidden\"?");
    refuses(&MODEL.replace("hidden = 64", "hidden = \"64\""), "4:10", "must be a whole number, not the text \"64\"");
    refuses(&MODEL.replace("hidden = 64", "hidden = -64"), "4:10", "is \"-64\", allowed are whole numbers from 1");
    refuses(MODEL, "1:1", "need the key \"attention\"");
    refuses(
        &format!("{MODEL}{attention}moe = {{ experts = 4, top_k = 5, expert_ffn = 9 }}\n"),
        "8:30",
        "more than its 4 experts",
    );
    refuses(
        &format!("{MODEL}{}", attention.replace("heads = 4", "heads = 4, kv_heads = 3")),
        "7:55",
        "does not divide the 4 query heads",
    );
    refuses(&format!("{MODEL}{}", attention.replace("softmax", "sofmax")), "7:22", "did you mean \"softmax\"?");
    refuses(
        &format!("{MODEL}{attention}sequence = [\"full none\"]\n"),
        "8:12",
        "has 1 layers, but \"layers\" is \"4\"",
    );
    refuses(&format!("{MODEL}{attention}sequence = [\"fully none\"]\n"), "8:12", "the layer \"fully none\"");
    refuses(&format!("{MODEL}{attention}blocks = {{ attention = 4, dense = 4 }}\n"), "8:10", "has 8 layers");
    refuses(
        &format!("{MODEL}{attention}linear = {{ kind = \"lightning\", heads = 4, head_dim = 16 }}\n"),
        "7:13",
        "it needs \"layers\"",
    );
    refuses(&format!("{MODEL}{attention}published_parameters = nan\n"), "8:24", "finite numbers above 0");
    refuses(
        &format!("{MODEL}{}", attention.replace("head_dim = 16", "head_dim = 16, window = 8")),
        "7:68",
        "no \"sliding_layers\"",
    );
    refuses(&format!("{MODEL}{attention}{MODEL}{attention}"), "8:1", "is given twice; the first is at sweep.toml:1:1");
    refuses("model = 3\n", "1:1", "write [[model]]");
    refuses("[[model]]\n", "1:1", "this model lacks the key \"id\"");
}

#[test]
fn hardware_that_does_not_fit_together() {
    refuses(&CHIP.replace("bf16", "bf15"), "3:22", "did you mean \"bf16\"?");
    refuses(&CHIP.replace("1e15", "-1e15"), "3:29", "finite numbers above 0");
    refuses(&CHIP.replace("1e15", "inf"), "3:29", "finite numbers above 0");
    refuses(&CHIP.replace("{ bf16 = 1e15 }", "{}"), "3:20", "is empty, allowed are rates for fp32");
    refuses(&CHIP.replace("memory_bytes = 1e11\n", ""), "1:1", "lacks the key \"memory_bytes\"");
    refuses(&format!("{CHIP}scale_up_devices = 8\n"), "1:1", "lacks the key \"scale_up_bandwidth_bytes_per_s\"");
    let domain = "scale_up_link = \"nvlink44\"\nscale_up_devices = 8\nscale_up_bandwidth_bytes_per_s = 1e11\n";
    refuses(&format!("{CHIP}{domain}"), "1:1", "needs the network \"nvlink44\"");
    refuses(
        &format!("{CHIP}{domain}scale_up_pair_bandwidth_bytes_per_s = 2e11\n"),
        "9:39",
        "more than all its links together",
    );
    refuses("[[price]]\naccelerator = \"h100\"\npurchase_usd = 1.0\n", "1:1", "unknown accelerator \"h100\"");
    let rental = "[[price]]\naccelerator = \"l40s\"\nrental_low_usd_per_hour = 3.0\nrental_high_usd_per_hour = 2.0\n";
    refuses(rental, "3:27", "is \"3\", more than");
    refuses(
        "[[network]]\nid = \"x\"\nbandwidth_bytes_per_s = 1e9\nlatency_s = 0.0\n",
        "4:13",
        "finite numbers above 0",
    );
}

/// The texts under every `source` key of a document, at any depth.
fn cited(node: &Node, found: &mut Vec<String>) {
    let Value::Table(entries) = &node.value else { return };
    for entry in entries {
        match &entry.node.value {
            Value::Array(keys) if entry.key == "source" => {
                found.extend(keys.iter().filter_map(|key| match &key.value {
                    Value::String(text) => Some(text.clone()),
                    _ => None,
                }));
            }
            Value::Array(items) => items.iter().for_each(|item| cited(item, found)),
            _ => cited(&entry.node, found),
        }
    }
}

#[test]
fn efficiencies_and_constants_cite_sources_that_exist() {
    for folder in ["efficiency", "kernels", "systems"] {
        let folder = shipped_folder().join(folder);
        let read = |name: &str| {
            let text = fs::read_to_string(folder.join(name)).expect("a shipped file");
            parse_toml(name, &text).expect("shipped files parse")
        };
        let Value::Table(top) = read("sources.toml").value else { panic!("sources.toml is a table") };
        let Value::Table(sources) = &top[0].node.value else { panic!("[sources] is a table") };
        let mut used = Vec::new();
        for file in fs::read_dir(&folder).expect("a shipped folder") {
            let name = file.expect("a file").file_name().into_string().expect("a plain name");
            if name != "sources.toml" {
                let before = used.len();
                cited(&read(&name), &mut used);
                assert!(used.len() > before, "{name} cites nothing");
            }
        }
        for key in &used {
            assert!(sources.iter().any(|entry| entry.key == *key), "{} cites \"{key}\"", folder.display());
        }
        for entry in sources {
            assert!(used.contains(&entry.key), "nothing in {} cites \"{}\"", folder.display(), entry.key);
        }
    }
}
