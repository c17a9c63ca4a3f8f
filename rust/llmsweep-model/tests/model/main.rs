//! Tests of the equations: `published` holds them to numbers that papers print, `laws` to what must be true of any numbers.
mod common;
mod documented;
mod laws;
mod published;
