//! Rows as Arrow record batches.
mod column;

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

const _: () = assert!(PENDING_ROWS.is_multiple_of(WORD));
