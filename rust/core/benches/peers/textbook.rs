//! The book as textbooks draw it: a queue of orders a level, levels in a tree, ids in the standard hash map, and a
//! search through the level for every cancel and modify.
//!
//! Nothing in it is slow on purpose. Orders hold what a queue needs and no more, a level's place is looked up once a
//! record where the language allows it, and the best price is the tree's end. What it lacks is what a book has to be
//! designed for: sizes that are kept rather than summed, orders that know their place, a map without protection from
//! chosen keys. Its rules are those of `docs/semantics.md` without icebergs, aggregated levels and anomalies.

use std::collections::{BTreeMap, HashMap, VecDeque};

use booktape_core::types::{Action, MboRecord, Side};

/// Order ids with what is left of each order, front first.
type Queue = VecDeque<(u64, u32)>;

#[derive(Default)]
pub struct Textbook {
    bids: BTreeMap<i64, Queue>,
    asks: BTreeMap<i64, Queue>,
    places: HashMap<u64, (Side, i64)>,
}

impl Textbook {
    pub fn best_price(&self, side: Side) -> Option<i64> {
        self.best_queue(side).map(|(price, _)| *price)
    }

    /// Price, size and orders of the best level. The size is summed.
    pub fn best_level(&self, side: Side) -> Option<(i64, u64, u32)> {
        self.best_queue(side).map(summed)
    }

    /// All levels of a side, best first.
    pub fn levels(&self, side: Side) -> Vec<(i64, u64, u32)> {
        match side {
            Side::Bid => self.bids.iter().rev().map(summed).collect(),
            Side::Ask => self.asks.iter().map(summed).collect(),
        }
    }

    fn best_queue(&self, side: Side) -> Option<(&i64, &Queue)> {
        match side {
            Side::Bid => self.bids.last_key_value(),
            Side::Ask => self.asks.first_key_value(),
        }
    }

    pub fn apply(&mut self, record: &MboRecord) {
        let side = record.side().ok().flatten();
        match (record.action(), side) {
            (Some(Action::Add), Some(side)) => self.add(record, side),
            (Some(Action::Cancel), Some(_)) => self.cancel(record),
            (Some(Action::Modify), Some(side)) => self.modify(record, side),
            (Some(Action::Clear), _) => *self = Self::default(),
            _ => {}
        }
    }

    fn side(&mut self, side: Side) -> &mut BTreeMap<i64, Queue> {
        match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        }
    }

    fn add(&mut self, record: &MboRecord, side: Side) {
        self.side(side).entry(record.price).or_default().push_back((record.order_id, record.size));
        self.places.insert(record.order_id, (side, record.price));
    }

    fn cancel(&mut self, record: &MboRecord) {
        let Some(&(side, price)) = self.places.get(&record.order_id) else { return };
        let Some(level) = self.side(side).get_mut(&price) else { return };
        let Some(at) = level.iter().position(|(id, _)| *id == record.order_id) else { return };
        level[at].1 = level[at].1.saturating_sub(record.size);
        if level[at].1 == 0 {
            level.remove(at);
            if level.is_empty() {
                self.side(side).remove(&price);
            }
            self.places.remove(&record.order_id);
        }
    }

    fn modify(&mut self, record: &MboRecord, side: Side) {
        let Some(&(old_side, price)) = self.places.get(&record.order_id) else {
            return self.add(record, side);
        };
        let Some(level) = self.side(old_side).get_mut(&price) else { return };
        let Some(at) = level.iter().position(|(id, _)| *id == record.order_id) else { return };
        if (old_side, price) == (side, record.price) && record.size <= level[at].1 {
            level[at].1 = record.size;
            return;
        }
        level.remove(at);
        if level.is_empty() {
            self.side(old_side).remove(&price);
        }
        self.add(record, side);
    }
}

fn summed((price, queue): (&i64, &Queue)) -> (i64, u64, u32) {
    (*price, queue.iter().map(|(_, size)| u64::from(*size)).sum(), queue.len() as u32)
}
