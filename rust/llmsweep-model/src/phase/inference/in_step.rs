//! Attention replicas that share experts: none steps on before all of them have.
use crate::work::experts::largest_of;

/// Euler and Mascheroni's constant, γ.
const EULER_MASCHERONI: f64 = 0.577_215_664_901_532_9;

/// Prompts that come to each of some replicas that step together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InStep {
    /// Replicas, n: more than one ([`crate::work::Split::replicas_in_step`]).
    pub replicas: f64,
    /// Prompts that each begins in a step, on average, λ.
    pub prompts: f64,
    /// Tokens of a prompt over those that a step computes at most, m.
    pub chunks: f64,
    /// How independently of each other replicas begin prompts, g: 1 as they come, 0 all at once.
    pub independence: f64,
    /// Decode steps that prompts wait at most until each replica has one, τ.
    pub patience: f64,
}

impl InStep {
    /// Time that prompts take of all steps over that of a replica's own: `κ = 1 + g·(min(n, 1 + z(n)/√y, c/y) − 1)`, at least 1.
    ///
    /// Of `y = λ·max(1, m)` chunks that each replica has in a step, at most `c = max(1, 1/m)` of them, the step takes as long as the
    /// most that one of them has: of independent Poisson numbers `y + z(n)·√y`, z(n) the mean largest of n normal numbers, and `n·y` where
    /// there are few ([`largest_of`]). Prompts that wait for each other come `1/(1/n + λτ)` times as often as a replica's own, at least once.
    ///
    /// ```
    /// # use llmsweep_model::phase::inference::in_step::InStep;
    /// let apart = InStep { replicas: 8.0, prompts: 0.0625, chunks: 2.44, independence: 1.0, patience: 0.0 };
    /// assert!((apart.held_up() - 4.66).abs() < 0.02); // hardly two of eight have a chunk at the same time
    /// assert_eq!(InStep { independence: 0.0, ..apart }.held_up(), 1.0);
    /// assert_eq!(InStep { patience: 60.0, ..apart }.held_up(), 1.0);
    /// ```
    #[must_use]
    pub fn held_up(&self) -> f64 {
        let Self { replicas, prompts, chunks, independence, patience } = *self;
        let each = prompts * chunks.max(1.0);
        let most = (1.0 / chunks).max(1.0);
        let apart = replicas.min(1.0 + largest_of(replicas) / each.sqrt()).min(most / each);
        let gathered = if patience > 0.0 { 1.0 / (1.0 / replicas + prompts * patience) } else { replicas };
        1.0 + independence * (apart.min(gathered) - 1.0).max(0.0)
    }

    /// Decode steps that a prompt waits for those of the other replicas: the first one w steps, those that come meanwhile half of it,
    /// `w·(1 + n·λ·w/2)/(1 + n·λ·w)`, `w = min(τ, (H(n) − 1/n)/λ)` until the last replica has one.
    ///
    /// ```
    /// # use llmsweep_model::phase::inference::in_step::InStep;
    /// let gathered = InStep { replicas: 8.0, prompts: 0.015625, chunks: 0.125, independence: 1.0, patience: 60.0 };
    /// assert!((gathered.gathering_steps() - 33.5).abs() < 0.1);
    /// assert_eq!(InStep { patience: 0.0, ..gathered }.gathering_steps(), 0.0);
    /// ```
    #[must_use]
    pub fn gathering_steps(&self) -> f64 {
        let Self { replicas, prompts, patience, .. } = *self;
        // H(n) is about γ + ln n + 1/2n.
        let last = EULER_MASCHERONI + replicas.ln() - 0.5 / replicas;
        let window = patience.min(last / prompts);
        let others = replicas * prompts * window;
        window * (1.0 + others / 2.0) / (1.0 + others)
    }
}
