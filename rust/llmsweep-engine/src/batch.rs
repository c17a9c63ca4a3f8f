//! Rows as Arrow record batches.
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, UInt16Array, UInt64Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::columns::Kind;
use crate::context::Context;
use crate::evaluate::Outcome;
use crate::plan::Point;
use crate::values::{Rows, Value};

/// The Arrow schema of these columns.
#[must_use]
pub fn schema(values: &[Value]) -> SchemaRef {
    let fields = values.iter().map(|value| {
        let data_type = match value.kind {
            Kind::Number => DataType::Float64,
            Kind::Count => DataType::UInt64,
            Kind::Bool => DataType::Boolean,
            Kind::Label => DataType::UInt16,
        };
        Field::new(value.name, data_type, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows that wait to be spread over the columns together: few enough to stay in a core's cache.
const PENDING_ROWS: usize = 128;

/// Collects rows column by column.
pub struct BatchBuilder<'a> {
    context: &'a Context,
    values: &'a [Value],
    columns: Vec<Cells>,
    pending: Rows,
    /// One column's values in the pending rows.
    numbers: Vec<f64>,
    rows: usize,
}

impl<'a> BatchBuilder<'a> {
    /// Room for `capacity` rows.
    #[must_use]
    pub fn new(context: &'a Context, values: &'a [Value], capacity: usize) -> Self {
        let columns = values.iter().map(|value| Cells::new(context, value, capacity)).collect();
        let pending = Rows::with_capacity(context.plan.phase, PENDING_ROWS.min(capacity));
        Self { context, values, columns, pending, numbers: Vec::with_capacity(PENDING_ROWS), rows: 0 }
    }

    /// Adds a row.
    pub fn push(&mut self, id: u64, point: &Point, outcome: &Outcome) {
        self.pending.push(id, point, outcome);
        self.rows += 1;
        if self.pending.ids.len() == PENDING_ROWS {
            self.spread();
        }
    }

    fn spread(&mut self) {
        for (value, cells) in self.values.iter().zip(&mut self.columns) {
            match cells {
                Cells::RowIds(ids) => ids.extend_from_slice(&self.pending.ids),
                Cells::Same(_) => {}
                Cells::Each(column) => {
                    self.numbers.clear();
                    value.extend(self.context, &self.pending, &mut self.numbers);
                    column.extend(&self.numbers);
                }
            }
        }
        self.pending.clear();
    }

    /// The rows as a record batch.
    ///
    /// # Panics
    /// If the schema is not that of the builder's own columns.
    #[must_use]
    pub fn finish(mut self, schema: &SchemaRef) -> RecordBatch {
        self.spread();
        let rows = self.rows;
        let arrays =
            self.values.iter().zip(self.columns).map(|(value, cells)| cells.finish(value.kind, rows)).collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
            .expect("the arrays are built from the schema's own columns")
    }
}

/// What a column holds.
enum Cells {
    /// Numbers of rows, beyond what an `f64` holds.
    RowIds(Vec<u64>),
    /// The same in every row: an axis of one value.
    Same(f64),
    /// A value for each row.
    Each(Column),
}

impl Cells {
    fn new(context: &Context, value: &Value, capacity: usize) -> Self {
        match value.constant(context) {
            Some(number) => Self::Same(number),
            None if value.is_row_id() => Self::RowIds(Vec::with_capacity(capacity)),
            None => Self::Each(Column::with_capacity(value.kind, capacity)),
        }
    }

    fn finish(self, kind: Kind, rows: usize) -> ArrayRef {
        match self {
            Self::RowIds(ids) => Arc::new(UInt64Array::new(ids.into(), None)),
            Self::Each(column) => column.finish(),
            Self::Same(number) => match kind {
                Kind::Number => Arc::new(Float64Array::new(vec![number; rows].into(), None)),
                Kind::Count => Arc::new(UInt64Array::new(vec![number as u64; rows].into(), None)),
                Kind::Label => Arc::new(UInt16Array::new(vec![number as u16; rows].into(), None)),
                Kind::Bool if number > 0.0 => Arc::new(BooleanArray::new(BooleanBuffer::new_set(rows), None)),
                Kind::Bool => Arc::new(BooleanArray::new(BooleanBuffer::new_unset(rows), None)),
            },
        }
    }
}

/// Values as they are stored; NaN is null.
struct Column {
    stored: Stored,
    /// Which values there are, once one is missing.
    valid: Option<Bits>,
    rows: usize,
}

enum Stored {
    Numbers(Vec<f64>),
    Counts(Vec<u64>),
    Labels(Vec<u16>),
    Flags(Bits),
}

/// One bit a row, written a word at a time: rows come in blocks of whole words, but for the last.
#[derive(Default)]
struct Bits(Vec<u64>);

const WORD: usize = u64::BITS as usize;
const _: () = assert!(PENDING_ROWS.is_multiple_of(WORD));

impl Bits {
    fn set(rows: usize) -> Self {
        Self(vec![u64::MAX; rows / WORD])
    }

    fn extend(&mut self, numbers: &[f64], of: impl Fn(f64) -> bool) {
        let word = |numbers: &[f64]| numbers.iter().rev().fold(0, |word, number| word << 1 | u64::from(of(*number)));
        self.0.extend(numbers.chunks(WORD).map(word));
    }

    fn finish(self, rows: usize) -> BooleanBuffer {
        BooleanBuffer::new(self.0.into(), 0, rows)
    }
}

impl Column {
    fn with_capacity(kind: Kind, capacity: usize) -> Self {
        let stored = match kind {
            Kind::Number => Stored::Numbers(Vec::with_capacity(capacity)),
            Kind::Count => Stored::Counts(Vec::with_capacity(capacity)),
            Kind::Label => Stored::Labels(Vec::with_capacity(capacity)),
            Kind::Bool => Stored::Flags(Bits::default()),
        };
        Self { stored, valid: None, rows: 0 }
    }

    fn extend(&mut self, numbers: &[f64]) {
        match &mut self.stored {
            Stored::Numbers(column) => column.extend_from_slice(numbers),
            Stored::Counts(column) => column.extend(numbers.iter().map(|number| *number as u64)),
            Stored::Labels(column) => column.extend(numbers.iter().map(|number| *number as u16)),
            Stored::Flags(column) => column.extend(numbers, |number| number > 0.0),
        }
        // Counting all of them, instead of stopping at the first, takes several values at a time.
        let missing = numbers.iter().filter(|number| number.is_nan()).count();
        if missing > 0 || self.valid.is_some() {
            let valid = self.valid.get_or_insert_with(|| Bits::set(self.rows));
            valid.extend(numbers, |number| !number.is_nan());
        }
        self.rows += numbers.len();
    }

    fn finish(self) -> ArrayRef {
        let rows = self.rows;
        let nulls = self.valid.map(|valid| NullBuffer::new(valid.finish(rows)));
        match self.stored {
            Stored::Numbers(column) => Arc::new(Float64Array::new(column.into(), nulls)),
            Stored::Counts(column) => Arc::new(UInt64Array::new(column.into(), nulls)),
            Stored::Labels(column) => Arc::new(UInt16Array::new(column.into(), nulls)),
            Stored::Flags(column) => Arc::new(BooleanArray::new(column.finish(rows), nulls)),
        }
    }
}
