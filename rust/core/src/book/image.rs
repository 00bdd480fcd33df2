//! A book's exact state as few bytes: what a keyframe holds.
//!
//! Whatever a later record or any reading can depend on comes back: queues in their order, sizes, entries, marks, aggregates,
//! the clocks and the event under way. Only slots are numbered anew. Numbers are [`varint`]s, and most are differences, so
//! that an order takes about ten bytes:
//!
//! | part | content |
//! |---|---|
//! | head | version, state bits, clock, fill counts, orders, levels of each side |
//! | level, best first, bids then asks | price (after the first: away from the one before), orders × 2 + has aggregate |
//! | its aggregate | size, clock − entered |
//! | order, front first | (entered − entered of the one ahead; of the front: clock − entered) × 2 + has more, size, id − id of the order before |
//! | its more | marks and whether filled, quantity filled in this event |
//! | event under way | number and places of fills not judged yet; number, groups and ids of orders passed over |

use super::level::{Aggregate, Level, NIL};
use super::queue::{Marks, Order};
use super::{Book, FillCounts};
use crate::types::{Price, Side, varint};

const VERSION: u64 = 1;
const MID_EVENT: u64 = 1;
const AWAITS_SNAPSHOT: u64 = 2;
const NOT_SEEN_ENTERING: u64 = 1;
const PRIORITY_APPROXIMATE: u64 = 2;
const FILLED: u64 = 4;
/// No count gets here by counting, and none that starts below can overflow.
const COUNT_LIMIT: u64 = 1 << 62;

/// Why bytes are no image of a book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The bytes end inside the image, or a number in it never ends.
    #[error("a book's image is cut off or garbled")]
    Cut,
    /// Another layout than this build's.
    #[error("a book's image has version {found}; this build reads version {VERSION}")]
    Version {
        /// The version it says.
        found: u64,
    },
    /// Whole, but the image of no book.
    #[error("a book's image is damaged: {why}")]
    Damaged {
        /// What no book has.
        why: &'static str,
    },
}

type Result<T> = std::result::Result<T, ImageError>;

const fn damaged(why: &'static str) -> ImageError {
    ImageError::Damaged { why }
}

