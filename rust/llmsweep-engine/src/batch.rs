//! Rows as Arrow record batches.
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, UInt16Array, UInt64Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::columns::Kind;
use crate::context::Context;
use crate::evaluate::Outcome;
use crate::plan::Point;
use crate::values::{Column64, Row, Value};

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
    columns: Vec<Column64>,
    pending: Vec<Row>,
    rows: usize,
}

impl<'a> BatchBuilder<'a> {
    /// Room for `capacity` rows.
    #[must_use]
    pub fn new(context: &'a Context, values: &'a [Value], capacity: usize) -> Self {
        let columns = values.iter().map(|value| value.column(capacity)).collect();
        Self { context, values, columns, pending: Vec::with_capacity(PENDING_ROWS.min(capacity)), rows: 0 }
    }

    /// Adds a row.
    pub fn push(&mut self, id: u64, point: &Point, outcome: &Outcome) {
        self.pending.push(Row { id, point: *point, outcome: *outcome });
        self.rows += 1;
        if self.pending.len() == PENDING_ROWS {
            self.spread();
        }
    }

    fn spread(&mut self) {
        for (value, column) in self.values.iter().zip(&mut self.columns) {
            value.extend(self.context, &self.pending, column);
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
        let arrays = self.values.iter().zip(self.columns).map(|(value, column)| array(value.kind, column)).collect();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
            .expect("the arrays are built from the schema's own columns")
    }
}

fn array(kind: Kind, column: Column64) -> ArrayRef {
    let column = match column {
        Column64::Exact(column) => return Arc::new(UInt64Array::new(column.into(), None)),
        Column64::Number(column) => column,
    };
    let nulls = nulls(&column);
    match kind {
        Kind::Number => Arc::new(Float64Array::new(column.into(), nulls)),
        Kind::Count => Arc::new(UInt64Array::new(column.iter().map(|value| *value as u64).collect(), nulls)),
        Kind::Label => Arc::new(UInt16Array::new(column.iter().map(|value| *value as u16).collect(), nulls)),
        Kind::Bool => {
            let flags = BooleanBuffer::collect_bool(column.len(), |row| column[row] > 0.0);
            Arc::new(BooleanArray::new(flags, nulls))
        }
    }
}

/// Nulls where the values are NaN; none at all where no value is.
fn nulls(column: &[f64]) -> Option<NullBuffer> {
    // Counting all of them, instead of stopping at the first, takes several values at a time.
    let missing = column.iter().filter(|value| value.is_nan()).count();
    let valid = || BooleanBuffer::collect_bool(column.len(), |row| !column[row].is_nan());
    (missing > 0).then(|| NullBuffer::new(valid()))
}
