//! Sessions of the live protocol: what comes is what was asked for, once and in its place, however it is asked for.
#![allow(clippy::unwrap_used)]

mod flow;

use std::collections::BTreeMap;

use booktape_core::derive::Schema;
use booktape_core::feed::{AsideKind, Metadata, Options, symbol_mapping};
use booktape_core::tape::{Tape, Turn};
use booktape_core::types::{Instruments, MboRecord, Nanos};
use booktape_core::wire::{Session, Subject};
use flow::any::any_record;
use proptest::prelude::*;
use zerocopy::IntoBytes;

/// Record types of DBN that are not MBO, those of other schemas among them.
const OTHERS: [u8; 11] = [0x00, 0x01, 0x0A, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x20];
const STATUS_SIZE: usize = 40;

#[allow(clippy::unnecessary_wraps)] // what progress is told to
fn quiet(_: u64, _: u64) -> booktape_core::Result<()> {
    Ok(())
}

/// What stands before a record, and the record; the last has none.
type Stretch = (Vec<Vec<u8>>, MboRecord);

fn header(words: u8, rtype: u8, instrument_id: u32, ts: u64) -> Vec<u8> {
    let mut record = vec![words, rtype, 1, 0];
    record.extend(instrument_id.to_le_bytes());
    record.extend(ts.to_le_bytes());
    record
}

/// A record of another type: of a length that its type has, or of any.
fn any_aside() -> impl Strategy<Value = Vec<u8>> {
    let odd = (prop::sample::select(&OTHERS), 4_u8..=255, any::<u8>(), 0_u32..4, 0_u64..40).prop_map(
        |(rtype, words, fill, instrument_id, ts)| {
            let mut record = header(words, rtype, instrument_id, ts);
            record.resize(usize::from(words) * 4, fill);
            record
        },
    );
    let status = (0_u32..4, 0_u64..40).prop_map(|(instrument_id, ts)| {
        let mut record = header((STATUS_SIZE / 4) as u8, 0x12, instrument_id, ts);
        record.resize(STATUS_SIZE, 7);
        record
    });
    let name = (0_u32..4, "[A-C]").prop_map(|(id, symbol)| symbol_mapping(id, &symbol, Nanos(5)).unwrap());
    prop_oneof![2 => odd, 3 => status, 2 => name]
}

fn any_stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let record = (any_record(), 0_u32..4, 0_u64..40)
        .prop_map(|(record, instrument_id, ts_event)| MboRecord { instrument_id, ts_event, ..record });
    prop::collection::vec((prop::collection::vec(any_aside(), 0..3), record), 1..60)
}

fn tape(stretches: &[Stretch], behind: &[Vec<u8>]) -> Tape {
    let mut dbn = Metadata::for_mbo("GLBX.MDP3", &[], Nanos(0), Nanos(1)).unwrap().raw().to_vec();
    for (n, (asides, record)) in stretches.iter().enumerate() {
        dbn.extend(asides.concat());
        let ts_recv = 1_700_000_000_000_000_000 + n as u64 * 300_000_000;
        dbn.extend(MboRecord { ts_recv, ..*record }.as_bytes());
    }
    dbn.extend(behind.concat());
    Tape::read(dbn.as_slice(), "any", 0, Options::default(), None, &mut quiet).unwrap()
}

fn subjects() -> Vec<Subject> {
    let derived = Schema::ALL.into_iter().map(Subject::Derived);
    let beside = AsideKind::ALL.into_iter().map(Subject::Beside);
    [Subject::Mbo].into_iter().chain(derived).chain(beside).collect()
}

/// Everything of [start, end).
fn taken(session: &mut Session, tape: &Tape, start: u64, end: u64, ts_out: Option<u64>) -> Vec<u8> {
    let (mut all, mut at) = (Vec::new(), start);
    loop {
        let (piece, next) = session.next(tape, at, end, ts_out, &mut quiet).unwrap();
        assert!(next >= at && (next > at || !piece.is_empty() || at >= end));
        all.extend(piece);
        at = next;
        if at >= end {
            return all;
        }
    }
}

