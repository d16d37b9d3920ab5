//! Which ports a container listens on: read from its network namespace, or asked for within it.

use std::time::Duration;

use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::models::ContainerInspectResponse;
use futures::StreamExt as _;

use super::{Shared, observe};
use crate::process::listening_in_namespace_of;
use crate::sockets::ports_of_table;

const EXEC_LIMIT: Duration = Duration::from_secs(5);
const TABLE_BYTES: usize = 256 * 1024;

/// The ports, ascending; empty when they cannot be found out.
pub(super) async fn ports(shared: &Shared, id: &str) -> Vec<u16> {
    if let Some(pid) = local_process(shared, id).await {
        return tokio::task::spawn_blocking(move || listening_in_namespace_of(pid))
            .await
            .unwrap_or_default();
    }
    let asked = tokio::time::timeout(EXEC_LIMIT, tables_by_exec(shared, id)).await;
    asked
        .ok()
        .flatten()
        .map(|tables| ports_of_table(&tables))
        .unwrap_or_default()
}

async fn local_process(shared: &Shared, id: &str) -> Option<i32> {
    let container = observe::inspect(shared, id).await.ok()??;
    process_here(shared, &container).await
}

/// The container's first process, if the number the engine tells means a process of this machine: an engine in a
/// machine of its own tells numbers of that one.
pub(super) async fn process_here(
    shared: &Shared,
    container: &ContainerInspectResponse,
) -> Option<i32> {
    if !shared.engine.is_local() {
        return None;
    }
    let pid = i32::try_from(container.state.as_ref()?.pid?)
        .ok()
        .filter(|pid| *pid > 0)?;
    let groups = fs_err::tokio::read_to_string(format!("/proc/{pid}/cgroup"))
        .await
        .ok()?;
    groups
        .contains(container.id.as_deref().filter(|id| !id.is_empty())?)
        .then_some(pid)
}

async fn tables_by_exec(shared: &Shared, id: &str) -> Option<String> {
    let client = shared.engine.client().await.ok()?;
    let options = CreateExecOptions {
        attach_stdout: Some(true),
        cmd: Some(vec!["cat", "/proc/net/tcp", "/proc/net/tcp6"]),
        ..CreateExecOptions::default()
    };
    let created = client.create_exec(id, options).await.ok()?;
    let StartExecResults::Attached { mut output, .. } =
        client.start_exec(&created.id, None).await.ok()?
    else {
        return None;
    };
    let mut tables = String::new();
    while let Some(Ok(chunk)) = output.next().await {
        tables.push_str(&String::from_utf8_lossy(chunk.as_ref()));
        if tables.len() > TABLE_BYTES {
            break;
        }
    }
    Some(tables)
}
