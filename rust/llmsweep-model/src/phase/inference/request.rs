//! What a request asks of a replica, however many others there are.
use super::bounds::{PromptBound, prefill_bound};
use super::lengths::Prompt;
use super::step::{exposed_prefill, through_stages};
use super::{InferenceSetup, Replica, Room, Tables};
use crate::quantity::Seconds;
use crate::reject::Reject;

/// Whether a replica takes requests of some lengths at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Admission {
    /// Prompt and answer of a long request. \[tokens\]
    pub longest: f64,
    /// Room for requests, if there is any.
    pub room: Result<Room, Reject>,
}

impl Admission {
    /// Of a setup on one pool.
    #[must_use]
    pub fn of(replica: &Replica, setup: &InferenceSetup) -> Self {
        Self { longest: setup.longest(), room: Room::of(replica, setup) }
    }
}

/// What setups share that differ in their load alone: in concurrency, arrivals, replicas and what is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request {
    /// Whether it is taken.
    pub admission: Admission,
    /// Kernels of one prefill over the lengths of prompts.
    pub prompt: Prompt,
    /// Prefill of one prompt by itself, through all stages.
    pub prefill: Seconds,
    /// Time to the first token below which physics does not go.
    pub ttft_bound: PromptBound,
}

impl Request {
    /// Of a setup on one pool, whose admission is known.
    #[must_use]
    pub fn of(replica: &Replica, tables: &mut impl Tables, setup: &InferenceSetup, admission: Admission) -> Self {
        let prompt = Prompt::of(setup, |input| exposed_prefill(replica, tables, setup, (1.0, input)));
        Self {
            admission,
            prompt,
            prefill: through_stages(replica, tables, setup, 1.0, prompt.mean()),
            ttft_bound: prefill_bound(replica, tables, setup),
        }
    }
}
