//! Making tapes: from files, bytes, several tapes in time order, synthetic flow.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

use super::{Tape, symbols};
use crate::error::{Error, Fault, Result};
use crate::feed::{self, Contents, Metadata, Options, Progress};
use crate::synth::{self, Flow};
use crate::types::{BookKey, MboRecord, Nanos};

impl Tape {
    /// Reads a DBN file.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Input`], naming the file; whatever `on_progress` returns.
    pub fn open(path: &Path, options: Options, on_progress: Progress<'_>) -> Result<Self> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let about = file.metadata().map_err(io)?;
        if about.is_dir() {
            return Err(io(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
        }
        let contents = feed::read(file, &path.to_string_lossy(), about.len(), options, on_progress)?;
        let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
        Ok(Self::from_contents(name.into_owned(), contents))
    }

    /// Reads DBN from anywhere.
    ///
    /// # Errors
    /// [`Error::Input`], naming `name`.
    pub fn read<R: Read>(reader: R, name: &str, options: Options) -> Result<Self> {
        let contents = feed::read(reader, name, 0, options, &mut |_, _| Ok(()))?;
        Ok(Self::from_contents(name.to_owned(), contents))
    }

    /// Makes a tape of synthetic flow.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options that cannot be met; whatever `on_progress` returns.
    pub fn synthesize(options: &synth::Options, on_progress: Progress<'_>) -> Result<Self> {
        let Flow { records, symbols, planted, dataset } = synth::flow(options, on_progress)?;
        let name = format!("synthetic-{}x{}-seed{}", options.messages, options.instruments, options.seed);
        let start = records.first().map_or(Nanos(0), MboRecord::ts_recv);
        let end = records.last().map_or(start, MboRecord::ts_recv);
        let metadata = Metadata::for_mbo(dataset, &symbols, start, Nanos(end.0 + 1))
            .map_err(|fault| Error::Input { name: name.clone(), fault })?;
        let hash = xxh3_64(records.as_bytes());
        let contents =
            Contents { metadata, records, ts_outs: Vec::new(), aside: Vec::new(), left: None, hash };
        Ok(Self { planted, ..Self::from_contents(name, contents) })
    }

    /// Joins tapes that follow each other in time into one.
    ///
    /// # Errors
    /// [`Error::Input`] naming the first that does not follow the one before, and why; [`Error::Parameter`] for none at all.
    pub fn join(tapes: Vec<Self>) -> Result<Self> {
        let mut tapes = tapes.into_iter();
        let mut whole = tapes.next().ok_or_else(|| Error::Parameter {
            name: "paths",
            value: "[]".to_owned(),
            expected: "at least one file".to_owned(),
        })?;
        for next in tapes {
            whole = whole.followed_by(next)?;
        }
        Ok(whole)
    }

    fn followed_by(mut self, next: Self) -> Result<Self> {
        let refuse = |why: String| Error::Input {
            name: next.name.clone(),
            fault: Fault::Sequence { before: self.name.clone(), why },
        };
        if self.metadata.dataset() != next.metadata.dataset() {
            return Err(refuse(format!(
                "its dataset is {}, not {}",
                next.metadata.dataset(),
                self.metadata.dataset()
            )));
        }
        if let (Some(end), Some(start)) = (self.end(), next.start())
            && start < end
        {
            return Err(refuse(format!("it starts at {start}, before the other ends at {end}")));
        }
        let metadata = self.metadata.followed_by(&next.metadata).map_err(refuse)?;
        let offset = self.len();
        let hash = xxh3_64([self.hash, next.hash].as_bytes());
        self.records.extend(next.records);
        self.ts_outs.extend(next.ts_outs);
        self.aside.extend(next.aside.into_iter().map(|other| other.moved_by(offset)));
        let left = match (self.left, next.left) {
            (Some(first), Some(second)) => Some(format!("{first}; {second}")),
            (first, second) => first.or(second),
        };
        let contents = Contents {
            metadata,
            records: self.records,
            ts_outs: self.ts_outs,
            aside: self.aside,
            left: None,
            hash,
        };
        let name = format!("{}+{}", self.name, next.name);
        Ok(Self { left, ..Self::from_contents(name, contents) })
    }

    fn from_contents(name: String, contents: Contents) -> Self {
        let Contents { metadata, records, ts_outs, aside, left, hash } = contents;
        let in_time_order = records.is_sorted_by_key(|record| record.ts_recv);
        let left = left.map(|fault| format!("{name}: kept {} records; {fault}", records.len()));
        let (symbols, turns) = symbols::read(&metadata, &records, &aside);
        let books = count_books(&records);
        Self {
            name,
            hash,
            metadata,
            records,
            ts_outs,
            aside,
            turns,
            symbols,
            books,
            in_time_order,
            left,
            planted: Vec::new(),
        }
    }
}

/// Books in order of appearance, with their number of records.
fn count_books(records: &[MboRecord]) -> Vec<(BookKey, u64)> {
    let mut books: Vec<(BookKey, u64)> = Vec::new();
    let mut slots: HashMap<BookKey, usize> = HashMap::new();
    for run in records.chunk_by(|a, b| a.key() == b.key()) {
        let Some(key) = run.first().map(MboRecord::key) else { continue };
        let slot = *slots.entry(key).or_insert_with(|| {
            books.push((key, 0));
            books.len() - 1
        });
        books[slot].1 += run.len() as u64;
    }
    books
}
