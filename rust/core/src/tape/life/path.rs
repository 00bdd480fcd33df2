//! An order's place in its queue over time, by every record of its book.

use std::ops::Range;

use super::alone::{Alone, Met, standing};
use crate::book::{Book, Standing};
use crate::error::Result;
use crate::feed::Progress;
use crate::market::Market;
use crate::tape::Tape;
use crate::types::{BookKey, MboRecord};

/// Records gone along between two looks at how many rows there are.
const BETWEEN_LOOKS: u64 = 16_384;

/// When a path looks at the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Every {
    /// After each event of the book.
    Event,
    /// After each of its records: within an event the book may be half-updated.
    Record,
}

/// What was ahead of an order from a record on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PathRow {
    /// The record's index.
    pub index: u64,
    /// Its time, ns UTC.
    pub ts_recv: u64,
    /// Orders ahead at the order's price.
    pub orders_ahead: u32,
    /// Their quantity.
    pub size_ahead: u64,
}

/// An order, and what is ahead of it.
#[derive(Clone, Copy, Debug)]
struct Queued {
    standing: Standing,
    orders: u32,
    size: u64,
}

/// What is ahead of an order, kept while records apply.
struct Walker {
    order_id: u64,
    every: Every,
    here: Option<Queued>,
    /// What the last row said, if the order was there ever since.
    said: Option<(u32, u64)>,
    rows: Vec<PathRow>,
}

impl Tape {
    /// Each moment of some records at which what is ahead of an order changed. The first row is where it stands at the first
    /// look; there are none while it is not in the book. After `limit` rows it ends: go on behind the last one.
    ///
    /// Every record of the book in the range is applied, and keeping what is ahead takes O(1) of each.
    ///
    /// # Errors
    /// [`crate::Error::Parameter`] for a range outside the tape; those of [`Tape::walk`].
    pub fn order_path(
        &self,
        order_id: u64,
        key: BookKey,
        range: Range<u64>,
        every: Every,
        limit: usize,
        on_progress: Progress<'_>,
    ) -> Result<Vec<PathRow>> {
        self.check_position("stop", range.end)?;
        let mut alone = Alone::at(self, key, range.start, on_progress)?;
        let here = alone.entry().and_then(|entry| Queued::of(&entry.book, order_id));
        let mut walker = Walker { order_id, every, here, said: None, rows: Vec::new() };
        while alone.position() < range.end && walker.rows.len() < limit {
            on_progress(alone.position() - range.start, range.end - range.start)?;
            let next = range.end.min(alone.position() + BETWEEN_LOOKS);
            alone.go(next, |market, met| walker.see(market, met))?;
        }
        walker.rows.truncate(limit);
        Ok(walker.rows)
    }
}

impl Queued {
    /// As counted. O(orders ahead).
    fn of(book: &Book, order_id: u64) -> Option<Self> {
        let (orders, size) = book.ahead_of(order_id)?;
        Some(Self { standing: book.standing(order_id)?, orders, size })
    }

    /// Whether another order is ahead of this one.
    fn is_behind(&self, other: &Standing) -> bool {
        let (mine, its) = (&self.standing.order, &other.order);
        (its.side, its.price) == (mine.side, mine.price) && other.entered < self.standing.entered
    }

    /// After a record that changed one order ahead, or none.
    fn after(self, standing: Standing, old: Option<&Standing>, new: Option<&Standing>) -> Self {
        let Some(old) = old else { return Self { standing, ..self } };
        let new = new.filter(|new| new.entered == old.entered);
        Self {
            standing,
            orders: self.orders - u32::from(new.is_none()),
            size: self.size - u64::from(old.order.size) + new.map_or(0, |new| u64::from(new.order.size)),
        }
    }
}

impl Walker {
    fn see(&mut self, market: &mut Market, met: Met<'_>) -> Result<()> {
        let Met::Record(index, record) = met else {
            self.here = self.here.filter(|_| standing(market, self.order_id).is_some());
            return Ok(());
        };
        let ahead = self
            .here
            .and_then(|here| standing(market, record.order_id).filter(|other| here.is_behind(other)));
        market.apply(record)?;
        let Some(book) = market.entries().first().map(|entry| &entry.book) else { return Ok(()) };
        self.here = match (book.standing(self.order_id), self.here) {
            (Some(now), Some(here)) if now.entered == here.standing.entered => {
                let new = ahead.and_then(|_| book.standing(record.order_id));
                Some(here.after(now, ahead.as_ref(), new.as_ref()))
            }
            (Some(_), _) => Queued::of(book, self.order_id),
            (None, _) => None,
        };
        if self.every == Every::Record || record.flags().is_last() {
            self.look(index, record);
        }
        Ok(())
    }

    fn look(&mut self, index: u64, record: &MboRecord) {
        let now = self.here.map(|here| (here.orders, here.size));
        if let Some((orders_ahead, size_ahead)) = now
            && now != self.said
        {
            self.rows.push(PathRow { index, ts_recv: record.ts_recv, orders_ahead, size_ahead });
        }
        self.said = now;
    }
}
