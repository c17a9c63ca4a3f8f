//! Which accelerator stands in where one has not been timed.
use llmsweep_model::hardware::Accelerator;
use llmsweep_model::precision::ComputeFormat;

use super::{AcceleratorEntry, Catalog};

impl Catalog {
    /// Accelerators with fitted laws that stand in for one, nearest first: those of its own architecture, then those of the
    /// architectures that its efficiencies name as relatives. Within an architecture, the nearest by peak and bandwidth is first.
    #[must_use]
    pub fn timed_relatives(&self, entry: &AcceleratorEntry) -> Vec<&str> {
        let mut relatives = Vec::new();
        for architecture in self.efficiencies.relatives(&entry.architecture) {
            let mut same: Vec<&AcceleratorEntry> = self
                .accelerators
                .values()
                .filter(|other| other.architecture == architecture && other.id != entry.id)
                .filter(|other| self.kernels.has(&other.id))
                .collect();
            same.sort_by(|one, other| {
                let distance = |candidate: &AcceleratorEntry| distance(&candidate.accelerator, &entry.accelerator);
                distance(one).total_cmp(&distance(other))
            });
            relatives.extend(same.into_iter().map(|other| other.id.as_str()));
        }
        relatives
    }
}

/// How far apart two chips are: factors between their 16-bit peaks and memory bandwidths, on a logarithmic scale.
fn distance(one: &Accelerator, other: &Accelerator) -> f64 {
    let peak = |chip: &Accelerator| {
        let peak = chip.peaks.get(ComputeFormat::Bf16).or_else(|| chip.peaks.get(ComputeFormat::Fp16));
        peak.map_or(1.0, |rate| rate.0)
    };
    let apart = |a: f64, b: f64| (a / b).ln().abs();
    apart(peak(one), peak(other)) + apart(one.memory_bandwidth.0, other.memory_bandwidth.0)
}
