//! The top of one book as it moves along a tape: state for a screen, not records.
//!
//! A book in the middle of an event may be half-updated, so a screen sees it only at event ends: a step that would stop
//! inside an event stops at the event end before it.

use std::sync::Arc;

use super::json::{code, event_id, field, number, quoted, string, text};
use crate::book::{LevelView, Overlap};
use crate::error::Result;
use crate::market::{Entry, Market, Trade};
use crate::matching::{View, levels};
use crate::tape::{Cursor, Tape};
use crate::types::{Action, BookKey, Flags, MboRecord, Nanos, Side};

/// What a screen wants to see.
#[derive(Clone, Copy, Debug)]
pub struct DepthOptions {
    /// Levels a side.
    pub levels: usize,
    /// Which book.
    pub view: View,
    /// Whether every trade since the frame before is listed.
    pub trades: bool,
}

/// Trades in one frame at most; a client that is behind by more gets several.
const TRADES_A_FRAME: usize = 4_096;

/// A screen's place on a tape.
#[derive(Clone, Debug)]
pub struct Depth {
    key: BookKey,
    options: DepthOptions,
    /// What stands before the position in an event's id.
    ids: Arc<str>,
    cursor: Cursor,
    shown: Option<Shown>,
}

/// What the last frame showed, to tell whether the next would show anything else.
#[derive(Clone, PartialEq, Debug)]
struct Shown {
    bids: Vec<LevelView>,
    asks: Vec<LevelView>,
    overlap: Overlap,
    volume: u64,
    suspect: Option<String>,
}

impl Depth {
    /// A screen of one book from a position on. The publisher may be left out where the instrument has only one.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a book that the tape does not have, [`Error::Parameter`] for a position outside the tape.
    pub fn new(
        tape: &Tape,
        instrument_id: u32,
        publisher_id: Option<u16>,
        position: u64,
        options: DepthOptions,
        ids: Arc<str>,
    ) -> Result<Self> {
        tape.check_position("from", position)?;
        let key = tape.find_book(instrument_id, publisher_id)?;
        let mut cursor = Cursor::default();
        cursor.advance(tape, position, &mut |_, _| Ok(()))?;
        Ok(Self { key, options, ids, cursor, shown: None })
    }

