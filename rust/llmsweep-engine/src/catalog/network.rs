//! Links, measured collectives and published constants: the decoders of `networks/`.
use llmsweep_model::hardware::{LinkKind, Tier};
use llmsweep_model::quantity::{BytesPerSec, Seconds};

use super::fields::{Fields, MOST, number};
use crate::node::{DocumentError, Node, Place, Value};

/// A link of the catalogue.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkEntry {
    /// Id in specifications.
    pub id: String,
    /// Sort of link: infiniband, nvlink, pcie …
    pub kind: String,
    /// The link as a tier; a scale-up link spans the devices of its largest domain.
    pub tier: Tier,
    /// What the bandwidth is counted per: accelerator, port …
    pub per: Option<String>,
    /// Where the latency comes from.
    pub latency_source: Option<String>,
    /// What it connects, in words.
    pub scope: Option<String>,
    /// Devices of the largest domain, if it has one.
    pub domain_devices: Option<u32>,
    /// Bus bandwidth of large collectives over the link's rate, where measured; in-switch reduction exceeds 1.
    pub efficiency: Option<f64>,
    /// Where the efficiency comes from.
    pub efficiency_source: Option<String>,
    /// `shipping`, `announced` …
    pub status: Option<String>,
    /// Sources.
    pub source: Vec<String>,
    /// Remark.
    pub note: Option<String>,
    /// Where the entry stands.
    pub place: Place,
}

/// Names of the wirings in catalogue files.
pub const WIRINGS: [(&str, LinkKind); 5] = [
    ("switched", LinkKind::Switched),
    ("mesh", LinkKind::Mesh),
    ("pcie", LinkKind::Pcie),
    ("host", LinkKind::HostPcie),
    ("network", LinkKind::Network),
];

/// Keys of a `[[network]]` table.
pub const NETWORK_KEYS: &[&str] = &[
    "id",
    "kind",
    "wiring",
    "bandwidth_bytes_per_s",
    "per",
    "latency_s",
    "latency_source",
    "scope",
    "domain_devices",
    "efficiency",
    "efficiency_source",
    "status",
    "source",
    "note",
];

/// Devices on one host's PCI Express, where an entry says nothing else.
pub const HOST_DEVICES: u32 = 8;

impl NetworkEntry {
    /// Reads a `[[network]]` table.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(node, "this network", NETWORK_KEYS)?;
        let id = fields.required_text("id")?.to_owned();
        let fields = fields.named(format!("network \"{id}\""));
        let wiring = fields.choice("wiring", &WIRINGS)?.unwrap_or(LinkKind::Network);
        let domain_devices = fields.count("domain_devices", 2, MOST)?;
        let span = match wiring {
            LinkKind::Network => u32::MAX,
            LinkKind::Pcie | LinkKind::HostPcie => HOST_DEVICES,
            LinkKind::Switched | LinkKind::Mesh => domain_devices.unwrap_or(HOST_DEVICES),
        };
        let bandwidth = BytesPerSec(fields.required_positive("bandwidth_bytes_per_s")?);
        let latency = Seconds(fields.required_positive("latency_s")?);
        Ok(Self {
            kind: fields.text("kind")?.unwrap_or("network").to_owned(),
            tier: Tier { kind: wiring, span, bandwidth, pair_bandwidth: bandwidth, latency },
            per: fields.text("per")?.map(str::to_owned),
            latency_source: fields.text("latency_source")?.map(str::to_owned),
            scope: fields.text("scope")?.map(str::to_owned),
            domain_devices,
            efficiency: fields.share("efficiency", 2.0)?,
            efficiency_source: fields.text("efficiency_source")?.map(str::to_owned),
            status: fields.text("status")?.map(str::to_owned),
            source: fields.texts("source")?,
            note: fields.text("note")?.map(str::to_owned),
            place: fields.place().clone(),
            id,
        })
    }

    /// Whether the link joins hosts, so that a sweep may choose it as its network.
    #[must_use]
    pub fn joins_hosts(&self) -> bool {
        self.tier.kind == LinkKind::Network
    }
}

