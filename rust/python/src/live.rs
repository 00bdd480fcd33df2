//! `LiveTape`: a tape of the data folder that grows.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use booktape_core::types::Nanos;
use booktape_store::{LiveSettings, LiveTape as StoreLiveTape, Retention, SyncWhen};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMemoryView};

use crate::bell::Bell;
use crate::detached::detached;
use crate::errors::{parameter, to_python};
use crate::tape::Tape;

/// A tape that is written by one and read by many; what is appended survives the death of the process.
#[pyclass(frozen, module = "booktape._native")]
pub struct LiveTape {
    pub live: Arc<StoreLiveTape>,
}

/// How a live tape is kept: `sync` is "segment", "batch" or a number of milliseconds.
pub fn settings(segment_bytes: u64, sync: &str) -> PyResult<LiveSettings> {
    let sync = match sync {
        "segment" => SyncWhen::SegmentEnds,
        "batch" => SyncWhen::EveryBatch,
        millis => match millis.parse() {
            Ok(millis) => SyncWhen::Every(Duration::from_millis(millis)),
            Err(_) => return Err(parameter("sync", millis, "segment, batch, or a number of milliseconds")),
        },
    };
    Ok(LiveSettings { segment_bytes, sync })
}

fn now() -> Nanos {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[pymethods]
impl LiveTape {
    #[getter]
    fn id(&self) -> String {
        self.live.head().id()
    }

    #[getter]
    fn name(&self) -> String {
        self.live.head().name().to_owned()
    }

    fn __len__(&self) -> usize {
        self.live.head().len() as usize
    }

    /// The tape as it is now.
    fn head(&self) -> Tape {
        Tape::shared(self.live.head())
    }

    /// Appends the next bytes of a DBN stream, cut anywhere; how many MBO records became part of the tape.
    fn append(&self, py: Python<'_>, data: &[u8]) -> PyResult<u64> {
        detached(py, None, |_| self.live.append(data))
    }

    /// Appends whole records: bytes, or anything with a buffer of them.
    fn append_records(&self, py: Python<'_>, records: &Bound<'_, PyAny>) -> PyResult<u64> {
        let copied;
        let bytes = if let Ok(bytes) = records.cast::<PyBytes>() {
            bytes
        } else {
            copied = PyMemoryView::from(records)?.call_method0("tobytes")?.cast_into::<PyBytes>()?;
            &copied
        };
        let bytes = bytes.as_bytes();
        detached(py, None, |_| self.live.append_records(bytes))
    }

    /// Has something called after each batch, and when the tape is closed, by the thread that does it; `None`: nothing.
    fn on_growth(&self, callback: Option<Py<PyAny>>) {
        self.live.on_growth(callback.map(|callback| {
            Arc::new(move || {
                // While the interpreter shuts down nobody is there to be told.
                Python::try_attach(|py| {
                    if let Err(error) = callback.call0(py) {
                        error.write_unraisable(py, None);
                    }
                });
            }) as Arc<dyn Fn() + Send + Sync>
        }));
    }

    /// Drops the oldest segments: those longer ago than so many seconds, and while there are more bytes than so many. The
    /// first index that was dropped and that of the first that stays, if any were.
    #[pyo3(signature = (*, longest=None, bytes=None))]
    fn retain(
        &self,
        py: Python<'_>,
        longest: Option<f64>,
        bytes: Option<u64>,
    ) -> PyResult<Option<(u64, u64)>> {
        let longest = longest.map(Duration::try_from_secs_f64).transpose();
        let longest = longest.map_err(|error| parameter("longest", error, "seconds"))?;
        let retention = Retention { longest, bytes };
        let dropped = detached(py, None, |_| self.live.retain(retention, now()))?;
        Ok(dropped.map(|dropped| (dropped.from, dropped.to)))
    }

    /// Has a bell rung after each batch, and when the tape is closed, in place of `on_growth`.
    fn ring(&self, bell: &Bell) {
        let ringing = Arc::clone(&bell.ringing);
        self.live.on_growth(Some(Arc::new(move || ringing.ring())));
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.live.is_closed()
    }

    /// No more will come.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, None, |_| self.live.close())
    }

    /// What was cut off behind the last whole record when the tape was opened.
    #[getter]
    fn cut(&self) -> Vec<String> {
        self.live.cut().to_vec()
    }

    /// As of a file that takes bytes: `append`; the number of bytes.
    fn write(&self, py: Python<'_>, data: &[u8]) -> PyResult<usize> {
        self.append(py, data).map(|_| data.len())
    }

    /// As of a file that takes bytes: brings what was appended to the disk.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.live.sync()).map_err(to_python)
    }

    /// As of a file that takes bytes.
    fn writable(&self) -> bool {
        !self.live.is_closed()
    }

    /// As of a file that takes bytes.
    #[getter]
    fn closed(&self) -> bool {
        self.live.is_closed()
    }
}
