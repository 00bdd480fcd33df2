//! The life of an order found by filters and keyframes is the one seen by whoever applies every record.
#![allow(clippy::unwrap_used)]

mod flow;
mod tapes;

use std::collections::BTreeMap;
use std::sync::Arc;

use booktape_core::book::{Book, Effect};
use booktape_core::feed::Piece;
use booktape_core::market::Market;
use booktape_core::tape::{
    ClearedBy, Ending, Every, Growing, Keyframes, Life, PathRow, Place, Step, Tape, Turn,
};
use booktape_core::types::{BookKey, Flags, MboRecord};
use booktape_core::{Error, synth, wire};
use proptest::prelude::*;
use tapes::{any_part, dbn, quiet, read};

const IDS: std::ops::Range<u64> = 1..24;

/// One life as it is seen in passing.
#[derive(Default, Debug, PartialEq)]
struct Seen {
    entry: Option<u64>,
    exit: Option<u64>,
    ending: Ending,
    cleared_by: Option<ClearedBy>,
    filled: u64,
    /// Index, place after it, whether it took a place.
    records: Vec<(u64, Option<Place>, bool)>,
    /// Index and what is ahead after every record of the book, and whether that ended an event.
    ahead: Vec<(u64, u32, u64, bool)>,
}

/// What is known of an order while every record of its book goes by.
#[derive(Default)]
struct Watched {
    lives: Vec<Seen>,
    now: Seen,
    /// The event it left in, by itself.
    left_in: Option<u64>,
    is_over: bool,
    /// Filled in the event under way, and not taken off yet.
    pending: u64,
}

impl Watched {
    fn next(&mut self) {
        self.lives.push(std::mem::take(&mut self.now));
        (self.is_over, self.left_in) = (false, None);
    }

    fn clear(&mut self, index: u64, by: ClearedBy) {
        self.now.exit = Some(index);
        (self.now.ending, self.now.cleared_by) = (Ending::Cleared, Some(by));
        (self.is_over, self.left_in, self.pending) = (true, None, 0);
    }
}

fn place(book: &Book, id: u64) -> Option<Place> {
    let order = book.order(id)?;
    let queue: Vec<_> =
        book.queue(order.side, order.price).take_while(|ahead| ahead.order_id != id).collect();
    Some(Place {
        side: order.side,
        price: order.price,
        size: order.size,
        orders_ahead: u32::try_from(queue.len()).unwrap(),
        size_ahead: queue.iter().map(|ahead| u64::from(ahead.size)).sum(),
        priority_approximate: order.priority_approximate,
    })
}

/// When an order took its place, as the queues of both sides show it.
fn entered(book: &Book, id: u64) -> Option<u64> {
    let order = book.order(id)?;
    book.resting_at(order.side, order.price)
        .find(|one| one.is_order && one.order_id == id)
        .map(|one| one.entered)
}

/// Follows every order of every book by applying every record of the tape.
fn watch(tape: &Tape) -> BTreeMap<(BookKey, u64), Vec<Seen>> {
    let mut market = Market::new();
    let mut watched: BTreeMap<(BookKey, u64), Watched> = BTreeMap::new();
    let mut events: BTreeMap<BookKey, u64> = BTreeMap::new();
    let mut at = 0;
    tape.walk(0..tape.len(), &mut quiet, |step| {
        match step {
            Step::Turn(Turn::Name(instrument, symbol)) => {
                market.name(*instrument, symbol);
                for ((key, id), order) in &mut watched {
                    let is_resting = order.now.entry.is_some() && !order.is_over;
                    let book = market.entries().iter().find(|entry| entry.key == *key);
                    if is_resting && book.is_none_or(|entry| entry.book.order(*id).is_none()) {
                        order.clear(at, ClearedBy::Symbol);
                    }
                }
            }
            Step::Turn(Turn::Settle(key, price)) => market.settle(*key, *price),
            Step::Turn(Turn::Miss(of)) => market.miss(*of, at),
            Step::Records(first, records) => {
                for (index, record) in (first..).zip(records) {
                    see(&mut market, &mut watched, &mut events, index, record);
                }
                at = first + records.len() as u64;
            }
        }
        Ok(())
    })
    .unwrap();
    let finish = |mut order: Watched| {
        if order.now.entry.is_some() && !order.is_over {
            order.now.ending = Ending::Alive;
        }
        if order.now != Seen::default() {
            order.next();
        }
        order.lives
    };
    watched.into_iter().map(|(name, order)| (name, finish(order))).collect()
}

