//! HTTP/1.1 as far as it is needed: the head of an answer, then its body, in chunks or of a known length.

use std::io::{Error, ErrorKind, Result};

/// More than any head has that the service sends.
const MOST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 32;
/// A chunk's size in hexadecimal digits, and its line's end.
const MOST_SIZE_LINE: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Head,
    /// The line that says how long the next chunk is.
    Size,
    /// So much of a chunk is still to come.
    Chunk(u64),
    /// The line's end behind a chunk: so many bytes of it, and what comes then.
    Behind(u8, Then),
    /// So much of a body of known length is still to come.
    Plain(u64),
    /// Everything was sent.
    End,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    Size,
    End,
}

/// One answer as it arrives.
#[derive(Debug)]
pub struct Answer {
    state: State,
    held: Vec<u8>,
    /// 0 until the head is here.
    pub status: u16,
}

fn broken(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

impl Answer {
    /// An answer of which nothing is here yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Head, held: Vec::new(), status: 0 }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::End
    }

    /// Takes bytes as they came, and hands on those of the body.
    ///
    /// # Errors
    /// What came is no HTTP, or there was something behind the answer's end.
    pub fn feed(&mut self, mut bytes: &[u8], mut body: impl FnMut(&[u8])) -> Result<()> {
        while !bytes.is_empty() {
            bytes = match self.state {
                State::Head => self.head(bytes)?,
                State::Size => self.size(bytes)?,
                State::Chunk(left) => {
                    let (here, rest) = cut(bytes, left);
                    body(here);
                    let left = left - here.len() as u64;
                    self.state = if left == 0 { State::Behind(2, Then::Size) } else { State::Chunk(left) };
                    rest
                }
                State::Behind(left, then) => {
                    let (here, rest) = cut(bytes, u64::from(left));
                    let left = left - here.len() as u8;
                    self.state = match (left, then) {
                        (0, Then::Size) => State::Size,
                        (0, Then::End) => State::End,
                        _ => State::Behind(left, then),
                    };
                    rest
                }
                State::Plain(left) => {
                    let (here, rest) = cut(bytes, left);
                    body(here);
                    let left = left - here.len() as u64;
                    self.state = if left == 0 { State::End } else { State::Plain(left) };
                    rest
                }
                State::End => return Err(broken("more than the answer was sent")),
            };
        }
        Ok(())
    }

    fn head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let before = self.held.len();
        self.held.extend_from_slice(bytes);
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&self.held).map_err(|_| broken("no head of an HTTP answer"))?;
        let httparse::Status::Complete(size) = parsed else {
            return if self.held.len() > MOST_HEAD { Err(broken("a head without end")) } else { Ok(&[]) };
        };
        self.status = response.code.unwrap_or(0);
        let length =
            response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
        self.state = match length {
            None => State::Size,
            Some(header) => match str::from_utf8(header.value).ok().and_then(|digits| digits.parse().ok()) {
                Some(0) => State::End,
                Some(length) => State::Plain(length),
                None => return Err(broken("a content length that is no number")),
            },
        };
        self.held.clear();
        Ok(bytes.get(size - before..).unwrap_or_default())
    }

    fn size<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let end = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let (line, rest) = bytes.split_at(end);
        self.held.extend_from_slice(line);
        if self.held.len() > MOST_SIZE_LINE {
            return Err(broken("a chunk without a size"));
        }
        if self.held.ends_with(b"\n") {
            let Ok(httparse::Status::Complete((_, size))) = httparse::parse_chunk_size(&self.held) else {
                return Err(broken("a chunk without a size"));
            };
            self.held.clear();
            self.state = if size == 0 { State::Behind(2, Then::End) } else { State::Chunk(size) };
        }
        Ok(rest)
    }
}

fn cut(bytes: &[u8], most: u64) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.len().min(usize::try_from(most).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::Answer;

    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
    const PLAIN: &[u8] = b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nfull";

    fn fed(bytes: &[u8], step: usize) -> (u16, bool, String) {
        let (mut answer, mut seen) = (Answer::new(), Vec::new());
        for piece in bytes.chunks(step) {
            assert!(answer.feed(piece, |part| seen.extend_from_slice(part)).is_ok());
        }
        (answer.status, answer.is_complete(), String::from_utf8_lossy(&seen).into_owned())
    }

    #[test]
    fn a_body_is_the_same_however_it_arrives() {
        for step in 1..=CHUNKED.len() {
            assert_eq!(fed(CHUNKED, step), (200, true, "helloabcdefghijklmnopqrstuvwxyz".to_owned()));
        }
        for step in 1..=PLAIN.len() {
            assert_eq!(fed(PLAIN, step), (503, true, "full".to_owned()));
        }
    }

    #[test]
    fn a_body_that_was_cut_off_is_not_complete() {
        for cut in 1..CHUNKED.len() {
            assert!(!fed(&CHUNKED[..cut], 7).1);
        }
    }

    #[test]
    fn what_is_no_http_is_an_error() {
        for bytes in [&b"hello\r\n\r\n"[..], b"HTTP/1.1 200 OK\r\n\r\nxyz\r\n"] {
            assert!(Answer::new().feed(bytes, |_| ()).is_err());
        }
        let behind = [PLAIN, b"more"].concat();
        assert!(Answer::new().feed(&behind, |_| ()).is_err());
    }
}
