//! A DBN stream straight into books: nothing is kept, so that one pass over a file costs reading it and no memory.

use std::fs::File;
use std::io::Read;
use std::iter::Peekable;
use std::path::Path;
use std::vec::IntoIter;

use super::symbols::turn_of;
use crate::error::{Error, Result};
use crate::feed::{self, Interval, Metadata, Options, Piece, Progress};
use crate::market::Market;
use crate::types::MboRecord;

/// Applies a DBN file to a market, as [`apply_stream`] does.
///
/// # Errors
/// [`Error::Io`] naming the file; those of [`apply_stream`].
pub fn apply_file(
    market: &mut Market,
    path: &Path,
    options: Options,
    on_progress: Progress<'_>,
) -> Result<Option<String>> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if about.is_dir() {
        return Err(io(std::io::ErrorKind::IsADirectory.into()));
    }
    apply_stream(market, file, &path.to_string_lossy(), about.len(), options, on_progress)
}

/// Applies a DBN stream to a market: the same as reading it as a tape and applying that, without the tape. `size` is that of
/// the (compressed) data, for progress; what a tolerant reading left behind is returned.
///
/// # Errors
/// [`Error::Input`], naming `name`, with all records before applied; those of [`Market::apply`]; whatever
/// `on_progress` returns.
pub fn apply_stream<R: Read>(
    market: &mut Market,
    reader: R,
    name: &str,
    size: u64,
    options: Options,
    on_progress: Progress<'_>,
) -> Result<Option<String>> {
    let mut names = None;
    let contents = feed::read(reader, name, size, options, on_progress, &mut |metadata, piece| {
        let names = names.get_or_insert_with(|| Names::of(metadata));
        names.apply(market, piece)?;
        piece.clear();
        Ok(())
    })?;
    Ok(contents.left.map(|fault| fault.to_string()))
}

/// What instrument ids come to mean along a stream, by the metadata.
struct Names {
    /// Meanings that hold from the beginning, until the first record comes.
    first: Vec<Interval>,
    /// Those that begin later, by their start.
    later: Peekable<IntoIter<Interval>>,
}

impl Names {
    fn of(metadata: &Metadata) -> Self {
        let (first, mut later) = metadata.meanings();
        later.sort_by_key(|interval| interval.start);
        Self { first, later: later.into_iter().peekable() }
    }

    fn apply(&mut self, market: &mut Market, piece: &Piece) -> Result<()> {
        for interval in self.first.drain(..) {
            market.name(interval.instrument_id, &interval.symbol);
        }
        let mut done = 0;
        for other in &piece.aside {
            let until = (other.index - piece.first) as usize;
            self.apply_records(market, piece.records.get(done..until).unwrap_or_default())?;
            done = until;
            if let Some(fact) = other.fact() {
                turn_of(&fact).happen(market);
            }
        }
        self.apply_records(market, piece.records.get(done..).unwrap_or_default())
    }

    fn apply_records(&mut self, market: &mut Market, mut records: &[MboRecord]) -> Result<()> {
        while let Some(next) = self.later.peek() {
            let Some(at) = records.iter().position(|record| record.ts_recv() >= next.start) else { break };
            market.apply_all(&records[..at])?;
            records = &records[at..];
            market.name(next.instrument_id, &next.symbol);
            self.later.next();
        }
        market.apply_all(records)
    }
}
