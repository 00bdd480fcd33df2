//! Any stream: the last row of a book whose event is over is its book, and nothing is out of range.

use std::collections::BTreeMap;

use booktape_core::book::Book;
use booktape_core::derive::{DeriveOptions, Deriver, Schema};
use booktape_core::market::Market;
use booktape_core::types::{BookKey, Flags, MboRecord, Notes, Price, Side};
use dbn::Mbp10Msg;
use proptest::prelude::*;

use super::flow::px;
use super::rows::decode;

/// Few ids and twice the levels that a row shows.
fn any_record() -> impl Strategy<Value = MboRecord> {
    let action = prop_oneof![
        20 => Just(b'A'), 8 => Just(b'C'), 8 => Just(b'M'), 2 => Just(b'T'), 1 => prop::sample::select(&b"FNRx"[..]),
    ];
    let side = prop_oneof![10 => Just(b'B'), 10 => Just(b'A'), 1 => any::<u8>()];
    let price = prop_oneof![40 => (80_i64..100).prop_map(|whole| px(whole).0), 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let size = prop_oneof![20 => 1_u32..6, 1 => Just(0), 1 => Just(u32::MAX)];
    let flags = prop_oneof![
        12 => Just(Flags::LAST), 4 => Just(0), 1 => Just(Flags::SNAPSHOT), 1 => Just(Flags::MBP | Flags::LAST),
        1 => Just(Flags::TOB | Flags::LAST), 1 => any::<u8>(),
    ];
    let time = prop_oneof![8 => 0..10_000_000_000_u64, 1 => any::<u64>()];
    (action, side, 1_u64..60, price, size, flags, 1_u32..3, time).prop_map(
        |(action, side, order_id, price, size, flags, instrument_id, ts_recv)| {
            let side = if action == b'R' { b'N' } else { side };
            MboRecord {
                action,
                side,
                order_id,
                price,
                size,
                flags,
                instrument_id,
                ts_recv,
                ..MboRecord::default()
            }
        },
    )
}

fn levels(book: &Book, side: Side) -> Vec<(i64, u32, u32)> {
    let shown = book.levels(side).take(10);
    let mut levels: Vec<_> = shown
        .map(|level| (level.price.0, u32::try_from(level.size).unwrap_or(u32::MAX), level.count))
        .collect();
    levels.resize(10, (Price::UNDEF.0, 0, 0));
    levels
}

fn deriver_rows(deriver: &mut Deriver, records: &[MboRecord]) -> Vec<u8> {
    let mut rows = Vec::new();
    for record in records {
        deriver.apply(record, &mut rows);
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_last_row_is_the_book(stream in prop::collection::vec(any_record(), 0..200)) {
        let mut deriver = Deriver::new(Schema::Mbp10, DeriveOptions::default());
        let (mut books, mut notes) = (BTreeMap::<BookKey, Book>::new(), Notes::default());
        let mut last = BTreeMap::new();
        let mut rows = Vec::new();
        for record in &stream {
            let book = books.entry(record.key()).or_default();
            book.apply(record, &mut notes);
            rows.clear();
            deriver.apply(record, &mut rows);
            let decoded = decode::<Mbp10Msg>(Schema::Mbp10, &rows);
            prop_assert!(decoded.len() <= 1, "no record gives two rows");
            if let Some(row) = decoded.into_iter().next() {
                last.insert(record.key(), row);
            }
            if record.flags().is_last() {
                let row = last.get(&record.key()).cloned().unwrap_or_else(|| Mbp10Msg {
                    levels: std::array::from_fn(|_| dbn::BidAskPair::default()),
                    ..Mbp10Msg::default()
                });
                let bids: Vec<_> = row.levels.iter().map(|level| (level.bid_px, level.bid_sz, level.bid_ct)).collect();
                let asks: Vec<_> = row.levels.iter().map(|level| (level.ask_px, level.ask_sz, level.ask_ct)).collect();
                prop_assert_eq!(bids, levels(book, Side::Bid));
                prop_assert_eq!(asks, levels(book, Side::Ask));
            }
        }
    }

    /// Going on from a market anywhere gives the same rows as going along from the start, or says that it cannot.
    #[test]
    fn resuming_changes_nothing(
        stream in prop::collection::vec(any_record(), 0..150),
        at in any::<prop::sample::Index>(),
        schema in prop::sample::select(&[Schema::Mbp1, Schema::Mbp10, Schema::Tbbo, Schema::Trades][..]),
    ) {
        let (before, after) = stream.split_at(if stream.is_empty() { 0 } else { at.index(stream.len()) });
        let mut deriver = Deriver::new(schema, DeriveOptions::default());
        let mut market = Market::new();
        market.apply_all(before).unwrap();
        deriver_rows(&mut deriver, before);
        let is_within = market.entries().iter().any(|entry| entry.book.is_mid_event());
        match Deriver::resume(schema, DeriveOptions::default(), &market) {
            Some(mut resumed) => prop_assert_eq!(deriver_rows(&mut resumed, after), deriver_rows(&mut deriver, after)),
            None => prop_assert!(is_within && matches!(schema, Schema::Mbp1 | Schema::Mbp10)),
        }
    }

    #[test]
    fn every_schema_takes_any_stream(stream in prop::collection::vec(any_record(), 0..100)) {
        for schema in Schema::ALL {
            let mut deriver = Deriver::new(schema, DeriveOptions::default());
            let mut rows = deriver_rows(&mut deriver, &stream);
            deriver.finish(&mut rows);
            prop_assert_eq!(rows.len() % schema.row_size(), 0);
            for row in rows.chunks(schema.row_size()) {
                prop_assert_eq!((usize::from(row[0]) * 4, row[1]), (schema.row_size(), schema.rtype()));
            }
        }
    }
}
