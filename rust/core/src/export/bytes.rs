//! Rows as the bytes of a file.

use super::rows::Rows;
use crate::error::Result;
use crate::feed::{Pieces, Progress, Text};

/// What a file of rows is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The rows alone, as DBN has them.
    Bare,
    /// DBN: metadata, then the rows as they are.
    Dbn,
    /// Text, with a column of symbols if wanted.
    Text(Text, bool),
}

/// The bytes of a file of rows, in the making.
pub struct Bytes {
    rows: Rows,
    form: Form,
    block: Vec<u8>,
    is_begun: bool,
    is_ended: bool,
}

impl Bytes {
    /// Rows in a form.
    #[must_use]
    pub const fn new(rows: Rows, form: Form) -> Self {
        Self { rows, form, block: Vec::new(), is_begun: false, is_ended: false }
    }

    /// How many rows there were so far.
    #[must_use]
    pub const fn given(&self) -> u64 {
        self.rows.given()
    }

    fn begin(&self, piece: &mut Vec<u8>) -> Result<()> {
        match self.form {
            Form::Bare => {}
            Form::Dbn => piece.extend_from_slice(self.rows.metadata()?.raw()),
            Form::Text(text, with_symbols) => text.begin(self.rows.what().name(), with_symbols, piece)?,
        }
        Ok(())
    }
}

impl Pieces for Bytes {
    fn next(&mut self, piece: &mut Vec<u8>, on_progress: Progress<'_>) -> Result<bool> {
        piece.clear();
        if !self.is_begun {
            self.begin(piece)?;
            self.is_begun = true;
            return Ok(true);
        }
        if self.is_ended {
            return Ok(false);
        }
        let Form::Text(text, with_symbols) = self.form else { return self.rows.fill(piece, on_progress) };
        let is_first = self.rows.given() == 0;
        if self.rows.fill(&mut self.block, on_progress)? {
            let rows = &self.rows;
            let symbol = |row: &[u8]| rows.symbol(row);
            let symbol = with_symbols.then_some(&symbol);
            text.rows(&self.block, rows.what().row_size(), symbol, is_first, piece)?;
        } else {
            self.is_ended = true;
            text.finish(piece);
        }
        Ok(true)
    }
}
