//! The catalogue: models, accelerators, networks and prices, read from folders of TOML and from tables inside a sweep.
//!
//! A folder has the sub-folders [`SUB_FOLDERS`], `efficiency`, `kernels` and `systems`, any of which may be missing; their `*.toml` files are read in name order. An entry
//! of a later folder replaces one of an earlier with the same id. Keys and units: `docs/catalog.md`.
pub mod accelerator;
pub mod collectives;
pub mod constant;
pub mod efficiency;
pub mod engine;
pub mod fabric;
mod fields;
mod glob;
pub mod hugging_face;
pub mod intervals;
mod json;
pub mod kernels;
mod laws;
mod layers;
pub mod model;
pub mod network;
pub mod operations;
pub mod price;
mod relatives;
pub mod serving_engine;
pub mod stack;
pub mod systems;
pub mod training_system;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use accelerator::{AcceleratorEntry, ScaleUp};
pub use efficiency::{Efficiencies, Provenance};
pub use engine::EngineEntry;
pub use kernels::Kernels;
pub use laws::ResolvedLaws;
pub use model::{ModelEntry, TrainingRun};
pub use network::{ConstantSet, MeasuredCollective, NetworkEntry};
pub use price::Price;
pub use stack::StackEntry;
pub use systems::Systems;

use crate::document::parse_toml;
use crate::node::{DocumentError, Node, Place, Value, nearest};

/// Sub-folders of a catalogue folder whose entries are kept here, one [`Kind`] each; a sub-folder of another sort (efficiencies)
/// has a decoder of its own beside this one, which reads it with [`documents`].
pub const SUB_FOLDERS: [&str; 6] = ["models", "accelerators", "networks", "prices", "stacks", "engines"];

/// A kind of entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Models.
    Models,
    /// Accelerators.
    Accelerators,
    /// Networks.
    Networks,
    /// Prices, by accelerator.
    Prices,
    /// Training stacks.
    Stacks,
    /// Serving engines.
    Engines,
}

impl Kind {
    /// Every kind, in the order of [`SUB_FOLDERS`].
    pub const ALL: [Self; 6] =
        [Self::Models, Self::Accelerators, Self::Networks, Self::Prices, Self::Stacks, Self::Engines];

    /// Name: that of the sub-folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        SUB_FOLDERS[self as usize]
    }

    /// One of it, in a sentence.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Models => "model",
            Self::Accelerators => "accelerator",
            Self::Networks => "network",
            Self::Prices => "price",
            Self::Stacks => "stack",
            Self::Engines => "engine",
        }
    }

    /// The kind of this name, singular or plural.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name || kind.singular() == name)
    }
}

/// The catalogue.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    models: BTreeMap<String, ModelEntry>,
    accelerators: BTreeMap<String, AcceleratorEntry>,
    networks: BTreeMap<String, NetworkEntry>,
    prices: BTreeMap<String, Price>,
    stacks: BTreeMap<String, StackEntry>,
    engines: BTreeMap<String, EngineEntry>,
    measured_collectives: Vec<MeasuredCollective>,
    constants: Vec<ConstantSet>,
    sources: BTreeMap<(Kind, String), String>,
    efficiencies: Efficiencies,
    kernels: Kernels,
    systems: Systems,
}

/// Where each id of the folder or document being read was first seen: within one, an id may stand once.
type Seen = BTreeMap<(Kind, String), Place>;

impl Catalog {
    /// Reads catalogue folders; an entry of a later folder replaces one of an earlier.
    ///
    /// # Errors
    /// One sentence: a missing folder, an unreadable file, or the first mistake in a file with its line and column.
    pub fn from_directories(directories: &[PathBuf]) -> Result<Self, DocumentError> {
        let mut catalog = Self::default();
        for directory in directories {
            if !directory.is_dir() {
                return Err(path_error(directory, "there is no such catalogue folder"));
            }
            let mut seen = Seen::new();
            for folder in Kind::ALL {
                for document in documents(directory, folder.name())? {
                    catalog.take(&document, Some(folder), &mut seen)?;
                }
            }
            catalog.take_software(directory)?;
        }
        catalog.connect()?;
        let accelerators: Vec<&str> = catalog.ids(Kind::Accelerators).collect();
        catalog.efficiencies.check(&accelerators)?;
        catalog.kernels.check(&accelerators)?;
        Ok(catalog)
    }

    /// Reads the sub-folders `efficiency`, one architecture a file, `kernels`, one accelerator a file, and `systems`.
    fn take_software(&mut self, directory: &Path) -> Result<(), DocumentError> {
        for folder in ["efficiency", "kernels", "systems"] {
            for file in toml_files(&directory.join(folder))? {
                let document = read_document(&file)?;
                match (folder, file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()) {
                    // For readers; only its form is checked here, and a test that every key used has an entry.
                    (_, "sources") => {
                        let fields = fields::Fields::new(&document, "a file of sources", &["sources"])?;
                        for entry in fields.entries() {
                            take_sources(&entry.node, |_, _| None)?;
                        }
                    }
                    ("efficiency", _) => self.efficiencies.take(&document)?,
                    ("kernels", _) => self.kernels.take(&document)?,
                    (_, name) => self.systems.take(name, &document)?,
                }
            }
        }
        Ok(())
    }

