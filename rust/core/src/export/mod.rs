//! Rows of a tape, derived or as they are, out of it: block by block, as DBN, as text.

mod bytes;
mod names;
mod rows;
mod what;

pub use bytes::{Bytes, Form};
pub use rows::Rows;
pub use what::{Wanted, What, field};
