//! Programs that wait at the gate: started as any other, and let go or ended.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as Pair;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::launch::{self, Attempt};
use super::tracked::{Shared, Tracked};
use super::{gate, record, terminate};
use crate::Standby;
use crate::error::RuntimeError;
use crate::instance::{Instance, InstanceId};
use crate::spec::{Artifact, Overlay, StartSpec, WarmUp};

/// What a program at the gate says, and what lets it go.
const READY: u8 = b'r';
const GO: u8 = b'g';
/// A program that was let go and is not at the gate by then is taken for one that never comes.
const GATE_LIMIT: Duration = Duration::from_secs(10);

/// Starts a program that comes to the gate; none when this one does not.
pub(super) async fn standby(
    shared: &Arc<Shared>,
    spec: &StartSpec,
    warm_up: &WarmUp,
    cancel: &CancellationToken,
) -> Result<Option<Box<dyn Standby>>, RuntimeError> {
    if shared.gate.is_none() || matches!(spec.artifact, Artifact::Node { .. }) {
        return Ok(None);
    }
    let attempt = Attempt::begin(shared, spec, cancel).await?;
    let mut program = attempt.program()?;
    if !gate::comes_to(&program.invocation) {
        return Ok(None);
    }
    let names = warm_up.python_modules.iter().map(String::as_str);
    let names: Vec<&str> = names.filter(|name| !name.contains([',', '\0'])).collect();
    program
        .environment
        .insert(gate::PRELOAD_VARIABLE.into(), names.join(",").into());
    let pair = || -> std::io::Result<(UnixStream, Pair)> {
        let (ours, theirs) = Pair::pair()?;
        ours.set_nonblocking(true)?;
        Ok((UnixStream::from_std(ours)?, theirs))
    };
    let (gate, theirs) =
        pair().map_err(RuntimeError::file("making a gate in", attempt.folder()))?;
    let tracked = attempt.launch(&program, OwnedFd::from(theirs).into(), true)?;
    Ok(Some(Box::new(Waiting {
        shared: Arc::clone(shared),
        spec: spec.clone(),
        tracked,
        gate,
        over: false,
        background: Handle::current(),
    })))
}

/// A program on its way to the gate, or at it. It ends by itself when `gate` closes.
struct Waiting {
    shared: Arc<Shared>,
    spec: StartSpec,
    tracked: Arc<Tracked>,
    gate: UnixStream,
    /// It was let go, or is gone.
    over: bool,
    background: Handle,
}

impl Waiting {
    /// Lets it go. None when it ended, does not come to the gate, or was told a port that is taken by now.
    async fn let_go(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<Option<Instance>, RuntimeError> {
        if !launch::is_free(self.tracked.port) {
            return Ok(None);
        }
        let gate = &mut self.gate;
        let passing = async {
            // At once, also while it still loads: it is read when it gets there.
            gate.write_u8(GO).await?;
            gate.read_u8().await
        };
        let mut exit = self.tracked.exit.subscribe();
        let at_gate = tokio::select! {
            said = timeout(GATE_LIMIT, passing) => matches!(said, Ok(Ok(READY))),
            _ = exit.wait_for(Option::is_some) => false,
            () = cancel.cancelled() => return Err(RuntimeError::Cancelled { what: "starting" }),
        };
        if !at_gate {
            return Ok(None);
        }
        // Held until its start is told: its end waits for that.
        let mut record = self.tracked.record.lock();
        if record.exit.is_some() {
            return Ok(None);
        }
        let mut released = record.clone();
        released.standby = false;
        released.started_at = record::millis(SystemTime::now());
        released.write(&self.shared.folder(&released.deployment_id))?;
        *record = released;
        self.over = true;
        Ok(Some(launch::announce(
            &self.shared,
            &record,
            &self.tracked.process,
        )))
    }

    async fn end(&mut self) -> Result<(), RuntimeError> {
        terminate::remove(&self.shared, &self.tracked.id).await?;
        self.over = true;
        Ok(())
    }
}

#[async_trait]
impl Standby for Waiting {
    fn instance(&self) -> &InstanceId {
        &self.tracked.id
    }

    fn is_alive(&self) -> bool {
        self.tracked.process.alive()
    }

    async fn release(
        mut self: Box<Self>,
        _overlay: Option<Arc<dyn Overlay>>,
        cancel: &CancellationToken,
    ) -> Result<Instance, RuntimeError> {
        let released = self.let_go(cancel).await;
        if let Ok(Some(instance)) = released {
            return Ok(instance);
        }
        self.end().await?;
        released?;
        tracing::info!(instance = %self.tracked.id, "a program on standby was of no use; it is started anew");
        launch::start(&self.shared, &self.spec, cancel).await
    }

    async fn discard(mut self: Box<Self>) {
        if let Err(error) = self.end().await {
            tracing::warn!(instance = %self.tracked.id, %error, "a program on standby could not be removed");
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let (shared, id) = (Arc::clone(&self.shared), self.tracked.id.clone());
        let ending = async move {
            if let Err(error) = terminate::remove(&shared, &id).await {
                tracing::warn!(instance = %id, %error, "a program on standby could not be removed");
            }
        };
        self.shared.given_up.spawn_on(ending, &self.background);
    }
}
