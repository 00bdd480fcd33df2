//! Rows of a tape, derived or as they are, out of it: block by block, as DBN, as text.

mod names;
mod rows;
mod what;

pub use rows::Rows;
pub use what::{Wanted, What, field};

use crate::error::Result;
use crate::feed::{Csv, Progress, Sink};

/// Writes rows as a DBN stream: metadata, then the rows.
///
/// # Errors
/// Those of the sink; whatever `on_progress` returns.
pub fn write_dbn(rows: &mut Rows, out: &mut Sink<'_>, on_progress: Progress<'_>) -> Result<()> {
    out.put(rows.metadata()?.raw())?;
    let mut block = Vec::new();
    while rows.fill(&mut block, on_progress)? {
        out.put(&block)?;
    }
    Ok(())
}

/// Writes rows as text: a line of names, then a line for each row.
///
/// # Errors
/// Those of the sink; whatever `on_progress` returns.
pub fn write_csv(
    rows: &mut Rows,
    out: &mut Sink<'_>,
    is_decimal: bool,
    with_symbols: bool,
    on_progress: Progress<'_>,
) -> Result<()> {
    let mut csv = Csv::begin(out, rows.what().name(), is_decimal, with_symbols)?;
    let mut block = Vec::new();
    while rows.fill(&mut block, on_progress)? {
        csv.rows(&block, rows.what().row_size(), |row| rows.symbol(row))?;
    }
    csv.finish()
}
