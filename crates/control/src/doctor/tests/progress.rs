//! How a look is told while it goes on, and what is kept of it.

use std::{path::Path, time::Duration};

use axum::{Json, Router, http::Uri};
use futures::StreamExt;
use nasiko_contract::{
    Check, CheckState, Checkup, CheckupProgress, DeployDirectory, DeployOptions, ErrorCode,
    Examine, FixCheck, GetLastCheckup, JobState, ListNotices, NoticeKind, RunDoctor, RuntimeKind,
};
use nasiko_store::FeedItem;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::UnixListener, runtime::Runtime, sync::watch, task::JoinHandle};

use super::fixtures::assert_state;
use crate::{
    ControlPlane,
    api::{self, Caller, Items},
    doctor::last::CHANGED,
    tests::{PATIENCE, end_of, open, open_with, until},
};

/// An engine that answers, but never says what it is: nothing of it can be settled.
struct SilentEngine {
    /// How often it was asked what it is, by somebody who still waits.
    asked: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl SilentEngine {
    fn start(socket: &Path) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let (count, asked) = watch::channel(0);
        let answer = move |uri: Uri| {
            let count = count.clone();
            async move {
                let path = uri.path();
                if path.ends_with("/info") {
                    count.send_modify(|waiting| *waiting += 1);
                    let _until_nobody_waits =
                        defer(move || count.send_modify(|waiting| *waiting -= 1));
                    std::future::pending::<()>().await;
                }
                Json(if path.ends_with("/version") {
                    version("1.48")
                } else {
                    json!("OK")
                })
            }
        };
        let router = Router::new().fallback(answer);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { asked, task }
    }

    async fn until_asked(&mut self, times: usize) {
        let waiting = self.asked.wait_for(|asked| *asked == times);
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{times} wait for what the engine is");
    }
}

impl Drop for SilentEngine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn version(api: &str) -> Value {
    json!({ "Version": "28.0.0", "ApiVersion": api, "MinAPIVersion": "1.24" })
}

/// Does something when it goes.
fn defer(what: impl FnOnce()) -> impl Drop {
    struct Defer<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Defer<F> {
        fn drop(&mut self) {
            if let Some(what) = self.0.take() {
                what();
            }
        }
    }
    Defer(Some(what))
}

/// An engine with nothing in it, of this version of the API. All its connections end with the runtime.
fn engine_that_goes(socket: &Path, api: &'static str) -> Runtime {
    let engine = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let answer = move |uri: Uri| async move {
        let path = uri.path();
        if path.ends_with("/events") {
            std::future::pending::<()>().await;
        }
        Json(if path.ends_with("/version") || path.ends_with("/info") {
            version(api)
        } else {
            json!("OK")
        })
    };
    let router = Router::new().fallback(answer);
    let listener = {
        let _of_the_engine = engine.enter();
        UnixListener::bind(socket).unwrap()
    };
    engine.spawn(async move { axum::serve(listener, router).await.unwrap() });
    engine
}

async fn over_silent_engine(home: &TempDir) -> (ControlPlane, SilentEngine) {
    let socket = home.path().join("docker.sock");
    let engine = SilentEngine::start(&socket);
    let address = format!("unix://{}", socket.display());
    let plane = open_with(home.path(), &address, "nasiko-test").await;
    (plane, engine)
}

async fn examine(plane: &ControlPlane) -> Items<CheckupProgress> {
    let opened = api::stream(plane, &Caller::owner(), Examine::default()).await;
    opened.unwrap()
}

async fn run(plane: &ControlPlane) -> Checkup {
    let request = RunDoctor::default();
    api::call(plane, &Caller::owner(), request).await.unwrap()
}

async fn last(plane: &ControlPlane) -> Option<Checkup> {
    let asked = api::call(plane, &Caller::owner(), GetLastCheckup {}).await;
    asked.unwrap().checkup
}

/// How the last look has a check.
async fn kept(plane: &ControlPlane, check: &str) -> Check {
    let checkup = last(plane).await.expect("somebody looked");
    let mut checks = checkup.checks.into_iter();
    checks.find(|kept| kept.check == check).unwrap()
}

#[tokio::test]
async fn each_check_is_told_as_it_ends_and_one_that_takes_too_long_holds_up_none() {
    let home = TempDir::new().unwrap();
    let (plane, _engine) = over_silent_engine(&home).await;
    let items: Vec<CheckupProgress> = examine(&plane)
        .await
        .map(|item| item.unwrap().item)
        .collect()
        .await;

    let (first, rest) = items.split_first().unwrap();
    let (last_item, told) = rest.split_last().unwrap();
    assert!(first.done == 0 && first.total >= 40, "{first:?}");
    assert_eq!(first.looking.len(), CheckupProgress::NAMED);
    assert!(
        told.is_sorted_by_key(|item| item.done),
        "it never goes back"
    );
    assert!(told.iter().all(|item| item.total == first.total));

    // What does not wait for the engine was told before what does.
    let when = |check: &str| {
        let of_it = |told: &Check| told.check == check;
        let item = told.iter().position(|item| item.checks.iter().any(of_it));
        item.unwrap_or_else(|| panic!("{check} is not told"))
    };
    assert!(when("data.lock") < when("engine.found"));
    assert!(when("tools.python") < when("engine.found"));

    assert_eq!(
        (last_item.done, last_item.total),
        (first.total, first.total)
    );
    let checkup = last_item.checkup.clone().expect("all at the end");
    let mut of_items: Vec<Check> = told.iter().flat_map(|item| item.checks.clone()).collect();
    crate::doctor::run::order(&mut of_items);
    assert_eq!(of_items, checkup.checks);
    let slow = checkup.checks.iter().find(|it| it.check == "engine.found");
    let slow = slow.unwrap();
    assert_state(slow, CheckState::Skipped);
    assert!(slow.cause.starts_with("It took too long"), "{slow:#?}");
    assert_eq!(last(&plane).await, Some(checkup));
    plane.close().await;
}

