//! Laws that time kernels and collectives, each with a handful of coefficients that are fitted to timings.
//!
//! A law is an equation of a kernel's shape and of what the accelerator's datasheet says. Its coefficients are data: the catalogue's
//! `kernels/` has them per accelerator, precision and engine; `llmsweep calibrate ops` fits them. One file per family of kernels; a new
//! family is a new file and a line in [`FAMILIES`].
mod convolution;
mod decode_attention;
mod dispatch;
mod elementwise;
mod engine_all_reduce;
mod gemm;
mod grouped_gemm;
mod latent;
mod latent_decode;
mod latent_prefill;
mod library_collective;
mod prefill_attention;
mod prompt;
mod quantise;
mod residence;
mod scan;

pub use convolution::{ConvolutionLaw, ConvolutionShape};
pub use decode_attention::{DecodeAttentionLaw, DecodeShape, WIDEST_GROUP};
pub use dispatch::{CombineLaw, DispatchLaw, Exchange, ExchangeLaw};
pub use elementwise::ElementwiseLaw;
pub use engine_all_reduce::EngineAllReduceLaw;
pub use gemm::{GemmLaw, GemmShape};
pub use grouped_gemm::{GroupedGemmLaw, GroupedShape};
pub use latent::LatentWidths;
pub use latent_decode::{LatentDecodeLaw, LatentDecodeShape};
pub use latent_prefill::LatentPrefillLaw;
pub use library_collective::{AllGatherLaw, AllReduceLaw, AllToAllLaw, ReduceScatterLaw, RingLaw, bus_factor};
pub use prefill_attention::{PrefillAttentionLaw, PrefillShape};
pub use prompt::Prompt;
pub use quantise::QuantiseLaw;
pub use scan::{ScanLaw, ScanShape};

use crate::quantity::{Bytes, BytesPerSec, FlopsPerSec, Seconds};

/// What a law may know of an accelerator, for one precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chip {
    /// Dense peak of the precision's compute format.
    pub peak: FlopsPerSec,
    /// Dense peak of 16-bit arithmetic.
    pub plain_peak: FlopsPerSec,
    /// Memory bandwidth of the datasheet.
    pub bandwidth: BytesPerSec,
    /// Streaming multiprocessors, compute units: what works on one tile at a time.
    pub units: f64,
    /// Second-level cache.
    pub l2: Bytes,
    /// What one device sends through its scale-up links, one direction.
    pub link: BytesPerSec,
    /// What one device sends through its network link, one direction.
    pub network: BytesPerSec,
    /// Bytes of one weight.
    pub weight_bytes: f64,
    /// Bytes of one activation that enters a multiplication.
    pub operand_bytes: f64,
    /// Bytes of one value of a result.
    pub result_bytes: f64,
}

/// A number that a fit finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// Key in the catalogue, with its unit.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Least value.
    pub low: f64,
    /// Physical default: where a fit starts, what it leans to, and what stands where nothing has been measured.
    pub start: f64,
    /// Greatest value.
    pub high: f64,
}

/// A number that describes one kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Column in a table of timings.
    pub name: &'static str,
    /// What it is, with its unit.
    pub doc: &'static str,
}

/// An equation for the time of one family of kernels.
pub trait Law {
    /// Name in files and tables.
    const FAMILY: &'static str;
    /// One sentence.
    const DOC: &'static str;
    /// What describes a kernel, in the order in which [`Law::time`] takes it.
    const INPUTS: &'static [Input];
    /// What a fit finds, in the order in which [`Law::of`] takes it.
    const COEFFICIENTS: &'static [Coefficient];

    /// The law with these coefficients.
    fn of(coefficients: &[f64]) -> Self;

    /// Time of one kernel.
    ///
    /// `warm` says that operands may sit in the second-level cache, as in a timing loop that replays the same buffers: coefficients are
    /// fitted warm and used cold.
    fn time(&self, chip: &Chip, inputs: &[f64], warm: bool) -> Seconds;
}

/// Coefficients, chip, columns of inputs and whether operands may sit in L2, to seconds.
type Times = fn(&[f64], &Chip, &[Vec<f64>], bool) -> Vec<f64>;

/// A law as data: what the catalogue, the fit and the documentation need of it.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Name in files and tables.
    pub name: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// What describes a kernel.
    pub inputs: &'static [Input],
    /// What a fit finds.
    pub coefficients: &'static [Coefficient],
    times: Times,
}

impl Family {
    const fn of<L: Law>() -> Self {
        Self { name: L::FAMILY, doc: L::DOC, inputs: L::INPUTS, coefficients: L::COEFFICIENTS, times: times::<L> }
    }

    /// The family of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        FAMILIES.iter().find(|family| family.name == name)
    }

    /// Times of many kernels, in seconds; `columns` has one column per input.
    ///
    /// # Panics
    /// If there are not as many coefficients or columns as the family has.
    #[must_use]
    pub fn times(&self, coefficients: &[f64], chip: &Chip, columns: &[Vec<f64>], warm: bool) -> Vec<f64> {
        assert_eq!(coefficients.len(), self.coefficients.len(), "coefficients of {}", self.name);
        assert_eq!(columns.len(), self.inputs.len(), "inputs of {}", self.name);
        (self.times)(coefficients, chip, columns, warm)
    }

    /// Physical defaults of all coefficients.
    #[must_use]
    pub fn defaults(&self) -> Vec<f64> {
        self.coefficients.iter().map(|coefficient| coefficient.start).collect()
    }
}

fn times<L: Law>(coefficients: &[f64], chip: &Chip, columns: &[Vec<f64>], warm: bool) -> Vec<f64> {
    let law = L::of(coefficients);
    let rows = columns.first().map_or(0, Vec::len);
    let mut inputs = vec![0.0; columns.len()];
    let mut one = |row: usize| {
        for (input, column) in inputs.iter_mut().zip(columns) {
            *input = column[row];
        }
        law.time(chip, &inputs, warm).0
    };
    (0..rows).map(&mut one).collect()
}

/// Every family.
pub const FAMILIES: &[Family] = &[
    Family::of::<GemmLaw>(),
    Family::of::<GroupedGemmLaw>(),
    Family::of::<QuantiseLaw>(),
    Family::of::<PrefillAttentionLaw>(),
    Family::of::<DecodeAttentionLaw>(),
    Family::of::<LatentPrefillLaw>(),
    Family::of::<LatentDecodeLaw>(),
    Family::of::<ConvolutionLaw>(),
    Family::of::<ScanLaw>(),
    Family::of::<ElementwiseLaw>(),
    Family::of::<AllReduceLaw>(),
    Family::of::<AllGatherLaw>(),
    Family::of::<ReduceScatterLaw>(),
    Family::of::<AllToAllLaw>(),
    Family::of::<EngineAllReduceLaw>(),
    Family::of::<DispatchLaw>(),
    Family::of::<CombineLaw>(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_lies_within_its_bounds() {
        for family in FAMILIES {
            for Coefficient { name, low, start, high, .. } in family.coefficients {
                assert!(low <= start && start <= high, "{} {name}", family.name);
            }
        }
    }

    #[test]
    fn names_are_unique() {
        for (index, family) in FAMILIES.iter().enumerate() {
            assert!(FAMILIES[index + 1..].iter().all(|other| other.name != family.name), "{}", family.name);
            let names = family.coefficients.iter().map(|coefficient| coefficient.name);
            let mut all: Vec<_> = names.chain(family.inputs.iter().map(|input| input.name)).collect();
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "{}", family.name);
        }
    }
}
