//! Rows that follow events: trades, tbbo, mbp-1, mbp-10.

use booktape_core::derive::{DeriveOptions, Schema, SideRule};
use booktape_core::types::Side::{Ask, Bid};
use booktape_core::types::{Flags, MboRecord, Price};
use dbn::{Mbp1Msg, Mbp10Msg, TradeMsg};

use super::flow::{add, cancel, clear, fill, modify, px, trade};
use super::rows::{derive, derive_with};

const SNAPSHOT: u8 = Flags::SNAPSHOT | Flags::BAD_TS_RECV;

fn flagged(record: MboRecord, flags: u8) -> MboRecord {
    MboRecord { flags, ..record }
}

/// Within an event: another record of it follows.
fn within(record: MboRecord) -> MboRecord {
    flagged(record, 0)
}

/// Action, side, price in whole units, size, and the best bid and ask as (price, size, count).
type Seen = (char, char, i64, u32, (i64, u32, u32), (i64, u32, u32));

const NONE: i64 = i64::MAX;

fn whole(price: i64) -> i64 {
    if price == Price::UNDEF.0 { NONE } else { price / Price::SCALE }
}

fn seen(row: &Mbp1Msg) -> Seen {
    let best = &row.levels[0];
    (
        row.action as u8 as char,
        row.side as u8 as char,
        whole(row.price),
        row.size,
        (whole(best.bid_px), best.bid_sz, best.bid_ct),
        (whole(best.ask_px), best.ask_sz, best.ask_ct),
    )
}

fn mbp_1(records: &[MboRecord]) -> Vec<Seen> {
    derive::<Mbp1Msg>(Schema::Mbp1, records).iter().map(seen).collect()
}

const EMPTY: (i64, u32, u32) = (NONE, 0, 0);

#[test]
fn a_trade_shows_the_best_prices_before_it() {
    let rows = mbp_1(&[
        add(1, Ask, 101, 5),
        within(trade(Bid, 101, 2)),
        within(fill(1, Ask, 101, 2)),
        cancel(1, Ask, 101, 2),
    ]);
    assert_eq!(
        rows,
        [
            ('A', 'A', 101, 5, EMPTY, (101, 5, 1)),
            ('T', 'B', 101, 2, EMPTY, (101, 5, 1)),
            ('C', 'A', 101, 2, EMPTY, (101, 3, 1)),
        ]
    );
}

#[test]
fn a_change_behind_the_best_prices_gives_no_row() {
    let records = [add(1, Bid, 100, 5), add(2, Bid, 99, 1), modify(2, Bid, 98, 7), cancel(2, Bid, 98, 7)];
    assert_eq!(mbp_1(&records).len(), 1);
    assert_eq!(derive::<Mbp10Msg>(Schema::Mbp10, &records).len(), 4);
}

#[test]
fn an_event_gives_one_row_of_its_last_record_that_can_change_a_book() {
    let rows = mbp_1(&[
        within(add(1, Bid, 100, 5)),
        within(add(2, Bid, 90, 3)),
        MboRecord { action: b'N', sequence: 7, flags: Flags::LAST, ..MboRecord::default() },
    ]);
    assert_eq!(rows, [('A', 'B', 90, 3, (100, 5, 1), EMPTY)]);
}

#[test]
fn an_event_that_leaves_the_best_prices_as_they_were_shown_gives_no_row() {
    assert_eq!(mbp_1(&[within(add(1, Bid, 100, 5)), cancel(1, Bid, 100, 5)]), []);
}

#[test]
fn the_side_is_the_one_that_changed() {
    let records = [within(add(1, Bid, 100, 5)), add(2, Ask, 101, 5), cancel(2, Ask, 101, 1)];
    let sides = |rule| {
        let options = DeriveOptions { side: rule, ..DeriveOptions::default() };
        let rows = derive_with::<Mbp1Msg>(Schema::Mbp1, options, &records);
        rows.iter().map(|row| row.side as u8 as char).collect::<String>()
    };
    assert_eq!(sides(SideRule::Changed), "NA");
    assert_eq!(sides(SideRule::None), "NN");
    assert_eq!(DeriveOptions::for_dataset("XNAS.ITCH").side, SideRule::None);
    assert_eq!(DeriveOptions::for_dataset("GLBX.MDP3").side, SideRule::Changed);
}

