//! Lossless record streams: any stretch of a tape as frames.

use std::sync::Arc;

use super::full;
use super::json::{compact_record, event_id, text};
use crate::error::{Error, Result};
use crate::feed::{Progress, encode_record};
use crate::market::Market;
use crate::tape::{Cursor, Tape};
use crate::types::MboRecord;

/// Records in one event of the compact format: its head costs little, a resume repeats little.
const COMPACT_RECORDS: usize = 64;

/// What frames hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// One event a record, with its market effect.
    Full,
    /// Compact arrays, many an event.
    Json,
    /// Raw DBN.
    Dbn,
}

impl Format {
    /// Records of a frame that many share: about 128 KiB, so that what is paid for every piece that is sent is little beside
    /// the copying, and no more waits than a connection's buffer takes.
    #[must_use]
    pub const fn frame_records(self) -> u64 {
        match self {
            Self::Full => 256,
            Self::Json => 1_024,
            Self::Dbn => 2_048,
        }
    }

    /// The format with a public name.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the choices.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "full" => Ok(Self::Full),
            "json" => Ok(Self::Json),
            "dbn" => Ok(Self::Dbn),
            _ => Err(Error::Parameter {
                name: "format",
                value: name.to_owned(),
                expected: "one of full, json, dbn".to_owned(),
            }),
        }
    }
}

/// A stream's place on a tape, and how it shows records.
#[derive(Clone, Debug)]
pub struct Frames {
    format: Format,
    instrument_id: Option<u32>,
    /// What stands before the position in an event's id.
    ids: Arc<str>,
    position: u64,
    /// Only `full` needs a market; the others read records as they are.
    cursor: Cursor,
}

impl Frames {
    /// A stream from a position on, of one instrument or all. `ids` stands before the position in every event's id.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape.
    pub fn new(
        tape: &Tape,
        format: Format,
        position: u64,
        instrument_id: Option<u32>,
        ids: Arc<str>,
    ) -> Result<Self> {
        tape.check_position("from", position)?;
        Ok(Self { format, instrument_id, ids, position, cursor: Cursor::default() })
    }

    /// Where the next frame begins.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Whether the next frame is built without going along the tape first.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.format != Format::Full || self.cursor.position() == self.position
    }

    /// The market as far as the format needed it.
    #[must_use]
    pub const fn market(&self) -> &Market {
        self.cursor.market()
    }

    /// Goes forward to a position without showing what is passed.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a position outside the tape.
    pub fn skip_to(&mut self, tape: &Tape, position: u64) -> Result<()> {
        tape.check_position("from", position)?;
        self.position = self.position.max(position);
        Ok(())
    }

    /// Frames of the records from here up to a position; moves there. Empty if the filter lets none pass.
    ///
    /// # Errors
    /// Those of [`Tape::apply`]; whatever `on_progress` returns.
    pub fn next(&mut self, tape: &Tape, until: u64, on_progress: Progress<'_>) -> Result<Vec<u8>> {
        let until = until.min(tape.len()).max(self.position);
        let mut out = Vec::with_capacity(self.size_hint(until - self.position));
        match self.format {
            Format::Full => self.full(tape, until, &mut out, on_progress)?,
            Format::Json => self.json(tape, until, &mut out)?,
            Format::Dbn => self.dbn(tape, until, &mut out)?,
        }
        self.position = until;
        Ok(out)
    }

    fn full(&mut self, tape: &Tape, until: u64, out: &mut Vec<u8>, on_progress: Progress<'_>) -> Result<()> {
        self.cursor.advance(tape, self.position, on_progress)?;
        let (wanted, ids) = (self.instrument_id, &self.ids);
        self.cursor.each(tape, until, |index, record, outcome, _| {
            if wanted.is_none_or(|wanted| wanted == record.instrument_id) {
                full::event(out, ids, index, record, outcome);
            }
        })
    }

    fn json(&self, tape: &Tape, until: u64, out: &mut Vec<u8>) -> Result<()> {
        let mut batch = Vec::with_capacity(COMPACT_RECORDS);
        self.wanted(tape, until, |index, record, _| {
            batch.push((index, *record));
            if batch.len() == COMPACT_RECORDS {
                compact_event(out, &self.ids, &mut batch);
            }
        })?;
        compact_event(out, &self.ids, &mut batch);
        Ok(())
    }

    fn dbn(&self, tape: &Tape, until: u64, out: &mut Vec<u8>) -> Result<()> {
        self.wanted(tape, until, |_, record, ts_out| encode_record(record, ts_out, out))
    }

    /// Records from here up to a position that pass the filter, with their indexes.
    fn wanted(
        &self,
        tape: &Tape,
        until: u64,
        mut see: impl FnMut(u64, &MboRecord, Option<u64>),
    ) -> Result<()> {
        let wanted = self.instrument_id;
        for block in tape.blocks(self.position..until) {
            let (first, block) = block?;
            for (n, record) in block.iter().enumerate() {
                if wanted.is_none_or(|wanted| wanted == record.instrument_id) {
                    see(first + n as u64, record, block.ts_outs().get(n).copied());
                }
            }
        }
        Ok(())
    }

    fn size_hint(&self, records: u64) -> usize {
        records as usize
            * match self.format {
                Format::Full => 480,
                Format::Json => 150,
                Format::Dbn => MboRecord::SIZE,
            }
    }
}

/// One event of compact arrays; its id is the index behind the last. Empties the batch.
fn compact_event(out: &mut Vec<u8>, ids: &str, batch: &mut Vec<(u64, MboRecord)>) {
    let Some((last, _)) = batch.last() else { return };
    event_id(out, ids, last + 1);
    text(out, "\ndata: ");
    for (n, (index, record)) in batch.drain(..).enumerate() {
        out.push(if n == 0 { b'[' } else { b',' });
        compact_record(out, index, &record);
    }
    text(out, "]\n\n");
}
