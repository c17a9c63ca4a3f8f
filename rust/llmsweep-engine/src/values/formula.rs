//! The formula of a column, for one outcome and for many: written once, compiled twice.

/// Where the values of a column come from.
#[derive(Debug)]
pub(super) struct Formula<O> {
    /// The value in an outcome.
    pub(super) one: fn(&O) -> f64,
    /// The values in many, in a loop of which the formula is part.
    pub(super) many: fn(&[O], &mut Vec<f64>),
}

impl<O> Clone for Formula<O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O> Copy for Formula<O> {}

/// A [`Formula`].
macro_rules! formula {
    ($value:expr) => {
        Formula { one: $value, many: |outcomes, numbers| numbers.extend(outcomes.iter().map($value)) }
    };
}

/// A table of columns by name, each with its [`Formula`].
macro_rules! formulas {
    ($(#[$doc:meta])* const $table:ident: $outcome:ty = [$(($name:literal, $value:expr),)*];) => {
        $(#[$doc])*
        const $table: &[(&str, Formula<$outcome>)] = &[$(($name, formula!($value))),*];
    };
}

pub(super) use {formula, formulas};
