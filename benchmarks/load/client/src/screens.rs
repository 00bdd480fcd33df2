//! Screens: whether frames come when they should.

use crate::content::{Looked, Tally, named};

/// One connection's frames against a grid of so many a second.
#[derive(Debug)]
pub struct Screen {
    period: i64,
    /// When the next frame is due.
    due: Option<i64>,
    before: i64,
}

impl Screen {
    /// No frame yet.
    #[must_use]
    pub fn new(hertz: f64) -> Self {
        Self { period: (1e9 / hertz) as i64, due: None, before: 0 }
    }

    /// A frame arrived. The grid begins with the first; a frame that comes early moves it, so that what is measured is
    /// delay and never a service that is ahead.
    pub fn frame(&mut self, data: &[u8], tally: &mut Tally, looked: &mut Looked<'_>) {
        let now = looked.now;
        if let Some(late) = looked.lateness(named(data, b"\"ts_recv\":")) {
            looked.late.each.add(late);
        }
        if let Some(due) = self.due {
            let late = now - due;
            let missed = (late / self.period).max(0);
            if looked.late.counts {
                tally.missed += missed as u64;
                looked.late.grid.add(late);
                looked.late.interval.add(now - self.before - self.period);
            }
            self.due = Some(due.min(now) + (missed + 1) * self.period);
        } else {
            self.due = Some(now + self.period);
        }
        self.before = now;
    }
}
