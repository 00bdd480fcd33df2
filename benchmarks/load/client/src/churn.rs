//! Connections that take a little and go, some before they asked, some in the middle of an answer.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::figures::{Latencies, Percentiles};
use crate::machine::processor_seconds;
use crate::options::Churn;
use crate::target::Target;

const PATIENCE: Duration = Duration::from_secs(10);
const BUFFER_BYTES: usize = 64 * 1024;

/// What all connections came to.
#[derive(Serialize, Debug)]
pub struct Report {
    cycles: usize,
    /// Connections that were taken.
    opened: usize,
    /// Of those that waited for an answer, by its status.
    answered: BTreeMap<String, usize>,
    /// Those that could not connect, or were cut off before an answer.
    failed: usize,
    seconds: f64,
    client_cpu_seconds: f64,
    /// Milliseconds to the first bytes of an answer.
    first_byte: Option<Percentiles>,
    complaints: Vec<String>,
}

/// How far a connection goes before it drops.
#[derive(Clone, Copy)]
enum Until {
    Connected,
    Asked,
    Answered,
}

const TURNS: [Until; 4] = [Until::Connected, Until::Asked, Until::Answered, Until::Answered];

/// Connects and drops, `at_once` connections together.
#[must_use]
pub fn run(options: &Churn) -> Report {
    let began = Instant::now();
    let mut first_byte = Latencies::new();
    let mut report = Report {
        cycles: options.cycles,
        opened: 0,
        answered: BTreeMap::new(),
        failed: 0,
        seconds: 0.0,
        client_cpu_seconds: 0.0,
        first_byte: None,
        complaints: Vec::new(),
    };
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut done = 0;
    while done < options.cycles {
        let together = options.at_once.clamp(1, options.cycles - done);
        let opened: Vec<_> = (done..done + together).map(|cycle| begin(options, cycle)).collect();
        for begun in opened {
            match begun.and_then(|begun| begun.finish(&mut buffer)) {
                Ok(finished) => {
                    report.opened += 1;
                    if let Some((status, after)) = finished {
                        *report.answered.entry(status).or_default() += 1;
                        first_byte.add(after.as_nanos() as i64);
                    }
                }
                Err(why) => {
                    report.failed += 1;
                    if report.complaints.len() < 5 {
                        report.complaints.push(why.to_string());
                    }
                }
            }
        }
        done += together;
    }
    report.seconds = began.elapsed().as_secs_f64();
    report.client_cpu_seconds = processor_seconds();
    report.first_byte = first_byte.report();
    report
}

struct Begun {
    stream: TcpStream,
    until: Until,
    asked: Instant,
}

fn begin(options: &Churn, cycle: usize) -> Result<Begun> {
    let until = TURNS.get(cycle % TURNS.len()).copied().unwrap_or(Until::Answered);
    let target: &Target = options
        .urls
        .get(cycle / TURNS.len() % options.urls.len().max(1))
        .ok_or_else(|| std::io::Error::from(ErrorKind::InvalidInput))?;
    let mut stream = TcpStream::connect_timeout(&target.address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let asked = Instant::now();
    if !matches!(until, Until::Connected) {
        stream.write_all(&target.request(options.key.as_deref()))?;
    }
    Ok(Begun { stream, until, asked })
}

impl Begun {
    /// The status it was answered with and how soon, if it waited; drops the connection.
    fn finish(mut self, buffer: &mut [u8]) -> Result<Option<(String, Duration)>> {
        if !matches!(self.until, Until::Answered) {
            return Ok(None);
        }
        let count = self.stream.read(buffer)?;
        let after = self.asked.elapsed();
        let status = buffer
            .get(..count)
            .and_then(|bytes| bytes.strip_prefix(b"HTTP/1.1 "))
            .and_then(|rest| rest.get(..3))
            .ok_or_else(|| std::io::Error::new(ErrorKind::UnexpectedEof, "no answer"))?;
        Ok(Some((String::from_utf8_lossy(status).into_owned(), after)))
    }
}
