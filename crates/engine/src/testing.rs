//! For tests of this crate and of those above it: an engine that goes without going.

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

/// Answers at `socket` for the engine whose own socket is `engine`. Cancelling the token ends that with all connections, and
/// removes the socket: the engine is gone for whoever came by it. Needs a runtime.
pub fn relay(socket: &Path, engine: PathBuf) -> io::Result<CancellationToken> {
    let listener = UnixListener::bind(socket)?;
    let (stop, path) = (CancellationToken::new(), socket.to_owned());
    let stopped = stop.clone();
    tokio::spawn(async move {
        let accepting = async {
            let mut calls = tokio::task::JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                // Whoever called is cut off by an engine that is gone, as it would be by the engine itself.
                let Ok(mut to) = UnixStream::connect(&engine).await else {
                    continue;
                };
                calls.spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stopped.cancelled() => {
                // The folder of a test that ended may be gone already.
                let _ = fs_err::remove_file(path);
            }
        }
    });
    Ok(stop)
}
