//! Label columns as dictionaries, for readers that don't know what the codes stand for.
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

/// The names behind the codes of a stream's columns.
pub(crate) struct Named {
    /// The schema with dictionaries in place of codes.
    pub(crate) schema: SchemaRef,
    /// Of each column, its names, if it is one of labels.
    names: Vec<Option<ArrayRef>>,
}

impl Named {
    /// Of a schema whose label columns hold codes.
    pub(crate) fn new(schema: &SchemaRef, labels: &BTreeMap<&'static str, Vec<String>>) -> Self {
        let of_field = |field: &Arc<Field>| labels.get(field.name().as_str()).map(|names| names_array(names));
        let names: Vec<_> = schema.fields().iter().map(of_field).collect();
        let fields = schema.fields().iter().zip(&names).map(|(field, names)| match names {
            Some(_) => {
                let kind = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
                Arc::new(Field::new(field.name(), kind, field.is_nullable()))
            }
            None => Arc::clone(field),
        });
        Self { schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())), names }
    }

    /// A batch with names.
    pub(crate) fn batch(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let columns = batch.columns().iter().zip(&self.names).map(|(column, names)| match names {
            Some(names) => {
                let codes = column.as_primitive::<UInt16Type>().clone();
                Ok(Arc::new(DictionaryArray::try_new(codes, Arc::clone(names))?) as ArrayRef)
            }
            None => Ok(Arc::clone(column)),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns.collect::<Result<_, ArrowError>>()?,
            &options,
        )
    }
}

fn names_array(names: &[String]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(names))
}
