//! In which order stages work on micro-batches, what a schedule asks of a run, and what waits on its stages.
use super::stages::Order;
use crate::reject::Reject;

/// A pipeline schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Schedule {
    /// One forward, one backward; interleaved where stages have several chunks (Narayanan et al. 2021, arXiv:2104.04473, section 2.2).
    OneForwardOneBackward,
    /// All forward passes, then all backward ones (Huang et al. 2019, arXiv:1811.06965).
    GPipe,
    /// Weight gradients put off to fill the waits, in the memory of 1F1B (Qi et al. 2024, arXiv:2401.10241, section 2.1).
    ZeroBubbleH1,
    /// The same with two chunks per stage, there and back (the same paper, section 6; arXiv:2405.15362).
    ZeroBubbleV,
    /// Two copies of the model from either end, forward beside backward (DeepSeek-AI 2024, arXiv:2412.19437, section 3.2.1).
    DualPipe,
    /// Half of that: one copy, two chunks per stage, there and back (deepseek-ai/DualPipe).
    DualPipeV,
}

impl Schedule {
    /// Every schedule with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("1f1b", Self::OneForwardOneBackward),
        ("gpipe", Self::GPipe),
        ("zero_bubble_h1", Self::ZeroBubbleH1),
        ("zero_bubble_v", Self::ZeroBubbleV),
        ("dualpipe", Self::DualPipe),
        ("dualpipe_v", Self::DualPipeV),
    ];

    /// Where the chunks of the model go.
    #[must_use]
    pub const fn order(self) -> Order {
        match self {
            Self::OneForwardOneBackward | Self::GPipe | Self::ZeroBubbleH1 => Order::Loop,
            Self::ZeroBubbleV | Self::DualPipeV => Order::There,
            Self::DualPipe => Order::Mirror,
        }
    }

    /// Copies of the model that the stages hold together.
    #[must_use]
    pub const fn copies(self) -> f64 {
        self.order().copies()
    }

    /// Whether a schedule can run on so many stages, of so many chunks each.
    pub fn check_stages(self, pipeline: u32, chunks: u32) -> Result<(), Reject> {
        match self {
            Self::OneForwardOneBackward if pipeline == 1 && chunks > 1 => Err(Reject::VirtualPipelineAlone),
            Self::OneForwardOneBackward => Ok(()),
            _ if pipeline == 1 => Err(Reject::ScheduleAlone),
            _ if chunks != if self.order() == Order::There { 2 } else { 1 } => Err(Reject::ScheduleChunks),
            _ => Ok(()),
        }
    }

    /// Whether a schedule can run so many micro-batches on such stages.
    ///
    /// The interleaved schedule takes micro-batches in rounds of one per stage (Narayanan et al. 2021, section 2.2.2). `DualPipe` sends
    /// half of them from either end, and asserts `2·p` at least (`dualpipe/dualpipe.py`, `dualpipe/dualpipev.py`).
    pub fn check_batches(self, pipeline: u32, chunks: u32, micro_batches: u32) -> Result<(), Reject> {
        let enough = u64::from(micro_batches) >= 2 * u64::from(pipeline);
        let runs = match self {
            Self::OneForwardOneBackward if chunks > 1 && !micro_batches.is_multiple_of(pipeline) => {
                return Err(Reject::VirtualPipelineBatches);
            }
            Self::DualPipe => enough && micro_batches.is_multiple_of(2) && pipeline.is_multiple_of(2),
            Self::DualPipeV => enough,
            _ => true,
        };
        if runs { Ok(()) } else { Err(Reject::ScheduleBatches) }
    }

    /// Whether a stage has other work while a message between stages travels.
    #[must_use]
    pub fn hides_messages(self, chunks: f64) -> bool {
        self != Self::OneForwardOneBackward || chunks > 1.0
    }

    /// Whether forward passes hide messages of backward passes and the reverse.
    #[must_use]
    pub const fn pairs(self) -> bool {
        matches!(self, Self::DualPipe | Self::DualPipeV)
    }

    /// Micro-batches, of `m`, whose passes run beside another's and hide its messages, on the stage that has the fewest.
    ///
    /// Counted in the published programs: the outermost rank of `DualPipe` pairs `m − 3p/2 + 1` passes, that of `DualPipeV`
    /// `2m − 3p + 1` of half the length (`dualpipe/dualpipe.py` and `dualpipev.py`, steps 4 and 5).
    ///
    /// ```
    /// # use llmsweep_model::parallel::pipeline::Schedule;
    /// assert_eq!(Schedule::DualPipe.paired(8.0, 20.0), 9.0);
    /// assert_eq!(Schedule::DualPipeV.paired(4.0, 10.0), 4.5);
    /// assert_eq!(Schedule::ZeroBubbleH1.paired(8.0, 20.0), 0.0);
    /// ```
    #[must_use]
    pub fn paired(self, pipeline: f64, micro_batches: f64) -> f64 {
        match self {
            Self::DualPipe => micro_batches - 1.5 * pipeline + 1.0,
            Self::DualPipeV => micro_batches - 1.5 * pipeline + 0.5,
            _ => 0.0,
        }
    }

    /// Micro-batches, in units of all that the stage keeps of one, that wait for their backward pass on stage `stage` of `pipeline`.
    ///
    /// 1F1B: `min(m, p − i)`; interleaved, in chunks of `1/v`: `((v−1)·p + 2·(p−i−1) + 1)/v`, which on stage 0 is
    /// `p·(1 + (p−1)/(p·v))` (Korthikanti et al. 2022, arXiv:2205.05198, section 4.2.3). `GPipe`: all. Zero bubble: `p` on every stage
    /// (Qi et al. 2024, arXiv:2401.10241, sections 2.1 and 6). `DualPipe`: `p + 1`, each on one of the two halves that a device
    /// holds (DeepSeek-AI 2024, arXiv:2412.19437, table 2); `DualPipeV` the same with `2p` half stages.
    ///
    /// ```
    /// # use llmsweep_model::parallel::pipeline::Schedule;
    /// assert_eq!(Schedule::OneForwardOneBackward.in_flight(8.0, 1.0, 64.0, 0.0), 8.0);
    /// assert_eq!(Schedule::OneForwardOneBackward.in_flight(8.0, 2.0, 64.0, 0.0), 8.0 * (1.0 + 7.0 / 16.0));
    /// assert_eq!(Schedule::ZeroBubbleH1.in_flight(8.0, 1.0, 64.0, 7.0), 8.0);
    /// assert_eq!(Schedule::DualPipe.in_flight(8.0, 1.0, 64.0, 0.0), 9.0 / 2.0);
    /// assert_eq!(Schedule::DualPipeV.in_flight(8.0, 2.0, 64.0, 0.0), 17.0 / 2.0);
    /// ```
    #[must_use]
    pub fn in_flight(self, pipeline: f64, chunks: f64, micro_batches: f64, stage: f64) -> f64 {
        let behind = pipeline - stage;
        let waiting = match self {
            Self::OneForwardOneBackward if chunks <= 1.0 => behind,
            Self::OneForwardOneBackward => ((chunks - 1.0) * pipeline + 2.0 * (behind - 1.0) + 1.0) / chunks,
            Self::GPipe => micro_batches,
            Self::ZeroBubbleH1 | Self::ZeroBubbleV => pipeline,
            Self::DualPipe => pipeline / 2.0 + 0.5,
            Self::DualPipeV => pipeline + 0.5,
        };
        waiting.min(micro_batches / self.copies())
    }
}
