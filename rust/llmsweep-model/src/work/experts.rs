//! Mixture of experts: router, dispatch, grouped matrix multiplications, combine.
use super::names::SHARED_EXPERT_UP;
use super::{Collective, Group, Kernel, Message, Op, Part, Routed, Split, Widths, Work, forward, launches};
use crate::arch::Moe;
use crate::law::GroupedShape;
use crate::quantity::{Bytes, Flops};

/// How evenly tokens spread over experts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Routing {
    /// How independent the tokens of a batch choose: 1 all, 0 as one (the exponent `g` of [`active_experts`]).
    pub independence: f64,
    /// Tokens of the busiest rank over the mean.
    pub imbalance: f64,
}

/// Experts of one device that at least one token visits.
///
/// `E_local · (1 − (1 − k/E)^(1 + (T − 1)·g))`: with `g = 1` tokens choose independently; measured deployments show `g = 0.6`, since the
/// tokens of one answer choose alike.
///
/// ```
/// # use llmsweep_model::work::experts::active_experts;
/// assert!((active_experts(256.0, 8.0, 256.0, 1.0, 0.6) - 8.0).abs() < 1e-9);
/// assert!(active_experts(256.0, 8.0, 256.0, 512.0, 0.6) > 255.9);
/// ```
#[must_use]
pub fn active_experts(experts: f64, top_k: f64, local_experts: f64, tokens: f64, independence: f64) -> f64 {
    let draws = 1.0 + (tokens - 1.0).max(0.0) * independence;
    local_experts * (1.0 - (1.0 - top_k / experts).powf(draws))
}

/// Mean of the largest of `count` independent standard normal numbers: `Φ⁻¹(0.5264^(1/n))` (Chen and Tyler 1999,
/// doi:10.1080/00031305.1999.10474463) with Tukey's lambda for the quantile, `4.91·(p^0.14 − (1 − p)^0.14)`.
///
/// ```
/// # use llmsweep_model::work::experts::largest_of;
/// assert!((largest_of(8.0) - 1.424).abs() < 0.01 && (largest_of(64.0) - 2.344).abs() < 0.02);
/// ```
#[must_use]
pub fn largest_of(count: f64) -> f64 {
    let p = 0.5264_f64.powf(1.0 / count);
    4.91 * (p.powf(0.14) - (1.0 - p).powf(0.14))
}

/// Experts that at least one token visits on the rank that has most of them, where the others wait for it.
///
/// `A` of `E` experts lie on `n` ranks of `L = E/n` as drawn without replacement: `A/n` each on average, with the hypergeometric variance
/// `L·q·(1 − q)·(E − L)/(E − 1)`, `q = A/E`. Of many tokens all experts have some, and ranks are even.
///
/// ```
/// # use llmsweep_model::work::experts::busiest_rank;
/// let deepseek_v3_one_token = busiest_rank(1.0, 256.0, 8.0);
/// assert!((deepseek_v3_one_token - 2.31).abs() < 0.01);
/// assert_eq!(busiest_rank(32.0, 256.0, 8.0), 32.0);
/// ```
#[must_use]
pub fn busiest_rank(mean: f64, experts: f64, ranks: f64) -> f64 {
    if ranks <= 1.0 || experts <= 1.0 {
        return mean;
    }
    let local = experts / ranks;
    let share = (mean / local).min(1.0);
    let variance = local * share * (1.0 - share) * (experts - local) / (experts - 1.0);
    (mean + largest_of(ranks) * variance.sqrt()).min(local)
}

/// Ranks, out of `ranks`, that one token's `top_k` experts live on: `n·(1 − (1 − 1/n)^k)`.
///
/// ```
/// # use llmsweep_model::work::experts::distinct_ranks;
/// assert!((distinct_ranks(8.0, 8.0) - 5.25).abs() < 0.01);
/// ```
#[must_use]
pub fn distinct_ranks(ranks: f64, top_k: f64) -> f64 {
    ranks * (1.0 - (1.0 - 1.0 / ranks).powf(top_k))
}

