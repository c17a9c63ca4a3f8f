//! An accelerator of the catalogue and its decoder.
use llmsweep_model::economics::HOUR;
use llmsweep_model::hardware::{Accelerator, LinkKind, Peaks};
use llmsweep_model::precision::ComputeFormat;
use llmsweep_model::quantity::{Bytes, BytesPerSec, FlopsPerSec, Seconds, Usd, UsdPerSec, Watts};

use super::fabric;
use super::fields::{Fields, MOST};
use super::network::HOST_DEVICES;
use super::price::Price;
use crate::node::{DocumentError, Node, Place};

/// An accelerator of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceleratorEntry {
    /// Id in specifications.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Vendor.
    pub vendor: String,
    /// Architecture: accelerators of one share their efficiencies.
    pub architecture: String,
    /// Year of release.
    pub year: Option<u32>,
    /// `shipping`, `announced` …
    pub status: String,
    /// What the model sees, with fabric and prices.
    pub accelerator: Accelerator,
    /// Sort of memory.
    pub memory_type: Option<String>,
    /// Capacity on the vendor's label. \[GB, as the vendor counts\]
    pub memory_label_gb: Option<f64>,
    /// Streaming multiprocessors, compute units or cores, if published.
    pub compute_units: Option<u32>,
    /// Second-level cache.
    pub l2: Option<Bytes>,
    /// Cache behind the second level (Infinity Cache).
    pub last_level_cache: Option<Bytes>,
    /// Registers, shared memory, scratch pads.
    pub on_chip_memory: Option<Bytes>,
    /// The scale-up domain, if there is one.
    pub scale_up: Option<ScaleUp>,
    /// Generation of PCI Express, 16 lanes.
    pub pcie_generation: u32,
    /// Bandwidth to other devices of the host where it is not that of 16 lanes.
    pub pcie_bandwidth: Option<BytesPerSec>,
    /// Whether devices reach each other over PCI Express; otherwise every byte passes through the host's memory.
    pub pcie_peer_to_peer: bool,
    /// Speed of 16-bit multiplications that accumulate in 16 bits over those of the peaks: 2 on boards that are slower otherwise.
    pub half_accumulation: f64,
    /// Bandwidth to the host where it is not PCI Express (Grace).
    pub host_bandwidth: Option<BytesPerSec>,
    /// Devices of a usual host.
    pub host_devices: u32,
    /// One device's share of the host's network, one direction.
    pub nic_bandwidth: Option<BytesPerSec>,
    /// The link of that network, whose latency it has.
    pub nic_link: Option<String>,
    /// Best matrix rates that anyone measured.
    pub measured_peaks: Peaks,
    /// Where they were measured.
    pub measured_peak_source: Option<String>,
    /// A rental of this entry's own, which wins over the price list.
    pub own_rental: Option<UsdPerSec>,
    /// A purchase price of this entry's own, which wins over the price list.
    pub own_purchase: Option<Usd>,
    /// The price list's line, if there is one.
    pub price: Option<Price>,
    /// Fields known from memory only, and assumptions (`nic assumed`).
    pub unverified: Vec<String>,
    /// Sources.
    pub source: Vec<String>,
    /// Remark.
    pub note: Option<String>,
    /// Where the entry stands.
    pub place: Place,
}

/// The innermost tier: devices joined more tightly than by PCI Express.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaleUp {
    /// The link, a network of the catalogue or a name of its own.
    pub link: String,
    /// Switched or a mesh.
    pub wiring: LinkKind,
    /// Devices of the domain.
    pub devices: u32,
    /// All links of one device, one direction.
    pub bandwidth: BytesPerSec,
    /// To one peer, one direction.
    pub pair_bandwidth: BytesPerSec,
    /// Latency of a hop, where the link is not in the catalogue.
    pub latency: Option<Seconds>,
}

