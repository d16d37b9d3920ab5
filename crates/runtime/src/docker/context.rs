//! Sends a build context to the engine while it is being written, never holding more than a few chunks.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;

use crate::spec::PreparePlan;

/// The name under which a generated Dockerfile travels.
pub(super) const GENERATED_NAME: &str = ".nasiko.Dockerfile";
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNK_QUEUE: usize = 8;
const TAR_BLOCK: usize = 512;

/// Starts writing; answers the chunks. The task ends with the error that broke the writing, if one did and it was not the engine hanging up.
pub(super) fn send(
    plan: &PreparePlan,
) -> (
    ReceiverStream<io::Result<Bytes>>,
    JoinHandle<io::Result<()>>,
) {
    let (chunks, received) = mpsc::channel(CHUNK_QUEUE);
    let context = Arc::clone(&plan.context);
    let generated = plan.generated_dockerfile.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let mut out = ChunkWriter {
            chunks,
            buffer: BytesMut::with_capacity(CHUNK_BYTES),
        };
        let written = write_context(&mut out, generated.as_deref(), context.as_ref());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                // Breaks the upload, so that half a context is never built.
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

fn write_context(
    out: &mut ChunkWriter,
    generated: Option<&str>,
    context: &dyn crate::spec::BuildContext,
) -> io::Result<()> {
    if let Some(dockerfile) = generated {
        write_entry(out, GENERATED_NAME, dockerfile.as_bytes())?;
    }
    context.write_tar(out)?;
    out.flush()
}

/// One file of a tar without the end of the archive, so that a whole archive can follow.
fn write_entry(out: &mut dyn Write, name: &str, content: &[u8]) -> io::Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_dockerfile_and_a_context_are_one_archive() {
        let mut inner = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(5);
        header.set_cksum();
        inner
            .append_data(&mut header, "main.py", &b"hello"[..])
            .unwrap();
        let inner = inner.into_inner().unwrap();

        let mut whole = Vec::new();
        write_entry(&mut whole, GENERATED_NAME, b"FROM scratch\n").unwrap();
        whole.extend(inner);

        let mut archive = tar::Archive::new(&whole[..]);
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        assert_eq!(names, [GENERATED_NAME, "main.py"]);
    }
}
