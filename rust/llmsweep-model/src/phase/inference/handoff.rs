//! The cache of a prompt on its way from the devices that prefilled it to those that decode.
use super::Replica;
use crate::quantity::{Bytes, Seconds};

/// Bytes and time of one request's hand-off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Handoff {
    /// What crosses: the prompt's cache, once for each tensor rank where a latent is held whole by all. \[B\]
    pub bytes: f64,
    /// Time on the wire.
    pub time: Seconds,
    /// What of it the first token waits for.
    pub exposed: Seconds,
}

impl Handoff {
    /// From a prefill replica of `prefill_devices` devices to a decode replica of `decode_devices`.
    ///
    /// All devices of a replica send and receive their parts at once; the slower side counts. `distance` is the number of devices that lie
    /// between the two: it chooses the tier. A layer's cache leaves while the next layer is computed, so a prefill of `L` layers hides all
    /// but the last layer's part, or what does not fit beside it (layer-wise transfer: Patel et al. 2024, arXiv:2311.18677, section 4.2).
    pub(super) fn of(
        prefill: &Replica,
        prefill_devices: f64,
        decode: &Replica,
        decode_devices: f64,
        distance: f64,
        input_tokens: f64,
        prefill_time: Seconds,
    ) -> Self {
        let kinds = decode.work.kinds.iter().zip(&decode.work.caches);
        let of_rank: f64 = kinds.map(|((_, count), cache)| count * cache.request_bytes(input_tokens)).sum();
        let bytes = of_rank * decode.devices(1);
        let side = |replica: &Replica, devices: f64| {
            let device = &replica.device.device;
            device.collectives.point_to_point(Bytes(bytes / devices), distance, &device.accelerator.fabric)
        };
        let time = side(prefill, prefill_devices).max(side(decode, decode_devices));
        let layers = f64::from(decode.shape.layers()).max(1.0);
        let hidden = prefill_time * (1.0 - 1.0 / layers);
        let exposed = (time / layers).max(Seconds((time - hidden).0));
        Self { bytes, time, exposed }
    }
}