/// The experts of one layer for `rows` tokens of a tensor-parallel group.
///
/// A device holds `E/ep` experts, each split over `expert_tensor` devices, and works on `rows · k · expert_tensor / t` token-expert pairs:
/// the FLOPs of all devices together do not depend on the split.
pub fn forward(work: &mut Work, moe: &Moe, hidden: f64, rows: f64, routing: &Routing, split: &Split, widths: &Widths) {
    let (experts, top_k) = (f64::from(moe.experts), f64::from(moe.top_k));
    work.plain_gemm("router", rows / split.residual(), experts, hidden, widths);
    work.ops.push(Op::memory("top-k", rows / split.residual() * experts * widths.activation * 2.0, launches::TOP_K));

    let pairs = rows * top_k * split.expert_tensor / split.tensor * routing.imbalance;
    let mean =
        active_experts(experts, top_k, experts / split.expert, rows * split.replicas_in_step(), routing.independence);
    let active = busiest_rank(mean, experts, split.expert);
    let ffn = f64::from(moe.expert_ffn) / split.expert_tensor;
    let gate = if moe.gated { 2.0 } else { 1.0 };
    let local = experts / split.expert;
    // Ranks that get only their own rows know nothing of the others'; ranks that have all tokens go over all of them.
    let (tokens, sharing) = if dispatches(split) { (1.0, 1.0) } else { (split.expert, split.expert) };
    let shape = GroupedShape {
        tokens: pairs / routing.imbalance / top_k * tokens,
        hidden,
        intermediate: ffn,
        top_k,
        experts: local * sharing,
        expert_parallel: sharing,
        gated: moe.gated,
        hottest: routing.imbalance,
        active,
    };
    work.ops.push(experts_op(shape, pairs, widths));

    if moe.shared_ffn > 0 {
        let ffn = f64::from(moe.shared_ffn) / split.tensor;
        work.gemm(SHARED_EXPERT_UP, rows, gate * ffn, hidden, widths);
        work.operand_from(Part::Norm);
        work.ops.push(
            Op::memory("shared activation", rows * (gate + 1.0) * ffn * widths.activation, 1.0)
                .in_part(Part::MoeActivation),
        );
        work.gemm("shared expert down", rows, hidden, ffn, widths);
        work.operand_from(Part::MoeActivation);
    }
    messages(work, moe, hidden, rows, pairs, split, widths);
}

/// Dispatch and combine, and what the tensor-parallel group exchanges around them.
///
/// Without sequence parallelism every tensor-parallel rank has all tokens: experts inside the group need no dispatch, and one all-reduce
/// sums their results with the shared expert's. With it each rank dispatches its own tokens, experts that are split gather what arrived
/// on their other parts, and only a shared expert needs the whole group's tokens (Megatron-Core's all-to-all dispatcher).
fn messages(work: &mut Work, moe: &Moe, hidden: f64, rows: f64, pairs: f64, split: &Split, widths: &Widths) {
    if dispatches(split) {
        let own = rows / split.tensor * hidden;
        work.messages.push(exchange("dispatch", own * widths.operand.min(widths.activation), moe, split));
        work.messages.push(exchange("combine", own * widths.activation, moe, split));
    }
    if split.expert_tensor > 1.0 && (split.sequence_parallel || split.expert_tensor > split.tensor) {
        let arrived = if split.expert > 1.0 { pairs } else { rows * split.expert_tensor / split.tensor };
        let bytes = arrived * hidden * widths.activation;
        work.message("gather expert tokens", Collective::AllGather, Group::ExpertTensor, bytes);
        work.message("scatter expert sums", Collective::ReduceScatter, Group::ExpertTensor, bytes);
    }
    if !split.sequence_parallel || moe.shared_ffn > 0 {
        forward::tensor_messages(work, rows * hidden * widths.activation, split);
    }
}

/// Whether tokens travel to their experts: they do unless every rank has all of them already.
fn dispatches(split: &Split) -> bool {
    split.expert > 1.0 && (split.expert * split.expert_tensor > split.tensor || split.sequence_parallel)
}

/// Tokens to their experts or back: every rank that has one of a token's experts gets it once.
fn exchange(name: &'static str, bytes: f64, moe: &Moe, split: &Split) -> Message {
    let (experts, top_k) = (f64::from(moe.experts), f64::from(moe.top_k));
    Message {
        name,
        collective: Collective::AllToAll,
        group: Group::Expert,
        bytes: Bytes(bytes * distinct_ranks(split.expert, top_k)),
        count: 1.0,
        routed: Some(Routed { bytes: Bytes(bytes), top_k, experts, back: name == "combine", captured: false }),
        part: Part::Moe,
    }
}

/// `2·pairs·h·f·(3 gated | 2 plain)` FLOPs; the matrices of the experts visited, rows permuted in, through both multiplications and out.
fn experts_op(shape: GroupedShape, pairs: f64, widths: &Widths) -> Op {
    let GroupedShape { hidden, intermediate, gated, active, .. } = shape;
    let gate = if gated { 2.0 } else { 1.0 };
    let weights = active * (gate + 1.0) * hidden * intermediate * widths.weight;
    let operands = pairs * (hidden + intermediate) * widths.operand;
    let results = pairs * (gate * intermediate + hidden) * widths.activation;
    let permuted = PERMUTE_PASSES * pairs * hidden * widths.activation;
    let activated = pairs * (gate + 1.0) * intermediate * widths.activation;
    Op {
        name: "experts",
        kernel: Kernel::Experts(shape),
        count: 1.0,
        flops: Flops(2.0 * pairs * hidden * intermediate * (gate + 1.0)),
        bytes: Bytes(weights + operands + results + permuted + activated),
        launches: launches::EXPERTS,
        part: Part::Moe,
    }
}

/// Passes over the rows that gather them by expert and add the results up: read and write, twice.
const PERMUTE_PASSES: f64 = 4.0;
