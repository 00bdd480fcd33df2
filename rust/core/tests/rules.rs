//! What each record does to a book, one rule a test, in the field's words.
#![allow(clippy::unwrap_used)]

mod flow;

use Side::{Ask, Bid};
use booktape_core::book::{Effect, FillCounts, Overlap};
use booktape_core::matching::Matched;
use booktape_core::types::{Anomaly, AnomalyKind, Flags, MboRecord, Price, Side};
use flow::{Desk, add, cancel, clear, fill, level, modify, px, trade};

fn with(flags: u8, record: MboRecord) -> MboRecord {
    MboRecord { flags, ..record }
}

#[test]
fn adds_queue_in_order_of_arrival() {
    let desk = Desk::after(&[add(1, Bid, 100, 5), add(2, Bid, 100, 7), add(3, Bid, 99, 1)]);
    assert_eq!(desk.queue(Bid, 100), [1, 2]);
    assert_eq!(desk.book.best(Bid), Some(level(100, 12, 2)));
}

#[test]
fn a_cancel_removes_its_size_and_keeps_the_place() {
    let desk = Desk::after(&[add(1, Bid, 100, 5), add(2, Bid, 100, 7), cancel(1, Bid, 100, 3)]);
    assert_eq!(desk.queue(Bid, 100), [1, 2]);
    assert_eq!(desk.book.order(1).unwrap().size, 2);
    assert_eq!(desk.effect, Effect::Cancelled { side: Bid, price: px(100), size: 3 });
}

#[test]
fn the_level_goes_with_its_last_order_and_the_next_is_best() {
    let desk = Desk::after(&[add(1, Ask, 101, 5), add(2, Ask, 103, 7), cancel(1, Ask, 101, 5)]);
    assert_eq!(desk.book.best(Ask), Some(level(103, 7, 1)));
    assert_eq!(desk.book.level(Ask, px(101)), None);
}

#[test]
fn size_decrease_keeps_priority() {
    let desk = Desk::after(&[add(1, Bid, 100, 5), add(2, Bid, 100, 7), modify(1, Bid, 100, 4)]);
    assert_eq!(desk.queue(Bid, 100), [1, 2]);
}

#[test]
fn size_increase_loses_priority() {
    let desk = Desk::after(&[add(1, Bid, 100, 5), add(2, Bid, 100, 5), modify(1, Bid, 100, 6)]);
    assert_eq!(desk.queue(Bid, 100), [2, 1]);
}

#[test]
fn price_change_loses_priority() {
    let there = [add(1, Bid, 100, 5), add(2, Bid, 99, 5), modify(1, Bid, 99, 5)];
    assert_eq!(Desk::after(&there).queue(Bid, 99), [2, 1]);
}

#[test]
fn a_modify_may_change_the_side() {
    let desk = Desk::after(&[add(1, Bid, 100, 5), modify(1, Ask, 101, 5)]);
    assert_eq!(desk.book.best(Bid), None);
    assert_eq!(desk.queue(Ask, 101), [1]);
}

#[test]
fn a_partly_filled_order_keeps_its_place() {
    let desk = Desk::after(&[
        add(1, Bid, 100, 5),
        add(2, Bid, 100, 5),
        with(0, trade(Ask, 100, 2)),
        with(0, fill(1, Bid, 100, 2)),
        modify(1, Bid, 100, 3),
    ]);
    assert_eq!(desk.queue(Bid, 100), [1, 2]);
    assert_eq!(desk.book.fills().iceberg_refreshes, 0);
}

#[test]
fn an_iceberg_that_refreshes_goes_to_the_back() {
    let desk = Desk::after(&[
        add(1, Bid, 100, 5),
        add(2, Bid, 100, 5),
        with(0, trade(Ask, 100, 5)),
        with(0, fill(1, Bid, 100, 5)),
        modify(1, Bid, 100, 5), // as large as before, though all of it was filled
    ]);
    assert_eq!(desk.queue(Bid, 100), [2, 1]);
    assert_eq!(desk.book.fills().iceberg_refreshes, 1);
}

#[test]
fn fills_of_an_event_do_not_reach_the_next() {
    let desk = Desk::after(&[
        add(1, Bid, 100, 5),
        add(2, Bid, 100, 5),
        fill(1, Bid, 100, 2), // carries F_LAST: as on Nasdaq, the event ends here
        modify(1, Bid, 100, 5),
    ]);
    assert_eq!(desk.queue(Bid, 100), [1, 2]);
}

