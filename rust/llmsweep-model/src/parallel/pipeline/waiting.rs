//! How long the stages of a pipeline wait for each other.
use super::schedule::Schedule;
use crate::quantity::Seconds;

/// What one micro-batch takes on one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Passes {
    /// Forward.
    pub forward: Seconds,
    /// Backward to the inputs: what the stage before waits for.
    pub input: Seconds,
    /// Backward to the weights: what no stage waits for.
    pub weight: Seconds,
    /// Messages that a partner's passes hide in a schedule that pairs micro-batches; part of the other three.
    pub paired: Seconds,
}

impl Passes {
    /// Both passes.
    #[must_use]
    pub fn total(&self) -> Seconds {
        self.forward + self.backward()
    }

    /// The whole backward pass.
    #[must_use]
    pub fn backward(&self) -> Seconds {
        self.input + self.weight
    }
}

/// A pipeline of stages, met from the last to the first, and what it takes to run micro-batches through them.
///
/// With the passes `f`, `b` and `w` of stage `s`, `t = f + b + w`, and `k = p − 1 − s` stages behind it that take `D = Σ t` together:
///
/// - 1F1B, a stage that never waits but for others: `T = max_s (m·t + (Σ_before t + max(k·f, D) + max(k·(b+w), D) − k·t)/v)`. Before its first
///   backward pass a stage has `k` more forward passes to do, after its last forward pass `k` backward ones, while a micro-batch goes to
///   the end and back. Equal stages: `m·t + (p − 1)·t/v` (Narayanan et al. 2021, arXiv:2104.04473, sections 2.2.1 and 2.2.2).
/// - `GPipe`: `Σ f + (m − 1)·max f + Σ (b+w) + (m − 1)·max (b+w)`.
/// - ZB-H1: the same as 1F1B with `f + b` alone passed on, and up to `p − 1` weight gradients in the waits; equal stages
///   `m·t + (p − 1)(f + b − w)` (Qi et al. 2024, arXiv:2401.10241, table 1).
/// - ZB-V: nothing where `f = b = w`; otherwise assumed as ZB-H2, whose bubble is `(p − 1)(f + b − 2w)` (the same table).
/// - `DualPipe`: `(p/2 − 1)(f&b + b + w − 3w)`, `f&b` a pair of passes (DeepSeek-AI 2024, arXiv:2412.19437, table 2, where B is `b + w`);
///   `DualPipeV` the same with `2p` stages of half the length.
///
/// ```
/// # use llmsweep_model::parallel::pipeline::{Passes, Schedule, Walk};
/// # use llmsweep_model::quantity::Seconds;
/// let equal = Passes { forward: Seconds(1.0), input: Seconds(1.0), weight: Seconds(1.0), paired: Seconds(0.0) };
/// let bubble = |schedule, chunks| {
///     let mut walk = Walk::new(schedule, 8.0, chunks, 64.0);
///     walk.add(equal, 8.0);
///     walk.bubble(&equal).0
/// };
/// assert_eq!(bubble(Schedule::OneForwardOneBackward, 1.0), 7.0 * 3.0);
/// assert_eq!(bubble(Schedule::ZeroBubbleH1, 1.0), 7.0);
/// assert_eq!(bubble(Schedule::ZeroBubbleV, 2.0), 0.0);
/// assert_eq!(bubble(Schedule::DualPipe, 1.0), 3.0 * (3.0 + 2.0 - 3.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    schedule: Schedule,
    pipeline: f64,
    chunks: f64,
    micro_batches: f64,
    stages: f64,
    sum: Passes,
    longest_forward: Seconds,
    longest_backward: Seconds,
    longest: Seconds,
    reach: Seconds,
}

impl Walk {
    /// A pipeline of which no stage was met yet.
    #[must_use]
    pub fn new(schedule: Schedule, pipeline: f64, chunks: f64, micro_batches: f64) -> Self {
        let none = Seconds::ZERO;
        Self {
            schedule,
            pipeline,
            chunks,
            micro_batches,
            stages: 0.0,
            sum: Passes::default(),
            longest_forward: none,
            longest_backward: none,
            longest: none,
            reach: none,
        }
    }

    /// Meets `count` equal stages before those met already. The last of them waits longest: stages before it take all their time before
    /// it starts or after it ends, those behind it only what it can't fill.
    #[inline]
    pub fn add(&mut self, stage: Passes, count: f64) {
        let zero_bubble = self.schedule == Schedule::ZeroBubbleH1;
        let (forward, total) = (stage.forward, stage.total());
        let (passed_back, behind, filled) = if zero_bubble {
            let put_off = (self.pipeline - 1.0).min(self.micro_batches - 1.0);
            (stage.input, self.sum.forward + self.sum.input, stage.weight * put_off)
        } else {
            (stage.backward(), self.sum.total(), Seconds::ZERO)
        };
        let passed = forward + passed_back;
        // A stage with more stages behind it than other micro-batches has no steady state; `bubble` has the chain that it is part of.
        let steady_state = self.stages < self.micro_batches;
        let waited = if steady_state { behind } else { Seconds::ZERO };
        let waits = (forward * self.stages).max(waited) + (passed_back * self.stages).max(waited);
        // Less the sum over all stages, which is not known yet: what is before a stage is the sum without itself and those behind it.
        let around = waits - passed * (self.stages + 1.0) - behind - filled;
        let steady = total * self.micro_batches + around / self.chunks;
        let first = self.stages <= 0.0;
        self.reach = if first { steady } else { self.reach.max(steady) };
        self.longest = self.longest.max(total);
        self.longest_forward = self.longest_forward.max(forward);
        self.longest_backward = self.longest_backward.max(stage.backward());
        self.sum = Passes {
            forward: self.sum.forward + forward * count,
            input: self.sum.input + stage.input * count,
            weight: self.sum.weight + stage.weight * count,
            paired: Seconds::ZERO,
        };
        self.stages += count;
    }

    /// What the slowest stage waits in one step, once all stages were met.
    #[must_use]
    pub fn bubble(&self, slowest: &Passes) -> Seconds {
        let m = self.micro_batches;
        let Passes { forward, input, weight, .. } = *slowest;
        let busy = self.longest * m;
        let waiting = match self.schedule {
            Schedule::OneForwardOneBackward => {
                // With fewer micro-batches than stages the chain of one micro-batch is longer than what any stage does.
                let chain = self.sum.total() + self.longest_forward.max(self.longest_backward) * (m - 1.0);
                let chain = if self.chunks > 1.0 { Seconds::ZERO } else { chain };
                (self.sum.total() / self.chunks + self.reach).max(chain) - busy
            }
            Schedule::ZeroBubbleH1 => self.sum.forward + self.sum.input + self.reach - busy,
            Schedule::GPipe => self.sum.total() + (self.longest_forward + self.longest_backward) * (m - 1.0) - busy,
            Schedule::ZeroBubbleV => (forward + input - weight * 2.0) * (self.pipeline - 1.0),
            Schedule::DualPipe => pair(slowest) * (self.pipeline / 2.0 - 1.0),
            Schedule::DualPipeV => pair(slowest) / 2.0 * (self.pipeline - 1.0),
        };
        waiting.max(Seconds::ZERO)
    }
}

/// `F&B + B − 3W` of `DualPipe`'s bubble.
fn pair(stage: &Passes) -> Seconds {
    stage.total() - stage.paired + stage.backward() - stage.weight * 3.0
}
