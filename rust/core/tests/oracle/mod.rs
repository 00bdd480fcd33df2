//! A book as naive as can be: one list of orders per side, in order of entry, searched from the front every time.

use booktape_core::book::LevelView;
use booktape_core::types::{Flags, MboRecord, Price, Side};

/// Price, size, bid id, ask id.
type Executed = (i64, u32, u64, u64);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resting {
    pub id: u64,
    pub side: Side,
    pub price: i64,
    pub size: u32,
    pub entered: u64,
    filled: u32,
    is_order: bool,
}

/// Every resting order and aggregate, in order of entry. Anomalies are only handled, not told apart.
#[derive(Default)]
pub struct Oracle {
    resting: Vec<Resting>,
    clock: u64,
    in_snapshot: bool,
}

impl Oracle {
    pub fn apply(&mut self, record: &MboRecord) {
        let is_aggregate = record.flags & (Flags::TOB | Flags::MBP) != 0;
        let has_price = record.price != i64::MAX;
        let snapshot = record.flags & Flags::SNAPSHOT != 0;
        match (record.action, record.side) {
            (b'A', b'A' | b'B') => {
                let side = if record.side == b'B' { Side::Bid } else { Side::Ask };
                let is_skipped = if has_price { record.size == 0 } else { record.flags & Flags::TOB == 0 };
                if snapshot && !self.in_snapshot && !is_skipped {
                    self.resting.clear();
                    self.in_snapshot = true;
                }
                let replaces = record.flags & Flags::TOB != 0 && (!has_price || record.size > 0);
                if replaces {
                    self.resting.retain(|resting| resting.side != side);
                }
                if has_price && record.size > 0 {
                    self.add(record, side, is_aggregate);
                }
            }
            (b'C', b'A' | b'B') if has_price => self.cancel(record, is_aggregate),
            (b'M', b'A' | b'B') if has_price => self.modify(record, is_aggregate),
            (b'R', b'N') => self.resting.clear(),
            (b'F', b'A' | b'B' | b'N') if has_price => {
                for resting in self
                    .resting
                    .iter_mut()
                    .filter(|resting| resting.is_order && resting.id == record.order_id)
                {
                    resting.filled = resting.filled.saturating_add(record.size);
                }
            }
            _ => {}
        }
        self.in_snapshot &= snapshot;
        if record.flags & Flags::LAST != 0 {
            self.resting.iter_mut().for_each(|resting| resting.filled = 0);
        }
    }

    fn find(&self, record: &MboRecord, is_aggregate: bool) -> Option<usize> {
        self.resting.iter().position(|resting| {
            resting.is_order != is_aggregate
                && if is_aggregate {
                    (resting.side.code(), resting.price) == (record.side, record.price)
                } else {
                    resting.id == record.order_id
                }
        })
    }

    fn push(&mut self, record: &MboRecord, is_aggregate: bool) {
        self.clock += 1;
        self.resting.push(Resting {
            id: if is_aggregate { 0 } else { record.order_id },
            side: if record.side == b'B' { Side::Bid } else { Side::Ask },
            price: record.price,
            size: record.size,
            entered: self.clock,
            filled: 0,
            is_order: !is_aggregate,
        });
    }

    fn add(&mut self, record: &MboRecord, side: Side, is_aggregate: bool) {
        if let Some(at) = self.find(record, is_aggregate) {
            let old = self.resting[at];
            if !is_aggregate && (old.side, old.price, old.size) == (side, record.price, record.size) {
                return;
            }
            self.resting.remove(at);
        }
        self.push(record, is_aggregate);
    }

    fn cancel(&mut self, record: &MboRecord, is_aggregate: bool) {
        if let Some(at) = self.find(record, is_aggregate) {
            let resting = &mut self.resting[at];
            resting.size = resting.size.saturating_sub(record.size);
            resting.filled = resting.filled.saturating_sub(record.size);
            if resting.size == 0 {
                self.resting.remove(at);
            }
        }
    }

