//! One enum in Rust, one small tree of exceptions in Python, one match between them.

use booktape_core::Error;
use booktape_store::StoreError;
use pyo3::exceptions::{
    PyBrokenPipeError, PyException, PyKeyboardInterrupt, PyLookupError, PyOSError, PyRuntimeError,
    PyValueError,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

struct Tree {
    input: Py<PyType>,
    anomaly: Py<PyType>,
    not_found: Py<PyType>,
    conflict: Py<PyType>,
    gone: Py<PyType>,
    parameter: Py<PyType>,
    invariant: Py<PyType>,
    store: Py<PyType>,
    store_busy: Py<PyType>,
}

static TREE: PyOnceLock<Tree> = PyOnceLock::new();

/// Makes the exceptions and adds them to the module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let exception = py.get_type::<PyException>();
    let root = new_type(module, "BooktapeError", "Anything that booktape refuses.", &[&exception])?;
    let store =
        new_type(module, "StoreError", "What the store refuses; the message says what to do.", &[&root])?;
    let tree = Tree {
        input: new_type(
            module,
            "InputError",
            "Input that cannot be read; the message says where.",
            &[&root],
        )?
        .unbind(),
        anomaly: new_type(module, "AnomalyError", "The first anomaly of a strict market.", &[&root])?
            .unbind(),
        not_found: new_type(
            module,
            "NotFoundError",
            "An instrument, publisher, order or tape that is not there.",
            &[&root, &py.get_type::<PyLookupError>()],
        )?
        .unbind(),
        conflict: new_type(
            module,
            "ConflictError",
            "What is there already does not allow it; the message says what.",
            &[&root],
        )?
        .unbind(),
        gone: new_type(
            module,
            "GoneError",
            "Records that were dropped to make room for later ones; the message names the first index there is.",
            &[&root, &py.get_type::<PyLookupError>()],
        )?
        .unbind(),
        parameter: new_type(
            module,
            "ParameterError",
            "A value outside what it may be; the message names the range.",
            &[&root, &py.get_type::<PyValueError>()],
        )?
        .unbind(),
        invariant: new_type(
            module,
            "InvariantError",
            "A broken invariant: a bug, please report it.",
            &[&root],
        )?
        .unbind(),
        store_busy: new_type(
            module,
            "StoreBusyError",
            "A question to the store that took too long, or came while too many were asked.",
            &[&store],
        )?
        .unbind(),
        store: store.unbind(),
    };
    let _ = TREE.set(py, tree);
    Ok(())
}

fn new_type<'py>(
    module: &Bound<'py, PyModule>,
    name: &str,
    doc: &str,
    bases: &[&Bound<'py, PyType>],
) -> PyResult<Bound<'py, PyType>> {
    let py = module.py();
    let about = PyDict::new(py);
    about.set_item("__doc__", doc)?;
    about.set_item("__module__", "booktape")?;
    let made =
        py.get_type::<PyType>().call1((name, PyTuple::new(py, bases)?, about))?.cast_into::<PyType>()?;
    module.add(name, &made)?;
    Ok(made)
}

/// The exception for an error.
pub fn to_python(error: Error) -> PyErr {
    Python::attach(|py| {
        let message = error.to_string();
        let Some(tree) = TREE.get(py) else { return PyRuntimeError::new_err(message) };
        // Whoever must tell a full disk from a missing file asks the system's error, which has the number.
        let mut cause = None;
        let class = match error {
            // Whoever read standard output has enough; the command line knows what that means.
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe => {
                return PyBrokenPipeError::new_err(message);
            }
            Error::Io { source, .. } => {
                cause = source.raw_os_error().map(|number| PyOSError::new_err((number, source.to_string())));
                &tree.input
            }
            Error::Input { .. } => &tree.input,
            Error::Anomaly { .. } => &tree.anomaly,
            Error::NotFound(_) => &tree.not_found,
            Error::Conflict(_) => &tree.conflict,
            Error::Gone { .. } => &tree.gone,
            Error::Parameter { .. } => &tree.parameter,
            Error::Interrupted => return PyKeyboardInterrupt::new_err(()),
            _ => &tree.invariant,
        };
        let raised = PyErr::from_type(class.bind(py).clone(), message);
        raised.set_cause(py, cause);
        raised
    })
}

/// The exception for an error of the store.
pub fn store_to_python(error: StoreError) -> PyErr {
    let message = error.to_string();
    if let StoreError::Core(error) = error {
        return to_python(error);
    }
    let is_busy =
        matches!(error, StoreError::TimedOut { .. } | StoreError::TooMany { .. } | StoreError::Locked { .. });
    Python::attach(|py| {
        let Some(tree) = TREE.get(py) else { return PyRuntimeError::new_err(message) };
        let class = if is_busy { &tree.store_busy } else { &tree.store };
        PyErr::from_type(class.bind(py).clone(), message)
    })
}

/// The exception for a value that cannot be.
pub fn parameter(name: &'static str, value: impl ToString, expected: impl ToString) -> PyErr {
    to_python(Error::Parameter { name, value: value.to_string(), expected: expected.to_string() })
}
