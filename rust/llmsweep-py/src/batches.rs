//! `_core.Batches`: rows that are made while they are read.
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use llmsweep_engine::control::{Cancelled, Control};
use llmsweep_engine::run::{Output, Stats};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use rayon::ThreadPool;

use crate::errors::{DataProblem, IntoPython};
use crate::interrupt::{TICK, internal, panic_text, report};
use crate::named::Named;
use crate::stream::Stream;
use crate::sweep::PyResultRows;

/// Batches that wait for their reader: enough that neither waits for the other for long.
const WAITING: usize = 2;

/// What comes from the thread that makes the batches.
enum Item {
    Batch(RecordBatch),
    End(Result<Box<Stats>, String>),
}

/// Stops the work when nobody reads any more.
struct Reader {
    items: Receiver<Item>,
    control: Arc<Control>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.control.cancel();
    }
}

/// Rows of a sweep, batch by batch in the order of their numbers: an iterator of results, or one Arrow stream, to be read once.
#[pyclass(frozen, name = "Batches", module = "llmsweep._core")]
pub(crate) struct PyBatches {
    schema: SchemaRef,
    labels: BTreeMap<&'static str, Vec<String>>,
    progress: Option<Py<PyAny>>,
    reader: Mutex<Option<Reader>>,
    stats: Arc<Mutex<Option<Stats>>>,
}

impl PyBatches {
    /// Starts to make batches.
    pub(crate) fn start(
        pool: Arc<ThreadPool>,
        labels: BTreeMap<&'static str, Vec<String>>,
        progress: Option<Py<PyAny>>,
        schema: SchemaRef,
        work: impl FnOnce(
            &ThreadPool,
            &Control,
            &mut dyn FnMut(RecordBatch) -> Result<(), Cancelled>,
        ) -> Result<Stats, Cancelled>
        + Send
        + 'static,
    ) -> PyResult<Self> {
        let control = Arc::new(Control::new());
        let (sender, items) = sync_channel(WAITING);
        let worker = Arc::clone(&control);
        std::thread::Builder::new()
            .name("llmsweep-stream".into())
            .spawn(move || {
                let mut hand_over = |batch| sender.send(Item::Batch(batch)).map_err(|_| Cancelled);
                let made = catch_unwind(AssertUnwindSafe(|| work(&pool, &worker, &mut hand_over)));
                end(&sender, made.map_err(|panic| panic_text(panic.as_ref())));
            })
            .map_err(|error| PyRuntimeError::new_err(format!("can't start a thread: {error}")))?;
        let reader = Mutex::new(Some(Reader { items, control }));
        Ok(Self { schema, labels, progress, reader, stats: Arc::new(Mutex::new(None)) })
    }

    fn reader(&self) -> MutexGuard<'_, Option<Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody waits any more where the message does not arrive.
fn end(sender: &SyncSender<Item>, made: Result<Result<Stats, Cancelled>, String>) {
    let stats = match made {
        Ok(Ok(stats)) => Ok(Box::new(stats)),
        Ok(Err(Cancelled)) => return,
        Err(panic) => Err(panic),
    };
    let _ = sender.send(Item::End(stats));
}

#[pymethods]
impl PyBatches {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PyResultRows>> {
        // Taken out while it is waited on: an exception or another reader finds the work stopped or the stream at its end.
        let Some(mut reader) = self.reader().take() else { return Ok(None) };
        loop {
            let answer;
            (reader, answer) = py.detach(move || {
                let answer = reader.items.recv_timeout(TICK);
                (reader, answer)
            });
            report(self.progress.as_ref().map(|progress| progress.bind(py)), &reader.control)?;
            match answer {
                Ok(Item::Batch(batch)) => {
                    let output = Output {
                        schema: Arc::clone(&self.schema),
                        stats: Stats::of_batch(batch.num_rows() as u64),
                        batches: vec![batch],
                    };
                    *self.reader() = Some(reader);
                    return Ok(Some(PyResultRows::new(output, self.labels.clone())));
                }
                Ok(Item::End(Ok(stats))) => {
                    *self.stats.lock().unwrap_or_else(PoisonError::into_inner) = Some(*stats);
                    return Ok(None);
                }
                Ok(Item::End(Err(panic))) => return Err(internal(&panic)),
                Err(RecvTimeoutError::Disconnected) => return Err(internal("the worker thread vanished")),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            }
        }
    }

    /// Names by code of each label column.
    #[getter]
    fn labels(&self) -> BTreeMap<&'static str, Vec<String>> {
        self.labels.clone()
    }

    /// Counts as JSON once all batches were read; ``None`` before.
    #[getter]
    fn stats(&self) -> Option<String> {
        let stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.as_ref().map(|stats| stats.to_json().to_string())
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let Some(reader) = self.reader().take() else {
            let message = "this stream has been read already; start another";
            return Err(DataProblem(message.into()).into_python(py));
        };
        let stats = Arc::clone(&self.stats);
        let named = Named::new(&self.schema, &self.labels);
        let schema = Arc::clone(&named.schema);
        let batches = std::iter::from_fn(move || match reader.items.recv() {
            Ok(Item::Batch(batch)) => Some(named.batch(&batch)),
            Ok(Item::End(Ok(end))) => {
                *stats.lock().unwrap_or_else(PoisonError::into_inner) = Some(*end);
                None
            }
            Ok(Item::End(Err(panic))) => Some(Err(ArrowError::ExternalError(panic.into()))),
            Err(_) => None,
        });
        Stream::new(schema, Box::new(batches)).export(py, requested_schema)
    }
}
