//! Records that are missing: where, and which books cannot be trusted since.
#![allow(clippy::unwrap_used, clippy::panic)]

use booktape_core::feed::{Options, encode_gap, encode_record};
use booktape_core::market::Market;
use booktape_core::synth;
use booktape_core::tape::Tape;
use booktape_core::types::{Action, BookKey, Flags, MboRecord, Nanos};

#[allow(clippy::unnecessary_wraps)] // what progress is told to
fn quiet(_: u64, _: u64) -> booktape_core::Result<()> {
    Ok(())
}

fn suspect(tape: &Tape, position: u64) -> Vec<Option<String>> {
    let mut applied = Market::new();
    tape.apply(&mut applied, 0..position, &mut quiet).unwrap();
    let said = |market: &Market| {
        let mut said: Vec<_> =
            market.entries().iter().map(|entry| (entry.key, market.suspicion(entry))).collect();
        said.sort();
        said.into_iter().map(|(_, why)| why).collect::<Vec<_>>()
    };
    let restored = tape.market_at(position, None, &mut quiet).unwrap();
    assert_eq!(said(&applied), said(&restored));
    said(&restored)
}

/// The records of two books with something between them, and a clear of the first book at the end.
fn tape(gap: &[u8], at: usize) -> Tape {
    let options = synth::Options { messages: 1_000, instruments: 2, seed: 3, ..synth::Options::default() };
    let made = Tape::synthesize(&options, &mut quiet).unwrap();
    let records = made.in_memory().unwrap();
    let mut dbn = made.metadata().raw().to_vec();
    for (n, record) in records.iter().enumerate() {
        if n == at {
            dbn.extend(gap);
        }
        encode_record(record, None, &mut dbn);
    }
    let first = made.books().iter().map(|(key, _)| *key).min().unwrap();
    let last = records.iter().rev().find(|record| record.key() == first).unwrap();
    let clear =
        MboRecord { action: Action::Clear as u8, side: b'N', flags: Flags::LAST, order_id: 0, ..*last };
    encode_record(&clear, None, &mut dbn);
    Tape::read(&dbn[..], "gap", 0, Options::default(), None, &mut quiet).unwrap()
}

#[test]
fn books_are_suspect_from_a_gap_on_until_they_are_cleared() {
    let tape = tape(&encode_gap(3, None, Nanos(1), "the upstream was gone"), 500);
    let gaps = tape.gaps().unwrap();
    let [gap] = gaps.as_slice() else { panic!("one gap, not {gaps:?}") };
    let time = |index| tape.record(index).unwrap().map(|record| record.ts_recv());
    assert_eq!((gap.index, gap.of, gap.text.as_str()), (500, None, "gap: the upstream was gone"));
    assert_eq!((gap.start, gap.end), (time(499), time(500)));
    assert_eq!(suspect(&tape, 500), [None, None]);
    let why = || Some("records before record 500 are missing, and no snapshot has come since".to_owned());
    assert_eq!(suspect(&tape, 501), [why(), why()]);
    assert_eq!(suspect(&tape, tape.len()), [None, why()]);
}

#[test]
fn a_gap_of_one_book_is_no_other_books() {
    let other = BookKey { publisher_id: 1, instrument_id: 99 };
    let here = tape(&[], 0).books().iter().map(|(key, _)| *key).max().unwrap();
    for (of, why) in [(other, None), (here, Some("records before record 700 are missing"))] {
        let tape = tape(&encode_gap(3, Some(of), Nanos(1), "lost"), 700);
        let said = suspect(&tape, tape.len());
        assert_eq!(said[0], None);
        assert_eq!(said[1].as_deref().map(|said| &said[..37]), why);
    }
}
