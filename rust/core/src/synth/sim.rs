//! One instrument in continuous trading: a crowd that quotes, moves, withdraws and takes, and the venue's book under it.

use super::capture::{Capture, Draft, Line};
use super::dice::Dice;
use super::instrument::Instrument;
use super::queues::{Queues, Resting, Slot, better};
use crate::types::{Action, Nanos, Price, Side};

/// Orders that a side always keeps, so that no book runs empty.
pub(super) const FEWEST: usize = 6;
/// Farthest a new order is from the best price, in ticks.
const FARTHEST: f64 = 400.0;

/// An instrument with its book and its crowd.
pub(super) struct Sim {
    pub(super) instrument: Instrument,
    pub(super) queues: Queues,
    pub(super) line: Line,
    pub(super) dice: Dice,
    /// Where the crowd believes the price should be, in ticks.
    pub(super) fair: f64,
    /// Live orders that the book tends to.
    pub(super) crowd: f64,
    next_order_id: u64,
}

impl Sim {
    /// An instrument at a place in the listing, its book empty.
    pub(super) fn new(instrument: Instrument, place: u32, publisher_id: u16, crowd: f64, seed: u64) -> Self {
        Self {
            line: Line {
                publisher_id,
                instrument_id: instrument.id,
                channel_id: instrument.channel,
                sequence: 0,
                last_event: 0,
                last_recv: 0,
            },
            queues: Queues::default(),
            dice: Dice::new(seed, 1 + u64::from(place)),
            fair: instrument.anchor as f64,
            crowd,
            // Order ids of CME have 13 digits and tell the product: none occurs twice on a tape.
            next_order_id: 6_400_000_000_000 + 10_000_000_000 * u64::from(place),
            instrument,
        }
    }

    /// One event of at most `room` records (at least 1). Gives the number of events that it provokes beyond the usual.
    pub(super) fn step(&mut self, capture: &mut Capture, room: u64, now: Nanos) -> u32 {
        self.drift();
        let what = self.dice.unit();
        let mut provoked = 0;
        let done = if what < 0.055 {
            let traded = self.trade(capture, room);
            provoked = if traded { 2 } else { 0 };
            traded
        } else if what < 0.058 {
            self.report_spread_trade(capture);
            true
        } else if what < 0.062 {
            capture.update(Draft::NOTHING);
            true
        } else if what < 0.17 {
            self.modify(capture)
        } else {
            !self.wants_more() && self.cancel(capture)
        };
        if !done {
            self.quote(capture);
        }
        self.end_event(capture, now);
        provoked
    }

    /// Ends the event whose records were handed to the capture.
    pub(super) fn end_event(&mut self, capture: &mut Capture, now: Nanos) {
        capture.end_event(&mut self.line, &mut self.dice, now.0);
    }

    /// An id that no order of this tape had or will have, unless it is given to one.
    pub(super) fn fresh_id(&mut self) -> u64 {
        self.next_order_id += 1 + self.dice.below(6);
        self.next_order_id
    }

    /// A size as the crowd likes them: mostly one lot, now and then many.
    pub(super) fn size(&mut self) -> u32 {
        if self.dice.chance(0.55) { 1 } else { 1 + self.dice.whole_exponential(self.instrument.lots) as u32 }
    }

    /// What a record about a resting order says.
    pub(super) fn draft(&self, action: Action, order: &Resting) -> Draft {
        Draft {
            action,
            side: Some(order.side),
            order_id: order.order_id,
            price: self.price(order.ticks),
            size: order.size,
            flags: 0,
        }
    }

    /// Ticks as a price.
    pub(super) const fn price(&self, ticks: i64) -> Price {
        Price(ticks * self.instrument.tick)
    }

    /// An order enters the book, and the capture hears of it.
    pub(super) fn enter(&mut self, capture: &mut Capture, order: Resting) -> Slot {
        capture.update(self.draft(Action::Add, &order));
        self.queues.enter(order)
    }

    /// A new order that takes nothing: near the best price of its side more often than far from it.
    pub(super) fn quote(&mut self, capture: &mut Capture) -> Slot {
        let side = self.eager_side();
        let ticks = self.passive_price(side);
        let size = self.size();
        let mut order = Resting { order_id: self.fresh_id(), side, ticks, size, reserve: 0, slice: size };
        if self.dice.chance(0.02) {
            order.reserve = size * (2 + self.dice.below(9) as u32);
        }
        self.enter(capture, order)
    }

