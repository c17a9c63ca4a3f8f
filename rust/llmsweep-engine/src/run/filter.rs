//! Which rows are wanted: constraints and filters, each on one column.
use crate::context::Context;
use crate::evaluate::Outcome;
use crate::plan::Point;
use crate::spec::Constraint;
use crate::values::Value;

/// A test of one column's value; a value that does not exist passes none.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// At least this; more than this where `strict`.
    AtLeast {
        /// The bound.
        bound: f64,
        /// Whether the bound itself fails.
        strict: bool,
    },
    /// At most this; less than this where `strict`.
    AtMost {
        /// The bound.
        bound: f64,
        /// Whether the bound itself fails.
        strict: bool,
    },
    /// One of these: numbers, codes of labels, 1 for true.
    OneOf(Vec<f64>),
}

impl Test {
    /// Whether a value passes.
    #[must_use]
    pub fn passes(&self, value: f64) -> bool {
        match self {
            Self::AtLeast { bound, strict } => value > *bound || (!strict && value.eq(bound)),
            Self::AtMost { bound, strict } => value < *bound || (!strict && value.eq(bound)),
            Self::OneOf(values) => values.contains(&value),
        }
    }
}

/// A test with the column that it reads.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The column.
    pub value: Value,
    /// The test.
    pub test: Test,
}

impl Filter {
    pub(crate) fn passes(&self, context: &Context, row: u64, point: &Point, outcome: &Outcome) -> bool {
        self.test.passes(self.value.of(context, row, point, outcome))
    }

    /// The bounds that a specification sets.
    pub(crate) fn of(constraint: &Constraint, value: Value) -> impl Iterator<Item = Self> {
        let least = constraint.min.map(|bound| Test::AtLeast { bound, strict: false });
        let most = constraint.max.map(|bound| Test::AtMost { bound, strict: false });
        least.into_iter().chain(most).map(move |test| Self { value, test })
    }
}

#[cfg(test)]
mod tests {
    use super::Test;

    #[test]
    fn bounds_are_part_of_what_they_allow_unless_strict() {
        for strict in [false, true] {
            assert_eq!(Test::AtLeast { bound: 2.0, strict }.passes(2.0), !strict);
            assert_eq!(Test::AtMost { bound: 2.0, strict }.passes(2.0), !strict);
            assert!(Test::AtLeast { bound: 2.0, strict }.passes(2.5));
            assert!(!Test::AtMost { bound: 2.0, strict }.passes(2.5));
        }
        assert!(Test::OneOf(vec![1.0, 3.0]).passes(3.0));
        assert!(!Test::OneOf(vec![1.0, 3.0]).passes(2.0));
    }

    #[test]
    fn what_does_not_exist_passes_nothing() {
        let tests = [
            Test::AtLeast { bound: f64::NEG_INFINITY, strict: false },
            Test::AtMost { bound: f64::INFINITY, strict: false },
            Test::OneOf(vec![f64::NAN]),
        ];
        assert!(tests.iter().all(|test| !test.passes(f64::NAN)));
    }
}
