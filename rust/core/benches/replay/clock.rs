//! Time by the wall and time on the processor: on a shared machine they differ.

use std::ops::{AddAssign, Sub};

use rustix::time::{ClockId, clock_gettime};

/// Seconds, since an arbitrary moment or between two.
#[derive(Clone, Copy, Default)]
pub struct Clock {
    pub wall: f64,
    pub cpu: f64,
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

impl Clock {
    pub fn now() -> Self {
        Self { wall: seconds(ClockId::Monotonic), cpu: seconds(ClockId::ProcessCPUTime) }
    }
}

impl Sub for Clock {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { wall: self.wall - earlier.wall, cpu: self.cpu - earlier.cpu }
    }
}

impl AddAssign for Clock {
    fn add_assign(&mut self, more: Self) {
        self.wall += more.wall;
        self.cpu += more.cpu;
    }
}
