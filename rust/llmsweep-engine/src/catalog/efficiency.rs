//! What is known of one architecture beside fitted laws: clocks, backward attention, and coefficients of laws that were not fitted but
//! published or assumed.
use llmsweep_model::collective::CollectiveModel;
use llmsweep_model::law::{FAMILIES, Family};
use llmsweep_model::precision::{KvPrecision, Precision};
use std::collections::BTreeMap;

use super::fields::{Fields, number};
use crate::axes::Phase;
use crate::node::{DocumentError, Node, Place, nearest};

/// How a prediction's efficiencies are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Provenance {
    /// Measured on this accelerator in this format.
    Calibrated,
    /// Measured on a relative: another board of the architecture, or another architecture or format.
    Transferred,
    /// Assumed: only a datasheet describes the hardware.
    Datasheet,
}

impl Provenance {
    /// Every provenance, best first.
    pub const ALL: [Self; 3] = [Self::Calibrated, Self::Transferred, Self::Datasheet];

    /// Name in the `provenance` column.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calibrated => "calibrated",
            Self::Transferred => "transferred",
            Self::Datasheet => "datasheet",
        }
    }

    /// One sentence.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Calibrated => "Kernel efficiencies were measured on this accelerator in this format.",
            Self::Transferred => "Kernel efficiencies were measured on a relative of this accelerator or format.",
            Self::Datasheet => "Kernel efficiencies are assumed: nothing near this hardware has been measured.",
        }
    }
}

/// The architecture that is the last resort.
pub(super) const DEFAULT: &str = "default";

/// Keys of an efficiency file beside the families of laws.
pub const EFFICIENCY_KEYS: [&str; 10] = [
    "architecture",
    "relatives",
    "measured_on",
    "source",
    "training_clock",
    "serving_clock",
    "backward_attention_ratio",
    "collective_latency_factor",
    "switch_efficiency",
    "accelerator",
];

/// Efficiencies of one architecture: one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Its name, as accelerators give it.
    pub name: String,
    /// Architectures that stand in, nearest first.
    pub relatives: Vec<String>,
    /// Accelerators on which its coefficients were measured.
    pub measured_on: Vec<String>,
    /// Keys of the sources.
    pub source: Vec<String>,
    /// Speed of backward attention over forward attention.
    pub backward_attention_ratio: f64,
    collective_latency_factor: f64,
    switch_efficiency: Option<f64>,
    training_clock: f64,
    serving_clock: f64,
    /// Coefficients of laws by family and precision; those not named have the family's default.
    coefficients: BTreeMap<(&'static str, String), Vec<f64>>,
    overrides: BTreeMap<String, Override>,
    place: Place,
}

/// What one accelerator does otherwise than its architecture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Override {
    compute_factor: Option<f64>,
    training_clock_16_bit: Option<f64>,
}

impl Architecture {
    /// Reads one file.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let families = FAMILIES.iter().map(|family| family.name);
        let allowed: Vec<&str> = EFFICIENCY_KEYS.into_iter().chain(families).collect();
        let fields = Fields::new(node, "an efficiency file", &allowed)?;
        let name = fields.required_text("architecture")?.to_owned();
        let fields = fields.named(format!("efficiency of \"{name}\""));
        let mut coefficients = BTreeMap::new();
        for family in FAMILIES {
            for (precision, values) in assumed(&fields, family, &name)? {
                coefficients.insert((family.name, precision), values);
            }
        }
        Ok(Self {
            relatives: fields.texts("relatives")?,
            measured_on: fields.texts("measured_on")?,
            source: fields.texts("source")?,
            training_clock: required_share(&fields, "training_clock")?,
            serving_clock: required_share(&fields, "serving_clock")?,
            backward_attention_ratio: required_share(&fields, "backward_attention_ratio")?,
            collective_latency_factor: fields.required_positive("collective_latency_factor")?,
            switch_efficiency: fields.share("switch_efficiency", 1.0)?,
            coefficients,
            overrides: overrides(&fields)?,
            place: fields.place().clone(),
            name,
        })
    }

    /// Coefficients of a law that were published or assumed for this architecture.
    pub(super) fn coefficients(&self, family: &'static str, precision: &str) -> Option<&[f64]> {
        self.coefficients.get(&(family, precision.to_owned())).map(Vec::as_slice)
    }

    /// Clock under sustained load over that of the datasheet's peak.
    pub(super) fn clock(&self, accelerator: &str, precision: &Precision, phase: Phase) -> f64 {
        let own = self.overrides.get(accelerator).copied().unwrap_or_default();
        let clock = match phase {
            Phase::Inference => self.serving_clock,
            Phase::Training if matches!(precision.name, "bf16" | "fp16") => {
                own.training_clock_16_bit.unwrap_or(self.training_clock)
            }
            Phase::Training => self.training_clock,
        };
        clock * own.compute_factor.unwrap_or(1.0)
    }
}

