//! Rows that stand for an interval of time: bbo and ohlcv.

use booktape_core::derive::{DeriveOptions, Deriver, Schema};
use booktape_core::market::Market;
use booktape_core::types::Side::{Ask, Bid};
use booktape_core::types::{MboRecord, Nanos, Price};
use dbn::{BboMsg, Mbp1Msg, OhlcvMsg};

use super::flow::{add, cancel, px, trade};
use super::rows::{decode, derive};

const SECOND: u64 = 1_000_000_000;
const MIDNIGHT: u64 = 1_758_672_000 * SECOND;

/// A record at a time after midnight.
fn at(after: u64, record: MboRecord) -> MboRecord {
    let ts = MIDNIGHT + after;
    MboRecord { ts_recv: ts, ts_event: ts - 1_000, ..record }
}

fn of(instrument_id: u32, publisher_id: u16, record: MboRecord) -> MboRecord {
    MboRecord { instrument_id, publisher_id, ..record }
}

/// Seconds after midnight, best bid price and last trade as (seconds after midnight, price, size, side).
type Sampled = (u64, i64, Option<(u64, i64, u32, char)>);

fn samples(rows: &[BboMsg]) -> Vec<Sampled> {
    let sampled = |row: &BboMsg| {
        let trade = (row.hd.ts_event != Nanos::UNDEF.0).then(|| {
            ((row.hd.ts_event + 1_000 - MIDNIGHT) / SECOND, row.price, row.size, row.side as u8 as char)
        });
        if trade.is_none() {
            assert_eq!((row.price, row.size, row.side as u8), (Price::UNDEF.0, 0, b'N'));
        }
        ((row.ts_recv - MIDNIGHT) / SECOND, row.levels[0].bid_px, trade)
    };
    rows.iter().map(sampled).collect()
}

/// Seconds after midnight, open, high, low, close in whole units, volume.
fn bars(rows: &[OhlcvMsg]) -> Vec<(u64, [i64; 4], u64)> {
    let whole = |price: i64| if price == Price::UNDEF.0 { price } else { price / Price::SCALE };
    let bar = |row: &OhlcvMsg| {
        (
            (row.hd.ts_event - MIDNIGHT) / SECOND,
            [row.open, row.high, row.low, row.close].map(whole),
            row.volume,
        )
    };
    rows.iter().map(bar).collect()
}

#[test]
fn a_sample_includes_its_end_and_a_bar_its_start() {
    let records = [
        at(SECOND, add(1, Bid, 100, 5)),
        at(SECOND, trade(Ask, 100, 1)),
        at(SECOND + 1, cancel(1, Bid, 100, 1)),
        at(2 * SECOND - 1, trade(Ask, 99, 2)),
        at(2 * SECOND, trade(Ask, 98, 3)),
    ];
    let first = Some((1, px(100).0, 1, 'A'));
    let last = Some((2, px(98).0, 3, 'A'));
    let rows = derive::<BboMsg>(Schema::Bbo1S, &records);
    assert_eq!(samples(&rows), [(1, px(100).0, first), (2, px(100).0, last)]);
    let rows = derive::<OhlcvMsg>(Schema::Ohlcv1S, &records);
    assert_eq!(bars(&rows), [(1, [100, 100, 99, 99], 3), (2, [98; 4], 3)]);
}

#[test]
fn best_prices_and_the_last_trade_carry_forward_apart() {
    let records = [
        at(1, add(1, Bid, 100, 5)),
        at(5 * SECOND, trade(Ask, 100, 2)),
        at(8 * SECOND, add(2, Bid, 101, 1)),
        at(9 * SECOND, add(3, Bid, 90, 1)),
    ];
    let traded = Some((5, px(100).0, 2, 'A'));
    let rows = derive::<BboMsg>(Schema::Bbo1S, &records);
    assert_eq!(samples(&rows), [(1, px(100).0, None), (5, px(100).0, traded), (8, px(101).0, traded)]);
    let rows = derive::<BboMsg>(Schema::Bbo1M, &records);
    assert_eq!(samples(&rows), [(60, px(101).0, traded)]);
}

#[test]
fn rows_of_one_interval_come_by_instrument_then_publisher() {
    let records = [
        at(1, of(7, 2, trade(Bid, 1, 1))),
        at(2, of(3, 1, trade(Bid, 1, 1))),
        at(3, of(7, 1, trade(Bid, 1, 1))),
        at(SECOND + 4, of(9, 1, trade(Bid, 1, 1))),
    ];
    let expected = [(3, 1), (7, 1), (7, 2), (9, 1)];
    let keys: Vec<_> = derive::<OhlcvMsg>(Schema::Ohlcv1S, &records)
        .iter()
        .map(|row| (row.hd.instrument_id, row.hd.publisher_id))
        .collect();
    assert_eq!(keys, expected);
    let keys: Vec<_> = derive::<BboMsg>(Schema::Bbo1S, &records)
        .iter()
        .map(|row| (row.hd.instrument_id, row.hd.publisher_id))
        .collect();
    assert_eq!(keys, expected);
}

#[test]
fn time_that_goes_back_stands_still() {
    let no_time = MboRecord { ts_recv: Nanos::UNDEF.0, ..trade(Bid, 104, 1) };
    let records = [
        at(5 * SECOND, trade(Bid, 100, 1)),
        at(2 * SECOND, trade(Bid, 103, 1)),
        no_time,
        at(6 * SECOND, trade(Bid, 101, 1)),
    ];
    let rows = derive::<OhlcvMsg>(Schema::Ohlcv1S, &records);
    assert_eq!(bars(&rows), [(5, [100, 104, 100, 104], 3), (6, [101; 4], 1)]);
}

