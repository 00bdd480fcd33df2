//! A DBN stream straight into books: nothing is kept, so that one pass over a file costs reading it and no memory.

use std::collections::VecDeque;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::symbols::turn_of;
use crate::error::{Error, Result};
use crate::feed::{self, Interval, Metadata, Options, Piece, Progress};
use crate::market::Market;
use crate::types::MboRecord;

/// Pieces read ahead of those applied.
const AHEAD: usize = 4;
/// Bytes below which starting a thread takes longer than it saves.
const SHORT: u64 = 4 << 20;

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
    let (file, about) = feed::open_file(path)?;
    apply_stream(market, file, &path.to_string_lossy(), about.len(), options, on_progress)
}

/// Applies a DBN stream to a market: the same as reading it as a tape and applying that, without the tape. Where there is
/// much to read, one thread reads and the caller's applies. `size` is that of the (compressed) data, for progress; what a
/// tolerant reading left behind is returned.
///
/// # Errors
/// [`Error::Input`], naming `name`, with all records before applied; those of [`Market::apply`]; whatever `on_progress`
/// returns.
pub fn apply_stream<R: Read + Send>(
    market: &mut Market,
    reader: R,
    name: &str,
    size: u64,
    options: Options,
    on_progress: Progress<'_>,
) -> Result<Option<String>> {
    // A pipe, of no size, is read by the caller's thread: Ctrl-C comes to that one, and ends its wait for the writer.
    if size < SHORT {
        let mut names = None;
        let read = feed::read(reader, name, size, options, on_progress, &mut |metadata, piece| {
            names.get_or_insert_with(|| Names::of(metadata)).apply(market, piece)?;
            piece.clear();
            Ok(())
        });
        return Ok(read?.left.map(|fault| fault.to_string()));
    }
    let (send, received) = sync_channel(AHEAD);
    let (give_back, spares) = sync_channel(AHEAD + 2);
    let bytes_read = AtomicU64::new(0);
    thread::scope(|scope| {
        let bytes_read = &bytes_read;
        let reading = scope.spawn(move || {
            let mut progress = |done, _| {
                bytes_read.store(done, Ordering::Relaxed);
                Ok(())
            };
            let mut named = false;
            feed::read(reader, name, size, options, &mut progress, &mut |metadata, piece| {
                let names = (!named).then(|| Names::of(metadata));
                named = true;
                let piece = piece.take_for(spares.try_recv().unwrap_or_default());
                // Whoever applies has stopped, and has the error to tell.
                send.send((names, piece)).map_err(|_| Error::Interrupted)
            })
        });
        let applied = apply_pieces(market, received, &give_back, &mut || {
            on_progress(bytes_read.load(Ordering::Relaxed), size)
        });
        let read = reading
            .join()
            .unwrap_or_else(|_| Err(Error::Invariant("the thread that reads failed".to_owned())));
        applied?;
        Ok(read?.left.map(|fault| fault.to_string()))
    })
}

fn apply_pieces(
    market: &mut Market,
    received: Receiver<(Option<Names>, Piece)>,
    give_back: &SyncSender<Piece>,
    on_progress: &mut dyn FnMut() -> Result<()>,
) -> Result<()> {
    let mut names = Names::default();
    for (given, piece) in received {
        if let Some(given) = given {
            names = given;
        }
        names.apply(market, &piece)?;
        // A piece too many is let go.
        let _ = give_back.try_send(piece);
        on_progress()?;
    }
    Ok(())
}

/// What instrument ids come to mean along a stream, by the metadata.
#[derive(Default)]
struct Names {
    /// Meanings that hold from the beginning, until the first record comes.
    first: Vec<Interval>,
    /// Those that begin later, by their start.
    later: VecDeque<Interval>,
}

impl Names {
    fn of(metadata: &Metadata) -> Self {
        let (first, mut later) = metadata.meanings();
        later.sort_by_key(|interval| interval.start);
        Self { first, later: later.into() }
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
        while let Some(next) = self.later.front() {
            let Some(at) = records.iter().position(|record| record.ts_recv() >= next.start) else { break };
            market.apply_all(&records[..at])?;
            records = &records[at..];
            market.name(next.instrument_id, &next.symbol);
            self.later.pop_front();
        }
        market.apply_all(records)
    }
}
