//! Rows as Arrow record batches.
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, UInt16Array, UInt64Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::columns::Kind;
use crate::context::Context;
use crate::evaluate::Outcome;
use crate::plan::Point;
use crate::values::Value;

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

/// Collects rows column by column.
pub struct BatchBuilder<'a> {
    values: &'a [Value],
    columns: Vec<Vec<f64>>,
    rows: usize,
}

impl<'a> BatchBuilder<'a> {
    /// Room for `capacity` rows.
    #[must_use]
    pub fn new(values: &'a [Value], capacity: usize) -> Self {
        Self { values, columns: values.iter().map(|_| Vec::with_capacity(capacity)).collect(), rows: 0 }
    }

    /// Adds a row.
    pub fn push(&mut self, context: &Context, row: u64, point: &Point, outcome: &Outcome) {
        for (value, column) in self.values.iter().zip(&mut self.columns) {
            column.push(value.of(context, row, point, outcome));
        }
        self.rows += 1;
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows as a record batch.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the arrays are built from the schema's own columns")]
    pub fn finish(self, schema: &SchemaRef) -> RecordBatch {
        let arrays: Vec<ArrayRef> =
            self.values.iter().zip(self.columns).map(|(value, column)| array(value.kind, column)).collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
            .expect("the arrays are built from the schema's own columns")
    }
}

fn array(kind: Kind, column: Vec<f64>) -> ArrayRef {
    let nulls = nulls(&column);
    match kind {
        Kind::Number => Arc::new(Float64Array::new(column.into(), nulls)),
        Kind::Count => Arc::new(UInt64Array::new(column.iter().map(|value| *value as u64).collect(), nulls)),
        Kind::Label => Arc::new(UInt16Array::new(column.iter().map(|value| *value as u16).collect(), nulls)),
        Kind::Bool => Arc::new(BooleanArray::new(column.iter().map(|value| *value > 0.0).collect(), nulls)),
    }
}

/// Nulls where the values are NaN; none at all where no value is.
fn nulls(column: &[f64]) -> Option<NullBuffer> {
    if column.iter().any(|value| value.is_nan()) {
        let valid: BooleanBuffer = column.iter().map(|value| !value.is_nan()).collect();
        Some(NullBuffer::new(valid))
    } else {
        None
    }
}
