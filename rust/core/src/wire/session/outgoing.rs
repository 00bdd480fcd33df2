//! Records on their way to a client.

use crate::derive::Schema;
use crate::types::TS_OUT;

/// Bytes of a piece: what is paid for every piece that is sent is little beside it, and it waits in few buffers.
const PIECE: usize = 1 << 18;
/// The longest record, with `ts_out`.
const LONGEST: usize = 255 * 4;

/// A piece in the making.
#[derive(Debug)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    ts_out: Option<u64>,
}

impl Outgoing {
    /// An empty piece of records that carry the time they were sent at, or none.
    pub(super) const fn new(ts_out: Option<u64>) -> Self {
        Self { bytes: Vec::new(), ts_out }
    }

    /// Adds a record whose header and length are its own.
    #[inline]
    pub(super) fn push(&mut self, record: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(record);
        if let Some(ts_out) = self.ts_out
            && record.len() + TS_OUT <= LONGEST
            && let Some(length) = self.bytes.get_mut(start)
        {
            *length = ((record.len() + TS_OUT) / 4) as u8;
            self.bytes.extend_from_slice(&ts_out.to_le_bytes());
        }
    }

    /// Adds records of one size.
    pub(super) fn push_all(&mut self, records: &[u8], size: usize) {
        if self.ts_out.is_none() {
            self.bytes.extend_from_slice(records);
        } else {
            self.bytes.reserve(records.len() / size * (size + TS_OUT));
            records.chunks_exact(size).for_each(|record| self.push(record));
        }
    }

    /// How many records of a size fit in, at least one.
    pub(super) fn room(&self, size: usize) -> u64 {
        let size = size + self.ts_out.map_or(0, |_| TS_OUT);
        (PIECE.saturating_sub(self.bytes.len()) / size).max(1) as u64
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() + Schema::Mbp10.row_size() > PIECE
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
