//! The paper: what has to be done (counting knows no hardware) and how long it takes (timing knows no model).
pub mod arch;
pub mod bound;
pub mod collective;
pub mod economics;
pub mod flops;
pub mod hardware;
pub mod kernel;
pub mod law;
pub mod memory;
pub mod parallel;
pub mod phase;
pub mod precision;
pub mod quantity;
pub mod reject;
pub mod subset;
pub mod system;
pub mod work;
