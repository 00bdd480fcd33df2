//! Many clients of a booktape service in one thread, and what each of them saw: a line of JSON on standard output.

mod bare;
mod chunks;
mod churn;
mod client;
mod content;
mod figures;
mod lines;
mod machine;
mod options;
mod probe;
mod raw;
mod sample;
mod screens;
mod stalls;
mod streams;
mod target;
mod timing;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Command, Options};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<serde_json::Value> {
    Ok(match options.command {
        Command::Streams(streams) => serde_json::to_value(streams::run(&streams)?)?,
        Command::Churn(churn) => serde_json::to_value(churn::run(&churn))?,
        Command::Probe(probe) => serde_json::to_value(probe::run(&probe)?)?,
        Command::Bare(bare) => serde_json::to_value(bare::run(&bare)?)?,
        Command::Stalls(stalls) => serde_json::to_value(stalls::run(&stalls)?)?,
    })
}
