//! What bodies hold: counted in full, looked at as little as possible.

use std::io::Result;

use memchr::{memmem, memrchr};

use crate::figures::Latencies;
use crate::lines::{Line, Lines};
use crate::options::Format;
use crate::screens::Screen;
use crate::timing::Timing;

const RECORD_BYTES: usize = 56;
/// Where `ts_recv` is in a raw MBO record.
const TS_RECV: std::ops::Range<usize> = 40..48;

/// How late records were, over all connections.
#[derive(Debug)]
pub struct Lateness {
    /// Of the first record of every event: it waited longest for the others. Of a read, where there are no events.
    pub first: Latencies,
    /// Of the last record of every event.
    pub last: Latencies,
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
        Self {
            first: Latencies::new(),
            last: Latencies::new(),
            grid: Latencies::new(),
            interval: Latencies::new(),
            counts: true,
        }
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
    sample: u64,
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
    pub fn new(format: Format, timing: Option<Timing>, sample: u64, hertz: f64) -> Self {
        Self {
            format,
            timing,
            sample: sample.max(1),
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
            self.raw.feed(bytes, now, tally, self.timing.as_mut().map(|timing| (timing, late)));
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
                    Format::Json => compact(data, event, tally, &mut looked),
                    Format::Full => full(data, event, tally, &mut looked, *sample),
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

/// `[[17,"ts_recv",…],…,[80,"ts_recv",…]]`: the first and the last record say everything.
fn compact(data: &[u8], event: &mut Event, tally: &mut Tally, looked: &mut Looked<'_>) {
    let first = data.get(2..).unwrap_or_default();
    let start = number(first);
    let end = event.id;
    if let (Some(start), Some(end)) = (start, end) {
        tally.gaps += u64::from(end <= start || event.expected.is_some_and(|expected| expected != start));
        tally.records += end.saturating_sub(start);
    } else {
        tally.gaps += 1;
    }
    event.expected = end;
    if looked.timing.is_some() {
        let last = memrchr(b'[', data).and_then(|at| data.get(at + 1..)).unwrap_or_default();
        if let Some(late) = looked.lateness(quoted(first)) {
            looked.late.first.add(late);
        }
        if let Some(late) = looked.lateness(quoted(last)) {
            looked.late.last.add(late);
        }
    }
}

fn full(data: &[u8], event: &mut Event, tally: &mut Tally, looked: &mut Looked<'_>, sample: u64) {
    tally.records += 1;
    let gap = event.id.is_none() || event.expected.is_some_and(|expected| event.id != Some(expected));
    tally.gaps += u64::from(gap);
    event.expected = event.id.map(|id| id + 1);
    if looked.timing.is_some() && tally.events.is_multiple_of(sample) {
        let ts_recv = named(data, b"\"ts_recv\":");
        if let Some(late) = looked.lateness(ts_recv) {
            looked.late.last.add(late);
        }
    }
}

/// Raw records behind metadata.
#[derive(Debug, Default)]
struct Raw {
    /// Bytes of the metadata that are still to come, once its head is here.
    metadata: Option<u64>,
    /// The metadata's head, then the part of a record that has arrived.
    held: Vec<u8>,
}

impl Raw {
    fn feed(
        &mut self,
        mut bytes: &[u8],
        now: i64,
        tally: &mut Tally,
        timed: Option<(&mut Timing, &mut Lateness)>,
    ) {
        const HEAD: usize = 8;
        while self.metadata != Some(0) && !bytes.is_empty() {
            let wanted = self
                .metadata
                .map_or(HEAD - self.held.len(), |left| usize::try_from(left).unwrap_or(usize::MAX));
            let (here, rest) = bytes.split_at(bytes.len().min(wanted));
            bytes = rest;
            if let Some(left) = &mut self.metadata {
                *left -= here.len() as u64;
                continue;
            }
            self.held.extend_from_slice(here);
            if let Some(length) = self.held.get(4..HEAD).and_then(|length| length.try_into().ok()) {
                self.metadata = Some(u64::from(u32::from_le_bytes(length)));
                self.held.clear();
            }
        }
        if !self.held.is_empty() || bytes.len() < RECORD_BYTES {
            let (here, rest) = bytes.split_at(bytes.len().min(RECORD_BYTES - self.held.len()));
            self.held.extend_from_slice(here);
            bytes = rest;
        }
        let mut first = None;
        if self.held.len() == RECORD_BYTES {
            first = ts_recv(&self.held);
            tally.records += 1;
            self.held.clear();
        }
        let (whole, part) = bytes.as_chunks::<RECORD_BYTES>();
        tally.records += whole.len() as u64;
        if self.held.is_empty() {
            self.held.extend_from_slice(part);
        }
        let last = whole.last().map_or(first, |record| ts_recv(record));
        if let Some((timing, late)) = timed {
            let mut looked = Looked { timing: Some(timing), now, late };
            if let Some(lateness) =
                looked.lateness(first.or_else(|| whole.first().and_then(|record| ts_recv(record))))
            {
                looked.late.first.add(lateness);
            }
            if let Some(lateness) = looked.lateness(last) {
                looked.late.last.add(lateness);
            }
        }
    }
}

fn ts_recv(record: &[u8]) -> Option<u64> {
    record.get(TS_RECV)?.try_into().ok().map(u64::from_le_bytes)
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
