//! The model and the device as serving with copies of experts sees them.
use llmsweep_model::arch::ModelShape;
use llmsweep_model::phase::Device;
use llmsweep_model::phase::inference::experts::{balanced, with_redundant};
use llmsweep_model::phase::inference::times::InferenceDevice;

use crate::context::{Context, axis};
use crate::plan::Point;

/// The model of a point with copies of its experts; `None` where there are none.
pub(super) fn with_copies(context: &Context, point: &Point) -> Option<ModelShape> {
    let copies = context.count(point, axis::REDUNDANT_EXPERTS);
    (copies > 0).then(|| with_redundant(&context.model(point).shape, copies))
}

/// A device of ranks that share experts, as a point's engine uses it.
pub(super) fn device(context: &Context, point: &Point, device: &Device, ranks: f64) -> InferenceDevice {
    let mut own = InferenceDevice::of(device, context.engine(point));
    let copies = context.number(point, axis::REDUNDANT_EXPERTS);
    own.routing.independence *= 1.0 - context.number(point, axis::ROUTING_CORRELATION);
    own.routing.imbalance = balanced(context.number(point, axis::EXPERT_IMBALANCE), copies, ranks);
    own
}
