//! How a model is spread over devices: what divides what, where groups sit on the fabric, which layers a stage holds.
pub mod context;
pub mod divide;
pub mod pipeline;
pub mod placement;
