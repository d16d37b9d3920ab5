//! Reads the lines an instance is writing, as they come.

use std::io::{self, SeekFrom};
use std::path::PathBuf;
use std::time::SystemTime;

use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::{mpsc, watch};

use super::logs::{self, LINE_BYTES, STREAMS};
use crate::instance::{Exit, LogLine, LogStream};

const READ_BYTES: usize = 64 * 1024;

/// What a follower waits for.
pub(super) struct Signals {
    /// Changes with each write.
    pub(super) changed: watch::Receiver<u64>,
    /// Set when the instance has ended.
    pub(super) exit: watch::Receiver<Option<Exit>>,
}

/// Sends every line written after `ends` until the instance ends or nobody listens any more.
pub(super) async fn follow(
    folder: PathBuf,
    ends: [u64; 2],
    mut signals: Signals,
    lines: mpsc::Sender<LogLine>,
) {
    let mut readers: Vec<Reader> = STREAMS
        .iter()
        .zip(ends)
        .map(|(stream, position)| Reader {
            path: logs::stream_path(&folder, *stream),
            stream: *stream,
            position,
            partial: Vec::new(),
        })
        .collect();
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
        tokio::select! {
            // The watch of the files ends just after the instance did.
            Err(_) = signals.changed.changed() => {
                if signals.exit.borrow().is_none() {
                    return;
                }
            }
            changed = signals.exit.changed() => if changed.is_err() { return },
            () = lines.closed() => return,
        }
    }
}

struct Reader {
    path: PathBuf,
    stream: LogStream,
    position: u64,
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
        let current = self.path.clone();
        match tokio::fs::metadata(&current).await {
            Ok(metadata) if metadata.len() < self.position => {
                // Turned over: its rest is in the copy.
                self.read_file(logs::turned_over(&current), lines).await?;
                self.position = 0;
            }
            _ => {}
        }
        self.read_file(current, lines).await?;
        if ended && !self.partial.is_empty() {
            self.send(lines).await?;
        }
        Ok(())
    }

    /// Reads on from the position. A file that cannot be read has no lines: it was removed with its instance.
    async fn read_file(
        &mut self,
        path: PathBuf,
        lines: &mpsc::Sender<LogLine>,
    ) -> Result<(), Unread> {
        let mut buffer = vec![0; READ_BYTES];
        let opened: io::Result<File> = async {
            let mut file = File::open(path).await?;
            file.seek(SeekFrom::Start(self.position)).await?;
            Ok(file)
        }
        .await;
        let Ok(mut file) = opened else { return Ok(()) };
        while let Ok(read @ 1..) = file.read(&mut buffer).await {
            self.position += read as u64;
            for chunk in buffer[..read].split_inclusive(|byte| *byte == b'\n') {
                for piece in chunk.chunks(LINE_BYTES) {
                    self.partial.extend_from_slice(piece);
                    if piece.ends_with(b"\n") || self.partial.len() >= LINE_BYTES {
                        self.send(lines).await?;
                    }
                }
            }
        }
        Ok(())
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
