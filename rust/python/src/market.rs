//! `Market`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use booktape_core::audit::Audit;
use booktape_core::feed::{Limits, Options};
use booktape_core::market::Market as CoreMarket;
use booktape_core::tape::apply_file;
use booktape_core::types::{MboRecord, TS_OUT};
use booktape_core::{Error, Result, wire};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zerocopy::{FromBytes, IntoBytes};

use crate::book::{Book, LevelTuple, bbo_tuple};
use crate::counters::Meter;
use crate::detached::{detached, lock, with_locked};
use crate::errors::{parameter, to_python};
use crate::tape::Tape;

/// Records copied to an aligned place at a time.
const BATCH: usize = 4_096;

/// All books of a feed.
#[pyclass(frozen, module = "booktape._native")]
pub struct Market {
    pub core: Arc<Mutex<CoreMarket>>,
}

#[pymethods]
impl Market {
    #[new]
    #[pyo3(signature = (*, strict=false))]
    fn new(strict: bool) -> Self {
        let core = if strict { CoreMarket::strict() } else { CoreMarket::new() };
        Self { core: Arc::new(Mutex::new(core)) }
    }

    #[getter]
    fn records(&self, py: Python<'_>) -> u64 {
        with_locked(py, &self.core, |market| market.position())
    }

    /// Applies records [start, stop) of a tape; a report as JSON.
    #[pyo3(signature = (tape, start=None, stop=None, progress=None))]
    fn apply_tape<'py>(
        &self,
        py: Python<'py>,
        tape: &Tape,
        start: Option<u64>,
        stop: Option<u64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let tape = &tape.core;
        let range = start.unwrap_or_else(|| tape.first())..stop.unwrap_or_else(|| tape.len());
        let report = detached(py, progress, |watcher| {
            counted(&mut lock(&self.core), |market| {
                tape.apply(market, range, &mut |done, total| watcher.look(done, total))
            })
        })?;
        Ok(PyBytes::new(py, &report))
    }

    /// Applies DBN files in one pass each, keeping no record; a report as JSON.
    #[pyo3(signature = (paths, *, tolerant=false, max_decompressed=None, progress=None))]
    fn apply_files<'py>(
        &self,
        py: Python<'py>,
        paths: Vec<PathBuf>,
        tolerant: bool,
        max_decompressed: Option<u64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let options = Options { tolerant, limits: Limits { max_decompressed } };
        let report = detached(py, progress, |watcher| {
            counted(&mut lock(&self.core), |market| {
                paths.iter().try_for_each(|path| {
                    apply_file(market, path, options, &mut |done, total| watcher.look(done, total)).map(drop)
                })
            })
        })?;
        Ok(PyBytes::new(py, &report))
    }

    /// Applies a block of raw 56-byte records; a report as JSON.
    fn apply_records<'py>(
        &self,
        py: Python<'py>,
        records: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let copied;
        let bytes = if let Ok(bytes) = records.cast::<PyBytes>() {
            bytes.as_bytes()
        } else {
            copied = PyBuffer::<u8>::get(records)?.to_vec(py)?;
            &copied
        };
        let report = detached(py, None, |watcher| {
            let total = bytes.len() as u64;
            counted(&mut lock(&self.core), |market| {
                apply_block(market, bytes, &mut |done| watcher.look(done, total))
            })
        })?;
        Ok(PyBytes::new(py, &report))
    }

    /// Applies one raw record; what it did to the market as JSON.
    fn apply_record<'py>(&self, py: Python<'py>, record: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let record = one_record(record)?;
        let effect = with_locked(py, &self.core, |market| {
            let mut meter = Meter::of(market);
            let began = Instant::now();
            let outcome = market.apply(&record)?;
            meter.took(began.elapsed());
            meter.settle(market);
            let mut out = Vec::with_capacity(128);
            wire::market_effect(&mut out, &record, &outcome);
            Ok(out)
        });
        effect.map(|json| PyBytes::new(py, &json)).map_err(to_python)
    }

    /// (`publisher_id`, `instrument_id`) of every book, in order of appearance.
    fn books(&self, py: Python<'_>) -> Vec<(u16, u32)> {
        with_locked(py, &self.core, |market| {
            let keys = market.entries().iter().map(|entry| entry.key);
            keys.map(|key| (key.publisher_id, key.instrument_id)).collect()
        })
    }

    #[pyo3(signature = (instrument_id, publisher_id=None))]
    fn book(&self, py: Python<'_>, instrument_id: u32, publisher_id: Option<u16>) -> PyResult<Book> {
        let key = with_locked(py, &self.core, |market| {
            market.find(instrument_id, publisher_id).map(|entry| entry.key)
        });
        Ok(Book { market: Arc::clone(&self.core), key: key.map_err(to_python)? })
    }

    /// Best prices over all publishers.
    fn bbo(&self, py: Python<'_>, instrument_id: u32) -> PyResult<(Option<LevelTuple>, Option<LevelTuple>)> {
        let best = with_locked(py, &self.core, |market| market.consolidated(instrument_id));
        best.map(bbo_tuple).map_err(to_python)
    }

    fn audit_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let json = with_locked(py, &self.core, |market| Audit::of(market).to_json());
        json.map(|json| PyBytes::new(py, &json)).map_err(to_python)
    }
}

