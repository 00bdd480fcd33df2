//! One connection that asked for a stream.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream as Blocking;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use crate::chunks::Answer;
use crate::content::{Content, Lateness, Tally};
use crate::target::Target;
use crate::timing::wall;

/// A service that has not taken a connection by then never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reads before others have their turn.
const READS: usize = 4;

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It has not.
    Open,
    /// With a complete answer.
    Complete,
    /// With an answer that is not 200.
    Rejected(u16),
    /// By the service, with more to come.
    Dropped,
    /// What it sent was not what it should be.
    Broken,
    /// By us, when the time was over.
    Stopped,
}

/// What a turn came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// There may be more to read.
    More,
    /// Everything that is here was read.
    Drained,
    /// The connection is over.
    Over,
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    /// Its socket.
    pub stream: TcpStream,
    answer: Answer,
    content: Content,
    /// Whether the service has sent its last byte.
    pub closed: bool,
    /// What it was sent.
    pub tally: Tally,
    /// How it ended.
    pub ending: Ending,
    /// What was wrong, where something was.
    pub why: Option<String>,
    /// When it asked.
    pub asked: Option<Instant>,
    /// When the first bytes of the body came.
    pub begun: Option<Instant>,
    /// When the last bytes came.
    pub latest: Option<Instant>,
}

impl Client {
    /// Connects. On this machine that takes microseconds, so it may block.
    ///
    /// # Errors
    /// The service takes no connection.
    pub fn connect(target: &Target, content: Content, receive_buffer: Option<usize>) -> Result<Self> {
        let stream = Blocking::connect_timeout(&target.address, PATIENCE)?;
        if let Some(bytes) = receive_buffer {
            rustix::net::sockopt::set_socket_recv_buffer_size(&stream, bytes)?;
        }
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            answer: Answer::new(),
            content,
            closed: false,
            tally: Tally::default(),
            ending: Ending::Open,
            why: None,
            asked: None,
            begun: None,
            latest: None,
        })
    }

    /// Asks. A request is far smaller than an empty socket's buffer.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn ask(&mut self, target: &Target, key: Option<&str>) -> Result<()> {
        self.asked = Some(Instant::now());
        self.stream.write_all(&target.request(key))
    }

    /// Reads a few times into a buffer that all connections share.
    pub fn turn(&mut self, buffer: &mut [u8], late: &mut Lateness) -> Turn {
        for _ in 0..READS {
            let turn = self.turn_once(buffer, late);
            if turn != Turn::More {
                return turn;
            }
        }
        Turn::More
    }

    /// Reads once.
    pub fn turn_once(&mut self, buffer: &mut [u8], late: &mut Lateness) -> Turn {
        match self.stream.read(buffer) {
            Ok(0) => self.end(Ending::Dropped, None),
            Ok(count) => match self.take(buffer.get(..count).unwrap_or_default(), late) {
                Err(why) => self.end(Ending::Broken, Some(why.to_string())),
                Ok(()) if self.answer.is_complete() => self.end(self.complete(), None),
                // What did not fill the buffer was all there is: the next arrival wakes us, but the end may be here.
                Ok(()) if count < buffer.len() && !self.closed => Turn::Drained,
                Ok(()) => Turn::More,
            },
            Err(why) if why.kind() == ErrorKind::WouldBlock => Turn::Drained,
            Err(why) if why.kind() == ErrorKind::Interrupted => Turn::More,
            Err(why) => self.end(Ending::Dropped, Some(why.to_string())),
        }
    }

    /// Ends it from this side.
    pub fn stop(&mut self) {
        if self.ending == Ending::Open {
            self.end(Ending::Stopped, None);
        }
    }

    fn take(&mut self, bytes: &[u8], late: &mut Lateness) -> Result<()> {
        let (now, here) = (wall(), Instant::now());
        self.latest = Some(here);
        let Self { answer, content, tally, begun, .. } = self;
        let mut result = Ok(());
        // A refusal's body is no stream.
        let status = answer.status;
        answer.feed(bytes, |body| {
            begun.get_or_insert(here);
            if matches!(status, 0 | 200) && result.is_ok() {
                result = content.feed(body, now, tally, late);
            }
        })?;
        if matches!(answer.status, 0 | 200) { result } else { Ok(()) }
    }

    fn complete(&self) -> Ending {
        if self.answer.status == 200 { Ending::Complete } else { Ending::Rejected(self.answer.status) }
    }

    fn end(&mut self, ending: Ending, why: Option<String>) -> Turn {
        self.ending = ending;
        self.why = why;
        // Kept open until the program ends, a thousand sockets would be the service's to care for.
        let _gone = self.stream.shutdown(std::net::Shutdown::Both);
        Turn::Over
    }
}
