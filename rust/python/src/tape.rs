//! `Tape`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use booktape_core::audit::Audit;
use booktape_core::feed::{Definition, Interval, Limits, Options, publisher_name};
use booktape_core::market::Market as CoreMarket;
use booktape_core::tape::{Gap, IndexSize, Stride, Tape as CoreTape, Written};
use booktape_core::types::{AnomalyKind, Nanos};
use booktape_core::{synth, wire};
use booktape_store::{DataFolder, Opened, Opening};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::RecordBuffer;
use crate::counters::Meter;
use crate::detached::{Watcher, detached};
use crate::errors::{parameter, to_python};
use crate::export::Pieces;
use crate::market::Market;

type GapRow = (u64, Option<u64>, Option<u64>, Option<(u16, u32)>, String);

/// Records in order, with their symbols; immutable, shared between threads.
#[pyclass(frozen, module = "booktape._native")]
pub struct Tape {
    pub core: Arc<CoreTape>,
    /// Where its index is kept, and what that takes.
    kept: Option<(DataFolder, Opened)>,
    /// What the definitions beside it say, once somebody has asked: they are looked for in its whole file.
    definitions: OnceLock<BTreeMap<u32, Definition>>,
}

impl Tape {
    fn new(core: CoreTape) -> Self {
        Self::shared(Arc::new(core))
    }

    /// A tape that others have, too.
    pub const fn shared(core: Arc<CoreTape>) -> Self {
        Self { core, kept: None, definitions: OnceLock::new() }
    }

    /// A tape of a file, with where its index is kept.
    pub fn opened(folder: DataFolder, opened: Opened) -> Self {
        Self {
            core: Arc::new(opened.tape.clone()),
            kept: Some((folder, opened)),
            definitions: OnceLock::new(),
        }
    }

    pub const fn options(tolerant: bool, max_decompressed: Option<u64>) -> Options {
        Options { tolerant, limits: Limits { max_decompressed } }
    }

    /// A market after the whole tape, counted for metrics.
    fn played(&self, watcher: &mut Watcher) -> booktape_core::Result<CoreMarket> {
        let first = self.core.first();
        let mut market = self.core.market_at(first, None, &mut |_, _| Ok(()))?;
        let mut meter = Meter::of(&market);
        let began = Instant::now();
        self.core.apply(&mut market, first..self.core.len(), &mut |done, total| watcher.look(done, total))?;
        meter.took(began.elapsed());
        meter.settle(&market);
        Ok(market)
    }
}

#[pymethods]
impl Tape {
    /// Opens one or more DBN files in time order; each takes so many bytes in memory at most, or is read by position.
    #[staticmethod]
    #[pyo3(signature = (paths, *, data_dir, in_memory, tolerant=false, max_decompressed=None, progress=None))]
    fn open(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        data_dir: PathBuf,
        in_memory: u64,
        tolerant: bool,
        max_decompressed: Option<u64>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let opening = Opening { options: Self::options(tolerant, max_decompressed), in_memory };
        let folder = DataFolder::new(data_dir);
        let opened = detached(py, progress, |watcher| {
            folder.open(&paths, opening, &mut |done, total| watcher.look(done, total))
        })?;
        Ok(Self::opened(folder, opened))
    }

    /// Why a stored index is not used, or was built again.
    #[getter]
    fn index_refused(&self) -> Option<String> {
        let refused = self.kept.as_ref().and_then(|(_, opened)| opened.index_refused.clone());
        refused.or_else(|| self.core.keyframes().rebuilt())
    }

    /// Reads DBN from memory.
    #[staticmethod]
    #[pyo3(signature = (data, *, name="bytes", tolerant=false, max_decompressed=None))]
    fn from_bytes(
        py: Python<'_>,
        data: &[u8],
        name: &str,
        tolerant: bool,
        max_decompressed: Option<u64>,
    ) -> PyResult<Self> {
        let options = Self::options(tolerant, max_decompressed);
        detached(py, None, |_| CoreTape::read(data, name, 0, options, None, &mut |_, _| Ok(())))
            .map(Self::new)
    }

