//! Finds the difference between a folder and what its agent runs, and what is to be done about it.

use std::{path::PathBuf, sync::Arc};

use nasiko_contract::{
    AgentState, ErrorCode, Fault, FileChangeKind, RuntimeKind, Update, UpdateAction, UpdateSeconds,
    UpdateState,
};
use nasiko_workshop::{
    Snapshot, describe,
    snapshot::Change,
    update::{Decide, UpdatePlan, decide, needs_reading},
};
use tokio::sync::OwnedMutexGuard;

use super::{
    apply::Attempt,
    clock::Clock,
    content::{Content, blocking},
    follow::Follower,
    history,
    pending::Pending,
};
use crate::{
    adopt,
    plane::{cancelled, internal},
    records::{AgentRecord, Desired},
};

/// A difference, and what is to be done about it.
struct Difference {
    now: Content,
    read_again: bool,
    changes: Vec<Change>,
    plan: UpdatePlan,
}

/// What is compared.
struct Comparison {
    root: PathBuf,
    runtime: RuntimeKind,
    running: Option<Content>,
    now: Arc<Snapshot>,
    /// Changes that no two snapshots show.
    besides: Vec<String>,
}

impl Follower {
    /// The difference between the folder and what runs, ready to be made live. None where there is none, or where nothing
    /// may be done about it now.
    pub(super) async fn find(
        &mut self,
        pending: &mut Pending,
        lock: OwnedMutexGuard<()>,
    ) -> Result<Option<Attempt>, Fault> {
        let shared = Arc::clone(&self.shared);
        if shared.ending.is_cancelled() {
            return Ok(None);
        }
        let now = self.look_now(pending).await?;
        let agent = match shared.agent(&self.name).await {
            Ok(found) => found.value,
            Err(fault) if fault.code == ErrorCode::AgentNotFound => return Ok(None),
            Err(fault) => return Err(fault),
        };
        if !may_be_updated(&agent, pending) {
            return Ok(None);
        }
        let running = shared
            .running_content(&self.name, &self.root, agent.plan.as_ref(), &now)
            .await?;
        let clock = Clock::new(pending.at, pending.noticed, &now, pending.paths());
        let besides = besides(pending, running.as_ref(), &now);
        let only_content = besides.is_empty();
        let comparison = Comparison {
            root: self.root.clone(),
            runtime: agent.runtime,
            besides,
            running: running.clone(),
            now: Arc::clone(&now),
        };
        let Some(mut difference) = blocking(move || compare(comparison)).await?? else {
            self.recover(&agent, pending, &now).await?;
            return Ok(None);
        };
        let content_hash = now.hash.to_string();
        if only_content && !pending.anew && self.failed.as_ref() == Some(&content_hash) {
            return Ok(None);
        }
        self.leave_out_written(&mut difference);
        shared
            .live
            .pool
            .saved(&self.name, tokio::time::Instant::now());
        let decided = clock.seconds();
        let update = Update {
            id: history::new_id(),
            agent: self.name.clone(),
            at: crate::time::millis(clock.saved),
            state: UpdateState::Applying,
            action: difference.plan.action,
            why: difference.plan.why,
            files_total: difference.plan.files.len() as u64,
            files: {
                let mut files = difference.plan.files;
                files.truncate(history::TOLD_FILES);
                files
            },
            seconds: UpdateSeconds {
                seen: clock.seconds_to(pending.noticed),
                decided,
                ..UpdateSeconds::default()
            },
            warm: false,
            content_hash,
            job: None,
            fault: None,
        };
        Ok(Some(Attempt {
            shared,
            agent,
            root: self.root.clone(),
            running,
            now: difference.now,
            read_again: difference.read_again,
            update,
            clock,
            alone: self.alone,
            lock: Some(lock),
            started: None,
        }))
    }

    /// The folder as it is now.
    async fn look_now(&mut self, pending: &mut Pending) -> Result<Arc<Snapshot>, Fault> {
        if pending.is_unseen() || self.seen.is_none() {
            let looked = self
                .look(pending)
                .await
                .map_err(|error| internal("a folder could not be looked at", &error))?;
            let snapshot = looked.inspect_err(|_| self.seen = None)?;
            self.seen = Some(Arc::new(snapshot));
        }
        self.seen.clone().ok_or_else(cancelled)
    }

