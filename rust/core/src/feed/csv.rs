//! Rows as text, written by Databento's own encoder: the names, order and forms that its users know.

use std::path::{Path, PathBuf};

use dbn::decode::dbn::RecordDecoder;
use dbn::encode::{CsvEncoder, EncodeRecord, EncodeRecordRef, EncodeRecordTextExt};

use super::Sink;
use crate::error::{Error, Result};

/// Comma-separated values in the making: a line of names, then a line for each row.
///
/// Times are ISO 8601 with nine digits, what there is none of is empty, `symbol` is the last column.
pub struct Csv<'a, 'b> {
    encoder: CsvEncoder<&'a mut Sink<'b>>,
    with_symbols: bool,
    /// What errors call the sink.
    name: PathBuf,
}

impl<'a, 'b> Csv<'a, 'b> {
    /// Writes the line of names. Prices are decimals with nine digits, or integers in units of 1e-9.
    ///
    /// # Errors
    /// Those of the sink; [`Error::Parameter`] for a schema that DBN does not have.
    pub fn begin(out: &'a mut Sink<'b>, schema: &str, is_decimal: bool, with_symbols: bool) -> Result<Self> {
        let schema = schema.parse::<dbn::Schema>().map_err(|why| Error::Parameter {
            name: "schema",
            value: schema.to_owned(),
            expected: why.to_string(),
        })?;
        let name = out.name().to_owned();
        let encoder = CsvEncoder::builder(out)
            .use_pretty_px(is_decimal)
            .use_pretty_ts(true)
            .with_symbol(with_symbols)
            .schema(Some(schema))
            .version(dbn::v3::DBN_VERSION)
            .build()
            .map_err(|error| failed(&name, error))?;
        Ok(Self { encoder, with_symbols, name })
    }

    /// Writes rows of `size` bytes each.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn rows<'n>(
        &mut self,
        rows: &[u8],
        size: usize,
        symbol: impl Fn(&[u8]) -> Option<&'n str>,
    ) -> Result<()> {
        let mut decoder = RecordDecoder::new(rows);
        let mut each = || {
            for row in rows.chunks_exact(size) {
                let Some(record) = decoder.decode_ref()? else { break };
                if self.with_symbols {
                    self.encoder.encode_ref_with_sym(record, symbol(row))?;
                } else {
                    self.encoder.encode_record_ref(record)?;
                }
            }
            Ok(())
        };
        each().map_err(|error| failed(&self.name, error))
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn finish(mut self) -> Result<()> {
        self.encoder.flush().map_err(|error| failed(&self.name, error))
    }
}

fn failed(name: &Path, error: dbn::Error) -> Error {
    let source = match error {
        dbn::Error::Io { source, .. } => source,
        other => std::io::Error::other(other),
    };
    Error::Io { path: name.to_owned(), source }
}
