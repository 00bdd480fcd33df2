//! Sessions that break off and are taken up again: each record once, in order, and gaps where there are any.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod folder;

use std::sync::Arc;
use std::time::Duration;

use booktape_core::feed::Metadata;
use booktape_core::tape::Tape;
use booktape_core::types::{Flags, MboRecord, Nanos};
use booktape_core::{Error, synth};
use booktape_store::ingest::{Ingest, Inlet, Resume};
use booktape_store::{LiveSettings, LiveTape, SyncWhen};
use dbn::{ErrorCode, ErrorMsg, RecordHeader, StatusMsg, SystemCode, SystemMsg, rtype};
use folder::{Folder, live as taken_up, quiet};
use proptest::prelude::*;
use zerocopy::IntoBytes;

const SETTINGS: LiveSettings = LiveSettings { segment_bytes: 40_000, sync: SyncWhen::SegmentEnds };
const OVERLAP: Duration = Duration::from_secs(5);
const SECOND: u64 = 1_000_000_000;
const NOON: u64 = 1_700_000_000 * SECOND;

/// What an upstream has, and how it answers.
struct Upstream {
    /// Whole records with their `ts_event`.
    records: Vec<(u64, Vec<u8>)>,
}

impl Upstream {
    /// Records of some books, a tenth of a second apart, whose events were up to so many tenths before; statuses between them.
    fn new(records: usize, delays: &[u64], snapshot: usize) -> Self {
        let options =
            synth::Options { messages: records as u64, instruments: 3, seed: 7, ..synth::Options::default() };
        let made = Tape::synthesize(&options, &mut quiet).unwrap();
        let mut all = Vec::new();
        for (n, record) in made.in_memory().unwrap().iter().take(records).enumerate() {
            let ts_recv = NOON + n as u64 * SECOND / 10;
            let is_old = n < snapshot;
            let last = if n + 20 >= snapshot { Flags::LAST } else { 0 };
            let flags = if is_old { Flags::SNAPSHOT | last } else { record.flags & !Flags::SNAPSHOT };
            let delay = if is_old { 3_600 + n as u64 } else { delays[n % delays.len()] };
            let ts_event = ts_recv - delay * SECOND / 10;
            let record = MboRecord { ts_recv, ts_event, flags, ..*record };
            all.push((ts_event, record.as_bytes().to_vec()));
            if n % 7 == 3 {
                let hd = RecordHeader::new::<StatusMsg>(rtype::STATUS, record.publisher_id, 5, ts_event);
                let status = StatusMsg { hd, ts_recv, ..StatusMsg::default() };
                all.push((ts_event, AsRef::<[u8]>::as_ref(&status).to_vec()));
            }
        }
        Self { records: all }
    }

    /// The bytes of a session from a time on, up to a record.
    fn session(&self, start: u64, until: usize) -> Vec<u8> {
        let mut bytes = metadata(start);
        let records = self.records[..until].iter().filter(|(ts_event, _)| *ts_event >= start);
        records.for_each(|(_, record)| bytes.extend(record));
        bytes
    }

    fn bytes(&self) -> Vec<u8> {
        self.records.iter().flat_map(|(_, record)| record.clone()).collect()
    }
}

fn metadata(start: u64) -> Vec<u8> {
    Metadata::for_mbo("GLBX.MDP3", &[], Nanos(start), Nanos(u64::MAX)).unwrap().raw().to_vec()
}

/// The records of a tape and those beside it, as they are in its segments.
fn recorded(folder: &Folder, live: &LiveTape) -> Vec<u8> {
    let mut bytes = Vec::new();
    for segment in folder.segments(&live.head().id()) {
        let whole = std::fs::read(segment).unwrap();
        let (_, head) = Metadata::at_head(&whole).unwrap().unwrap();
        bytes.extend(&whole[head..]);
    }
    bytes
}