/// Applies a batch, adds it to the process's counts, and reports it as JSON.
fn counted(market: &mut CoreMarket, apply: impl FnOnce(&mut CoreMarket) -> Result<()>) -> Result<Vec<u8>> {
    let before = Meter::of(market);
    let mut meter = before;
    let began = Instant::now();
    let applied = apply(market);
    meter.took(began.elapsed());
    meter.settle(market);
    applied?;
    let (records, event_ends, anomalies) = before.until(market);
    // A map's kinds keep the order of the documentation.
    let anomalies = serde_json::to_string(&anomalies).map_err(|error| Error::Invariant(error.to_string()))?;
    let report = format!(r#"{{"records":{records},"event_ends":{event_ends},"anomalies":{anomalies}}}"#);
    Ok(report.into_bytes())
}

fn apply_block(
    market: &mut CoreMarket,
    bytes: &[u8],
    on_progress: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let refuse = |record: usize, why: String| Error::Parameter {
        name: "records",
        value: format!("record {record}"),
        expected: why,
    };
    let whole = bytes.len() / MboRecord::SIZE;
    if whole * MboRecord::SIZE != bytes.len() {
        return Err(refuse(
            whole,
            format!("MBO records have {} bytes, this one is cut short", MboRecord::SIZE),
        ));
    }
    for (at, header) in bytes.chunks_exact(MboRecord::SIZE).enumerate() {
        if header[..2] != [MboRecord::WORDS, MboRecord::RTYPE] {
            return Err(refuse(
                at,
                format!("not an MBO record: its header begins with {:02x?}", &header[..2]),
            ));
        }
    }
    let mut batch = vec![MboRecord::default(); BATCH.min(whole)];
    for (n, block) in bytes.chunks(BATCH * MboRecord::SIZE).enumerate() {
        let records = &mut batch[..block.len() / MboRecord::SIZE];
        records.as_mut_bytes().copy_from_slice(block);
        market.apply_all(records)?;
        on_progress((n * BATCH * MboRecord::SIZE) as u64)?;
    }
    Ok(())
}

fn one_record(bytes: &[u8]) -> PyResult<MboRecord> {
    let expected = "one MBO record of 56 bytes, 64 with ts_out";
    let refuse = || parameter("record", format!("{} bytes", bytes.len()), expected);
    let (mut record, rest) = MboRecord::read_from_prefix(bytes).map_err(|_| refuse())?;
    let words = usize::from(record.length);
    if record.rtype != MboRecord::RTYPE || ![0, TS_OUT].contains(&rest.len()) || words * 4 != bytes.len() {
        return Err(refuse());
    }
    record.length = MboRecord::WORDS;
    Ok(record)
}
