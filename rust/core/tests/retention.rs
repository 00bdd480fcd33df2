//! A tape whose earlier records were dropped is, from the first that it keeps on, the tape that it was.
#![allow(clippy::unwrap_used)]

mod flow;
mod tapes;

use std::io::Write;
use std::sync::Arc;

use booktape_core::Error;
use booktape_core::audit::Audit;
use booktape_core::derive::{DeriveOptions, Schema};
use booktape_core::export::{Rows, Wanted, What};
use booktape_core::feed::{Fragments, Options, Part};
use booktape_core::market::Market;
use booktape_core::matching::View;
use booktape_core::synth;
use booktape_core::tape::{
    BlockCache, Ending, EnteredBy, Growing, Keyframes, Origin, Scan, Segment, Survey, Tape,
};
use booktape_core::types::Nanos;
use booktape_core::wire::{self, Format, Frames};
use proptest::prelude::*;
use tapes::{any_part, dbn, quiet};

/// Low enough that a few thousand records have many keyframes.
const SHORT: u64 = 60_000;

fn shown(market: &Market) -> Vec<String> {
    let states = market.entries().iter().map(|entry| {
        entry.book.check().unwrap();
        wire::book_state(market, entry, usize::MAX, View::Published, true).unwrap()
    });
    let whole = Audit::of(market).to_json().unwrap();
    states.chain([whole]).map(|json| String::from_utf8(json).unwrap()).collect()
}

/// A growing tape whose records are in files, and what is needed to open it again.
struct Live {
    growing: Growing,
    files: Vec<(u64, Scan, Arc<std::fs::File>)>,
    cache: Arc<BlockCache>,
}

impl Live {
    /// The tape of a DBN stream, in files that end behind so many records; the last one is still written.
    fn of(dbn: &[u8], cuts: &[u64], worth: u64) -> Self {
        let decoded = Fragments::default().decode(dbn);
        let [Part { metadata, .. }] = decoded.parts.as_slice() else { unreachable!("one session") };
        let empty = Growing::new("live".to_owned(), 1, (**metadata).clone()).unwrap().head();
        let growing = Growing::after(Tape::clone(&empty).with_keyframes(Keyframes::every(worth)));
        let mut live = Self { growing, files: Vec::new(), cache: Arc::default() };
        let mut stream = Fragments::of(Arc::clone(metadata));
        let mut survey = Survey::new((**metadata).clone());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(metadata.raw()).unwrap();
        let mut end = metadata.raw().len();
        for fragment in dbn[metadata.raw().len()..].chunks(997) {
            let decoded = stream.decode(fragment);
            for part in &decoded.parts {
                let bytes = &decoded.bytes[part.range.clone()];
                file.write_all(bytes).unwrap();
                end += bytes.len();
                survey.see(&part.piece);
                live.growing.append(part.piece.clone()).unwrap();
            }
            stream = decoded.next;
            let first = live.growing.head().len() - survey.len();
            if cuts.iter().any(|cut| (first + 1..=live.growing.head().len()).contains(cut)) {
                let scan =
                    std::mem::replace(&mut survey, Survey::new((**metadata).clone())).finish(end as u64);
                let whole = std::mem::replace(&mut file, tempfile::tempfile().unwrap());
                file.write_all(metadata.raw()).unwrap();
                end = metadata.raw().len();
                live.files.push((first, scan, Arc::new(whole)));
                live.growing.seal(live.segment(live.files.len() - 1), &live.cache).unwrap();
            }
        }
        let first = live.growing.head().len() - survey.len();
        live.files.push((first, survey.finish(end as u64), Arc::new(file)));
        live
    }

    fn segment(&self, file: usize) -> Segment {
        let (_, scan, file) = &self.files[file];
        Segment { scan: scan.clone(), path: "segment".to_owned(), file: Arc::clone(file) as _ }
    }

    /// Drops the first few files.
    fn drop_files(&mut self, files: usize) -> Origin {
        let first = self.files[files].0;
        let scans: Vec<Scan> = self.files.drain(..files).map(|(_, scan, _)| scan).collect();
        let last = scans.last().unwrap();
        let behind: Vec<_> = last
            .facts
            .iter()
            .filter(|(index, _)| *index == last.directory.len)
            .map(|(_, fact)| fact.clone())
            .collect();
        let origin = self.growing.head().origin_at(first, &last.metadata, &behind).unwrap();
        self.growing.drop_before(origin.clone(), &scans).unwrap();
        origin
    }

