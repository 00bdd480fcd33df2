//! Frames for streams: records and books as bytes, ready to be sent.
//!
//! | format | what a frame holds |
//! |---|---|
//! | `full` | one SSE event a record: the record and what it did to the market |
//! | `json` | SSE events of up to 64 records each, every record an array of the [`COMPACT_FIELDS`] |
//! | `dbn` | the records as DBN stores them |
//!
//! An event's id is the position behind its last record: a client that has seen id N goes on from position N.

mod depth;
mod full;
mod json;
mod order;
mod session;
mod share;
mod state;
mod stream;

pub use depth::{Depth, DepthOptions};
pub use full::market_effect;
pub use json::COMPACT_FIELDS;
pub use order::order_life;
pub use session::{Session, Snapshot, Subject};
pub use share::FrameShare;
pub use state::{RecordRow, book_state, records_page, summary};
pub use stream::{Format, Frames};
