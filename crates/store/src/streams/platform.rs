//! The commands of a platform's back end: a stream, a consumer group, and the commands as typed values.
//!
//! An entry stays pending from its delivery until the work that it became has ended: the pending entry is the lease.
//! Whoever holds it calls [`PlatformQueue::keep`] meanwhile; an entry that nobody kept for [`LEASE`] goes to another
//! member of the group. What cannot be understood or carried out goes to the stream of dead letters with the reason.

mod command;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use redis::{
    Script, Value,
    streams::{StreamAutoClaimReply, StreamId, StreamReadReply},
};

pub use self::command::{BadCommand, PlatformAction, PlatformCommand, UploadType};
pub(crate) use self::command::{agent_name, field};
use super::{
    Blocking, Link, RedisAddress,
    link::{BLOCK, milliseconds},
    status::PlatformStatus,
};
use crate::{Health, StoreError};

/// The stream that the platform writes to.
pub const STREAM: &str = "orchestration:commands";
/// The consumer group that shares the commands.
pub const GROUP: &str = "orchestrator";
/// Where commands go that nobody can carry out, with `reason`, `entry` and their fields.
pub const DEAD_LETTERS: &str = "orchestration:dead_letters";
/// How long a delivered command stays with its member without a sign of life.
pub const LEASE: Duration = Duration::from_secs(60);
/// Deliveries of one command, after which it is taken for the killer of those who take it.
pub const MAX_DELIVERIES: usize = 10;

/// Dead letters kept.
const DEAD_LETTERS_KEPT: usize = 1_000;
/// Bytes of one field that are kept in a dead letter.
const FIELD_BYTES: usize = 64 << 10;

/// A member of the consumer group. Cheap to clone, but for the connection that [`PlatformCommands`] blocks on.
#[derive(Clone)]
pub struct PlatformQueue {
    link: Link,
    member: String,
    lease: Duration,
}

/// A command and the entry that it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The entry's id: the same command delivered again has the same, so it serves as idempotency key.
    pub entry: String,
    /// What is wanted, or why that cannot be understood: then it is to be rejected.
    pub command: Result<PlatformCommand, BadCommand>,
    /// The entry as it was written.
    pub fields: BTreeMap<String, String>,
}

/// Who holds a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// We do, for another lease.
    Us,
    /// Another member of the group: stop.
    Another,
    /// Nobody: it is acknowledged, or the server came back without it. Nobody else will carry it out.
    Nobody,
}

impl PlatformQueue {
    /// Joins the group under a name that stays the same over restarts, making stream and group if they are missing.
    pub async fn join(
        address: &RedisAddress,
        member: impl Into<String>,
    ) -> Result<Self, StoreError> {
        let queue = Self {
            link: Link::open(address).await?,
            member: member.into(),
            lease: LEASE,
        };
        queue.make_group().await?;
        Ok(queue)
    }

    /// Another lease than [`LEASE`]; the members of a group should agree.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How the server is.
    pub fn health(&self) -> Health {
        self.link.health()
    }

    /// The commands, read on a connection of their own.
    pub fn commands(&self) -> PlatformCommands {
        PlatformCommands {
            queue: self.clone(),
            connection: None,
            resumes_after: Some("0-0".to_owned()),
        }
    }

    /// Where to say how far commands are.
    pub fn status(&self) -> PlatformStatus {
        PlatformStatus::new(self.link.clone())
    }

    /// Keeps a command for another lease, if it is still ours.
    pub async fn keep(&self, entry: &str) -> Result<Holder, StoreError> {
        // In one step, so that it is never taken from one who has it by now.
        let script = Script::new(
            "local held = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
             if #held == 0 then return 0 end
             if held[1][2] ~= ARGV[2] then return 2 end
             redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID')
             return 1",
        );
        let mut keep = script.key(STREAM);
        keep.arg(GROUP).arg(&self.member).arg(entry);
        match self.link.run_script(&keep).await {
            Ok(1) => Ok(Holder::Us),
            Ok(2) => Ok(Holder::Another),
            Ok(_) => Ok(Holder::Nobody),
            Err(StoreError::Server { reason, .. }) if reason.contains("NOGROUP") => {
                Ok(Holder::Nobody)
            }
            Err(error) => Err(error),
        }
    }

    /// The work that the command became has ended, well or not.
    pub async fn done(&self, entry: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("XACK");
        command.arg(STREAM).arg(GROUP).arg(entry);
        self.link.ask::<i64>(&command).await.map(|_| ())
    }

    /// Gives a command up: it goes to the dead letters with the reason.
    pub async fn reject(
        &self,
        entry: &str,
        fields: &BTreeMap<String, String>,
        reason: &str,
    ) -> Result<(), StoreError> {
        let mut add = redis::cmd("XADD");
        add.arg(DEAD_LETTERS)
            .arg("MAXLEN")
            .arg("~")
            .arg(DEAD_LETTERS_KEPT)
            .arg("*");
        add.arg("entry").arg(entry).arg("reason").arg(reason);
        for (name, value) in fields {
            if !matches!(name.as_str(), "entry" | "reason") {
                add.arg(name).arg(cut(value));
            }
        }
        let mut acknowledge = redis::cmd("XACK");
        acknowledge.arg(STREAM).arg(GROUP).arg(entry);
        let mut both = redis::pipe();
        both.atomic()
            .add_command(add)
            .ignore()
            .add_command(acknowledge)
            .ignore();
        self.link.ask_all::<()>(&both).await?;
        tracing::warn!(entry, reason, "platform command became a dead letter");
        Ok(())
    }

