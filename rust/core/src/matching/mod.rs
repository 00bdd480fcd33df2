//! What would trade: the matched view of a book, and the indicative result of an auction.
//!
//! On CME a book is crossed at event ends before the open, and for moments inside events. The published book is the
//! truth and stays as it is; the matched view is a pure function of it, a simulation of a price-time engine over the
//! overlapping part only. While best bid ≥ best ask, the fronts of both queues trade the smaller size, at the price of
//! the one that took its place earlier. Venues with another allocation differ.
//!
//! - **I10** in the matched view best bid < best ask
//! - **I11** executions take the same quantity from both sides, and no more than rests

mod uncross;

use crate::book::{Book, LevelView, OrderView, Overlap, Resting};
use crate::error::{Error, Result};
use crate::types::{Price, Side};

pub use uncross::{Uncross, uncross};

/// Which book to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum View {
    /// After what would trade has traded: never locked or crossed.
    #[default]
    Matched,
    /// As the venue publishes it.
    Published,
}

impl View {
    /// The public name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Published => "published",
        }
    }
}

/// A simulated trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Execution {
    /// Price of the order that took its place earlier.
    pub price: Price,
    /// Quantity.
    pub size: u32,
    /// The buyer; 0 where a level without orders bought.
    pub bid_order_id: u64,
    /// The seller; 0 where a level without orders sold.
    pub ask_order_id: u64,
}

/// Best level of each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Bbo {
    /// Best bid.
    pub bid: Option<LevelView>,
    /// Best ask.
    pub ask: Option<LevelView>,
}

/// How much of a side's front is gone: whole levels, then a part of the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Consumed {
    levels: usize,
    size: u64,
    /// Orders of that level that are gone.
    orders: u32,
    /// Quantity taken from the order then at its front.
    front: u32,
    total: u64,
}

impl Consumed {
    /// The side's levels without what is gone, best first.
    fn rest(self, book: &Book, side: Side) -> impl Iterator<Item = LevelView> + '_ {
        let mut part = Some((self.size, self.orders));
        book.levels(side).skip(self.levels).map(move |level| {
            let (size, orders) = part.take().unwrap_or_default();
            LevelView { price: level.price, size: level.size - size, count: level.count - orders }
        })
    }
}

/// The matched view of a book at the moment it was made.
#[derive(Clone, Debug)]
pub struct Matched<'a> {
    book: &'a Book,
    executions: Vec<Execution>,
    bid: Consumed,
    ask: Consumed,
}

/// Walks one side from the front, taking quantity.
struct Taker<I: Iterator<Item = Resting>> {
    resting: I,
    front: Option<Resting>,
    left: u32,
    consumed: Consumed,
}

impl<I: Iterator<Item = Resting>> Taker<I> {
    fn new(mut resting: I) -> Self {
        let front = resting.next();
        Self { resting, front, left: front.map_or(0, |front| front.size), consumed: Consumed::default() }
    }

    fn take(&mut self, front: Resting, size: u32) {
        self.left -= size;
        self.consumed.size += u64::from(size);
        self.consumed.total += u64::from(size);
        if self.left > 0 {
            self.consumed.front = if front.is_order { front.size - self.left } else { 0 };
            return;
        }
        self.consumed.front = 0;
        self.consumed.orders += u32::from(front.is_order);
        self.front = self.resting.next();
        self.left = self.front.map_or(0, |front| front.size);
        if self.front.is_none_or(|next| next.price != front.price) {
            let Consumed { levels, total, .. } = self.consumed;
            self.consumed = Consumed { levels: levels + 1, total, ..Consumed::default() };
        }
    }
}

impl<'a> Matched<'a> {
    /// Matches the overlapping part. O(1) if there is none, else O(orders in the overlap).
    #[must_use]
    pub fn of(book: &'a Book) -> Self {
        if book.overlap() == Overlap::Apart {
            return Self { book, executions: Vec::new(), bid: Consumed::default(), ask: Consumed::default() };
        }
        let mut executions = Vec::new();
        let mut bids = Taker::new(book.resting(Side::Bid));
        let mut asks = Taker::new(book.resting(Side::Ask));
        while let (Some(bid), Some(ask)) = (bids.front, asks.front) {
            if bid.price < ask.price {
                break;
            }
            let size = bids.left.min(asks.left);
            let price = if bid.entered < ask.entered { bid.price } else { ask.price };
            executions.push(Execution {
                price,
                size,
                bid_order_id: bid.order_id,
                ask_order_id: ask.order_id,
            });
            bids.take(bid, size);
            asks.take(ask, size);
        }
        let (bid, ask) = (bids.consumed, asks.consumed);
        Self { book, executions, bid, ask }
    }

