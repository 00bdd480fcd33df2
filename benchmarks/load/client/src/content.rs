//! What bodies hold: counted in full, looked at as little as possible.

use std::io::Result;

use memchr::{memchr_iter, memmem};

use crate::figures::Latencies;
use crate::lines::{Line, Lines};
use crate::options::Format;
use crate::raw::Raw;
use crate::sample::Sample;
use crate::screens::Screen;
use crate::timing::Timing;

/// How late records were, over all connections.
#[derive(Debug)]
pub struct Lateness {
    /// Of every record of the events that are looked at whole, one in so many.
    pub each: Latencies,
    /// Of screens: how long after its place on the grid a frame came.
    pub grid: Latencies,
    /// Of screens: how much longer than a period after the one before.
    pub interval: Latencies,
    /// Whether the warm-up is over.
    pub counts: bool,
}

impl Lateness {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { each: Latencies::new(), grid: Latencies::new(), interval: Latencies::new(), counts: true }
    }
}

/// What one connection was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Bytes of the body.
    pub bytes: u64,
    /// Events, not counting those that have a name.
    pub events: u64,
    /// Records.
    pub records: u64,
    /// Times that an event did not begin with the record at which the one before ended.
    pub gaps: u64,
    /// Times that a replay went on elsewhere.
    pub jumps: u64,
    /// Goodbyes.
    pub byes: u64,
    /// Comments, the end's among them.
    pub comments: u64,
    /// Frames that a screen should have had in between.
    pub missed: u64,
}

/// The body of one connection.
#[derive(Debug)]
pub struct Content {
    format: Format,
    /// None where nothing says when records were due.
    timing: Option<Timing>,
    sample: Sample,
    lines: Lines,
    raw: Raw,
    screen: Screen,
    event: Event,
}

#[derive(Debug, Default)]
struct Event {
    id: Option<u64>,
    named: bool,
    expected: Option<u64>,
}

impl Content {
    /// An empty one.
    #[must_use]
    pub fn new(format: Format, timing: Option<Timing>, sample: Sample, hertz: f64) -> Self {
        Self {
            format,
            timing,
            sample,
            lines: Lines::default(),
            raw: Raw::default(),
            screen: Screen::new(hertz),
            event: Event::default(),
        }
    }

    /// Takes bytes of the body that arrived at a time of the wall.
    ///
    /// # Errors
    /// They are not what the format says.
    pub fn feed(&mut self, bytes: &[u8], now: i64, tally: &mut Tally, late: &mut Lateness) -> Result<()> {
        tally.bytes += bytes.len() as u64;
        if self.format == Format::Dbn {
            let timed = self.timing.as_mut().map(|timing| (timing, late));
            self.raw.feed(bytes, now, tally, timed, &mut self.sample);
            return Ok(());
        }
        let Self { format, timing, sample, lines, event, screen, .. } = self;
        lines.feed(bytes, |line| match line {
            Line::Id(id) => event.id = number(after_epoch(id)),
            Line::Name(name) => {
                event.named = true;
                match name {
                    b"bye" => tally.byes += 1,
                    b"jump" => {
                        tally.jumps += 1;
                        event.expected = None;
                    }
                    _ => (),
                }
            }
            Line::Comment(_) => tally.comments += 1,
            Line::Data(_) if event.named => (),
            Line::Data(data) => {
                tally.events += 1;
                let mut looked = Looked { timing: timing.as_mut(), now, late };
                match format {
                    Format::Json => compact(data, event, tally, &mut looked, sample),
                    Format::Full => full(data, event, tally, &mut looked, sample),
                    Format::Depth => screen.frame(data, tally, &mut looked),
                    Format::Dbn => (),
                }
            }
            Line::End => {
                event.id = None;
                event.named = false;
            }
        })
    }
}

/// When an event arrived, and where its latencies go.
pub struct Looked<'a> {
    /// When records were due, where that is known.
    pub timing: Option<&'a mut Timing>,
    /// When it arrived.
    pub now: i64,
    /// Where latencies go.
    pub late: &'a mut Lateness,
}

impl Looked<'_> {
    /// How late a record is that was put on the tape at a time.
    pub fn lateness(&mut self, ts_recv: Option<u64>) -> Option<i64> {
        let (timing, ts_recv) = (self.timing.as_mut()?, ts_recv?);
        let lateness = timing.lateness(i64::try_from(ts_recv).ok()?, self.now);
        self.late.counts.then_some(lateness)
    }
}