    async fn make_group(&self) -> Result<(), StoreError> {
        let mut create = redis::cmd("XGROUP");
        create
            .arg("CREATE")
            .arg(STREAM)
            .arg(GROUP)
            .arg("0")
            .arg("MKSTREAM");
        match self.link.ask::<Value>(&create).await {
            Err(StoreError::Server { reason, .. }) if reason.contains("BUSYGROUP") => Ok(()),
            outcome => outcome.map(|_| ()),
        }
    }
}

/// The commands as they come.
pub struct PlatformCommands {
    queue: PlatformQueue,
    connection: Option<Blocking>,
    /// Where to go on among the entries that this member held when it ended; `None`: all were looked at.
    resumes_after: Option<String>,
}

impl PlatformCommands {
    /// Waits for the next command: first those that this member held before it was restarted, then those that another
    /// one abandoned, then new ones. Dropping the future loses no command: one that was read and not given out is
    /// delivered again after its lease.
    ///
    /// Errors come from the server; asking again reconnects, and makes the group anew if the server lost it.
    pub async fn next(&mut self) -> Result<Delivery, StoreError> {
        loop {
            match self.read().await {
                Ok(Some(entry)) => {
                    if let Some(delivery) = self.understand(entry).await? {
                        return Ok(delivery);
                    }
                }
                Ok(None) => {}
                Err(StoreError::Server { reason, .. }) if reason.contains("NOGROUP") => {
                    // Redis came back empty.
                    self.queue.make_group().await?;
                }
                Err(error) => {
                    self.connection = None;
                    return Err(error);
                }
            }
        }
    }

    async fn read(&mut self) -> Result<Option<StreamId>, StoreError> {
        if let Some(after) = self.resumes_after.take() {
            let held = self.read_group(&after, None).await?;
            if let Some(entry) = held {
                self.resumes_after = Some(entry.id.clone());
                return Ok(Some(entry));
            }
        }
        if let Some(entry) = self.take_abandoned().await? {
            return Ok(Some(entry));
        }
        // No longer than a lease, so that what was abandoned meanwhile is found.
        self.read_group(">", Some(BLOCK.min(self.queue.lease)))
            .await
    }

    async fn read_group(
        &mut self,
        after: &str,
        block: Option<Duration>,
    ) -> Result<Option<StreamId>, StoreError> {
        let mut command = redis::cmd("XREADGROUP");
        command
            .arg("GROUP")
            .arg(GROUP)
            .arg(&self.queue.member)
            .arg("COUNT")
            .arg(1);
        if let Some(block) = block {
            command.arg("BLOCK").arg(milliseconds(block));
        }
        command.arg("STREAMS").arg(STREAM).arg(after);
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(self.queue.link.blocking().await?),
        };
        let reply: Option<StreamReadReply> = connection.ask(&command).await?;
        let keys = reply.into_iter().flat_map(|reply| reply.keys);
        Ok(keys.flat_map(|key| key.ids).next())
    }

    async fn take_abandoned(&self) -> Result<Option<StreamId>, StoreError> {
        let lease = milliseconds(self.queue.lease);
        let mut from = "0-0".to_owned();
        loop {
            let mut command = redis::cmd("XAUTOCLAIM");
            command
                .arg(STREAM)
                .arg(GROUP)
                .arg(&self.queue.member)
                .arg(lease)
                .arg(&from);
            command.arg("COUNT").arg(1);
            let reply: StreamAutoClaimReply = self.queue.link.ask(&command).await?;
            if let Some(entry) = reply.claimed.into_iter().next() {
                return Ok(Some(entry));
            }
            if reply.next_stream_id == "0-0" {
                return Ok(None);
            }
            from = reply.next_stream_id;
        }
    }

    async fn understand(&self, entry: StreamId) -> Result<Option<Delivery>, StoreError> {
        let fields = text_fields(&entry);
        if fields.is_empty() {
            // The stream was trimmed beyond it.
            self.queue.done(&entry.id).await?;
            return Ok(None);
        }
        let mut command = PlatformCommand::parse(&fields);
        if command.is_ok() && self.deliveries(&entry.id).await? > MAX_DELIVERIES {
            command = Err(BadCommand::TooOften(MAX_DELIVERIES));
        }
        Ok(Some(Delivery {
            entry: entry.id,
            command,
            fields,
        }))
    }

    /// How often the entry was delivered so far.
    async fn deliveries(&self, entry: &str) -> Result<usize, StoreError> {
        let mut command = redis::cmd("XPENDING");
        command.arg(STREAM).arg(GROUP).arg(entry).arg(entry).arg(1);
        let pending: Vec<(String, String, u64, usize)> = self.queue.link.ask(&command).await?;
        Ok(pending
            .first()
            .map_or(1, |(_, _, _, deliveries)| *deliveries))
    }
}

/// The entry's fields as text; what is no text is shown as far as it is.
fn text_fields(entry: &StreamId) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        _ => String::new(),
    };
    entry
        .map
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn cut(value: &str) -> &str {
    let mut end = value.len().min(FIELD_BYTES);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[..end]
}