/// Records by their own lengths: there is nothing else.
fn records(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while let Some(&words) = bytes.first() {
        let (record, rest) = bytes.split_at(usize::from(words) * 4);
        records.push(record);
        bytes = rest;
    }
    records
}

#[derive(Clone, Debug)]
struct Asked {
    subject: usize,
    instruments: Option<Vec<u32>>,
    from: f64,
    since: u64,
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let ids = prop::option::of(prop::collection::vec(0_u32..4, 0..3));
    (0..15_usize, ids, 0.0..=1.0, prop_oneof![Just(0), 0_u64..40])
        .prop_map(|(subject, instruments, from, since)| Asked { subject, instruments, from, since })
}

impl Asked {
    fn subscribe(&self, session: &mut Session, tape: &Tape) -> u64 {
        let position = (self.from * tape.len() as f64) as u64;
        let instruments = self.instruments.clone().map_or(Instruments::All, |ids| ids.into_iter().collect());
        let subject = subjects()[self.subject];
        session.subscribe(tape, subject, instruments, position, Nanos(self.since), &mut quiet).unwrap();
        position
    }

    fn takes(&self, tape: &Tape, index: u64, record: &[u8]) -> bool {
        let ts = u64::from_le_bytes(record[8..16].try_into().unwrap());
        let id = u32::from_le_bytes(record[4..8].try_into().unwrap());
        index >= (self.from * tape.len() as f64) as u64
            && ts >= self.since
            && self.instruments.as_ref().is_none_or(|ids| ids.contains(&id))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn records_come_as_they_were_asked_for(
        stretches in any_stretches(),
        behind in prop::collection::vec(any_aside(), 0..3),
        mut asked in prop::collection::vec(any_asked(), 1..5),
    ) {
        let tape = tape(&stretches, &behind);
        // Records alone: rows have tests of their own.
        for one in &mut asked {
            one.subject = if one.subject < 8 { 0 } else { 12 };
        }
        let mut session = Session::default();
        for one in &asked {
            one.subscribe(&mut session, &tape);
        }
        let given = taken(&mut session, &tape, 0, tape.len(), None);
        let given: Vec<_> = records(&given).into_iter().filter(|record| record[1] != 0x16).collect();
        let mut expected: Vec<&[u8]> = Vec::new();
        let wanted = |subject, index, record: &[u8]| {
            asked.iter().any(|one| one.subject == subject && one.takes(&tape, index, record))
        };
        let is_status = |record: &&[u8]| record[1] == 0x12 && record.len() == STATUS_SIZE;
        let held = tape.in_memory().unwrap();
        let behind = [behind];
        let asides = stretches.iter().map(|(asides, _)| asides).chain(&behind);
        for (index, asides) in asides.enumerate() {
            let mine = asides.iter().map(Vec::as_slice).filter(is_status);
            expected.extend(mine.filter(|aside| wanted(12, index as u64, aside)));
            expected.extend(
                held.get(index).map(IntoBytes::as_bytes).filter(|record| wanted(0, index as u64, record)),
            );
        }
        prop_assert_eq!(given, expected);
    }

    #[test]
    fn an_id_is_named_where_it_comes_to_mean_something_else(
        stretches in any_stretches(),
        behind in prop::collection::vec(any_aside(), 0..3),
        (from, cut) in (0.0..=1.0, 0.0..=1.0),
        ids in prop::option::of(prop::collection::vec(0_u32..4, 0..3)),
    ) {
        let tape = tape(&stretches, &behind);
        let asked = Asked { subject: 0, instruments: ids.clone(), from, since: 0 };
        let mut session = Session::default();
        let from = asked.subscribe(&mut session, &tape);
        let cut = from + (cut * (tape.len() - from) as f64) as u64;
        let mut given = taken(&mut session, &tape, from, cut, None);
        given.extend(taken(&mut session, &tape, cut, tape.len(), None));
        let named = |record: &&[u8]| record[1] == 0x16;
        let given: Vec<_> = records(&given).into_iter().filter(named).map(<[u8]>::to_vec).collect();
        let mut meant = BTreeMap::new();
        let mut expected = Vec::new();
        for (index, turn) in tape.turns() {
            let Turn::Name(id, symbol) = turn else { continue };
            let is_new = meant.insert(*id, symbol) != Some(symbol);
            if is_new && *index > from && ids.as_ref().is_none_or(|ids| ids.contains(id)) {
                let at = tape.record(*index).unwrap().map_or(tape.end().unwrap(), |record| record.ts_recv());
                expected.extend(symbol_mapping(*id, symbol, at));
            }
        }
        prop_assert_eq!(given, expected);
    }

    #[test]
    fn cuts_and_sizes_change_nothing(
        stretches in any_stretches(),
        behind in prop::collection::vec(any_aside(), 0..3),
        asked in prop::collection::vec(any_asked(), 1..6),
        mut cuts in prop::collection::vec(0.0..=1.0, 0..6),
    ) {
        let tape = tape(&stretches, &behind);
        let session = || {
            let mut session = Session::default();
            for one in &asked {
                one.subscribe(&mut session, &tape);
            }
            session
        };
        let (mut at_once, mut by_parts) = (session(), session());
        let mut whole = taken(&mut at_once, &tape, 0, tape.len(), None);
        whole.extend(at_once.finish(None));
        cuts.push(1.0);
        cuts.sort_unstable_by(f64::total_cmp);
        let (mut parts, mut at) = (Vec::new(), 0);
        for cut in cuts {
            let end = (cut * tape.len() as f64) as u64;
            parts.extend(taken(&mut by_parts, &tape, at, end, None));
            at = end;
        }
        parts.extend(by_parts.finish(None));
        prop_assert_eq!(&whole, &parts);

        let mut stamped = session();
        let mut sent = taken(&mut stamped, &tape, 0, tape.len(), Some(9));
        sent.extend(stamped.finish(Some(9)));
        let plain: Vec<Vec<u8>> = records(&sent).into_iter().map(|record| {
            let (content, ts_out) = record.split_at(record.len() - 8);
            assert_eq!(ts_out, 9_u64.to_le_bytes());
            [&[content[0] - 2], &content[1..]].concat()
        }).collect();
        prop_assert_eq!(plain.concat(), whole);
    }

    #[test]
    fn nothing_that_a_client_does_breaks_it(
        stretches in any_stretches(),
        steps in prop::collection::vec((any_asked(), 0..4_u8, 0.0..=1.0), 1..30),
    ) {
        let tape = tape(&stretches, &[]);
        let (mut session, mut at) = (Session::default(), 0);
        for (asked, step, to) in steps {
            let to = (to * tape.len() as f64) as u64;
            match step {
                0 => at = asked.subscribe(&mut session, &tape),
                1 => session.restart(&tape, to, &mut quiet).unwrap(),
                2 => at = to,
                _ => {
                    let (piece, next) = session.next(&tape, at, to, None, &mut quiet).unwrap();
                    records(&piece);
                    at = next;
                }
            }
        }
        records(&session.finish(None));
    }
}

#[test]
fn a_session_has_a_bounded_number_of_subscriptions() {
    let tape = tape(&[(Vec::new(), MboRecord::default())], &[]);
    let mut session = Session::default();
    let mut subscribe = |ids: std::ops::Range<u32>, since| {
        session.subscribe(&tape, Subject::Mbo, ids.collect(), 0, Nanos(since), &mut quiet)
    };
    (1..=1_000).for_each(|since| subscribe(0..1, since).unwrap());
    let refused = subscribe(0..1, 1_001).unwrap_err().to_string();
    assert!(refused.contains("at most 1000 that differ"), "{refused}");
    subscribe(1..2, 1_000).unwrap();
    let refused = subscribe(0..1_000_001, 1).unwrap_err().to_string();
    assert!(refused.contains("1000000 instruments"), "{refused}");
    subscribe(0..100, 1).unwrap();
}