/// Keys of an `[[accelerator]]` table.
pub const ACCELERATOR_KEYS: &[&str] = &[
    "id",
    "name",
    "vendor",
    "architecture",
    "year",
    "status",
    "peak_flops_per_s",
    "compute_units",
    "memory_bytes",
    "memory_type",
    "memory_label_gb",
    "memory_bandwidth_bytes_per_s",
    "l2_bytes",
    "last_level_cache_bytes",
    "on_chip_memory_bytes",
    "scale_up_link",
    "scale_up_wiring",
    "scale_up_devices",
    "scale_up_bandwidth_bytes_per_s",
    "scale_up_pair_bandwidth_bytes_per_s",
    "scale_up_latency_s",
    "pcie_generation",
    "pcie_bandwidth_bytes_per_s",
    "pcie_peer_to_peer",
    "half_accumulation",
    "host_bandwidth_bytes_per_s",
    "host_devices",
    "nic_bandwidth_bytes_per_s",
    "nic_link",
    "board_power_w",
    "measured_peak_flops_per_s",
    "measured_peak_source",
    "rental_usd_per_hour",
    "purchase_usd",
    "source",
    "unverified",
    "note",
];

/// Compute units of an accelerator whose entry names none: those of a large chip, so that a wave of tiles is neither long nor short.
const USUAL_COMPUTE_UNITS: f64 = 128.0;

/// Architecture of an accelerator whose entry names none.
const UNNAMED: &str = "other";

impl AcceleratorEntry {
    /// Reads an `[[accelerator]]` table. Its fabric has only the network until the catalogue connects it.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(node, "this accelerator", ACCELERATOR_KEYS)?;
        let id = fields.required_text("id")?.to_owned();
        let fields = fields.named(format!("accelerator \"{id}\""));
        let Some(peaks) = peaks(&fields, "peak_flops_per_s")? else {
            return Err(DocumentError::new(
                fields.place(),
                format!("{} lacks the key \"peak_flops_per_s\"", fields.what()),
            ));
        };
        let bandwidth = |key| Ok::<_, DocumentError>(fields.positive(key)?.map(BytesPerSec));
        let size = |key| Ok::<_, DocumentError>(fields.positive(key)?.map(Bytes));
        let text = |key| Ok::<_, DocumentError>(fields.text(key)?.map(str::to_owned));
        let nic_bandwidth = bandwidth("nic_bandwidth_bytes_per_s")?;
        let own_rental = fields.positive("rental_usd_per_hour")?.map(|price| UsdPerSec(price / HOUR));
        let own_purchase = fields.positive("purchase_usd")?.map(Usd);
        let host_bandwidth = bandwidth("host_bandwidth_bytes_per_s")?;
        let l2 = size("l2_bytes")?;
        let compute_units = fields.count("compute_units", 1, MOST)?;
        let accelerator = Accelerator {
            peaks,
            compute_units: compute_units.map_or(USUAL_COMPUTE_UNITS, f64::from),
            l2: l2.unwrap_or(Bytes::ZERO),
            memory: Bytes(fields.required_positive("memory_bytes")?),
            memory_bandwidth: BytesPerSec(fields.required_positive("memory_bandwidth_bytes_per_s")?),
            host_bandwidth: host_bandwidth.unwrap_or(BytesPerSec::ZERO),
            fabric: fabric::network_alone(nic_bandwidth.unwrap_or(BytesPerSec::ZERO)),
            board_power: fields.positive("board_power_w")?.map(Watts),
            rental: own_rental,
            purchase: own_purchase,
        };
        Ok(Self {
            name: text("name")?.unwrap_or_else(|| id.clone()),
            vendor: text("vendor")?.unwrap_or_else(|| UNNAMED.to_owned()),
            architecture: text("architecture")?.unwrap_or_else(|| UNNAMED.to_owned()),
            year: fields.count("year", 1950, 2100)?,
            status: text("status")?.unwrap_or_else(|| "hypothetical".to_owned()),
            accelerator,
            memory_type: text("memory_type")?,
            memory_label_gb: fields.positive("memory_label_gb")?,
            compute_units,
            l2,
            last_level_cache: size("last_level_cache_bytes")?,
            on_chip_memory: size("on_chip_memory_bytes")?,
            scale_up: scale_up(&fields)?,
            pcie_generation: fields.count("pcie_generation", 1, 9)?.unwrap_or(5),
            pcie_bandwidth: bandwidth("pcie_bandwidth_bytes_per_s")?,
            pcie_peer_to_peer: fields.flag_or("pcie_peer_to_peer", true)?,
            half_accumulation: fields.positive("half_accumulation")?.unwrap_or(1.0),
            host_bandwidth,
            host_devices: fields.count("host_devices", 1, MOST)?.unwrap_or(HOST_DEVICES),
            nic_bandwidth,
            nic_link: text("nic_link")?,
            measured_peaks: measured(&fields)?,
            measured_peak_source: text("measured_peak_source")?,
            own_rental,
            own_purchase,
            price: None,
            unverified: fields.texts("unverified")?,
            source: fields.texts("source")?,
            note: text("note")?,
            place: fields.place().clone(),
            id,
        })
    }
}

