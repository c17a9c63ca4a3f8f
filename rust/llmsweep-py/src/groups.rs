//! Group numbers from columns of labels.
use std::collections::HashMap;
use std::hash::Hash;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};

/// A number per row, below `count`, that is the same where the values are. Nulls are one value more.
pub(crate) struct Codes {
    codes: Vec<u64>,
    count: u64,
}

impl Codes {
    /// The codes of a column given in chunks; `None` if its type has no values that could be told apart.
    pub(crate) fn of<'a>(
        kind: &DataType,
        chunks: impl Iterator<Item = &'a dyn Array>,
        rows: usize,
    ) -> Result<Option<Self>, ArrowError> {
        let mut codes = Vec::with_capacity(rows);
        let mut seen = Seen::default();
        for chunk in chunks {
            if let Some(dictionary) = chunk.as_any_dictionary_opt() {
                let Some(values) = seen.codes(dictionary.values().as_ref())? else { return Ok(None) };
                let null = seen.null();
                let keys = cast(dictionary.keys(), &DataType::Int64)?;
                let keys = keys.as_primitive::<Int64Type>().iter();
                codes.extend(keys.map(|key| key.map_or(null, |key| values[key as usize])));
            } else {
                let Some(some) = seen.codes(chunk)? else { return Ok(None) };
                codes.extend(some);
            }
        }
        // A table without rows may have no chunks to try.
        let tried = !codes.is_empty() || Self::is_known(kind);
        Ok(tried.then_some(Self { codes, count: seen.count }))
    }

    /// The codes of pairs: these, then those of another column.
    pub(crate) fn within(self, inner: &Self) -> Self {
        if let Some(count) = self.count.checked_mul(inner.count) {
            let codes = self.codes.iter().zip(&inner.codes).map(|(outer, inner_code)| outer * inner.count + inner_code);
            return Self { codes: codes.collect(), count };
        }
        let mut seen = Seen::default();
        let pairs = self.codes.iter().zip(&inner.codes);
        let codes = pairs.map(|(outer, inner)| seen.code(Value::Pair(*outer, *inner))).collect();
        Self { codes, count: seen.count }
    }

    pub(crate) fn into_inner(self) -> Vec<u64> {
        self.codes
    }

    fn is_known(kind: &DataType) -> bool {
        match kind {
            DataType::Dictionary(_, values) => Self::is_known(values),
            kind => Form::of(kind).is_some(),
        }
    }
}

/// What a type is read as.
#[derive(Clone, Copy)]
enum Form {
    Nothing,
    Text,
    Signed,
    Unsigned,
    Float,
}

impl Form {
    fn of(kind: &DataType) -> Option<Self> {
        use DataType as T;
        match kind {
            T::Null => Some(Self::Nothing),
            T::Utf8 | T::LargeUtf8 | T::Utf8View => Some(Self::Text),
            T::UInt64 => Some(Self::Unsigned),
            T::Float16 | T::Float32 | T::Float64 => Some(Self::Float),
            kind if kind.is_decimal() => Some(Self::Text),
            kind if kind.is_integer() || kind.is_temporal() || *kind == T::Boolean => Some(Self::Signed),
            _ => None,
        }
    }
}

/// One value, as far as it must be told from others of its column.
#[derive(PartialEq, Eq, Hash)]
enum Value {
    Null,
    Bits(u64),
    Pair(u64, u64),
}

/// The values seen so far and their codes.
#[derive(Default)]
struct Seen {
    texts: HashMap<String, u64>,
    values: HashMap<Value, u64>,
    count: u64,
}

impl Seen {
    fn code(&mut self, value: Value) -> u64 {
        *self.values.entry(value).or_insert_with(|| next(&mut self.count))
    }

    fn null(&mut self) -> u64 {
        self.code(Value::Null)
    }

    fn text(&mut self, text: &str) -> u64 {
        if let Some(code) = self.texts.get(text) {
            return *code;
        }
        let code = next(&mut self.count);
        self.texts.insert(text.to_owned(), code);
        code
    }

    fn codes(&mut self, array: &dyn Array) -> Result<Option<Vec<u64>>, ArrowError> {
        let Some(form) = Form::of(array.data_type()) else { return Ok(None) };
        let read = |kind: &DataType| -> Result<ArrayRef, ArrowError> { cast(array, kind) };
        let codes = match form {
            Form::Nothing => vec![self.null(); array.len()],
            Form::Text => {
                let texts = read(&DataType::LargeUtf8)?;
                let code = |text: Option<&str>| match text {
                    None => self.null(),
                    Some(text) => self.text(text),
                };
                by_runs(texts.as_string::<i64>().iter(), code)
            }
            Form::Signed => {
                let numbers = read(&DataType::Int64)?;
                self.bits(numbers.as_primitive::<Int64Type>().iter().map(|number| number.map(i64::cast_unsigned)))
            }
            Form::Unsigned => {
                let numbers = read(&DataType::UInt64)?;
                self.bits(numbers.as_primitive::<UInt64Type>().iter())
            }
            Form::Float => {
                let numbers = read(&DataType::Float64)?;
                // Both zeros are one value, and so are all NaN.
                let plain = |number: f64| if number.is_nan() { f64::NAN } else { number + 0.0 };
                self.bits(numbers.as_primitive::<Float64Type>().iter().map(|number| number.map(|n| plain(n).to_bits())))
            }
        };
        Ok(Some(codes))
    }

    fn bits(&mut self, values: impl Iterator<Item = Option<u64>>) -> Vec<u64> {
        by_runs(values, |value| self.code(value.map_or(Value::Null, Value::Bits)))
    }
}

/// The codes of values, each run of equal ones looked up once: labels of tables come in runs.
fn by_runs<T: PartialEq + Copy>(values: impl Iterator<Item = T>, mut code: impl FnMut(T) -> u64) -> Vec<u64> {
    let mut last = None;
    let of = |value| match last {
        Some((before, known)) if before == value => known,
        _ => {
            let found = code(value);
            last = Some((value, found));
            found
        }
    };
    values.map(of).collect()
}

fn next(count: &mut u64) -> u64 {
    *count += 1;
    *count - 1
}