    /// Laws fitted to timings.
    #[must_use]
    pub fn kernels(&self) -> &Kernels {
        &self.kernels
    }

    /// Efficiencies of kernels.
    #[must_use]
    pub fn efficiencies(&self) -> &Efficiencies {
        &self.efficiencies
    }

    /// Constants of software.
    #[must_use]
    pub fn systems(&self) -> &Systems {
        &self.systems
    }

    /// With the `[[model]]`, `[[accelerator]]`, `[[network]]`, `[[price]]`, `[[stack]]` and `[[engine]]` tables of a document, which
    /// replace entries of the same id. Other keys of the document are left to its own decoder.
    ///
    /// # Errors
    /// The first mistake.
    pub fn with_document(&self, node: &Node) -> Result<Self, DocumentError> {
        let mut merged = self.clone();
        let Value::Table(entries) = &node.value else { return Ok(merged) };
        let inline: Vec<_> =
            entries.iter().filter(|entry| Kind::ALL.iter().any(|kind| kind.singular() == entry.key)).cloned().collect();
        merged.take(&Node { value: Value::Table(inline), place: node.place.clone() }, None, &mut Seen::new())?;
        merged.connect()?;
        Ok(merged)
    }

    /// Takes all entries of one document; its `[sources]` explain the keys of the sub-folder that it stands in.
    fn take(&mut self, document: &Node, folder: Option<Kind>, seen: &mut Seen) -> Result<(), DocumentError> {
        const KEYS: [&str; 9] = [
            "model",
            "accelerator",
            "network",
            "price",
            "stack",
            "engine",
            "measured_collective",
            "constants",
            "sources",
        ];
        let fields = fields::Fields::new(document, "a catalogue file", &KEYS)?;
        for entry in fields.entries() {
            if let ("sources", Some(folder)) = (entry.key.as_str(), folder) {
                take_sources(&entry.node, |key, text| self.sources.insert((folder, key), text))?;
                continue;
            }
            let Value::Array(items) = &entry.node.value else {
                let message = format!("\"{0}\" must be a list of tables: write [[{0}]]", entry.key);
                return Err(DocumentError::new(&entry.place, message));
            };
            for item in items {
                self.take_entry(&entry.key, item, seen)?;
            }
        }
        Ok(())
    }

    fn take_entry(&mut self, key: &str, item: &Node, seen: &mut Seen) -> Result<(), DocumentError> {
        match key {
            "model" => {
                let entry = ModelEntry::decode(item)?;
                once(seen, Kind::Models, &entry.id, &entry.place)?;
                self.models.insert(entry.id.clone(), entry);
            }
            "accelerator" => {
                let entry = AcceleratorEntry::decode(item)?;
                once(seen, Kind::Accelerators, &entry.id, &entry.place)?;
                self.accelerators.insert(entry.id.clone(), entry);
            }
            "network" => {
                let entry = NetworkEntry::decode(item)?;
                once(seen, Kind::Networks, &entry.id, &entry.place)?;
                self.networks.insert(entry.id.clone(), entry);
            }
            "price" => {
                let entry = Price::decode(item)?;
                once(seen, Kind::Prices, &entry.accelerator, &entry.place)?;
                self.prices.insert(entry.accelerator.clone(), entry);
            }
            "stack" => {
                let entry = StackEntry::decode(item)?;
                once(seen, Kind::Stacks, &entry.id, &entry.place)?;
                self.stacks.insert(entry.id.clone(), entry);
            }
            "engine" => {
                let entry = EngineEntry::decode(item)?;
                once(seen, Kind::Engines, &entry.id, &entry.place)?;
                self.engines.insert(entry.id.clone(), entry);
            }
            "measured_collective" => self.measured_collectives.push(MeasuredCollective::decode(item)?),
            _ => self.constants.push(ConstantSet::decode(item)?),
        }
        Ok(())
    }

    /// Builds every accelerator's fabric and price from what is now known.
    fn connect(&mut self) -> Result<(), DocumentError> {
        for price in self.prices.values() {
            if !self.accelerators.contains_key(&price.accelerator) {
                return Err(DocumentError::new(&price.place, self.unknown(Kind::Accelerators, &price.accelerator)));
            }
        }
        for entry in self.accelerators.values_mut() {
            entry.connect(&self.networks, &self.prices)?;
        }
        Ok(())
    }

    /// The model of this id.
    #[must_use]
    pub fn model(&self, id: &str) -> Option<&ModelEntry> {
        self.models.get(id)
    }

    /// The accelerator of this id.
    #[must_use]
    pub fn accelerator(&self, id: &str) -> Option<&AcceleratorEntry> {
        self.accelerators.get(id)
    }

    /// The network of this id.
    #[must_use]
    pub fn network(&self, id: &str) -> Option<&NetworkEntry> {
        self.networks.get(id)
    }

