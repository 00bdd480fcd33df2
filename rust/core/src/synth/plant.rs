//! Anomalies put in on purpose, each raising its own kind once and no other, so that the true counts are known.

use super::capture::{Capture, Draft};
use super::dice::Dice;
use super::queues::{Resting, Slot, better};
use super::sim::Sim;
use crate::types::{Action, AnomalyKind, Flags, MboRecord, Nanos, Price, Side};

/// Anomalies yet to be planted, each with the tape length from which it is due.
pub(super) struct Schedule {
    /// Latest first.
    due: Vec<(u64, AnomalyKind)>,
    reserved: u64,
}

impl Schedule {
    /// Spreads anomalies at random over the tape between two lengths.
    pub(super) fn spread(wanted: &[(AnomalyKind, u32)], from: u64, to: u64, dice: &mut Dice) -> Self {
        let each = wanted.iter().flat_map(|&(kind, count)| (0..count).map(move |_| kind));
        let mut due: Vec<(u64, AnomalyKind)> = each
            .filter(|&kind| kind != AnomalyKind::UnfinishedEvent)
            .map(|kind| (from + dice.below(to.saturating_sub(from)), kind))
            .collect();
        due.sort_by_key(|&(at, _)| std::cmp::Reverse(at));
        let reserved = due.iter().map(|&(_, kind)| most_records(kind)).sum();
        Self { due, reserved }
    }

    /// Records that must be left for what is yet to be planted.
    pub(super) const fn reserved(&self) -> u64 {
        self.reserved
    }

    /// The next anomaly, if it is due at this length or no record is to spare.
    pub(super) fn next(&mut self, length: u64, spare: u64) -> Option<AnomalyKind> {
        let (_, kind) = self.due.pop_if(|&mut (at, _)| at <= length || spare == 0)?;
        self.reserved -= most_records(kind);
        Some(kind)
    }
}

/// Records that planting a kind may take, with an order to spoil or to cross where there is none.
const fn most_records(kind: AnomalyKind) -> u64 {
    match kind {
        AnomalyKind::CrossedWhileTrading => 4,
        AnomalyKind::UnfinishedEvent => 0,
        _ => 2,
    }
}

/// Takes the end from the last event of `books` books chosen at random.
pub(super) fn cut_short(records: &mut [MboRecord], instruments: &[u32], books: u32, dice: &mut Dice) {
    let mut whole = instruments.to_vec();
    for _ in 0..books {
        let instrument_id = whole.swap_remove(dice.below(whole.len() as u64) as usize);
        if let Some(last) = records.iter_mut().rev().find(|record| record.instrument_id == instrument_id) {
            last.flags &= !Flags::LAST;
        }
    }
}

impl Sim {
    /// Plants one anomaly, in events of its own.
    pub(super) fn plant(&mut self, kind: AnomalyKind, capture: &mut Capture, now: Nanos) {
        match kind {
            AnomalyKind::UnknownCancel => {
                let unseen = self.unseen_order();
                capture.update(self.draft(Action::Cancel, &unseen));
            }
            AnomalyKind::UnknownModify => {
                let unseen = self.unseen_order();
                self.queues.enter(unseen);
                capture.update(self.draft(Action::Modify, &unseen));
            }
            AnomalyKind::DuplicateAdd => {
                let (_, order) = self.live_order(capture, now);
                capture.update(self.draft(Action::Add, &order));
            }
            AnomalyKind::ConflictingAdd => self.conflicting_add(capture, now),
            AnomalyKind::OverCancel => {
                let (slot, order) = self.live_order(capture, now);
                let size = order.size + self.size();
                self.queues.leave(slot);
                capture.update(Draft { size, ..self.draft(Action::Cancel, &order) });
            }
            AnomalyKind::CancelMismatch => self.cancel_mismatch(capture, now),
            AnomalyKind::ZeroSize => self.zero_size(capture, now),
            AnomalyKind::InvalidRecord => self.invalid_record(capture),
            AnomalyKind::MaybeBadBook => {
                capture.update(Draft { flags: Flags::MAYBE_BAD_BOOK, ..Draft::NOTHING });
            }
            AnomalyKind::CrossedWhileTrading => self.trade_while_crossed(capture, now),
            // At the end of the tape, by `cut_short`.
            AnomalyKind::UnfinishedEvent => return,
        }
        self.end_event(capture, now);
    }

