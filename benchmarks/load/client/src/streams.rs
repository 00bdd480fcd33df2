//! Many streams at once, read as fast as they come.

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Result};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};
use serde::Serialize;

use crate::client::{Client, Ending, Turn};
use crate::content::{Content, Lateness};
use crate::figures::{Latencies, Percentiles, Spread};
use crate::machine::{allow_files, processor_seconds};
use crate::options::Streams;
use crate::sample::Sample;
use crate::timing::Timing;

/// One buffer for all connections, that stays in the processor's cache.
const BUFFER_BYTES: usize = 256 * 1024;
/// What a slow connection's kernel buffer holds.
const SLOW_BUFFER_BYTES: usize = 16 * 1024;
/// How often slow connections read.
const SLOW_TURN: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// What all connections came to.
#[derive(Serialize, Debug)]
pub struct Report {
    connections: Connections,
    /// From the first request to the last byte.
    seconds: f64,
    /// This program's own time on the processor.
    client_cpu_seconds: f64,
    bytes: u64,
    events: u64,
    records: u64,
    gaps: u64,
    jumps: u64,
    byes: u64,
    comments: u64,
    missed_frames: u64,
    per_client: PerClient,
    /// Milliseconds.
    first_byte: Option<Percentiles>,
    /// Milliseconds from the time a record was due until it was read: of all records of the events that are looked at.
    late: Option<Percentiles>,
    /// Milliseconds behind the grid of frames.
    late_frames: Option<Percentiles>,
    /// Milliseconds more than a period after the frame before.
    frame_intervals: Option<Percentiles>,
    /// The first few things that went wrong.
    complaints: Vec<String>,
}

#[derive(Serialize, Debug, Default)]
struct Connections {
    asked: usize,
    opened: usize,
    refused: usize,
    complete: usize,
    dropped: usize,
    broken: usize,
    stopped: usize,
    rejected: BTreeMap<u16, usize>,
}

#[derive(Serialize, Debug)]
struct PerClient {
    records: Option<Spread>,
    events: Option<Spread>,
    bytes: Option<Spread>,
    seconds: Option<Spread>,
    slow_bytes: Option<Spread>,
}

/// Opens connections and reads until all have ended, or the time is over.
///
/// # Errors
/// The system allows no more files, or polling failed.
pub fn run(options: &Streams) -> Result<Report> {
    allow_files(options.connections)?;
    let mut crowd = Crowd::new(options)?;
    if options.ramp.is_none() {
        while crowd.opened < options.connections {
            crowd.connect()?;
        }
        crowd.began = Instant::now();
        for client in 0..crowd.clients.len() {
            crowd.ask(client);
        }
    }
    crowd.drive()?;
    Ok(crowd.report())
}

struct Crowd<'a> {
    options: &'a Streams,
    poll: Poll,
    clients: Vec<Client>,
    /// Connections tried so far.
    opened: usize,
    refusals: Vec<String>,
    /// Those with more to read, each once.
    ready: VecDeque<usize>,
    is_ready: Vec<bool>,
    open: usize,
    late: Lateness,
    buffer: Vec<u8>,
    began: Instant,
    slow_read: Instant,
}

impl<'a> Crowd<'a> {
    fn new(options: &'a Streams) -> Result<Self> {
        Ok(Self {
            options,
            poll: Poll::new()?,
            clients: Vec::with_capacity(options.connections),
            opened: 0,
            refusals: Vec::new(),
            ready: VecDeque::new(),
            is_ready: Vec::with_capacity(options.connections),
            open: 0,
            late: Lateness::new(),
            buffer: vec![0; BUFFER_BYTES],
            began: Instant::now(),
            slow_read: Instant::now(),
        })
    }

    fn connect(&mut self) -> Result<()> {
        let options = self.options;
        let Some(target) = options.urls.get(self.opened % options.urls.len().max(1)) else { return Ok(()) };
        let slow = self.opened < options.slow;
        self.opened += 1;
        let timing = options.due.map(|anchor| Timing::new(anchor, options.speed));
        let sample = Sample::new(options.sample, self.clients.len());
        let content = Content::new(options.format, timing, sample, options.hertz);
        match Client::connect(target, content, slow.then_some(SLOW_BUFFER_BYTES)) {
            Ok(mut client) => {
                if !slow {
                    let token = Token(self.clients.len());
                    self.poll.registry().register(&mut client.stream, token, Interest::READABLE)?;
                }
                self.clients.push(client);
                self.is_ready.push(false);
                self.open += 1;
            }
            Err(why) => self.refusals.push(why.to_string()),
        }
        Ok(())
    }

    fn ask(&mut self, client: usize) {
        let Some(target) = self.options.urls.get(client % self.options.urls.len().max(1)) else { return };
        let Some(client) = self.clients.get_mut(client) else { return };
        if let Err(why) = client.ask(target, self.options.key.as_deref()) {
            client.ending = Ending::Dropped;
            client.why = Some(why.to_string());
            self.open -= 1;
        }
    }

    /// Connections that a ramp has come to.
    fn ramp(&mut self) -> Result<()> {
        let Some(ramp) = self.options.ramp else { return Ok(()) };
        let due = (self.began.elapsed().as_secs_f64() * ramp) as usize + 1;
        while self.opened < due.min(self.options.connections) {
            let before = self.clients.len();
            self.connect()?;
            if self.clients.len() > before {
                self.ask(before);
            }
        }
        Ok(())
    }