    /// A price on a side that does not touch the other one.
    pub(super) fn passive_price(&mut self, side: Side) -> i64 {
        let up = better(side);
        let own = self.queues.best(side);
        let other = self.queues.best(side.opposite());
        let best = own.or(other.map(|ticks| ticks - up)).unwrap_or(self.fair as i64 - up);
        let spread = match (own, other) {
            (Some(own), Some(other)) => (own - other).abs(),
            _ => 1,
        };
        let narrow = if spread > self.instrument.spread { 0.4 } else { 0.03 };
        if spread > 1 && self.dice.chance(narrow) {
            best + up * (1 + self.dice.below(spread as u64 - 1).cast_signed())
        } else {
            let mean = if self.dice.chance(0.7) { 2.2 } else { 45.0 };
            best - up * (self.dice.exponential() * mean).min(FARTHEST) as i64
        }
    }

    /// Probability that the next eager order buys: the crowd leans towards the fair price.
    pub(super) fn lean(&self) -> f64 {
        let middle = match (self.queues.best(Side::Bid), self.queues.best(Side::Ask)) {
            (Some(bid), Some(ask)) => (bid + ask) as f64 / 2.0,
            _ => self.fair,
        };
        (0.5 + 0.06 * (self.fair - middle)).clamp(0.1, 0.9)
    }

    /// Which side quotes next: where the price is going, and where orders are missing.
    fn eager_side(&mut self) -> Side {
        let bids = self.queues.count(Side::Bid) as f64;
        let asks = self.queues.count(Side::Ask) as f64;
        let missing = 0.6 * (asks - bids) / (asks + bids + 1.0);
        if self.dice.chance(self.lean() + missing) { Side::Bid } else { Side::Ask }
    }

    /// The fair price wanders, and returns to the anchor: ten million events later it is still about there.
    fn drift(&mut self) {
        const PULL: f64 = 6e-6;
        const STEP: f64 = 0.11;
        self.fair += PULL * (self.instrument.anchor as f64 - self.fair) + STEP * self.dice.bell();
    }

    /// Whether the book should grow: always a little more likely than not, since trades take orders too.
    fn wants_more(&mut self) -> bool {
        let lacking = 1.0 - self.queues.live() as f64 / self.crowd;
        self.dice.chance((0.53 + 2.0 * lacking).clamp(0.05, 0.9))
    }

    /// An order to change or withdraw: near the best price more often than anywhere, on the side that retreats.
    fn restless(&mut self) -> Option<(Slot, Resting)> {
        let found = if self.dice.chance(0.7) {
            let side = if self.dice.chance(self.lean()) { Side::Ask } else { Side::Bid };
            self.queues.pick_near(side, 1.5, &mut self.dice)
        } else {
            self.queues.pick(&mut self.dice)
        };
        found.filter(|(_, order)| self.queues.count(order.side) > FEWEST)
    }

    /// Withdraws an order, or now and then a part of it. False where none may go.
    fn cancel(&mut self, capture: &mut Capture) -> bool {
        let Some((slot, order)) = self.restless() else { return false };
        let partly = order.size > 1 && self.dice.chance(0.12);
        let size = if partly { 1 + self.dice.below(u64::from(order.size) - 1) as u32 } else { order.size };
        capture.update(Draft { size, ..self.draft(Action::Cancel, &order) });
        if partly {
            self.queues.resize(slot, order.size - size);
        } else {
            self.queues.leave(slot);
        }
        true
    }

    /// Changes an order: down in size it keeps its place, up or at another price it loses it. False where none may change.
    fn modify(&mut self, capture: &mut Capture) -> bool {
        let Some((slot, order)) = self.restless() else { return false };
        let mut changed = order;
        if order.size > 1 && self.dice.chance(0.45) {
            changed.size = 1 + self.dice.below(u64::from(order.size) - 1) as u32;
            self.queues.resize(slot, changed.size);
        } else {
            if self.dice.chance(0.6) {
                changed.ticks = self.passive_price(order.side);
            }
            if changed.ticks == order.ticks {
                changed.size += self.size();
            }
            self.queues.requeue(slot, changed);
        }
        capture.update(self.draft(Action::Modify, &changed));
        true
    }

    /// A leg of a spread traded elsewhere: printed here, filling nobody.
    fn report_spread_trade(&mut self, capture: &mut Capture) {
        let side = if self.dice.chance(0.5) { Side::Bid } else { Side::Ask };
        let ticks = self.queues.best(side).unwrap_or(self.fair as i64);
        let size = self.size();
        capture.trade(Draft {
            action: Action::Trade,
            side: None,
            price: self.price(ticks),
            size,
            ..Draft::NOTHING
        });
    }
}