fn see(
    market: &mut Market,
    watched: &mut BTreeMap<(BookKey, u64), Watched>,
    events: &mut BTreeMap<BookKey, u64>,
    index: u64,
    record: &MboRecord,
) {
    let (key, flags) = (record.key(), record.flags());
    let find = |market: &Market| market.entries().iter().position(|entry| entry.key == key);
    let before: Vec<_> = IDS
        .map(|id| {
            let book = find(market).map(|slot| &market.entries()[slot].book);
            book.and_then(|book| Some((place(book, id)?, entered(book, id)?)))
        })
        .collect();
    let effect = market.apply(record).unwrap().effect;
    let book = &market.entries()[find(market).unwrap()].book;
    let event = *events.entry(key).or_default();
    for (id, before) in IDS.zip(before) {
        let order = watched.entry((key, id)).or_default();
        let after = place(book, id);
        let speaks_of_level =
            matches!(record.action, b'A' | b'C' | b'M') && flags.0 & (Flags::TOB | Flags::MBP) != 0;
        let is_own = record.order_id == id && record.action != b'R' && !speaks_of_level;
        let clears = if flags.is_snapshot() {
            ClearedBy::Snapshot
        } else if record.action == b'A' && flags.has(Flags::TOB) {
            ClearedBy::Side
        } else {
            ClearedBy::Clear
        };
        let was_cleared =
            before.is_some() && if is_own { matches!(effect, Effect::Added { .. }) } else { after.is_none() };
        if was_cleared {
            order.clear(index, clears);
        }
        if is_own {
            let before = before.filter(|_| !was_cleared);
            let enters = before.is_none() && after.is_some();
            if order.is_over && (enters || order.left_in != Some(event)) {
                order.next();
            }
            if enters {
                order.now.entry = Some(index);
            }
            if record.action == b'F' && !matches!(effect, Effect::Skipped(_)) {
                order.now.filled += u64::from(record.size);
                order.pending += if after.is_some() { u64::from(record.size) } else { 0 };
            }
            let took = after.is_some() && entered(book, id) != before.map(|(_, entered)| entered);
            order.now.records.push((index, after, took));
            if let (Some((before, _)), None) = (before, after) {
                order.now.exit = Some(index);
                order.now.ending = if order.pending >= u64::from(before.size) {
                    Ending::Filled
                } else if order.now.filled > 0 {
                    Ending::PartlyFilled
                } else {
                    Ending::Cancelled
                };
                (order.is_over, order.left_in) = (true, Some(event));
            }
            match effect {
                Effect::Modified { .. } => order.pending = 0,
                Effect::Cancelled { size, .. } => {
                    order.pending = order.pending.saturating_sub(u64::from(size));
                }
                _ => {}
            }
        }
        if flags.is_last() || after.is_none() {
            order.pending = 0;
        }
        if let Some(after) = after {
            order.now.ahead.push((index, after.orders_ahead, after.size_ahead, flags.is_last()));
        }
    }
    *events.entry(key).or_default() += u64::from(flags.is_last());
}

fn shape(life: &Life, ahead: Vec<(u64, u32, u64, bool)>) -> Seen {
    Seen {
        entry: life.entry.map(|entry| entry.index),
        exit: life.exit.map(|exit| exit.index),
        ending: life.ending,
        cleared_by: life.cleared_by,
        filled: life.amounts.filled,
        records: life.records.iter().map(|one| (one.index, one.place, one.took_place)).collect(),
        ahead,
    }
}

/// Each moment at which what is ahead changed.
fn changes(ahead: &[(u64, u32, u64, bool)], every: Every) -> Vec<(u64, u32, u64)> {
    let looks = ahead.iter().filter(|(.., ends)| *ends || every == Every::Record);
    let mut rows: Vec<(u64, u32, u64)> =
        looks.map(|&(index, orders, size, _)| (index, orders, size)).collect();
    rows.dedup_by_key(|(_, orders, size)| (*orders, *size));
    rows
}

fn rows(path: &[PathRow]) -> Vec<(u64, u32, u64)> {
    path.iter().map(|row| (row.index, row.orders_ahead, row.size_ahead)).collect()
}

