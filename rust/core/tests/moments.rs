//! Any moment of a tape is what applying it from the start gives: in memory and by position, forwards and backwards, with
//! several publishers and instruments, across files, and from an index that was stored.
#![allow(clippy::unwrap_used)]

mod flow;
mod tapes;

use std::sync::Arc;

use booktape_core::Error;
use booktape_core::audit::Audit;
use booktape_core::feed::{self, Options, write_whole};
use booktape_core::market::Market;
use booktape_core::matching::View;
use booktape_core::synth;
use booktape_core::tape::{Growing, Keyframes, Step, StoredError, Tape, Turn, apply_stream};
use booktape_core::types::{AnomalyKind, BookKey};
use booktape_core::wire;
use proptest::prelude::*;
use tapes::{any_part, dbn, quiet, read};

/// Low enough that a few thousand records have many keyframes.
const SHORT: u64 = 60_000;
/// What a stream says that is worth a thread of its own to read.
const LONG: u64 = 8 << 20;

fn market(tape: &Tape, position: u64) -> Market {
    let mut market = Market::new();
    tape.apply(&mut market, 0..position, &mut quiet).unwrap();
    market
}

fn shown(market: &Market) -> Vec<String> {
    let states = market.entries().iter().map(|entry| {
        entry.book.check().unwrap();
        wire::book_state(market, entry, usize::MAX, View::Published, true).unwrap()
    });
    let whole = Audit::of(market).to_json().unwrap();
    states.chain([whole]).map(|json| String::from_utf8(json).unwrap()).collect()
}

/// The market from the index is the one from the start: all that can be seen of it now, and after the records that follow.
fn assert_moment(tape: &Tape, position: u64) {
    let (mut expected, mut found) =
        (market(tape, position), tape.market_at(position, None, &mut quiet).unwrap());
    assert_eq!(shown(&found), shown(&expected), "at {position}");
    assert_eq!((found.position(), found.ts_recv()), (expected.position(), expected.ts_recv()));
    assert_eq!(found.symbols(), expected.symbols());
    for entry in expected.entries() {
        let BookKey { publisher_id, instrument_id } = entry.key;
        let alone = tape.market_at(position, Some(entry.key), &mut quiet).unwrap();
        let same = alone.find(instrument_id, Some(publisher_id)).unwrap();
        assert_eq!(alone.entries().len(), 1);
        let state = |market, entry| wire::book_state(market, entry, usize::MAX, View::Matched, true).unwrap();
        assert_eq!(state(&alone, same), state(&expected, entry), "{:?} alone at {position}", entry.key);
        assert_eq!((same.tally, same.notes.counts()), (entry.tally, entry.notes.counts()));
    }
    let end = tape.len().min(position + 500);
    tape.apply(&mut expected, position..end, &mut quiet).unwrap();
    tape.apply(&mut found, position..end, &mut quiet).unwrap();
    assert_eq!(shown(&found), shown(&expected), "at {position}, after the records that follow");
}

fn bytes(tape: &Tape) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.dbn");
    tape.write_dbn(&path, &mut quiet).unwrap();
    std::fs::read(path).unwrap()
}

/// The index in a file and back.
fn stored(tape: &Tape) -> Result<Tape, StoredError> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("index");
    write_whole(&path, |out| tape.keyframes().store(7, b"about", out)).unwrap();
    let size = std::fs::metadata(&path)?.len();
    let (keyframes, about) = Keyframes::load(Arc::new(std::fs::File::open(path)?), size, 7)?;
    assert_eq!(about, b"about");
    assert_eq!(keyframes.size(), tape.keyframes().size());
    Ok(tape.clone().with_keyframes(keyframes))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_moment_is_what_applying_from_the_start_gives(
        first in any_part(6_000),
        second in any_part(3_000),
        in_memory in any::<bool>(),
        ts_out in any::<bool>(),
        moments in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let cache = Arc::default();
        let start = 1_767_571_200_000_000_000;
        let (one, two) = (dbn(&first, start, ts_out), dbn(&second, start + 86_400_000_000_000, ts_out));
        let one_tape = read("one", &one, in_memory, SHORT, &cache);
        prop_assert_eq!(bytes(&one_tape), one);
        let tape = Tape::join(vec![one_tape, read("two", &two, !in_memory, SHORT, &cache)]).unwrap();
        let tape = tape.with_keyframes(Keyframes::every(SHORT));
        let length = usize::try_from(tape.len()).unwrap();
        for (n, moment) in moments.iter().enumerate() {
            assert_moment(&tape, moment.index(length + 1) as u64);
            if n == 4 {
                tape.build_keyframes(&mut quiet).unwrap();
            }
        }
        let again = stored(&tape).unwrap();
        for moment in moments {
            assert_moment(&again, moment.index(length + 1) as u64);
        }
    }
}

