//! Commands in hand, with a real Redis and real agents.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use nasiko_contract::JobState;
use nasiko_store::JobQuery;
use redis::{
    AsyncCommands,
    aio::MultiplexedConnection,
    streams::{StreamPendingCountReply, StreamPendingReply},
};
use tempfile::TempDir;

use super::{IN_HAND, translate};
use crate::{
    ControlPlane,
    tests::{config, end_of, eventually, until},
};

const STREAM: &str = "orchestration:commands";
const GROUP: &str = "orchestrator";
/// Answers nobody for a minute.
const SLOW: &str = "import time\ntime.sleep(60)\n";
const BROKEN: &str = "raise SystemExit(7)\n";

/// A Redis of the test's own.
struct Redis {
    program: String,
    port: u16,
    child: Option<Child>,
}

impl Redis {
    /// One that does not run yet; none where there is no such program.
    fn prepared() -> Option<Self> {
        let program = std::env::var("NASIKO_TEST_REDIS_SERVER").ok();
        let Some(program) = program.filter(|program| !program.is_empty()) else {
            skip();
            return None;
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        Some(Self {
            program,
            port,
            child: None,
        })
    }

    fn start(&mut self) {
        let child = Command::new(&self.program)
            .args(["--bind", "127.0.0.1", "--save", "", "--port"])
            .arg(self.port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn connect(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        let connect = async || client.get_multiplexed_async_connection().await;
        eventually("Redis answers", async || connect().await.is_ok()).await;
        connect().await.unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Notes that this test did not run, in the file that counts skips.
fn skip() {
    use std::io::Write as _;
    let thread = std::thread::current();
    let line = format!(
        "SKIP {}: no Redis server here (NASIKO_TEST_REDIS_SERVER is not set)\n",
        thread.name().unwrap_or("platform")
    );
    if let Some(file) = std::env::var_os("NASIKO_TEST_SKIPS") {
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(file);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}

async fn open(home: &Path, redis: &Redis) -> ControlPlane {
    let mut config = config(home, "unix:///no-engine-here.sock", "nasiko-test");
    let url = ("NASIKO_REDIS_URL".into(), redis.url().into());
    config.environment.push(url);
    ControlPlane::open(config).await.unwrap()
}

async fn order(connection: &mut MultiplexedConnection, agent: &str, path: &Path) -> String {
    let fields = [
        ("command", "deploy_agent"),
        ("agent_name", agent),
        ("agent_path", path.to_str().unwrap()),
        ("upload_type", "directory"),
    ];
    connection.xadd(STREAM, "*", &fields).await.unwrap()
}

fn folder(program: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs_err::write(folder.path().join("main.py"), program).unwrap();
    folder
}

async fn word(connection: &mut MultiplexedConnection, agent: &str) -> Option<String> {
    let key = format!("agent:status:{agent}");
    connection.hget(key, "status").await.unwrap()
}

#[tokio::test]
async fn a_redis_that_comes_later_is_heard() {
    let Some(mut redis) = Redis::prepared() else {
        return;
    };
    let (home, folder) = (TempDir::new().unwrap(), folder(BROKEN));
    let plane = open(home.path(), &redis).await;
    eventually("it is shown", async || {
        let notice = plane.shared.platform.notice();
        notice.is_some_and(|notice| notice.contains("are not heard"))
    })
    .await;
    redis.start();
    let mut connection = redis.connect().await;
    order(&mut connection, "late", folder.path()).await;
    eventually("the command is carried out", async || {
        word(&mut connection, "late").await.as_deref() == Some("failed")
    })
    .await;
    let notice = plane.shared.platform.notice().unwrap();
    assert!(notice.contains("are heard"), "{notice}");
    plane.close().await;
}

#[tokio::test]
async fn no_more_commands_are_taken_than_there_are_hands() {
    let Some(mut redis) = Redis::prepared() else {
        return;
    };
    redis.start();
    let mut connection = redis.connect().await;
    let (home, folder) = (TempDir::new().unwrap(), folder(BROKEN));
    let all = 3 * IN_HAND;
    for number in 0..all {
        order(&mut connection, &format!("a{number}"), folder.path()).await;
    }
    let plane = open(home.path(), &redis).await;
    let mut most = 0;
    eventually("all are carried out", async || {
        let pending = connection.xpending(STREAM, GROUP).await;
        let Ok::<StreamPendingReply, _>(pending) = pending else {
            return false;
        };
        most = most.max(pending.count());
        let last = word(&mut connection, &format!("a{}", all - 1)).await;
        last.as_deref() == Some("failed") && pending.count() == 0
    })
    .await;
    assert!(most > 0 && most <= IN_HAND, "{most} were in hand");
    let jobs = plane.shared.store.jobs();
    let jobs = jobs.list(&JobQuery::default()).await.unwrap().items;
    assert_eq!(jobs.len(), all, "each once");
    plane.close().await;
}

#[tokio::test]
async fn a_command_that_another_takes_over_is_not_run_twice() {
    let Some(mut redis) = Redis::prepared() else {
        return;
    };
    redis.start();
    let mut connection = redis.connect().await;
    let (home, folder) = (TempDir::new().unwrap(), folder(SLOW));
    let plane = open(home.path(), &redis).await;
    let entry = order(&mut connection, "moved", folder.path()).await;
    eventually("it is started", async || {
        word(&mut connection, "moved").await.as_deref() == Some("deploying")
    })
    .await;
    let claimed: redis::streams::StreamClaimReply = connection
        .xclaim(STREAM, GROUP, "another", 0, &[&entry])
        .await
        .unwrap();
    assert_eq!(claimed.ids.len(), 1);

    let id = translate::job_id(&entry);
    let job = plane.shared.job(&id).await.unwrap();
    let ended = end_of(&plane.shared, &job).await;
    assert_eq!(ended.state, JobState::Cancelled, "{:?}", ended.fault);
    until(&plane.shared, "nothing of it runs", async || {
        let process = nasiko_contract::RuntimeKind::Process;
        let running = plane.shared.runtime(process).list().await.unwrap();
        running.is_empty()
    })
    .await;
    let held: StreamPendingCountReply = connection
        .xpending_count(STREAM, GROUP, "-", "+", 10)
        .await
        .unwrap();
    assert_eq!(held.ids.len(), 1, "it is not ours to acknowledge");
    assert_eq!(held.ids[0].consumer, "another");
    let status = word(&mut connection, "moved").await;
    assert_eq!(status.as_deref(), Some("deploying"), "nor to tell of");
    plane.close().await;
}
