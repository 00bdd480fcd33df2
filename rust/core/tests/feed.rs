//! DBN in and out: what is read is what was written, and what cannot be read says where and why.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_wrap)]

use std::io::Write;

use booktape_core::error::Fault;
use booktape_core::feed::{Interval, Limits, Options};
use booktape_core::market::Market;
use booktape_core::tape::{Tape, apply_stream};
use booktape_core::types::{MboRecord, Nanos};
use booktape_core::{Error, synth};
use dbn::decode::dbn::MetadataDecoder;
use dbn::encode::dbn::Encoder;
use dbn::encode::{DbnEncodable, EncodeRecord};
use dbn::{
    FlagSet, MappingInterval, MboMsg, Metadata, RecordHeader, SType, Schema, SymbolMapping,
    VersionUpgradePolicy, WithTsOut, rtype,
};
use zerocopy::IntoBytes;

const DAY: u64 = 86_400_000_000_000;
/// 2026-01-05T00:00:00Z, a Monday.
const MONDAY: u64 = 1_767_571_200_000_000_000;

fn mbo(order_id: u64, instrument_id: u32, ts: u64) -> MboMsg {
    MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 1, instrument_id, ts),
        order_id,
        price: 100_000_000_000,
        size: 1,
        flags: FlagSet::new(128),
        channel_id: 0,
        action: b'A' as _,
        side: b'B' as _,
        ts_recv: ts,
        ts_in_delta: 0,
        sequence: 1,
    }
}

fn date(day: u8) -> time::Date {
    time::Date::from_calendar_date(2026, time::Month::January, day).unwrap()
}

fn metadata(version: u8, schema: Option<Schema>, ts_out: bool) -> Metadata {
    let interval = |from, to, id: &str| MappingInterval {
        start_date: date(from),
        end_date: date(to),
        symbol: id.into(),
    };
    let mut metadata = Metadata::builder()
        .version(version)
        .dataset("GLBX.MDP3")
        .schema(schema)
        .start(MONDAY)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .ts_out(ts_out)
        .symbols(vec!["ESH6".into(), "CLH6".into()])
        .mappings(vec![
            SymbolMapping {
                raw_symbol: "ESH6".into(),
                intervals: vec![interval(5, 6, "7"), interval(6, 7, "8")],
            },
            SymbolMapping { raw_symbol: "CLH6".into(), intervals: vec![interval(6, 7, "7")] },
        ])
        .build();
    metadata.upgrade(VersionUpgradePolicy::AsIs);
    metadata
}

fn encoded<R: DbnEncodable>(metadata: &Metadata, records: &[R]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), metadata).unwrap();
    for record in records {
        encoder.encode_record(record).unwrap();
    }
    encoder.get_ref().clone()
}

fn read(bytes: &[u8]) -> booktape_core::Result<Tape> {
    Tape::read(bytes, "test", 0, Options::default(), None, &mut |_, _| Ok(()))
}

fn fault(bytes: &[u8]) -> Fault {
    match read(bytes) {
        Err(Error::Input { name, fault }) => {
            assert_eq!(name, "test");
            fault
        }
        other => panic!("{other:?}"),
    }
}

fn plain() -> Vec<u8> {
    encoded(
        &metadata(3, Some(Schema::Mbo), false),
        &[mbo(1, 7, MONDAY), mbo(2, 7, MONDAY + 1), mbo(3, 8, MONDAY + 2)],
    )
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

#[test]
fn all_three_versions_read_the_same_plain_and_compressed() {
    for version in 1..=3 {
        let bytes = encoded(
            &metadata(version, Some(Schema::Mbo), false),
            &[mbo(1, 7, MONDAY), mbo(2, 8, MONDAY + 1)],
        );
        for bytes in [bytes.clone(), compressed(&bytes)] {
            let tape = read(&bytes).unwrap();
            assert_eq!(tape.metadata().version(), version);
            assert_eq!(
                tape.in_memory().unwrap().iter().map(|record| record.order_id).collect::<Vec<_>>(),
                [1, 2]
            );
            assert_eq!(tape.symbols().get(&8).unwrap(), "ESH6");
        }
    }
}

#[test]
fn what_is_written_is_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let tape = read(&plain()).unwrap();
    for name in ["out.dbn", "out.dbn.zst"] {
        let path = folder.path().join(name);
        tape.write_dbn(&path, &mut |_, _| Ok(())).unwrap();
        let again = Tape::open(&path, Options::default(), None, &mut |_, _| Ok(())).unwrap();
        assert_eq!(again.in_memory().unwrap(), tape.in_memory().unwrap());
        assert_eq!(again.metadata().raw(), tape.metadata().raw());
    }
    assert_eq!(std::fs::read(folder.path().join("out.dbn")).unwrap(), plain());
}