/// Gives a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.1.min(buffer.len()).min(self.0.len());
        self.1 = self.1 * 7 % 4_999 + 1;
        let (now, later) = self.0.split_at(size);
        buffer[..size].copy_from_slice(now);
        self.0 = later;
        Ok(size)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_tape_that_grew_is_the_tape_that_was_there_at_once(part in any_part(4_000), ts_out in any::<bool>()) {
        let whole = dbn(&part, 1_767_571_200_000_000_000, ts_out);
        let expected = Tape::read(&whole[..], "whole", 0, Options::default(), None, &mut quiet).unwrap();
        let growing = std::cell::OnceCell::new();
        let mut heads = Vec::new();
        feed::read(Trickle(&whole, 5_000), "trickle", 0, Options::default(), &mut quiet, &mut |metadata, piece| {
            let growing: &Growing = growing.get_or_init(|| {
                let empty = Growing::new("live".to_owned(), 1, metadata.clone()).unwrap().head();
                Growing::after(Tape::clone(&empty).with_keyframes(Keyframes::every(SHORT)))
            });
            growing.append(piece.take())?;
            let head = growing.head();
            if head.len().is_multiple_of(5) {
                assert_moment(&head, head.len());
                heads.push(head);
            }
            Ok(())
        }).unwrap();
        let mut once = Market::new();
        let left = apply_stream(&mut once, Trickle(&whole, 3), "once", LONG, Options::default(), &mut quiet).unwrap();
        prop_assert_eq!(left, None);
        prop_assert_eq!(shown(&once), shown(&market(&expected, expected.len())));
        prop_assert!(once.symbols() == market(&expected, expected.len()).symbols());
        let growing = growing.into_inner().unwrap();
        growing.close();
        prop_assert!(growing.append(feed::Piece::default()).is_err());
        let head = growing.wait_for(u64::MAX, std::time::Duration::MAX);
        prop_assert_eq!(bytes(&head), whole);
        prop_assert_eq!((head.books(), head.symbols()), (expected.books(), expected.symbols()));
        prop_assert_eq!((head.start(), head.end()), (expected.start(), expected.end()));
        prop_assert_eq!(head.other_records(), expected.other_records());
        prop_assert_eq!(shown(&market(&head, head.len())), shown(&market(&expected, expected.len())));
        // Heads that somebody kept are what they were.
        for kept in heads {
            assert_moment(&kept, kept.len() / 2);
            prop_assert_eq!(shown(&market(&kept, kept.len())), shown(&market(&expected, kept.len())));
        }
    }
}

#[test]
fn a_reader_follows_a_tape_to_its_end() {
    let options = synth::Options { messages: 200_000, seed: 2, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut quiet).unwrap();
    let growing = Growing::new("live".to_owned(), 1, tape.metadata().clone()).unwrap();
    let read = std::thread::scope(|scope| {
        scope.spawn(|| {
            for records in tape.in_memory().unwrap().chunks(777) {
                growing.append(feed::Piece { records: records.to_vec(), ..feed::Piece::default() }).unwrap();
            }
            growing.close();
        });
        let mut read = Vec::new();
        loop {
            let head = growing.wait_for(read.len() as u64, std::time::Duration::MAX);
            if read.len() as u64 == head.len() {
                break read;
            }
            while (read.len() as u64) < head.len() {
                read.extend_from_slice(&head.block(read.len() as u64).unwrap());
            }
        }
    });
    assert_eq!(read, tape.in_memory().unwrap());
}

#[test]
fn synthetic_days_with_every_anomaly_have_all_their_moments() {
    let anomalies = AnomalyKind::ALL.into_iter().map(|kind| (kind, 3)).collect();
    let options =
        synth::Options { messages: 60_000, instruments: 5, seed: 3, anomalies, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut quiet).unwrap().with_keyframes(Keyframes::every(SHORT));
    for position in [60_000, 1, 0, 59_999, 31_111, 12_345, 45_000, 2_048, 30_000] {
        assert_moment(&tape, position);
    }
    assert!(tape.keyframes().size().keyframes > 20, "{:?}", tape.keyframes().size());
    let again = stored(&tape).unwrap();
    for position in [60_000, 1, 0, 59_999, 31_111] {
        assert_moment(&again, position);
    }
}

