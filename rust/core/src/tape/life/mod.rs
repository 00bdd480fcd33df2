//! The life of an order: its records, where it stood in its queue after each, and how it ended.
//!
//! **Finding.** The index keeps a filter of order ids for every 16,384 records; only the stretches whose filter knows the id
//! are read, about one in fifty of them in vain. **Following.** The order's book alone goes along from record to record of
//! the order, by a keyframe where the next one is far away. What happens to the order in between (its book is cleared, say)
//! shows in that it is gone there; when it went is found by halving the distance. So an order with `n` records costs
//! `O(n)` keyframes, each a fraction of a millisecond, and never a pass over the tape. **Positions over time** are another
//! matter: every record of the book between entry and end may change them, and each is applied, which takes O(1).
//!
//! # Which records are an order's
//! All that carry its id, but R, and A, C or M with `F_TOB` or `F_MBP`: those speak of levels and sides. A record that names
//! the order while it is not in the book belongs to the life before it if the order left in the same event, else to the life
//! that follows, and if none follows it is a life of its own that the book never saw.

mod alone;
mod find;
mod follow;
mod path;
mod telling;

use serde::{Serialize, Serializer};

use super::Tape;
use crate::book::{Book, OrderView};
use crate::error::Result;
use crate::feed::Progress;
use crate::types::{Action, AnomalyKind, BookKey, Flags, MboRecord, Nanos, Price, Side};

pub use path::{Every, PathRow};

/// Records kept over all lives of an order; further ones are counted, and their amounts are, too.
const RECORDS_KEPT: usize = 10_000;
/// Lives kept; further ones are only counted.
const LIVES_KEPT: usize = 1_000;

/// All that a tape tells of an order id in one book.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderLife {
    /// The order's id.
    pub order_id: u64,
    /// Its book.
    pub key: BookKey,
    /// One for each time it was in the book, in order.
    pub lives: Vec<Life>,
    /// Further lives, of which only the number is known.
    pub lives_omitted: u64,
}

/// An order from its entry to its end.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Life {
    /// How it ended.
    #[serde(rename = "outcome")]
    pub ending: Ending,
    /// What cleared it, if that was its end.
    pub cleared_by: Option<ClearedBy>,
    /// How it came into the book; none if the book never had it.
    pub entry: Option<Entered>,
    /// When it was gone; none if it is alive, or never was in the book.
    pub exit: Option<Left>,
    /// From its entry to its end or the tape's, by `ts_recv`, in nanoseconds; 0 where that runs backwards.
    #[serde(serialize_with = "as_text")]
    pub alive_ns: Option<u64>,
    /// What became of its quantity.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// Its records.
    pub records: Vec<OrderRecord>,
    /// Further records, counted in the amounts.
    pub records_omitted: u64,
}

/// How a life ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The last of it was filled: fills of the same event explain all that its last C or M took off.
    Filled,
    /// Filled in part, and the rest cancelled.
    PartlyFilled,
    /// Cancelled without a fill.
    Cancelled,
    /// It went with everything else.
    Cleared,
    /// In the book at the end of the tape.
    Alive,
    /// Never in the book: from before the data began, or not an order that rests.
    #[default]
    Unseen,
}

/// What removed an order without naming it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClearedBy {
    /// R: the venue cleared the book.
    Clear,
    /// A snapshot began; whether the order is in it shows in the next life.
    Snapshot,
    /// `F_TOB`: its side was replaced by one level.
    Side,
    /// The instrument id means another instrument from here on.
    Symbol,
}

/// How an order came into the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EnteredBy {
    /// An add.
    Add,
    /// An add of a snapshot, or in the book where a tape begins whose earlier records were dropped: it had entered before.
    Snapshot,
    /// A modify of an order that the data never showed entering.
    Modify,
}

/// The record with which an order came into the book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Entered {
    /// Its index.
    pub index: u64,
    /// Its time.
    pub ts_recv: Nanos,
    /// The venue's time; of a snapshot the one that gave the order its priority.
    pub ts_event: Nanos,
    /// What it was.
    pub by: EnteredBy,
    /// Whether the book was known to be complete then. Where it was not, orders that the data never showed may stand ahead.
    pub book_complete: bool,
}

/// The record with which an order was gone, or before which.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Left {
    /// Its index.
    pub index: u64,
    /// Its time.
    pub ts_recv: Nanos,
}

