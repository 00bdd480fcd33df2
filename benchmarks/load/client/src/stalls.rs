//! How long this machine does not run threads that want to run: no latency that is measured on it can be better.

use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::options::Stalls;

/// Shorter times between two looks at the clock are the loop's own, and interrupts.
const LEAST: Duration = Duration::from_micros(50);
/// Threads that begin share a core until the system has moved them apart.
const APART: Duration = Duration::from_millis(500);

/// What threads that only look at the clock have seen, one a core. Times are milliseconds.
#[derive(Serialize, Debug)]
pub struct Report {
    cores: usize,
    seconds: f64,
    /// Of all time, in which a thread was not run.
    percent: f64,
    /// How long what comes at any moment waits until its thread runs.
    p99: f64,
    p999: f64,
    max: f64,
}

/// Looks at the clock on every core at once.
pub fn run(options: &Stalls) -> crate::Result<Report> {
    let cores = thread::available_parallelism()?.get();
    let time = Duration::from_secs_f64(options.seconds);
    let threads: Vec<_> = (0..cores).map(|_| thread::spawn(move || gaps(time))).collect();
    let mut gaps = Vec::new();
    for thread in threads {
        gaps.extend(thread.join().map_err(|_| "a thread has panicked")?);
    }
    let all = options.seconds * 1e3 * cores as f64;
    Ok(Report {
        cores,
        seconds: options.seconds,
        percent: 100.0 * gaps.iter().sum::<f64>() / all,
        p99: wait(&gaps, all, 0.01),
        p999: wait(&gaps, all, 0.001),
        max: gaps.iter().copied().fold(0.0, f64::max),
    })
}

/// The times, in milliseconds, between two looks that were long.
fn gaps(time: Duration) -> Vec<f64> {
    let start = Instant::now();
    while start.elapsed() < APART {}
    let began = Instant::now();
    let (mut last, mut gaps) = (began, Vec::new());
    while last - began < time {
        let now = Instant::now();
        if now - last > LEAST {
            gaps.push((now - last).as_secs_f64() * 1e3);
        }
        last = now;
    }
    gaps
}

/// The wait that a share of all moments exceeds: in a gap, the moments wait for what is left of it.
fn wait(gaps: &[f64], all: f64, share: f64) -> f64 {
    let exceeded = |wait: f64| gaps.iter().map(|gap| (gap - wait).max(0.0)).sum::<f64>() / all;
    let (mut low, mut high) = (0.0, gaps.iter().copied().fold(0.0, f64::max));
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if exceeded(middle) > share {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_wait_for_the_rest_of_their_gap() {
        // A tenth of the time in one gap of 10: a hundredth of all moments waits for more than 9.
        assert!((wait(&[10.0], 100.0, 0.01) - 9.0).abs() < 1e-6);
        assert!((wait(&[10.0, 10.0], 200.0, 0.01) - 9.0).abs() < 1e-6);
        assert!(wait(&[1.0], 1_000.0, 0.01).abs() < 1e-6);
        assert!(wait(&[], 1_000.0, 0.01).abs() < 1e-6);
    }
}
