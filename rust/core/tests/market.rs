//! Markets: books by publisher and instrument, what is seen around them, and screens and streams along a tape.
#![allow(clippy::unwrap_used)]

mod flow;

use Side::{Ask, Bid};
use booktape_core::Error;
use booktape_core::market::{Cause, Market};
use booktape_core::matching::Bbo;
use booktape_core::synth;
use booktape_core::tape::Tape;
use booktape_core::types::{AnomalyKind, Flags, MboRecord, Side};
use booktape_core::wire::{Depth, DepthOptions, Format, FrameShare, Frames};
use flow::{add, cancel, clear, level, trade};

fn of(publisher_id: u16, instrument_id: u32, record: MboRecord) -> MboRecord {
    MboRecord { publisher_id, instrument_id, ..record }
}

fn flagged(flags: u8, record: MboRecord) -> MboRecord {
    MboRecord { flags, ..record }
}

fn market(records: &[MboRecord]) -> Market {
    let mut market = Market::new();
    market.apply_all(records).unwrap();
    market
}

#[test]
fn the_consolidated_best_sums_publishers_at_the_best_price() {
    let records = [
        of(1, 7, add(1, Bid, 100, 5)),
        of(2, 7, add(1, Bid, 100, 3)),
        of(3, 7, add(1, Bid, 99, 50)),
        of(2, 7, add(2, Ask, 99, 1)),
    ];
    // Publisher 2 is crossed for itself: its matched view has 2 left of its bid.
    let best = market(&records).consolidated(7).unwrap();
    assert_eq!(best, Bbo { bid: Some(level(100, 7, 2)), ask: None });
    assert!(matches!(market(&records).consolidated(8), Err(Error::NotFound(_))));
}

#[test]
fn a_book_in_the_middle_of_an_event_counts_as_it_was_before() {
    let mut market = market(&[of(1, 7, add(1, Bid, 100, 5)), of(1, 7, flagged(0, cancel(1, Bid, 100, 5)))]);
    assert_eq!(market.consolidated(7).unwrap().bid, Some(level(100, 5, 1)));
    market.apply(&of(1, 7, add(2, Bid, 99, 1))).unwrap();
    assert_eq!(market.consolidated(7).unwrap().bid, Some(level(99, 1, 1)));
}

#[test]
fn a_gap_makes_every_book_of_its_channel_suspect_until_it_is_cleared() {
    let gap = flagged(Flags::MAYBE_BAD_BOOK | Flags::LAST, add(2, Bid, 99, 1));
    let other_channel = MboRecord { channel_id: 9, ..of(1, 3, add(1, Bid, 100, 1)) };
    let mut market =
        market(&[of(1, 1, add(1, Bid, 100, 1)), of(1, 2, add(1, Bid, 100, 1)), other_channel, of(1, 2, gap)]);
    let suspects = |market: &Market| -> Vec<bool> {
        market.entries().iter().map(|entry| market.suspicion(entry).is_some()).collect()
    };
    assert_eq!(suspects(&market), [true, true, false]);
    market.apply(&of(1, 1, clear())).unwrap();
    assert_eq!(suspects(&market), [false, true, false]);
    market.apply(&of(1, 2, flagged(Flags::SNAPSHOT | Flags::LAST, add(5, Bid, 100, 1)))).unwrap();
    assert_eq!(suspects(&market), [false, false, false]);
    assert_eq!(market.anomalies().of(AnomalyKind::MaybeBadBook), 1);
    assert_eq!(market.entries()[0].watch.complete_since.unwrap().cause, Cause::Clear);
    assert_eq!(market.entries()[1].watch.complete_since.unwrap().cause, Cause::Snapshot);
}

#[test]
fn ordinary_trades_while_crossed_make_a_book_suspect_and_auction_trades_do_not() {
    let auction = MboRecord { side: b'N', ..trade(Bid, 100, 1) };
    let mut market = market(&[add(1, Bid, 101, 1), add(2, Ask, 100, 1), auction]);
    assert_eq!(market.anomalies().total(), 0);
    market.apply(&trade(Bid, 100, 1)).unwrap();
    assert_eq!(market.anomalies().of(AnomalyKind::CrossedWhileTrading), 1);
    assert!(market.suspicion(&market.entries()[0]).is_some());
    market.apply(&cancel(2, Ask, 100, 1)).unwrap();
    assert_eq!(market.suspicion(&market.entries()[0]), None);
    let periods: Vec<_> = market.entries()[0].watch.crossed_periods().collect();
    assert_eq!((periods.len(), periods[0].event_ends, periods[0].trades), (1, 3, 2));
}

#[test]
fn a_tape_that_ends_inside_an_event_says_so() {
    let market = market(&[of(1, 1, add(1, Bid, 100, 1)), of(1, 2, flagged(0, add(1, Bid, 100, 1)))]);
    assert_eq!(market.anomalies_at_end().of(AnomalyKind::UnfinishedEvent), 1);
}

