//! Bytes into records: one check of every header, MBO records to the block, others aside.

use dbn::enums::RType;
use zerocopy::{FromBytes, Unalign};

use super::{Aside, Contents, Metadata, Piece};
use crate::error::Fault;
use crate::types::{MboRecord, TS_OUT};

const HEADER: usize = 16;

/// Cuts a stream of bytes into records.
#[derive(Clone, Debug)]
pub(super) struct Parser {
    /// Bytes of an MBO record in this stream.
    mbo_size: usize,
    piece: Piece,
    /// Records of other types that were taken away with earlier pieces.
    aside_taken: u64,
    version: u8,
    consumed: usize,
    offset: u64,
}

impl Parser {
    /// A parser that expects about so many bytes.
    pub(super) fn new(metadata: &Metadata, bytes: u64) -> Self {
        let mut parser = Self {
            mbo_size: MboRecord::SIZE + if metadata.ts_out() { TS_OUT } else { 0 },
            piece: Piece::default(),
            aside_taken: 0,
            version: metadata.version(),
            consumed: 0,
            offset: metadata.raw().len() as u64,
        };
        parser.expect(bytes as usize);
        parser
    }

    /// Makes room for the records of so many bytes.
    pub(super) fn expect(&mut self, bytes: usize) {
        // Only a guess: where it cannot be had, the records find out as they come.
        let _ = self.piece.records.try_reserve_exact(bytes / self.mbo_size);
    }

    /// Parses every whole record of `bytes`; [`Parser::consumed`] says how much that was, also after a fault.
    pub(super) fn parse(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.consumed = 0;
        let before = self.offset;
        let parsed = self.parse_whole(bytes);
        self.offset = before + self.consumed as u64;
        parsed
    }

    fn parse_whole(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mbo_header = [(self.mbo_size / 4) as u8, MboRecord::RTYPE];
        loop {
            let rest = bytes.get(self.consumed..).unwrap_or_default();
            // MBO records come in long runs, and a run is copied several times faster than its records one by one.
            let is_mbo = |whole: &&[u8]| whole.starts_with(&mbo_header);
            let run = rest.chunks_exact(self.mbo_size).take_while(is_mbo).count() * self.mbo_size;
            let (run, rest) = rest.split_at(run);
            self.push_run(run);
            self.consumed += run.len();
            let Some(&[length, rtype]) = rest.get(..2) else { return Ok(()) };
            let size = usize::from(length) * 4;
            if [length, rtype] != mbo_header {
                self.check_header(size, rtype, self.consumed)?;
            }
            let Some(whole) = rest.get(..size) else { return Ok(()) };
            self.piece.aside.push(Aside::new(self.piece.end(), self.version, whole));
            self.consumed += size;
        }
    }

    /// Takes whole MBO records.
    fn push_run(&mut self, run: &[u8]) {
        let Piece { records, ts_outs, .. } = &mut self.piece;
        if self.mbo_size == MboRecord::SIZE {
            if let Ok(run) = <[Unalign<MboRecord>]>::ref_from_bytes(run) {
                records.extend(run.iter().map(Unalign::get));
            }
            return;
        }
        for whole in run.chunks_exact(self.mbo_size) {
            if let Ok((record, ts_out)) = MboRecord::read_from_prefix(whole)
                && let Ok(ts_out) = ts_out.try_into()
            {
                records.push(MboRecord { length: MboRecord::WORDS, ..record });
                ts_outs.push(u64::from_le_bytes(ts_out));
            }
        }
    }

    /// Refuses a header that no DBN record of another type than MBO can have.
    fn check_header(&self, size: usize, rtype: u8, at: usize) -> Result<(), Fault> {
        let record = self.records_read();
        let offset = self.offset + at as u64;
        if [size, usize::from(rtype)] == [usize::from(b'D') * 4, usize::from(b'B')] {
            return Err(Fault::Joined { record, offset });
        }
        if RType::try_from(rtype).is_err() {
            return Err(Fault::RecordType { record, offset, rtype });
        }
        if size < HEADER || rtype == MboRecord::RTYPE {
            return Err(Fault::RecordLength { record, offset, length: size, rtype });
        }
        Ok(())
    }

    /// Says what is wrong if the stream ends with these bytes pending.
    pub(super) fn end(&self, pending: &[u8]) -> Result<(), Fault> {
        if pending.is_empty() {
            return Ok(());
        }
        let need = pending.first().map_or(HEADER, |&length| usize::from(length) * 4);
        Err(Fault::Truncated { record: self.records_read(), offset: self.offset, need, have: pending.len() })
    }

    pub(super) const fn consumed(&self) -> usize {
        self.consumed
    }

    /// Records of all types read so far.
    pub(super) fn records_read(&self) -> u64 {
        self.piece.end() + self.aside_taken + self.piece.aside.len() as u64
    }

    /// Position of the next record in the decompressed stream.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Shows what was parsed and not yet taken away; whoever looks may take it away with [`Piece::clear`].
    pub(super) fn show<T>(&mut self, see: impl FnOnce(&mut Piece) -> T) -> T {
        let aside = self.piece.aside.len();
        let seen = see(&mut self.piece);
        self.aside_taken += (aside - self.piece.aside.len()) as u64;
        seen
    }

    pub(super) fn into_contents(self, metadata: Metadata, left: Option<Fault>, hash: u64) -> Contents {
        Contents { metadata, end: self.offset, piece: self.piece, left, hash }
    }
}
