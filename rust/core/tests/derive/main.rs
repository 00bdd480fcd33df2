//! Derived schemas: where their columns stand, when rows appear, and what they hold.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod events;
#[path = "../flow/mod.rs"]
mod flow;
mod intervals;
mod layout;
mod properties;
mod rows;
