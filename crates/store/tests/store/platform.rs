//! The commands of a platform's back end, against a real server.

use std::{collections::HashMap, time::Duration};

use nasiko_store::streams::{
    RedisAddress,
    platform::{DEAD_LETTERS, Delivery, GROUP, Holder, PlatformAction, PlatformQueue, STREAM},
    status::{StatusReport, StatusWord},
};
use redis::{AsyncCommands, aio::MultiplexedConnection, streams::StreamRangeReply};

use crate::{
    place::soon,
    servers::{self, Server},
};

const LEASE: Duration = Duration::from_millis(300);

async fn connect(server: &Server) -> MultiplexedConnection {
    let client = redis::Client::open(server.redis_url()).unwrap();
    client.get_multiplexed_async_connection().await.unwrap()
}

async fn member(server: &Server, name: &str) -> PlatformQueue {
    let address = RedisAddress::new(server.redis_url());
    PlatformQueue::join(&address, name)
        .await
        .unwrap()
        .lease(LEASE)
}

/// Writes a command as the platform does.
async fn order(
    connection: &mut MultiplexedConnection,
    agent: &str,
    more: &[(&str, &str)],
) -> String {
    let mut fields = vec![
        ("command", "deploy_agent"),
        ("agent_name", agent),
        ("agent_path", "/app/agents/a"),
        ("base_url", "http://localhost:8000"),
        ("timestamp", "2026-01-01T00:00:00Z"),
        ("owner_id", "42"),
        ("upload_id", "u-1"),
        ("upload_type", "directory"),
        ("version", "v1"),
    ];
    fields.extend_from_slice(more);
    connection.xadd(STREAM, "*", &fields).await.unwrap()
}

async fn pending(connection: &mut MultiplexedConnection) -> usize {
    let reply: redis::streams::StreamPendingReply =
        connection.xpending(STREAM, GROUP).await.unwrap();
    reply.count()
}

#[tokio::test]
async fn commands_are_shared_and_stay_pending_until_they_are_done() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let mut connection = connect(&server).await;
    let before = order(&mut connection, "before", &[]).await; // nobody listened yet
    let (one, other) = (member(&server, "one").await, member(&server, "other").await);
    let (mut commands, mut others) = (one.commands(), other.commands());
    let first = soon(commands.next()).await.unwrap();
    assert_eq!(
        (first.entry.as_str(), first.command.unwrap().agent_name),
        (before.as_str(), "before".to_owned())
    );

    let waiting = tokio::spawn(async move { soon(others.next()).await.unwrap() });
    let rebuild = order(&mut connection, "b", &[("action", "rebuild_agent")]).await;
    let second = waiting.await.unwrap();
    assert_eq!(
        (second.entry, second.command.unwrap().action),
        (rebuild.clone(), PlatformAction::Rebuild)
    );
    assert_eq!(pending(&mut connection).await, 2);
    assert_eq!(one.keep(&first.entry).await.unwrap(), Holder::Us);
    assert_eq!(one.keep(&rebuild).await.unwrap(), Holder::Another);
    one.done(&first.entry).await.unwrap();
    other.done(&rebuild).await.unwrap();
    assert_eq!(pending(&mut connection).await, 0);
    assert_eq!(one.keep(&first.entry).await.unwrap(), Holder::Nobody);
    assert_eq!(
        connection.xlen::<_, usize>(STREAM).await.unwrap(),
        2,
        "the stream is the platform's"
    );
}

#[tokio::test]
async fn a_command_that_nobody_keeps_goes_to_another_member() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let mut connection = connect(&server).await;
    let (dying, other) = (
        member(&server, "dying").await,
        member(&server, "other").await,
    );
    let entry = order(&mut connection, "a", &[]).await;
    let mut commands = dying.commands();
    assert_eq!(soon(commands.next()).await.unwrap().entry, entry);

    let mut others = other.commands();
    let started = tokio::time::Instant::now();
    while started.elapsed() < 3 * LEASE {
        let holder = dying.keep(&entry).await.unwrap();
        assert_eq!(holder, Holder::Us, "kept, so it stays");
        let wait = tokio::time::timeout(LEASE / 3, others.next()).await;
        assert!(
            wait.is_err(),
            "it was given to another one although it was kept"
        );
    }
    let taken = soon(others.next()).await.unwrap();
    assert_eq!(taken.entry, entry, "the same entry: the same job");
    let holder = dying.keep(&entry).await.unwrap();
    assert_eq!(holder, Holder::Another, "the old member learns of it");

    // A member that was restarted begins with what it held.
    drop(others);
    let again = soon(member(&server, "other").await.commands().next())
        .await
        .unwrap();
    assert_eq!(again.entry, entry);
}

