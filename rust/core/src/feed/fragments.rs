//! A DBN stream that arrives in fragments, cut anywhere: what a live client hands over.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::parse::Parser;
use super::{Metadata, Piece};
use crate::error::Fault;

/// How a session begins. No record does: its second byte would be a type that DBN does not have.
const MAGIC: &[u8] = b"DBN";

/// A stream as far as it has come: sessions one after the other, each with its metadata.
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    session: Option<(Arc<Metadata>, Parser)>,
    /// The beginning of a record, or of metadata, whose end has not come.
    pending: Vec<u8>,
}

/// Whole records of one session.
#[derive(Debug)]
pub struct Part {
    /// The session's metadata.
    pub metadata: Arc<Metadata>,
    /// Where the records are among the decoded bytes.
    pub range: Range<usize>,
    /// The records, counted from 0.
    pub piece: Piece,
}

/// What came of a fragment.
#[derive(Debug)]
pub struct Decoded<'b> {
    /// What was pending before it, and its bytes.
    pub bytes: Cow<'b, [u8]>,
    /// Whole records, in order.
    pub parts: Vec<Part>,
    /// Why nothing after them was understood.
    pub fault: Option<Fault>,
    /// The stream behind it; after a fault it waits for a new session, since nobody knows where the next record begins.
    pub next: Fragments,
}

impl Fragments {
    /// A stream whose metadata came already.
    #[must_use]
    pub fn of(metadata: Arc<Metadata>) -> Self {
        let parser = Parser::new(&metadata, 0);
        Self { session: Some((metadata, parser)), pending: Vec::new() }
    }

    /// The metadata of the session that lasts.
    #[must_use]
    pub fn metadata(&self) -> Option<&Arc<Metadata>> {
        self.session.as_ref().map(|(metadata, _)| metadata)
    }

    /// Bytes of a record, or of metadata, whose end has not come.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Decodes the next fragment. The stream itself stays where it is, so that whoever cannot use what came of it may try
    /// again; [`Decoded::next`] goes on.
    #[must_use]
    pub fn decode<'b>(&self, fragment: &'b [u8]) -> Decoded<'b> {
        let bytes = if self.pending.is_empty() {
            Cow::Borrowed(fragment)
        } else {
            Cow::Owned([self.pending.as_slice(), fragment].concat())
        };
        let mut session = self.session.clone();
        let mut parts = Vec::new();
        let mut at = 0;
        let decoded = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            match &mut session {
                Some((metadata, parser)) if !begins_session(rest) => {
                    parser.expect(rest.len());
                    let parsed = parser.parse(rest);
                    let used = parser.consumed();
                    if used > 0 {
                        let piece = parser.show(Piece::take).from_zero();
                        parts.push(Part { metadata: Arc::clone(metadata), range: at..at + used, piece });
                        at += used;
                    }
                    // What the parser does not know may be the next session.
                    if parsed.is_ok() || !begins_session(bytes.get(at..).unwrap_or_default()) {
                        break parsed;
                    }
                }
                _ if rest.is_empty() => break Ok(()),
                _ => match Metadata::at_head(rest) {
                    Ok(Some((metadata, size))) => {
                        let parser = Parser::new(&metadata, 0);
                        session = Some((Arc::new(metadata), parser));
                        at += size;
                    }
                    Ok(None) => break Ok(()),
                    Err(fault) => break Err(fault),
                },
            }
        };
        let fault = decoded.err();
        let next = match fault {
            Some(_) => Self::default(),
            None => Self { session, pending: bytes.get(at..).unwrap_or_default().to_vec() },
        };
        Decoded { bytes, parts, fault, next }
    }
}

/// Whether bytes begin a session; two tell them from a record.
fn begins_session(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && MAGIC.starts_with(bytes.get(..MAGIC.len()).unwrap_or(bytes))
}

impl Piece {
    /// The same, counted from 0.
    #[must_use]
    pub fn from_zero(mut self) -> Self {
        for other in &mut self.aside {
            other.index -= self.first.min(other.index);
        }
        self.first = 0;
        self
    }
}
