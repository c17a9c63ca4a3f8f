//! Both passes of a block as a training recipe runs them: adapters and expanded weights, casts, the backward pass, what is run again.
use super::adapters::{Adapters, Mode, expand_weights};
use super::backward::{Backward, Casts};
use super::{Widths, Work};
use crate::arch::ModelShape;
use crate::memory::recompute::Again;
use crate::memory::state::DeviceParameters;
use crate::phase::training_times::TrainingLayout;

/// What turns a forward pass into training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    casts: Casts,
    adapters: Option<Adapters>,
    expands: bool,
    gated: bool,
    experts: f64,
    widths: Widths,
}

/// Both passes of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Passes {
    /// The forward pass.
    pub forward: Work,
    /// The backward pass.
    pub backward: Backward,
    /// Parameters of the adapters on one device; `None` where the block's own train.
    pub adapters: Option<DeviceParameters>,
}

impl Recipe {
    /// Of a layout whose casts move `cast_traffic` bytes per value.
    #[must_use]
    pub fn of(shape: &ModelShape, layout: &TrainingLayout, widths: &Widths, cast_traffic: f64) -> Self {
        let experts = shape.moe.map_or(0.0, |moe| f64::from(moe.experts) / f64::from(layout.expert));
        Self {
            casts: Casts { traffic: cast_traffic },
            adapters: layout.adapters(),
            expands: layout.mode == Mode::Qlora,
            gated: shape.has_gates(),
            experts,
            widths: *widths,
        }
    }

    /// Both passes of a block with this forward pass.
    #[must_use]
    pub fn passes(&self, mut forward: Work, again: Again) -> Passes {
        let adapters = self.adapters.map(|adapters| adapters.add(&mut forward, self.gated, self.experts, &self.widths));
        if self.expands {
            expand_weights(&mut forward, self.experts, &self.widths);
        }
        self.casts.of_forward(&mut forward);
        let ops = self.casts.backward(&forward, self.adapters.is_some());
        let again = again.of(&forward, self.widths.activation);
        Passes { forward, backward: Backward { ops, again }, adapters }
    }
}