/// `[[17,"ts_recv",…],…,[80,"ts_recv",…]]`: the first record and the event's id say everything but when each was due.
fn compact(data: &[u8], event: &mut Event, tally: &mut Tally, looked: &mut Looked<'_>, sample: &mut Sample) {
    let end = event.id;
    if let (Some(start), Some(end)) = (data.get(2..).and_then(number), end) {
        tally.gaps += u64::from(end <= start || event.expected.is_some_and(|expected| expected != start));
        tally.records += end.saturating_sub(start);
    } else {
        tally.gaps += 1;
    }
    event.expected = end;
    if looked.timing.is_some() && sample.takes() {
        for at in memchr_iter(b'[', data).skip(1) {
            if let Some(late) = looked.lateness(data.get(at..).and_then(quoted)) {
                looked.late.each.add(late);
            }
        }
    }
}

fn full(data: &[u8], event: &mut Event, tally: &mut Tally, looked: &mut Looked<'_>, sample: &mut Sample) {
    tally.records += 1;
    let gap = event.id.is_none() || event.expected.is_some_and(|expected| event.id != Some(expected));
    tally.gaps += u64::from(gap);
    event.expected = event.id.map(|id| id + 1);
    if looked.timing.is_some() && sample.takes() {
        let ts_recv = named(data, b"\"ts_recv\":");
        if let Some(late) = looked.lateness(ts_recv) {
            looked.late.each.add(late);
        }
    }
}

/// The digits that something begins with.
#[must_use]
pub fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    let mut value = None;
    for digit in digits {
        value = Some(value.unwrap_or(0_u64).wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    }
    value
}

/// The index in `epoch:index`, as replays name their events.
fn after_epoch(id: &[u8]) -> &[u8] {
    memchr::memchr(b':', id).and_then(|at| id.get(at + 1..)).unwrap_or(id)
}

/// The number behind the first quote.
fn quoted(text: &[u8]) -> Option<u64> {
    memchr::memchr(b'"', text).and_then(|at| text.get(at + 1..)).and_then(number)
}

/// The number of a field of JSON, between quotes or not; `name` with its quotes and colon.
#[must_use]
pub fn named(data: &[u8], name: &[u8]) -> Option<u64> {
    let value = memmem::find(data, name).and_then(|at| data.get(at + name.len()..))?;
    number(value.strip_prefix(b"\"").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::{Content, Lateness, Tally};
    use crate::options::Format;
    use crate::sample::Sample;
    use crate::timing::{Anchor, Timing};

    fn fed(format: Format, body: &str, step: usize) -> (Tally, Lateness) {
        let timing = Timing::new(Anchor::Tape, 1.0);
        let (mut content, mut tally, mut late) =
            (Content::new(format, Some(timing), Sample::new(1, 0), 10.0), Tally::default(), Lateness::new());
        for piece in body.as_bytes().chunks(step) {
            assert!(content.feed(piece, 1_000_000, &mut tally, &mut late).is_ok());
        }
        (tally, late)
    }

    #[test]
    fn compact_events_follow_each_other_and_all_their_records_are_timed() {
        let body = "id: 1:2\ndata: [[0,\"900000\",1],[1,\"990000\",1]]\n\nid: 1:3\ndata: [[2,\"999000\",1]]\n\n: heartbeat\n\n";
        for step in 1..=body.len() {
            let (tally, late) = fed(Format::Json, body, step);
            assert_eq!((tally.records, tally.events, tally.gaps, tally.comments), (3, 2, 0, 1));
            let all = |latencies: &crate::figures::Latencies| {
                latencies.report().map(|report| serde_json::to_string(&report).unwrap_or_default())
            };
            assert!(all(&late.each).is_some_and(|report| report.contains("\"max\":0.1")));
            assert!(all(&late.each).is_some_and(|report| report.contains("\"count\":3")));
            assert!(all(&late.each).is_some_and(|report| report.contains("\"p50\":0.01")));
        }
    }

    #[test]
    fn what_is_missing_or_comes_twice_is_a_gap_and_a_jump_is_none() {
        let event = |start: u64, end: u64| format!("id: {end}\ndata: [[{start},\"1\"]]\n\n");
        let gaps = |body: &str| fed(Format::Json, body, 11).0.gaps;
        assert_eq!(gaps(&(event(0, 5) + &event(5, 9))), 0);
        assert_eq!(gaps(&(event(0, 5) + &event(6, 9))), 1);
        assert_eq!(gaps(&(event(0, 5) + &event(4, 9))), 1);
        let jump = "id: 2:7\nevent: jump\ndata: {\"index\":7}\n\n";
        assert_eq!(gaps(&(event(0, 5) + jump + &event(7, 9))), 0);
        let full = |id: u64| format!("id: {id}\ndata: {{\"ts_recv\":5}}\n\n");
        assert_eq!(fed(Format::Full, &(full(1) + &full(2) + &full(4)), 3).0.gaps, 1);
    }
}
