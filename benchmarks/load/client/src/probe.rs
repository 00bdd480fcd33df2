//! A small request at a steady rate: what others notice of the load.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::chunks::Answer;
use crate::figures::{Latencies, Percentiles};
use crate::options::Probe;

const PATIENCE: Duration = Duration::from_secs(30);

/// What the requests came to.
#[derive(Serialize, Debug)]
pub struct Report {
    requests: usize,
    /// Answers other than 200.
    failed: usize,
    /// Milliseconds from a request to the end of its answer.
    answer: Option<Percentiles>,
    /// Milliseconds from when a request was due, so that one that waits does not hide those behind it.
    since_due: Option<Percentiles>,
}

/// Asks until the time is over.
///
/// # Errors
/// The service takes no connection, or cuts it.
pub fn run(options: &Probe) -> Result<Report> {
    let mut stream = TcpStream::connect_timeout(&options.url.address, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = options.url.request(options.key.as_deref());
    let began = Instant::now();
    let (mut answered, mut since_due, mut requests, mut failed) = (Latencies::new(), Latencies::new(), 0, 0);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let due = began + Duration::from_secs_f64(requests as f64 / options.hertz);
        if due.duration_since(began).as_secs_f64() >= options.seconds {
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let asked = Instant::now();
        stream.write_all(&request)?;
        let mut answer = Answer::new();
        while !answer.is_complete() {
            let count = stream.read(&mut buffer)?;
            if count == 0 {
                return Err(Error::new(ErrorKind::UnexpectedEof, "the service closed the connection"));
            }
            answer.feed(buffer.get(..count).unwrap_or_default(), |_| ())?;
        }
        answered.add(asked.elapsed().as_nanos() as i64);
        since_due.add(due.elapsed().as_nanos() as i64);
        failed += usize::from(answer.status != 200);
        requests += 1;
    }
    Ok(Report { requests, failed, answer: answered.report(), since_due: since_due.report() })
}
