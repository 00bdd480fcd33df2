//! Figures obtained with an independent, slow reference book, on two real CME files.
//!
//! The files are found through `BOOKTAPE_TEST_DATA`, else in `../shared/data` beside the checkout; without them these tests
//! say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};

use booktape_core::audit::Audit;
use booktape_core::book::{LevelView, Overlap};
use booktape_core::feed::Options;
use booktape_core::market::{Entry, Market};
use booktape_core::matching::{Matched, View, bbo, uncross};
use booktape_core::tape::Tape;
use booktape_core::types::{AnomalyKind, Price, Side};

fn data(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("BOOKTAPE_TEST_DATA").map_or(beside, PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there; set BOOKTAPE_TEST_DATA to the folder that has it", path.display());
    None
}

fn played(name: &str) -> Option<Market> {
    let tape = Tape::open(&data(name)?, Options::default(), None, &mut |_, _| Ok(())).unwrap();
    let market = tape.market_at(tape.len(), None, &mut |_, _| Ok(())).unwrap();
    for entry in market.entries() {
        entry.book.check().unwrap();
        Matched::of(&entry.book).check().unwrap();
    }
    Some(market)
}

fn level(price: f64, size: u64, count: u32) -> LevelView {
    LevelView { price: Price((price * 1e9).round() as i64), size, count }
}

fn only_book(market: &Market) -> &Entry {
    assert_eq!(market.entries().len(), 1);
    &market.entries()[0]
}

#[test]
fn clx5_comes_out_right() {
    let Some(market) = played("clx5-glbx-20250924.mbo.dbn") else { return };
    let totals = market.tally();
    assert_eq!((totals.records, totals.event_ends), (38_212, 32_053));
    assert_eq!((totals.crossed_event_ends, totals.locked_event_ends), (172, 0));
    let counts = market.anomalies_at_end();
    assert_eq!(counts.of(AnomalyKind::UnknownCancel), 1_224);
    assert_eq!(counts.of(AnomalyKind::UnknownModify), 216);
    assert_eq!(counts.total(), 1_440);
    let Entry { book, watch, .. } = only_book(&market);
    assert_eq!(book.order_count(), 147);
    assert_eq!((book.level_count(Side::Bid), book.level_count(Side::Ask)), (61, 52));
    assert_eq!(book.overlap(), Overlap::Crossed);
    let published = bbo(book, View::Published);
    assert_eq!((published.bid, published.ask), (Some(level(65.40, 1, 1)), Some(level(64.78, 3, 1))));
    let matched = Matched::of(book);
    let executed: Vec<_> =
        matched.executions().iter().map(|done| (done.price.to_string(), done.size)).collect();
    assert_eq!(executed.len(), 7);
    assert_eq!(executed.iter().map(|(_, size)| size).sum::<u32>(), 11);
    assert_eq!(executed.iter().filter(|(price, _)| price == "65.40").map(|(_, size)| size).sum::<u32>(), 1);
    assert!(executed.iter().all(|(price, _)| price == "65.40" || price == "64.90"));
    let best = matched.bbo();
    assert_eq!(best.bid.unwrap().price.to_string(), "64.79");
    assert_eq!(best.ask.unwrap().price.to_string(), "64.80");
    let auction = uncross(book, watch.reference()).unwrap();
    assert_eq!((auction.price.to_string().as_str(), auction.size, auction.imbalance), ("64.80", 11, 4));
    assert_eq!(auction.side, Some(Side::Ask));
    assert_eq!(book.fills().iceberg_refreshes, 31);
    assert_eq!(book.fills().out_of_turn, 0);
    println!("{}", serde_json::to_string_pretty(&Audit::of(&market)).unwrap());
}

#[test]
fn esm4_comes_out_right() {
    let Some(market) = played("esm4-glbx-20240508-snapshot.mbo.dbn.zst") else { return };
    let totals = market.tally();
    assert_eq!((totals.records, totals.event_ends, totals.crossed_event_ends), (13_796, 185, 0));
    assert_eq!(market.anomalies_at_end().total(), 0);
    let Entry { book, .. } = only_book(&market);
    assert_eq!(book.order_count(), 13_598);
    assert_eq!((book.level_count(Side::Bid), book.level_count(Side::Ask)), (976, 571));
    let best = bbo(book, View::Matched);
    assert_eq!((best.bid, best.ask), (Some(level(5214.00, 28, 22)), Some(level(5214.25, 17, 11))));
    println!("{}", serde_json::to_string_pretty(&Audit::of(&market)).unwrap());
}
