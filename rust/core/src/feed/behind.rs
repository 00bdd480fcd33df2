//! Writing on a thread of its own, so that the next bytes are made while the last ones are compressed and written.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

/// Bytes are handed over when there are this many.
const BUFFER: usize = 1 << 20;
/// Buffers that may wait: whoever makes bytes faster than they are written is held up.
const WAITING: usize = 2;

/// Does work that writes, and has what it wrote written meanwhile; gives the writer back when all is written.
///
/// # Errors
/// What `work` returns; for a write that failed, the writer's own error through `failed`.
pub(super) fn write_behind<W: Write + Send, E>(
    mut out: W,
    failed: impl Fn(io::Error) -> E,
    work: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<W, E> {
    let (full, to_write) = sync_channel::<Vec<u8>>(WAITING);
    let (written, empty) = channel();
    thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for mut bytes in to_write {
                out.write_all(&bytes)?;
                bytes.clear();
                // Nobody takes it back where the work is over.
                let _ = written.send(bytes);
            }
            Ok(out)
        });
        let mut ahead = Ahead { filling: Vec::with_capacity(BUFFER), full, empty };
        let worked = work(&mut ahead).and_then(|()| ahead.hand_over().map_err(&failed));
        drop(ahead);
        let written = writer.join().unwrap_or_else(|_| Err(gone()));
        // Where the writer failed the work could not go on: its error is the one that tells why.
        let out = written.map_err(failed)?;
        worked.map(|()| out)
    })
}

/// What the work writes to.
struct Ahead {
    filling: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
}

impl Ahead {
    fn hand_over(&mut self) -> io::Result<()> {
        let next = self.empty.try_recv().unwrap_or_default();
        self.full.send(std::mem::replace(&mut self.filling, next)).map_err(|_| gone())
    }
}

impl Write for Ahead {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.filling.extend_from_slice(bytes);
        if self.filling.len() >= BUFFER {
            self.hand_over()?;
        }
        Ok(bytes.len())
    }

    /// Everything is written when the work is over.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gone() -> io::Error {
    io::Error::other("nothing writes any more")
}
