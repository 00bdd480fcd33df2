//! Rows of a few records, as Databento's own code reads them.

use booktape_core::derive::{DeriveOptions, Deriver, Schema};
use booktape_core::types::MboRecord;
use dbn::decode::DecodeRecord;
use dbn::decode::dbn::RecordDecoder;
use dbn::{HasRType, RecordHeader, VersionUpgradePolicy};

pub fn derive<T: HasRType<Header = RecordHeader> + Clone>(schema: Schema, records: &[MboRecord]) -> Vec<T> {
    derive_with(schema, DeriveOptions::default(), records)
}

pub fn derive_with<T: HasRType<Header = RecordHeader> + Clone>(
    schema: Schema,
    options: DeriveOptions,
    records: &[MboRecord],
) -> Vec<T> {
    let (mut deriver, mut rows) = (Deriver::new(schema, options), Vec::new());
    for record in records {
        deriver.apply(record, &mut rows);
    }
    deriver.finish(&mut rows);
    decode(schema, &rows)
}

pub fn decode<T: HasRType<Header = RecordHeader> + Clone>(schema: Schema, rows: &[u8]) -> Vec<T> {
    assert_eq!(rows.len() % schema.row_size(), 0);
    let mut decoder = RecordDecoder::with_version(rows, 3, VersionUpgradePolicy::AsIs, false).unwrap();
    let mut decoded = Vec::new();
    while let Some(row) = decoder.decode_record::<T>().unwrap() {
        decoded.push(row.clone());
    }
    assert_eq!(decoded.len(), rows.len() / schema.row_size());
    decoded
}
