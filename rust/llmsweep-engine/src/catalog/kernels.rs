//! Laws of kernels with the coefficients that were fitted to timings of one accelerator: `kernels/<accelerator>.toml`.
use std::collections::BTreeMap;

use llmsweep_model::hardware::{Accelerator, LinkKind};
use llmsweep_model::law::{Chip, Coefficient, FAMILIES, Family};
use llmsweep_model::precision::{KvPrecision, Precision};
use llmsweep_model::quantity::BytesPerSec;

use super::fields::Fields;
use crate::node::{DocumentError, Node, Place, Value, nearest};

/// Software whose kernels were pooled: for each shape the engine in the middle.
pub const ANY_ENGINE: &str = "any";

/// Software whose kernels were pooled: for each shape the engine that is fastest.
pub const FASTEST_ENGINE: &str = "fastest";

/// Software whose kernels laws are fitted to.
pub const KERNEL_ENGINES: [&str; 8] =
    [ANY_ENGINE, FASTEST_ENGINE, "vllm", "sglang", "trtllm", "nccl", DEEPEP_LOW_LATENCY, DEEPEP];

/// DeepEP's kernels for few tokens, which send a copy for each expert.
pub const DEEPEP_LOW_LATENCY: &str = "deepep_low_latency";

/// DeepEP's kernels for many tokens.
pub const DEEPEP: &str = "deepep";

/// Keys of a fitted law beside its coefficients.
pub const LAW_KEYS: [&str; 6] = ["precision", "engine", "rows", "error_median", "error_p90", "source"];

/// What a fitted law is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LawKey {
    /// Accelerator that was timed.
    pub accelerator: String,
    /// Name of the family.
    pub family: &'static str,
    /// Precision, or the cache's format.
    pub precision: String,
    /// Engine whose kernels were timed, or [`ANY_ENGINE`].
    pub engine: &'static str,
}

/// A law with coefficients fitted to timings.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedLaw {
    /// Coefficients in the order of the family.
    pub coefficients: Vec<f64>,
    /// Timings that the fit used.
    pub rows: u32,
    /// Median error over shapes that a fit did not see.
    pub error_median: Option<f64>,
    /// Ninth decile of the same.
    pub error_p90: Option<f64>,
    /// Keys of the sources.
    pub source: Vec<String>,
}

/// All fitted laws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kernels {
    laws: BTreeMap<LawKey, FittedLaw>,
    places: BTreeMap<String, Place>,
}

impl Kernels {
    /// Takes a file; its laws replace those of the same key.
    pub(super) fn take(&mut self, node: &Node) -> Result<(), DocumentError> {
        let mut allowed = vec!["accelerator"];
        allowed.extend(FAMILIES.iter().map(|family| family.name));
        let fields = Fields::new(node, "a file of fitted laws", &allowed)?;
        let accelerator = fields.required_text("accelerator")?.to_owned();
        for family in FAMILIES {
            let Some(list) = fields.node(family.name) else { continue };
            let Value::Array(items) = &list.value else {
                let message = format!("\"{0}\" must be tables [[{0}]]", family.name);
                return Err(DocumentError::new(&list.place, message));
            };
            for item in items {
                let (key, law) = fitted(&accelerator, family, item)?;
                self.laws.insert(key, law);
            }
        }
        self.places.insert(accelerator, fields.place_of("accelerator").clone());
        Ok(())
    }

    /// Refuses accelerators that the catalogue does not have.
    pub(super) fn check(&self, accelerators: &[&str]) -> Result<(), DocumentError> {
        for (id, place) in &self.places {
            if !accelerators.contains(&id.as_str()) {
                let hint = nearest(id, accelerators.iter().copied())
                    .map_or(String::new(), |name| format!("; did you mean \"{name}\"?"));
                let message = format!("these laws are of \"{id}\", which is no accelerator of the catalogue{hint}");
                return Err(DocumentError::new(place, message));
            }
        }
        Ok(())
    }

    /// The law of a family on an accelerator in a precision: of the engine, else of all engines pooled, else of another.
    #[must_use]
    pub fn law(&self, accelerator: &str, family: &str, precision: &str, engine: &str) -> Option<&FittedLaw> {
        let mut of_any = None;
        let mut of_another = None;
        for (key, law) in self.of(accelerator, family) {
            if key.precision != precision {
                continue;
            }
            if key.engine == engine {
                return Some(law);
            }
            let slot = if key.engine == ANY_ENGINE { &mut of_any } else { &mut of_another };
            slot.get_or_insert(law);
        }
        of_any.or(of_another)
    }

    /// The laws of a family on an accelerator.
    pub fn of(&self, accelerator: &str, family: &str) -> impl Iterator<Item = (&LawKey, &FittedLaw)> {
        let family = Family::by_name(family).map_or("", |family| family.name);
        let first = LawKey { accelerator: accelerator.to_owned(), family, precision: String::new(), engine: "" };
        let wanted = move |key: &LawKey| key.accelerator == accelerator && key.family == family;
        self.laws.range(first..).take_while(move |(key, _)| wanted(key))
    }

    /// Whether an accelerator has been timed.
    #[must_use]
    pub fn has(&self, accelerator: &str) -> bool {
        self.places.contains_key(accelerator)
    }

