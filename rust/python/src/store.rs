//! `Store`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use booktape_core::Error;
use booktape_store::DataFolder;
use booktape_store::sql::{
    self, Filter, Limits, Named, Operation, Options, Parameters, Source, Status, Synchronous, Writer,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyTuple};
use rusqlite::types::Value;

use crate::detached::{detached, detached_store, lock, signals};
use crate::errors::{parameter, to_python};
use crate::live::LiveTape;
use crate::tape::Tape;
use crate::tapes::Tapes;

/// How long a wait goes on before somebody looks for Ctrl-C.
const BETWEEN_SIGNALS: Duration = Duration::from_millis(100);

/// (`schema_version`, bytes, indexed, [(id, name, dataset, first index, high-water mark)]).
type StatusTuple = (usize, u64, bool, Vec<(String, String, String, u64, u64)>);

/// The `SQLite` projection of tapes in a data folder.
#[pyclass(frozen, module = "booktape._native")]
pub struct Store {
    core: Arc<sql::Store>,
    /// Started when the first tape is followed.
    writer: Mutex<Option<Arc<Writer>>>,
}

/// A tape that may grow, or one as it is.
#[derive(FromPyObject)]
enum AnyTape<'py> {
    Whole(Bound<'py, Tape>),
    Live(Bound<'py, LiveTape>),
}

impl Store {
    fn writer(&self) -> Option<Arc<Writer>> {
        lock(&self.writer).clone()
    }

    /// The background writer, started if need be.
    fn started(&self) -> booktape_core::Result<Arc<Writer>> {
        let mut writer = lock(&self.writer);
        if let Some(writer) = writer.as_ref() {
            return Ok(Arc::clone(writer));
        }
        let started = Writer::start(Arc::clone(&self.core));
        let started = started.map_err(|source| Error::Io { path: "the store's thread".into(), source })?;
        Ok(Arc::clone(writer.insert(Arc::new(started))))
    }
}

#[pymethods]
impl Store {
    /// Opens the store of a folder. `synchronous` is "normal" or "full"; a damaged database is moved aside where `rebuild` says so.
    #[new]
    #[pyo3(signature = (folder, *, synchronous="normal", rebuild=false))]
    fn new(py: Python<'_>, folder: PathBuf, synchronous: &str, rebuild: bool) -> PyResult<Self> {
        let synchronous = match synchronous {
            "normal" => Synchronous::Normal,
            "full" => Synchronous::Full,
            other => return Err(parameter("synchronous", other, "normal or full")),
        };
        let options = Options { synchronous, rebuild };
        let core = detached_store(py, None, |_| sql::Store::open(&DataFolder::new(folder), options))?;
        Ok(Self { core: Arc::new(core), writer: Mutex::default() })
    }

    /// Where a damaged database was moved.
    #[getter]
    fn set_aside(&self) -> Option<PathBuf> {
        self.core.set_aside().cloned()
    }

    /// Finishes what an earlier process began: removals, indices.
    fn tidy(&self, py: Python<'_>) -> PyResult<()> {
        detached_store(py, None, |_| self.core.tidy(&signals()))
    }

    /// Adds what is new on a tape; the number of rows.
    #[pyo3(signature = (tape, *, progress=None))]
    fn load(&self, py: Python<'_>, tape: &Tape, progress: Option<Py<PyAny>>) -> PyResult<u64> {
        detached_store(py, progress, |watcher| {
            let on_progress = &mut |done, total| watcher.look(done, total);
            self.core.load(&tape.core, on_progress, &signals())
        })
    }

    /// Starts the thread that adds what is new on followed tapes, and finishes what an earlier process began.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, None, |_| self.started().map(drop))
    }

    /// The tapes of the same folder.
    fn tapes(&self, py: Python<'_>) -> PyResult<Tapes> {
        detached_store(py, None, |_| Ok(Tapes::of(self.core.owner()?)?))
    }

    /// Adds what is on a tape in the background, and what comes where it grows.
    fn follow(&self, py: Python<'_>, tape: AnyTape<'_>) -> PyResult<()> {
        let source = match tape {
            AnyTape::Whole(tape) => Source::Whole(Arc::clone(&tape.get().core)),
            AnyTape::Live(tape) => Source::Growing(Arc::clone(tape.get().live.growing())),
        };
        detached(py, None, |_| self.started().map(|writer| writer.follow(source)))
    }

    /// Whether others need the processors more than what is loaded in the background and does not grow.
    fn give_way(&self, whether: bool) {
        self.core.give_way(whether);
    }

    /// Adds nothing to a tape any more, once this returns.
    fn unfollow(&self, py: Python<'_>, id: &str) {
        py.detach(|| {
            if let Some(writer) = self.writer() {
                writer.unfollow(id);
            }
        });
    }

    /// Every followed tape: (id, high-water mark, records now, why it does not get on).
    fn followed(&self, py: Python<'_>) -> Vec<(String, Option<u64>, u64, Option<String>)> {
        let followed = py.detach(|| self.writer().map(|writer| writer.followed()).unwrap_or_default());
        followed.into_iter().map(|tape| (tape.id, tape.mark, tape.records, tape.error)).collect()
    }

    /// What went wrong in the background and was not made up for yet.
    fn error(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.writer().and_then(|writer| writer.error()))
    }

    /// Waits until all that is on the followed tapes now is stored; whether it is.
    fn flush(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let mut rest = seconds(timeout)?;
        detached(py, None, |watcher| {
            let Some(writer) = self.writer() else { return Ok(true) };
            loop {
                let piece = rest.min(BETWEEN_SIGNALS);
                if writer.flush(piece) {
                    return Ok(true);
                }
                rest -= piece;
                if rest.is_zero() {
                    return Ok(false);
                }
                watcher.tell(0, 0)?;
            }
        })
    }

    /// Removes a tape with its rows, and follows it no more; whether it was there.
    fn remove(&self, py: Python<'_>, id: &str) -> PyResult<bool> {
        self.unfollow(py, id);
        detached_store(py, None, |_| self.core.remove(id))
    }

    /// Removes the rows of a tape before an index; how many.
    fn forget_before(&self, py: Python<'_>, id: &str, index: u64) -> PyResult<u64> {
        detached_store(py, None, |_| self.core.forget_before(id, index))
    }

    /// Reads everything, to see whether it fits together.
    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        detached_store(py, None, |_| self.core.verify())
    }

    fn status(&self, py: Python<'_>) -> PyResult<StatusTuple> {
        let Status { schema_version, bytes, indexed, tapes } =
            detached_store(py, None, |_| self.core.status())?;
        let tapes = tapes.into_iter().map(|tape| (tape.id, tape.name, tape.dataset, tape.first, tape.mark));
        Ok((schema_version, bytes, indexed, tapes.collect()))
    }

    /// Rows added since it was opened, and by operation (count, ns).
    fn counters(&self) -> (u64, BTreeMap<&'static str, (u64, u64)>) {
        let meter = self.core.meter();
        let operations = Operation::ALL.into_iter().map(|operation| {
            let (count, took) = meter.of(operation);
            (operation.name(), (count, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)))
        });
        (meter.rows(), operations.collect())
    }

    /// (column names, rows, whether the limit left some out) of a query that only reads.
    #[pyo3(signature = (query, parameters, *, limit, timeout))]
    fn sql<'py>(
        &self,
        py: Python<'py>,
        query: &str,
        parameters: &Bound<'py, PyAny>,
        limit: usize,
        timeout: f64,
    ) -> PyResult<(Vec<String>, Vec<Bound<'py, PyTuple>>, bool)> {
        let (parameters, limits) = (parameters_of(parameters)?, limits(limit, timeout)?);
        let answer = detached_store(py, None, |_| self.core.sql(query, &parameters, limits, &signals()))?;
        let rows = answer.rows.into_iter().map(|row| {
            let values = row.into_iter().map(|value| to_object(py, value));
            PyTuple::new(py, values.collect::<PyResult<Vec<_>>>()?)
        });
        Ok((answer.columns, rows.collect::<PyResult<_>>()?, answer.more))
    }

    /// A page of messages as JSON: {"messages": [...], "next"}.
    #[pyo3(signature = (
        *, tape=None, instrument=None, publisher=None, order_id=None, start=None, end=None, after=None, limit, timeout
    ))]
    #[allow(clippy::too_many_arguments)] // one for each of Python's
    fn messages_json<'py>(
        &self,
        py: Python<'py>,
        tape: Option<String>,
        instrument: Option<NumberOrName>,
        publisher: Option<NumberOrName>,
        order_id: Option<u64>,
        start: Option<u64>,
        end: Option<u64>,
        after: Option<&str>,
        limit: usize,
        timeout: f64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let after = after.map(str::parse).transpose().map_err(to_python)?;
        let (instrument, publisher) = (instrument.map(Named::from), publisher.map(Named::from));
        let filter = Filter { tape, instrument, publisher, order_id, start, end, after };
        let limits = limits(limit, timeout)?;
        let json = detached_store(py, None, |_| self.core.messages(&filter, limits, &signals()))?;
        Ok(PyBytes::new(py, &json))
    }

    /// Closes it, once those who use it now are done.
    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            let writer = lock(&self.writer).take();
            if let Some(writer) = writer {
                writer.stop();
            }
            self.core.close();
        });
    }
}