impl Book {
    /// Appends the book's image to `out`: about ten bytes an order, and a hundred besides. O(orders).
    ///
    /// Books with the same records behind them have the same image.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let bits = u64::from(self.mid_event) * MID_EVENT + u64::from(self.awaits_snapshot) * AWAITS_SNAPSHOT;
        let counts = self.fills.counts;
        let head = [
            VERSION,
            bits,
            self.clock,
            counts.groups,
            counts.out_of_turn,
            counts.unknown_orders,
            counts.away_from_limit,
            counts.iceberg_refreshes,
            self.index.len() as u64,
            self.level_count(Side::Bid) as u64,
            self.level_count(Side::Ask) as u64,
        ];
        for number in head {
            varint::put_u64(out, number);
        }
        let mut last_id = 0;
        for side in [Side::Bid, Side::Ask] {
            let mut before = None;
            for slot in self.ladder(side).slots() {
                let level = self.levels.at(slot);
                match before {
                    None => varint::put_i64(out, level.price.0),
                    Some(Price(before)) => varint::put_u64(out, level.price.0.abs_diff(before)),
                }
                before = Some(level.price);
                self.encode_level(slot, &mut last_id, out);
            }
        }
        varint::put_u64(out, self.fills.pending.len() as u64);
        for &slot in &self.fills.pending {
            let level = self.levels.at(slot);
            varint::put_u64(out, u64::from(level.side == Side::Ask));
            varint::put_i64(out, level.price.0);
        }
        varint::put_u64(out, self.fills.passed.len() as u64);
        for &(group, id) in &self.fills.passed {
            varint::put_u64(out, group);
            varint::put_u64(out, id);
        }
    }

    fn encode_level(&self, slot: u32, last_id: &mut u64, out: &mut Vec<u8>) {
        let level = self.levels.at(slot);
        varint::put_u64(out, u64::from(level.count) << 1 | u64::from(level.has_aggregate));
        if let Some(aggregate) = self.levels.aggregate(slot) {
            varint::put_u64(out, u64::from(aggregate.size));
            varint::put_u64(out, self.clock - aggregate.entered);
        }
        let mut ahead = None;
        for slot in self.orders.queue(level) {
            let order = self.orders.at(slot);
            let (marks, filled) = (order.marks(), self.fills.of(slot, order));
            let more = u64::from(marks.not_seen_entering) * NOT_SEEN_ENTERING
                + u64::from(marks.priority_approximate) * PRIORITY_APPROXIMATE
                + u64::from(filled > 0) * FILLED;
            let apart = ahead.map_or(self.clock - order.entered(), |ahead| order.entered() - ahead);
            varint::put_u64(out, apart << 1 | u64::from(more != 0));
            varint::put_u64(out, u64::from(order.size));
            varint::put_i64(out, order.id.wrapping_sub(*last_id).cast_signed());
            if more != 0 {
                varint::put_u64(out, more);
            }
            if filled > 0 {
                varint::put_u64(out, u64::from(filled));
            }
            ahead = Some(order.entered());
            *last_id = order.id;
        }
    }

    /// Takes a book's image off the front of `input`. O(orders).
    ///
    /// # Errors
    /// [`ImageError`], for bytes that are not the image of a book which holds its invariants. `input` may be anything: it
    /// takes memory in proportion to its length, no more.
    pub fn decode(input: &mut &[u8]) -> Result<Self> {
        let version = number(input)?;
        if version != VERSION {
            return Err(ImageError::Version { found: version });
        }
        let bits = below(number(input)?, 4, "unknown state bits")?;
        let mut book = Self {
            mid_event: bits & MID_EVENT != 0,
            awaits_snapshot: bits & AWAITS_SNAPSHOT != 0,
            clock: count(input)?,
            ..Self::new()
        };
        book.fills.counts = FillCounts {
            groups: count(input)?,
            out_of_turn: count(input)?,
            unknown_orders: count(input)?,
            away_from_limit: count(input)?,
            iceberg_refreshes: count(input)?,
        };
        let orders = below(number(input)?, u64::from(u32::MAX), "too many orders")?;
        // Every order takes three bytes or more: what is reserved cannot exceed what is there.
        let room = (orders as usize).min(input.len() / 3);
        book.orders.reserve(room);
        book.index.reserve(&book.orders, room);
        let levels = [count(input)?, count(input)?];
        let mut last_id = 0;
        for (side, levels) in [Side::Bid, Side::Ask].into_iter().zip(levels) {
            let mut before = None;
            for _ in 0..levels {
                let price = next_price(input, side, before)?;
                before = Some(price);
                book.decode_level(input, side, price, &mut last_id)?;
            }
        }
        if book.index.len() as u64 != orders {
            return Err(damaged("another number of orders than it says"));
        }
        book.decode_fills(input)?;
        Ok(book)
    }

    fn decode_level(&mut self, input: &mut &[u8], side: Side, price: Price, last_id: &mut u64) -> Result<()> {
        let level_slot = self.levels.insert(Level::new(side, price));
        self.ladder_mut(side).insert(price, level_slot);
        let head = number(input)?;
        if head & 1 != 0 {
            let (size, entered) = (size(input)?, self.entered_before_now(number(input)?)?);
            self.levels.set_aggregate(level_slot, Aggregate { size, entered });
        }
        let orders = head >> 1;
        if head == 0 {
            return Err(damaged("an empty level"));
        }
        let mut ahead = None;
        for _ in 0..orders {
            let head = number(input)?;
            let entered = match ahead {
                None => self.entered_before_now(head >> 1)?,
                Some(ahead) => self.entered_after(ahead, head >> 1)?,
            };
            ahead = Some(entered);
            let size = size(input)?;
            let id = last_id.wrapping_add_signed(varint::get_i64(input).ok_or(ImageError::Cut)?);
            *last_id = id;
            let more = if head & 1 == 0 { 0 } else { below(number(input)?, 8, "unknown marks")? };
            let filled = if more & FILLED == 0 { 0 } else { self::size(input)? };
            let place = self.index.place(&self.orders, id);
            if place.slot != NIL {
                return Err(damaged("two orders of one id"));
            }
            let marks = Marks {
                not_seen_entering: more & NOT_SEEN_ENTERING != 0,
                priority_approximate: more & PRIORITY_APPROXIMATE != 0,
            };
            let order = Order::new(id, level_slot, size, entered, marks);
            let slot = self.orders.enter(self.levels.at_mut(level_slot), order);
            if filled > 0 {
                self.fills.set(slot, &order, filled);
            }
            self.index.insert(&self.orders, place, slot);
        }
        Ok(())
    }

    fn decode_fills(&mut self, input: &mut &[u8]) -> Result<()> {
        for _ in 0..number(input)? {
            let side = if below(number(input)?, 2, "a third side")? == 0 { Side::Bid } else { Side::Ask };
            let price = Price(varint::get_i64(input).ok_or(ImageError::Cut)?);
            let level = self.ladder(side).search(price);
            if level == NIL {
                return Err(damaged("fills where there is no level"));
            }
            self.fills.pending.push(level);
        }
        for _ in 0..number(input)? {
            self.fills.passed.push((number(input)?, number(input)?));
        }
        self.fills.see();
        Ok(())
    }

    fn entered_before_now(&self, age: u64) -> Result<u64> {
        self.clock.checked_sub(age).filter(|&entered| entered > 0).ok_or(damaged("an entry before the first"))
    }

    fn entered_after(&self, ahead: u64, apart: u64) -> Result<u64> {
        let entered = ahead + apart; // below 2^62 + 2^63
        let is_possible = apart > 0 && entered <= self.clock;
        if is_possible { Ok(entered) } else { Err(damaged("a queue out of order")) }
    }
}

#[inline]
fn number(input: &mut &[u8]) -> Result<u64> {
    varint::get_u64(input).ok_or(ImageError::Cut)
}

fn count(input: &mut &[u8]) -> Result<u64> {
    below(number(input)?, COUNT_LIMIT, "a count that nobody counted to")
}

#[inline]
fn size(input: &mut &[u8]) -> Result<u32> {
    u32::try_from(number(input)?).ok().filter(|&size| size > 0).ok_or(damaged("an impossible size"))
}

#[inline]
fn below(value: u64, limit: u64, why: &'static str) -> Result<u64> {
    if value < limit { Ok(value) } else { Err(damaged(why)) }
}

/// The price of the next level, worse than the one before.
fn next_price(input: &mut &[u8], side: Side, before: Option<Price>) -> Result<Price> {
    let price = match before {
        None => Some(varint::get_i64(input).ok_or(ImageError::Cut)?),
        Some(Price(before)) => match (number(input)?, side) {
            (0, _) => None,
            (apart, Side::Bid) => before.checked_sub_unsigned(apart),
            (apart, Side::Ask) => before.checked_add_unsigned(apart),
        },
    };
    price.map(Price).filter(|price| price.is_defined()).ok_or(damaged("an impossible price"))
}
