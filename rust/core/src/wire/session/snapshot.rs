//! Books at a moment as the records that build them.

use std::collections::VecDeque;

use super::{BookKey, Instruments, MboRecord, Outgoing};
use crate::book::{Book, Resting};
use crate::error::Result;
use crate::feed::Progress;
use crate::tape::Tape;
use crate::types::{Flags, Side};
use zerocopy::IntoBytes;

/// Books looked at in one call, so that none takes long.
const BOOKS_A_PIECE: usize = 64;

/// The snapshot of some books, in the making.
#[derive(Debug)]
pub struct Snapshot {
    position: u64,
    ts: u64,
    books: VecDeque<BookKey>,
    /// Of the book that is given out.
    records: VecDeque<MboRecord>,
}

impl Snapshot {
    /// Of every book that the tape has of some instruments, as they are at a position.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] for a position outside the tape; those of [`Tape::block`].
    pub fn new(tape: &Tape, position: u64, instruments: &Instruments) -> Result<Self> {
        tape.check_position("position", position)?;
        // The last record that they have seen says when they are as they are, or the first if they have seen none.
        let last = tape.record(position.saturating_sub(1).max(tape.first()))?;
        let books = tape.books().iter().map(|(key, _)| *key);
        Ok(Self {
            position,
            ts: last.map_or(0, |record| record.ts_recv),
            books: books.filter(|key| instruments.has(key.instrument_id)).collect(),
            records: VecDeque::new(),
        })
    }

    /// The next piece, about 256 KiB; `None` where there is no more.
    ///
    /// # Errors
    /// Those of [`Tape::market_at`]; whatever `on_progress` returns.
    pub fn next(
        &mut self,
        tape: &Tape,
        ts_out: Option<u64>,
        on_progress: Progress<'_>,
    ) -> Result<Option<Vec<u8>>> {
        let mut out = Outgoing::new(ts_out);
        let mut books = 0;
        while !out.is_full() {
            if let Some(record) = self.records.pop_front() {
                out.push(record.as_bytes());
                continue;
            }
            let Some(key) = self.books.front().copied().filter(|_| books < BOOKS_A_PIECE) else { break };
            let market = tape.market_at(self.position, Some(key), on_progress)?;
            let found = market.entries().iter().find(|entry| entry.key == key);
            self.records = records(key, self.ts, found.map(|entry| &entry.book));
            self.books.pop_front();
            books += 1;
        }
        let bytes = out.into_bytes();
        Ok((!bytes.is_empty()).then_some(bytes))
    }
}

/// What builds a book: a clear, then what rests in it in the order in which it took its place, over all prices and both sides.
fn records(key: BookKey, ts: u64, book: Option<&Book>) -> VecDeque<MboRecord> {
    let on = |side: Side| book.into_iter().flat_map(move |book| book.resting(side)).map(move |it| (side, it));
    let mut resting: Vec<(Side, Resting)> = on(Side::Bid).chain(on(Side::Ask)).collect();
    resting.sort_unstable_by_key(|(_, order)| order.entered);
    let flags = Flags::SNAPSHOT | Flags::BAD_TS_RECV;
    let clear = MboRecord {
        publisher_id: key.publisher_id,
        instrument_id: key.instrument_id,
        ts_event: ts,
        ts_recv: ts,
        action: b'R',
        flags,
        ..MboRecord::default()
    };
    let adds = resting.into_iter().map(|(side, order)| MboRecord {
        action: b'A',
        side: side.code(),
        order_id: order.order_id,
        price: order.price.0,
        size: order.size,
        flags: if order.is_order { flags } else { flags | Flags::MBP },
        ..clear
    });
    let mut records: VecDeque<MboRecord> = [clear].into_iter().chain(adds).collect();
    if let Some(last) = records.back_mut() {
        last.flags |= Flags::LAST;
    }
    records
}
