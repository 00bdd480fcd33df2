//! One measurement a process, for the table that `make bench` prints: `replay SUBJECT FILE` applies the records of a
//! DBN file, already in memory, and reads the best prices after every one; `replay levels|queue BOOK N` asks how cost
//! grows. Prints one line of JSON. What runs it, and why so, is in `benchmarks/`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "peers/textbook.rs"]
mod textbook;

mod replay {
    pub mod clock;
    pub mod growth;
    pub mod subject;
}

use std::hint::black_box;

use booktape_core::Result;
use booktape_core::feed::Options;
use booktape_core::market::Market;
use booktape_core::tape::Tape;
use booktape_core::types::MboRecord;
use replay::clock::Clock;
use replay::growth::{Shape, churn};
use replay::subject::{Best, Books, Bytes, OneBook, OneTextbook, Subject, Textbooks};
use serde_json::{Value, json};
use zerocopy::FromBytes;

/// Records that warm the machine up before the measured pass.
const WARM_UP: usize = 500_000;

/// The records of a plain DBN file that holds nothing else, without the package's own reader.
fn records(path: &str) -> Vec<MboRecord> {
    let bytes = std::fs::read(path).expect("a readable file");
    let (head, rest) = bytes.split_at(8);
    assert_eq!(&head[..3], b"DBN", "{path} is not plain DBN");
    let metadata = u32::from_le_bytes(head[4..].try_into().expect("four bytes")) as usize;
    let records = rest[metadata..]
        .chunks_exact(MboRecord::SIZE)
        .map(|chunk| MboRecord::read_from_bytes(chunk).expect("56 bytes"))
        .collect::<Vec<_>>();
    assert!(
        records.iter().all(|record| record.rtype == MboRecord::RTYPE),
        "{path} holds records of other types"
    );
    records
}

fn tape(path: &str) -> Tape {
    Tape::open(path.as_ref(), Options::default(), None, &mut |_, _| Ok(())).expect("a readable file")
}

/// What is read after every record.
#[derive(Clone, Copy)]
enum Reading {
    Prices,
    Levels,
}

fn pass<S: Subject>(records: &[MboRecord], reading: Reading) -> S {
    let mut subject = S::default();
    match reading {
        Reading::Prices => records.iter().for_each(|record| {
            black_box(subject.apply(record).prices());
        }),
        Reading::Levels => records.iter().for_each(|record| {
            black_box(subject.apply(record).levels());
        }),
    }
    subject
}

/// Plays the records `passes` times, each time on a new book, whose growing is measured and whose end is not.
fn play<S: Subject>(records: &[MboRecord], passes: usize, reading: Reading) -> Value {
    let mut subject = pass::<S>(&records[..records.len().min(WARM_UP)], reading);
    let mut spent = Clock::default();
    for _ in 0..passes {
        drop(subject);
        let start = Clock::now();
        subject = pass::<S>(records, reading);
        spent += Clock::now() - start;
    }
    json!({
        "records": records.len() * passes,
        "wall_s": spent.wall,
        "cpu_s": spent.cpu,
        "state": subject.state(),
    })
}

/// Applies all records at once to a new market, `passes` times.
fn whole(records: usize, passes: usize, mut apply: impl FnMut(&mut Market) -> Result<()>) -> Value {
    let (mut subject, mut spent) = (Books::default(), Clock::default());
    for _ in 0..passes {
        subject = Books::default();
        let start = Clock::now();
        apply(&mut subject.0).expect("a market that is not strict refuses nothing");
        spent += Clock::now() - start;
    }
    json!({ "records": records * passes, "wall_s": spent.wall, "cpu_s": spent.cpu, "state": subject.state() })
}

fn grow(shape: Shape, book: &str, size: usize) -> Value {
    let (records, spent) = match book {
        "book" => churn::<OneBook>(shape, size),
        "textbook" => churn::<OneTextbook>(shape, size),
        other => panic!("{other} is no book that can grow"),
    };
    json!({ "records": records, "wall_s": spent.wall, "cpu_s": spent.cpu })
}

fn main() {
    // cargo adds `--bench`, which is nobody's argument.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse::<usize>().expect("a number");
    let line = match words.as_slice() {
        ["levels", book, size] => grow(Shape::Levels, book, number(size)),
        ["queue", book, size] => grow(Shape::Queue, book, number(size)),
        [subject, path, passes, rest @ ..] => {
            let mut records = records(path);
            records.truncate(rest.first().map_or(usize::MAX, |most| number(most)));
            let passes = number(passes);
            match *subject {
                "limit" => play::<Bytes>(&records, passes, Reading::Prices),
                "book" => play::<OneBook>(&records, passes, Reading::Prices),
                "book-levels" => play::<OneBook>(&records, passes, Reading::Levels),
                "market" => play::<Books>(&records, passes, Reading::Prices),
                "market-batches" => whole(records.len(), passes, |market| market.apply_all(&records)),
                "tape" => {
                    let tape = tape(path);
                    whole(records.len(), passes, |market| {
                        tape.apply(market, 0..records.len() as u64, &mut |_, _| Ok(()))
                    })
                }
                "textbook" => play::<OneTextbook>(&records, passes, Reading::Prices),
                "textbook-levels" => play::<OneTextbook>(&records, passes, Reading::Levels),
                "textbooks" => play::<Textbooks>(&records, passes, Reading::Prices),
                other => panic!("{other} is not measured here"),
            }
        }
        // `cargo bench` runs every bench without arguments.
        _ => return println!("replay: one measurement a process, see benchmarks/README.md"),
    };
    println!("{line}");
}
