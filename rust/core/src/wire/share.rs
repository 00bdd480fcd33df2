//! Frames that every client at the same place gets, built once.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::{Format, Frames};
use crate::error::Result;
use crate::feed::Progress;
use crate::tape::Tape;

/// Streams kept where clients stand, so that frames need not be built from the tape's start.
const STREAMS_KEPT: usize = 4;
/// Frames kept for clients that asked for one while it was being built.
const FRAMES_KEPT: usize = 8;

/// Builds shared frames; whoever keeps them is somebody else.
#[derive(Debug)]
pub struct FrameShare {
    format: Format,
    instrument_id: Option<u32>,
    ids: Arc<str>,
    /// Least recently used first.
    streams: VecDeque<Frames>,
    latest: VecDeque<(Range<u64>, Arc<[u8]>)>,
}

impl FrameShare {
    /// Frames of one instrument or all; `ids` stands before the position in every event's id.
    #[must_use]
    pub const fn new(format: Format, instrument_id: Option<u32>, ids: Arc<str>) -> Self {
        Self { format, instrument_id, ids, streams: VecDeque::new(), latest: VecDeque::new() }
    }

    /// Where the next frame of a client ends that stands at `position` and may have everything up to `until`: there, if
    /// that is near, so that all who follow in step ask for the same; else at the next fixed place, so that all who come
    /// from behind do.
    #[must_use]
    pub const fn end_of(format: Format, position: u64, until: u64) -> u64 {
        let records = format.frame_records();
        let near = position.saturating_add(records);
        if until <= near { until } else { (position / records + 1) * records }
    }

    /// Whether the frame from a position on is built without going along the tape first.
    #[must_use]
    pub fn is_there(&self, position: u64) -> bool {
        self.format != Format::Full
            || self.streams.iter().any(|stream| stream.position() == position && stream.is_there())
    }

    /// The records of a range as one frame.
    ///
    /// # Errors
    /// Those of [`Frames::next`]; [`crate::Error::Parameter`] for a position outside the tape.
    pub fn frame(&mut self, tape: &Tape, range: Range<u64>, on_progress: Progress<'_>) -> Result<Arc<[u8]>> {
        if let Some((_, frame)) = self.latest.iter().find(|(kept, _)| *kept == range) {
            return Ok(Arc::clone(frame));
        }
        let mut stream = self.stream_at(tape, range.start)?;
        let frame: Arc<[u8]> = stream.next(tape, range.end, on_progress)?.into();
        self.streams.push_back(stream);
        if self.streams.len() > STREAMS_KEPT {
            self.streams.pop_front();
        }
        self.latest.push_back((range, Arc::clone(&frame)));
        if self.latest.len() > FRAMES_KEPT {
            self.latest.pop_front();
        }
        Ok(frame)
    }

    /// A stream that stands at a position: the one that comes nearest from before, or a new one.
    fn stream_at(&mut self, tape: &Tape, position: u64) -> Result<Frames> {
        let before = self.streams.iter().enumerate().filter(|(_, stream)| stream.position() <= position);
        let nearest = before.max_by_key(|(_, stream)| stream.position()).map(|(slot, _)| slot);
        match nearest.and_then(|slot| self.streams.remove(slot)) {
            Some(mut stream) => {
                stream.skip_to(tape, position)?;
                Ok(stream)
            }
            None => Frames::new(tape, self.format, position, self.instrument_id, Arc::clone(&self.ids)),
        }
    }
}