/// Three orders at a price, the fills of an event, and what the venue then sends; the counts.
fn fills_of(event: &[MboRecord]) -> FillCounts {
    let mut desk = Desk::after(&[add(1, Bid, 100, 5), add(2, Bid, 100, 5), add(3, Bid, 100, 5)]);
    for record in event {
        desk.apply(record);
    }
    desk.book.fills()
}

#[test]
fn fills_from_the_front_are_in_turn_however_they_are_listed() {
    let counts = fills_of(&[
        with(0, fill(2, Bid, 100, 5)),
        with(0, fill(1, Bid, 100, 5)),
        with(0, cancel(1, Bid, 100, 5)),
    ]);
    assert_eq!((counts.groups, counts.out_of_turn), (1, 0));
}

#[test]
fn a_fill_that_passes_an_order_over_is_out_of_turn() {
    let counts =
        fills_of(&[with(0, fill(3, Bid, 100, 5)), with(0, fill(9, Bid, 100, 1)), cancel(3, Bid, 100, 5)]);
    assert_eq!((counts.groups, counts.out_of_turn, counts.unknown_orders), (1, 1, 1));
}

#[test]
fn an_order_that_self_match_prevention_cancels_is_not_passed_over() {
    let counts =
        fills_of(&[with(0, fill(2, Bid, 100, 5)), with(0, cancel(2, Bid, 100, 5)), cancel(1, Bid, 100, 5)]);
    assert_eq!((counts.groups, counts.out_of_turn), (1, 0));
}

#[test]
fn a_fill_away_from_its_limit_says_nothing_about_the_queue() {
    let counts = fills_of(&[with(0, fill(3, Bid, 101, 5)), cancel(3, Bid, 100, 5)]);
    assert_eq!((counts.groups, counts.out_of_turn, counts.away_from_limit), (0, 0, 1));
}

#[test]
fn trades_fills_and_nones_move_nothing() {
    let mut desk = Desk::after(&[add(1, Bid, 100, 5)]);
    for record in [trade(Bid, 100, 5), fill(1, Bid, 100, 5), MboRecord { flags: 128, ..MboRecord::default() }]
    {
        desk.apply(&record);
        assert_eq!(desk.effect, Effect::Unchanged);
        assert_eq!(desk.book.best(Bid), Some(level(100, 5, 1)));
    }
}

#[test]
fn a_clear_empties_this_book() {
    let desk = Desk::after(&[add(1, Bid, 100, 5), add(2, Ask, 101, 5), clear()]);
    assert_eq!((desk.book.order_count(), desk.book.best(Bid), desk.book.best(Ask)), (0, None, None));
}

#[test]
fn a_snapshot_without_a_clear_resets_the_book() {
    let snapshot = Flags::SNAPSHOT | Flags::BAD_TS_RECV;
    let desk = Desk::after(&[
        add(1, Bid, 100, 5),
        with(snapshot, add(2, Bid, 99, 5)),
        with(snapshot, add(3, Bid, 98, 5)),
        with(snapshot | Flags::LAST, add(4, Ask, 101, 5)),
        add(5, Ask, 101, 1),
    ]);
    assert_eq!(desk.book.order(1), None);
    assert_eq!(
        (desk.queue(Bid, 99), desk.queue(Bid, 98), desk.queue(Ask, 101)),
        (vec![2], vec![3], vec![4, 5])
    );
}

#[test]
fn a_top_of_book_add_replaces_its_side() {
    let mut desk = Desk::after(&[
        add(1, Bid, 100, 5),
        add(2, Bid, 99, 5),
        add(3, Ask, 101, 5),
        with(Flags::TOB | Flags::LAST, add(0, Bid, 98, 40)),
    ]);
    assert_eq!(desk.book.levels(Bid).collect::<Vec<_>>(), [level(98, 40, 0)]);
    assert_eq!((desk.book.order(1), desk.queue(Ask, 101)), (None, vec![3]));
    desk.apply(&MboRecord { price: i64::MAX, ..with(Flags::TOB | Flags::LAST, add(0, Bid, 0, 0)) });
    assert_eq!((desk.book.best(Bid), desk.effect), (None, Effect::Unchanged));
}

#[test]
fn an_aggregated_level_is_never_ranked_in_a_queue() {
    let aggregated = |record| with(Flags::MBP | Flags::LAST, record);
    let mut desk = Desk::after(&[aggregated(add(9, Bid, 100, 30)), add(1, Bid, 100, 5)]);
    assert_eq!(desk.book.best(Bid), Some(level(100, 35, 1)));
    assert_eq!((desk.queue(Bid, 100), desk.book.ahead_of(1)), (vec![1], Some((0, 0))));
    desk.apply(&aggregated(modify(9, Bid, 100, 10)));
    assert_eq!(desk.book.best(Bid), Some(level(100, 15, 1)));
    desk.apply(&aggregated(cancel(9, Bid, 100, 10)));
    assert_eq!(desk.book.best(Bid), Some(level(100, 5, 1)));
}

