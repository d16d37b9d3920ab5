//! Containers that wait at the gate: made in advance, let go when their files are known.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::Docker;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::AttachContainerOptionsBuilder;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryFutureExt as _};
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::gate::{self, Use};
use super::{Shared, container, label, overlay, preload};
use crate::Standby;
use crate::error::RuntimeError;
use crate::instance::{Instance, InstanceId, RuntimeEvent};
use crate::spec::{Overlay, StartSpec, WarmUp};

/// What is kept of the error output of a container that waits, in bytes, for the case that it ends.
const ERROR_BYTES: usize = 8 * 1024;
/// How long the first word of a container that has just ended may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How far a container has come.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Passage {
    Waiting,
    LetGo,
    /// It ended before, having written these lines to its error output.
    Ended(Vec<String>),
}

/// Makes a container that loads and waits. None where it would not.
pub(super) async fn make(
    shared: &Arc<Shared>,
    spec: &StartSpec,
    warm_up: &WarmUp,
    cancel: &CancellationToken,
) -> Result<Option<Held>, RuntimeError> {
    let Some((program, command)) = what_to_hold(shared, spec).await? else {
        return Ok(None);
    };
    let told = !warm_up.python_modules.is_empty();
    let purpose = if preload::can_wait(&command, told) {
        Use::Preload(&warm_up.python_modules)
    } else {
        Use::Hold
    };
    let mut body = container::body(shared, spec, container::image(spec)?);
    let labels = body.labels.get_or_insert_default();
    labels.insert(label::STANDBY.to_owned(), "true".to_owned());
    let names = [container::standby_name(&spec.agent, &spec.deployment_id)];
    let held = hold(
        shared,
        spec,
        purpose,
        program,
        command,
        (body, &names),
        cancel,
    )
    .await?;
    Ok(Some(held))
}

/// Starts a container over whose files the engine alone cannot lay the spec's: with a gate that is passed at once.
pub(super) async fn start(
    shared: &Arc<Shared>,
    spec: &StartSpec,
    cancel: &CancellationToken,
) -> Result<Instance, RuntimeError> {
    let Some((program, command)) = what_to_hold(shared, spec).await? else {
        return Err(RuntimeError::overlay(
            "files are to be removed or given to others, and there is no gate that could",
        ));
    };
    let body = container::body(shared, spec, container::image(spec)?);
    let names = container::names(spec);
    let held = hold(
        shared,
        spec,
        Use::Hold,
        program,
        command,
        (body, &names),
        cancel,
    )
    .await?;
    Box::new(held).pass(None, cancel).await
}

/// The gate and the command that it is to hold.
async fn what_to_hold(
    shared: &Shared,
    spec: &StartSpec,
) -> Result<Option<(&'static [u8], Vec<String>)>, RuntimeError> {
    let client = shared.engine.client().await?;
    let Some(program) = gate::program(shared, &client).await? else {
        return Ok(None);
    };
    let command = match container::command(spec) {
        Some(command) => command,
        None => image_command(shared, &client, container::image(spec)?).await?,
    };
    Ok((!command.is_empty()).then_some((program, command)))
}

async fn image_command(
    shared: &Shared,
    client: &Docker,
    image: &str,
) -> Result<Vec<String>, RuntimeError> {
    let inspected = client
        .inspect_image(image)
        .await
        .map_err(|error| shared.failed("looking at an image", error))?;
    let config = inspected.config.unwrap_or_default();
    let words = [config.entrypoint, config.cmd].into_iter().flatten();
    Ok(words.flatten().collect())
}

