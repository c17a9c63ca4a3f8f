//! What connects an accelerator to others, put together from its own entry and the catalogue's links.
//!
//! Innermost the scale-up domain, if there is one; then the host's PCI Express, where the domain is smaller than a host; then the
//! network, one device's share of the host's ports.
use std::collections::BTreeMap;

use llmsweep_model::hardware::{Accelerator, Fabric, LinkKind, Tier};
use llmsweep_model::quantity::{BytesPerSec, Seconds};

use super::accelerator::AcceleratorEntry;
use super::network::NetworkEntry;
use super::price::Price;
use crate::node::{DocumentError, nearest};

/// The link assumed where an accelerator's network is unknown: 100 Gb/s Ethernet.
pub const ASSUMED_NIC: &str = "roce-100";
/// What `unverified` says then.
pub const NIC_ASSUMED: &str = "nic assumed";

/// A fabric of a network without latency, until the catalogue's links are known.
pub(crate) fn network_alone(bandwidth: BytesPerSec) -> Fabric {
    Fabric::new(&[network_tier(bandwidth, Seconds::ZERO)])
}

fn network_tier(bandwidth: BytesPerSec, latency: Seconds) -> Tier {
    Tier { kind: LinkKind::Network, span: u32::MAX, bandwidth, pair_bandwidth: bandwidth, latency }
}

impl AcceleratorEntry {
    /// Builds the fabric from the catalogue's links and takes the price list's prices.
    ///
    /// # Errors
    /// A link that this accelerator needs and the catalogue lacks.
    pub(crate) fn connect(
        &mut self,
        networks: &BTreeMap<String, NetworkEntry>,
        prices: &BTreeMap<String, Price>,
    ) -> Result<(), DocumentError> {
        let pcie = self.link(networks, &format!("pcie{}-x16", self.pcie_generation))?.tier;
        let mut tiers = Vec::with_capacity(3);
        if let Some(scale_up) = self.scale_up.as_ref().filter(|scale_up| scale_up.devices > 1) {
            let latency = match scale_up.latency {
                Some(latency) => latency,
                None => self.link(networks, &scale_up.link)?.tier.latency,
            };
            tiers.push(Tier {
                kind: scale_up.wiring,
                span: scale_up.devices,
                bandwidth: scale_up.bandwidth,
                pair_bandwidth: scale_up.pair_bandwidth,
                latency,
            });
        }
        let pcie_bandwidth = self.pcie_bandwidth.unwrap_or(pcie.bandwidth);
        if self.host_devices > tiers.first().map_or(1, |tier| tier.span) {
            tiers.push(Tier {
                kind: if self.pcie_peer_to_peer { LinkKind::Pcie } else { LinkKind::HostPcie },
                span: self.host_devices,
                bandwidth: pcie_bandwidth,
                pair_bandwidth: pcie_bandwidth,
                ..pcie
            });
        }
        let nic = self.link(networks, self.nic_link.as_deref().unwrap_or(ASSUMED_NIC))?.tier;
        tiers.push(network_tier(self.nic_bandwidth.unwrap_or(nic.bandwidth), nic.latency));
        if self.nic_bandwidth.is_none()
            && self.nic_link.is_none()
            && !self.unverified.iter().any(|field| field == NIC_ASSUMED)
        {
            self.unverified.push(NIC_ASSUMED.to_owned());
        }
        self.accelerator.fabric = Fabric::new(&tiers);
        self.accelerator.host_bandwidth = self.host_bandwidth.unwrap_or(pcie_bandwidth);
        self.price = prices.get(&self.id).cloned();
        self.accelerator.rental = self.own_rental.or_else(|| self.price.as_ref().and_then(Price::rental));
        self.accelerator.purchase = self.own_purchase.or_else(|| self.price.as_ref().and_then(|price| price.purchase));
        Ok(())
    }

    fn link<'a>(
        &self,
        networks: &'a BTreeMap<String, NetworkEntry>,
        id: &str,
    ) -> Result<&'a NetworkEntry, DocumentError> {
        networks.get(id).ok_or_else(|| {
            let hint = nearest(id, networks.keys().map(String::as_str))
                .map_or(String::new(), |name| format!("; did you mean \"{name}\"?"));
            let message =
                format!("accelerator \"{}\" needs the network \"{id}\", which no catalogue has{hint}", self.id);
            DocumentError::new(&self.place, message)
        })
    }

    /// The accelerator with another network: the last tier at the bandwidth of so many of that link, and at its latency. Where several devices
    /// of a host share a port each has a part of it.
    #[must_use]
    pub fn with_network(&self, network: &NetworkEntry, nics_per_device: f64) -> Accelerator {
        let mut tiers = self.accelerator.fabric.tiers().to_vec();
        if let Some(last) = tiers.last_mut() {
            *last = network_tier(network.tier.bandwidth * nics_per_device, network.tier.latency);
        }
        Accelerator { fabric: Fabric::new(&tiers), ..self.accelerator }
    }
}
