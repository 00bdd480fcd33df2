//! The data folder: every file that booktape writes for itself lives there.
//!
//! | folder | what | may be removed |
//! |---|---|---|
//! | `indexes/` | indexes of moments beside large files, by what identifies the file | at any time; they are built again |
//! | `booktape.db`, `booktape.db-wal`, `booktape.db-shm` | tapes as tables, see [`sql`] | while nobody has it open; it is built again from the tapes |
//! | `owner.lock` | says who has the folder | while nobody has it open |
//! | `spool/` | records of compressed files that memory should not hold; without a name, gone with the process | by the system |

mod error;
mod folder;
mod index;
mod open;
mod owner;
pub mod sql;

pub use error::StoreError;
pub use folder::DataFolder;
pub use open::{Opened, Opening};
pub use owner::Owner;
