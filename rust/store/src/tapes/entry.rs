//! What the data folder knows of a tape: one small file each, `tape.json`.

use std::path::{Path, PathBuf};

use booktape_core::feed::write_whole;
use booktape_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::folder::{io_error, sync_folder};

const FILE: &str = "tape.json";
/// Of the file; a later version is refused.
const VERSION: u32 = 1;

/// A tape of the data folder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    version: u32,
    /// Its id, the same for as long as the tape is there.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// When it was registered, ns UTC.
    #[serde(with = "text")]
    pub created: u64,
    /// Its place in the list.
    pub order: u64,
    /// Where its records are.
    #[serde(flatten)]
    pub kind: Kind,
}

/// Where a tape's records are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// In a file that stays where it is.
    File {
        /// Where.
        path: PathBuf,
    },
    /// In a file that the data folder owns.
    Upload {
        /// Its name in the tape's folder.
        file: String,
    },
    /// In segments that the data folder owns, and to which more is added until it is closed.
    Live {
        /// Tells it from any other of its name.
        #[serde(with = "text")]
        epoch: u64,
        /// The dataset of records that come without metadata.
        dataset: String,
        /// Whether no more will come.
        closed: bool,
    },
}

impl Entry {
    pub(super) fn new(id: String, name: String, created: u64, order: u64, kind: Kind) -> Self {
        Self { version: VERSION, id, name, created, order, kind }
    }

    /// The entry in a tape's folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let bytes = std::fs::read(&path).map_err(io_error(&path))?;
        let damaged = |why: String| {
            let advice = "move the folder away, or mend the file; its records are beside it";
            Error::Conflict(format!("{}: {why}; {advice}", path.display()))
        };
        let entry: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if entry.version != VERSION {
            return Err(damaged(format!(
                "it is of version {}, this booktape knows {VERSION}",
                entry.version
            )));
        }
        if folder.file_name().is_none_or(|name| name != entry.id.as_str()) {
            return Err(damaged(format!("it is about {}", entry.id)));
        }
        Ok(entry)
    }

    /// Writes it, whole or not at all.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let json = serde_json::to_vec_pretty(self).map_err(|error| io_error(&path)(error.into()))?;
        write_whole(&path, |out| out.put(&json))?;
        sync_folder(folder)
    }
}

/// 64-bit numbers are strings in JSON.
mod text {
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| de::Error::custom(format!("{text:?} is not a number")))
    }
}
