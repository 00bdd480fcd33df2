//! What the database did, and how long it took: atomics, read when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What is counted apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Operation {
    /// A batch of rows committed.
    Insert,
    /// An index built.
    Index,
    /// A batch of rows removed.
    Delete,
    /// A question answered.
    Query,
}

impl Operation {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Insert, Self::Index, Self::Delete, Self::Query];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Index => "index",
            Self::Delete => "delete",
            Self::Query => "query",
        }
    }
}

/// Counts and times of a store's operations since it was opened, those that failed among them.
#[derive(Debug, Default)]
pub struct Meter {
    counts: [AtomicU64; Operation::ALL.len()],
    nanos: [AtomicU64; Operation::ALL.len()],
    rows: AtomicU64,
}

impl Meter {
    /// Does an operation and counts it.
    pub(super) fn time<T>(&self, operation: Operation, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.counts[operation as usize].fetch_add(1, Relaxed);
        self.nanos[operation as usize].fetch_add(took, Relaxed);
        done
    }

    pub(super) fn added(&self, rows: u64) {
        self.rows.fetch_add(rows, Relaxed);
    }

    /// How often an operation was done, and how long that took in all.
    #[must_use]
    pub fn of(&self, operation: Operation) -> (u64, Duration) {
        let nanos = self.nanos[operation as usize].load(Relaxed);
        (self.counts[operation as usize].load(Relaxed), Duration::from_nanos(nanos))
    }

    /// Rows added.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }
}
