//! Rows as text, written by Databento's own encoders: the names, order and forms that its users know.

use dbn::decode::dbn::RecordDecoder;
use dbn::encode::{CsvEncoder, EncodeRecord, EncodeRecordRef, EncodeRecordTextExt, JsonEncoder};

use crate::error::{Error, Result};

/// How rows are written as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text {
    /// Comma-separated values: a line of names, then a line for each row.
    ///
    /// Times are ISO 8601 with nine digits, what there is none of is empty. Prices are decimals with nine digits, or
    /// integers in units of 1e-9.
    Csv {
        /// Whether prices are decimals.
        is_decimal: bool,
    },
    /// One array of objects, each on a line of its own. 64-bit numbers are strings: times in ns, prices in units of 1e-9.
    Json,
}

impl Text {
    /// Writes what comes before the first row.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a schema that DBN does not have.
    pub fn begin(self, schema: &str, with_symbols: bool, out: &mut Vec<u8>) -> Result<()> {
        let known = schema.parse::<dbn::Schema>().map_err(|why| Error::Parameter {
            name: "schema",
            value: schema.to_owned(),
            expected: why.to_string(),
        })?;
        match self {
            Self::Csv { is_decimal } => {
                let mut names = csv(out, is_decimal, with_symbols, Some(known)).map_err(failed)?;
                names.flush().map_err(failed)
            }
            Self::Json => {
                out.push(b'[');
                Ok(())
            }
        }
    }

    /// Writes rows of `size` bytes each, with their symbols where `symbol` is given; `is_first` if no row was written before.
    ///
    /// # Errors
    /// [`Error::Invariant`] for rows that are no records, which only a bug can cause.
    pub fn rows<'n>(
        self,
        rows: &[u8],
        size: usize,
        symbol: Option<&impl Fn(&[u8]) -> Option<&'n str>>,
        is_first: bool,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let mut each = || match self {
            Self::Csv { is_decimal } => {
                let mut encoder = csv(out, is_decimal, symbol.is_some(), None)?;
                encode(&mut encoder, rows, size, symbol, |_, _| ())?;
                encoder.flush()
            }
            Self::Json => {
                let from = out.len();
                let mut encoder = JsonEncoder::new(&mut *out, false, false, false);
                encode(&mut encoder, rows, size, symbol, |encoder, at| {
                    if at > 0 || !is_first {
                        encoder.get_mut().push(b',');
                    }
                })?;
                mend_escapes(out, from);
                Ok(())
            }
        };
        each().map_err(failed)
    }

    /// Writes what comes after the last row.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self == Self::Json {
            out.extend_from_slice(b"]\n");
        }
    }
}

/// The encoder writes an action or side that is no letter as Rust does, `\x1b`, which JSON knows as `\u001b`.
fn mend_escapes(out: &mut Vec<u8>, from: usize) {
    if !out.get(from..).is_some_and(|written| written.contains(&b'\\')) {
        return;
    }
    let written = out.split_off(from);
    let mut rest = written.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.split_first()) {
            (b'\\', Some((b'x', after))) => {
                out.extend_from_slice(b"\\u00");
                rest = after;
            }
            (b'\\', Some((b'\'', after))) => {
                out.push(b'\'');
                rest = after;
            }
            (b'\\', Some((&escaped, after))) => {
                out.extend([byte, escaped]);
                rest = after;
            }
            _ => out.push(byte),
        }
    }
}

fn csv(
    out: &mut Vec<u8>,
    is_decimal: bool,
    with_symbols: bool,
    names_of: Option<dbn::Schema>,
) -> dbn::Result<CsvEncoder<&mut Vec<u8>>> {
    CsvEncoder::builder(out)
        .use_pretty_px(is_decimal)
        .use_pretty_ts(true)
        .with_symbol(with_symbols)
        .write_header(names_of.is_some())
        .schema(names_of)
        .version(dbn::v3::DBN_VERSION)
        .build()
}

fn encode<'n, E: EncodeRecordRef + EncodeRecordTextExt>(
    encoder: &mut E,
    rows: &[u8],
    size: usize,
    symbol: Option<&impl Fn(&[u8]) -> Option<&'n str>>,
    mut before: impl FnMut(&mut E, usize),
) -> dbn::Result<()> {
    let mut decoder = RecordDecoder::new(rows);
    for (at, row) in rows.chunks_exact(size).enumerate() {
        let Some(record) = decoder.decode_ref()? else { break };
        before(encoder, at);
        match symbol {
            Some(symbol) => encoder.encode_ref_with_sym(record, symbol(row))?,
            None => encoder.encode_record_ref(record)?,
        }
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value)] // `map_err` hands errors over by value
fn failed(error: dbn::Error) -> Error {
    Error::Invariant(format!("rows are records that have a text: {error}"))
}
