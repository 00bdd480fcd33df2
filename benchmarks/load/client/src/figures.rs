//! What was measured, as it is reported.

use hdrhistogram::Histogram;
use serde::Serialize;

/// Latencies up to ten minutes are told apart by a thousandth of themselves.
const MOST_NANOSECONDS: u64 = 600_000_000_000;
const DIGITS: u8 = 3;

/// How late things were.
#[derive(Debug)]
pub struct Latencies {
    histogram: Option<Histogram<u64>>,
    earliest: i64,
}

impl Latencies {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { histogram: Histogram::new_with_bounds(1, MOST_NANOSECONDS, DIGITS).ok(), earliest: i64::MAX }
    }

    /// Adds one. What came before its time counts as on time, and how early it came is reported.
    pub fn add(&mut self, nanoseconds: i64) {
        self.earliest = self.earliest.min(nanoseconds);
        if let Some(histogram) = &mut self.histogram {
            histogram.saturating_record(nanoseconds.max(0) as u64);
        }
    }

    /// Milliseconds at the percentiles that are reported; none if nothing was measured.
    #[must_use]
    pub fn report(&self) -> Option<Percentiles> {
        let histogram = self.histogram.as_ref().filter(|histogram| !histogram.is_empty())?;
        let at = |quantile| milliseconds(histogram.value_at_quantile(quantile));
        Some(Percentiles {
            count: histogram.len(),
            earliest: self.earliest as f64 / 1e6,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: milliseconds(histogram.max()),
        })
    }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

/// Milliseconds.
#[derive(Serialize, Debug)]
pub struct Percentiles {
    count: u64,
    earliest: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

/// The same figure of many clients.
#[derive(Serialize, Debug)]
pub struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Spread {
    /// None of nothing.
    #[must_use]
    pub fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        Some(Self { min: *values.first()?, median: *values.get(values.len() / 2)?, max: *values.last()? })
    }
}