fn measured(fields: &Fields<'_>) -> Result<Peaks, DocumentError> {
    Ok(peaks(fields, "measured_peak_flops_per_s")?.unwrap_or_default())
}

/// A table of rates by compute format, if given.
fn peaks(fields: &Fields<'_>, key: &str) -> Result<Option<Peaks>, DocumentError> {
    let names = ComputeFormat::ALL.map(ComputeFormat::name);
    let Some(table) = fields.table(key, &names)? else { return Ok(None) };
    let mut peaks = Peaks::default();
    for format in ComputeFormat::ALL {
        if let Some(rate) = table.positive(format.name())? {
            peaks.set(format, FlopsPerSec(rate));
        }
    }
    if table.entries().is_empty() {
        let message = format!("{} is empty, allowed are rates for {}", table.what(), names.join(", "));
        return Err(DocumentError::new(table.place(), message));
    }
    Ok(Some(peaks))
}

/// The scale-up domain: all of its keys or none, except those with a default.
fn scale_up(fields: &Fields<'_>) -> Result<Option<ScaleUp>, DocumentError> {
    const KEYS: [&str; 6] = [
        "scale_up_link",
        "scale_up_wiring",
        "scale_up_devices",
        "scale_up_bandwidth_bytes_per_s",
        "scale_up_pair_bandwidth_bytes_per_s",
        "scale_up_latency_s",
    ];
    if !KEYS.iter().any(|key| fields.has(key)) {
        return Ok(None);
    }
    let devices = fields.required_count("scale_up_devices")?;
    let bandwidth = fields.required_positive("scale_up_bandwidth_bytes_per_s")?;
    let pair = fields.positive("scale_up_pair_bandwidth_bytes_per_s")?.unwrap_or(bandwidth);
    if pair > bandwidth {
        let message = format!(
            "\"scale_up_pair_bandwidth_bytes_per_s\" of {} is \"{pair}\", more than all its links together, \"{bandwidth}\"",
            fields.what()
        );
        return Err(fields.error("scale_up_pair_bandwidth_bytes_per_s", message));
    }
    let wirings = [("switched", LinkKind::Switched), ("mesh", LinkKind::Mesh)];
    Ok(Some(ScaleUp {
        link: fields.required_text("scale_up_link")?.to_owned(),
        wiring: fields.choice("scale_up_wiring", &wirings)?.unwrap_or(LinkKind::Switched),
        devices,
        bandwidth: BytesPerSec(bandwidth),
        pair_bandwidth: BytesPerSec(pair),
        latency: fields.positive("scale_up_latency_s")?.map(Seconds),
    }))
}
