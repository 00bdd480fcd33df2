//! Records already in memory to a book, best prices read after every record: `cargo bench --bench book`.
//!
//! Flows: a real CL session played again and again on a fresh book (where `BOOKTAPE_TEST_DATA` has it), one synthetic
//! instrument, sixteen synthetic instruments. Peer: the textbook book of `peers/textbook.rs`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

#[path = "peers/textbook.rs"]
mod textbook;

use std::hint::black_box;
use std::path::{Path, PathBuf};

use booktape_core::book::Book;
use booktape_core::feed::Options;
use booktape_core::market::Market;
use booktape_core::synth;
use booktape_core::tape::Tape;
use booktape_core::types::{MboRecord, Notes, Side};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use textbook::Textbook;

fn session() -> Option<Vec<MboRecord>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let folder = std::env::var_os("BOOKTAPE_TEST_DATA").map_or(beside, PathBuf::from);
    let tape =
        Tape::open(&folder.join("clx5-glbx-20250924.mbo.dbn"), Options::default(), None, &mut |_, _| Ok(()))
            .ok()?;
    Some(tape.in_memory().unwrap().to_vec())
}

fn synthetic(messages: u64, instruments: u32) -> Vec<MboRecord> {
    let options = synth::Options { messages, instruments, seed: 7, ..synth::Options::default() };
    Tape::synthesize(&options, &mut |_, _| Ok(())).expect("plain options").in_memory().unwrap().to_vec()
}

fn one_book(records: &[MboRecord], book: &mut Book, notes: &mut Notes) {
    for record in records {
        book.apply(record, notes);
        black_box((book.best_price(Side::Bid), book.best_price(Side::Ask)));
    }
}

fn one_textbook(records: &[MboRecord], book: &mut Textbook) {
    for record in records {
        book.apply(record);
        black_box(book.best());
    }
}

fn one_market(records: &[MboRecord], market: &mut Market) {
    for record in records {
        black_box(market.apply(record).is_ok());
    }
}

fn flows(criterion: &mut Criterion) {
    let mut flows =
        vec![("synthetic-1", synthetic(2_000_000, 1)), ("synthetic-16", synthetic(2_000_000, 16))];
    match session() {
        Some(records) => flows.insert(0, ("clx5", records)),
        None => println!("clx5: not measured, BOOKTAPE_TEST_DATA does not have the file"),
    }
    for (name, records) in &flows {
        let mut group = criterion.benchmark_group(*name);
        group.throughput(Throughput::Elements(records.len() as u64)).sample_size(10);
        if !name.ends_with("16") {
            group.bench_function("book", |bench| {
                bench.iter_batched_ref(
                    || (Book::new(), Notes::default()),
                    |(book, notes)| one_book(records, book, notes),
                    BatchSize::PerIteration,
                );
            });
            group.bench_function("textbook", |bench| {
                bench.iter_batched_ref(
                    Textbook::default,
                    |book| one_textbook(records, book),
                    BatchSize::PerIteration,
                );
            });
        }
        group.bench_function("market", |bench| {
            bench.iter_batched_ref(
                Market::new,
                |market| one_market(records, market),
                BatchSize::PerIteration,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, flows);
criterion_main!(benches);
