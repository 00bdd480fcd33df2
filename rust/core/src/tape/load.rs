//! Making tapes: from readers, files read by position, several tapes in time order, synthetic flow.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

use super::census::{Census, News, Surveyor};
use super::reel::{FileReel, ReadAt, Records, Reel};
use super::{BlockCache, Scan, Survey, Tape, symbols};
use crate::error::{Error, Fault, Result};
use crate::feed::{self, AsideFact, Contents, Metadata, Options, Piece, Progress, write_records};
use crate::synth::{self, Flow};
use crate::types::{MboRecord, Nanos};

/// Where records go that are more than memory should hold.
pub struct Spool<'a> {
    /// Bytes of records that memory may hold.
    pub in_memory: u64,
    /// Makes an empty file, which nobody else writes, for all of them.
    pub file: &'a dyn Fn() -> std::io::Result<File>,
    /// Keeps what is read from the file.
    pub cache: &'a Arc<BlockCache>,
}

/// Everything about the records so far but the records themselves.
#[derive(Debug, Default)]
struct Seen {
    census: Census,
    facts: Vec<(u64, AsideFact)>,
    others: BTreeMap<&'static str, u64>,
    news: News,
}

impl Seen {
    fn see(&mut self, piece: &Piece) {
        let (records, aside) = self.news.of(piece);
        self.census.see(records);
        for other in aside {
            *self.others.entry(other.type_name()).or_default() += 1;
            self.facts.extend(other.fact().map(|fact| (other.index, fact)));
        }
    }
}

/// A file that takes what memory should not hold.
struct Spooling {
    file: BufWriter<File>,
    surveyor: Surveyor,
}

impl Spooling {
    fn begin(file: File, metadata: &Metadata) -> std::io::Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(metadata.raw())?;
        Ok(Self { file, surveyor: Surveyor::new(metadata) })
    }

    fn take(&mut self, piece: &mut Piece) -> std::io::Result<()> {
        let aside = piece.aside.iter().map(|other| (other.index, other.bytes().len() as u64));
        self.surveyor.see(&piece.records, aside);
        write_records(&mut self.file, piece.first, &piece.records, &piece.ts_outs, &piece.aside)?;
        piece.clear();
        Ok(())
    }
}

impl Tape {
    /// Reads a DBN file into memory, or past a bound into a spool.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Input`], naming the file; whatever `on_progress` returns.
    pub fn open(
        path: &Path,
        options: Options,
        spool: Option<&Spool<'_>>,
        on_progress: Progress<'_>,
    ) -> Result<Self> {
        let (file, about) = feed::open_file(path)?;
        Self::read(file, &path.to_string_lossy(), about.len(), options, spool, on_progress)
    }

    /// Reads DBN from anywhere into memory, or past a bound into a spool. `size` is that of the (compressed) data, for
    /// progress; 0 if unknown.
    ///
    /// # Errors
    /// [`Error::Input`], naming `name`; whatever `on_progress` returns.
    pub fn read<R: Read>(
        reader: R,
        name: &str,
        size: u64,
        options: Options,
        spool: Option<&Spool<'_>>,
        on_progress: Progress<'_>,
    ) -> Result<Self> {
        let io = |source| Error::Input { name: name.to_owned(), fault: Fault::Spool { source } };
        let mut seen = Seen::default();
        let mut spooling = None;
        let contents = feed::read(reader, name, size, options, on_progress, &mut |metadata, piece| {
            seen.see(piece);
            if let Some(spool) = spool
                && spooling.is_none()
                && (piece.records.len() * MboRecord::SIZE) as u64 > spool.in_memory
            {
                let file = (spool.file)().map_err(io)?;
                spooling = Some(Spooling::begin(file, metadata).map_err(io)?);
            }
            if let Some(spooling) = &mut spooling {
                spooling.take(piece).map_err(io)?;
                seen.news.cleared();
            }
            Ok(())
        })?;
        let Contents { metadata, piece, end, left, hash } = contents;
        let Piece { records, ts_outs, aside, .. } = piece;
        let short = short_name(name);
        let left = left.map(|fault| {
            let kept: u64 = seen.census.books.iter().map(|(_, records)| records).sum();
            format!("{short}: kept {kept} records; {fault}")
        });
        let Seen { census, facts, others, .. } = seen;
        let reel = match (spooling, spool) {
            (Some(Spooling { file, surveyor }), Some(spool)) => {
                let file = file.into_inner().map_err(|error| io(error.into_error()))?;
                let directory = surveyor.finish(end);
                Reel::File(Arc::new(FileReel::new(name.to_owned(), Arc::new(file), directory, spool.cache)))
            }
            _ => Reel::Memory { whole: Arc::new(Records { records, ts_outs }), aside: Arc::new(aside) },
        };
        Self::assemble(short, hash, metadata, vec![reel], census, facts, others, left)
    }