/// A measured collective: one line of `measured_collective`.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredCollective {
    /// System, an architecture name as its source writes it.
    pub system: String,
    /// Collective.
    pub collective: String,
    /// Devices.
    pub devices: u32,
    /// Rate of the link, one direction.
    pub link_bandwidth: BytesPerSec,
    /// Best bus bandwidth, as nccl-tests defines it.
    pub bus_bandwidth: BytesPerSec,
    /// Bus bandwidth over link bandwidth.
    pub efficiency: f64,
    /// Time of the smallest message.
    pub alpha: Option<Seconds>,
    /// Message of the best bus bandwidth. \[B\]
    pub at_bytes: Option<f64>,
    /// Message that reaches half the best bus bandwidth. \[B\]
    pub half_bandwidth_bytes: Option<f64>,
    /// NCCL version.
    pub nccl: Option<String>,
    /// Algorithm and size, in words.
    pub condition: Option<String>,
    /// Source.
    pub source: Vec<String>,
}

impl MeasuredCollective {
    const KEYS: &[&str] = &[
        "system",
        "collective",
        "devices",
        "link_bandwidth_bytes_per_s",
        "bus_bandwidth_bytes_per_s",
        "efficiency",
        "alpha_s",
        "at_bytes",
        "half_bandwidth_bytes",
        "nccl",
        "condition",
        "source",
    ];

    /// Reads one item of `measured_collective`.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(node, "this measured collective", Self::KEYS)?;
        Ok(Self {
            system: fields.required_text("system")?.to_owned(),
            collective: fields.required_text("collective")?.to_owned(),
            devices: fields.required_count("devices")?,
            link_bandwidth: BytesPerSec(fields.required_positive("link_bandwidth_bytes_per_s")?),
            bus_bandwidth: BytesPerSec(fields.required_positive("bus_bandwidth_bytes_per_s")?),
            efficiency: fields.required_positive("efficiency")?,
            alpha: fields.positive("alpha_s")?.map(Seconds),
            at_bytes: fields.positive("at_bytes")?,
            half_bandwidth_bytes: fields.positive("half_bandwidth_bytes")?,
            nccl: fields.text("nccl")?.map(str::to_owned),
            condition: fields.text("condition")?.map(str::to_owned),
            source: fields.texts("source")?,
        })
    }
}

/// A set of published constants: one `[[constants]]` table.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstantSet {
    /// Id.
    pub id: String,
    /// Name, with its unit, and one or more values.
    pub values: Vec<(String, Vec<f64>)>,
    /// Sources.
    pub source: Vec<String>,
    /// Remark.
    pub note: Option<String>,
}

impl ConstantSet {
    /// Reads a `[[constants]]` table.
    ///
    /// # Errors
    /// The first unknown or missing key, wrong type or impossible number.
    pub fn decode(node: &Node) -> Result<Self, DocumentError> {
        let fields = Fields::new(node, "this set of constants", &["id", "values", "source", "note"])?;
        let id = fields.required_text("id")?.to_owned();
        let fields = fields.named(format!("constants \"{id}\""));
        let Some(Node { value: Value::Table(entries), .. }) = fields.node("values") else {
            return Err(fields.error("values", format!("\"values\" of {} must be a table of numbers", fields.what())));
        };
        let mut values = Vec::new();
        for entry in entries {
            let items = match &entry.node.value {
                Value::Array(items) => items.as_slice(),
                _ => std::slice::from_ref(&entry.node),
            };
            let numbers: Option<Vec<f64>> =
                items.iter().map(|item| number(item).filter(|number| number.is_finite() && *number >= 0.0)).collect();
            let Some(numbers) = numbers else {
                let message = format!("\"{}\" of {} must be finite numbers of at least 0", entry.key, fields.what());
                return Err(DocumentError::new(&entry.node.place, message));
            };
            values.push((entry.key.clone(), numbers));
        }
        Ok(Self { values, source: fields.texts("source")?, note: fields.text("note")?.map(str::to_owned), id })
    }

    /// The values of a constant.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }
}
