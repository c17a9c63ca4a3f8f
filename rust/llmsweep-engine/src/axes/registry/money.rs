//! Axes of the row level that change nothing but money and energy: innermost, since all else of a row stays what it is.
use super::{BOTH, axis};
use crate::axes::Axis;
use crate::axes::Domain::Positive;
use crate::axes::Fallback::Number;
use crate::axes::Level::Row;

pub(super) const AXES: &[Axis] = &[
    axis("price_scale", BOTH, Row, Positive, Number(1.0), "What if: factor on the accelerator's rental price."),
    axis("power_scale", BOTH, Row, Positive, Number(1.0), "What if: factor on the accelerator's board power."),
];
