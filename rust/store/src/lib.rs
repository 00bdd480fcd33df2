//! The data folder: every file that booktape writes for itself lives there.
//!
//! | folder | what | may be removed |
//! |---|---|---|
//! | `indexes/` | indexes of moments beside large files, by what identifies the file | at any time; they are built again |
//! | `spool/` | records of compressed files that memory should not hold; without a name, gone with the process | by the system |

mod folder;
mod index;
mod open;

pub use folder::DataFolder;
pub use open::{Opened, Opening};
