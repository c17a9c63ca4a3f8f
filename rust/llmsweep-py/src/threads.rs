//! The pool of threads that computes: our own, so that its size is ours and a fork is noticed.
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// The environment variable that sets the number of threads where no argument does.
const VARIABLE: &str = "LLMSWEEP_THREADS";

struct Made {
    process: u32,
    threads: usize,
    pool: Arc<ThreadPool>,
}

static MADE: Mutex<Option<Made>> = Mutex::new(None);

/// The process's pool of so many threads; by default as many as `LLMSWEEP_THREADS` says, or as the machine offers.
pub(crate) fn pool(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    let threads = count(threads, std::env::var(VARIABLE).ok().as_deref()).map_err(PyValueError::new_err)?;
    let process = std::process::id();
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = made.as_ref().filter(|made| made.process == process && made.threads == threads) {
        return Ok(Arc::clone(&made.pool));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("llmsweep-{index}"))
        .build()
        .map_err(|error| PyRuntimeError::new_err(format!("can't start {threads} threads: {error}")))?;
    let pool = Arc::new(pool);
    let fresh = Made { process, threads, pool: Arc::clone(&pool) };
    if let Some(old) = made.replace(fresh).filter(|old| old.process != process) {
        // A forked child has its parent's pool without the threads in it: to drop it would wait for them for ever.
        std::mem::forget(old);
    }
    Ok(pool)
}

fn count(argument: Option<usize>, variable: Option<&str>) -> Result<usize, String> {
    match (argument, variable.map(str::trim).filter(|text| !text.is_empty())) {
        (Some(0), _) => Err("threads: \"0\" is not a number of threads; give a whole number from 1".into()),
        (Some(threads), _) => Ok(threads),
        (None, Some(text)) => match text.parse() {
            Ok(threads) if threads > 0 => Ok(threads),
            _ => Err(format!("{VARIABLE}: \"{text}\" is not a number of threads; give a whole number from 1")),
        },
        (None, None) => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
    }
}
