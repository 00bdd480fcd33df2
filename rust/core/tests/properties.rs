//! Any stream of records, valid or not: book, matched view and uncross equal a naive oracle after every record, and
//! invariants I1 to I11 hold.
#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]

mod flow;
#[allow(missing_docs, clippy::similar_names)]
mod oracle;

use booktape_core::book::Book;
use booktape_core::market::Market;
use booktape_core::matching::{Matched, View, bbo, uncross};
use booktape_core::types::{MboRecord, Notes, Side};
use flow::any::{any_record, any_stream};
use oracle::Oracle;
use proptest::prelude::*;

fn agree(book: &Book, oracle: &Oracle) -> Result<(), TestCaseError> {
    for side in [Side::Bid, Side::Ask] {
        let levels: Vec<_> = book.levels(side).collect();
        prop_assert_eq!(&levels, &oracle.levels(side), "published levels");
        prop_assert_eq!(book.best(side), levels.first().copied(), "best level");
        for level in levels {
            let queue: Vec<_> =
                book.queue(side, level.price).map(|order| (order.order_id, order.size)).collect();
            prop_assert_eq!(&queue, &oracle.queue(side, level.price.0), "queue at {}", level.price);
            for (place, (order_id, _)) in queue.iter().enumerate() {
                let ahead: u64 = queue[..place].iter().map(|(_, size)| u64::from(*size)).sum();
                prop_assert_eq!(book.ahead_of(*order_id), Some((place as u32, ahead)), "queue position");
            }
        }
    }
    let matched = Matched::of(book);
    prop_assert_eq!(bbo(book, View::Matched), matched.bbo(), "matched best prices, by levels and by orders");
    let executions: Vec<_> = matched
        .executions()
        .iter()
        .map(|done| (done.price.0, done.size, done.bid_order_id, done.ask_order_id))
        .collect();
    let (expected, bids, asks) = oracle.matched();
    prop_assert_eq!(executions, expected, "executions");
    prop_assert_eq!(matched.levels(Side::Bid).collect::<Vec<_>>(), bids, "matched bids");
    prop_assert_eq!(matched.levels(Side::Ask).collect::<Vec<_>>(), asks, "matched asks");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Levels, queues, places, matched view and executions are the oracle's; I1 to I11 hold.
    #[test]
    fn every_book_is_the_oracles(stream in any_stream()) {
        let (mut book, mut notes, mut oracle) = (Book::new(), Notes::default(), Oracle::default());
        for record in &stream {
            book.apply(record, &mut notes);
            oracle.apply(record);
            prop_assert!(book.check().is_ok(), "{:?}", book.check());
            prop_assert!(Matched::of(&book).check().is_ok(), "{:?}", Matched::of(&book).check());
            agree(&book, &oracle)?;
        }
    }

    /// The indicative auction is the best of all limit prices tried one by one, whatever the reference.
    #[test]
    fn uncross_is_the_best_of_all_prices(
        orders in prop::collection::vec((any::<bool>(), 95_i64..105, 1_u32..9), 1..40),
        reference in prop::option::of(90_i64..110),
    ) {
        let (mut book, mut notes, mut oracle) = (Book::new(), Notes::default(), Oracle::default());
        for (id, (is_bid, price, size)) in orders.into_iter().enumerate() {
            let side = if is_bid { Side::Bid } else { Side::Ask };
            let record = flow::add(id as u64, side, price, size);
            book.apply(&record, &mut notes);
            oracle.apply(&record);
        }
        let reference = reference.map(flow::px);
        let found = uncross(&book, reference).map(|auction| {
            let over = if auction.side == Some(Side::Ask) { -1 } else { 1 } * auction.imbalance as i64;
            (auction.price.0, auction.size, over)
        });
        prop_assert_eq!(found, oracle.uncross(reference.map(|reference| reference.0)));
    }

    /// Books never see each other's records; a market's totals are what went in.
    #[test]
    fn books_of_a_market_are_independent(stream in prop::collection::vec((any_record(), 1_u16..3, 1_u32..4), 0..150)) {
        let mut market = Market::new();
        let mut alone: std::collections::BTreeMap<(u16, u32), (Book, Oracle)> = std::collections::BTreeMap::new();
        let mut notes = Notes::default();
        for (record, publisher_id, instrument_id) in &stream {
            let record = MboRecord { publisher_id: *publisher_id, instrument_id: *instrument_id, ..*record };
            market.apply(&record).unwrap();
            let (book, oracle) = alone.entry((*publisher_id, *instrument_id)).or_default();
            book.apply(&record, &mut notes);
            oracle.apply(&record);
        }
        prop_assert_eq!(market.position(), stream.len() as u64);
        prop_assert_eq!(market.entries().len(), alone.len());
        for entry in market.entries() {
            let (_, oracle) = &alone[&(entry.key.publisher_id, entry.key.instrument_id)];
            agree(&entry.book, oracle)?;
        }
    }

    /// Matching only looks: looking twice sees the same, and what comes later simply applies.
    #[test]
    fn matching_leaves_the_book_alone(stream in any_stream()) {
        let (mut watched, mut unwatched, mut notes) = (Book::new(), Book::new(), Notes::default());
        for record in &stream {
            watched.apply(record, &mut notes);
            let first = Matched::of(&watched).executions().to_vec();
            prop_assert_eq!(first, Matched::of(&watched).executions().to_vec());
            unwatched.apply(record, &mut notes);
        }
        for side in [Side::Bid, Side::Ask] {
            prop_assert_eq!(watched.levels(side).collect::<Vec<_>>(), unwatched.levels(side).collect::<Vec<_>>());
        }
    }
}