/// The tables `[family.precision]` of coefficients that were not fitted.
fn assumed(fields: &Fields<'_>, family: &'static Family, name: &str) -> Result<Vec<(String, Vec<f64>)>, DocumentError> {
    let precisions = Precision::ALL.iter().map(|precision| precision.name);
    let caches = KvPrecision::ALL.iter().map(|format| format.name);
    let formats: Vec<&str> = precisions.chain(caches).collect();
    let Some(table) = fields.table(family.name, &formats)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in table.entries() {
        let what = format!("law of {} in \"{}\" of \"{name}\"", family.name, entry.key);
        let allowed: Vec<&str> =
            family.coefficients.iter().map(|coefficient| coefficient.name).chain(std::iter::once("source")).collect();
        let law = Fields::new(&entry.node, what, &allowed)?;
        let mut values = family.defaults();
        for (value, coefficient) in values.iter_mut().zip(family.coefficients) {
            let Some(node) = law.node(coefficient.name) else { continue };
            *value = number(node).filter(|number| (coefficient.low..=coefficient.high).contains(number)).ok_or_else(
                || {
                    let allowed = format!("allowed is {} to {}", coefficient.low, coefficient.high);
                    let what = format!("\"{}\" of {}", coefficient.name, law.what());
                    law.error(coefficient.name, format!("{what} must be a number, {allowed}"))
                },
            )?;
        }
        found.push((entry.key.clone(), values));
    }
    Ok(found)
}

/// A share above 0 and at most 1 that must be given.
pub(super) fn required_share(fields: &Fields, key: &str) -> Result<f64, DocumentError> {
    fields.required_positive(key)?;
    Ok(fields.share(key, 1.0)?.unwrap_or(1.0))
}

/// Keys of an `[accelerator.…]` table: what one accelerator does otherwise than its architecture.
pub const OVERRIDE_KEYS: [&str; 3] = ["compute_factor", "training_clock_16_bit", "source"];

fn overrides(fields: &Fields) -> Result<BTreeMap<String, Override>, DocumentError> {
    let mut overrides = BTreeMap::new();
    for entry in fields.any_table("accelerator")? {
        let table = Fields::new(&entry.node, format!("override of \"{}\"", entry.key), &OVERRIDE_KEYS)?;
        let own = Override {
            compute_factor: table.positive("compute_factor")?,
            training_clock_16_bit: table.share("training_clock_16_bit", 1.0)?,
        };
        overrides.insert(entry.key.clone(), own);
    }
    Ok(overrides)
}

/// The efficiencies of all architectures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Efficiencies(BTreeMap<String, Architecture>);

impl Efficiencies {
    /// Takes a file; a later one of the same architecture replaces it.
    pub(super) fn take(&mut self, node: &Node) -> Result<(), DocumentError> {
        let architecture = Architecture::decode(node)?;
        self.0.insert(architecture.name.clone(), architecture);
        Ok(())
    }

    /// Whether the last resort is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.0.contains_key(DEFAULT)
    }

    /// Refuses relatives that no file describes, and accelerators that the catalogue does not have.
    pub(super) fn check(&self, accelerators: &[&str]) -> Result<(), DocumentError> {
        let meant = |wrong: &str, allowed: &[&str]| {
            nearest(wrong, allowed.iter().copied()).map_or(String::new(), |name| format!("; did you mean \"{name}\"?"))
        };
        let architectures: Vec<&str> = self.0.keys().map(String::as_str).collect();
        for Architecture { name, relatives, measured_on, overrides, place, .. } in self.0.values() {
            let wrong = |message: String| Err(DocumentError::new(place, message));
            if let Some(relative) = relatives.iter().find(|relative| !self.0.contains_key(*relative)) {
                let hint = meant(relative, &architectures);
                return wrong(format!("\"{name}\" names the relative \"{relative}\", which no file describes{hint}"));
            }
            let measured = measured_on.iter().map(|id| ("was measured on", id));
            let overridden = overrides.keys().map(|id| ("has an override of", id));
            for (verb, id) in measured.chain(overridden) {
                if !accelerators.contains(&id.as_str()) {
                    let hint = meant(id, accelerators);
                    return wrong(format!(
                        "\"{name}\" {verb} \"{id}\", which is no accelerator of the catalogue{hint}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Names of an architecture and of those that stand in for it, nearest first.
    pub(super) fn relatives<'a>(&'a self, architecture: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.get(architecture).into_iter().flat_map(|own| own.relatives.iter().map(String::as_str));
        std::iter::once(architecture).chain(named)
    }

    /// Collectives as an architecture has them: its factor on latencies, and what a sum in its switch reaches.
    #[must_use]
    pub fn collectives(&self, architecture: &str, model: CollectiveModel) -> CollectiveModel {
        match self.chain(architecture).next() {
            Some(nearest) => {
                model.of_architecture(nearest.collective_latency_factor, nearest.switch_efficiency.unwrap_or_default())
            }
            None => model,
        }
    }

    /// An architecture and those that stand in for it, nearest first, the last resort last.
    pub(super) fn chain(&self, architecture: &str) -> impl Iterator<Item = &Architecture> {
        let names = self.relatives(architecture).map(str::to_owned).collect::<Vec<_>>();
        names.into_iter().chain(std::iter::once(DEFAULT.to_owned())).filter_map(|name| self.0.get(&name))
    }
}