/// What names an instrument or a publisher.
#[derive(FromPyObject)]
enum NumberOrName {
    Number(i64),
    Name(String),
}

impl From<NumberOrName> for Named {
    fn from(given: NumberOrName) -> Self {
        match given {
            NumberOrName::Number(number) => Self::Number(number),
            NumberOrName::Name(name) => Self::Name(name),
        }
    }
}

fn seconds(given: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(given).map_err(|_| parameter("timeout", given, "seconds, from 0"))
}

fn limits(rows: usize, timeout: f64) -> PyResult<Limits> {
    Ok(Limits { rows, timeout: seconds(timeout)? })
}

fn parameters_of(given: &Bound<'_, PyAny>) -> PyResult<Parameters> {
    if let Ok(named) = given.cast::<PyDict>() {
        let values = named
            .iter()
            .map(|(name, value)| Ok((format!(":{}", name.extract::<String>()?), to_value(&value)?)));
        return values.collect::<PyResult<_>>().map(Parameters::Named);
    }
    given.try_iter()?.map(|value| to_value(&value?)).collect::<PyResult<_>>().map(Parameters::InOrder)
}

/// A value for SQL; integers beyond the signed ones are those of the same bits, as they are stored.
fn to_value(given: &Bound<'_, PyAny>) -> PyResult<Value> {
    if given.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = given.cast::<PyBool>() {
        return Ok(Value::Integer(truth.is_true().into()));
    }
    if let Ok(text) = given.extract::<String>() {
        return Ok(Value::Text(text));
    }
    if let Ok(bytes) = given.cast::<PyBytes>() {
        return Ok(Value::Blob(bytes.as_bytes().to_vec()));
    }
    if let Ok(number) = given.extract::<i64>() {
        return Ok(Value::Integer(number));
    }
    if let Ok(number) = given.extract::<u64>() {
        return Ok(Value::Integer(number.cast_signed()));
    }
    if given.hasattr("__index__")? {
        return Err(parameter("parameters", given, "whole numbers of 64 bits"));
    }
    given.extract::<f64>().map(Value::Real).map_err(|_| {
        let kind = given.get_type();
        PyTypeError::new_err(format!(
            "parameters: {kind} is nothing that SQL knows; give numbers, text, bytes or None"
        ))
    })
}

fn to_object(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Integer(number) => number.into_pyobject(py)?.into_any(),
        Value::Real(number) => number.into_pyobject(py)?.into_any(),
        Value::Text(text) => text.into_pyobject(py)?.into_any(),
        Value::Blob(bytes) => PyBytes::new(py, &bytes).into_any(),
    })
}
