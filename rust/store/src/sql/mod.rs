//! Tapes as `SQLite` tables: a projection that SQL can query, never the only copy.
//!
//! Each tape has a *high-water mark*, the index of its first record that has no row yet. It moves in the transaction that adds
//! the rows, so whatever ends the process, going on from there adds each record once.

mod beside;
mod database;
mod file;
mod messages;
mod meter;
mod read;
mod remove;
mod row;
mod schema;
mod status;
mod store;
mod writer;

pub use database::{Database, Options, Place, Stop};
pub use file::{NAME, Synchronous};
pub use messages::{After, Filter, Named};
pub use meter::{Meter, Operation};
pub use read::{Answer, Limits, Parameters};
pub use status::{Status, Stored};
pub use store::Store;
pub use writer::{Followed, Source, Writer};
