//! An agent in a folder that a test edits.

use std::{path::Path, sync::Arc, time::Duration};

use nasiko_contract::{
    AgentName, DeployDirectory, DeployOptions, JobState, RuntimeKind, Update, UpdateState,
};
use nasiko_store::Query;
use tempfile::TempDir;

use crate::{
    ControlPlane,
    api::{self, Caller},
    live::UpdateRecord,
    plane::Shared,
    records::AgentRecord,
    tests::{PATIENCE, end_of, open, until},
};

/// Says what `words.py` holds, and at any other path what the file of that name does.
pub(super) const AGENT: &str = r#"
import http.server, os, words
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = words.SAID.encode()
        if os.path.isfile("." + self.path):
            body = open("." + self.path, "rb").read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"#;

/// A control plane with one agent.
pub(super) struct Edited {
    pub(super) home: TempDir,
    pub(super) folder: TempDir,
    pub(super) plane: ControlPlane,
    pub(super) name: AgentName,
}

impl Edited {
    /// A watched agent that answers "one".
    pub(super) async fn deploy() -> Self {
        Self::deploy_program(AGENT).await
    }

    /// A watched agent with this `main.py`.
    pub(super) async fn deploy_program(program: &str) -> Self {
        let home = TempDir::new().unwrap();
        let plane = open(home.path()).await;
        let name = "edited".into();
        let files = [("main.py", program)];
        Self::deploy_to(home, plane, name, RuntimeKind::Process, &files).await
    }

    /// A watched agent with these files beside a `words.py`.
    pub(super) async fn deploy_to(
        home: TempDir,
        plane: ControlPlane,
        name: AgentName,
        runtime: RuntimeKind,
        files: &[(&str, &str)],
    ) -> Self {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            write(folder.path(), path, text);
        }
        write(folder.path(), "words.py", &said("one"));
        let edited = Self {
            home,
            folder,
            plane,
            name,
        };
        let options = DeployOptions {
            agent_name: Some(edited.name.to_string()),
            runtime: Some(runtime),
            watch: Some(true),
            ..DeployOptions::default()
        };
        edited.job(edited.directory(options)).await;
        edited
    }

    /// A deploy of the folder.
    pub(super) fn directory(&self, options: DeployOptions) -> DeployDirectory {
        DeployDirectory {
            directory_path: self.folder.path().display().to_string(),
            options,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.plane.shared
    }

    /// Calls an operation whose job must succeed.
    pub(super) async fn job<O>(&self, request: O)
    where
        O: nasiko_contract::JsonOperation<Output = nasiko_contract::Job>,
        ControlPlane: api::Serve<O>,
    {
        let job = api::call(&self.plane, &Caller::owner(), request)
            .await
            .unwrap();
        let ended = end_of(self.shared(), &job).await;
        assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.fault);
    }

    /// Saves a file as editors do.
    pub(super) fn write(&self, path: &str, text: &str) {
        write(self.folder.path(), path, text);
    }

    /// Saves what it is to say.
    pub(super) fn say(&self, words: &str) {
        self.write("words.py", &said(words));
    }

    /// What it says now, through the gateway.
    pub(super) async fn answer(&self) -> Option<String> {
        self.answer_at("/").await
    }

    pub(super) async fn answer_at(&self, path: &str) -> Option<String> {
        let url = self.shared().agent_url(&self.name);
        let asked = self.shared().http.get(format!("{url}{path}")).send();
        let answer = asked.await.ok()?;
        answer.error_for_status().ok()?.text().await.ok()
    }

    /// Waits until it says `words`.
    pub(super) async fn says(&self, words: &str) {
        let said = async {
            while self.answer().await.as_deref() != Some(words) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, said).await;
        let agent = self.agent().await;
        assert!(
            in_time.is_ok(),
            "it does not say {words:?} but {:?}; {:?}; {:#?}",
            self.answer().await,
            agent.fault,
            self.updates().await
        );
    }

    pub(super) async fn agent(&self) -> AgentRecord {
        self.shared().agent(&self.name).await.unwrap().value
    }

    /// Its updates, newest first.
    pub(super) async fn updates(&self) -> Vec<Update> {
        updates(self.shared(), &self.name).await
    }

    /// Waits until the newest update has ended, is another one than `after` ones, and gives it.
    pub(super) async fn update(&self, after: usize) -> Update {
        let ended = async || {
            let updates = self.updates().await;
            updates.len() > after && updates[0].state != UpdateState::Applying
        };
        until(self.shared(), "an update ends", ended).await;
        self.updates().await.swap_remove(0)
    }

    /// Waits until its newest update is live, with the content of the folder.
    pub(super) async fn is_live(&self) -> Update {
        let live = async || {
            self.updates()
                .await
                .first()
                .is_some_and(|update| update.state == UpdateState::Live)
        };
        until(self.shared(), "an update is live", live).await;
        self.updates().await.swap_remove(0)
    }

    /// Waits until an instance waits for the next save.
    pub(super) async fn is_warm(&self) {
        // No event tells that one took the place of another.
        let warm = async {
            while !self.shared().watch_status(&self.name).warm {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, warm).await;
        assert!(in_time.is_ok(), "no instance waits");
    }

    /// Waits until the folder was compared once more although nothing changed.
    pub(super) async fn compared(&self) {
        self.shared().live.wake(&self.name);
        // Whoever compares holds the agent; twice, since the first may have begun before.
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let lock = self.shared().lock_agent(&self.name, &self.shared().stop);
            drop(lock.await.unwrap());
        }
    }

    /// Removes the agent, so that nothing of it runs on.
    pub(super) async fn end(self) {
        let agent = self.name.clone();
        self.job(nasiko_contract::DeleteAgent { agent }).await;
        self.plane.close().await;
    }
}

pub(super) async fn updates(shared: &Shared, name: &AgentName) -> Vec<Update> {
    let query = Query::of(name.as_str()).descending().limit(500);
    let page = shared.store.list::<UpdateRecord>(query).await.unwrap();
    page.items.into_iter().map(|found| found.value.0).collect()
}

pub(super) fn said(words: &str) -> String {
    format!("SAID = {words:?}\n")
}

pub(super) fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    let beside = path.with_extension("swp");
    fs_err::write(&beside, text).unwrap();
    fs_err::rename(&beside, &path).unwrap();
}