    /// Makes synthetic flow.
    #[staticmethod]
    #[pyo3(signature = (*, messages, instruments=1, seed=0, anomalies=None, progress=None))]
    fn synthesize(
        py: Python<'_>,
        messages: u64,
        instruments: u32,
        seed: u64,
        anomalies: Option<HashMap<String, u32>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut wanted = Vec::new();
        for (name, count) in anomalies.unwrap_or_default() {
            let kind = AnomalyKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
                let names: Vec<_> = AnomalyKind::ALL.iter().map(|kind| kind.name()).collect();
                parameter("anomalies", &name, format!("kinds are {}", names.join(", ")))
            })?;
            wanted.push((kind, count));
        }
        wanted.sort_by_key(|(kind, _)| *kind as u8);
        let options =
            synth::Options { messages, instruments, seed, anomalies: wanted, ..synth::Options::default() };
        detached(py, progress, |watcher| {
            CoreTape::synthesize(&options, &mut |done, total| watcher.look(done, total))
        })
        .map(Self::new)
    }

    fn __len__(&self) -> usize {
        self.core.len() as usize
    }

    #[getter]
    fn id(&self) -> String {
        self.core.id()
    }

    #[getter]
    fn name(&self) -> &str {
        self.core.name()
    }

    #[getter]
    fn dataset(&self) -> &str {
        self.core.metadata().dataset()
    }

    #[getter]
    fn dbn_version(&self) -> u8 {
        self.core.metadata().version()
    }

    /// Index of the first record that it keeps.
    #[getter]
    fn first(&self) -> u64 {
        self.core.first()
    }

    #[getter]
    fn start(&self) -> Option<u64> {
        self.core.start().map(|ts| ts.0)
    }

    #[getter]
    fn end(&self) -> Option<u64> {
        self.core.end().map(|ts| ts.0)
    }

    #[getter]
    fn left(&self) -> Option<&str> {
        self.core.left()
    }

    #[getter]
    fn planted(&self) -> HashMap<&'static str, u32> {
        self.core.planted().iter().map(|(kind, count)| (kind.name(), *count)).collect()
    }

    #[getter]
    fn symbols(&self) -> std::collections::BTreeMap<u32, String> {
        self.core.symbols().clone()
    }

    /// What every id meant, and when: (`instrument_id`, symbol, start, end), in the order in which it was said.
    fn names(&self, py: Python<'_>) -> PyResult<Vec<(u32, String, u64, u64)>> {
        let names = detached(py, None, |_| self.core.names())?;
        let row = |name: Interval| (name.instrument_id, name.symbol, name.start.0, name.end.0);
        Ok(names.into_iter().map(row).collect())
    }

    /// What the definitions beside it say: (`instrument_id`, raw symbol, asset, instrument class).
    fn definitions(&self, py: Python<'_>) -> PyResult<Vec<(u32, String, String, char)>> {
        if self.definitions.get().is_none() {
            let found = detached(py, None, |_| self.core.definitions())?;
            // Whoever asked at the same time found the same.
            let _ = self.definitions.set(found);
        }
        let found = self.definitions.get().into_iter().flat_map(BTreeMap::values);
        let row = |it: &Definition| {
            (it.instrument_id, it.raw_symbol.clone(), it.asset.clone(), it.instrument_class)
        };
        Ok(found.map(row).collect())
    }

    #[getter]
    fn other_records(&self) -> std::collections::BTreeMap<&'static str, u64> {
        self.core.other_records().clone()
    }

    /// Where records are missing: index of the next, `ts_recv` of the record before and of the next, publisher and instrument
    /// where it is one book's, and what was said.
    fn gaps(&self, py: Python<'_>) -> PyResult<Vec<GapRow>> {
        let gaps = detached(py, None, |_| self.core.gaps())?.into_iter();
        let row = |gap: Gap| {
            let of = gap.of.map(|of| (of.publisher_id, of.instrument_id));
            (gap.index, gap.start.map(|ts| ts.0), gap.end.map(|ts| ts.0), of, gap.text)
        };
        Ok(gaps.map(row).collect())
    }

    /// Every book the tape has records for: (`publisher_id`, publisher, `instrument_id`, symbol, records).
    fn instruments(&self) -> Vec<(u16, String, u32, Option<String>, u64)> {
        let books = self.core.books().iter();
        books
            .map(|(key, records)| {
                let symbol = self.core.symbols().get(&key.instrument_id).cloned();
                (key.publisher_id, publisher_name(key.publisher_id), key.instrument_id, symbol, *records)
            })
            .collect()
    }

    /// Records [start, stop) as a buffer: of the tape itself where it is in memory, else a copy.
    #[pyo3(signature = (start=None, stop=None))]
    fn buffer(&self, py: Python<'_>, start: Option<u64>, stop: Option<u64>) -> PyResult<RecordBuffer> {
        let start = start.unwrap_or_else(|| self.core.first());
        let stop = stop.unwrap_or(u64::MAX).min(self.core.len());
        detached(py, None, |_| RecordBuffer::new(&self.core, start.min(stop)..stop))
    }

    /// Writes a DBN file: whole or not at all.
    #[pyo3(signature = (path, *, progress=None))]
    fn write_dbn(&self, py: Python<'_>, path: PathBuf, progress: Option<Py<PyAny>>) -> PyResult<()> {
        detached(py, progress, |watcher| {
            self.core.write_dbn(&path, &mut |done, total| watcher.look(done, total))
        })
    }

    /// The same file's bytes as an iterator, compressed with zstd if wanted.
    #[pyo3(signature = (*, compressed=false, progress=None))]
    fn dbn(&self, compressed: bool, progress: Option<Py<PyAny>>) -> PyResult<Pieces> {
        Pieces::of_dbn(Written::of(CoreTape::clone(&self.core)), compressed, progress)
    }

    fn position_at(&self, ts: u64) -> PyResult<u64> {
        self.core.position_at(Nanos(ts)).map_err(to_python)
    }

    /// The position so many strides ("record", "event", "trade") from another, of one instrument's records or all.
    #[pyo3(signature = (position, by, count, instrument_id=None))]
    fn step(
        &self,
        py: Python<'_>,
        position: u64,
        by: &str,
        count: i64,
        instrument_id: Option<u32>,
    ) -> PyResult<u64> {
        let stride = Stride::named(by).map_err(to_python)?;
        detached(py, None, |_| self.core.step(position, stride, count, instrument_id))
    }

    /// Whether its records from a position on are in memory, so that a look at them never waits for a disk.
    fn in_memory(&self, position: u64) -> bool {
        self.core.is_in_memory(position)
    }

    /// Records as they were read, a bounded number, and the position after them.
    fn as_read<'py>(
        &self,
        py: Python<'py>,
        position: u64,
        until: u64,
    ) -> PyResult<(Bound<'py, PyBytes>, u64)> {
        let (bytes, end) = detached(py, None, |_| self.core.as_read(position, until))?;
        Ok((PyBytes::new(py, &bytes), end))
    }

    /// What a DBN stream of it begins with: the metadata.
    #[getter]
    fn dbn_head<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.core.metadata().raw())
    }

    fn due(&self, position: u64, ts: u64) -> PyResult<u64> {
        self.core.due(position, Nanos(ts)).map_err(to_python)
    }

    fn ts_at(&self, position: u64) -> PyResult<Option<u64>> {
        let record = self.core.record(position).map_err(to_python)?;
        Ok(record.map(|record| record.ts_recv))
    }

    /// All books after a position, or that of one instrument alone.
    #[pyo3(signature = (position, instrument_id=None, publisher_id=None, *, progress=None))]
    fn market_at(
        &self,
        py: Python<'_>,
        position: u64,
        instrument_id: Option<u32>,
        publisher_id: Option<u16>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Market> {
        let market = detached(py, progress, |watcher| {
            let only = instrument_id.map(|id| self.core.find_book(id, publisher_id)).transpose()?;
            self.core.market_at(position, only, &mut |done, total| watcher.look(done, total))
        })?;
        Ok(Market { core: Arc::new(Mutex::new(market)) })
    }

    /// Builds the index of moments to the end of the tape, and keeps that of a large file; why it could not be kept, if so.
    #[pyo3(signature = (*, progress=None))]
    fn build_index(&self, py: Python<'_>, progress: Option<Py<PyAny>>) -> PyResult<Option<String>> {
        detached(py, progress, |watcher| {
            self.core.build_keyframes(&mut |done, total| watcher.look(done, total))?;
            let kept = self.kept.as_ref().map(|(folder, opened)| folder.keep(opened));
            Ok(kept.and_then(Result::err).map(|why| why.to_string()))
        })
    }

    /// (records, keyframes, bytes) of the index of moments.
    fn index_size(&self) -> (u64, u64, u64) {
        let IndexSize { records, keyframes, bytes } = self.core.keyframes().size();
        (records, keyframes, bytes)
    }

    #[pyo3(signature = (*, progress=None))]
    fn audit_json<'py>(&self, py: Python<'py>, progress: Option<Py<PyAny>>) -> PyResult<Bound<'py, PyBytes>> {
        let json = detached(py, progress, |watcher| {
            let market = self.played(watcher)?;
            Audit::of(&market).to_json()
        })?;
        Ok(PyBytes::new(py, &json))
    }

    fn summary_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        wire::summary(&self.core).map(|json| PyBytes::new(py, &json)).map_err(to_python)
    }

    fn records_json<'py>(&self, py: Python<'py>, position: u64, limit: u64) -> PyResult<Bound<'py, PyBytes>> {
        wire::records_page(&self.core, position, limit).map(|json| PyBytes::new(py, &json)).map_err(to_python)
    }
}