    /// The same, opened again from what is kept.
    fn reopened(&self, origin: &Origin) -> Arc<Tape> {
        let origin = Origin::decode(&origin.encode()).unwrap();
        let growing = Growing::from_origin("live".to_owned(), 1, origin).unwrap();
        for file in 0..self.files.len() {
            growing.add(self.segment(file), &self.cache).unwrap();
        }
        growing.head()
    }
}

fn assert_same_from(first: u64, tape: &Tape, expected: &Tape, position: u64) {
    let (found, there) = (
        tape.market_at(position, None, &mut quiet).unwrap(),
        expected.market_at(position, None, &mut quiet).unwrap(),
    );
    assert_eq!(shown(&found), shown(&there), "at {position} of a tape from {first}");
    assert_eq!((found.position(), found.ts_recv()), (there.position(), there.ts_recv()));
    assert_eq!(found.symbols(), there.symbols());
    for entry in there.entries() {
        let alone = tape.market_at(position, Some(entry.key), &mut quiet).unwrap();
        assert_eq!(alone.entries().len(), 1);
        assert_eq!((alone.entries()[0].key, alone.entries()[0].tally), (entry.key, entry.tally));
    }
    let mut played = Market::new();
    tape.apply(&mut played, first..position, &mut quiet).unwrap();
    assert_eq!(shown(&played), shown(&there), "played to {position} of a tape from {first}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn books_are_those_of_the_whole_tape_from_the_first_record_kept_on(
        part in any_part(5_000),
        ts_out in any::<bool>(),
        built in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 2..6),
        drops in any::<prop::sample::Index>(),
        moments in prop::collection::vec(any::<prop::sample::Index>(), 6),
    ) {
        let bytes = dbn(&part, 1_767_571_200_000_000_000, ts_out);
        let expected = Tape::read(&bytes[..], "whole", 0, Options::default(), None, &mut quiet).unwrap();
        let length = usize::try_from(expected.len()).unwrap();
        let cuts: Vec<u64> = cuts.iter().map(|cut| cut.index(length) as u64).collect();
        let mut live = Live::of(&bytes, &cuts, SHORT);
        let before = live.growing.head();
        before.market_at(built.index(length + 1) as u64, None, &mut quiet).unwrap();
        let files = drops.index(live.files.len());
        prop_assume!(files > 0 && live.files[files].0 < expected.len());
        // Once, or bit by bit.
        let one = live.drop_files(1);
        let origin = if files > 1 { live.drop_files(files - 1) } else { one };
        let first = origin.first();
        let heads = [live.growing.head(), live.reopened(&origin)];
        for head in &heads {
            prop_assert_eq!((head.first(), head.len()), (first, expected.len()));
            prop_assert_eq!(head.end(), expected.end());
            prop_assert_eq!(head.start(), expected.record(first).unwrap().map(|record| record.ts_recv()));
            prop_assert_eq!(head.symbols(), expected.symbols());
            for moment in &moments {
                let position = first + moment.index(length - first as usize + 1) as u64;
                assert_same_from(first, head, &expected, position);
            }
            for gone in [0, first - 1] {
                for refused in [head.record(gone).err(), head.market_at(gone, None, &mut quiet).err()] {
                    let named = matches!(refused, Some(Error::Gone { first: named, .. }) if named == first);
                    prop_assert!(named, "{:?}", refused);
                }
            }
        }
        prop_assert_eq!(heads[0].books().len(), heads[1].books().len());
        for (key, records) in heads[0].books() {
            prop_assert!(heads[1].books().contains(&(*key, *records)));
        }
        prop_assert_eq!(heads[0].other_records(), heads[1].other_records());
        // Whoever took a head before has all of it.
        let mut whole = Market::new();
        before.apply(&mut whole, 0..before.len(), &mut quiet).unwrap();
        prop_assert_eq!(shown(&whole), shown(&expected.market_at(expected.len(), None, &mut quiet).unwrap()));
        // And the tape grows on.
        live.growing.close();
    }
}

/// A synthetic day in files, the first of which are dropped, and the whole of it.
fn day() -> (Tape, Live, Origin) {
    let options = synth::Options { messages: 60_000, instruments: 2, seed: 8, ..synth::Options::default() };
    let whole = Tape::synthesize(&options, &mut quiet).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.dbn");
    whole.write_dbn(&path, &mut quiet).unwrap();
    let mut live = Live::of(&std::fs::read(&path).unwrap(), &[10_000, 20_000, 30_000, 40_000], 600_000);
    let origin = live.drop_files(3);
    (whole, live, origin)
}

