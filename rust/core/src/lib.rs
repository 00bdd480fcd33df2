//! Order books rebuilt exactly from Databento Market-by-Order records.
//!
//! Records flow one way: [`feed`] reads them, a [`tape`] keeps them, a [`market`] of [`book`]s applies them, and
//! [`matching`], [`derive`], [`export`], [`audit`] and [`wire`] look at the result. [`synth`] makes flow where there is none.
//! Each module imports only those named before it in `ARCHITECTURE.md`.

pub mod audit;
pub mod book;
pub mod derive;
pub mod error;
pub mod export;
pub mod feed;
pub mod market;
pub mod matching;
pub mod synth;
pub mod tape;
pub mod types;
pub mod wire;

pub use error::{Error, Result};