#[test]
fn anomalies_have_their_default_effect_and_are_counted() {
    use AnomalyKind as Kind;
    let one = add(1, Bid, 100, 5);
    let cases: [(&[MboRecord], Kind, Option<u32>); 10] = [
        (&[cancel(7, Bid, 100, 1)], Kind::UnknownCancel, Some(5)),
        (&[modify(7, Bid, 100, 1)], Kind::UnknownModify, Some(5)),
        (&[add(1, Bid, 100, 5)], Kind::DuplicateAdd, Some(5)),
        (&[add(1, Bid, 100, 6)], Kind::ConflictingAdd, Some(6)),
        (&[cancel(1, Bid, 100, 6)], Kind::OverCancel, None),
        (&[cancel(1, Ask, 100, 2)], Kind::CancelMismatch, Some(3)),
        (&[add(2, Bid, 100, 0)], Kind::ZeroSize, Some(5)),
        (&[modify(1, Bid, 100, 0)], Kind::ZeroSize, None),
        (&[MboRecord { side: b'N', ..add(2, Bid, 100, 1) }], Kind::InvalidRecord, Some(5)),
        (&[MboRecord { action: b'X', ..add(2, Bid, 100, 1) }], Kind::InvalidRecord, Some(5)),
    ];
    for (records, kind, left) in cases {
        let mut desk = Desk::after(&[one]);
        for record in records {
            desk.apply(record);
        }
        assert_eq!(desk.notes.counts().of(kind), 1, "{records:?}");
        assert_eq!(desk.notes.counts().total(), 1, "{records:?}");
        assert_eq!(desk.book.order(1).map(|order| order.size), left, "{records:?}");
    }
}

#[test]
fn an_order_that_was_never_seen_has_approximate_priority_until_it_loses_its_place() {
    let mut desk = Desk::after(&[add(1, Bid, 100, 5), modify(7, Bid, 100, 3)]);
    assert_eq!(desk.queue(Bid, 100), [1, 7]);
    assert!(desk.book.order(7).unwrap().priority_approximate);
    assert_eq!(desk.book.size_seen_entering(Bid), (8, 5));
    desk.apply(&modify(7, Bid, 99, 3));
    assert!(!desk.book.order(7).unwrap().priority_approximate);
}

#[test]
fn anomalies_say_what_they_saw() {
    let desk = Desk::after(&[add(8812, Bid, 100, 25), cancel(8812, Bid, 100, 40)]);
    let noted = desk.notes.last().unwrap();
    assert_eq!(noted, Anomaly::OverCancel { order_id: 8812, asked: 40, resting: 25 });
    assert_eq!(noted.to_string(), "cancel of 40 exceeds the 25 left on order 8812");
}

#[test]
fn a_crossed_book_keeps_its_orders_and_matches_for_those_who_look() {
    let desk =
        Desk::after(&[add(1, Ask, 100, 5), add(2, Ask, 101, 5), add(3, Bid, 102, 7), add(4, Bid, 99, 1)]);
    assert_eq!((desk.book.overlap(), desk.book.order_count()), (Overlap::Crossed, 4));
    let matched = Matched::of(&desk.book);
    let executions: Vec<_> = matched.executions().iter().map(|done| (done.price, done.size)).collect();
    assert_eq!(executions, [(px(100), 5), (px(101), 2)], "at the price of the order that was there first");
    assert_eq!((matched.bbo().bid, matched.bbo().ask), (Some(level(99, 1, 1)), Some(level(101, 3, 1))));
    assert_eq!(matched.queue(Ask, px(101)).map(|order| order.size).collect::<Vec<_>>(), [3]);
    assert_eq!(matched.queue(Ask, px(100)).count(), 0);
}

#[test]
fn a_fill_without_a_price_is_invalid_and_a_trade_without_one_is_not() {
    let desk = Desk::after(&[
        MboRecord { price: Price::UNDEF.0, ..fill(1, Bid, 0, 1) },
        MboRecord { price: Price::UNDEF.0, ..trade(Bid, 0, 1) },
    ]);
    assert_eq!(desk.notes.counts().of(AnomalyKind::InvalidRecord), 1);
}