    /// What an agent writes by itself after each start is no reason for another one.
    fn leave_out_written(&mut self, difference: &mut Difference) {
        let plan = &mut difference.plan;
        if plan.action == UpdateAction::Nothing
            || difference.changes.is_empty()
            || !self
                .guard
                .are_written(difference.changes.iter().map(|change| &change.path))
        {
            return;
        }
        "the agent writes it by itself after each start, so it is left out until the watch is started anew"
            .clone_into(&mut plan.why);
        plan.action = UpdateAction::Nothing;
        for file in &mut plan.files {
            file.action = UpdateAction::Nothing;
            file.why.clone_from(&plan.why);
        }
        difference.read_again = false;
    }

    /// The folder is what runs. If it was not, and that had failed, the failure is over.
    async fn recover(
        &mut self,
        agent: &AgentRecord,
        pending: &Pending,
        now: &Arc<Snapshot>,
    ) -> Result<(), Fault> {
        if self.failed.take().is_none() || agent.fault.is_none() {
            return Ok(());
        }
        let clock = Clock::new(pending.at, pending.noticed, now, pending.paths());
        let seconds = clock.seconds();
        let update = Update {
            id: history::new_id(),
            agent: self.name.clone(),
            at: crate::time::millis(clock.saved),
            state: UpdateState::Unchanged,
            action: UpdateAction::Nothing,
            why: "the folder is what runs again".to_owned(),
            files: Vec::new(),
            files_total: 0,
            seconds: UpdateSeconds {
                seen: clock.seconds_to(pending.noticed),
                decided: seconds,
                applied: seconds,
                answered: seconds,
            },
            warm: false,
            content_hash: now.hash.to_string(),
            job: None,
            fault: None,
        };
        self.shared
            .change_agent(&self.name, |agent, batch| {
                if agent.state == AgentState::Active {
                    agent.fault = None;
                }
                history::add(batch, &update);
            })
            .await
            .map(drop)
    }
}

/// Whether a difference may be made live now: not while nobody wants the agent to run, and not while its engine is away.
fn may_be_updated(agent: &AgentRecord, pending: &Pending) -> bool {
    let away = agent.state == AgentState::Failed
        && agent.runtime == RuntimeKind::Docker
        && agent.fault.as_ref().is_some_and(adopt::is_passing);
    // What never ran is tried again once somebody changes something.
    let never_ran = agent.plan.is_none() && !pending.has_paths();
    agent.desired == Desired::Running && !away && !never_ran
}

/// Paths that changed although no snapshot has them: files that are read but are no content (an ignored `.env`), and those
/// that are as before again but were something else when an instance may have read them.
fn besides(pending: &Pending, running: Option<&Content>, now: &Snapshot) -> Vec<String> {
    let mut besides = pending.torn(now);
    if let Some(running) = running {
        let unknown = |path: &&String| {
            let change = Change {
                path: (*path).clone(),
                kind: FileChangeKind::Modified,
            };
            now.file(path).is_none()
                && running.snapshot.file(path).is_none()
                && !now.has_directory(path)
                && !running.snapshot.has_directory(path)
                && needs_reading(&running.description, &[change])
        };
        besides.extend(pending.paths().filter(unknown).cloned());
    }
    besides
}

/// Blocks.
fn compare(comparison: Comparison) -> Result<Option<Difference>, Fault> {
    let Comparison {
        root,
        runtime,
        running,
        now,
        besides,
    } = comparison;
    let Some(running) = running else {
        let newer = Arc::new(describe(&root, &now)?);
        return Ok(Some(Difference {
            plan: UpdatePlan {
                files: Vec::new(),
                action: match runtime {
                    RuntimeKind::Process => UpdateAction::Environment,
                    RuntimeKind::Docker => UpdateAction::Rebuild,
                },
                why: "it is not known what it runs".to_owned(),
            },
            now: Content {
                snapshot: now,
                description: newer,
            },
            read_again: true,
            changes: Vec::new(),
        }));
    };
    let mut changes = running.snapshot.changes(&now);
    let nothing_differs = changes.is_empty();
    changes.extend(besides.into_iter().map(|path| Change {
        path,
        kind: FileChangeKind::Modified,
    }));
    if changes.is_empty() {
        return Ok(None);
    }
    let read_again = needs_reading(&running.description, &changes);
    let newer = if read_again {
        Arc::new(describe(&root, &now)?)
    } else {
        Arc::clone(&running.description)
    };
    let plan = decide(&Decide {
        root: &root,
        description: &running.description,
        newer: &newer,
        before: &running.snapshot,
        now: &now,
        changes: &changes,
        runtime,
    });
    if nothing_differs && plan.action < UpdateAction::Restart {
        return Ok(None);
    }
    Ok(Some(Difference {
        now: Content {
            snapshot: now,
            description: newer,
        },
        read_again,
        changes,
        plan,
    }))
}
