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
    /// A connection's first record came when it was due.
    First,
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
            "first" => Ok(Self::First),
            _ => text
                .split_once(':')
                .and_then(|(wall, tape)| {
                    Some(Self::At { wall: wall.parse().ok()?, tape: tape.parse().ok()? })
                })
                .ok_or_else(|| format!("{text}: not tape, first, or WALL:TAPE in nanoseconds")),
        }
    }
}

/// How late records are on one connection.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    anchor: Anchor,
    speed: f64,
}

impl Timing {
    /// By an anchor, at a speed.
    #[must_use]
    pub const fn new(anchor: Anchor, speed: f64) -> Self {
        Self { anchor, speed }
    }

    /// Nanoseconds between the moment a record was due and now.
    pub fn lateness(&mut self, ts_recv: i64, now: i64) -> i64 {
        match self.anchor {
            Anchor::Tape => now - ts_recv,
            Anchor::First => {
                self.anchor = Anchor::At { wall: now, tape: ts_recv };
                0
            }
            Anchor::At { wall, tape } => now - wall - ((ts_recv - tape) as f64 / self.speed) as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Timing};

    #[test]
    fn lateness_follows_the_anchor() {
        assert_eq!(Timing::new(Anchor::Tape, 1.0).lateness(1_000, 1_500), 500);
        let mut first = Timing::new(Anchor::First, 2.0);
        assert_eq!(first.lateness(1_000, 50_000), 0);
        assert_eq!(first.lateness(3_000, 51_100), 100);
        assert_eq!("7:9".parse(), Ok(Anchor::At { wall: 7, tape: 9 }));
        assert!("7".parse::<Anchor>().is_err());
    }
}