#[tokio::test]
async fn what_cannot_be_understood_becomes_a_dead_letter_with_its_reason() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let mut connection = connect(&server).await;
    let queue = member(&server, "one").await;
    let bad = order(&mut connection, "odd", &[("upload_type", "fax")]).await;
    let _: String = connection
        .xadd(STREAM, "*", &[("nonsense", &b"\xff\xfe"[..])])
        .await
        .unwrap();
    let good = order(&mut connection, "good", &[]).await;
    let mut commands = queue.commands();
    for _ in 0..2 {
        let delivery = soon(commands.next()).await.unwrap();
        let Delivery {
            entry,
            fields,
            command,
        } = &delivery;
        let reason = command.as_ref().unwrap_err().to_string();
        let failed = StatusReport {
            word: StatusWord::Failed,
            percent: 0,
            message: reason.clone(),
            last_error: None,
            url: None,
        };
        let told = queue.status().report(fields, entry, &failed, "now").await;
        told.unwrap();
        queue.reject(entry, fields, &reason).await.unwrap();
    }
    assert_eq!(
        soon(commands.next()).await.unwrap().entry,
        good,
        "they hold up nobody"
    );
    let status: String = connection.hget("agent:status:odd", "status").await.unwrap();
    assert_eq!(status, "failed", "it names an agent");
    let statuses: Vec<String> = connection.keys("agent:status:*").await.unwrap();
    assert_eq!(statuses.len(), 1, "the other does not");
    let dead: StreamRangeReply = connection.xrange_all(DEAD_LETTERS).await.unwrap();
    let told: Vec<(String, String)> = dead
        .ids
        .iter()
        .map(|letter| (letter.get("entry").unwrap(), letter.get("reason").unwrap()))
        .collect();
    assert_eq!(told.len(), 2);
    assert_eq!(
        told[0],
        (
            bad,
            "`fax` is no known value of the field `upload_type`".to_owned()
        )
    );
    assert_eq!(told[1].1, "the field `command` is missing or empty");
    assert_eq!(
        dead.ids[0].get::<String>("agent_name").as_deref(),
        Some("odd"),
        "with what it said"
    );
    assert_eq!(pending(&mut connection).await, 1);
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_is_joined_again() {
    let Some(mut server) = servers::redis(&[]) else {
        return;
    };
    let queue = member(&server, "one").await;
    let mut commands = queue.commands();
    server.kill();
    assert!(soon(commands.next()).await.is_err());
    assert!(queue.health().trouble.is_some());
    server.start_again();
    let held = soon(async {
        loop {
            // The first one finds the old connection broken.
            if let Ok(holder) = queue.keep("1-1").await {
                return holder;
            }
        }
    })
    .await;
    assert_eq!(held, Holder::Nobody, "nobody took it");
    let entry = order(&mut connect(&server).await, "a", &[]).await;
    let delivered = soon(async {
        loop {
            if let Ok(delivery) = commands.next().await {
                return delivery;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(delivered.entry, entry);
    assert!(queue.health().trouble.is_none());
}

#[tokio::test]
async fn the_status_never_falls_and_expires_after_a_day() {
    let Some(server) = servers::redis(&[]) else {
        return;
    };
    let mut connection = connect(&server).await;
    let queue = member(&server, "one").await;
    for _ in 0..2 {
        order(&mut connection, "a", &[]).await;
    }
    let mut commands = queue.commands();
    let (first, second) = (
        soon(commands.next()).await.unwrap(),
        soon(commands.next()).await.unwrap(),
    );
    let status = queue.status();
    let report = async |delivery: &Delivery, word, percent| {
        let failed = word == StatusWord::Failed;
        let report = StatusReport {
            word,
            percent,
            message: "as told".to_owned(),
            last_error: failed.then(|| "it broke".to_owned()),
            url: None,
        };
        let at = "2026-01-01T00:00:00Z";
        let told = status.report(&delivery.fields, &delivery.entry, &report, at);
        told.await.unwrap();
        let mut connection = connect(&server).await;
        let hash: HashMap<String, String> = connection.hgetall("agent:status:a").await.unwrap();
        assert_eq!(hash["stage"], hash["status"]);
        assert_eq!(hash.contains_key("last_error"), hash["status"] == "failed");
        (hash["status"].clone(), hash["progress_percentage"].clone())
    };
    let shown = |status: &str, percent: &str| (status.to_owned(), percent.to_owned());
    assert_eq!(
        report(&first, StatusWord::Processing, 5).await,
        shown("processing", "5")
    );
    assert_eq!(
        report(&first, StatusWord::Building, 60).await,
        shown("building", "60")
    );
    assert_eq!(
        report(&first, StatusWord::Deploying, 30).await,
        shown("deploying", "60")
    );
    assert_eq!(
        report(&first, StatusWord::Building, 61).await,
        shown("deploying", "61"),
        "tried again"
    );
    assert_eq!(
        report(&first, StatusWord::Failed, 0).await,
        shown("failed", "61")
    );
    assert_eq!(
        report(&first, StatusWord::Registering, 90).await,
        shown("failed", "61"),
        "it has ended"
    );
    assert_eq!(
        report(&second, StatusWord::Processing, 5).await,
        shown("processing", "5"),
        "a new command"
    );
    assert_eq!(
        report(&first, StatusWord::Completed, 100).await,
        shown("processing", "5"),
        "an old one"
    );
    assert_eq!(
        report(&second, StatusWord::Completed, 100).await,
        shown("completed", "100")
    );
    let left: i64 = connection.ttl("agent:status:a").await.unwrap();
    assert!((86_000..=86_400).contains(&left), "{left}");
    let owner: String = connection.hget("agent:status:a", "owner_id").await.unwrap();
    assert_eq!(owner, "42");
}