    /// Every law.
    pub fn all(&self) -> impl Iterator<Item = (&LawKey, &FittedLaw)> {
        self.laws.iter()
    }
}

fn fitted(accelerator: &str, family: &'static Family, node: &Node) -> Result<(LawKey, FittedLaw), DocumentError> {
    let names = family.coefficients.iter().map(|coefficient| coefficient.name);
    let allowed: Vec<&str> = LAW_KEYS.into_iter().chain(names).collect();
    let fields = Fields::new(node, format!("this law of {}", family.name), &allowed)?;
    let engines = KERNEL_ENGINES.map(|engine| (engine, engine));
    let precision = fields.required_text("precision")?.to_owned();
    if Precision::by_name(&precision).is_none() && KvPrecision::by_name(&precision).is_none() {
        let known = Precision::ALL.iter().map(|precision| precision.name);
        let hint = nearest(&precision, known).map_or(String::new(), |name| format!("; did you mean \"{name}\"?"));
        return Err(fields.error("precision", format!("unknown precision \"{precision}\"{hint}")));
    }
    let law = FittedLaw {
        coefficients: coefficients_of(&fields, family.coefficients)?,
        rows: fields.count_or_zero("rows")?,
        error_median: fields.positive("error_median")?,
        error_p90: fields.positive("error_p90")?,
        source: fields.texts("source")?,
    };
    let engine = fields.required_choice("engine", &engines)?;
    Ok((LawKey { accelerator: accelerator.to_owned(), family: family.name, precision, engine }, law))
}

/// All coefficients of a family, each within its bounds.
pub(super) fn coefficients_of(fields: &Fields<'_>, coefficients: &[Coefficient]) -> Result<Vec<f64>, DocumentError> {
    coefficients.iter().map(|coefficient| bounded(fields, coefficient)).collect()
}

/// A coefficient, within the bounds of its family.
fn bounded(fields: &Fields<'_>, coefficient: &Coefficient) -> Result<f64, DocumentError> {
    let Coefficient { name, low, high, .. } = *coefficient;
    let node = fields
        .node(name)
        .ok_or_else(|| DocumentError::new(fields.place(), format!("{} lacks the key \"{name}\"", fields.what())))?;
    match super::fields::number(node) {
        Some(value) if (low..=high).contains(&value) => Ok(value),
        Some(value) => {
            let what = fields.what();
            Err(fields.error(name, format!("\"{name}\" of {what} is \"{value}\", allowed is {low} to {high}")))
        }
        None => {
            let (what, value) = (fields.what(), super::fields::describe(&node.value));
            Err(fields.error(name, format!("\"{name}\" of {what} must be a number, not {value}")))
        }
    }
}

/// What laws may know of an accelerator in a precision or a cache's format; `None` where the chip lacks it.
#[must_use]
pub fn chip(accelerator: &Accelerator, precision: &str) -> Option<Chip> {
    let sixteen = Precision::by_name("bf16")?;
    let (_, plain_peak) =
        accelerator.peaks.of(sixteen).or_else(|| Precision::ALL.iter().find_map(|p| accelerator.peaks.of(p)))?;
    let format = Precision::by_name(precision);
    let cache_bytes = KvPrecision::by_name(precision).map(KvPrecision::bytes);
    let peak = match format {
        Some(format) => accelerator.peaks.of(format).map(|(_, peak)| peak),
        None => Some(plain_peak),
    };
    // A cache in a format in which the chip does not compute is expanded to 16 bits.
    let peak = if cache_bytes.is_some() { peak.or(Some(plain_peak)) } else { peak };
    let tiers = accelerator.fabric.tiers();
    let inside =
        tiers.iter().find(|tier| tier.kind != LinkKind::Network).map_or(BytesPerSec::ZERO, |tier| tier.bandwidth);
    let network = tiers.last().map_or(BytesPerSec::ZERO, |tier| tier.bandwidth);
    Some(Chip {
        peak: peak?,
        plain_peak,
        bandwidth: accelerator.memory_bandwidth,
        units: accelerator.compute_units,
        l2: accelerator.l2,
        link: inside,
        network,
        weight_bytes: format.map_or(2.0, Precision::weight_bytes),
        operand_bytes: format.map(Precision::activation_bytes).or(cache_bytes).unwrap_or(2.0),
        result_bytes: format.map_or(2.0, Precision::unquantised_bytes),
    })
}

impl Kernels {
    /// Every law, for Python.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let laws = self.laws.iter().map(|(key, law)| {
            let names = Family::by_name(key.family).map_or(&[][..], |family| family.coefficients);
            let coefficients = names.iter().zip(&law.coefficients);
            let coefficients = coefficients.map(|(named, &value)| (named.name.to_owned(), value.into()));
            serde_json::json!({
                "accelerator": key.accelerator,
                "family": key.family,
                "precision": key.precision,
                "engine": key.engine,
                "coefficients": coefficients.collect::<serde_json::Map<_, _>>(),
                "rows": law.rows,
                "error_median": law.error_median,
                "error_p90": law.error_p90,
                "source": law.source,
            })
        });
        laws.collect()
    }
}