fn compare(tape: &Tape) {
    let names_it = |key: BookKey, id: u64, only_orders: bool| {
        let mut any = false;
        tape.walk(0..tape.len(), &mut quiet, |step| {
            if let Step::Records(_, records) = step {
                any |= records.iter().any(|record| {
                    let level = record.flags().0 & (Flags::TOB | Flags::MBP) != 0;
                    let is_order = matches!(record.action, b'A' | b'C' | b'M');
                    let own = record.action != b'R' && !(is_order && level);
                    (record.key(), record.order_id) == (key, id) && own && (is_order || !only_orders)
                });
            }
            Ok(())
        })
        .unwrap();
        any
    };
    for ((key, id), mut expected) in watch(tape) {
        let BookKey { instrument_id, publisher_id } = key;
        let told = tape.order(id, Some(instrument_id), Some(publisher_id), &mut quiet);
        if !names_it(key, id, true) {
            let never_rested = match &told {
                Err(Error::NotFound(why)) => Some(why.contains("never rested")),
                _ => None,
            };
            assert_eq!(never_rested, Some(names_it(key, id, false)), "order {id} of {key:?}: {told:?}");
            continue;
        }
        let told = told.unwrap();
        assert_eq!((told.order_id, told.key, told.lives_omitted), (id, key, 0));
        assert_eq!(told.lives.len(), expected.len(), "order {id} of {key:?}: {told:#?}\n{expected:#?}");
        for (life, expected) in told.lives.iter().zip(&mut expected) {
            let ahead = std::mem::take(&mut expected.ahead);
            assert_eq!(&shape(life, Vec::new()), expected, "order {id} of {key:?}");
            let amounts = life.amounts;
            assert_eq!(
                amounts.size + amounts.raised,
                amounts.returned + amounts.cancelled + amounts.cleared + amounts.left,
                "order {id} of {key:?}: {life:#?}"
            );
            assert!(amounts.returned <= amounts.filled, "{life:#?}");
            let Some(entry) = life.entry else { continue };
            let end = life.exit.map_or(tape.len(), |exit| exit.index);
            for every in [Every::Event, Every::Record] {
                let path = |range, limit| tape.order_path(id, key, range, every, limit, &mut quiet).unwrap();
                let whole = path(entry.index..end, usize::MAX);
                assert_eq!(rows(&whole), changes(&ahead, every), "order {id} of {key:?}, every {every:?}");
                let page = path(entry.index..end, 2);
                assert_eq!(page, whole[..whole.len().min(2)]);
                if let [_, last] = page.as_slice() {
                    let rest = path(last.index + 1..end, usize::MAX);
                    // A page begins with where the order stands, which may be what the last row said.
                    let again = rest.first().is_some_and(|first| {
                        (first.orders_ahead, first.size_ahead) == (last.orders_ahead, last.size_ahead)
                    });
                    assert_eq!(rest[usize::from(again)..], whole[2..]);
                }
            }
        }
        let json: serde_json::Value =
            serde_json::from_slice(&wire::order_life(tape, &told).unwrap()).unwrap();
        assert_eq!(json["lives"].as_array().unwrap().len(), told.lives.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn an_order_told_is_the_order_seen(
        first in any_part(1_200),
        second in any_part(600),
        in_memory in any::<bool>(),
        worth in prop_oneof![Just(0_u64), Just(400), Just(4_000), Just(40_000), Just(600_000)],
    ) {
        let cache = Arc::default();
        let start = 1_767_571_200_000_000_000;
        let (one, two) = (dbn(&first, start, false), dbn(&second, start + 86_400_000_000_000, false));
        let parts =
            vec![read("one", &one, in_memory, worth, &cache), read("two", &two, !in_memory, worth, &cache)];
        compare(&Tape::join(parts).unwrap().with_keyframes(Keyframes::every(worth)));
    }
}

#[test]
fn an_order_far_from_its_next_record_is_reached_by_keyframes() {
    let options = synth::Options { messages: 60_000, instruments: 3, seed: 11, ..synth::Options::default() };
    let far = Tape::synthesize(&options, &mut quiet).unwrap().with_keyframes(Keyframes::every(4_000));
    let near = far.clone().with_keyframes(Keyframes::every(u64::MAX));
    let records = far.in_memory().unwrap();
    let mut longest = 0;
    for record in records.iter().filter(|record| record.action == b'A').step_by(257) {
        let BookKey { publisher_id, instrument_id } = record.key();
        let told = |tape: &Tape| {
            tape.order(record.order_id, Some(instrument_id), Some(publisher_id), &mut quiet).unwrap()
        };
        assert_eq!(told(&far), told(&near));
        let apart = |life: &Life| life.records.windows(2).map(|two| two[1].index - two[0].index).max();
        longest = longest.max(told(&far).lives.iter().filter_map(apart).max().unwrap_or_default());
    }
    assert!(longest > 10_000, "{longest}");
}

#[test]
fn a_head_of_a_growing_tape_tells_no_more_than_it_has() {
    let options = synth::Options { messages: 40_000, seed: 4, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut quiet).unwrap();
    let records = tape.in_memory().unwrap();
    let grown = |cuts: &[usize]| {
        let growing = Growing::new("live".to_owned(), 1, tape.metadata().clone()).unwrap();
        let heads = cuts.windows(2).map(|cut| {
            let piece = Piece { records: records[cut[0]..cut[1]].to_vec(), ..Piece::default() };
            growing.append(piece).unwrap();
            growing.head()
        });
        heads.collect::<Vec<_>>()
    };
    let (heads, short) = (grown(&[0, 17_000, 40_000]), grown(&[0, 17_000]));
    heads[1].build_keyframes(&mut quiet).unwrap();
    let mut later = 0;
    for record in records.iter().filter(|record| record.action == b'A').step_by(97) {
        let told = |tape: &Tape| tape.order(record.order_id, None, None, &mut quiet).ok();
        assert_eq!(told(&heads[0]), told(&short[0]));
        later += u32::from(told(&heads[0]) != told(&heads[1]));
    }
    assert!(later > 10, "{later}");
}
