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

    /// Turns the casts of a serving kernel, one layout for one multiplication, into those of training. Experts' operands get theirs.
    pub fn of_forward(self, work: &mut Work) {
        if self.traffic <= 0.0 {
            return;
        }
        let mut inside = Vec::new();
        for op in &mut work.ops {
            match op.kernel {
                Kernel::Quantise { rows, width } => *op = self.op(rows * width, op.part),
                Kernel::Experts(shape) => {
                    let pairs = expert_pairs(op, &shape);
                    inside.push(self.op(pairs * (shape.hidden + shape.intermediate), op.part));
                }
                _ => {}
            }
        }
        work.ops.append(&mut inside);
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
            let gradients = match op.kernel {
                Kernel::Gemm(shape) => shape.m * shape.n * op.count,
                Kernel::Experts(shape) => {
                    let gate = if shape.gated { 2.0 } else { 1.0 };
                    expert_pairs(op, &shape) * (gate * shape.intermediate + shape.hidden)
                }
                _ => 0.0,
            };
            if self.traffic * gradients > 0.0 {
                ops.push(self.op(gradients, op.part));
            }
            ops.push(if frozen && op.part != Part::Adapter { op.backward_of_input() } else { op.backward() });
        }
        ops
    }
}