    fn drive(&mut self) -> Result<()> {
        let longest = Duration::from_secs_f64(self.options.seconds);
        let mut events = Events::with_capacity(1_024);
        while (self.open > 0 || self.opened < self.options.connections) && self.began.elapsed() < longest {
            self.late.counts = self.began.elapsed().as_secs_f64() >= self.options.warmup;
            self.ramp()?;
            self.read_slowly();
            match self.poll.poll(&mut events, Some(self.patience())) {
                Err(why) if why.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                let Token(client) = event.token();
                if event.is_read_closed()
                    && let Some(client) = self.clients.get_mut(client)
                {
                    client.closed = true;
                }
                if let Some(ready) = self.is_ready.get_mut(client)
                    && !*ready
                {
                    *ready = true;
                    self.ready.push_back(client);
                }
            }
            // Everyone once, then whoever became ready meanwhile.
            for _ in 0..self.ready.len() {
                let Some(client) = self.ready.pop_front() else { break };
                self.turn(client);
            }
        }
        self.clients.iter_mut().for_each(Client::stop);
        Ok(())
    }

    fn patience(&self) -> Duration {
        if self.options.spin || !self.ready.is_empty() {
            return Duration::ZERO;
        }
        let ramp = self.options.ramp.filter(|_| self.opened < self.options.connections);
        let until_next =
            ramp.map_or(LONGEST_WAIT, |ramp| Duration::from_secs_f64(1.0 / ramp).min(LONGEST_WAIT));
        if self.options.slow > 0 { until_next.min(SLOW_TURN) } else { until_next }
    }

    fn turn(&mut self, place: usize) {
        let Some(client) = self.clients.get_mut(place).filter(|client| client.ending == Ending::Open) else {
            return;
        };
        let turn = client.turn(&mut self.buffer, &mut self.late);
        if turn == Turn::More {
            self.ready.push_back(place);
        } else {
            if let Some(ready) = self.is_ready.get_mut(place) {
                *ready = false;
            }
            self.open -= usize::from(turn == Turn::Over);
        }
    }

    /// What slow connections may take since they last did.
    fn read_slowly(&mut self) {
        if self.options.slow == 0 || self.slow_read.elapsed() < SLOW_TURN {
            return;
        }
        let share = (self.slow_read.elapsed().as_secs_f64() * self.options.slow_rate as f64) as usize;
        self.slow_read = Instant::now();
        let size = share.clamp(1, BUFFER_BYTES);
        for client in self.clients.iter_mut().take(self.options.slow) {
            if client.ending == Ending::Open && client.asked.is_some() {
                let buffer = self.buffer.get_mut(..size).unwrap_or_default();
                self.open -= usize::from(client.turn_once(buffer, &mut self.late) == Turn::Over);
            }
        }
    }

    fn report(self) -> Report {
        let mut connections = Connections {
            asked: self.options.connections,
            refused: self.refusals.len(),
            ..Connections::default()
        };
        let mut first_byte = Latencies::new();
        for client in &self.clients {
            connections.opened += 1;
            match client.ending {
                Ending::Complete => connections.complete += 1,
                Ending::Rejected(status) => *connections.rejected.entry(status).or_default() += 1,
                Ending::Dropped => connections.dropped += 1,
                Ending::Broken => connections.broken += 1,
                Ending::Open | Ending::Stopped => connections.stopped += 1,
            }
            if let (Some(asked), Some(begun)) = (client.asked, client.begun) {
                first_byte.add(begun.duration_since(asked).as_nanos() as i64);
            }
        }
        let (slow, fast) = self.clients.split_at(self.options.slow.min(self.clients.len()));
        let sum = |of: fn(&Client) -> u64| self.clients.iter().map(of).sum();
        let spread = |of: fn(&Client) -> f64| Spread::of(fast.iter().map(of));
        let last = self.clients.iter().filter_map(|client| client.latest).max();
        let whys = self.clients.iter().filter_map(|client| client.why.clone());
        Report {
            connections,
            seconds: last.map_or(0.0, |last| last.duration_since(self.began).as_secs_f64()),
            client_cpu_seconds: processor_seconds(),
            bytes: sum(|client| client.tally.bytes),
            events: sum(|client| client.tally.events),
            records: sum(|client| client.tally.records),
            gaps: sum(|client| client.tally.gaps),
            jumps: sum(|client| client.tally.jumps),
            byes: sum(|client| client.tally.byes),
            comments: sum(|client| client.tally.comments),
            missed_frames: sum(|client| client.tally.missed),
            per_client: PerClient {
                records: spread(|client| client.tally.records as f64),
                events: spread(|client| client.tally.events as f64),
                bytes: spread(|client| client.tally.bytes as f64),
                seconds: spread(lasted),
                slow_bytes: Spread::of(slow.iter().map(|client| client.tally.bytes as f64)),
            },
            first_byte: first_byte.report(),
            late: self.late.each.report(),
            late_frames: self.late.grid.report(),
            frame_intervals: self.late.interval.report(),
            complaints: self.refusals.iter().cloned().chain(whys).take(5).collect(),
        }
    }
}

fn lasted(client: &Client) -> f64 {
    match (client.asked, client.latest) {
        (Some(asked), Some(latest)) => latest.duration_since(asked).as_secs_f64(),
        _ => 0.0,
    }
}