#[test]
fn streams_and_rows_are_those_of_the_whole_tape() {
    let (whole, live, origin) = day();
    let first = origin.first();
    for head in [live.growing.head(), live.reopened(&origin)] {
        for format in [Format::Full, Format::Json, Format::Dbn] {
            let frames = |tape: &Tape, position| {
                let mut frames = Frames::new(tape, format, position, None, "".into())?;
                frames.next(tape, position + 9_000, &mut quiet)
            };
            for position in [first, first + 7_777] {
                assert!(frames(&head, position).unwrap() == frames(&whole, position).unwrap());
            }
            assert!(matches!(frames(&head, first - 1), Err(Error::Gone { .. })));
        }
        let rows = |tape: &Tape, what, start| {
            let (since, options) = (Nanos(0), DeriveOptions::for_dataset("GLBX.MDP3"));
            let (instrument_id, publisher_id, stop) = (None, None, tape.len());
            let wanted =
                Wanted { what, options, start, stop, since, instrument_id, publisher_id, limit: None };
            let mut rows = Rows::new(Arc::new(tape.clone()), wanted)?;
            rows.metadata()?;
            let (mut all, mut block) = (Vec::new(), Vec::new());
            while rows.fill(&mut block, &mut quiet)? {
                all.extend_from_slice(&block);
            }
            Ok::<_, Error>(all)
        };
        // Rows that begin where no event is under way.
        let mut begin = first;
        while !whole.record(begin - 1).unwrap().unwrap().flags().is_last() {
            begin += 1;
        }
        for what in [Schema::Mbp1, Schema::Mbp10, Schema::Tbbo, Schema::Trades]
            .map(What::Derived)
            .into_iter()
            .chain([What::Mbo])
        {
            let (found, expected) = (rows(&head, what, begin).unwrap(), rows(&whole, what, begin).unwrap());
            assert!(found == expected && !found.is_empty(), "{what:?}");
        }
        for schema in Schema::ALL.into_iter().filter(|schema| schema.interval().is_some()) {
            let what = What::Derived(schema);
            let (found, expected) = (rows(&head, what, first).unwrap(), rows(&whole, what, 0).unwrap());
            // The interval in which the tape begins is not whole.
            let size = what.row_size();
            let same =
                found.rchunks_exact(size).zip(expected.rchunks_exact(size)).take_while(|(a, b)| a == b);
            let same = same.count();
            assert!(
                same * size + 4 * size >= found.len(),
                "{schema:?}: {same} of {} rows",
                found.len() / size
            );
            assert!(matches!(rows(&head, what, first - 1), Err(Error::Gone { .. })));
        }
    }
}

#[test]
fn orders_live_on_from_where_the_tape_begins() {
    let (whole, live, origin) = day();
    let first = origin.first();
    let (mut resting, mut later) = (0, 0);
    for head in [live.growing.head(), live.reopened(&origin)] {
        let records = whole.in_memory().unwrap();
        for record in records.iter().filter(|record| record.action == b'A').step_by(61) {
            let expected =
                whole.order(record.order_id, Some(record.instrument_id), None, &mut quiet).unwrap();
            let [expected] = expected.lives.as_slice() else { continue };
            let entered = expected.entry.unwrap().index;
            let is_over = expected.exit.is_some_and(|exit| exit.index < first);
            let found = head.order(record.order_id, Some(record.instrument_id), None, &mut quiet);
            if is_over {
                assert!(matches!(found, Err(Error::NotFound(_))));
                continue;
            }
            let found = found.unwrap();
            let [found] = found.lives.as_slice() else { unreachable!("{found:?}") };
            assert_eq!(found.exit, expected.exit);
            if entered >= first {
                later += 1;
                assert_eq!(found, expected);
                continue;
            }
            resting += 1;
            let entry = found.entry.unwrap();
            assert_eq!((entry.index, entry.by), (first, EnteredBy::Snapshot));
            let kept: Vec<_> = expected.records.iter().filter(|record| record.index >= first).collect();
            assert_eq!(found.records.iter().collect::<Vec<_>>(), kept);
            assert!(found.ending == expected.ending || expected.ending == Ending::PartlyFilled, "{found:?}");
            assert_eq!(found.amounts.left, expected.amounts.left);
        }
    }
    assert!(resting > 20 && later > 100, "{resting}, {later}");
}

#[test]
fn a_damaged_origin_is_none() {
    let (_, _, origin) = day();
    let bytes = origin.encode();
    assert!(Origin::decode(&bytes).is_some());
    for at in (0..bytes.len()).step_by(bytes.len() / 200) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Origin::decode(&damaged).is_none());
        assert!(Origin::decode(&bytes[..at]).is_none());
    }
}
