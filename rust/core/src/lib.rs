//! Order books rebuilt exactly from Databento Market-by-Order records.
//!
//! Records flow one way: [`feed`] reads them, a [`tape`] keeps them, a [`market`] of [`book`]s applies them, and
//! [`matching`], [`audit`] and [`wire`] look at the result. [`synth`] makes flow where there is none.
//! Each module imports only those named before it in `ARCHITECTURE.md`.

pub mod error;
pub mod synth;
pub mod types;

pub use error::{Error, Result};
