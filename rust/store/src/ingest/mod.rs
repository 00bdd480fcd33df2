//! From an upstream's sessions onto a live tape: each record once, and where some are missing, that.
//!
//! | part | concept |
//! |---|---|
//! | [`Ingest`] | what of a session's bytes belongs on the tape |
//! | [`Inlet`] | the bytes on their way: whoever receives them waits for no disk |
//! | [`Overlap`] | telling what the tape has from what is new |
//! | `tail` | where a session goes on |

mod inlet;
mod overlap;
mod tail;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use booktape_core::feed::{Aside, AsideFact, Metadata, encode_gap};
use booktape_core::types::{BookKey, MboRecord, Nanos};
use booktape_core::{Error, Result};

use crate::LiveTape;

pub use inlet::Inlet;
pub use overlap::{Overlap, Seen};
pub use tail::Resume;

const SYMBOL_MAPPING: u8 = 22;
const ERROR: u8 = 21;
const SYSTEM: u8 = 23;
const HEARTBEAT: u8 = 0;
/// Messages kept until somebody takes them; older ones go first.
const MESSAGES: usize = 256;
/// DBN version of what the client hands over: it brings everything to that.
const VERSION: u8 = 3;

/// What an upstream says beside its records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Whether it is about something that went wrong.
    pub is_error: bool,
    /// Its code in DBN; 255 where it has none.
    pub code: u8,
    /// Its words.
    pub text: String,
}

/// What was done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// MBO records put on the tape.
    pub records: u64,
    /// Records of other types.
    pub others: u64,
    /// Records that came again and were on the tape.
    pub repeated: u64,
    /// Gaps written to the tape.
    pub gaps: u64,
}

/// What an upstream's sessions bring onto a live tape.
#[derive(Debug)]
pub struct Ingest {
    live: Arc<LiveTape>,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    /// The metadata of the session have come.
    session: Option<Metadata>,
    /// The beginning of a record, or of metadata, whose end has not come.
    pending: Vec<u8>,
    overlap: Overlap,
    messages: VecDeque<Message>,
    figures: Figures,
}

