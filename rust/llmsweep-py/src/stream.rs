//! Record batches on their way to Python.
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};

use crate::errors::{DataProblem, IntoPython};

/// Batches that are made as they are read.
pub(crate) type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// An Arrow stream, to be read once. It offers `__arrow_c_stream__` and nothing else: a reader that also found
/// `__arrow_c_array__` would use that instead.
#[pyclass(frozen, module = "llmsweep._core")]
pub(crate) struct Stream {
    schema: SchemaRef,
    batches: Mutex<Option<Batches>>,
}

impl Stream {
    /// A stream of batches that all have this schema.
    pub(crate) fn new(schema: SchemaRef, batches: Batches) -> Self {
        Self { schema, batches: Mutex::new(Some(batches)) }
    }

    /// The stream as a capsule; the second time an error.
    pub(crate) fn export<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(batches) = batches else {
            let message = "this stream has been read already; keep the table made from it, or run the sweep again";
            return Err(DataProblem(message.into()).into_python(py));
        };
        let field = Field::new("", DataType::Struct(self.schema.fields().clone()), false)
            .with_metadata(self.schema.metadata().clone());
        let arrays = batches.map(|batch| batch.map(|batch| Arc::new(StructArray::from(batch)) as ArrayRef));
        let reader = Box::new(ArrayIterator::new(arrays, Arc::new(field)));
        Ok(to_stream_pycapsule(py, reader, requested_schema)?)
    }
}

#[pymethods]
impl Stream {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        self.export(py, requested_schema)
    }
}
