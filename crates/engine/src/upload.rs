//! Sends to the engine what is still being written, never holding more than a few chunks.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

const CHUNK_BYTES: usize = 64 * 1024;
const CHUNK_QUEUE: usize = 8;
const TAR_BLOCK: usize = 512;

/// What is written, piece by piece.
pub type Chunks = ReceiverStream<io::Result<Bytes>>;

/// Starts writing; answers the chunks. The task ends with the error that broke the writing, if one did and it was not the
/// engine hanging up.
pub fn written(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> (Chunks, JoinHandle<io::Result<()>>) {
    let (chunks, received) = mpsc::channel(CHUNK_QUEUE);
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = ChunkWriter {
            chunks,
            buffer: BytesMut::with_capacity(CHUNK_BYTES),
        };
        match write(&mut out).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                // Breaks the upload, so that half of it is never taken for all.
                let _ = out
                    .chunks
                    .blocking_send(Err(io::Error::new(error.kind(), error.to_string())));
                Err(error)
            }
            _ => Ok(()),
        }
    });
    (ReceiverStream::new(received), writing)
}

/// One file of a tar without the end of the archive, so that a whole archive can follow.
pub fn tar_entry(out: &mut dyn Write, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_path(name)?;
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(content)?;
    let padding = content.len().next_multiple_of(TAR_BLOCK) - content.len();
    out.write_all(&[0; TAR_BLOCK][..padding])
}

struct ChunkWriter {
    chunks: mpsc::Sender<io::Result<Bytes>>,
    buffer: BytesMut,
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(CHUNK_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        if self.buffer.len() == CHUNK_BYTES {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = self.buffer.split().freeze();
        self.buffer.reserve(CHUNK_BYTES);
        self.chunks
            .blocking_send(Ok(chunk))
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