    fn modify(&mut self, record: &MboRecord, is_aggregate: bool) {
        let found = self.find(record, is_aggregate);
        if let Some(at) = found {
            let resting = &mut self.resting[at];
            let stays = (resting.side.code(), resting.price) == (record.side, record.price)
                && record.size <= resting.size.saturating_sub(resting.filled);
            if stays && record.size > 0 {
                resting.size = record.size;
                resting.filled = 0;
                return;
            }
            self.resting.remove(at);
        }
        if record.size > 0 {
            self.push(record, is_aggregate);
        }
    }

    /// Everything on a side in the order in which it would trade.
    pub fn by_priority(&self, side: Side) -> Vec<Resting> {
        let mut side_of: Vec<_> =
            self.resting.iter().filter(|resting| resting.side == side).copied().collect();
        side_of.sort_by_key(|resting| {
            (
                if side == Side::Bid { -i128::from(resting.price) } else { i128::from(resting.price) },
                resting.entered,
            )
        });
        side_of
    }

    pub fn levels(&self, side: Side) -> Vec<LevelView> {
        summed(&self.by_priority(side))
    }

    pub fn queue(&self, side: Side, price: i64) -> Vec<(u64, u32)> {
        let orders =
            self.by_priority(side).into_iter().filter(|resting| resting.is_order && resting.price == price);
        orders.map(|resting| (resting.id, resting.size)).collect()
    }

    /// Executions (price, size, bid id, ask id), and the levels that are left on each side.
    pub fn matched(&self) -> (Vec<Executed>, Vec<LevelView>, Vec<LevelView>) {
        let (mut bids, mut asks) = (self.by_priority(Side::Bid), self.by_priority(Side::Ask));
        let mut executions = Vec::new();
        while let (Some(bid), Some(ask)) = (bids.first_mut(), asks.first_mut()) {
            if bid.price < ask.price {
                break;
            }
            let size = bid.size.min(ask.size);
            let price = if bid.entered < ask.entered { bid.price } else { ask.price };
            executions.push((price, size, bid.id, ask.id));
            bid.size -= size;
            ask.size -= size;
            bids.retain(|resting| resting.size > 0);
            asks.retain(|resting| resting.size > 0);
        }
        (executions, summed(&bids), summed(&asks))
    }

    /// Indicative price, size, imbalance by trying every limit price in the overlap.
    pub fn uncross(&self, reference: Option<i64>) -> Option<(i64, u64, i64)> {
        let (bids, asks) = (self.by_priority(Side::Bid), self.by_priority(Side::Ask));
        let (bid, ask) = (bids.first()?.price, asks.first()?.price);
        if bid < ask {
            return None;
        }
        let at = |price: i64| -> (i64, i64) {
            let bought = bids
                .iter()
                .filter(|resting| resting.price >= price)
                .map(|resting| i64::from(resting.size))
                .sum();
            let sold = asks
                .iter()
                .filter(|resting| resting.price <= price)
                .map(|resting| i64::from(resting.size))
                .sum();
            (bought, sold)
        };
        let mut prices: Vec<i64> = bids.iter().chain(&asks).map(|resting| resting.price).collect();
        prices.retain(|price| (ask..=bid).contains(price));
        prices.sort_unstable();
        prices.dedup();
        let most = prices.iter().map(|&price| at(price).0.min(at(price).1)).max()?;
        prices.retain(|&price| at(price).0.min(at(price).1) == most);
        let least = prices.iter().map(|&price| (at(price).0 - at(price).1).abs()).min()?;
        prices.retain(|&price| (at(price).0 - at(price).1).abs() == least);
        let over = |price: &i64| at(*price).0 - at(*price).1;
        let price = if prices.iter().all(|price| over(price) > 0) {
            *prices.last()?
        } else if prices.iter().all(|price| over(price) < 0) {
            *prices.first()?
        } else {
            let twice = reference.map_or(bid + ask, |reference| 2 * reference);
            *prices.iter().min_by_key(|&&price| (2 * price - twice).abs())?
        };
        Some((price, most as u64, over(&price)))
    }
}

fn summed(resting: &[Resting]) -> Vec<LevelView> {
    let levels = resting.chunk_by(|a, b| a.price == b.price);
    levels
        .map(|level| LevelView {
            price: Price(level[0].price),
            size: level.iter().map(|resting| u64::from(resting.size)).sum(),
            count: level.iter().filter(|resting| resting.is_order).count() as u32,
        })
        .collect()
}