/// Makes and starts a container that waits.
async fn hold(
    shared: &Arc<Shared>,
    spec: &StartSpec,
    purpose: Use<'_>,
    program: &'static [u8],
    command: Vec<String>,
    (body, names): (ContainerCreateBody, &[String]),
    cancel: &CancellationToken,
) -> Result<Held, RuntimeError> {
    container::claim(shared, spec).await?;
    container::check(cancel)?;
    let client = shared.engine.client().await?;
    let mut files = Vec::new();
    purpose
        .write(program, &mut files)
        .map_err(|error| RuntimeError::Internal(error.to_string()))?;
    let body = ContainerCreateBody {
        entrypoint: Some(purpose.entry_point(command)),
        attach_stdin: Some(true),
        open_stdin: Some(true),
        // The container's input ends when we do.
        stdin_once: Some(true),
        host_config: body.host_config.map(|host| HostConfig {
            // The gate is the first process.
            init: Some(false),
            ..host
        }),
        ..body
    };
    let id = container::create(shared, &client, names, body).await?;
    let started = async {
        overlay::put(shared, &client, &id, move |out| out.write_all(&files)).await?;
        container::check(cancel)?;
        let attached = attach(shared, &client, &id).await?;
        let (input, output) = (attached.input, attached.output);
        let instance = container::run(shared, &client, spec, &id).await?;
        Ok((instance, input, output.boxed()))
    };
    match started.await {
        Ok((instance, input, output)) => {
            let (told, passage) = watch::channel(Passage::Waiting);
            let following = tokio::spawn(follow(output, told)).abort_handle();
            Ok(Held {
                shared: Arc::clone(shared),
                instance,
                laid: spec.overlay.clone(),
                input: Mutex::new(Some(input)),
                passage,
                following,
                passed: false,
            })
        }
        Err(error) => {
            shared.drop_container(&id).await;
            Err(error)
        }
    }
}

async fn attach(
    shared: &Shared,
    client: &Docker,
    id: &str,
) -> Result<AttachContainerResults, RuntimeError> {
    let options = AttachContainerOptionsBuilder::default()
        .stream(true)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .build();
    client
        .attach_container(id, Some(options))
        .map_err(|error| shared.failed("holding a container", error))
        .await
}

/// Reads what a container writes until it is let go or ends.
async fn follow(
    mut output: BoxStream<'static, Result<LogOutput, bollard::errors::Error>>,
    told: watch::Sender<Passage>,
) {
    let mut errors: Vec<u8> = Vec::new();
    let mut said: Vec<u8> = Vec::new();
    while let Some(Ok(piece)) = output.next().await {
        if matches!(piece, LogOutput::StdErr { .. }) {
            append(&mut errors, piece.as_ref(), ERROR_BYTES);
            continue;
        }
        // The word may come in two pieces.
        let kept = piece.as_ref().len() + gate::LET_GO.len();
        append(&mut said, piece.as_ref(), kept);
        if contains(&said, gate::LET_GO.as_bytes()) {
            told.send_replace(Passage::LetGo);
            return;
        }
    }
    let errors = String::from_utf8_lossy(&errors);
    told.send_replace(Passage::Ended(errors.lines().map(str::to_owned).collect()));
}

