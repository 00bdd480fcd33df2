//! What a scan of a plain DBN file would find, while the file is written or read.

use std::collections::BTreeMap;
use std::io::Read;

use super::census::{Census, Surveyor};
use super::scan::Scan;
use crate::error::Result;
use crate::feed::{self, AsideFact, Contents, Metadata, Options, Piece, Progress};

/// Everything about a file's records so far but the records themselves.
#[derive(Clone, Debug)]
pub struct Survey {
    metadata: Metadata,
    surveyor: Surveyor,
    census: Census,
    facts: Vec<(u64, AsideFact)>,
    others: BTreeMap<&'static str, u64>,
}

impl Survey {
    /// Of a file that begins with these metadata.
    #[must_use]
    pub fn new(metadata: Metadata) -> Self {
        let surveyor = Surveyor::new(&metadata);
        let (census, facts, others) = (Census::default(), Vec::new(), BTreeMap::new());
        Self { metadata, surveyor, census, facts, others }
    }

    /// Of a file as it is, and the rest of what reading it told.
    ///
    /// # Errors
    /// [`crate::Error::Input`], naming `name`; whatever `on_progress` returns.
    pub fn read<R: Read>(
        reader: R,
        name: &str,
        size: u64,
        options: Options,
        on_progress: Progress<'_>,
    ) -> Result<(Self, Contents)> {
        let mut survey = None;
        let contents = feed::read(reader, name, size, options, on_progress, &mut |metadata, piece| {
            survey.get_or_insert_with(|| Self::new(metadata.clone())).see(piece);
            piece.clear();
            Ok(())
        })?;
        Ok((survey.unwrap_or_else(|| Self::new(contents.metadata.clone())), contents))
    }

    /// Takes note of the records that follow.
    pub fn see(&mut self, piece: &Piece) {
        let base = self.surveyor.len();
        let index = |of: u64| base + of.saturating_sub(piece.first);
        let aside = piece.aside.iter().map(|other| (index(other.index), other.bytes().len() as u64));
        self.surveyor.see(&piece.records, aside);
        self.census.see(&piece.records);
        for other in &piece.aside {
            *self.others.entry(other.type_name()).or_default() += 1;
            self.facts.extend(other.fact().map(|fact| (index(other.index), fact)));
        }
    }

    /// MBO records so far.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.surveyor.len()
    }

    /// Whether there is no record, of whatever type.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.others.is_empty()
    }

    /// The metadata of the file.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What a scan of the file would find if it ended at a byte; without a name, and without the hash of its content.
    #[must_use]
    pub fn finish(self, end: u64) -> Scan {
        let Self { metadata, surveyor, census, facts, others } = self;
        let directory = surveyor.finish(end);
        Scan { name: String::new(), hash: 0, metadata, directory, census, facts, others, left: None }
    }
}
