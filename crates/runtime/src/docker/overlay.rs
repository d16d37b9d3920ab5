//! Lays files over a container's: through the engine before it runs, through the gate once it does.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures::StreamExt as _;
use nasiko_engine::{Chunks, NOT_FOUND, status};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Shared, container, gate};
use crate::error::RuntimeError;
use crate::instance::InstanceId;
use crate::spec::Overlay;

/// No laying over takes longer.
pub(super) const LIMIT: Duration = Duration::from_secs(5 * 60);
/// The words to the gate, see `crates/gate/src/files.rs`.
const REMOVED: &str = ".nasiko/removed";
const OWNERS: &str = ".nasiko/owners";
const GO: &str = ".nasiko/go";
/// What is kept of what the gate says, in bytes.
const SAID_BYTES: usize = 16 * 1024;
const ROOT: &str = "0:0";

/// Whether the engine can lay it by itself: it can neither remove nor look a name up.
pub(super) fn is_plain(overlay: &dyn Overlay) -> bool {
    overlay.removed().is_empty() && overlay.owners().is_empty()
}

/// An archive for the gate; its last word lets the program go.
pub(super) fn words(overlay: Option<Arc<dyn Overlay>>) -> (Chunks, JoinHandle<io::Result<()>>) {
    nasiko_engine::written(move |out| {
        if let Some(overlay) = overlay {
            let removed = overlay.removed().iter().map(String::as_str);
            list(out, REMOVED, removed)?;
            let owners = overlay.owners().iter();
            list(
                out,
                OWNERS,
                owners.flat_map(|(path, owner)| [path.as_str(), owner.as_str()]),
            )?;
            overlay.write_tar(out)?;
        }
        nasiko_engine::tar_entry(out, GO, &[])
    })
}

fn list<'a>(
    out: &mut dyn Write,
    name: &str,
    texts: impl Iterator<Item = &'a str>,
) -> io::Result<()> {
    let content: Vec<u8> = texts.flat_map(|text| text.bytes().chain([0])).collect();
    if content.is_empty() {
        return Ok(());
    }
    nasiko_engine::tar_entry(out, name, &content)
}

/// Sends words to a gate.
pub(super) async fn send(
    mut chunks: Chunks,
    writing: JoinHandle<io::Result<()>>,
    input: &mut Pin<Box<dyn AsyncWrite + Send>>,
) -> Result<(), RuntimeError> {
    let sending = async {
        while let Some(chunk) = chunks.next().await {
            input.write_all(&chunk?).await?;
        }
        input.flush().await
    };
    let sent = sending.await;
    drop(chunks);
    // A file that could not be read is the cause of whatever came of it.
    if let Ok(Err(error)) = writing.await {
        return Err(RuntimeError::overlay(error.to_string()));
    }
    sent.map_err(|error| RuntimeError::overlay(error.to_string()))
}

/// Lays files over those of a container that does not run yet, or any others that are whole in themselves.
pub(super) async fn put(
    shared: &Shared,
    client: &Docker,
    id: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Result<(), RuntimeError> {
    let (chunks, writing) = nasiko_engine::written(write);
    let options = UploadToContainerOptionsBuilder::default().path("/").build();
    let client = client.clone().with_timeout(LIMIT);
    let body = bollard::body_try_stream(chunks);
    let put = client.upload_to_container(id, Some(options), body).await;
    match (put, writing.await) {
        (Err(_), Ok(Err(error))) => Err(RuntimeError::overlay(error.to_string())),
        (Err(error), _) => Err(refused(shared, "laying files over", error)),
        (Ok(()), _) => Ok(()),
    }
}

/// An engine that answers and refuses says that these files cannot be laid over this container.
fn refused(shared: &Shared, what: &'static str, error: Error) -> RuntimeError {
    match error {
        Error::DockerResponseServerError { message, .. } => RuntimeError::overlay(message),
        other => shared.failed(what, other),
    }
}

/// Lays files over those of a container that runs, each of them whole at once.
pub(super) async fn sync(
    shared: &Shared,
    instance: &InstanceId,
    overlay: Arc<dyn Overlay>,
    cancel: &CancellationToken,
) -> Result<(), RuntimeError> {
    if overlay.is_empty() {
        return Ok(());
    }
    let laying = async {
        let id = container::known(shared, instance).await?;
        let client = shared.engine.client().await?;
        ensure_gate(shared, &client, &id).await?;
        lay(shared, &client, &id, overlay).await
    };
    tokio::select! {
        laid = laying => laid,
        () = cancel.cancelled() => Err(RuntimeError::Cancelled { what: "laying files over" }),
        () = tokio::time::sleep(LIMIT) => {
            Err(RuntimeError::TimedOut { what: "laying files over", limit: LIMIT })
        }
    }
}

async fn ensure_gate(shared: &Shared, client: &Docker, id: &str) -> Result<(), RuntimeError> {
    let options = ContainerArchiveInfoOptionsBuilder::default()
        .path(gate::PATH)
        .build();
    match client.get_container_archive_info(id, Some(options)).await {
        Ok(_) => return Ok(()),
        Err(error) if status(&error) == Some(NOT_FOUND) => {}
        Err(error) => return Err(shared.failed("looking into a container", error)),
    }
    let Some(program) = gate::program(shared, client).await? else {
        return Err(RuntimeError::overlay(
            "this machine's containers have no gate",
        ));
    };
    put(shared, client, id, |out| gate::Use::Lay.write(program, out)).await
}

async fn lay(
    shared: &Shared,
    client: &Docker,
    id: &str,
    overlay: Arc<dyn Overlay>,
) -> Result<(), RuntimeError> {
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        user: Some(ROOT),
        cmd: Some(vec![gate::PATH, "lay"]),
        ..CreateExecOptions::default()
    };
    let refused = |error| refused(shared, "laying files over", error);
    let created = client.create_exec(id, options).await.map_err(refused)?;
    let StartExecResults::Attached {
        mut output,
        mut input,
    } = client
        .start_exec(&created.id, None)
        .await
        .map_err(refused)?
    else {
        return Err(RuntimeError::Internal(
            "an attached program was started detached".to_owned(),
        ));
    };
    let (chunks, writing) = words(Some(overlay));
    let listening = async {
        let mut said = String::new();
        while let Some(Ok(piece)) = output.next().await {
            if said.len() < SAID_BYTES {
                said.push_str(&text(&piece));
            }
        }
        said
    };
    let (sent, said) = tokio::join!(send(chunks, writing, &mut input), listening);
    let ended = client.inspect_exec(&created.id).await.map_err(refused)?;
    match (ended.exit_code, sent) {
        (Some(0), Ok(())) => Ok(()),
        _ if !said.trim().is_empty() => Err(RuntimeError::overlay(said)),
        (code, Ok(())) => Err(RuntimeError::overlay(format!(
            "the gate ended with {code:?}"
        ))),
        (_, Err(error)) => Err(error),
    }
}

pub(super) fn text(output: &LogOutput) -> String {
    String::from_utf8_lossy(output.as_ref()).into_owned()
}
