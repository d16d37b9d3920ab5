//! Edits while nobody looks: while the agent is stopped, while the control plane is closed.

use std::time::Duration;

use nasiko_contract::{
    AgentState, ErrorCode, StartAgent, StartWatch, StopAgent, StopWatch, UpdateState, WatchMode,
};

use super::harness::{Edited, said, updates, write};
use crate::{
    api::{self, Caller},
    records::Source,
    tests::{PATIENCE, open, until},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_edited_while_it_was_stopped_runs_from_its_start_on() {
    let edited = Edited::deploy().await;
    let agent = edited.name.clone();
    edited
        .job(StopAgent {
            agent: agent.clone(),
        })
        .await;
    edited.say("two");
    edited.compared().await;
    assert_eq!(edited.agent().await.state, AgentState::Stopped);
    assert_eq!(edited.updates().await, []);
    edited.job(StartAgent { agent }).await;
    assert_eq!(edited.answer().await.as_deref(), Some("two"));
    edited.say("three");
    edited.says("three").await;
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_outlives_its_control_plane_and_catches_up() {
    let edited = Edited::deploy().await;
    edited.plane.close().await;
    let Edited {
        home,
        folder,
        plane,
        name,
    } = edited;
    drop(plane);
    write(folder.path(), "words.py", &said("two"));
    let plane = open(home.path()).await;
    let edited = Edited {
        home,
        folder,
        plane,
        name,
    };
    edited.says("two").await;
    let update = edited.update(0).await;
    assert_eq!(update.state, UpdateState::Live);
    assert_eq!(update.files.len(), 1, "{update:#?}");
    edited.say("three");
    edited.says("three").await;
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_is_ended_and_begun_again() {
    let edited = Edited::deploy().await;
    let (agent, caller) = (edited.name.clone(), Caller::owner());
    let request = StopWatch {
        agent: agent.clone(),
    };
    let status = api::call(&edited.plane, &caller, request).await.unwrap();
    assert_eq!(status.mode, WatchMode::Off);
    assert!(!edited.agent().await.watched);
    edited.say("two");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(edited.answer().await.as_deref(), Some("one"));

    let request = StartWatch { agent };
    api::call(&edited.plane, &caller, request).await.unwrap();
    edited.says("two").await;
    let watched = async || {
        let status = edited.shared().watch_status(&edited.name);
        status.mode != WatchMode::Off && status.files == 2 && status.warm
    };
    until(edited.shared(), "it is watched", watched).await;
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_folders_are_watched() {
    let edited = Edited::deploy().await;
    let shared = edited.shared();
    shared.end_watch(&edited.name).await;
    let elsewhere = |agent: &mut crate::records::AgentRecord| {
        agent.source = Source::Git {
            url: "https://example.org/agent".to_owned(),
            branch: None,
        };
    };
    shared
        .change_agent(&edited.name, |agent, _| elsewhere(agent))
        .await
        .unwrap();
    let request = StartWatch {
        agent: edited.name.clone(),
    };
    let refused = api::call(&edited.plane, &Caller::owner(), request).await;
    let fault = refused.unwrap_err();
    assert_eq!(fault.code, ErrorCode::WrongState);
    assert!(fault.hint.is_some());
    edited.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_watch_is_left_when_its_agent_goes() {
    let edited = Edited::deploy().await;
    edited.is_warm().await;
    edited.say("two");
    edited.says("two").await;
    let agent = edited.name.clone();
    edited.job(nasiko_contract::DeleteAgent { agent }).await;
    let shared = edited.shared();
    assert!(!shared.live.is_watched(&edited.name));
    assert_eq!(updates(shared, &edited.name).await, []);
    let runtime = shared.runtime(nasiko_contract::RuntimeKind::Process);
    let gone = async {
        while !runtime.list().await.unwrap().is_empty() || !shared.in_hand.lock().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, gone).await.is_ok());
    assert!(!shared.home.live(&edited.name).try_exists().unwrap());
    edited.plane.close().await;
}
