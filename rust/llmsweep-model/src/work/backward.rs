//! The backward pass of a layer, and the casts of a training recipe.
//!
//! A multiplication `y = x·w` has two in the backward pass, `g·wᵀ` for the input and `xᵀ·g` for the weight. In a narrow format `x`, `w` and
//! `g` are each cast once, and each is written in both layouts, since matrix units of narrow formats want the summed dimension to be
//! contiguous (Transformer Engine; Micikevicius et al. 2022, arXiv:2209.05433, for the formats). Weights are cast once per step.
use super::adapters::EXPAND;
use super::{Kernel, Op, Part, Work};
use crate::law::GroupedShape;

/// The cast of an operand.
const CAST: &str = "cast";

/// Token-expert pairs of an operation, from its FLOPs.
pub(super) fn expert_pairs(op: &Op, shape: &GroupedShape) -> f64 {
    let matrices = if shape.gated { 3.0 } else { 2.0 };
    op.flops.0 / (2.0 * shape.hidden * shape.intermediate * matrices)
}

/// The backward pass of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backward {
    /// Its kernels.
    pub ops: Vec<Op>,
    /// Kernels and messages of the forward pass that are run again for it.
    pub again: Work,
}

/// Casts of a training recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Casts {
    /// Bytes moved per value: the pass that finds the scale, the pass that casts, both layouts written; 0 where nothing is cast.
    pub traffic: f64,
}

impl Casts {
    fn op(self, values: f64, part: Part) -> Op {
        Op::memory(CAST, self.traffic * values, 1.0).in_part(part)
    }

    /// Turns the casts of a serving kernel, one layout for one multiplication, into those of training. Timings of experts' kernels hold
    /// theirs.
    pub fn of_forward(self, work: &mut Work) {
        if self.traffic <= 0.0 {
            return;
        }
        for op in &mut work.ops {
            if let Kernel::Quantise { rows, width } = op.kernel {
                *op = self.op(rows * width, op.part);
            }
        }
    }

    /// The kernels of the backward pass. Where weights are `frozen` only gradients of inputs are needed.
    #[must_use]
    pub fn backward(self, forward: &Work, frozen: bool) -> Vec<Op> {
        let mut ops = Vec::with_capacity(forward.ops.len());
        for op in &forward.ops {
            if op.name == CAST {
                continue;
            }
            if op.name == EXPAND {
                ops.push(*op);
                continue;
            }
            if let Kernel::Gemm(shape) = op.kernel
                && self.traffic > 0.0
            {
                ops.push(self.op(shape.m * shape.n * op.count, op.part));
            }
            ops.push(if frozen && op.part != Part::Adapter { op.backward_of_input() } else { op.backward() });
        }
        ops
    }
}