#[test]
fn the_ends_of_time_are_no_trouble() {
    let records = [
        MboRecord { ts_recv: 0, ..trade(Bid, 1, 1) },
        MboRecord { ts_recv: u64::MAX - 1, ..trade(Bid, 1, u32::MAX) },
        MboRecord { ts_recv: u64::MAX - 1, ..trade(Bid, 1, u32::MAX) },
    ];
    let rows = derive::<BboMsg>(Schema::Bbo1M, &records);
    assert_eq!(rows.iter().map(|row| row.ts_recv).collect::<Vec<_>>(), [0, u64::MAX]);
    let rows = derive::<OhlcvMsg>(Schema::Ohlcv1D, &records);
    assert_eq!(rows.iter().map(|row| row.volume).collect::<Vec<_>>(), [1, 2 * u64::from(u32::MAX)]);
}

#[test]
fn a_trade_without_price_counts_in_the_volume_alone() {
    let priceless = MboRecord { price: Price::UNDEF.0, ..trade(Bid, 0, 7) };
    let records = [
        at(1, priceless),
        at(2, trade(Bid, -100, 1)),
        at(3, trade(Bid, -99, 1)),
        at(4, priceless),
        at(SECOND, priceless),
    ];
    let rows = derive::<OhlcvMsg>(Schema::Ohlcv1S, &records);
    assert_eq!(bars(&rows), [(0, [-100, -99, -100, -99], 16), (1, [Price::UNDEF.0; 4], 7)]);
}

#[test]
fn days_are_utc() {
    let records = [at(86_400 * SECOND - 1, trade(Bid, 1, 1)), at(86_400 * SECOND, trade(Bid, 2, 1))];
    let rows = derive::<OhlcvMsg>(Schema::Ohlcv1D, &records);
    assert_eq!(bars(&rows), [(0, [1; 4], 1), (86_400, [2; 4], 1)]);
}

/// Two records between which the instrument's number gets another meaning.
fn renamed(schema: Schema) -> Vec<u8> {
    let (mut deriver, mut rows) = (Deriver::new(schema, DeriveOptions::default()), Vec::new());
    deriver.name(7, "OLD");
    deriver.apply(&at(1, of(7, 1, add(1, Bid, 100, 1))), &mut rows);
    deriver.apply(&at(2, of(7, 1, trade(Bid, 100, 1))), &mut rows);
    deriver.name(7, "OLD");
    deriver.apply(&at(3, of(7, 1, trade(Bid, 101, 1))), &mut rows);
    deriver.name(7, "NEW");
    deriver.apply(&at(4, of(8, 1, trade(Bid, 5, 1))), &mut rows);
    deriver.apply(&at(5, of(7, 1, add(1, Bid, 50, 1))), &mut rows);
    deriver.finish(&mut rows);
    rows
}

#[test]
fn another_instrument_under_the_same_number_starts_again() {
    let traded = |price| Some((0, px(price).0, 1, 'B'));
    let rows = decode::<BboMsg>(Schema::Bbo1S, &renamed(Schema::Bbo1S));
    assert_eq!(
        samples(&rows),
        [(1, px(100).0, traded(101)), (1, px(50).0, None), (1, Price::UNDEF.0, traded(5))]
    );
    let rows = decode::<OhlcvMsg>(Schema::Ohlcv1S, &renamed(Schema::Ohlcv1S));
    assert_eq!(bars(&rows), [(0, [100, 101, 100, 101], 2), (0, [5; 4], 1)]);
    for schema in [Schema::Mbp1, Schema::Tbbo] {
        let rows = decode::<Mbp1Msg>(schema, &renamed(schema));
        let bids: Vec<_> = rows.iter().map(|row| row.levels[0].bid_px).collect();
        let none = Price::UNDEF.0;
        let expected = [px(100).0, px(100).0, px(100).0, none, px(50).0];
        assert_eq!(bids, if schema == Schema::Tbbo { &expected[1..4] } else { &expected[..] });
    }
}

#[test]
fn schemas_that_carry_more_than_books_do_not_resume() {
    for schema in [Schema::Bbo1S, Schema::Bbo1M, Schema::Ohlcv1S, Schema::Ohlcv1D] {
        assert!(Deriver::resume(schema, DeriveOptions::default(), &Market::new()).is_none());
    }
}

#[test]
fn a_resumed_deriver_knows_what_numbers_meant() {
    let mut market = Market::new();
    market.name(7, "OLD");
    market.apply_all(&[of(7, 1, add(1, Bid, 100, 1))]).unwrap();
    let mut deriver = Deriver::resume(Schema::Tbbo, DeriveOptions::default(), &market).unwrap();
    let mut rows = Vec::new();
    deriver.name(7, "OLD");
    deriver.apply(&of(7, 1, trade(Ask, 100, 1)), &mut rows);
    deriver.name(7, "NEW");
    deriver.apply(&of(7, 1, trade(Ask, 100, 1)), &mut rows);
    let bids: Vec<_> =
        decode::<Mbp1Msg>(Schema::Tbbo, &rows).iter().map(|row| row.levels[0].bid_px).collect();
    assert_eq!(bids, [px(100).0, Price::UNDEF.0]);
}