fn asked(resume: Resume) -> u64 {
    match resume {
        Resume::From(start) => start.0,
        Resume::Begin | Resume::Whole => 0,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_session_that_breaks_off_anywhere_goes_on_without_loss_or_repetition(
        drops in prop::collection::vec((any::<prop::sample::Index>(), 0..70_usize, any::<bool>()), 1..8),
        delays in prop::collection::vec(0..30_u64, 1..9),
        snapshot in prop_oneof![Just(0), 1..150_usize],
    ) {
        let upstream = Upstream::new(500, &delays, snapshot);
        let mut drops: Vec<_> = drops
            .into_iter()
            .map(|(at, bytes, is_restart)| (at.index(upstream.records.len()), bytes, is_restart))
            .collect();
        drops.sort_unstable();
        drops.push((upstream.records.len(), 0, false));
        let folder = Folder::new();
        let mut tapes = folder.tapes();
        let live = tapes.create_live("feed", "", SETTINGS).unwrap();
        let id = live.head().id();
        let mut ingest = Ingest::new(live);
        for (until, half, is_restart) in drops {
            let start = asked(ingest.resume(OVERLAP).unwrap());
            let whole = upstream.session(start, until);
            let next = upstream.records.get(until).map_or(&[][..], |(_, record)| record);
            let bytes = [&whole, &next[..half.min(next.len().saturating_sub(1))]].concat();
            for fragment in bytes.chunks(777) {
                ingest.take(fragment).unwrap();
            }
            if is_restart {
                drop(ingest);
                drop(tapes);
                tapes = folder.tapes();
                ingest = Ingest::new(taken_up(&tapes, &id, SETTINGS));
            }
        }
        let live = Arc::clone(ingest.live());
        let (found, wanted) = (recorded(&folder, &live), upstream.bytes());
        let differs = found.iter().zip(&wanted).position(|(a, b)| a != b);
        prop_assert!(found == wanted, "{} of {} bytes, {differs:?}, {:?}", found.len(), wanted.len(), ingest.figures());
        prop_assert_eq!(ingest.figures().gaps, 0);
        prop_assert_eq!(live.head().gaps().unwrap(), []);
    }

    #[test]
    fn what_an_upstream_does_not_have_any_more_is_a_gap_and_nothing_else_is(
        cut in 1..400_usize, later in 0..450_usize,
    ) {
        let upstream = Upstream::new(450, &[0], 0);
        let folder = Folder::new();
        let tapes = folder.tapes();
        let ingest = Ingest::new(tapes.create_live("feed", "", SETTINGS).unwrap());
        ingest.resume(OVERLAP).unwrap();
        ingest.take(&upstream.session(0, cut)).unwrap();
        let start = asked(ingest.resume(OVERLAP).unwrap());
        // It has only what is after another time.
        let begin = start.max(upstream.records[later].0);
        ingest.take(&upstream.session(begin, upstream.records.len())).unwrap();
        let live = ingest.live();
        let mbo = |from: usize, to: usize| {
            upstream.records[from..to].iter().filter(|(_, record)| record[1] == MboRecord::RTYPE).count() as u64
        };
        let first = upstream.records.iter().position(|(ts, _)| *ts >= begin).unwrap();
        // Where nothing that comes is on the tape nobody knows that nothing is missing; statuses tell nothing.
        let is_missing = mbo(first.min(cut), cut) == 0;
        let gaps = live.head().gaps().unwrap();
        prop_assert_eq!(gaps.len(), usize::from(is_missing));
        let last = mbo(0, cut);
        let kept = upstream.records.iter().enumerate().filter(|(n, _)| *n < cut || *n >= first);
        let expected: Vec<&[u8]> = kept
            .map(|(_, (_, record))| record.as_slice())
            .filter(|record| record[1] == MboRecord::RTYPE)
            .collect();
        let blocks = live.head();
        let found: Vec<u8> =
            blocks.blocks(0..blocks.len()).flat_map(|part| part.unwrap().1.as_bytes().to_vec()).collect();
        prop_assert!(found == expected.concat());
        if let [gap] = gaps.as_slice() {
            prop_assert_eq!((gap.index, gap.of), (last, None));
            prop_assert!(gap.text.starts_with("gap: records between "), "{}", gap.text);
        }
    }
}

fn error(code: ErrorCode, text: &str) -> Vec<u8> {
    AsRef::<[u8]>::as_ref(&ErrorMsg::new(NOON, Some(code), text, true)).to_vec()
}

fn system(code: SystemCode, text: &str) -> Vec<u8> {
    AsRef::<[u8]>::as_ref(&SystemMsg::new(NOON, Some(code), text).unwrap()).to_vec()
}

#[test]
fn what_the_upstream_says_is_told_and_only_gaps_are_on_the_tape() {
    let upstream = Upstream::new(50, &[0], 0);
    let folder = Folder::new();
    let tapes = folder.tapes();
    let ingest = Ingest::new(tapes.create_live("feed", "", SETTINGS).unwrap());
    ingest.resume(OVERLAP).unwrap();
    ingest.take(&upstream.session(0, 20)).unwrap();
    ingest.take(&system(SystemCode::Heartbeat, "Heartbeat")).unwrap();
    ingest.take(&system(SystemCode::SlowReaderWarning, "slow")).unwrap();
    ingest.take(&error(ErrorCode::SymbolResolutionFailed, "XX does not resolve")).unwrap();
    ingest.take(&error(ErrorCode::SkippedRecordsAfterSlowReading, "skipped")).unwrap();
    let said: Vec<_> =
        ingest.messages().into_iter().map(|said| (said.is_error, said.code, said.text)).collect();
    let text = str::to_owned;
    assert_eq!(
        said,
        [(false, 2, text("slow")), (true, 4, text("XX does not resolve")), (true, 7, text("skipped"))]
    );
    assert_eq!(ingest.messages(), []);
    let head = ingest.live().head();
    assert_eq!(head.other_records().get("error"), Some(&1));
    assert_eq!(head.other_records().get("system"), None);
    assert_eq!(head.gaps().unwrap().iter().map(|gap| gap.index).collect::<Vec<_>>(), [head.len()]);
    // A gap is there already.
    ingest.miss().unwrap();
    assert_eq!(ingest.figures().gaps, 1);
    assert_eq!(ingest.resume(OVERLAP).unwrap(), Resume::Begin);
}

#[test]
fn a_replay_that_is_said_to_be_complete_before_it_comes_leaves_no_gap() {
    let upstream = Upstream::new(60, &[0], 0);
    let folder = Folder::new();
    let tapes = folder.tapes();
    let ingest = Ingest::new(tapes.create_live("feed", "", SETTINGS).unwrap());
    ingest.resume(OVERLAP).unwrap();
    ingest.take(&upstream.session(0, 30)).unwrap();
    let start = asked(ingest.resume(OVERLAP).unwrap());
    let session = upstream.session(start, 60);
    let head = metadata(start).len();
    ingest.take(&session[..head]).unwrap();
    ingest.take(&system(SystemCode::ReplayCompleted, "Finished mbo replay")).unwrap();
    ingest.take(&session[head..]).unwrap();
    assert!(recorded(&folder, ingest.live()) == upstream.session(0, 60)[head..]);
}

#[test]
fn a_record_that_is_none_ends_the_session_and_takes_nothing_with_it() {
    let upstream = Upstream::new(60, &[0], 0);
    let folder = Folder::new();
    let tapes = folder.tapes();
    let inlet = Inlet::new(Arc::new(Ingest::new(tapes.create_live("feed", "", SETTINGS).unwrap()))).unwrap();
    inlet.ingest().resume(OVERLAP).unwrap();
    inlet.write(&upstream.session(0, 30)).unwrap();
    inlet.finish().unwrap();
    inlet.write(&[14, 99, 0, 0].repeat(14)).unwrap();
    assert!(matches!(inlet.finish(), Err(Error::Input { .. } | Error::Parameter { .. })));
    let start = asked(inlet.ingest().resume(OVERLAP).unwrap());
    for fragment in upstream.session(start, 60).chunks(56) {
        assert!(inlet.offer(fragment).unwrap());
    }
    inlet.finish().unwrap();
    assert!(recorded(&folder, inlet.ingest().live()) == upstream.session(0, 60)[metadata(0).len()..]);
    assert!(inlet.lag().abs() < f64::EPSILON);
}
