//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::target::Target;
use crate::timing::Anchor;

/// Clients of a booktape service on this machine.
#[derive(Parser, Debug)]
#[command(version, about)]
pub struct Options {
    /// What the clients do.
    #[command(subcommand)]
    pub command: Command,
}

/// What clients do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Read streams as fast as they come.
    Streams(Streams),
    /// Connect, take a little, and go, again and again.
    Churn(Churn),
    /// Ask for something small at a steady rate over one connection.
    Probe(Probe),
    /// Serve: the same few fields over and over, for as long as all clients stay.
    Bare(Bare),
    /// Find out how long this machine does not run threads that want to, one a core.
    Stalls(Stalls),
}

/// What a body is.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Compact arrays, many an event.
    Json,
    /// One event a record.
    Full,
    /// Metadata, then raw records.
    Dbn,
    /// Screens of a book.
    Depth,
}

/// Reading streams.
#[derive(Args, Debug)]
pub struct Streams {
    /// http://127.0.0.1:PORT/…; several take turns.
    #[arg(required = true)]
    pub urls: Vec<Target>,
    /// What the bodies are.
    #[arg(long, value_enum, default_value = "json")]
    pub format: Format,
    /// Connections.
    #[arg(long, default_value_t = 1)]
    pub connections: usize,
    /// Connections opened a second; otherwise all at once, and asked when all are open.
    #[arg(long)]
    pub ramp: Option<f64>,
    /// Seconds after which connections that are still open are closed.
    #[arg(long, default_value_t = 600.0)]
    pub seconds: f64,
    /// When a record was due: `tape`, its own `ts_recv`; `quickest`, by the tape's time, so that a connection's quickest
    /// record was on time; or `WALL:TAPE`, two times in nanoseconds that belong together.
    #[arg(long)]
    pub due: Option<Anchor>,
    /// Speed of a paced stream, as a factor of real time.
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// Seconds at the beginning whose latencies are left out.
    #[arg(long, default_value_t = 0.0)]
    pub warmup: f64,
    /// One event in so many is looked at for the latency of its records; of raw records, one in so many.
    #[arg(long, default_value_t = 8)]
    pub sample: u64,
    /// How many of the connections read slowly.
    #[arg(long, default_value_t = 0)]
    pub slow: usize,
    /// Bytes a second that a slow connection reads.
    #[arg(long, default_value_t = 10_000)]
    pub slow_rate: usize,
    /// Never sleep: takes a whole core, and spares the service the cost of waking a sleeper on its own machine, which
    /// is most of what sending a small frame costs there, and nothing where clients are elsewhere.
    #[arg(long)]
    pub spin: bool,
    /// Frames a second that screens were promised.
    #[arg(long, default_value_t = 10.0)]
    pub hertz: f64,
    /// The key to send, where the service wants one.
    #[arg(long)]
    pub key: Option<String>,
}

/// Connecting and dropping.
#[derive(Args, Debug)]
pub struct Churn {
    /// http://127.0.0.1:PORT/…; several take turns.
    #[arg(required = true)]
    pub urls: Vec<Target>,
    /// Connections in all.
    #[arg(long, default_value_t = 10_000)]
    pub cycles: usize,
    /// Connections open at once.
    #[arg(long, default_value_t = 50)]
    pub at_once: usize,
    /// The key to send, where the service wants one.
    #[arg(long)]
    pub key: Option<String>,
}

/// A server that does nothing but write to sockets.
#[derive(Args, Debug)]
pub struct Bare {
    /// Connections to wait for.
    #[arg(long, default_value_t = 1)]
    pub connections: usize,
    /// Records a second.
    #[arg(long)]
    pub rate: f64,
    /// Microseconds between two batches.
    #[arg(long, default_value_t = 500)]
    pub rest: u64,
}

/// Looking at the clock.
#[derive(Args, Debug)]
pub struct Stalls {
    /// Seconds.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
}

/// Asking for something small.
#[derive(Args, Debug)]
pub struct Probe {
    /// <http://127.0.0.1:PORT/>…
    pub url: Target,
    /// Requests a second.
    #[arg(long, default_value_t = 50.0)]
    pub hertz: f64,
    /// Seconds.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// The key to send, where the service wants one.
    #[arg(long)]
    pub key: Option<String>,
}
