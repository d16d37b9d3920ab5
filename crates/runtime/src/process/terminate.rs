//! Ends an instance with everything it started: its group, and whatever of it left the group.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};

use super::blocking;
use super::inspect::{self, ProcessIdentity};
use super::launch::is_safe_name;
use super::system::End;
use super::tracked::{Shared, Tracked, wait_gone};
use crate::error::RuntimeError;
use crate::instance::InstanceId;

/// How long killed processes may take to go. Only one stuck in the kernel takes longer.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// Killing is repeated while processes start new ones.
const KILL_ROUNDS: usize = 20;

/// Politely first, by force after `grace`. An instance that is unknown or has ended is fine.
pub(super) async fn stop(
    shared: &Arc<Shared>,
    instance: &InstanceId,
    grace: Duration,
) -> Result<(), RuntimeError> {
    if !is_safe_name(instance.as_str()) {
        return Ok(());
    }
    let tracked = shared.live(instance);
    if let Some(tracked) = &tracked {
        tracked.stopping.store(true, Ordering::Release);
    }
    let leader = tracked.as_deref().map(|tracked| tracked.process.clone());

    end(&shared.installation, instance, leader, grace).await?;
    match &tracked {
        Some(tracked) => observed(tracked).await,
        None => Ok(()),
    }
}

/// Ends what runs of an instance that another installation started, and that nobody watches any more.
pub(super) async fn stop_abandoned(
    installation: &str,
    instance: &InstanceId,
    grace: Duration,
) -> Result<(), RuntimeError> {
    end(installation, instance, None, grace).await
}

async fn end(
    installation: &str,
    instance: &InstanceId,
    leader: Option<ProcessIdentity>,
    grace: Duration,
) -> Result<(), RuntimeError> {
    let members = members(installation, instance, leader.clone()).await?;
    if !grace.is_zero() && !members.is_empty() {
        end_all(leader.as_ref(), &members, End::Ask);
        // Not all gone in time is what the force below is for.
        let _ = timeout(grace, all_gone(&members)).await;
    }
    kill(installation, instance, leader).await
}

/// Deletes an instance with its logs; one that still runs is killed first. An unknown one is fine.
pub(super) async fn remove(
    shared: &Arc<Shared>,
    instance: &InstanceId,
) -> Result<(), RuntimeError> {
    if !is_safe_name(instance.as_str()) {
        return Ok(());
    }
    stop(shared, instance, Duration::ZERO).await?;
    let folder = shared.folder(instance.as_str());
    match fs_err::tokio::remove_dir_all(&folder).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(RuntimeError::file("removing", &folder)(error))
        }
        _ => Ok(()),
    }
}

async fn kill(
    installation: &str,
    instance: &InstanceId,
    leader: Option<ProcessIdentity>,
) -> Result<(), RuntimeError> {
    let deadline = Instant::now() + KILL_LIMIT;
    for _ in 0..KILL_ROUNDS {
        let left = members(installation, instance, leader.clone()).await?;
        if left.is_empty() {
            return Ok(());
        }
        end_all(leader.as_ref(), &left, End::Force);
        if timeout_at(deadline, all_gone(&left)).await.is_err() {
            break;
        }
    }
    Err(RuntimeError::TimedOut {
        what: "killing an instance",
        limit: KILL_LIMIT,
    })
}

/// The group in one call, so that none escapes by forking, and each that is not in it.
fn end_all(leader: Option<&ProcessIdentity>, members: &[ProcessIdentity], how: End) {
    if let Some(leader) = leader {
        leader.end_group(how);
    }
    let outside =
        |process: &&ProcessIdentity| leader.is_none_or(|leader| !process.in_group_of(leader));
    members
        .iter()
        .filter(outside)
        .for_each(|process| process.end(how));
}

async fn all_gone(members: &[ProcessIdentity]) {
    join_all(members.iter().map(wait_gone)).await;
}

async fn members(
    installation: &str,
    instance: &InstanceId,
    leader: Option<ProcessIdentity>,
) -> Result<Vec<ProcessIdentity>, RuntimeError> {
    let (installation, instance) = (installation.to_owned(), instance.clone());
    blocking(move || inspect::members(&installation, instance.as_str(), leader.as_ref())).await
}

/// Waits until the watcher has seen the end and recorded it.
async fn observed(tracked: &Tracked) -> Result<(), RuntimeError> {
    let mut exit = tracked.exit.subscribe();
    match timeout(KILL_LIMIT, exit.wait_for(Option::is_some)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(RuntimeError::TimedOut {
            what: "seeing the end of an instance",
            limit: KILL_LIMIT,
        }),
    }
}
