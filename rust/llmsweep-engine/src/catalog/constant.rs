//! Tables of constants: each constant by key, values, meaning and the field that keeps it. One list decodes a file, what is given in its place,
//! and the schema.
use super::efficiency::required_share;
use super::fields::Fields;
use super::systems::{amount, positive, share, surplus};
use crate::node::DocumentError;

/// What values a constant takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Finite and above zero.
    Positive,
    /// Finite and at least zero.
    Amount,
    /// From zero to one.
    Share,
    /// Above zero and at most one: something is divided by it.
    DividingShare,
    /// Finite and at least one: a factor that only adds.
    Surplus,
}

impl Range {
    /// Whether a number is in it.
    #[must_use]
    pub fn contains(self, number: f64) -> bool {
        number.is_finite()
            && match self {
                Self::Positive => number > 0.0,
                Self::Amount => number >= 0.0,
                Self::Share => (0.0..=1.0).contains(&number),
                Self::DividingShare => number > 0.0 && number <= 1.0,
                Self::Surplus => number >= 1.0,
            }
    }

    /// What is allowed, to follow "must be".
    #[must_use]
    pub const fn allowed(self) -> &'static str {
        match self {
            Self::Positive => "a finite number above 0",
            Self::Amount => "a finite number of at least 0",
            Self::Share => "a number from 0 to 1",
            Self::DividingShare => "a number above 0 and up to 1",
            Self::Surplus => "a finite number of at least 1",
        }
    }

    /// The number of this key, which must be given.
    fn read(self, fields: &Fields, key: &str) -> Result<f64, DocumentError> {
        match self {
            Self::Positive => positive(fields, key),
            Self::Amount => amount(fields, key),
            Self::Share => share(fields, key),
            Self::DividingShare => required_share(fields, key),
            Self::Surplus => surplus(fields, key),
        }
    }
}

/// One constant of `T`.
pub struct Constant<T> {
    /// Key in the catalogue and in a sweep.
    pub key: &'static str,
    /// Values.
    pub range: Range,
    /// One line for the documentation.
    pub doc: &'static str,
    /// Where it is kept.
    pub field: fn(&mut T) -> &mut f64,
}

pub(super) const fn constant<T>(
    key: &'static str,
    range: Range,
    field: fn(&mut T) -> &mut f64,
    doc: &'static str,
) -> Constant<T> {
    Constant { key, range, doc, field }
}

/// Constants in place of others: position in the list, and value.
pub type Own = Vec<(usize, f64)>;

/// Keys of a list.
pub fn keys<T>(constants: &[Constant<T>]) -> impl Iterator<Item = &'static str> {
    constants.iter().map(|constant| constant.key)
}

/// A file that gives every constant, and its sources.
pub(super) fn every<T: Default>(fields: &Fields, constants: &[Constant<T>]) -> Result<T, DocumentError> {
    let mut value = T::default();
    for constant in constants {
        *(constant.field)(&mut value) = constant.range.read(fields, constant.key)?;
    }
    Ok(value)
}

/// Those constants that a table gives.
pub(super) fn given<T>(fields: &Fields, constants: &[Constant<T>]) -> Result<Own, DocumentError> {
    let present = constants.iter().enumerate().filter(|(_, constant)| fields.has(constant.key));
    present.map(|(position, constant)| Ok((position, constant.range.read(fields, constant.key)?))).collect()
}

/// Replaces constants by those that are given.
#[must_use]
pub fn overridden<T>(mut value: T, constants: &[Constant<T>], own: &[(usize, f64)]) -> T {
    for &(position, number) in own {
        *(constants[position].field)(&mut value) = number;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::operations::OPERATIONS;
    use super::super::serving_engine::SERVING;
    use super::super::training_system::TRAINING;
    use super::*;

    fn fields_differ<T: Default>(constants: &[Constant<T>]) {
        let own: Own = (0..constants.len()).map(|position| (position, position as f64 + 1.0)).collect();
        let mut value = overridden(T::default(), constants, &own);
        for (position, constant) in constants.iter().enumerate() {
            let kept = *(constant.field)(&mut value);
            assert_eq!(kept.to_bits(), (position as f64 + 1.0).to_bits(), "{}", constant.key);
        }
    }

    #[test]
    fn every_constant_has_a_field_of_its_own() {
        fields_differ(&OPERATIONS);
        fields_differ(&TRAINING);
        fields_differ(&SERVING);
    }
}
