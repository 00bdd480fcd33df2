//! Linux has files for this: what waits for one is woken by the clock's own interrupt, and by no other thread.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use pyo3::prelude::*;
use rustix::io::{Errno, read};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::bell::io_error;

/// No time at all would mean never.
const SHORTEST: Duration = Duration::from_nanos(1);

/// A timer of the kernel's.
pub struct Timer(OwnedFd);

impl Timer {
    /// Not set.
    pub fn new() -> PyResult<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        timerfd_create(TimerfdClockId::Monotonic, flags).map(Self).map_err(|why| io_error(why.into()))
    }

    /// Readable once its time has come.
    pub fn fileno(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// Sets it anew.
    pub fn set(&self, wait: Duration) -> PyResult<()> {
        let once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let wait = Timespec::try_from(wait.max(SHORTEST)).map_err(|_| io_error(Errno::INVAL.into()))?;
        timerfd_settime(
            &self.0,
            TimerfdTimerFlags::empty(),
            &Itimerspec { it_interval: once, it_value: wait },
        )
        .map(drop)
        .map_err(|why| io_error(why.into()))
    }

    /// Silent until it is set again. If it was set while it rang, there is nothing to read.
    pub fn heard(&self) -> PyResult<()> {
        match read(&self.0, &mut [0; 8]) {
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(why) => Err(io_error(why.into())),
        }
    }
}
