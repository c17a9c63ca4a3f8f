//! The paper: what has to be done (counting knows no hardware) and how long it takes (timing knows no model).
pub mod arch;
pub mod hardware;
pub mod precision;
pub mod quantity;
