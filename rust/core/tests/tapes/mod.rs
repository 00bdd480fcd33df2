//! Tapes of records as random as can be, with records of other types between them.

#![allow(dead_code, missing_docs)] // each test file uses its part

use std::sync::Arc;

use booktape_core::feed::Options;
use booktape_core::tape::{BlockCache, Keyframes, Spool, Tape};
use booktape_core::types::{Flags, MboRecord};
use dbn::encode::dbn::Encoder;
use dbn::encode::{DbnEncodable, EncodeRecord};
use dbn::{
    ErrorCode, ErrorMsg, FlagSet, MboMsg, Metadata, RecordHeader, SType, Schema, StatMsg, StatType,
    SymbolMappingMsg, WithTsOut, rtype,
};
use proptest::prelude::*;

use crate::flow::any::any_record;

#[allow(clippy::unnecessary_wraps)] // what progress is told to
pub fn quiet(_: u64, _: u64) -> booktape_core::Result<()> {
    Ok(())
}

/// A record of another type between two.
#[derive(Clone, Debug)]
pub enum Other {
    Symbol(u32, u8),
    Settlement(u16, u32, i64),
    Gap(Option<(u16, u32)>),
}

fn any_other() -> impl Strategy<Value = Other> {
    prop_oneof![
        (0..3_u32, 0..3_u8).prop_map(|(id, name)| Other::Symbol(id, name)),
        (1..3_u16, 0..3_u32, 95..105_i64)
            .prop_map(|(publisher, id, price)| Other::Settlement(publisher, id, price)),
        prop::option::of((1..3_u16, 0..3_u32)).prop_map(Other::Gap),
    ]
}

/// Records with publisher, instrument and channel, and what lies between them.
pub type Part = (Vec<(MboRecord, u16, u32, u8)>, Vec<(prop::sample::Index, Other)>);

/// Records of some books, one of them with most.
pub fn any_part(records: usize) -> impl Strategy<Value = Part> {
    let book = (1..3_u16, prop_oneof![20 => Just(0_u32), 4 => Just(1), 1 => Just(2)], 0..2_u8);
    let record = (any_record(), book).prop_map(|(mut record, (publisher, id, channel))| {
        if record.order_id != 1 {
            record.flags &= !Flags::MAYBE_BAD_BOOK;
        }
        (record, publisher, id, channel)
    });
    let others = prop::collection::vec((any::<prop::sample::Index>(), any_other()), 0..12);
    (prop::collection::vec(record, 1..records), others)
}

/// The part as a DBN file.
pub fn dbn(part: &Part, first_ts: u64, ts_out: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let metadata = Metadata::builder()
        .dataset("GLBX.MDP3")
        .schema(Some(Schema::Mbo))
        .start(first_ts)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .ts_out(ts_out)
        .build();
    let mut encoder = Encoder::new(&mut bytes, &metadata).unwrap();
    let (records, others) = part;
    for (n, (record, publisher_id, instrument_id, channel_id)) in records.iter().enumerate() {
        let ts = first_ts + n as u64;
        for (_, other) in others.iter().filter(|(at, _)| at.index(records.len()) == n) {
            match *other {
                Other::Symbol(id, name) => {
                    let (from, to) = (format!("ROOT{id}"), format!("NAME{name}"));
                    let mapping =
                        SymbolMappingMsg::new(id, ts, SType::RawSymbol, &from, SType::RawSymbol, &to, ts, ts);
                    put(&mut encoder, mapping.unwrap(), ts_out);
                }
                Other::Settlement(publisher_id, id, price) => {
                    let hd = RecordHeader::new::<StatMsg>(rtype::STATISTICS, publisher_id, id, ts);
                    let stat_type = StatType::SettlementPrice as u16;
                    let price = price * 1_000_000_000;
                    put(&mut encoder, StatMsg { hd, price, stat_type, ..StatMsg::default() }, ts_out);
                }
                Other::Gap(of) => {
                    let code = Some(ErrorCode::SkippedRecordsAfterSlowReading);
                    let mut error = ErrorMsg::new(ts, code, "records were skipped", true);
                    (error.hd.publisher_id, error.hd.instrument_id) = of.unwrap_or_default();
                    put(&mut encoder, error, ts_out);
                }
            }
        }
        let message = MboMsg {
            hd: RecordHeader::new::<MboMsg>(rtype::MBO, *publisher_id, *instrument_id, ts),
            order_id: record.order_id,
            price: record.price,
            size: record.size,
            flags: FlagSet::new(record.flags),
            channel_id: *channel_id,
            action: record.action.cast_signed(),
            side: record.side.cast_signed(),
            ts_recv: ts,
            ts_in_delta: 0,
            sequence: 0,
        };
        put(&mut encoder, message, ts_out);
    }
    bytes
}

fn put<R: DbnEncodable + dbn::HasRType + dbn::RecordMut<Header = RecordHeader>>(
    encoder: &mut Encoder<&mut Vec<u8>>,
    record: R,
    ts_out: bool,
) where
    WithTsOut<R>: DbnEncodable,
{
    if ts_out {
        encoder.encode_record(&WithTsOut::new(record, 7)).unwrap();
    } else {
        encoder.encode_record(&record).unwrap();
    }
}

/// A tape of a DBN file, in memory or in a file, with a keyframe wherever going on would take `worth` nanoseconds.
pub fn read(name: &str, bytes: &[u8], in_memory: bool, worth: u64, cache: &Arc<BlockCache>) -> Tape {
    let file = || tempfile::tempfile();
    let spool = Spool { in_memory: 0, file: &file, cache };
    let spool = (!in_memory).then_some(&spool);
    let tape = Tape::read(bytes, name, 0, Options::default(), spool, &mut quiet).unwrap();
    assert_eq!(tape.in_memory().is_some(), in_memory);
    tape.with_keyframes(Keyframes::every(worth))
}
