//! Databento's other schemas, derived from MBO: rows as the bytes of DBN records.
//!
//! The rules are those of `docs/derived.md`. Rows come from the published book. Every schema takes one record after
//! another, of any publishers and instruments, and keeps no more than one state for each book.

mod bars;
mod books;
mod interval;
mod layout;
mod quotes;
mod row;
mod samples;
mod schema;
mod top;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use zerocopy::IntoBytes;

use crate::book::Book;
use crate::market::{Entry, Market};
use crate::types::{BookKey, MboRecord, Notes, Side};
use bars::Bars;
use books::PerBook;
use quotes::{Form, Quotes};
use row::{Head, Pair, half};
use samples::Samples;

pub use layout::{Column, Kind, MBO};
pub use schema::Schema;

/// Which side a row names that no trade gave rise to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SideRule {
    /// The side that changed, `N` if both did.
    #[default]
    Changed,
    /// Always `N`.
    None,
}

/// What datasets do differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeriveOptions {
    /// Which side a row names that no trade gave rise to.
    pub side: SideRule,
    /// `depth` of the rows of clears.
    pub clear_depth: u8,
}

impl DeriveOptions {
    /// As the dataset of this code has it, where that is known; else as GLBX.MDP3.
    #[must_use]
    pub fn for_dataset(dataset: &str) -> Self {
        let side = if dataset.starts_with("XNAS.") { SideRule::None } else { SideRule::Changed };
        Self { side, ..Self::default() }
    }
}

/// Turns MBO records into rows of another schema.
///
/// ```
/// use booktape_core::derive::{DeriveOptions, Deriver, Schema};
/// use booktape_core::types::MboRecord;
///
/// let mut deriver = Deriver::new(Schema::Trades, DeriveOptions::default());
/// let mut rows = Vec::new();
/// deriver.apply(&MboRecord { action: b'T', ..MboRecord::default() }, &mut rows);
/// deriver.finish(&mut rows);
/// assert_eq!(rows.len(), Schema::Trades.row_size());
/// ```
#[derive(Clone, Debug)]
pub struct Deriver {
    schema: Schema,
    rows: Rows,
    /// What instrument ids mean.
    symbols: HashMap<u32, String, FixedState>,
}

#[derive(Clone, Debug)]
enum Rows {
    Trades,
    TradesWithBest(PerBook<Book>, Notes),
    Best(Form, PerBook<Quotes<1>>, Notes),
    Depth(Form, PerBook<Quotes<10>>, Notes),
    Samples(Box<Samples>),
    Bars(Bars),
}

impl Deriver {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new(schema: Schema, options: DeriveOptions) -> Self {
        let rtype = schema.rtype();
        let form = Form { rtype, options };
        let rows = match (schema, schema.interval()) {
            (Schema::Trades, _) => Rows::Trades,
            (Schema::Tbbo, _) => Rows::TradesWithBest(PerBook::default(), Notes::default()),
            (Schema::Bbo1S | Schema::Bbo1M, Some(length)) => {
                Rows::Samples(Box::new(Samples::new(form, length)))
            }
            (_, Some(length)) => Rows::Bars(Bars::new(rtype, length)),
            (Schema::Mbp10, _) => Rows::Depth(form, PerBook::default(), Notes::default()),
            (_, None) => Rows::Best(form, PerBook::default(), Notes::default()),
        };
        Self { schema, rows, symbols: HashMap::default() }
    }

    /// One that goes on where a market stands, and gives the rows that one which saw all records before would give.
    ///
    /// `None` where only those records can tell: within an event, whose rows say how it began, and for schemas that carry
    /// more along than books.
    #[must_use]
    pub fn resume(schema: Schema, options: DeriveOptions, market: &Market) -> Option<Self> {
        let mut deriver = Self::new(schema, options);
        let entries = market.entries().iter();
        let is_between_events = !entries.clone().any(|entry| entry.book.is_mid_event());
        match &mut deriver.rows {
            Rows::Trades => {}
            Rows::TradesWithBest(books, _) => {
                *books = entries.map(|entry| (entry.key, entry.book.clone())).collect();
            }
            Rows::Best(_, books, _) if is_between_events => {
                *books = entries.map(|entry| (entry.key, Quotes::after_event(&entry.book))).collect();
            }
            Rows::Depth(_, books, _) if is_between_events => {
                *books = entries.map(|entry| (entry.key, Quotes::after_event(&entry.book))).collect();
            }
            _ => return None,
        }
        deriver.symbols.clone_from(market.symbols());
        Some(deriver)
    }

    /// One that begins with the books of a market and nothing else: the rest of an event that is under way gives the rows that
    /// it would give if it began there, and so does the rest of an interval.
    #[must_use]
    pub fn from_books(schema: Schema, options: DeriveOptions, market: &Market) -> Self {
        let mut deriver = Self::new(schema, options);
        deriver.take_up(market.entries());
        deriver.symbols.clone_from(market.symbols());
        deriver
    }

