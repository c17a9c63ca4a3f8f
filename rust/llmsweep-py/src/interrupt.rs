//! The one way from Python into a long computation.
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use llmsweep_engine::control::{Control, Progress};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::ThreadPool;

use crate::errors::IntoPython;

/// Between two looks at signals and progress.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// How long a cancelled computation may take to notice before it is left to finish by itself.
const GRACE: Duration = Duration::from_millis(100);

/// Runs `work` on the pool while the interpreter is free, and waits for it.
///
/// Every tick the calling thread runs pending signal handlers and calls `progress(done, total, feasible, front)`. If either raises, the
/// computation is cancelled and the exception goes on within about 0.2 s: `work` owns all that it touches, so it can be
/// left behind. A panic becomes a `RuntimeError`; it never crosses the border.
pub(crate) fn compute<T, E, F>(
    py: Python<'_>,
    pool: Arc<ThreadPool>,
    progress: Option<&Bound<'_, PyAny>>,
    work: F,
) -> PyResult<T>
where
    T: Send + 'static,
    E: IntoPython + Send + 'static,
    F: FnOnce(&Control) -> Result<T, E> + Send + 'static,
{
    let control = Arc::new(Control::new());
    let (sender, receiver) = sync_channel(1);
    let worker_control = Arc::clone(&control);
    std::thread::Builder::new()
        .name("llmsweep-work".into())
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| pool.install(|| work(&worker_control))));
            // A failure to send means that nobody waits any more, after Ctrl-C.
            let _ = sender.send(outcome);
        })
        .map_err(|error| PyRuntimeError::new_err(format!("can't start a thread: {error}")))?;

    let mut receiver = receiver;
    loop {
        let answer;
        (receiver, answer) = wait(py, receiver, TICK);
        match answer {
            Ok(Ok(outcome)) => {
                if outcome.is_ok() {
                    report(progress, &control)?;
                }
                return outcome.map_err(|error| error.into_python(py));
            }
            Ok(Err(panic)) => return Err(internal(&panic_text(panic.as_ref()))),
            Err(RecvTimeoutError::Disconnected) => return Err(internal("the worker thread vanished")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(error) = py.check_signals().and_then(|()| report(progress, &control)) {
            control.cancel();
            drop(wait(py, receiver, GRACE));
            return Err(error);
        }
    }
}

type Answer<T> = Result<T, RecvTimeoutError>;

/// Waits without the interpreter.
fn wait<T: Send>(py: Python<'_>, receiver: Receiver<T>, time: Duration) -> (Receiver<T>, Answer<T>) {
    py.detach(move || {
        let answer = receiver.recv_timeout(time);
        (receiver, answer)
    })
}

pub(crate) fn report(progress: Option<&Bound<'_, PyAny>>, control: &Control) -> PyResult<()> {
    let Progress { done, total, feasible, front } = control.progress();
    match progress {
        Some(progress) if total > 0 => progress.call1((done, total, feasible, front)).map(drop),
        _ => Ok(()),
    }
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

/// The exception for a mistake of ours.
pub(crate) fn internal(text: &str) -> PyErr {
    PyRuntimeError::new_err(format!("internal error in llmsweep: {text}; please report it with what you called"))
}
