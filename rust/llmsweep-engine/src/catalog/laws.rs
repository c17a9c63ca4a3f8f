//! Which laws time an accelerator: its own, those of a relative, or physical defaults.
use llmsweep_model::kernel::Laws;
use llmsweep_model::law::{Family, GemmLaw, Law, QuantiseLaw};
use llmsweep_model::precision::{KvPrecision, Precision};
use llmsweep_model::quantity::Seconds;

use super::efficiency::{Architecture, DEFAULT, Provenance};
use super::kernels::{ANY_ENGINE, FASTEST_ENGINE};
use super::{AcceleratorEntry, Catalog};
use crate::axes::Phase;

/// Formats whose laws stand in where a format has none: the nearest that has been timed, followed until a law is found.
const STAND_INS: [(&str, &str); 13] = [
    ("fp16", "bf16"),
    ("tf32", "bf16"),
    ("fp32", "bf16"),
    ("mxfp8", "fp8"),
    ("fp8_block", "fp8"),
    ("int8", "fp8"),
    ("w8a16", "bf16"),
    ("q4_k_m", "w4a16"),
    ("int4", "nvfp4"),
    ("mxfp4", "nvfp4"),
    ("nvfp4", "fp8"),
    ("w4a16", "bf16"),
    ("fp8", "bf16"),
];

/// The laws of an accelerator, and how those of its matrix multiplications are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResolvedLaws {
    /// Laws.
    pub laws: Laws,
    /// How the multiplication's law is known.
    pub provenance: Provenance,
    /// Clock under sustained load over that of the datasheet's peak.
    pub sustained_clock: f64,
}

impl Catalog {
    /// The laws that time an accelerator in a precision with a cache's format, as an engine's kernels obey them.
    ///
    /// `None` where the catalogue has no last resort.
    #[must_use]
    pub fn laws(
        &self,
        entry: &AcceleratorEntry,
        precision: &'static Precision,
        cache: &KvPrecision,
        engine: &str,
        phase: Phase,
    ) -> Option<ResolvedLaws> {
        let candidates = Candidates::of(self, entry);
        let search = Search { catalog: self, entry, candidates: &candidates, engine };
        // Serving engines share libraries of multiplications and tune which one runs: deployments are as fast as the fastest of them,
        // whatever an engine's own timing loop says. Training stacks take what their library gives; of experts' grouped multiplications that
        // is a library's too (CUTLASS, cuBLAS), which the fastest of the engines call and the others replace by kernels for few rows.
        let pooled = match phase {
            Phase::Inference => FASTEST_ENGINE,
            Phase::Training => ANY_ENGINE,
        };
        let multiplications = Search { engine: pooled, ..search };
        let grouped = Search { engine: FASTEST_ENGINE, ..search };
        let architecture = self.efficiencies.chain(&entry.architecture).next()?;
        let plain = if precision.unquantised_bits > 16.0 { precision.name } else { "bf16" };
        let (gemm, provenance) = multiplications.law(precision.name);
        let laws = Laws {
            gemm,
            plain_gemm: multiplications.law(plain).0,
            quantise: multiplications.quantise(precision.name, &gemm),
            experts: grouped.law(precision.name).0,
            attention: search.law("bf16").0,
            cache: search.law(cache.name).0,
            latent_attention: search.law("bf16").0,
            latent_cache: search.law(cache.name).0,
            convolution: search.law("bf16").0,
            scan: search.law("bf16").0,
            elementwise: search.law("bf16").0,
            backward_attention_ratio: architecture.backward_attention_ratio,
        };
        let sustained_clock = architecture.clock(&entry.id, precision, phase);
        Some(ResolvedLaws { laws, provenance, sustained_clock })
    }
}

/// Architectures whose laws may stand in, nearest first, each with its timed accelerators.
struct Candidates<'a>(Vec<(&'a Architecture, Vec<&'a str>)>);

impl<'a> Candidates<'a> {
    fn of(catalog: &'a Catalog, entry: &'a AcceleratorEntry) -> Self {
        let timed = catalog.timed_relatives(entry);
        let architectures = catalog.efficiencies.chain(&entry.architecture).map(|architecture| {
            let own = (architecture.name == entry.architecture).then_some(entry.id.as_str());
            let others = timed
                .iter()
                .copied()
                .filter(|id| catalog.accelerator(id).is_some_and(|other| other.architecture == architecture.name));
            (architecture, own.into_iter().chain(others).collect())
        });
        Self(architectures.collect())
    }
}

#[derive(Clone, Copy)]
struct Search<'a> {
    catalog: &'a Catalog,
    entry: &'a AcceleratorEntry,
    candidates: &'a Candidates<'a>,
    engine: &'a str,
}

impl Search<'_> {
    fn law<L: Law>(&self, precision: &str) -> (L, Provenance) {
        let (coefficients, provenance) = self.coefficients(L::FAMILY, precision);
        let family = Family::by_name(L::FAMILY).expect("a law is in the list of families");
        (L::of(&coefficients.unwrap_or_else(|| family.defaults())), provenance)
    }

    /// The cast of operands; where it was not timed alone, what the timings of multiplications contain of it.
    fn quantise(&self, precision: &str, gemm: &GemmLaw) -> QuantiseLaw {
        match self.coefficients(QuantiseLaw::FAMILY, precision) {
            (Some(coefficients), _) => QuantiseLaw::of(&coefficients),
            (None, _) => QuantiseLaw { launch: Seconds::ZERO, traffic: gemm.quantise_bytes },
        }
    }

    /// The format counts more than the hardware: kernels of 4-bit weights have more in common on two chips than with 16-bit kernels on
    /// one.
    fn coefficients(&self, family: &'static str, precision: &str) -> (Option<Vec<f64>>, Provenance) {
        let mut format = Some(precision);
        while let Some(name) = format {
            for (architecture, chips) in &self.candidates.0 {
                if let Some((coefficients, provenance)) = self.of_format(architecture, chips, family, name) {
                    let known = if name == precision { provenance } else { provenance.max(Provenance::Transferred) };
                    return (Some(coefficients), known);
                }
            }
            format = STAND_INS.iter().find(|(own, _)| *own == name).map(|(_, other)| *other);
        }
        (None, Provenance::Datasheet)
    }

    fn of_format(
        &self,
        architecture: &Architecture,
        chips: &[&str],
        family: &'static str,
        precision: &str,
    ) -> Option<(Vec<f64>, Provenance)> {
        for chip in chips {
            if let Some(law) = self.catalog.kernels.law(chip, family, precision, self.engine) {
                let own = *chip == self.entry.id;
                let provenance = if own { Provenance::Calibrated } else { Provenance::Transferred };
                return Some((law.coefficients.clone(), provenance));
            }
        }
        let assumed = architecture.coefficients(family, precision)?.to_vec();
        let provenance = if architecture.name == DEFAULT || architecture.measured_on.is_empty() {
            Provenance::Datasheet
        } else if architecture.measured_on.contains(&self.entry.id) {
            Provenance::Calibrated
        } else {
            Provenance::Transferred
        };
        Some((assumed, provenance))
    }
}
