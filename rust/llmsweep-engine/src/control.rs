//! The two-way line between a long computation and whoever waits for it: stop me, and how far are you.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Shared by the computation, which reports progress and looks for a cancellation, and its watcher, which does the
/// reverse. Every operation is a relaxed atomic: the line carries no data, only counts and a wish.
#[derive(Debug, Default)]
pub struct Control {
    /// True once nobody wants the result any more.
    pub cancel: AtomicBool,
    /// Units of work finished.
    pub done: AtomicU64,
    /// Units of work in all; 0 while unknown.
    pub total: AtomicU64,
    /// Units among those finished that can run.
    pub feasible: AtomicU64,
    /// Size of the front so far, as one of the threads sees it.
    pub front: AtomicU64,
}

/// How far a computation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units of work finished.
    pub done: u64,
    /// Units of work in all; 0 while unknown.
    pub total: u64,
    /// Units among those finished that can run.
    pub feasible: u64,
    /// Size of the front so far.
    pub front: u64,
}

/// The computation stopped because its [`Control`] was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the computation was cancelled before it finished")]
pub struct Cancelled;

impl Control {
    /// A line on which nothing has happened yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            cancel: AtomicBool::new(false),
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            feasible: AtomicU64::new(0),
            front: AtomicU64::new(0),
        }
    }

    /// Asks the computation to stop soon.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Whether the computation should stop.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// `Err(Cancelled)` if the computation should stop, for use with `?`.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Says how many units of work there are.
    pub fn expect(&self, units: u64) {
        self.total.store(units, Ordering::Relaxed);
    }

    /// Reports units of work as finished.
    pub fn advance(&self, units: u64) {
        self.done.fetch_add(units, Ordering::Relaxed);
    }

    /// Reports units among those finished that can run.
    pub fn count_feasible(&self, units: u64) {
        self.feasible.fetch_add(units, Ordering::Relaxed);
    }

    /// Says how large the front is.
    pub fn show_front(&self, rows: u64) {
        self.front.store(rows, Ordering::Relaxed);
    }

    /// How far the computation is.
    pub fn progress(&self) -> Progress {
        Progress {
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
            feasible: self.feasible.load(Ordering::Relaxed),
            front: self.front.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cancelled, Control, Progress};

    #[test]
    fn counts_and_cancels() {
        let control = Control::new();
        control.expect(10);
        control.advance(3);
        control.advance(4);
        control.count_feasible(5);
        control.show_front(2);
        assert_eq!(control.progress(), Progress { done: 7, total: 10, feasible: 5, front: 2 });
        assert_eq!(control.check(), Ok(()));
        control.cancel();
        assert_eq!(control.check(), Err(Cancelled));
    }
}
