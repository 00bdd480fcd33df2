//! Which book somebody means, and what to tell them if there is none or more than one.

use crate::error::{Error, Result};
use crate::feed::publisher_name;
use crate::types::BookKey;

/// Choices named in a message.
const SHOWN: usize = 10;

/// The one book of an instrument among others; the publisher may be left out where there is only one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown instrument or publisher, [`Error::Parameter`] where several publishers have the
/// instrument; each names the choices.
pub fn choose(
    keys: impl Iterator<Item = BookKey>,
    instrument_id: u32,
    publisher_id: Option<u16>,
) -> Result<BookKey> {
    let keys: Vec<BookKey> = keys.collect();
    let of_instrument = || keys.iter().filter(|key| key.instrument_id == instrument_id);
    let mut found = of_instrument()
        .filter(|key| publisher_id.is_none_or(|publisher_id| key.publisher_id == publisher_id));
    let publishers = || listed(of_instrument().map(|key| named(key.publisher_id)));
    match (found.next(), found.next(), publisher_id) {
        (Some(key), None, _) => Ok(*key),
        (Some(_), Some(_), _) => Err(Error::Parameter {
            name: "publisher_id",
            value: "None".to_owned(),
            expected: format!(
                "several publishers have instrument {instrument_id}, name one of {}",
                publishers()
            ),
        }),
        (None, _, Some(publisher_id)) if of_instrument().next().is_some() => Err(Error::NotFound(format!(
            "publisher {} has no book of instrument {instrument_id}; it is published by {}",
            named(publisher_id),
            publishers()
        ))),
        (None, ..) if keys.is_empty() => {
            Err(Error::NotFound(format!("no book of instrument {instrument_id}; there is none at all yet")))
        }
        (None, ..) => Err(Error::NotFound(format!(
            "no book of instrument {instrument_id}; there are {}",
            listed(keys.iter().map(|key| key.instrument_id.to_string()))
        ))),
    }
}

/// A publisher for a message.
pub(crate) fn named(publisher_id: u16) -> String {
    format!("{publisher_id} ({})", publisher_name(publisher_id))
}

/// A list for a message, cut where it gets long.
pub(crate) fn listed(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    names.dedup();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let list = names.join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}
