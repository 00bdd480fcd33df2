//! Server-sent events, line by line.

use std::io::{Error, ErrorKind, Result};

use memchr::memchr;

/// Longer lines are an error: a full depth frame and a compact event are some kilobytes.
const MOST_LINE: usize = 4 << 20;

/// A line of a stream of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line<'a> {
    /// Where the stream resumes behind this event.
    Id(&'a [u8]),
    /// What kind of event it is, where it is not an ordinary one.
    Name(&'a [u8]),
    /// The event.
    Data(&'a [u8]),
    /// A heartbeat, or the end.
    Comment(&'a [u8]),
    /// The event is complete.
    End,
}

impl<'a> Line<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        match line.first() {
            None => Some(Self::End),
            Some(b'd') => line.strip_prefix(b"data: ").map(Self::Data),
            Some(b'i') => line.strip_prefix(b"id: ").map(Self::Id),
            Some(b'e') => line.strip_prefix(b"event: ").map(Self::Name),
            Some(b':') => line.get(1..).map(Self::Comment),
            Some(_) => None,
        }
    }
}

/// Lines out of bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Takes bytes, and hands on the lines that are complete.
    ///
    /// # Errors
    /// A line is too long, or is none of a stream of events.
    pub fn feed(&mut self, mut bytes: &[u8], mut see: impl FnMut(Line<'_>)) -> Result<()> {
        while let Some(end) = memchr(b'\n', bytes) {
            let (here, rest) = bytes.split_at(end);
            let line = if self.held.is_empty() {
                Line::of(here)
            } else {
                self.held.extend_from_slice(here);
                Line::of(&self.held)
            };
            see(line.ok_or_else(|| Error::new(ErrorKind::InvalidData, "not a line of a stream of events"))?);
            self.held.clear();
            bytes = rest.get(1..).unwrap_or_default();
        }
        if self.held.len() + bytes.len() > MOST_LINE {
            return Err(Error::new(ErrorKind::InvalidData, "a line without end"));
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let bytes = b"id: 7\ndata: {}\n\n: heartbeat\n\nevent: bye\nid: 8\n\n";
        let seen = |step: usize| {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            for piece in bytes.chunks(step) {
                assert!(lines.feed(piece, |line| seen.push(format!("{line:?}"))).is_ok());
            }
            seen
        };
        let whole = seen(bytes.len());
        assert_eq!(whole.len(), 8);
        for step in 1..bytes.len() {
            assert_eq!(seen(step), whole);
        }
        assert!(Lines::default().feed(b"<html>\n", |_| ()).is_err());
    }
}
