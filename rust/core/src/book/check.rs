//! The invariants of a book, numbered. Tests cite the numbers; [`Book::check`] verifies them all.
//!
//! - **I1** every registered id is that of one live order, and every live order is registered
//! - **I2** every order stands in exactly one queue, the one of its level; links agree in both directions
//! - **I3** no level is empty
//! - **I4** a level's size is the sum of what rests there, its count the number of its orders
//! - **I5** a ladder's prices are its levels' prices, defined, on its side, and every level is on one ladder
//! - **I6** the cached best level is the ladder's first
//! - **I7** nothing that rests has size 0
//! - **I8** queues are in the order of entry
//! - **I9** slots are live or free, never both, never lost
//!
//! I10 and I11, of the matched view, are checked in [`crate::matching`].

use super::Book;
use super::level::NIL;
use crate::error::{Error, Result};
use crate::types::Side;

/// Fails with the invariant's number and what was seen unless the condition holds.
fn holds(condition: bool, broken: impl FnOnce() -> String) -> Result<()> {
    if condition { Ok(()) } else { Err(Error::Invariant(broken())) }
}

impl Book {
    /// Verifies every invariant. O(orders).
    ///
    /// # Errors
    /// [`Error::Invariant`] naming the first that is broken.
    pub fn check(&self) -> Result<()> {
        let queued = self.check_ladder(Side::Bid)? + self.check_ladder(Side::Ask)?;
        let registered = self.index.len();
        holds(queued == registered, || {
            format!("I1: {registered} ids registered, {queued} orders in queues")
        })?;
        for slot in self.index.slots() {
            let id = self.orders.at(slot).id;
            let found = self.index.find(&self.orders, id);
            holds(found == Some(slot), || {
                format!("I1: order {id} in slot {slot} is registered as {found:?}")
            })?;
        }
        let (on_ladders, live) =
            (self.level_count(Side::Bid) + self.level_count(Side::Ask), self.levels.len());
        holds(on_ladders == live, || format!("I5: {on_ladders} levels on ladders, {live} live"))?;
        let (free, used) = (self.orders.free_len(), self.orders.capacity_used());
        holds(free + queued == used, || format!("I9: {free} free and {queued} live of {used} order slots"))
    }

    /// Checks one side; gives the number of its orders.
    fn check_ladder(&self, side: Side) -> Result<usize> {
        let ladder = self.ladder(side);
        let first = ladder.first();
        let cached = (ladder.best() != NIL).then(|| (ladder.best_price(), ladder.best()));
        holds(first == cached, || format!("I6: the best {side} is {first:?}, cached is {cached:?}"))?;
        let mut orders = 0;
        for (price, slot) in ladder.entries() {
            let level = self.levels.at(slot);
            holds(level.price == price && level.side == side && price.is_defined(), || {
                format!("I5: {side} ladder has {price} for a {} level at {}", level.side, level.price)
            })?;
            holds(!level.is_empty(), || format!("I3: the {side} level at {price} is empty"))?;
            orders += self.check_queue(slot)?;
        }
        Ok(orders)
    }

    /// Checks one level's queue; gives its length.
    fn check_queue(&self, level_slot: u32) -> Result<usize> {
        let level = self.levels.at(level_slot);
        let (mut size, mut count, mut last, mut entered) = (0, 0, NIL, 0);
        for slot in self.orders.queue(level) {
            let order = self.orders.at(slot);
            holds(order.prev == last && order.level == level_slot, || {
                format!("I2: order {} does not know its place at {}", order.id, level.price)
            })?;
            holds(order.size > 0, || format!("I7: order {} has size 0", order.id))?;
            holds(order.entered() > entered, || {
                format!("I8: order {} entered before the one ahead", order.id)
            })?;
            size += u64::from(order.size);
            count += 1;
            last = slot;
            entered = order.entered();
            holds(count <= self.orders.capacity_used(), || {
                format!("I2: the queue at {} is a ring", level.price)
            })?;
        }
        holds(level.tail == last, || format!("I2: the queue at {} has another tail", level.price))?;
        holds(level.has_aggregate == self.levels.aggregate(level_slot).is_some(), || {
            format!("I4: the level at {} lost its aggregate", level.price)
        })?;
        if let Some(aggregate) = self.levels.aggregate(level_slot) {
            holds(aggregate.size > 0, || format!("I7: the aggregate at {} has size 0", level.price))?;
            size += u64::from(aggregate.size);
        }
        holds(level.size == size && level.count as usize == count, || {
            format!(
                "I4: the level at {} says {} x {} for {size} x {count}",
                level.price, level.size, level.count
            )
        })?;
        Ok(count)
    }
}