#[test]
fn a_strict_market_names_the_record_the_order_and_the_values() {
    let mut market = Market::strict();
    market.apply(&of(1, 7, add(8812, Bid, 100, 25))).unwrap();
    let refused = market.apply(&of(1, 7, cancel(8812, Bid, 100, 40))).unwrap_err().to_string();
    assert_eq!(refused, "record 1 (1, 7): cancel of 40 exceeds the 25 left on order 8812");
}

#[test]
fn several_publishers_must_be_told_apart() {
    let market = market(&[of(1, 7, add(1, Bid, 100, 5)), of(2, 7, add(1, Bid, 100, 3))]);
    let refused = market.find(7, None).unwrap_err().to_string();
    assert!(refused.contains("1 (GLBX.MDP3.GLBX), 2 (XNAS.ITCH.XNAS)"), "{refused}");
    assert!(market.find(7, Some(3)).unwrap_err().to_string().contains("it is published by"));
    assert!(market.find(8, None).unwrap_err().to_string().contains("there are 7"));
}

fn tape() -> Tape {
    let options = synth::Options { messages: 4_000, instruments: 2, seed: 3, ..synth::Options::default() };
    Tape::synthesize(&options, &mut |_, _| Ok(())).unwrap()
}

#[test]
fn frames_are_the_same_bytes_however_they_are_cut_and_shared() {
    let tape = tape();
    let quiet = &mut |_: u64, _: u64| Ok(());
    for format in [Format::Full, Format::Dbn] {
        let frames = || Frames::new(&tape, format, 0, None, "9:".into()).unwrap();
        let whole = frames().next(&tape, tape.len(), quiet).unwrap();
        let (mut cut, mut stream) = (Vec::new(), frames());
        while stream.position() < tape.len() {
            let until = stream.position() + 1 + stream.position() % 37;
            cut.extend(stream.next(&tape, until, quiet).unwrap());
        }
        assert!(cut == whole, "{format:?}");
        let mut share = FrameShare::new(format, None, "9:".into());
        // Asked for out of order, also in the middle of a frame.
        let mut starts = vec![0];
        while let end = FrameShare::end_of(format, starts[starts.len() - 1], tape.len())
            && end < tape.len()
        {
            starts.push(end);
        }
        let mut frames = std::collections::BTreeMap::new();
        for &start in starts.iter().rev().chain(&starts) {
            let end = FrameShare::end_of(format, start, tape.len());
            frames.insert(start, share.frame(&tape, start..end, quiet).unwrap());
        }
        let joined: Vec<u8> = frames.values().flat_map(|frame| frame.iter().copied()).collect();
        assert!(joined == whole, "{format:?}");
        let first_end = FrameShare::end_of(format, 0, tape.len());
        let unaligned = share.frame(&tape, 100..first_end, quiet).unwrap();
        assert!(frames[&0].ends_with(&unaligned), "{format:?}");
    }
}

#[test]
fn clients_in_step_ask_for_the_same_frame_and_clients_behind_meet_at_fixed_places() {
    let records = Format::Full.frame_records();
    let within = 2 * records + 100;
    assert_eq!(FrameShare::end_of(Format::Full, within, within + records), within + records);
    assert_eq!(FrameShare::end_of(Format::Full, within, within + records + 1), 3 * records);
    assert_eq!(FrameShare::end_of(Format::Full, 2 * records, 9 * records), 3 * records);
}

#[test]
fn a_screen_sees_a_book_only_at_event_ends() {
    let tape = tape();
    let instrument = tape.books()[0].0.instrument_id;
    let options = DepthOptions { levels: 10, view: booktape_core::matching::View::default(), trades: true };
    let mut depth = Depth::new(&tape, instrument, None, 0, options, "".into()).unwrap();
    let (mut trades, mut shown) = (0, 0);
    for position in (0..=tape.len()).step_by(3).chain([tape.len()]) {
        depth.advance(&tape, position).unwrap();
        assert!(depth.position() <= position);
        let behind = tape.market_at(depth.position(), None, &mut |_, _| Ok(())).unwrap();
        if depth.position() > 0 && depth.position() < tape.len() {
            assert!(behind.find(instrument, None).is_ok_and(|entry| !entry.book.is_mid_event()));
        }
        if depth.has_changed() {
            let (frame, until) = depth.frame(&tape, shown).unwrap();
            shown = until;
            let text = String::from_utf8(frame).unwrap();
            let state: serde_json::Value =
                serde_json::from_str(text.split_once("data: ").unwrap().1.trim()).unwrap();
            trades += state["trades"].as_array().unwrap().len();
        }
    }
    let printed = tape
        .in_memory()
        .unwrap()
        .iter()
        .filter(|record| record.instrument_id == instrument && record.action == b'T');
    assert_eq!(trades, printed.count(), "every trade is shown once");
}