    /// What would trade, in order.
    #[must_use]
    pub fn executions(&self) -> &[Execution] {
        &self.executions
    }

    /// Levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = LevelView> + 'a {
        self.consumed(side).rest(self.book, side)
    }

    /// Orders at a price, front first, without what has traded.
    pub fn queue(&self, side: Side, price: Price) -> impl Iterator<Item = OrderView> + 'a {
        let consumed = self.consumed(side);
        let partly = consumed.rest(self.book, side).next().is_some_and(|level| level.price == price);
        let gone = self.book.levels(side).take(consumed.levels).any(|level| level.price == price);
        let (skipped, mut front) = if partly { (consumed.orders, consumed.front) } else { (0, 0) };
        let queue =
            self.book.queue(side, price).skip(skipped as usize).take(if gone { 0 } else { usize::MAX });
        queue.map(move |order| OrderView { size: order.size - std::mem::take(&mut front), ..order })
    }

    const fn consumed(&self, side: Side) -> Consumed {
        match side {
            Side::Bid => self.bid,
            Side::Ask => self.ask,
        }
    }

    /// Best levels.
    #[must_use]
    pub fn bbo(&self) -> Bbo {
        Bbo { bid: self.levels(Side::Bid).next(), ask: self.levels(Side::Ask).next() }
    }

    /// Verifies I10 and I11.
    ///
    /// # Errors
    /// [`Error::Invariant`] naming the one that is broken.
    pub fn check(&self) -> Result<()> {
        if let Bbo { bid: Some(bid), ask: Some(ask) } = self.bbo()
            && bid.price >= ask.price
        {
            return Err(Error::Invariant(format!(
                "I10: the matched view has bid {} and ask {}",
                bid.price, ask.price
            )));
        }
        let executed: u64 = self.executions.iter().map(|execution| u64::from(execution.size)).sum();
        for (side, consumed) in [(Side::Bid, self.bid), (Side::Ask, self.ask)] {
            let published: u64 = self.book.levels(side).map(|level| level.size).sum();
            let left: u64 = self.levels(side).map(|level| level.size).sum();
            if consumed.total != executed || published - left != executed {
                return Err(Error::Invariant(format!(
                    "I11: {executed} executed, but the {side} side went from {published} to {left}"
                )));
            }
        }
        Ok(())
    }
}

/// Best levels of a book in a view. O(1) unless the book overlaps, then O(levels in the overlap).
#[must_use]
pub fn bbo(book: &Book, view: View) -> Bbo {
    match view {
        View::Matched if book.overlap() != Overlap::Apart => matched_bbo(book),
        _ => Bbo { bid: book.best(Side::Bid), ask: book.best(Side::Ask) },
    }
}

/// [`Matched::bbo`] without the executions: whole levels trade, and only in the last one orders are looked at.
fn matched_bbo(book: &Book) -> Bbo {
    let (mut bids, mut asks) = (book.levels(Side::Bid), book.levels(Side::Ask));
    let (mut bid, mut ask) = (bids.next(), asks.next());
    let (mut bid_taken, mut ask_taken) = (0, 0);
    while let (Some(buying), Some(selling)) = (bid, ask)
        && buying.price >= selling.price
    {
        let size = (buying.size - bid_taken).min(selling.size - ask_taken);
        bid_taken += size;
        ask_taken += size;
        if bid_taken == buying.size {
            (bid, bid_taken) = (bids.next(), 0);
        }
        if ask_taken == selling.size {
            (ask, ask_taken) = (asks.next(), 0);
        }
    }
    Bbo {
        bid: bid.map(|level| without(book, Side::Bid, level, bid_taken)),
        ask: ask.map(|level| without(book, Side::Ask, level, ask_taken)),
    }
}

/// A level from whose front a quantity is gone.
fn without(book: &Book, side: Side, level: LevelView, taken: u64) -> LevelView {
    let mut left = taken;
    let mut gone = 0;
    for resting in book.resting_at(side, level.price) {
        if left < u64::from(resting.size) {
            break;
        }
        left -= u64::from(resting.size);
        gone += u32::from(resting.is_order);
    }
    LevelView { price: level.price, size: level.size - taken, count: level.count - gone }
}

/// Levels of one side in a view, best first.
#[must_use]
pub fn levels(book: &Book, side: Side, depth: usize, view: View) -> Vec<LevelView> {
    match view {
        View::Published => book.levels(side).take(depth).collect(),
        View::Matched => Matched::of(book).levels(side).take(depth).collect(),
    }
}
