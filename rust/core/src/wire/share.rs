//! Frames cut at fixed places, so that every client of a tape gets the same bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Format, Frames};
use crate::error::Result;
use crate::feed::Progress;
use crate::tape::Tape;

/// Records in a shared frame: about 200 KiB in the widest format.
const FRAME_RECORDS: u64 = 512;
/// Streams kept where clients stand, so that frames need not be built from the tape's start.
const STREAMS_KEPT: usize = 4;
/// Frames kept for clients that asked for one while it was being built.
const FRAMES_KEPT: usize = 8;

/// Builds shared frames; whoever keeps them is somebody else.
#[derive(Debug)]
pub struct FrameShare {
    format: Format,
    instrument_id: Option<u32>,
    /// Least recently used first.
    streams: VecDeque<Frames>,
    latest: VecDeque<(u64, Arc<[u8]>)>,
}

impl FrameShare {
    /// Frames of one instrument or all.
    #[must_use]
    pub const fn new(format: Format, instrument_id: Option<u32>) -> Self {
        Self { format, instrument_id, streams: VecDeque::new(), latest: VecDeque::new() }
    }

    /// The position after the frame that begins at a position.
    #[must_use]
    pub fn end_of(tape: &Tape, position: u64) -> u64 {
        tape.len().min((position / FRAME_RECORDS + 1) * FRAME_RECORDS)
    }

    /// Whether a frame that begins there is one that others will ask for, too.
    #[must_use]
    pub const fn is_shared(position: u64) -> bool {
        position.is_multiple_of(FRAME_RECORDS)
    }

    /// The frame from a position to the next fixed place.
    ///
    /// # Errors
    /// Those of [`Frames::next`]; [`crate::Error::Parameter`] for a position outside the tape.
    pub fn frame(&mut self, tape: &Tape, position: u64, on_progress: Progress<'_>) -> Result<Arc<[u8]>> {
        if let Some((_, frame)) = self.latest.iter().find(|(start, _)| *start == position) {
            return Ok(Arc::clone(frame));
        }
        let mut stream = self.stream_at(tape, position)?;
        let frame: Arc<[u8]> = stream.next(tape, Self::end_of(tape, position), on_progress)?.into();
        self.streams.push_back(stream);
        if self.streams.len() > STREAMS_KEPT {
            self.streams.pop_front();
        }
        self.latest.push_back((position, Arc::clone(&frame)));
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
            None => Frames::new(tape, self.format, position, self.instrument_id),
        }
    }
}