    /// The price of this accelerator in the price list.
    #[must_use]
    pub fn price(&self, accelerator: &str) -> Option<&Price> {
        self.prices.get(accelerator)
    }

    /// The training stack of this id.
    #[must_use]
    pub fn stack(&self, id: &str) -> Option<&StackEntry> {
        self.stacks.get(id)
    }

    /// The serving engine of this id.
    #[must_use]
    pub fn engine(&self, id: &str) -> Option<&EngineEntry> {
        self.engines.get(id)
    }

    /// Measured collectives, in the order of the files.
    #[must_use]
    pub fn measured_collectives(&self) -> &[MeasuredCollective] {
        &self.measured_collectives
    }

    /// The set of published constants of this id; a later folder's wins.
    #[must_use]
    pub fn constants(&self, id: &str) -> Option<&ConstantSet> {
        self.constants.iter().rev().find(|set| set.id == id)
    }

    /// What a key of `source` of a kind of entry stands for; what follows a colon is the item there.
    #[must_use]
    pub fn source(&self, kind: Kind, key: &str) -> Option<&str> {
        let key = key.split(':').next().unwrap_or(key);
        self.sources.get(&(kind, key.to_owned())).map(String::as_str)
    }

    /// Ids of a kind, in alphabetical order.
    pub fn ids(&self, kind: Kind) -> Box<dyn Iterator<Item = &str> + '_> {
        match kind {
            Kind::Models => Box::new(self.models.keys().map(String::as_str)),
            Kind::Accelerators => Box::new(self.accelerators.keys().map(String::as_str)),
            Kind::Networks => Box::new(self.networks.keys().map(String::as_str)),
            Kind::Prices => Box::new(self.prices.keys().map(String::as_str)),
            Kind::Stacks => Box::new(self.stacks.keys().map(String::as_str)),
            Kind::Engines => Box::new(self.engines.keys().map(String::as_str)),
        }
    }

    /// Ids of a kind that match a glob (`*` any text, `?` one character), in alphabetical order.
    #[must_use]
    pub fn matching(&self, kind: Kind, pattern: &str) -> Vec<&str> {
        self.ids(kind).filter(|id| glob::matches(pattern, id)).collect()
    }

    /// The id of a kind nearest to a wrong one, if one is near enough to be meant.
    #[must_use]
    pub fn nearest(&self, kind: Kind, wrong: &str) -> Option<&str> {
        nearest(wrong, self.ids(kind))
    }

    /// The sentence for an unknown id or a glob that matches nothing.
    #[must_use]
    pub fn unknown(&self, kind: Kind, id: &str) -> String {
        let singular = kind.singular();
        match self.nearest(kind, id) {
            Some(name) => format!("unknown {singular} \"{id}\": did you mean \"{name}\"?"),
            None => {
                format!("unknown {singular} \"{id}\": `llmsweep catalog list {}` shows those there are", kind.name())
            }
        }
    }
}

fn read_document(file: &Path) -> Result<Node, DocumentError> {
    let unreadable = |error: std::io::Error| path_error(file, format!("this file cannot be read: {error}"));
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    parse_toml(&file.display().to_string(), &text)
}

/// Reads a table of source keys and what they stand for.
fn take_sources(node: &Node, mut insert: impl FnMut(String, String) -> Option<String>) -> Result<(), DocumentError> {
    let Value::Table(entries) = &node.value else {
        return Err(DocumentError::new(&node.place, "\"sources\" must be a table of texts"));
    };
    for entry in entries {
        let Value::String(text) = &entry.node.value else {
            let message = format!("the source \"{}\" must be text", entry.key);
            return Err(DocumentError::new(&entry.node.place, message));
        };
        insert(entry.key.clone(), text.clone());
    }
    Ok(())
}

/// Refuses an id that stands twice in one folder or document.
fn once(seen: &mut Seen, kind: Kind, id: &str, place: &Place) -> Result<(), DocumentError> {
    match seen.insert((kind, id.to_owned()), place.clone()) {
        None => Ok(()),
        Some(first) => {
            let message = format!("the {} \"{id}\" is given twice; the first is at {first}", kind.singular());
            Err(DocumentError::new(place, message))
        }
    }
}

/// The documents of a sub-folder of a catalogue folder, in the order of their names; none if there is no such sub-folder.
///
/// # Errors
/// An unreadable file, or the first that is not TOML.
pub(crate) fn documents(directory: &Path, sub_folder: &str) -> Result<Vec<Node>, DocumentError> {
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| path_error(&file, format!("this file cannot be read: {error}")))?;
        parse_toml(&file.display().to_string(), &text)
    };
    toml_files(&directory.join(sub_folder))?.into_iter().map(read).collect()
}

/// The `*.toml` files of a sub-folder in name order; none if there is no such folder.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, DocumentError> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let unreadable = |error: std::io::Error| path_error(folder, format!("this folder cannot be read: {error}"));
    let mut files = Vec::new();
    for item in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = item.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn path_error(path: &Path, message: impl Into<String>) -> DocumentError {
    DocumentError::new(&Place::Path(path.display().to_string()), message)
}