    /// Takes up books of a market, as [`Deriver::from_books`] begins with them; those that it has stay as they are.
    pub fn take_up<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        let entries = entries.into_iter();
        match &mut self.rows {
            Rows::Trades | Rows::Bars(_) => {}
            Rows::TradesWithBest(books, _) => {
                books.take_up(entries.map(|entry| (entry.key, entry.book.clone())));
            }
            Rows::Best(_, books, _) => {
                books.take_up(entries.map(|entry| (entry.key, Quotes::after_event(&entry.book))));
            }
            Rows::Depth(_, books, _) => {
                books.take_up(entries.map(|entry| (entry.key, Quotes::after_event(&entry.book))));
            }
            Rows::Samples(samples) => samples.take_up(entries),
        }
    }

    /// Whether it has the book of a key; schemas that need no books have them all.
    #[must_use]
    pub fn has(&self, key: BookKey) -> bool {
        match &self.rows {
            Rows::Trades | Rows::Bars(_) => true,
            Rows::TradesWithBest(books, _) => books.has(key),
            Rows::Best(_, books, _) => books.has(key),
            Rows::Depth(_, books, _) => books.has(key),
            Rows::Samples(samples) => samples.has(key),
        }
    }

    /// What it makes.
    #[must_use]
    pub const fn schema(&self) -> Schema {
        self.schema
    }

    /// Takes the next record, and appends the rows it gives: [`Schema::row_size`] bytes each.
    #[inline]
    pub fn apply(&mut self, record: &MboRecord, out: &mut Vec<u8>) {
        match &mut self.rows {
            Rows::Trades => {
                if is_trade(record) {
                    out.extend_from_slice(Head::of(record, self.schema.rtype(), 0).as_bytes());
                }
            }
            Rows::TradesWithBest(books, notes) => {
                let book = books.of(record.key());
                book.apply(record, notes);
                if is_trade(record) {
                    let mut best = Pair::NONE;
                    for side in [Side::Bid, Side::Ask] {
                        best.set_half(side, half(book.best(side)));
                    }
                    append(&Head::of(record, self.schema.rtype(), 1), &[best], out);
                }
            }
            Rows::Best(form, books, notes) => {
                books
                    .of(record.key())
                    .apply(record, *form, notes, &mut |head, levels| append(head, levels, out));
            }
            Rows::Depth(form, books, notes) => {
                books
                    .of(record.key())
                    .apply(record, *form, notes, &mut |head, levels| append(head, levels, out));
            }
            Rows::Samples(samples) => samples.apply(record, out),
            Rows::Bars(bars) => bars.apply(record, out),
        }
    }

    /// A record comes of a book that no rows are wanted of: rows of an interval that is over by then are appended, as they would be
    /// if it was of one of the others.
    #[inline]
    pub fn pass(&mut self, record: &MboRecord, out: &mut Vec<u8>) {
        match &mut self.rows {
            Rows::Samples(samples) => samples.pass(record, out),
            Rows::Bars(bars) => bars.pass(record, out),
            Rows::Trades | Rows::TradesWithBest(..) | Rows::Best(..) | Rows::Depth(..) => {}
        }
    }

    /// Takes note of what an instrument id means from the next record on. If it meant something else, its books start
    /// again, and so does everything that rows carry forward.
    pub fn name(&mut self, instrument_id: u32, symbol: &str) {
        let before = self.symbols.insert(instrument_id, symbol.to_owned());
        if before.is_none_or(|before| before == symbol) {
            return;
        }
        match &mut self.rows {
            Rows::Trades => {}
            Rows::TradesWithBest(books, _) => books.of_instrument(instrument_id).for_each(|book| {
                book.clear();
            }),
            Rows::Best(_, books, _) => books.of_instrument(instrument_id).for_each(Quotes::forget),
            Rows::Depth(_, books, _) => books.of_instrument(instrument_id).for_each(Quotes::forget),
            Rows::Samples(samples) => samples.forget(instrument_id),
            Rows::Bars(bars) => bars.forget(instrument_id),
        }
    }

    /// There is no further record: appends the rows of the interval that is open.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.rows {
            Rows::Samples(samples) => samples.finish(out),
            Rows::Bars(bars) => bars.finish(out),
            Rows::Trades | Rows::TradesWithBest(..) | Rows::Best(..) | Rows::Depth(..) => {}
        }
    }
}

#[inline]
fn append(head: &Head, levels: &[Pair], out: &mut Vec<u8>) {
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(levels.as_bytes());
}

/// Whether a record is a trade, and one that can be.
#[inline]
const fn is_trade(record: &MboRecord) -> bool {
    record.action == b'T' && record.side().is_ok()
}
