//! When a record was due, on the same clock that stamps live records: the machine's real-time clock.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970.
#[must_use]
pub fn wall() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}

/// What ties times of a tape to the wall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Anchor {
    /// Records were stamped when they were put on the tape.
    Tape,
    /// A connection's quickest record so far came when it was due: what all of them take is not seen.
    Quickest,
    /// Two nanosecond times that belong together.
    At {
        /// On the wall.
        wall: i64,
        /// On the tape.
        tape: i64,
    },
}

impl FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tape" => Ok(Self::Tape),
            "quickest" => Ok(Self::Quickest),
            _ => text
                .split_once(':')
                .and_then(|(wall, tape)| {
                    Some(Self::At { wall: wall.parse().ok()?, tape: tape.parse().ok()? })
                })
                .ok_or_else(|| format!("{text}: not tape, quickest, or WALL:TAPE in nanoseconds")),
        }
    }
}

/// Digits of a speed that count.
const SCALE: i128 = 1_000_000_000;

/// How late records are on one connection.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    anchor: Anchor,
    speed: f64,
    quickest: Option<i64>,
}

impl Timing {
    /// By an anchor, at a speed.
    #[must_use]
    pub const fn new(anchor: Anchor, speed: f64) -> Self {
        Self { anchor, speed, quickest: None }
    }

    /// Nanoseconds between the moment a record was due and now.
    pub fn lateness(&mut self, ts_recv: i64, now: i64) -> i64 {
        match self.anchor {
            Anchor::Tape => now - ts_recv,
            Anchor::At { wall, tape } => now - wall - self.wall_time(ts_recv - tape),
            Anchor::Quickest => {
                let taken = now - self.wall_time(ts_recv);
                let quickest = self.quickest.map_or(taken, |quickest| quickest.min(taken));
                self.quickest = Some(quickest);
                taken - quickest
            }
        }
    }

    fn wall_time(&self, tape_time: i64) -> i64 {
        // By way of 128 bits: nanoseconds since 1970 are more than an f64 holds.
        (i128::from(tape_time) * SCALE / (self.speed * SCALE as f64) as i128) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Timing};

    #[test]
    fn lateness_follows_the_anchor() {
        assert_eq!(Timing::new(Anchor::Tape, 1.0).lateness(1_000, 1_500), 500);
        let mut quickest = Timing::new(Anchor::Quickest, 2.0);
        let since = 1_767_600_000_000_000_000;
        assert_eq!(quickest.lateness(since + 1_000, 50_000), 0);
        assert_eq!(quickest.lateness(since + 3_000, 51_100), 100);
        assert_eq!(quickest.lateness(since + 5_000, 51_900), 0);
        assert_eq!(quickest.lateness(since + 7_000, 53_000), 100);
        assert_eq!(Timing::new(Anchor::At { wall: 5, tape: 100 }, 0.5).lateness(110, 30), 5);
        assert_eq!("7:9".parse(), Ok(Anchor::At { wall: 7, tape: 9 }));
        assert!("7".parse::<Anchor>().is_err());
    }
}