#[test]
fn an_index_takes_its_share_of_the_tape_and_no_more() {
    let options = synth::Options { messages: 400_000, instruments: 4, seed: 5, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut quiet).unwrap().with_keyframes(Keyframes::every(0));
    tape.build_keyframes(&mut quiet).unwrap();
    let size = tape.keyframes().size();
    assert_eq!(size.records, 400_000);
    assert!(size.bytes < 400_000 * 56 / 5 + (1 << 20), "{size:?}");
}

#[test]
fn an_index_that_is_damaged_or_of_other_content_is_refused() {
    let options = synth::Options { messages: 30_000, seed: 9, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut quiet).unwrap().with_keyframes(Keyframes::every(SHORT));
    tape.build_keyframes(&mut quiet).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    write_whole(&path, |out| tape.keyframes().store(7, b"", out)).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let load = |bytes: &[u8], hash| {
        std::fs::write(&path, bytes).unwrap();
        Keyframes::load(Arc::new(std::fs::File::open(&path).unwrap()), bytes.len() as u64, hash)
    };
    assert!(load(&whole, 7).is_ok());
    assert!(matches!(load(&whole, 8), Err(StoredError::Stale)));
    for end in (0..whole.len()).step_by(997) {
        assert!(load(&whole[..end], 7).is_err(), "cut at {end}");
    }
    let directory = whole.len() - 16 - 200;
    let filters = directory - 16 * 1_024;
    for place in (filters..directory).step_by(613) {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        assert!(load(&damaged, 7).is_err(), "byte {place}");
    }
    for place in directory..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        assert!(load(&damaged, 7).is_err(), "byte {place}");
    }
    // Images are checked when they are needed: the index is then built again.
    let mut damaged = whole.clone();
    let quarter = whole.len() / 4;
    damaged[8..quarter].fill(0xff);
    let (keyframes, _) = load(&damaged, 7).unwrap();
    let tape = tape.with_keyframes(keyframes);
    assert!(tape.keyframes().rebuilt().is_none());
    for position in [20_000, 30_000, 10_000, 3_000] {
        assert_moment(&tape, position);
    }
    assert!(tape.keyframes().rebuilt().is_some());
}

#[test]
fn books_on_several_cores_are_those_of_one_record_after_the_other() {
    let anomalies = AnomalyKind::ALL.into_iter().map(|kind| (kind, 5)).collect();
    let options =
        synth::Options { messages: 700_000, instruments: 7, seed: 6, anomalies, ..synth::Options::default() };
    let tape = Tape::synthesize(&options, &mut quiet).unwrap();
    let records = tape.in_memory().unwrap();
    let mut alone = Market::new();
    tape.walk(0..tape.len(), &mut quiet, |step| match step {
        Step::Turn(turn) => {
            if let Turn::Name(instrument_id, symbol) = turn {
                alone.name(*instrument_id, symbol);
            }
            Ok(())
        }
        Step::Records(_, records) => alone.apply_all(records),
    })
    .unwrap();
    let mut together = Market::new();
    let cut = 123_457;
    tape.apply(&mut together, 0..cut, &mut quiet).unwrap();
    together.apply_all(&records[cut as usize..200_000]).unwrap();
    tape.apply(&mut together, 200_000..tape.len(), &mut quiet).unwrap();
    assert_eq!(shown(&together), shown(&alone));
    assert_eq!((together.position(), together.ts_recv()), (alone.position(), alone.ts_recv()));
    let keys = |market: &Market| market.entries().iter().map(|entry| entry.key).collect::<Vec<_>>();
    assert_eq!(keys(&together), keys(&alone));

    let mut stopped = Market::new();
    let stop = tape.apply(&mut stopped, 0..tape.len(), &mut |_, _| Err(Error::Interrupted));
    assert!(matches!(stop, Err(Error::Interrupted)));
    assert_eq!(shown(&stopped), shown(&tape.market_at(stopped.position(), None, &mut quiet).unwrap()));
}