#[test]
fn an_interrupted_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.dbn");
    let written = read(&plain()).unwrap().write_dbn(&path, &mut |_, _| Err(Error::Interrupted));
    assert!(matches!(written, Err(Error::Interrupted)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn ts_out_is_stripped_and_kept_for_export() {
    let records = [1, 2].map(|id| WithTsOut::new(mbo(id, 7, MONDAY), 99 + id));
    let bytes = encoded(&metadata(3, Some(Schema::Mbo), true), &records);
    let tape = read(&bytes).unwrap();
    assert_eq!(tape.in_memory().unwrap()[0].length, MboRecord::WORDS);
    assert_eq!(tape.block(0).unwrap().ts_outs(), [100, 101]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.dbn");
    tape.write_dbn(&path, &mut |_, _| Ok(())).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), bytes);
}

#[test]
fn records_of_other_types_sit_beside_the_tape() {
    for version in [1_u8, 3] {
        let mut bytes = encoded::<MboMsg>(&metadata(version, None, false), &[]);
        let mut add = |record: &[u8]| bytes.extend_from_slice(record);
        add(mbo(1, 7, MONDAY).as_ref());
        let symbol = |text: &str| {
            let mut field = [0; dbn::v1::SYMBOL_CSTR_LEN];
            text.bytes().zip(&mut field).for_each(|(byte, place)| *place = byte as _);
            field
        };
        let mapping_v1 = dbn::v1::SymbolMappingMsg {
            hd: RecordHeader::new::<dbn::v1::SymbolMappingMsg>(rtype::SYMBOL_MAPPING, 1, 7, MONDAY),
            stype_in_symbol: symbol("ES.FUT"),
            stype_out_symbol: symbol("ESM6"),
            ..Default::default()
        };
        if version == 1 {
            add(mapping_v1.as_ref());
        } else {
            add(dbn::SymbolMappingMsg::from(&mapping_v1).as_ref());
        }
        add(mbo(2, 7, MONDAY + 1).as_ref());
        let tape = read(&bytes).unwrap();
        assert_eq!(tape.len(), 2);
        assert_eq!(tape.other_records().get("symbol_mapping"), Some(&1));
        assert_eq!(tape.symbols().get(&7).unwrap(), "ESM6");
        let market = tape.market_at(2, None, &mut |_, _| Ok(())).unwrap();
        assert_eq!(market.entries()[0].book.order(1), None, "the id means another instrument since");
        assert!(market.entries()[0].book.order(2).is_some());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.dbn");
        tape.write_dbn(&path, &mut |_, _| Ok(())).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), bytes);
    }
}

#[test]
fn books_start_again_where_an_instrument_id_changes_its_meaning() {
    // Id 7 is ESH6 on Monday and CLH6 on Tuesday.
    let records =
        [mbo(1, 7, MONDAY), mbo(2, 8, MONDAY + 1), mbo(3, 7, MONDAY + DAY), mbo(4, 8, MONDAY + DAY)];
    let bytes = encoded(&metadata(3, Some(Schema::Mbo), false), &records);
    let tape = read(&bytes).unwrap();
    let orders = |position: u64, instrument: u32| -> Vec<bool> {
        let market = tape.market_at(position, None, &mut |_, _| Ok(())).unwrap();
        let entry = market.find(instrument, None).unwrap();
        entry.book.check().unwrap();
        (1..=4).map(|id| entry.book.order(id).is_some()).collect()
    };
    assert_eq!(orders(2, 7), [true, false, false, false]);
    assert_eq!(orders(4, 7), [false, false, true, false]);
    assert_eq!(orders(4, 8), [false, true, false, true], "8 means the same on both days");
    // The same in one pass over the bytes.
    let mut once = Market::new();
    apply_stream(&mut once, &bytes[..], "once", 0, Options::default(), &mut |_, _| Ok(())).unwrap();
    let book = &once.find(7, None).unwrap().book;
    assert_eq!((book.order(1), book.order(3).is_some()), (None, true));
    assert_eq!(once.symbols()[&7], "CLH6");
}

#[test]
fn files_in_time_order_are_one_tape_and_others_are_refused() {
    let monday = || read(&encoded(&metadata(3, Some(Schema::Mbo), false), &[mbo(1, 7, MONDAY)])).unwrap();
    let tuesday =
        || read(&encoded(&metadata(3, Some(Schema::Mbo), false), &[mbo(2, 8, MONDAY + DAY)])).unwrap();
    let whole = Tape::join(vec![monday(), tuesday()]).unwrap();
    assert_eq!(whole.len(), 2);
    let refused = Tape::join(vec![tuesday(), monday()]).unwrap_err().to_string();
    assert!(refused.contains("before the other ends"), "{refused}");
}