    /// The place: records applied.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.cursor.position()
    }

    /// The market there.
    #[must_use]
    pub const fn market(&self) -> &Market {
        self.cursor.market()
    }

    /// Goes to a position, or to the last event end of the book before it.
    ///
    /// # Errors
    /// Those of [`Tape::apply`].
    pub fn advance(&mut self, tape: &Tape, position: u64) -> Result<()> {
        let stop = self.settled_before(tape, position.min(tape.len()))?;
        self.cursor.advance(tape, stop, &mut |_, _| Ok(()))
    }

    /// The last position up to the given one at which the book is at an event end. The tape's end always counts.
    fn settled_before(&self, tape: &Tape, position: u64) -> Result<u64> {
        let from = self.cursor.position();
        if position == tape.len() {
            return Ok(position);
        }
        let (mut settled, mut open) = (from, false);
        for block in tape.blocks(from..position) {
            let (first, block) = block?;
            for (index, record) in (first..).zip(block.iter()).filter(|(_, record)| record.key() == self.key)
            {
                open = !record.flags().has(Flags::LAST);
                if !open {
                    settled = index + 1;
                }
            }
        }
        Ok(if open { settled } else { position.max(from) })
    }

    /// Whether the next frame would show anything else than the last that was asked about here: levels, overlap, trades.
    pub fn has_changed(&mut self) -> bool {
        let now = self.look();
        let changed = self.shown.as_ref() != Some(&now);
        self.shown = Some(now);
        changed
    }

    /// The SSE event of the state as it is, with the trades from an earlier position on where they are wanted, and how far
    /// these go: where there are more than one frame should hold, the next begins there.
    ///
    /// # Errors
    /// Those of [`Tape::block`].
    pub fn frame(&self, tape: &Tape, since: u64) -> Result<(Vec<u8>, u64)> {
        let (trades, until) =
            if self.options.trades { self.trades(tape, since)? } else { (Vec::new(), self.position()) };
        Ok((self.write(tape, &self.look(), &trades), until))
    }

    /// The book's trades between a position and the screen's, and where the list had to end.
    fn trades(&self, tape: &Tape, since: u64) -> Result<(Vec<Trade>, u64)> {
        let mut trades = Vec::new();
        for block in tape.blocks(since..self.position()) {
            let (first, block) = block?;
            for (index, record) in (first..).zip(block.iter()).filter(|(_, record)| record.key() == self.key)
            {
                trades.extend(trade(record));
                if trades.len() == TRADES_A_FRAME {
                    return Ok((trades, index + 1));
                }
            }
        }
        Ok((trades, self.position()))
    }

    fn look(&self) -> Shown {
        let market = self.cursor.market();
        let Some(entry) = entry(market, self.key) else {
            return Shown { bids: vec![], asks: vec![], overlap: Overlap::Apart, volume: 0, suspect: None };
        };
        let DepthOptions { levels: depth, view, .. } = self.options;
        Shown {
            bids: levels(&entry.book, Side::Bid, depth, view),
            asks: levels(&entry.book, Side::Ask, depth, view),
            overlap: entry.book.overlap(),
            volume: entry.watch.volume,
            suspect: market.suspicion(entry),
        }
    }

    fn write(&self, tape: &Tape, now: &Shown, trades: &[Trade]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        let position = self.cursor.position();
        event_id(&mut out, &self.ids, position);
        field(&mut out, "\ndata: {\"index\":", position);
        field(&mut out, ",\"total\":", tape.len());
        text(&mut out, ",\"ts_recv\":");
        quoted(&mut out, self.cursor.market().ts_recv().or(tape.start()).unwrap_or(Nanos(0)).0);
        field(&mut out, ",\"instrument_id\":", self.key.instrument_id);
        field(&mut out, ",\"publisher_id\":", self.key.publisher_id);
        text(&mut out, ",\"view\":\"");
        text(&mut out, self.options.view.name());
        text(&mut out, "\",\"bids\":");
        side(&mut out, &now.bids);
        text(&mut out, ",\"asks\":");
        side(&mut out, &now.asks);
        text(
            &mut out,
            if now.overlap == Overlap::Crossed { ",\"crossed\":true" } else { ",\"crossed\":false" },
        );
        text(&mut out, if now.overlap == Overlap::Locked { ",\"locked\":true" } else { ",\"locked\":false" });
        text(&mut out, ",\"suspect\":");
        match &now.suspect {
            Some(why) => string(&mut out, why),
            None => text(&mut out, "null"),
        }
        text(&mut out, ",\"last_trade\":");
        match entry(self.cursor.market(), self.key).and_then(|entry| entry.watch.last_trade) {
            Some(last) => {
                trade_head(&mut out, &last);
                out.push(b']');
            }
            None => text(&mut out, "null"),
        }
        field(&mut out, ",\"volume\":", now.volume);
        if self.options.trades {
            text(&mut out, ",\"trades\":[");
            for (n, trade) in trades.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                trade_head(&mut out, trade);
                out.push(b',');
                quoted(&mut out, trade.ts_recv.0);
                out.push(b']');
            }
            out.push(b']');
        }
        text(&mut out, "}\n\n");
        out
    }
}

fn entry(market: &Market, key: BookKey) -> Option<&Entry> {
    market.find(key.instrument_id, Some(key.publisher_id)).ok()
}

fn trade(record: &MboRecord) -> Option<Trade> {
    let is_trade = record.action == Action::Trade as u8 && record.price().is_defined();
    is_trade.then_some(Trade {
        price: record.price(),
        size: record.size,
        side: record.side().ok().flatten(),
        ts_recv: record.ts_recv(),
    })
}

/// A trade as an array, still open.
fn trade_head(out: &mut Vec<u8>, trade: &Trade) {
    out.push(b'[');
    quoted(out, trade.price.0);
    out.push(b',');
    number(out, trade.size);
    out.push(b',');
    code(out, trade.side.map_or(b'N', Side::code));
}

fn side(out: &mut Vec<u8>, levels: &[LevelView]) {
    out.push(b'[');
    for (n, level) in levels.iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"[" } else { b",[" });
        quoted(out, level.price.0);
        field(out, ",", level.size);
        field(out, ",", level.count);
        out.push(b']');
    }
    out.push(b']');
}