    /// An order that nobody saw entering.
    fn unseen_order(&mut self) -> Resting {
        let side = if self.dice.chance(0.5) { Side::Bid } else { Side::Ask };
        let ticks = self.passive_price(side);
        let size = self.size();
        Resting { order_id: self.fresh_id(), side, ticks, size, reserve: 0, slice: size }
    }

    /// A live order to spoil; one is added, in an event of its own, where the dice find none.
    fn live_order(&mut self, capture: &mut Capture, now: Nanos) -> (Slot, Resting) {
        let found = self.queues.pick(&mut self.dice).filter(|(_, order)| order.reserve == 0);
        found.unwrap_or_else(|| {
            let order = self.unseen_order();
            let slot = self.enter(capture, order);
            self.end_event(capture, now);
            (slot, order)
        })
    }

    /// An add whose id is live in another state: larger, or a tick farther from the best price.
    fn conflicting_add(&mut self, capture: &mut Capture, now: Nanos) {
        let (slot, mut order) = self.live_order(capture, now);
        if self.dice.chance(0.5) {
            order.ticks -= better(order.side);
        } else {
            order.size += 1;
        }
        self.queues.requeue(slot, order);
        capture.update(self.draft(Action::Add, &order));
    }

    /// A cancel of a live order that names the other side, or another price.
    fn cancel_mismatch(&mut self, capture: &mut Capture, now: Nanos) {
        let (slot, order) = self.live_order(capture, now);
        self.queues.leave(slot);
        let mut draft = self.draft(Action::Cancel, &order);
        if self.dice.chance(0.5) {
            draft.side = Some(order.side.opposite());
        } else {
            draft.price = self.price(order.ticks - better(order.side));
        }
        capture.update(draft);
    }

    /// An add, a cancel or a modify of nothing. The modify removes its order.
    fn zero_size(&mut self, capture: &mut Capture, now: Nanos) {
        let draft = match self.dice.below(3) {
            0 => {
                let unseen = self.unseen_order();
                self.draft(Action::Add, &unseen)
            }
            1 => {
                let (_, order) = self.live_order(capture, now);
                self.draft(Action::Cancel, &order)
            }
            _ => {
                let (slot, order) = self.live_order(capture, now);
                self.queues.leave(slot);
                self.draft(Action::Modify, &order)
            }
        };
        capture.update(Draft { size: 0, ..draft });
    }

    /// An add or modify without a side, or an add or cancel without a price.
    fn invalid_record(&mut self, capture: &mut Capture) {
        let unseen = self.unseen_order();
        let (action, priced) =
            [(Action::Add, true), (Action::Modify, true), (Action::Add, false), (Action::Cancel, false)]
                [self.dice.below(4) as usize];
        let draft = self.draft(action, &unseen);
        capture.update(if priced {
            Draft { side: None, ..draft }
        } else {
            Draft { price: Price::UNDEF, ..draft }
        });
    }

    /// An order that crosses and is left so, one ordinary trade, and the order withdrawn: three events, the last one open.
    fn trade_while_crossed(&mut self, capture: &mut Capture, now: Nanos) {
        let mut crossing = self.unseen_order();
        let met = self.queues.best(crossing.side.opposite()).unwrap_or_else(|| {
            let ticks = crossing.ticks + better(crossing.side);
            let order =
                Resting { order_id: self.fresh_id(), side: crossing.side.opposite(), ticks, ..crossing };
            self.enter(capture, order);
            self.end_event(capture, now);
            ticks
        });
        crossing.ticks = met + better(crossing.side);
        capture.update(self.draft(Action::Add, &crossing));
        self.end_event(capture, now);
        let order_id = self.fresh_id();
        let trade = self.draft(Action::Trade, &crossing);
        capture.trade(Draft { order_id, price: self.price(met), size: 1, ..trade });
        self.end_event(capture, now);
        capture.update(self.draft(Action::Cancel, &crossing));
    }
}