    /// Finds out what a plain DBN file holds without keeping its records.
    ///
    /// # Errors
    /// [`Error::Input`], naming `name`; whatever `on_progress` returns.
    pub fn scan<R: Read>(
        reader: R,
        name: &str,
        size: u64,
        options: Options,
        on_progress: Progress<'_>,
    ) -> Result<Scan> {
        let (survey, contents) = Survey::read(reader, name, size, options, on_progress)?;
        let scan = survey.finish(contents.end);
        let name = short_name(name);
        let left = contents.left.map(|fault| format!("{name}: kept {} records; {fault}", scan.directory.len));
        Ok(Scan { name, hash: contents.hash, left, ..scan })
    }

    /// The tape of a plain DBN file that was scanned; its records are read when they are asked for. `path` is for messages.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn from_file(scan: Scan, path: &str, file: Arc<dyn ReadAt>, cache: &Arc<BlockCache>) -> Result<Self> {
        let Scan { name, hash, metadata, directory, census, facts, others, left } = scan;
        let reel = Reel::File(Arc::new(FileReel::new(path.to_owned(), file, directory, cache)));
        Self::assemble(name, hash, metadata, vec![reel], census, facts, others, left)
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
        let mut census = Census::default();
        census.see(&records);
        let whole = Arc::new(Records { records, ts_outs: Vec::new() });
        let reel = Reel::Memory { whole, aside: Arc::default() };
        let tape =
            Self::assemble(name, hash, metadata, vec![reel], census, Vec::new(), BTreeMap::new(), None)?;
        Ok(Self { planted, ..tape })
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
        let mut reels: Vec<Reel> = self.reels.into_iter().map(|(_, reel)| reel).collect();
        reels.extend(next.reels.into_iter().map(|(_, reel)| reel));
        self.census.follow(&next.census);
        let mut facts = self.facts.to_vec();
        facts.extend(next.facts.iter().map(|(index, fact)| (index + offset, fact.clone())));
        for (name, count) in next.others {
            *self.others.entry(name).or_default() += count;
        }
        let left = match (self.left, next.left) {
            (Some(first), Some(second)) => Some(format!("{first}; {second}")),
            (first, second) => first.or(second),
        };
        let name = format!("{}+{}", self.name, next.name);
        Self::assemble(name, hash, metadata, reels, self.census, facts, self.others, left)
    }

    #[allow(clippy::too_many_arguments)] // everything a tape is made of
    pub(super) fn assemble(
        name: String,
        hash: u64,
        metadata: Metadata,
        reels: Vec<Reel>,
        census: Census,
        facts: Vec<(u64, AsideFact)>,
        others: BTreeMap<&'static str, u64>,
        left: Option<String>,
    ) -> Result<Self> {
        let mut len = 0;
        let placed = reels.into_iter().map(|reel| {
            let base = len;
            len += reel.len();
            (base, reel)
        });
        let reels = placed.collect();
        let mut tape = Self {
            name,
            hash,
            metadata,
            reels,
            len,
            origin: None,
            census,
            facts: Arc::new(facts),
            others,
            turns: Arc::default(),
            turns_by_instrument: Arc::default(),
            symbols: Arc::default(),
            keyframes: Arc::default(),
            left,
            planted: Vec::new(),
        };
        let (symbols, turns) = symbols::read(&tape)?;
        tape.turns_by_instrument = Arc::new(symbols::by_instrument(&turns));
        (tape.symbols, tape.turns) = (Arc::new(symbols), Arc::new(turns));
        Ok(tape)
    }
}

/// A file's name without its directory.
fn short_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}
