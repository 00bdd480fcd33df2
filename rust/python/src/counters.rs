//! Counts for metrics, over the whole process: atomics, read when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use booktape_core::market::{Market, Tally};
use booktape_core::types::{AnomalyCounts, AnomalyKind};
use pyo3::prelude::*;
use pyo3::types::PyDict;

static RECORDS: AtomicU64 = AtomicU64::new(0);
static ADDS: AtomicU64 = AtomicU64::new(0);
static CANCELS: AtomicU64 = AtomicU64::new(0);
static MODIFIES: AtomicU64 = AtomicU64::new(0);
static APPLY_NANOS: AtomicU64 = AtomicU64::new(0);
static APPLY_BATCHES: AtomicU64 = AtomicU64::new(0);
static FRAMED: AtomicU64 = AtomicU64::new(0);
static ANOMALIES: [AtomicU64; AnomalyKind::ALL.len()] = [const { AtomicU64::new(0) }; AnomalyKind::ALL.len()];

/// What a market had counted when it was last looked at.
#[derive(Clone, Copy, Default)]
pub struct Meter {
    tally: Tally,
    anomalies: AnomalyCounts,
    took: Duration,
    batches: u64,
}

impl Meter {
    /// Takes the counts.
    pub fn of(market: &Market) -> Self {
        Self { tally: market.tally(), anomalies: market.anomalies(), ..Self::default() }
    }

    /// Records, event ends and anomalies since.
    pub fn until(&self, market: &Market) -> (u64, u64, AnomalyCounts) {
        let since = market.tally() - self.tally;
        (since.records, since.event_ends, market.anomalies().since(&self.anomalies))
    }

    /// Takes note of the time of a batch.
    pub fn took(&mut self, took: Duration) {
        self.took += took;
        self.batches += 1;
    }

    /// Adds a batch to the process's counts: now, or with later ones where a market has more books than new records,
    /// since counting looks at every book.
    pub fn batch(&mut self, market: &Market, took: Duration) {
        self.took(took);
        if market.position() - self.tally.records >= market.entries().len() as u64 {
            self.settle(market);
        }
    }

    /// Adds everything since the last reading to the process's counts.
    pub fn settle(&mut self, market: &Market) {
        let (tally, anomalies) = (market.tally(), market.anomalies());
        let (since, kinds) = (tally - self.tally, anomalies.since(&self.anomalies));
        let Self { took, batches, .. } =
            std::mem::replace(self, Self { tally, anomalies, ..Self::default() });
        if since.records == 0 {
            return;
        }
        RECORDS.fetch_add(since.records, Relaxed);
        ADDS.fetch_add(since.updates.add, Relaxed);
        CANCELS.fetch_add(since.updates.cancel, Relaxed);
        MODIFIES.fetch_add(since.updates.modify, Relaxed);
        APPLY_NANOS.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        APPLY_BATCHES.fetch_add(batches, Relaxed);
        for (kind, count) in kinds.iter() {
            ANOMALIES[kind as usize].fetch_add(count, Relaxed);
        }
    }
}

/// Counts bytes framed for streams.
pub fn framed(bytes: usize) {
    FRAMED.fetch_add(bytes as u64, Relaxed);
}

/// Process-wide counts for metrics.
#[pyfunction]
pub fn counters(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let counts = PyDict::new(py);
    counts.set_item("records_applied", RECORDS.load(Relaxed))?;
    counts.set_item("updates.add", ADDS.load(Relaxed))?;
    counts.set_item("updates.cancel", CANCELS.load(Relaxed))?;
    counts.set_item("updates.modify", MODIFIES.load(Relaxed))?;
    counts.set_item("apply_nanos", APPLY_NANOS.load(Relaxed))?;
    counts.set_item("apply_batches", APPLY_BATCHES.load(Relaxed))?;
    counts.set_item("bytes_framed", FRAMED.load(Relaxed))?;
    for kind in AnomalyKind::ALL {
        counts.set_item(format!("anomalies.{}", kind.name()), ANOMALIES[kind as usize].load(Relaxed))?;
    }
    Ok(counts)
}
