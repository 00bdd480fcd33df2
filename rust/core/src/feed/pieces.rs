//! Bytes that are made piece by piece, as somebody takes them.

use std::io::{self, Write};

use super::whole::ZSTD_LEVEL;
use super::{Progress, Sink};
use crate::error::{Error, Result};

/// Bytes in the making: a file, a body of an answer.
pub trait Pieces {
    /// Puts the next bytes into `piece`, in place of what it holds; false where none are left.
    ///
    /// A piece may be empty: nothing came of the work so far, and there is more to do.
    ///
    /// # Errors
    /// Whatever stopped the work, `on_progress` among it: the bytes of this piece are lost then.
    fn next(&mut self, piece: &mut Vec<u8>, on_progress: Progress<'_>) -> Result<bool>;

    /// Writes all of them.
    ///
    /// # Errors
    /// Those of the sink, and of [`Pieces::next`].
    fn write(&mut self, out: &mut Sink<'_>, on_progress: Progress<'_>) -> Result<()> {
        let mut piece = Vec::new();
        while self.next(&mut piece, on_progress)? {
            out.put(&piece)?;
        }
        Ok(())
    }
}

/// The same, compressed with zstd.
pub struct Compressed<P> {
    pieces: P,
    /// None when the last byte is out.
    encoder: Option<zstd::stream::write::Encoder<'static, Vec<u8>>>,
    plain: Vec<u8>,
}

impl<P: Pieces> Compressed<P> {
    /// Compresses what is made.
    ///
    /// # Errors
    /// [`Error::Invariant`] where there is no encoder to be had.
    pub fn new(pieces: P) -> Result<Self> {
        let encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(failed)?;
        Ok(Self { pieces, encoder: Some(encoder), plain: Vec::new() })
    }
}

impl<P: Pieces> Pieces for Compressed<P> {
    fn next(&mut self, piece: &mut Vec<u8>, on_progress: Progress<'_>) -> Result<bool> {
        piece.clear();
        let Some(encoder) = &mut self.encoder else { return Ok(false) };
        if self.pieces.next(&mut self.plain, on_progress)? {
            encoder.write_all(&self.plain).map_err(failed)?;
            piece.append(encoder.get_mut());
        } else if let Some(encoder) = self.encoder.take() {
            *piece = encoder.finish().map_err(failed)?;
        }
        Ok(true)
    }
}

#[allow(clippy::needless_pass_by_value)] // `map_err` hands errors over by value
fn failed(error: io::Error) -> Error {
    Error::Invariant(format!("bytes can be compressed in memory: {error}"))
}
