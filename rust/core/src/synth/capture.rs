//! From what an engine says to what a capture stores: packets, sequence numbers, capture times, the end of each event.

use super::dice::Dice;
use crate::types::{Action, Flags, MboRecord, Nanos, Price, Side};

/// A record before it is captured: what happened, without when.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    pub(super) action: Action,
    pub(super) side: Option<Side>,
    pub(super) order_id: u64,
    pub(super) price: Price,
    pub(super) size: u32,
    /// Flags beside those that the capture sets.
    pub(super) flags: u8,
}

impl Draft {
    /// An N record: nothing happened, though its flags may matter.
    pub(super) const NOTHING: Self =
        Self { action: Action::None, side: None, order_id: 0, price: Price::UNDEF, size: 0, flags: 0 };
}

/// One instrument's way to the tape: the clocks and counters of its records.
pub(super) struct Line {
    pub(super) publisher_id: u16,
    pub(super) instrument_id: u32,
    pub(super) channel_id: u8,
    /// Sequence number of the next packet.
    pub(super) sequence: u32,
    /// Engine time of the last event.
    pub(super) last_event: u64,
    /// Capture time of the last packet.
    pub(super) last_recv: u64,
}

impl Line {
    fn record(&self, draft: &Draft) -> MboRecord {
        MboRecord {
            publisher_id: self.publisher_id,
            instrument_id: self.instrument_id,
            channel_id: self.channel_id,
            order_id: draft.order_id,
            price: draft.price.0,
            size: draft.size,
            flags: draft.flags,
            action: draft.action as u8,
            side: draft.side.map_or(b'N', Side::code),
            ..MboRecord::default()
        }
    }
}

/// The tape as it is captured, in order of `ts_recv`.
pub(super) struct Capture {
    pub(super) records: Vec<MboRecord>,
    trades: Vec<Draft>,
    updates: Vec<Draft>,
}

impl Capture {
    /// An empty tape that has room for `records`.
    pub(super) const fn onto(records: Vec<MboRecord>) -> Self {
        Self { records, trades: Vec::new(), updates: Vec::new() }
    }

    /// Records so far.
    pub(super) const fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// One order of a snapshot, or the clear before it: captured at `ts_recv`, whenever it happened.
    pub(super) fn snapshot(
        &mut self,
        line: &mut Line,
        draft: &Draft,
        ts_event: u64,
        ts_recv: Nanos,
        last: bool,
    ) {
        let flags = Flags::SNAPSHOT | Flags::BAD_TS_RECV | if last { Flags::LAST } else { 0 };
        self.records.push(MboRecord {
            flags,
            ts_event,
            ts_recv: ts_recv.0,
            sequence: line.sequence,
            ..line.record(draft)
        });
        line.sequence += 1;
        line.last_event = ts_event;
        line.last_recv = ts_recv.0;
    }

    /// A trade or fill of the present event. A venue sends them in a packet of their own, before the book's changes.
    pub(super) fn trade(&mut self, draft: Draft) {
        self.trades.push(draft);
    }

    /// A change of the book in the present event.
    pub(super) fn update(&mut self, draft: Draft) {
        self.updates.push(draft);
    }

    /// Ends the present event: its records get their times and go onto the tape, the last one with `F_LAST`.
    pub(super) fn end_event(&mut self, line: &mut Line, dice: &mut Dice, ts_event: u64) {
        // Both forms occur on GLBX.
        let last = if dice.chance(0.25) { Flags::LAST | Flags::PUBLISHER_SPECIFIC } else { Flags::LAST };
        let ts_event = ts_event.max(line.last_event + 1);
        line.last_event = ts_event;
        let mut left = self.trades.len() + self.updates.len();
        let mut ts_recv = ts_event + 75_000 + dice.whole_exponential(180_000.0);
        for packet in [&mut self.trades, &mut self.updates] {
            if packet.is_empty() {
                continue;
            }
            ts_recv = ts_recv.max(line.last_recv);
            let ts_in_delta =
                (9_000 + dice.below(6_000) + dice.whole_exponential(2_500.0)).min(60_000) as i32;
            for draft in packet.drain(..) {
                left -= 1;
                let flags = draft.flags | if left == 0 { last } else { 0 };
                let record = MboRecord {
                    flags,
                    ts_event,
                    ts_recv,
                    ts_in_delta,
                    sequence: line.sequence,
                    ..line.record(&draft)
                };
                insert(&mut self.records, record);
            }
            line.sequence = line.sequence.wrapping_add(1);
            line.last_recv = ts_recv;
            ts_recv += 8_000 + dice.whole_exponential(6_000.0);
        }
    }
}

/// Puts a record behind all that were captured before or with it. Instruments overtake each other by microseconds only,
/// so the way back is a few records long.
fn insert(records: &mut Vec<MboRecord>, record: MboRecord) {
    let mut place = records.len();
    while place > 0 && records[place - 1].ts_recv > record.ts_recv {
        place -= 1;
    }
    records.insert(place, record);
}