/// What became of an order's quantity: `size + raised = returned + cancelled + cleared + left`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Amounts {
    /// What it entered with.
    pub size: u64,
    /// Quantity of T records that name it: traded as the aggressor, and no part of the sum.
    pub traded: u64,
    /// F records.
    pub fills: u64,
    /// Quantity of the F records.
    pub filled: u64,
    /// Of it, what a C or M of the same event took off the order. The rest was hidden, or the venue did not say.
    pub returned: u64,
    /// What C and M took off beyond that.
    pub cancelled: u64,
    /// What was put on: by M, an iceberg's new slices among them, or by an add of the live id.
    pub raised: u64,
    /// What stood when everything went.
    pub cleared: u64,
    /// What stands at the end of the tape.
    pub left: u64,
    /// New slices that an iceberg showed.
    pub refreshes: u64,
}

/// One record of an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderRecord {
    /// Its index on the tape.
    pub index: u64,
    /// The record.
    pub record: MboRecord,
    /// What it did.
    pub effect: Did,
    /// What was wrong with it, if anything.
    pub anomaly: Option<AnomalyKind>,
    /// Whether it put the order at the back of a queue: it entered, or lost its priority.
    pub took_place: bool,
    /// Where the order stands after it; nothing if it is not in the book.
    pub place: Option<Place>,
}

/// What a record did to its order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// It entered.
    Added,
    /// Quantity left.
    Cancelled,
    /// It has a new state.
    Modified,
    /// Nothing.
    Unchanged,
    /// The record was not applied.
    Skipped,
}

/// Where an order stands in the published book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// What is left of it.
    pub size: u32,
    /// Orders ahead at its price.
    pub orders_ahead: u32,
    /// Their quantity.
    pub size_ahead: u64,
    /// Whether its place is a guess: it was in the book before the data began, and has not lost that place since.
    pub priority_approximate: bool,
}

impl Place {
    /// Where an order stands now. O(orders ahead).
    fn of(book: &Book, order: &OrderView) -> Option<Self> {
        let (orders_ahead, size_ahead) = book.ahead_of(order.order_id)?;
        let OrderView { side, price, size, priority_approximate, .. } = *order;
        Some(Self { side, price, size, orders_ahead, size_ahead, priority_approximate })
    }
}

impl Tape {
    /// The life of an order; instrument and publisher may be left out where the id lives in one book only.
    ///
    /// The first call builds the index to the end of the tape. From then on it takes milliseconds: see the top of this file.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] for an id that is not on the tape, not in that book, or only in trades and fills;
    /// [`crate::Error::Parameter`] where it lives in several books, naming them, and for the id 0, with which venues say that
    /// there is no order; those of [`Tape::walk`].
    pub fn order(
        &self,
        order_id: u64,
        instrument_id: Option<u32>,
        publisher_id: Option<u16>,
        on_progress: Progress<'_>,
    ) -> Result<OrderLife> {
        self.build_keyframes(on_progress)?;
        let found = find::Found::on(self, order_id, on_progress)?;
        let key = found.choose(order_id, instrument_id, publisher_id)?;
        follow::follow(self, order_id, key, &found.stretches, on_progress)
    }
}

/// Whether a record is one of an order's.
fn is_of(record: &MboRecord, order_id: u64) -> bool {
    record.order_id == order_id
        && match record.action() {
            Some(Action::Clear) => false,
            Some(Action::Add | Action::Cancel | Action::Modify) => !record.flags().is_aggregate(),
            _ => true,
        }
}

/// What removed an order, if a record did that did not name it.
const fn cleared_by(record: &MboRecord) -> ClearedBy {
    let flags = record.flags();
    if flags.is_snapshot() {
        ClearedBy::Snapshot
    } else if flags.has(Flags::TOB) && record.action == b'A' {
        ClearedBy::Side
    } else {
        ClearedBy::Clear
    }
}

/// 64-bit numbers are strings in JSON.
#[allow(clippy::ref_option)] // serde's signature
fn as_text<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

impl Serialize for OrderRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row {
            index: u64,
            ts_recv: Nanos,
            ts_event: Nanos,
            action: char,
            side: char,
            price: Price,
            size: u32,
            flags: u8,
            effect: Did,
            anomaly: Option<&'static str>,
            took_place: bool,
            place: Option<Place>,
        }
        let Self { index, record, effect, anomaly, took_place, place } = *self;
        let row = Row {
            index,
            ts_recv: record.ts_recv(),
            ts_event: Nanos(record.ts_event),
            action: record.action as char,
            side: record.side as char,
            price: record.price(),
            size: record.size,
            flags: record.flags,
            effect,
            anomaly: anomaly.map(AnomalyKind::name),
            took_place,
            place,
        };
        row.serialize(serializer)
    }
}
