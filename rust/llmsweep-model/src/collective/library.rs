//! A communication library inside one domain.
use crate::law::{AllReduceLaw, RingLaw};
use crate::quantity::{Bytes, BytesPerSec, Seconds};
use crate::work::Collective;

/// The laws of a communication library on one sort of link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Library {
    /// All-reduce.
    pub all_reduce: AllReduceLaw,
    /// All-gather; also what a message to one other rank takes.
    pub all_gather: RingLaw,
    /// Reduce-scatter.
    pub reduce_scatter: RingLaw,
    /// All-to-all.
    pub all_to_all: RingLaw,
}

impl Library {
    /// Time of a collective of at least two ranks.
    #[must_use]
    pub fn seconds(&self, collective: Collective, link: BytesPerSec, ranks: f64, bytes: Bytes) -> Seconds {
        match collective {
            Collective::AllReduce => self.all_reduce.seconds(link, ranks, bytes),
            other => self.ring(other).seconds(other, link, ranks, bytes),
        }
    }

    /// Latencies of another architecture, and whether its switch sums.
    #[must_use]
    pub fn of_architecture(self, factor: f64, switch_efficiency: f64) -> Self {
        let mut other = self.each(|ring| ring.with_latencies_times(factor));
        other.all_reduce.switch_efficiency = switch_efficiency;
        other
    }

    /// The same latencies where devices are wired to each other: no switch that could sum, and one efficiency.
    #[must_use]
    pub fn on_a_mesh(self, efficiency: f64) -> Self {
        let mesh =
            |ring: RingLaw| RingLaw { pair_efficiency: efficiency, ring_efficiency: efficiency, crowding: 0.0, ..ring };
        let mut other = self.each(mesh);
        other.all_reduce.switch_efficiency = 0.0;
        other
    }

    /// Share of the links that many bytes reach between `ranks`.
    #[must_use]
    pub fn efficiency(&self, collective: Collective, ranks: f64) -> f64 {
        self.ring(collective).efficiency(ranks)
    }

    fn ring(&self, collective: Collective) -> &RingLaw {
        match collective {
            Collective::AllReduce => &self.all_reduce.ring,
            Collective::AllGather | Collective::PointToPoint => &self.all_gather,
            Collective::ReduceScatter => &self.reduce_scatter,
            Collective::AllToAll => &self.all_to_all,
        }
    }

    fn each(self, change: impl Fn(RingLaw) -> RingLaw) -> Self {
        Self {
            all_reduce: AllReduceLaw { ring: change(self.all_reduce.ring), ..self.all_reduce },
            all_gather: change(self.all_gather),
            reduce_scatter: change(self.reduce_scatter),
            all_to_all: change(self.all_to_all),
        }
    }
}