impl Ingest {
    /// Onto a tape.
    #[must_use]
    pub fn new(live: Arc<LiveTape>) -> Self {
        Self { live, now: Mutex::default() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tape.
    #[must_use]
    pub const fn live(&self) -> &Arc<LiveTape> {
        &self.live
    }

    /// A session begins: what to ask for. What comes of it is compared with the end of the tape, as far back as `overlap`
    /// before its last records.
    ///
    /// # Errors
    /// Those of reading the tape.
    pub fn resume(&self, overlap: Duration) -> Result<Resume> {
        let (resume, overlap) = tail::tail(&self.live.head(), overlap)?;
        let mut now = self.now();
        (now.session, now.overlap) = (None, overlap);
        now.pending.clear();
        Ok(resume)
    }

    /// Takes the next bytes of the session, cut anywhere: metadata, then records.
    ///
    /// # Errors
    /// Those of [`LiveTape::append`]; nothing of these bytes is on the tape then, and a new session must begin.
    pub fn take(&self, bytes: &[u8]) -> Result<()> {
        let mut now = self.now();
        let now = &mut *now;
        let joined;
        let bytes = if now.pending.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut now.pending).as_slice(), bytes].concat();
            &joined
        };
        let mut rest = bytes;
        if now.session.is_none() {
            let found = Metadata::at_head(rest);
            let found = found.map_err(|fault| Error::Input { name: "upstream".to_owned(), fault })?;
            let Some((metadata, size)) = found else {
                now.pending = rest.to_vec();
                return Ok(());
            };
            if self.live.session().is_none_or(|session| !session.goes_on_as(&metadata)) {
                self.live.append(metadata.raw())?;
            }
            now.session = Some(metadata);
            rest = rest.get(size..).unwrap_or_default();
        }
        let taken = self.take_records(now, rest)?;
        now.pending = rest.get(taken..).unwrap_or_default().to_vec();
        Ok(())
    }

    /// Puts those records on the tape that belong there; how many bytes are whole records.
    fn take_records(&self, now: &mut Now, bytes: &[u8]) -> Result<usize> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut figures = now.figures;
        let mut at = 0;
        while let Some(&length) = bytes.get(at)
            && let size = (usize::from(length) * 4).max(4)
            && let Some(record) = bytes.get(at..at + size)
        {
            at += size;
            let is_mbo = record.get(1) == Some(&MboRecord::RTYPE);
            if is_mbo && now.overlap.is_over() {
                figures.records += 1;
                out.extend_from_slice(record);
                continue;
            }
            if !is_data(record) && !self.is_for_the_tape(now, &mut figures, record) {
                continue;
            }
            match now.overlap.see(record) {
                Seen::Known => {
                    figures.repeated += 1;
                    continue;
                }
                Seen::New => {}
                Seen::Behind(of) => self.put_gap(&mut figures, of, overlap::mbo(record), &mut out),
            }
            *(if is_mbo { &mut figures.records } else { &mut figures.others }) += 1;
            out.extend_from_slice(record);
        }
        if !out.is_empty() {
            self.live.append_records(&out)?;
        }
        now.figures = figures;
        Ok(at)
    }

    /// Looks at a record that is about the session; whether it goes on the tape, too.
    fn is_for_the_tape(&self, now: &mut Now, figures: &mut Figures, record: &[u8]) -> bool {
        let about = Aside::new(0, VERSION, record);
        let code = about.code().unwrap_or(u8::MAX);
        let rtype = record.get(1).copied().unwrap_or_default();
        if rtype == SYMBOL_MAPPING {
            let symbols = self.live.head();
            return !matches!(about.fact(), Some(AsideFact::Symbol { instrument_id, symbol })
                if symbols.symbols().get(&instrument_id) == Some(&symbol));
        }
        if rtype == SYSTEM && code == HEARTBEAT {
            return false;
        }
        let text = about.text().unwrap_or_default();
        now.messages.push_back(Message { is_error: rtype == ERROR, code, text });
        if now.messages.len() > MESSAGES {
            now.messages.pop_front();
        }
        let is_gap = matches!(about.fact(), Some(AsideFact::Missing { .. }));
        figures.gaps += u64::from(is_gap);
        is_gap
    }

    fn put_gap(
        &self,
        figures: &mut Figures,
        of: Option<BookKey>,
        next: Option<MboRecord>,
        out: &mut Vec<u8>,
    ) {
        figures.gaps += 1;
        let head = self.live.head();
        let after = head.end().unwrap_or(Nanos(0));
        let what = match next {
            Some(next) => format!("records between {} and {} are missing", after.0, next.ts_recv().0),
            None => format!("records after {} are missing", after.0),
        };
        let ts = next.map_or(after, |next| Nanos(next.ts_event));
        let version = self.live.session().map_or(VERSION, |session| session.version());
        out.extend(encode_gap(version, of, ts, &what));
    }

    /// The upstream cannot give what follows the tape's last record: says so on the tape, unless that ends with a gap already,
    /// or has no record.
    ///
    /// # Errors
    /// Those of [`LiveTape::append_records`].
    pub fn miss(&self) -> Result<()> {
        let mut now = self.now();
        let head = self.live.head();
        now.overlap = Overlap::default();
        if head.is_empty() || head.gaps()?.last().is_some_and(|gap| gap.index == head.len()) {
            return Ok(());
        }
        let mut gap = Vec::new();
        let mut figures = now.figures;
        self.put_gap(&mut figures, None, None, &mut gap);
        self.live.append_records(&gap)?;
        now.figures = figures;
        Ok(())
    }

    /// What the upstream said since the last time.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.now().messages.drain(..).collect()
    }

    /// What was done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.now().figures
    }
}

/// Whether a record tells of the market, and not of the session that brings it.
fn is_data(record: &[u8]) -> bool {
    !matches!(record.get(1), Some(&(SYMBOL_MAPPING | ERROR | SYSTEM)))
}