#[test]
fn every_fault_says_what_and_where() {
    let good = plain();
    let head = good.len() - 3 * MboRecord::SIZE;
    let damaged = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert!(matches!(fault(b""), Fault::Empty));
    assert!(matches!(fault(b"PK\x03\x04 a zip"), Fault::Magic { .. }));
    assert!(
        matches!(fault(&compressed(b"something else")), Fault::Magic { found, .. } if found == "73 6f 6d 65")
    );
    assert!(matches!(fault(&compressed(b"")), Fault::Empty));
    assert!(matches!(fault(b"DBN"), Fault::Metadata { .. }));
    assert!(matches!(fault(&damaged(3, 4)), Fault::Version { found: 4 }));
    assert!(matches!(fault(&good[..head - 1]), Fault::Metadata { .. }));
    let cut = fault(&good[..good.len() - 10]);
    assert!(matches!(cut, Fault::Truncated { record: 2, need: 56, have: 46, .. }), "{cut:?}");
    let zero = fault(&damaged(head + MboRecord::SIZE, 0));
    assert!(matches!(zero, Fault::RecordLength { record: 1, length: 0, .. }), "{zero:?}");
    let typed = fault(&damaged(head + 2 * MboRecord::SIZE + 1, 0x77));
    assert!(matches!(typed, Fault::RecordType { record: 2, rtype: 0x77, .. }), "{typed:?}");
    let joined = fault(&[good.clone(), good.clone()].concat());
    assert!(
        matches!(joined, Fault::Joined { record: 3, offset } if offset == good.len() as u64),
        "{joined:?}"
    );
    let other = encoded::<MboMsg>(&metadata(3, Some(Schema::Trades), false), &[]);
    assert!(matches!(fault(&other), Fault::Schema { found } if found == "trades"));
    let squeezed = compressed(&good);
    assert!(matches!(fault(&squeezed[..squeezed.len() - 4]), Fault::Zstd { .. }));
}

#[test]
fn tolerant_reading_keeps_the_good_prefix_and_says_what_it_left() {
    let good = plain();
    let options = Options { tolerant: true, ..Options::default() };
    let tape = Tape::read(&good[..good.len() - 10], "test", 0, options, None, &mut |_, _| Ok(())).unwrap();
    assert_eq!(tape.len(), 2);
    let left = tape.left().unwrap();
    assert!(left.contains("kept 2 records") && left.contains("there are 46"), "{left}");
}

#[test]
fn a_decompression_bomb_is_refused_within_its_limit() {
    let mut bomb = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
    bomb.write_all(&encoded::<MboMsg>(&metadata(3, Some(Schema::Mbo), false), &[])).unwrap();
    let record = MboRecord { action: b'A', side: b'B', ..MboRecord::default() };
    let block: Vec<u8> = record.as_bytes().repeat(10_000);
    for _ in 0..100 {
        bomb.write_all(&block).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let limits = Limits { max_decompressed: Some(4 << 20) };
    let read = Tape::read(
        bomb.as_slice(),
        "bomb",
        0,
        Options { limits, ..Options::default() },
        None,
        &mut |_, _| Ok(()),
    );
    assert!(
        matches!(read, Err(Error::Input { fault: Fault::TooLarge { limit: 4_194_304 }, .. })),
        "{read:?}"
    );
}

#[test]
fn times_find_positions() {
    let tape = Tape::synthesize(
        &synth::Options { messages: 5_000, instruments: 2, seed: 1, ..synth::Options::default() },
        &mut |_, _| Ok(()),
    )
    .unwrap();
    let records = tape.in_memory().unwrap();
    for index in (0..records.len()).step_by(97) {
        let ts = records[index].ts_recv();
        let expected = records.iter().rposition(|record| record.ts_recv() <= ts).unwrap() + 1;
        assert_eq!(tape.position_at(ts).unwrap(), expected as u64);
        assert_eq!(tape.due(0, ts).unwrap(), expected as u64);
    }
    let outside = tape.position_at(booktape_core::types::Nanos(1)).unwrap_err().to_string();
    assert!(outside.contains("the tape goes from"), "{outside}");
}

#[test]
fn derived_metadata_keeps_symbols_and_adds_what_records_named() {
    let bytes = encoded(&metadata(1, Some(Schema::Mbo), false), &[mbo(1, 7, MONDAY)]);
    let tape = read(&bytes).unwrap();
    let names = [
        Interval {
            instrument_id: 7,
            symbol: "not this".into(),
            start: Nanos(MONDAY),
            end: Nanos(MONDAY + DAY),
        },
        Interval {
            instrument_id: 9,
            symbol: "NQH6".into(),
            start: Nanos(MONDAY + 5),
            end: Nanos(MONDAY + DAY),
        },
    ];
    let end = Nanos(MONDAY + DAY);
    let derived = tape.metadata().derived("mbp-1", &names, Nanos(MONDAY), end).unwrap();
    let decoded = MetadataDecoder::<_, RecordHeader>::new(derived.raw()).decode().unwrap();
    assert_eq!(
        (decoded.version, decoded.schema, decoded.dataset.as_str()),
        (3, Some(Schema::Mbp1), "GLBX.MDP3")
    );
    assert_eq!((decoded.start, decoded.end.unwrap().get(), decoded.ts_out), (MONDAY, MONDAY + DAY, false));
    assert_eq!(decoded.symbols, ["ESH6", "CLH6", "NQH6"]);
    let nq = Interval { start: Nanos(MONDAY), ..names[1].clone() };
    assert_eq!(derived.intervals(), [tape.metadata().intervals(), vec![nq]].concat());
    assert!(tape.metadata().derived("mbp-2", &[], Nanos(MONDAY), end).is_err());
}
