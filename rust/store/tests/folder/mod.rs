//! Data folders to try things in.

#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, missing_docs)] // each test file uses its part

use std::path::{Path, PathBuf};
use std::sync::Arc;

use booktape_core::feed::Options;
use booktape_core::tape::Tape;
use booktape_store::{DataFolder, Found, LiveSettings, LiveTape, Opening, Tapes};

#[allow(clippy::unnecessary_wraps)] // what progress is told to
pub fn quiet(_: u64, _: u64) -> booktape_core::Result<()> {
    Ok(())
}

pub fn opening() -> Opening {
    Opening { options: Options::default(), in_memory: 1 << 20 }
}

/// A data folder that is gone afterwards.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn data(&self) -> DataFolder {
        DataFolder::new(self.path().join("data"))
    }

    pub fn tapes(&self) -> Tapes {
        Tapes::open(self.data().own().unwrap()).unwrap()
    }

    pub fn tape(&self, id: &str) -> PathBuf {
        self.data().path().join("tapes").join(id)
    }

    /// Files of a live tape's segments, in order.
    pub fn segments(&self, id: &str) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.tape(id)).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|extension| extension == "dbn")).collect();
        segments.sort();
        segments
    }
}

/// A live tape, opened.
pub fn live(tapes: &Tapes, id: &str, settings: LiveSettings) -> Arc<LiveTape> {
    match tapes.open_tape(id, opening(), settings, &mut quiet).unwrap() {
        Found::Live(live) => live,
        Found::File(_) => unreachable!("{id} is a file"),
    }
}

/// A tape as a DBN file.
pub fn tape_bytes(tape: &Tape) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tape.dbn");
    tape.write_dbn(&path, &mut quiet).unwrap();
    std::fs::read(path).unwrap()
}
