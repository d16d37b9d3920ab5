//! A platform's back end as a control plane sees it: it writes commands to a Redis, and reads their status there.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::StreamExt;
use redis::{
    AsyncCommands,
    aio::MultiplexedConnection,
    streams::{StreamPendingReply, StreamRangeReply},
};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{servers::Server, wait::PATIENCE};

/// The stream of commands.
const STREAM: &str = "orchestration:commands";
/// The group that shares them.
const GROUP: &str = "orchestrator";
/// The words of a status, in order.
const WORDS: [&str; 5] = [
    "processing",
    "building",
    "deploying",
    "registering",
    "completed",
];

/// A status as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Of which agent.
    pub agent: String,
    /// Its word.
    pub word: String,
    /// Its percentage.
    pub percent: u8,
}

/// A back end over a Redis.
pub struct Platform {
    connection: MultiplexedConnection,
    seen: Arc<Mutex<Vec<Status>>>,
    watching: JoinHandle<()>,
}

impl Platform {
    /// Connects, and watches every status that is written from then on.
    pub async fn connect(server: &Server) -> Self {
        let client = redis::Client::open(server.url()).expect("an address");
        let connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection");
        let monitor = client.get_async_monitor().await.expect("a connection");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        let watching = tokio::spawn(async move {
            let mut lines = monitor.into_on_message::<String>();
            while let Some(line) = lines.next().await {
                if let Some(status) = status_in(&line) {
                    into.lock().await.push(status);
                }
            }
        });
        Self {
            connection,
            seen,
            watching,
        }
    }

    /// Writes a command with the fields that every back end writes, and `more`. Its entry.
    pub async fn order(&mut self, agent: &str, more: &[(&str, &str)]) -> String {
        let mut fields = vec![
            ("command", "deploy_agent"),
            ("agent_name", agent),
            ("base_url", "http://nasiko-backend:8000"),
            ("timestamp", "2026-01-01T00:00:00+00:00"),
            ("owner_id", "user-42"),
            ("upload_id", "upload-1"),
        ];
        fields.extend_from_slice(more);
        self.write(&fields).await
    }

    /// Writes an entry. Its id.
    pub async fn write(&mut self, fields: &[(&str, &str)]) -> String {
        let added = self.connection.xadd(STREAM, "*", fields).await;
        added.expect("it is written")
    }

    /// The status of an agent as it stands.
    pub async fn status(&mut self, agent: &str) -> HashMap<String, String> {
        let asked = self.connection.hgetall(format!("agent:status:{agent}"));
        asked.await.expect("it is read")
    }

    /// Waits until what an entry ordered has ended, well or not, and is acknowledged. Its last status.
    pub async fn ended(&mut self, agent: &str, entry: &str) -> HashMap<String, String> {
        let until = async {
            loop {
                let status = self.status(agent).await;
                let is_of_it = status.get("entry").is_some_and(|of| of == entry);
                let word = status.get("status").map_or("", String::as_str);
                let has_ended = is_of_it && matches!(word, "completed" | "failed");
                if has_ended && self.pending().await == 0 {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE * 3, until).await.ok();
        if let Some(status) = ended {
            return status;
        }
        let (status, pending) = (self.status(agent).await, self.pending().await);
        panic!("`{agent}` does not end: {status:?}, {pending} pending");
    }

    /// Waits until the status of an agent has this word.
    pub async fn reaches(&mut self, agent: &str, word: &str) {
        let until = async {
            while self.status(agent).await.get("status").map(String::as_str) != Some(word) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, until).await;
        assert!(reached.is_ok(), "`{agent}` does not get to `{word}`");
    }

    /// How many commands are in somebody's hands.
    pub async fn pending(&mut self) -> usize {
        let reply: StreamPendingReply = self
            .connection
            .xpending(STREAM, GROUP)
            .await
            .expect("the group is there");
        reply.count()
    }

    /// Delivers all entries that there ever were once more.
    pub async fn deliver_again(&mut self) {
        redis::cmd("XGROUP")
            .arg("SETID")
            .arg(STREAM)
            .arg(GROUP)
            .arg("0")
            .query_async::<()>(&mut self.connection)
            .await
            .expect("the group is there");
    }

    /// The dead letters: entry and reason.
    pub async fn dead_letters(&mut self) -> Vec<(String, String)> {
        let letters: StreamRangeReply = self
            .connection
            .xrange_all("orchestration:dead_letters")
            .await
            .expect("they are read");
        let text = |letter: &redis::streams::StreamId, name| letter.get(name).unwrap_or_default();
        letters
            .ids
            .iter()
            .map(|letter| (text(letter, "entry"), text(letter, "reason")))
            .collect()
    }

    /// The statuses of an agent that were written since the last call: neither word nor percentage went back.
    pub async fn statuses(&mut self, agent: &str) -> Vec<String> {
        // What was written before this is told before it.
        let _: HashMap<String, String> = self.status(agent).await;
        let mut seen = self.seen.lock().await;
        let (of_agent, rest) = seen.drain(..).partition(|status| status.agent == agent);
        *seen = rest;
        let of_agent: Vec<Status> = of_agent;
        for two in of_agent.windows(2) {
            let rank = |status: &Status| WORDS.iter().position(|word| *word == status.word);
            let failed = two[1].word == "failed";
            assert!(
                failed || rank(&two[1]) >= rank(&two[0]),
                "went back: {of_agent:?}"
            );
            assert!(two[1].percent >= two[0].percent, "fell: {of_agent:?}");
        }
        let mut words: Vec<String> = of_agent.into_iter().map(|status| status.word).collect();
        words.dedup();
        words
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// The status that a line of the server's monitor writes, as the script has settled it.
fn status_in(line: &str) -> Option<Status> {
    let mut words = line.split('"').skip(1).step_by(2);
    let mut word = || words.next();
    if !line.contains(" lua]") || !word()?.eq_ignore_ascii_case("HSET") {
        return None;
    }
    let agent = word()?.strip_prefix("agent:status:")?.to_owned();
    let fields: Vec<&str> = words.collect();
    let field = |name: &str| {
        let at = fields.iter().step_by(2).position(|field| *field == name)?;
        fields.get(2 * at + 1).copied()
    };
    Some(Status {
        agent,
        word: field("status")?.to_owned(),
        percent: field("progress_percentage")?.parse().ok()?,
    })
}
