//! Where an order's records are, and which book is meant.

use std::collections::BTreeMap;

use super::is_of;
use crate::error::{Error, Result};
use crate::feed::Progress;
use crate::market::{listed, named};
use crate::tape::Tape;
use crate::tape::keyframes::STRETCH;
use crate::types::{Action, BookKey, MboRecord};

/// What there is of an order id on a tape.
pub(super) struct Found {
    /// Stretches that have records of it.
    pub stretches: Vec<u64>,
    /// By book.
    books: BTreeMap<BookKey, Named>,
}

/// How records of one book name an order id.
struct Named {
    first: u64,
    /// By A, C or M, not only by executions.
    rests: bool,
}

impl Found {
    /// Reads the stretches that may have the order.
    pub(super) fn on(tape: &Tape, order_id: u64, on_progress: Progress<'_>) -> Result<Self> {
        if order_id == 0 {
            let expected = "the id of an order: with 0 venues say that there is none".to_owned();
            return Err(Error::Parameter { name: "order_id", value: "0".to_owned(), expected });
        }
        let mut found = Self { stretches: Vec::new(), books: BTreeMap::new() };
        // The index may reach beyond a tape that has grown since.
        let within = |stretch: &u64| stretch * STRETCH < tape.len();
        for stretch in tape.keyframes().stretches(order_id).into_iter().filter(within) {
            let mut any = false;
            each_of(tape, order_id, stretch, |index, record| {
                any = true;
                let named = found.books.entry(record.key()).or_insert(Named { first: index, rests: false });
                named.rests |= matches!(record.action(), Some(Action::Add | Action::Cancel | Action::Modify));
            })?;
            if any {
                found.stretches.push(stretch);
            }
            on_progress(stretch * STRETCH, tape.len())?;
        }
        if tape.first() > 0 {
            found.see_origin(tape, order_id)?;
        }
        Ok(found)
    }

    /// Takes note of the books in which the order rests where the tape begins.
    fn see_origin(&mut self, tape: &Tape, order_id: u64) -> Result<()> {
        let first = tape.first();
        let market = tape.market_at(first, None, &mut |_, _| Ok(()))?;
        for entry in market.entries().iter().filter(|entry| entry.book.standing(order_id).is_some()) {
            self.books.insert(entry.key, Named { first, rests: true });
        }
        Ok(())
    }

    /// The one book in which the order rests, among those named.
    pub(super) fn choose(
        &self,
        order_id: u64,
        instrument_id: Option<u32>,
        publisher_id: Option<u16>,
    ) -> Result<BookKey> {
        let meant = |key: &BookKey| {
            instrument_id.is_none_or(|id| id == key.instrument_id)
                && publisher_id.is_none_or(|id| id == key.publisher_id)
        };
        let of_meant = || self.books.iter().filter(|(key, _)| meant(key));
        let mut resting = of_meant().filter(|(_, named)| named.rests);
        match (resting.next(), resting.next()) {
            (Some((key, _)), None) => Ok(*key),
            (Some((one, _)), Some((other, _))) => {
                let several = || of_meant().filter(|(_, named)| named.rests).map(|(key, _)| book(*key));
                let same = one.instrument_id == other.instrument_id;
                Err(Error::Parameter {
                    name: if same { "publisher_id" } else { "instrument_id" },
                    value: "None".to_owned(),
                    expected: format!(
                        "order {order_id} is in several books, say which of {}",
                        listed(several())
                    ),
                })
            }
            (None, _) => {
                Err(Error::NotFound(self.missing(order_id, of_meant().map(|(_, named)| named.first).min())))
            }
        }
    }

    /// Why there is no life to tell; `first` is the first record that names the id in a book that is meant.
    fn missing(&self, order_id: u64, first: Option<u64>) -> String {
        if let Some(first) = first {
            return format!(
                "order {order_id} never rested: only trades and fills name it, the first at index {first}, as an aggressor or a \
                 hidden order"
            );
        }
        if self.books.is_empty() {
            return format!("order {order_id} is not on the tape");
        }
        let there = listed(self.books.keys().map(|key| book(*key)));
        format!("order {order_id} has no records there; it has some of {there}")
    }
}

/// Shows the records of an order in a stretch.
fn each_of(tape: &Tape, order_id: u64, stretch: u64, mut see: impl FnMut(u64, &MboRecord)) -> Result<()> {
    for block in tape.blocks((stretch * STRETCH).max(tape.first())..tape.len().min((stretch + 1) * STRETCH)) {
        let (first, records) = block?;
        let of_order = (first..).zip(records.iter()).filter(|(_, record)| is_of(record, order_id));
        of_order.for_each(|(index, record)| see(index, record));
    }
    Ok(())
}

/// Indexes of the records of an order in one book, in a stretch: no more than a stretch has.
pub(super) fn indexes(tape: &Tape, order_id: u64, key: BookKey, stretch: u64) -> Result<Vec<u64>> {
    let mut indexes = Vec::new();
    each_of(tape, order_id, stretch, |index, record| {
        if record.key() == key {
            indexes.push(index);
        }
    })?;
    Ok(indexes)
}

fn book(key: BookKey) -> String {
    format!("instrument {} at publisher {}", key.instrument_id, named(key.publisher_id))
}
