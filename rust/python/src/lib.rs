//! The extension module `booktape._native`: convert, delegate, map errors, release the GIL; nothing else.

// Python's arguments are extracted by value, and `map_err` hands errors over by value.
#![allow(clippy::needless_pass_by_value)]

mod alarm;
mod bell;
mod book;
mod buffer;
mod counters;
mod detached;
mod errors;
mod export;
mod feeder;
mod ingest;
mod life;
mod live;
mod market;
mod session;
mod store;
mod stream;
mod tape;
mod tapes;
mod whole;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_export]
    use super::alarm::Alarm;
    #[pymodule_export]
    use super::bell::Bell;
    #[pymodule_export]
    use super::book::Book;
    #[pymodule_export]
    use super::buffer::RecordBuffer;
    #[pymodule_export]
    use super::counters::counters;
    #[pymodule_export]
    use super::export::{Batch, Batches, Pieces, Rows};
    #[pymodule_export]
    use super::feeder::Feeder;
    #[pymodule_export]
    use super::ingest::Ingest;
    #[pymodule_export]
    use super::life::{order_life, order_path};
    #[pymodule_export]
    use super::live::LiveTape;
    #[pymodule_export]
    use super::market::Market;
    #[pymodule_export]
    use super::session::{SessionFrames, SnapshotFrames};
    #[pymodule_export]
    use super::store::Store;
    #[pymodule_export]
    use super::stream::{DepthStream, RecordStream, SharedFrames};
    #[pymodule_export]
    use super::tape::Tape;
    #[pymodule_export]
    use super::tapes::{Tapes, Upload};
    #[pymodule_export]
    use super::whole::WholeFile;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        super::errors::register(module)
    }
}
