//! Machines: datasheet rates with the catalogue's efficiencies.
use super::kernels::laws;
use super::precision;
use super::software::{KERNEL_START, collectives};
use llmsweep_model::collective::CollectiveModel;
use llmsweep_model::hardware::{Accelerator, Fabric, LinkKind, Peaks, Tier};
use llmsweep_model::kernel::KernelModel;
use llmsweep_model::kernel_software::KernelSoftware;
use llmsweep_model::law::Chip;
use llmsweep_model::phase::Device;
use llmsweep_model::precision::{ComputeFormat, Precision};
use llmsweep_model::quantity::{Bytes, BytesPerSec, FlopsPerSec, Seconds, Usd, UsdPerSec, Watts};

/// Clock under the load of training over that of the datasheet's peak; serving's kernels are timed at the clock they have.
pub(crate) const TRAINING_CLOCK: f64 = 0.83;
pub(crate) const SERVING_CLOCK: f64 = 1.0;

/// A machine whose numbers a test may change before building it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) bf16: f64,
    pub(crate) fp8: f64,
    pub(crate) memory: f64,
    pub(crate) bandwidth: f64,
    /// Devices of the scale-up domain.
    pub(crate) domain: u32,
    /// One direction, one device.
    pub(crate) link: f64,
    pub(crate) network: f64,
    pub(crate) latency_factor: f64,
    /// What a sum in the switch reaches of the link.
    pub(crate) switch_efficiency: f64,
}

/// H100 SXM: 989 TFLOP/s bf16, 80 GB at 3.35 TB/s, NVLink 450 GB/s each way, one 400 Gbit/s port.
pub(crate) const H100: Machine = Machine {
    bf16: 989.4e12,
    fp8: 1978.9e12,
    memory: 80e9,
    bandwidth: 3.35e12,
    domain: 8,
    link: 450e9,
    network: 50e9,
    latency_factor: 0.71,
    switch_efficiency: 0.67,
};

/// B200 SXM: 2.25 PFLOP/s bf16, 180 GB at 8 TB/s, NVLink 900 GB/s each way.
pub(crate) const B200: Machine = Machine {
    bf16: 2250e12,
    fp8: 4500e12,
    memory: 180e9,
    bandwidth: 8e12,
    link: 900e9,
    latency_factor: 1.17,
    switch_efficiency: 0.45,
    ..H100
};

/// H200 SXM: an H100 with 141 GB at 4.8 TB/s.
pub(crate) const H200: Machine = Machine { memory: 141e9, bandwidth: 4.8e12, ..H100 };

/// A100 SXM: 312 TFLOP/s bf16, 80 GB at 2.04 TB/s, NVLink 300 GB/s each way, 200 Gbit/s.
pub(crate) const A100: Machine = Machine {
    bf16: 312e12,
    fp8: 0.0,
    memory: 80e9,
    bandwidth: 2.039e12,
    link: 300e9,
    network: 25e9,
    latency_factor: 1.17,
    switch_efficiency: 0.0,
    ..H100
};

/// A tier without wire latency.
pub(crate) fn tier(kind: LinkKind, span: u32, bandwidth: f64) -> Tier {
    let bandwidth = BytesPerSec(bandwidth);
    Tier { kind, span, bandwidth, pair_bandwidth: bandwidth, latency: Seconds::ZERO }
}

impl Machine {
    pub(crate) fn collectives(&self) -> CollectiveModel {
        collectives(self.latency_factor, self.switch_efficiency)
    }

    pub(crate) fn fabric(&self) -> Fabric {
        let network = tier(LinkKind::Network, u32::MAX, self.network);
        Fabric::new(&[tier(LinkKind::Switched, self.domain, self.link), network])
    }

    pub(crate) fn accelerator(&self) -> Accelerator {
        let mut peaks = Peaks::default();
        peaks.set(ComputeFormat::Bf16, FlopsPerSec(self.bf16));
        peaks.set(ComputeFormat::Fp16, FlopsPerSec(self.bf16));
        peaks.set(ComputeFormat::Fp8, FlopsPerSec(self.fp8));
        Accelerator {
            peaks,
            memory: Bytes(self.memory),
            memory_bandwidth: BytesPerSec(self.bandwidth),
            compute_units: 132.0,
            l2: Bytes(50e6),
            host_bandwidth: BytesPerSec(64e9),
            fabric: self.fabric(),
            board_power: Some(Watts(700.0)),
            rental: Some(UsdPerSec(2.0 / 3600.0)),
            purchase: Some(Usd(28_750.0)),
        }
    }

    /// The machine in a precision that it has, at a share of its clock.
    pub(crate) fn device(&self, name: &str, clock: f64) -> Device {
        let accelerator = self.accelerator();
        let (_, peak) = accelerator.peaks.of(precision(name)).expect("a test asks for a precision of its machine");
        let (precision, plain) = (precision(name), precision("bf16"));
        let plain_peak = FlopsPerSec(self.bf16);
        let chip = |format: &Precision, peak: FlopsPerSec| Chip {
            peak: peak * clock,
            plain_peak: plain_peak * clock,
            bandwidth: accelerator.memory_bandwidth,
            units: accelerator.compute_units,
            l2: accelerator.l2,
            link: BytesPerSec(self.link),
            network: BytesPerSec(self.network),
            weight_bytes: format.weight_bytes(),
            operand_bytes: format.activation_bytes(),
            result_bytes: 2.0,
        };
        let kernels = KernelModel {
            laws: laws(precision),
            chip: chip(precision, peak),
            plain_chip: chip(plain, plain_peak),
            cache_chip: chip(plain, plain_peak),
            attention_ratio: 1.0,
            software: KernelSoftware::default(),
            start: KERNEL_START,
            peak,
            plain_peak,
            bandwidth: accelerator.memory_bandwidth,
        };
        Device { accelerator, kernels, collectives: self.collectives() }
    }
}