#[tokio::test]
async fn who_leaves_ends_the_looking() {
    /// More than a look that ended needs to be kept.
    const KEPT_BY_THEN: Duration = Duration::from_millis(500);
    let home = TempDir::new().unwrap();
    let (plane, mut engine) = over_silent_engine(&home).await;
    let items = examine(&plane).await;
    engine.until_asked(1).await;
    drop(items);
    engine.until_asked(0).await;
    // It was left, instead of having taken too long.
    tokio::time::sleep(KEPT_BY_THEN).await;
    assert_eq!(last(&plane).await, None);
    plane.close().await;
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_refused_before_the_stream() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let agent = Some("nobody".into());
    let refused = api::stream(&plane, &Caller::owner(), Examine { agent }).await;
    assert_eq!(refused.err().unwrap().code, ErrorCode::AgentNotFound);
    plane.close().await;
}

async fn deploy(plane: &ControlPlane, folder: &Path) -> JobState {
    let request = DeployDirectory {
        directory_path: folder.display().to_string(),
        options: DeployOptions {
            agent_name: Some("patient".to_owned()),
            runtime: Some(RuntimeKind::Process),
            ..DeployOptions::default()
        },
    };
    let caller = Caller::owner();
    let job = api::call(plane, &caller, request).await.unwrap();
    end_of(&plane.shared, &job).await.state
}

#[tokio::test]
async fn what_was_found_is_kept_and_follows_agents_and_fixes() {
    let home = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    let program = folder.path().join("main.py");
    fs_err::write(&program, "raise SystemExit('it is ill')\n").unwrap();
    let plane = open(home.path()).await;
    let shared = &plane.shared;
    assert_eq!(last(&plane).await, None, "nobody looked");
    let mut feed = shared.store.subscribe(None);
    let looked = run(&plane).await;
    assert_eq!(last(&plane).await.as_ref(), Some(&looked));
    let told = async {
        loop {
            if let FeedItem::Event(event) = feed.next().await.unwrap()
                && event.topic == CHANGED
            {
                return event.subject.clone();
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    let installation = fs_err::read_to_string(home.path().join("installation")).unwrap();
    assert_eq!(told.expect("it is told"), installation.trim());

    assert_eq!(deploy(&plane, folder.path()).await, JobState::Failed);
    let of_it = async || kept(&plane, "agent.health").await;
    let ill = async || of_it().await.state == CheckState::Failed;
    until(shared, "that it fell ill is noticed", ill).await;
    assert_eq!(of_it().await.agent, Some("patient".into()));
    let at = last(&plane).await.unwrap().at;
    assert_eq!(at, looked.at, "not everything was looked at again");

    let port = "import http.server, os\nhttp.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n";
    fs_err::write(&program, port).unwrap();
    assert_eq!(deploy(&plane, folder.path()).await, JobState::Succeeded);
    let well = async || of_it().await.state == CheckState::Ok;
    until(shared, "that it is well is noticed", well).await;

    // Broken behind its back: known from the next look on, and mended by the fix.
    let endpoint = home.path().join("contexts.json");
    fs_err::write(&endpoint, "{").unwrap();
    run(&plane).await;
    assert_state(&kept(&plane, "data.contexts").await, CheckState::Failed);
    let request = FixCheck {
        check: "data.contexts".to_owned(),
        agent: None,
    };
    let fixed = api::call(&plane, &Caller::owner(), request).await.unwrap();
    assert!(fixed.changed, "{fixed:?}");
    assert_state(&kept(&plane, "data.contexts").await, CheckState::Ok);
    let request = nasiko_contract::DeleteAgent {
        agent: "patient".into(),
    };
    let removed = api::call(&plane, &Caller::owner(), request).await.unwrap();
    assert_eq!(end_of(shared, &removed).await.state, JobState::Succeeded);
    plane.close().await;
}

#[tokio::test]
async fn what_was_found_follows_the_engine_as_it_comes_and_goes() {
    let home = TempDir::new().unwrap();
    let socket = home.path().join("docker.sock");
    let address = format!("unix://{}", socket.display());
    let plane = open_with(home.path(), &address, "nasiko-test").await;
    let shared = &plane.shared;
    let found = async || kept(&plane, "engine.found").await.state;
    run(&plane).await;
    assert_eq!(found().await, CheckState::Warning);

    let engine = engine_that_goes(&socket, "1.48");
    let came = async || found().await == CheckState::Ok;
    until(shared, "that it came is noticed", came).await;

    engine.shutdown_background();
    fs_err::remove_file(&socket).unwrap();
    let went = async || found().await == CheckState::Warning;
    until(shared, "that it went is noticed", went).await;

    let engine = engine_that_goes(&socket, "1.40");
    let told = async || {
        let request = ListNotices::default();
        let page = api::call(&plane, &Caller::owner(), request).await.unwrap();
        let mut notices = page.items.into_iter();
        notices.any(|notice| {
            notice.kind == NoticeKind::DoctorFinding && notice.text.contains("version 1.40")
        })
    };
    until(shared, "that this one is too old is told", told).await;
    plane.close().await;
    engine.shutdown_background();
}
