//! The one event stream: from it the picture is kept up to date, over reconnects, without ever asking in intervals.

use futures::StreamExt;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use nasiko_contract::{
    AgentName, AgentState, AgentSummary, ErrorCode, Event, Fault, FollowEvents, GetStatus, JobId,
    ListAgents, ListDeadLetters, ListJobs,
};

use crate::{
    desk::Desk,
    model::{
        stack,
        world::{Applied, Link, World},
    },
    words::desk as words,
};

/// Milliseconds before the first try to connect again; doubled with each one.
const FIRST_PAUSE: u32 = 250;
/// It grows no longer than this.
const LONGEST_PAUSE: u32 = 5_000;
/// Agents read from the list; a bound against a list without end.
const AGENTS_READ: usize = 10_000;
/// Rows asked for at once.
const PAGE_ROWS: u32 = 500;
/// Jobs read from the list.
const JOBS_READ: u32 = 100;

/// Keeps the desk's picture up to date for as long as the page lives.
pub(crate) async fn keep_up(desk: Desk) {
    let mut pause = FIRST_PAUSE;
    loop {
        let fault = match connect(desk, &mut pause).await {
            Ok(()) => ended(),
            Err(fault) => fault,
        };
        if fault.code == ErrorCode::Unauthenticated {
            desk.world.update(|world| world.link = Link::Refused(fault));
            return;
        }
        desk.world.update(|world| world.link = Link::Lost(fault));
        TimeoutFuture::new(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn connect(desk: Desk, pause: &mut u32) -> Result<(), Fault> {
    let after = desk.world.with_untracked(|world| world.last_seq);
    // The stream first and the lists after it: what happens in between is then in one of them at least.
    let mut events = desk.client().stream(FollowEvents { after }).await?;
    read_everything(desk).await?;
    desk.world.update(|world| world.link = Link::Live);
    *pause = FIRST_PAUSE;
    while let Some(event) = events.next().await {
        take(desk, &event?.item).await?;
    }
    Ok(())
}

async fn take(desk: Desk, event: &Event) -> Result<(), Fault> {
    let before = desk.world.with_untracked(|world| {
        let name = AgentName(event.subject.clone());
        world.agent(&name).map(|agent| agent.state)
    });
    let settled_before = unfinished(desk) == 0;
    let ended_before = stack_ended(desk, event);
    if !desk.world.with_untracked(|world| world.has_seen(event)) {
        desk.hear_live(event);
        desk.hear_inbox(event);
    }
    // An event that changes nothing must not wake those who look.
    let applied = desk
        .world
        .try_maybe_update(|world| {
            let applied = world.apply(event);
            (applied != Applied::Ignored, applied)
        })
        .unwrap_or(Applied::Ignored);
    if applied == Applied::Gap {
        desk.live.update(|live| live.missed += 1);
        return read_everything(desk).await;
    }
    announce(desk, event, before);
    if let Some(words) = stack_ended(desk, event).filter(|_| ended_before.is_none()) {
        desk.say(words);
    }
    // Jobs change what the control plane uses: its figures are read again when the last one is done.
    if event.topic == "job.changed" && !settled_before && unfinished(desk) == 0 {
        let status = desk.client().call(GetStatus {}).await?;
        desk.world.update(|world| world.status = Some(status));
    }
    Ok(())
}

/// What is said of the job of an event, if it is one on the stack and has ended.
fn stack_ended(desk: Desk, event: &Event) -> Option<&'static str> {
    if event.topic != "job.changed" {
        return None;
    }
    let id = JobId(event.subject.clone());
    desk.world
        .with_untracked(|world| stack::ended(world.jobs.get(&id)?))
}

fn unfinished(desk: Desk) -> usize {
    desk.world.with_untracked(World::unfinished_jobs)
}

/// Tells when an agent came to answer, or ceased to.
fn announce(desk: Desk, event: &Event, before: Option<AgentState>) {
    let name = AgentName(event.subject.clone());
    let after = desk
        .world
        .with_untracked(|world| world.agent(&name).map(|agent| agent.state));
    if event.topic != "agent.changed" || before.is_none() || before == after {
        return;
    }
    match after {
        Some(AgentState::Active) => desk.say(words::is_running(name.as_str())),
        Some(AgentState::Stopped) => desk.say(words::is_stopped(name.as_str())),
        // Failures come as notices.
        Some(AgentState::Failed | AgentState::SettingUp) | None => {}
    }
}

async fn read_everything(desk: Desk) -> Result<(), Fault> {
    let client = desk.client();
    let jobs = ListJobs {
        limit: Some(JOBS_READ),
        ..ListJobs::default()
    };
    let dead = ListDeadLetters {
        limit: Some(JOBS_READ),
        ..ListDeadLetters::default()
    };
    let (status, agents, jobs, dead, ()) = futures::join!(
        client.call(GetStatus {}),
        read_agents(desk),
        client.call(jobs),
        client.call(dead),
        desk.read_inbox(),
    );
    let (status, agents, jobs, dead) = (status?, agents?, jobs?, dead?);
    desk.world.update(|world| {
        world.status = Some(status);
        world.set_agents(agents);
        world.put_jobs(jobs.items.into_iter().chain(dead.items));
    });
    Ok(())
}

async fn read_agents(desk: Desk) -> Result<Vec<AgentSummary>, Fault> {
    let mut agents = Vec::new();
    let mut cursor = None;
    loop {
        let page = desk
            .client()
            .call(ListAgents {
                cursor: cursor.take(),
                limit: Some(PAGE_ROWS),
            })
            .await?;
        agents.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() || agents.len() >= AGENTS_READ {
            return Ok(agents);
        }
    }
}

fn ended() -> Fault {
    Fault::new(ErrorCode::Unreachable, words::CONNECTION_ENDED).retryable()
}
