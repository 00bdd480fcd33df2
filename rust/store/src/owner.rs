//! Who owns a data folder: one at a time, for what is written there must not be written twice.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::sync::Arc;

use crate::error::{Result, StoreError};
use crate::folder::DataFolder;

const NAME: &str = "owner.lock";
/// Digits of a process id, and more than that.
const LONGEST: u64 = 32;

/// Ownership of a data folder, given up when the last clone is dropped, or by the system when the process dies.
#[derive(Clone, Debug)]
pub struct Owner {
    folder: DataFolder,
    _locked: Arc<File>,
}

impl Owner {
    /// The folder.
    #[must_use]
    pub const fn folder(&self) -> &DataFolder {
        &self.folder
    }
}

impl DataFolder {
    /// Takes ownership of the folder, which is made if need be.
    ///
    /// # Errors
    /// [`StoreError::InUse`] naming who has it, [`StoreError::ReadOnly`] where it cannot be written.
    pub fn own(&self) -> Result<Owner> {
        let io = StoreError::io(self.path());
        std::fs::create_dir_all(self.path()).map_err(&io)?;
        let path = self.path().join(NAME);
        let mut file =
            File::options().create(true).read(true).write(true).truncate(false).open(path).map_err(&io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse { folder: self.path().to_owned(), by: said_by(&mut file) });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        // Only for the message that another one gets.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Owner { folder: self.clone(), _locked: Arc::new(file) })
    }
}

fn said_by(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    match text.parse::<u32>() {
        Ok(process) if read.is_ok() && process == std::process::id() => " by this process already".to_owned(),
        Ok(process) if read.is_ok() => format!(" by process {process}"),
        _ => String::new(),
    }
}