#[test]
fn a_snapshot_gives_one_row() {
    let snapshot = |last| {
        [
            flagged(clear(), SNAPSHOT),
            flagged(add(1, Bid, 100, 5), SNAPSHOT),
            flagged(add(2, Bid, 99, 5), SNAPSHOT | last),
        ]
    };
    let twice: Vec<_> = [snapshot(Flags::LAST), snapshot(Flags::LAST)].concat();
    let row = ('A', 'B', 99, 5, (100, 5, 1), EMPTY);
    assert_eq!(mbp_1(&twice), [row, ('A', 'N', 99, 5, (100, 5, 1), EMPTY)]);
    assert_eq!(mbp_1(&snapshot(0)), [], "its last record does not end it");
}

#[test]
fn a_clear_gives_a_row_at_once() {
    let options = DeriveOptions { clear_depth: 1, ..DeriveOptions::default() };
    let records = [within(clear()), add(1, Bid, 100, 5), within(clear()), add(1, Bid, 100, 5), clear()];
    let rows = mbp_1(&records);
    let cleared = ('R', 'N', NONE, 0, EMPTY, EMPTY);
    let added = ('A', 'B', 100, 5, (100, 5, 1), EMPTY);
    assert_eq!(rows, [cleared, added, cleared, added, cleared]);
    let depths = derive_with::<Mbp1Msg>(Schema::Mbp1, options, &records);
    assert_eq!(depths.iter().map(|row| row.depth).collect::<Vec<_>>(), [1, 0, 1, 0, 1]);
}

#[test]
fn depth_is_the_shallowest_level_that_changed() {
    let mut records: Vec<_> =
        (0_u32..12).map(|step| add(u64::from(step) + 1, Bid, 100 - i64::from(step), 5)).collect();
    records.push(add(20, Bid, 91, 5)); // the tenth
    records.push(add(21, Bid, 90, 5)); // the eleventh
    records.push(cancel(3, Bid, 98, 5)); // the third goes, and the eleventh comes into sight
    records.push(modify(12, Bid, 101, 5)); // from out of sight to the best
    let rows = derive::<Mbp10Msg>(Schema::Mbp10, &records);
    let depths: Vec<_> = rows.iter().map(|row| row.depth).collect();
    assert_eq!(depths, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 2, 0]);
    let last = rows.last().unwrap();
    let prices: Vec<_> = last.levels.iter().map(|level| whole(level.bid_px)).collect();
    assert_eq!(prices, [101, 100, 99, 97, 96, 95, 94, 93, 92, 91]);
    assert_eq!((last.levels[9].bid_sz, last.levels[9].bid_ct), (10, 2));
}

#[test]
fn rows_copy_times_flags_and_sequence() {
    let record = MboRecord {
        publisher_id: 3,
        instrument_id: 4,
        ts_event: 5,
        ts_recv: 6,
        ts_in_delta: -7,
        sequence: 8,
        flags: Flags::LAST | 2,
        ..trade(Ask, 100, 9)
    };
    let row = &derive::<TradeMsg>(Schema::Trades, &[record])[0];
    assert_eq!((row.hd.publisher_id, row.hd.instrument_id, row.hd.ts_event), (3, 4, 5));
    assert_eq!((row.ts_recv, row.ts_in_delta, row.sequence, row.flags.raw()), (6, -7, 8, 130));
    assert_eq!((row.price, row.size, row.depth), (px(100).0, 9, 0));
}

#[test]
fn trades_are_t_alone_whatever_their_side() {
    let records = [
        MboRecord { side: b'N', ..trade(Bid, 100, 1) },
        fill(1, Ask, 100, 1),
        trade(Ask, 100, 2),
        MboRecord { side: b'x', ..trade(Ask, 100, 3) },
    ];
    let sizes: Vec<_> = derive::<TradeMsg>(Schema::Trades, &records).iter().map(|row| row.size).collect();
    assert_eq!(sizes, [1, 2]);
    let sizes: Vec<_> = derive::<Mbp1Msg>(Schema::Tbbo, &records).iter().map(|row| row.size).collect();
    assert_eq!(sizes, [1, 2]);
}

#[test]
fn sizes_that_do_not_fit_are_the_largest_that_do() {
    let rows = mbp_1(&[add(1, Bid, 100, u32::MAX), add(2, Bid, 100, 1), cancel(1, Bid, 100, u32::MAX)]);
    let best: Vec<_> = rows.iter().map(|row| row.4).collect();
    assert_eq!(best, [(100, u32::MAX, 1), (100, u32::MAX, 2), (100, 1, 1)]);
}
