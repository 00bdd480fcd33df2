//! `Alarm`: a time at which an event loop wakes, exact where the loop's own timers are rounded to milliseconds.

#[cfg(target_os = "linux")]
mod kernel;
// Compiled everywhere, so that it does not rot where it is not used.
#[cfg_attr(target_os = "linux", allow(dead_code))]
mod thread;

use std::time::Duration;

use pyo3::prelude::*;

use crate::errors::parameter;

#[cfg(target_os = "linux")]
use self::kernel::Timer;
#[cfg(not(target_os = "linux"))]
use self::thread::Timer;

/// A file that becomes readable when its time has come.
#[pyclass(frozen, module = "booktape._native")]
pub struct Alarm {
    timer: Timer,
}

#[pymethods]
impl Alarm {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self { timer: Timer::new()? })
    }

    /// What the event loop watches for reading.
    fn fileno(&self) -> i32 {
        self.timer.fileno()
    }

    /// Rings in so many seconds, and not at the time that was set before.
    fn set(&self, seconds: f64) -> PyResult<()> {
        let wait = Duration::try_from_secs_f64(seconds)
            .map_err(|_| parameter("seconds", seconds, "seconds, from 0"))?;
        self.timer.set(wait)
    }

    /// To be called when it is readable.
    fn heard(&self) -> PyResult<()> {
        self.timer.heard()
    }
}
