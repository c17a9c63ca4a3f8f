//! Physical quantities as newtypes over `f64`: a wrong unit does not compile, and nothing is paid at run time.
//!
//! Everything is SI: seconds, bytes, floating-point operations (one multiply-add is two), watts, joules; money is US dollars.
//!
//! ```
//! use llmsweep_model::quantity::{Bytes, BytesPerSec, Seconds};
//! let weights = Bytes(140e9);
//! let time: Seconds = weights / BytesPerSec(3.35e12);
//! assert!((time.0 - 0.041_79).abs() < 1e-5);
//! ```
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

macro_rules! quantity {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        #[repr(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0.0);
            /// The larger of two.
            #[must_use]
            pub fn max(self, other: Self) -> Self { Self(self.0.max(other.0)) }
            /// The smaller of two.
            #[must_use]
            pub fn min(self, other: Self) -> Self { Self(self.0.min(other.0)) }
        }
        impl Add for $name { type Output = Self; fn add(self, other: Self) -> Self { Self(self.0 + other.0) } }
        impl Sub for $name { type Output = Self; fn sub(self, other: Self) -> Self { Self(self.0 - other.0) } }
        impl AddAssign for $name { fn add_assign(&mut self, other: Self) { self.0 += other.0; } }
        impl Mul<f64> for $name { type Output = Self; fn mul(self, factor: f64) -> Self { Self(self.0 * factor) } }
        impl Mul<$name> for f64 { type Output = $name; fn mul(self, quantity: $name) -> $name { $name(self * quantity.0) } }
        impl Div<f64> for $name { type Output = Self; fn div(self, divisor: f64) -> Self { Self(self.0 / divisor) } }
        impl Div for $name { type Output = f64; fn div(self, other: Self) -> f64 { self.0 / other.0 } }
        impl Sum for $name { fn sum<I: Iterator<Item = Self>>(items: I) -> Self { items.fold(Self::ZERO, Add::add) } }
    )*};
}

macro_rules! product {
    ($($rate:ident * $time:ident = $amount:ident;)*) => {$(
        impl Mul<$time> for $rate { type Output = $amount; fn mul(self, time: $time) -> $amount { $amount(self.0 * time.0) } }
        impl Mul<$rate> for $time { type Output = $amount; fn mul(self, rate: $rate) -> $amount { $amount(self.0 * rate.0) } }
        impl Div<$rate> for $amount { type Output = $time; fn div(self, rate: $rate) -> $time { $time(self.0 / rate.0) } }
        impl Div<$time> for $amount { type Output = $rate; fn div(self, time: $time) -> $rate { $rate(self.0 / time.0) } }
    )*};
}

quantity! {
    /// A duration. \[s\]
    Seconds;
    /// Floating-point operations; a multiply-add is two. \[FLOP\]
    Flops;
    /// An amount of data or memory. \[B\]
    Bytes;
    /// A compute rate, dense. \[FLOP/s\]
    FlopsPerSec;
    /// A bandwidth, one direction. \[B/s\]
    BytesPerSec;
    /// An energy. \[J\]
    Joules;
    /// A power. \[W\]
    Watts;
    /// Money. \[USD\]
    Usd;
    /// A price of time. \[USD/s\]
    UsdPerSec;
}

product! {
    FlopsPerSec * Seconds = Flops;
    BytesPerSec * Seconds = Bytes;
    Watts * Seconds = Joules;
    UsdPerSec * Seconds = Usd;
}
