//! What is measured: everything here applies records and tells the best of a book, so that one loop serves all.

use std::collections::HashMap;

use booktape_core::book::{Book, LevelView};
use booktape_core::market::Market;
use booktape_core::types::{MboRecord, Notes, Price, Side};
use serde_json::{Value, json};
use zerocopy::IntoBytes;

use crate::textbook::Textbook;

/// Price, size and orders.
pub type Level = (i64, u64, u32);

/// Reading a book after a record.
pub trait Best {
    /// Of bids and asks; [`Price::UNDEF`] where there is none.
    fn prices(&self) -> [i64; 2];
    fn levels(&self) -> [Option<Level>; 2];
}

pub trait Subject: Default {
    type Book: Best;

    /// Applies a record and gives the book that it was about.
    fn apply(&mut self, record: &MboRecord) -> &Self::Book;

    /// The final books: for each its instrument and its levels, best first, as `[price, size, orders]`.
    fn state(&self) -> Value;
}

/// The memory limit: reads every byte of every record and does nothing with it.
#[derive(Default)]
pub struct Bytes(u64);

impl Best for Bytes {
    fn prices(&self) -> [i64; 2] {
        // Something that depends on every byte, or reading them would be optimised away.
        [self.0.cast_signed(), 0]
    }

    fn levels(&self) -> [Option<Level>; 2] {
        [None; 2]
    }
}

impl Subject for Bytes {
    type Book = Self;

    fn apply(&mut self, record: &MboRecord) -> &Self {
        for word in record.as_bytes().as_chunks::<8>().0 {
            self.0 ^= u64::from_le_bytes(*word);
        }
        self
    }

    fn state(&self) -> Value {
        Value::Null
    }
}

impl Best for Book {
    fn prices(&self) -> [i64; 2] {
        [self.best_price(Side::Bid).0, self.best_price(Side::Ask).0]
    }

    fn levels(&self) -> [Option<Level>; 2] {
        [self.best(Side::Bid).map(plain), self.best(Side::Ask).map(plain)]
    }
}

fn plain(level: LevelView) -> Level {
    (level.price.0, level.size, level.count)
}

#[derive(Default)]
pub struct OneBook {
    book: Book,
    notes: Notes,
    instrument: u32,
}

impl Subject for OneBook {
    type Book = Book;

    fn apply(&mut self, record: &MboRecord) -> &Book {
        self.instrument = record.instrument_id;
        self.book.apply(record, &mut self.notes);
        &self.book
    }

    fn state(&self) -> Value {
        json!([levels_of(self.instrument, &self.book)])
    }
}

fn levels_of(instrument: u32, book: &Book) -> Value {
    let side = |side| book.levels(side).map(plain).collect::<Vec<_>>();
    json!({ "instrument": instrument, "bids": side(Side::Bid), "asks": side(Side::Ask) })
}

/// Books by publisher and instrument.
#[derive(Default)]
pub struct Books(pub Market);

impl Subject for Books {
    type Book = Book;

    fn apply(&mut self, record: &MboRecord) -> &Book {
        self.0.apply(record).expect("a market that is not strict refuses nothing");
        &self.0.latest().expect("the book of the record").book
    }

    fn state(&self) -> Value {
        self.0.entries().iter().map(|entry| levels_of(entry.key.instrument_id, &entry.book)).collect()
    }
}

impl Best for Textbook {
    fn prices(&self) -> [i64; 2] {
        [Side::Bid, Side::Ask].map(|side| self.best_price(side).unwrap_or(Price::UNDEF.0))
    }

    fn levels(&self) -> [Option<Level>; 2] {
        [self.best_level(Side::Bid), self.best_level(Side::Ask)]
    }
}

/// A textbook book for each instrument.
#[derive(Default)]
pub struct Textbooks(HashMap<u32, Textbook>);

impl Subject for Textbooks {
    type Book = Textbook;

    fn apply(&mut self, record: &MboRecord) -> &Textbook {
        let book = self.0.entry(record.instrument_id).or_default();
        book.apply(record);
        book
    }

    fn state(&self) -> Value {
        let books = self.0.iter().map(|(instrument, book)| {
            json!({ "instrument": instrument, "bids": book.levels(Side::Bid), "asks": book.levels(Side::Ask) })
        });
        books.collect()
    }
}

/// The textbook book alone, as [`OneBook`] is.
#[derive(Default)]
pub struct OneTextbook {
    book: Textbook,
    instrument: u32,
}

impl Subject for OneTextbook {
    type Book = Textbook;

    fn apply(&mut self, record: &MboRecord) -> &Textbook {
        self.instrument = record.instrument_id;
        self.book.apply(record);
        &self.book
    }

    fn state(&self) -> Value {
        let Self { book, instrument } = self;
        json!([{ "instrument": instrument, "bids": book.levels(Side::Bid), "asks": book.levels(Side::Ask) }])
    }
}
