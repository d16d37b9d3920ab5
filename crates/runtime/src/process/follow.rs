//! Reads the lines an instance is writing, as they come.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::{mpsc, watch};

use super::blocking;
use super::logs::{self, LINE_BYTES, Position, STREAMS, Turns};
use crate::instance::{Exit, LogLine, LogStream};

const READ_BYTES: usize = 64 * 1024;

/// What a follower waits for.
pub(super) struct Signals {
    /// Changes with each write.
    pub(super) changed: watch::Receiver<u64>,
    /// Set when the instance has ended.
    pub(super) exit: watch::Receiver<Option<Exit>>,
    pub(super) turns: Arc<Turns>,
}

/// Sends every line written after `ends` until the instance ends or nobody listens any more.
pub(super) async fn follow(
    folder: PathBuf,
    ends: [Position; 2],
    mut signals: Signals,
    lines: mpsc::Sender<LogLine>,
) {
    let mut readers = [0, 1].map(|index| Reader {
        path: logs::stream_path(&folder, STREAMS[index]),
        index,
        stream: STREAMS[index],
        position: ends[index],
        turns: Arc::clone(&signals.turns),
        buffer: vec![0; READ_BYTES],
        partial: Vec::new(),
    });
    loop {
        // Looked at before reading, so that the last read comes after the end.
        let ended = signals.exit.borrow_and_update().is_some();
        signals.changed.mark_unchanged();
        for reader in &mut readers {
            if reader.read_to_end(&lines, ended).await.is_err() {
                return;
            }
        }
        if ended {
            return;
        }
        let watched = tokio::select! {
            // The watch of the files ends just after the instance did.
            changed = signals.changed.changed() => changed.is_ok() || signals.exit.borrow().is_some(),
            changed = signals.exit.changed() => changed.is_ok(),
            () = lines.closed() => false,
        };
        if !watched {
            return;
        }
    }
}

struct Reader {
    path: PathBuf,
    index: usize,
    stream: LogStream,
    position: Position,
    turns: Arc<Turns>,
    buffer: Vec<u8>,
    partial: Vec<u8>,
}

/// Nobody reads the lines any more.
struct Unread;

impl Reader {
    async fn read_to_end(
        &mut self,
        lines: &mpsc::Sender<LogLine>,
        ended: bool,
    ) -> Result<(), Unread> {
        while let Some(read @ 1..) = self.read().await {
            let chunk = std::mem::take(&mut self.buffer);
            for piece in chunk[..read]
                .split_inclusive(|byte| *byte == b'\n')
                .flat_map(|line| line.chunks(LINE_BYTES))
            {
                self.partial.extend_from_slice(piece);
                if piece.ends_with(b"\n") || self.partial.len() >= LINE_BYTES {
                    self.send(lines).await?;
                }
            }
            self.buffer = chunk;
        }
        if ended && !self.partial.is_empty() {
            self.send(lines).await?;
        }
        Ok(())
    }

    /// Fills the buffer. A file that cannot be read has nothing: it was removed with its instance.
    async fn read(&mut self) -> Option<usize> {
        let (path, index, turns) = (self.path.clone(), self.index, Arc::clone(&self.turns));
        let (mut position, mut buffer) = (self.position, std::mem::take(&mut self.buffer));
        let reading = blocking(move || {
            let read = position.read(&path, turns.get(index)?, &mut buffer).ok()?;
            Some((read, position, buffer))
        });
        let (read, position, buffer) = reading.await.ok()??;
        (self.position, self.buffer) = (position, buffer);
        Some(read)
    }

    async fn send(&mut self, lines: &mpsc::Sender<LogLine>) -> Result<(), Unread> {
        let text = logs::text(&self.partial);
        self.partial.clear();
        lines
            .send(LogLine {
                at: SystemTime::now(),
                stream: self.stream,
                text,
            })
            .await
            .map_err(|_| Unread)
    }
}
