//! Rows as Arrow record batches.
mod column;
mod supply;

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, UInt16Array, UInt64Array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::columns::Kind;
use crate::context::Context;
use crate::evaluate::Outcome;
use crate::plan::Point;
use crate::values::{Rows, Value};
use column::{Column, WORD};
pub use supply::Supply;

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
    supply: Supply,
}

impl<'a> BatchBuilder<'a> {
    /// Room for `capacity` rows.
    #[must_use]
    pub fn new(context: &'a Context, values: &'a [Value], capacity: usize) -> Self {
        Self::with(Supply::default(), context, values, capacity)
    }

    /// The same with what batches of these columns share.
    #[must_use]
    pub fn with(supply: Supply, context: &'a Context, values: &'a [Value], capacity: usize) -> Self {
        let columns = values.iter().map(|value| Cells::new(context, value, capacity, &supply)).collect();
        let pending = Rows::with_capacity(context.plan.phase, PENDING_ROWS.min(capacity));
        Self { context, values, columns, pending, numbers: Vec::with_capacity(PENDING_ROWS), rows: 0, supply }
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
                    column.extend(&mut self.numbers, |numbers| value.extend(self.context, &self.pending, numbers));
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
        let Self { values, columns, rows, supply, .. } = self;
        let columns = values.iter().zip(columns).enumerate();
        let arrays = columns.map(|(position, (value, cells))| match cells {
            Cells::RowIds(ids) => Arc::new(UInt64Array::new(supply.lend(ids), None)),
            Cells::Each(column) => column.finish(&supply),
            Cells::Same(number) => supply.constant(position, rows, || constant(value.kind, number, rows)),
        });
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays.collect(), &options)
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
    fn new(context: &Context, value: &Value, capacity: usize, supply: &Supply) -> Self {
        match value.constant(context) {
            Some(number) => Self::Same(number),
            None if value.is_row_id() => Self::RowIds(supply.take(capacity)),
            None => Self::Each(Column::new(value.kind, capacity, supply)),
        }
    }
}

/// A column of one value.
fn constant(kind: Kind, number: f64, rows: usize) -> ArrayRef {
    match kind {
        Kind::Number => Arc::new(Float64Array::new(vec![number; rows].into(), None)),
        Kind::Count => Arc::new(UInt64Array::new(vec![number as u64; rows].into(), None)),
        Kind::Label => Arc::new(UInt16Array::new(vec![number as u16; rows].into(), None)),
        Kind::Bool if number > 0.0 => Arc::new(BooleanArray::new(BooleanBuffer::new_set(rows), None)),
        Kind::Bool => Arc::new(BooleanArray::new(BooleanBuffer::new_unset(rows), None)),
    }
}

const _: () = assert!(PENDING_ROWS.is_multiple_of(WORD));
