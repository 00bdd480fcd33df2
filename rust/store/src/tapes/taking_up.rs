//! Opening a live tape: its segments in order, and what to do where the power failed while they were written.

use std::path::Path;
use std::sync::Arc;

use booktape_core::Result;
use booktape_core::feed::Metadata;
use booktape_core::tape::{BlockCache, Growing};

use super::files;
use super::finished::{finished, set_aside, whole};
use super::segment::{Place, Writing, out_of_order, places};
use crate::folder::sync_folder;

/// A live tape while it is opened.
pub(super) struct TakenUp<'a> {
    pub growing: Growing,
    pub cache: &'a Arc<BlockCache>,
    pub session: Option<Arc<Metadata>>,
    /// What was cut off, in words.
    pub cut: Vec<String>,
}

impl TakenUp<'_> {
    /// Takes up the segments of a folder; the last one, to go on with.
    ///
    /// All but the last two were on the disk before the last one began. Where the last but one has lost its end, the tape ends
    /// there, and the last one is none of it: its records have indexes that the lost ones would have to stand before.
    pub fn segments(&mut self, folder: &Path) -> Result<Option<Writing>> {
        let places = places(folder)?;
        let mut before: Option<&Place> = None;
        for (place, behind) in places.iter().zip(1..) {
            let expected = self.growing.head().len();
            if place.first != expected {
                return Err(out_of_order(place, before, expected));
            }
            let scan = match places.get(behind..).unwrap_or_default() {
                [] => return self.last(place),
                [last] => match whole(&place.path, last.first.saturating_sub(place.first))? {
                    Some(scan) => scan,
                    None => return self.cut_before(last, place),
                },
                [..] => finished(&place.path)?,
            };
            self.begin(&scan.metadata)?;
            self.growing.add(files::segment(&place.path, scan), self.cache)?;
            before = Some(place);
        }
        Ok(None)
    }

    fn last(&mut self, place: &Place) -> Result<Option<Writing>> {
        let (writing, cut) = Writing::reopen(&place.path)?;
        self.cut.extend(cut);
        if let Some(writing) = &writing {
            self.begin(&writing.metadata().clone())?;
            self.growing.add_open(writing.segment(), self.cache)?;
        }
        // The next one to begin relies on the name of this one.
        place.path.parent().map_or(Ok(()), sync_folder)?;
        Ok(writing)
    }

    fn cut_before(&mut self, last: &Place, torn: &Place) -> Result<Option<Writing>> {
        let aside = set_aside(&last.path)?;
        self.cut.push(format!(
            "{}: taken out of the tape, kept as {}: {}, which comes before it, is not all there",
            last.path.display(),
            aside.display(),
            torn.path.display()
        ));
        self.last(torn)
    }

    fn begin(&mut self, metadata: &Metadata) -> Result<()> {
        if self.session.as_ref().is_none_or(|session| session.raw() != metadata.raw()) {
            self.growing.begin(metadata)?;
            self.session = Some(Arc::new(metadata.clone()));
        }
        Ok(())
    }
}