/// Appends a piece to what is kept, which is never longer than `limit`.
fn append(kept: &mut Vec<u8>, piece: &[u8], limit: usize) {
    kept.extend_from_slice(piece);
    let surplus = kept.len().saturating_sub(limit);
    kept.drain(..surplus);
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// A container that waits, or is being let go.
pub(super) struct Held {
    shared: Arc<Shared>,
    instance: Instance,
    /// What it was asked to be started with, unless something else is laid over in the end.
    laid: Option<Arc<dyn Overlay>>,
    /// Taken once; the lock is never waited for.
    input: Mutex<Option<Pin<Box<dyn AsyncWrite + Send>>>>,
    passage: watch::Receiver<Passage>,
    following: AbortHandle,
    /// Whether it is no longer ours to end.
    passed: bool,
}

impl Held {
    /// Sends the files and waits until the program goes on. On failure nothing of it is left.
    async fn pass(
        mut self: Box<Self>,
        laid: Option<Arc<dyn Overlay>>,
        cancel: &CancellationToken,
    ) -> Result<Instance, RuntimeError> {
        let passing = tokio::select! {
            passed = self.lay(laid) => passed,
            () = cancel.cancelled() => Err(RuntimeError::Cancelled { what: "starting" }),
            () = tokio::time::sleep(overlay::LIMIT) => {
                Err(RuntimeError::TimedOut { what: "laying files over", limit: overlay::LIMIT })
            }
        };
        match passing {
            Ok(()) => {
                self.passed = true;
                Ok(self.instance.clone())
            }
            Err(error) => {
                self.end().await;
                Err(error)
            }
        }
    }

    async fn lay(&self, laid: Option<Arc<dyn Overlay>>) -> Result<(), RuntimeError> {
        let laid = laid.or_else(|| self.laid.clone());
        let mut passage = self.passage.clone();
        let input = self.input.lock().take();
        let Some(mut input) = input else {
            return Err(RuntimeError::Internal(
                "a container was let go twice".to_owned(),
            ));
        };
        let (chunks, writing) = overlay::words(laid);
        let sending = overlay::send(chunks, writing, &mut input);
        let sent = tokio::select! {
            sent = sending => sent,
            // A container that ended takes nothing more, and says why.
            _ = passage.wait_for(|passage| matches!(passage, Passage::Ended(_))) => Ok(()),
        };
        if let Err(error) = sent {
            let ended = passage.wait_for(|passage| matches!(passage, Passage::Ended(_)));
            return match tokio::time::timeout(LAST_WORDS, ended).await {
                Ok(Ok(passage)) => Err(self.failure(&passage, error)),
                _ => Err(error),
            };
        }
        let passed = passage
            .wait_for(|passage| *passage != Passage::Waiting)
            .await;
        match passed.as_deref() {
            Ok(Passage::LetGo) => Ok(()),
            Ok(ended) => Err(self.failure(ended, RuntimeError::overlay("the container ended"))),
            Err(_) => Err(RuntimeError::Internal(
                "a container is no longer followed".to_owned(),
            )),
        }
    }

    /// Tells a gate that failed from a program that ended while it loaded.
    fn failure(&self, passage: &Passage, otherwise: RuntimeError) -> RuntimeError {
        let Passage::Ended(lines) = passage else {
            return otherwise;
        };
        let complaint = lines
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix(gate::COMPLAINT));
        match (complaint, lines.last()) {
            (Some(complaint), _) => RuntimeError::overlay(complaint),
            (None, Some(last)) => RuntimeError::StartFailed {
                program: format!("the container of {}", self.instance.agent),
                source: std::io::Error::other(last.clone()),
            },
            (None, None) => otherwise,
        }
    }

    async fn end(&mut self) {
        self.passed = true;
        self.following.abort();
        end(&self.shared, &self.instance).await;
    }
}

async fn end(shared: &Shared, instance: &Instance) {
    if let Err(error) = shared.end(&instance.id, &instance.handle).await {
        tracing::warn!(instance = %instance.id, %error, "a container on standby could not be removed");
    }
}

#[async_trait]
impl Standby for Held {
    fn instance(&self) -> &InstanceId {
        &self.instance.id
    }

    fn is_alive(&self) -> bool {
        *self.passage.borrow() == Passage::Waiting
    }

    async fn release(
        self: Box<Self>,
        overlay: Option<Arc<dyn Overlay>>,
        cancel: &CancellationToken,
    ) -> Result<Instance, RuntimeError> {
        let shared = Arc::clone(&self.shared);
        let instance = self.pass(overlay, cancel).await?;
        // From now on it is one like any other. Nobody listening is fine.
        let _ = shared.events.send(RuntimeEvent::Started {
            instance: instance.clone(),
            ours: true,
        });
        Ok(instance)
    }

    async fn discard(mut self: Box<Self>) {
        self.end().await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.following.abort();
        if self.passed {
            return;
        }
        let (shared, instance) = (Arc::clone(&self.shared), self.instance.clone());
        // Without a reactor the process is ending, and the container's input with it.
        if let Ok(reactor) = tokio::runtime::Handle::try_current() {
            reactor.spawn(async move { end(&shared, &instance).await });
        }
    }
}
