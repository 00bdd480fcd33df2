//! The vocabulary: prices, sides, actions, flags, records and what can be wrong with them.
//!
//! Sentinels of DBN, and the type that says each once:
//!
//! | raw value | meaning | here |
//! |---|---|---|
//! | `price == i64::MAX` | no price | [`Price::UNDEF`] |
//! | `ts == u64::MAX` | no time | [`Nanos::UNDEF`] |
//! | `side == 'N'` | no side | `None` of `Option<Side>` |

mod anomaly;
mod flags;
mod instruments;
mod near;
mod price;
mod record;
pub mod varint;

pub use anomaly::{Anomaly, AnomalyCounts, AnomalyKind, Notes, Sample};
pub use flags::Flags;
pub use instruments::Instruments;
pub(crate) use near::bring_near;
pub use price::{Nanos, Price};
pub use record::{Action, BookKey, MboRecord, Side, TS_OUT};
