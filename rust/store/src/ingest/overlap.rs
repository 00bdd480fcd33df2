//! What a tape ends with, and telling it from what comes next when an upstream sends it again.
//!
//! A session that resumes asks for records from a time before the tape's last ones, so what comes begins with what is there:
//! byte for byte, in the same order for each schema and instrument, though instruments may be mixed differently. Each has a
//! queue of what must come; once that is used up, everything goes on the tape.

use std::collections::{HashMap, HashSet, VecDeque};

use booktape_core::types::{BookKey, Flags, MboRecord, Nanos};
use zerocopy::{FromBytes, IntoBytes};

/// Type, publisher and instrument of a record: a stream of its own.
type Key = u64;

/// A record without its length, which says whether a send time follows, and without that.
type Content = Box<[u8]>;

/// The end of a tape, as far as an upstream may repeat it.
#[derive(Debug)]
pub struct Overlap {
    queues: HashMap<Key, Queue>,
    /// Whether any MBO record that came was on the tape.
    has_met: bool,
    /// The last `ts_recv` of an MBO record that is on the tape.
    last: Nanos,
}

/// What must come of one stream.
#[derive(Debug)]
enum Queue {
    /// In this order.
    Next(VecDeque<Expected>),
    /// Something else came: what else is there is still not repeated.
    Parted(HashSet<Content>),
}

#[derive(Debug)]
struct Expected {
    content: Content,
    ts_recv: Nanos,
    /// Whether its absence is a gap: not of records that are beside the tape, or that a snapshot made.
    is_certain: bool,
}

/// What a record that comes is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// On the tape already, or of a time before the tape.
    Known,
    /// To be put on the tape.
    New,
    /// The same, and records before it are missing: of one book, or of any.
    Behind(Option<BookKey>),
}

impl Default for Overlap {
    /// Nothing that may come again.
    fn default() -> Self {
        Self { queues: HashMap::new(), has_met: false, last: Nanos(0) }
    }
}

impl Overlap {
    /// Adds an MBO record that the tape ends with.
    pub fn expect(&mut self, record: &MboRecord) {
        let is_certain = !Flags(record.flags).is_snapshot();
        self.last = self.last.max(record.ts_recv());
        self.push(record.as_bytes(), record.ts_recv(), is_certain);
    }

    /// Adds a record of another type, as it is on the tape.
    pub fn expect_beside(&mut self, record: &[u8]) {
        self.push(record, Nanos(0), false);
    }

    fn push(&mut self, record: &[u8], ts_recv: Nanos, is_certain: bool) {
        let expected = Expected { content: content_of(record).into(), ts_recv, is_certain };
        let queue = self.queues.entry(key_of(record)).or_insert_with(|| Queue::Next(VecDeque::new()));
        if let Queue::Next(queue) = queue {
            queue.push_back(expected);
        }
    }

    /// Whether everything from here on is new.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.queues.is_empty()
    }

    /// Looks at a whole record that came.
    pub fn see(&mut self, record: &[u8]) -> Seen {
        let (key, content) = (key_of(record), content_of(record));
        let ts_recv = mbo(record).map(|record| record.ts_recv());
        let Some(queue) = self.queues.get_mut(&key) else {
            let is_behind = !self.has_met && ts_recv.is_some_and(|ts| ts > self.last) && self.is_waiting();
            return if is_behind { self.part(record, key) } else { Seen::New };
        };
        let expected = match queue {
            Queue::Next(expected) => expected,
            Queue::Parted(rest) if rest.contains(content) => return Seen::Known,
            Queue::Parted(_) => {
                if ts_recv.is_some_and(|ts| ts > self.last) {
                    self.queues.remove(&key);
                }
                return Seen::New;
            }
        };
        if let Some(at) = place_in(expected, content, ts_recv, self.has_met) {
            expected.drain(..=at);
            if expected.is_empty() {
                self.queues.remove(&key);
            }
            if let Some(ts_recv) = ts_recv
                && !std::mem::replace(&mut self.has_met, true)
            {
                self.begin(ts_recv);
            }
            return Seen::Known;
        }
        let Some(ts_recv) = ts_recv else { return Seen::New };
        match expected.iter().find(|expected| expected.is_certain) {
            // What a snapshot made is not sent again.
            None => {
                self.queues.remove(&key);
                Seen::New
            }
            Some(first) if !self.has_met && ts_recv < first.ts_recv => Seen::Known,
            Some(_) => self.part(record, key),
        }
    }

    /// The upstream begins here, which may be later than it was asked to: what is before need not come.
    fn begin(&mut self, first: Nanos) {
        for queue in self.queues.values_mut() {
            let Queue::Next(queue) = queue else { continue };
            queue
                .iter_mut()
                .filter(|expected| expected.ts_recv < first)
                .for_each(|old| old.is_certain = false);
        }
    }

    fn is_waiting(&self) -> bool {
        self.queues.values().any(|queue| match queue {
            Queue::Next(queue) => queue.iter().any(|expected| expected.is_certain),
            Queue::Parted(_) => false,
        })
    }

    /// What came is not what must come: of this stream, or of all where nothing that came was on the tape.
    fn part(&mut self, record: &[u8], key: Key) -> Seen {
        let is_whole = !self.has_met;
        for (of, queue) in &mut self.queues {
            let Queue::Next(expected) = queue else { continue };
            if *of == key || is_whole {
                let rest = std::mem::take(expected).into_iter().map(|expected| expected.content);
                *queue = Queue::Parted(rest.collect());
            }
        }
        self.has_met = true;
        Seen::Behind(if is_whole { None } else { mbo(record).map(|record| record.key()) })
    }
}

/// Where a record is in a queue. One that leaves the front out is looked for once: at the beginning, where an upstream may
/// begin later than it was asked to, or behind what a snapshot made.
fn place_in(
    queue: &VecDeque<Expected>,
    content: &[u8],
    ts_recv: Option<Nanos>,
    has_met: bool,
) -> Option<usize> {
    let front = queue.front()?;
    if *front.content == *content {
        return Some(0);
    }
    if !has_met && ts_recv.is_some_and(|ts_recv| ts_recv < front.ts_recv) {
        return None; // of before the tape: not worth a search
    }
    queue.iter().position(|expected| *expected.content == *content)
}

fn key_of(record: &[u8]) -> Key {
    record.first_chunk().map_or(0, |head| u64::from_le_bytes(*head) >> 8)
}

fn content_of(record: &[u8]) -> &[u8] {
    let size = if record.get(1) == Some(&MboRecord::RTYPE) { MboRecord::SIZE } else { record.len() };
    record.get(1..size).unwrap_or_default()
}

/// The record, if it is one of MBO.
pub(super) fn mbo(record: &[u8]) -> Option<MboRecord> {
    let is_mbo = record.get(1) == Some(&MboRecord::RTYPE);
    is_mbo.then(|| MboRecord::read_from_prefix(record).ok()).flatten().map(|(record, _)| record)
}
