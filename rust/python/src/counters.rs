//! Counts for metrics, over the whole process: atomics, read when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use booktape_core::market::{Market, Totals};
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

/// What a market had counted before a batch.
#[derive(Clone, Copy)]
pub struct Before {
    totals: Totals,
    anomalies: AnomalyCounts,
}

impl Before {
    /// Takes the counts.
    pub fn of(market: &Market) -> Self {
        Self { totals: *market.totals(), anomalies: *market.notes().counts() }
    }

    /// Records, event ends and anomalies since.
    pub fn until(&self, market: &Market) -> (u64, u64, AnomalyCounts) {
        let totals = market.totals();
        (
            totals.records - self.totals.records,
            totals.event_ends - self.totals.event_ends,
            market.notes().counts().since(&self.anomalies),
        )
    }

    /// Adds the batch to the process's counts.
    pub fn count(&self, market: &Market, took: Duration) {
        let (records, _, anomalies) = self.until(market);
        if records == 0 {
            return;
        }
        let (before, after) = (&self.totals.updates, &market.totals().updates);
        RECORDS.fetch_add(records, Relaxed);
        ADDS.fetch_add(after.add - before.add, Relaxed);
        CANCELS.fetch_add(after.cancel - before.cancel, Relaxed);
        MODIFIES.fetch_add(after.modify - before.modify, Relaxed);
        APPLY_NANOS.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
        APPLY_BATCHES.fetch_add(1, Relaxed);
        for (kind, count) in anomalies.iter() {
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
