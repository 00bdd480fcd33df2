//! The data folder: every file that booktape writes for itself lives there.
//!
//! | folder | what | may be removed |
//! |---|---|---|
//! | `tapes/` | a folder for each tape: what it is, and the records of those that live nowhere else | through [`Tapes::remove`] |
//! | `indexes/` | indexes of moments beside large files, by what identifies the file | at any time; they are built again |
//! | `booktape.db`, `booktape.db-wal`, `booktape.db-shm` | tapes as tables, see [`sql`] | while nobody has it open; it is built again from the tapes |
//! | `spool/` | records of compressed files that memory should not hold, without a name, gone with the process; uploads that are \
//!   not complete | while nobody owns the folder |
//! | `owner.lock` | locked by the process that owns the folder, which it names | while nobody owns it |

mod error;
mod folder;
mod index;
pub mod ingest;
mod open;
mod owner;
pub mod sql;
mod tapes;

pub use error::StoreError;
pub use folder::DataFolder;
pub use open::{Opened, Opening};
pub use owner::Owner;
pub use tapes::{
    Dropped, Entry, Feeder, Found, Kind, LiveSettings, LiveTape, Pace, Retention, SyncWhen, Tapes, Upload,
};
