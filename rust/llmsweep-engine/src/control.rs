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
}

/// The computation stopped because its [`Control`] was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the computation was cancelled before it finished")]
pub struct Cancelled;

impl Control {
    /// A line on which nothing has happened yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { cancel: AtomicBool::new(false), done: AtomicU64::new(0), total: AtomicU64::new(0) }
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

    /// Units finished, and units in all (0 while unknown).
    pub fn progress(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::{Cancelled, Control};

    #[test]
    fn counts_and_cancels() {
        let control = Control::new();
        control.expect(10);
        control.advance(3);
        control.advance(4);
        assert_eq!(control.progress(), (7, 10));
        assert_eq!(control.check(), Ok(()));
        control.cancel();
        assert_eq!(control.check(), Err(Cancelled));
    }
}
