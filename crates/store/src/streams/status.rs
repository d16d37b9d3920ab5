//! Telling a platform how far its command is: the hash that it reads.

use std::collections::BTreeMap;

use redis::Script;
use serde::{Deserialize, Serialize};

use super::Link;
use crate::{
    StoreError,
    streams::platform::{agent_name, field},
};

/// How long a status is kept, in seconds.
const KEPT_SECONDS: u32 = 24 * 60 * 60;

/// How far a command is, in the platform's words, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusWord {
    /// Accepted.
    Processing,
    /// Its image or environment is being made.
    Building,
    /// It is being started.
    Deploying,
    /// It runs and is being made known.
    Registering,
    /// It runs.
    Completed,
    /// It does not.
    Failed,
}

impl StatusWord {
    /// The stable spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Building => "building",
            Self::Deploying => "deploying",
            Self::Registering => "registering",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// How far a command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// In the platform's words.
    pub word: StatusWord,
    /// 0 to 100.
    pub percent: u8,
    /// For people.
    pub message: String,
    /// What went wrong last, where something did.
    pub last_error: Option<String>,
    /// Where the agent answers, once it does.
    pub url: Option<String>,
}

/// Writes statuses. See [`PlatformQueue::status`](super::platform::PlatformQueue::status).
#[derive(Clone)]
pub struct PlatformStatus {
    link: Link,
}

impl PlatformStatus {
    pub(crate) fn new(link: Link) -> Self {
        Self { link }
    }

    /// Writes how far a command is into `agent:status:{name}`; one whose `fields` name no agent has no status. `entry` is
    /// the id that the command came with: within one command neither word nor percentage goes back and what has ended
    /// does not go on; a later command begins anew, and a report of an earlier one is dropped. `at` is the time in RFC 3339.
    pub async fn report(
        &self,
        fields: &BTreeMap<String, String>,
        entry: &str,
        report: &StatusReport,
        at: &str,
    ) -> Result<(), StoreError> {
        let Ok(agent) = agent_name(fields) else {
            return Ok(());
        };
        let key = format!("agent:status:{agent}");
        let versions = ["version", "target_version", "new_version"];
        let mut told = vec![
            ("agent_name", agent),
            ("message", report.message.as_str()),
            ("last_updated", at),
            ("updated_by", "orchestrator"),
            ("entry", entry),
        ];
        let known = [
            ("owner_id", field(fields, "owner_id")),
            ("upload_id", field(fields, "upload_id")),
            ("upload_type", field(fields, "upload_type")),
            (
                "version",
                versions.into_iter().find_map(|name| field(fields, name)),
            ),
            ("last_error", report.last_error.as_deref()),
            ("url", report.url.as_deref()),
        ];
        told.extend(
            known
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        // Entry ids are `milliseconds-number`, as streams order them.
        let script = Script::new(
            "local function parts(id) local a, b = string.match(id, '^(%d+)-(%d+)$') return tonumber(a or 0), tonumber(b or 0) end
             local order = { processing = 1, building = 2, deploying = 3, registering = 4, completed = 5, failed = 5 }
             local held = redis.call('HMGET', KEYS[1], 'entry', 'progress_percentage', 'status')
             local word, percent = ARGV[3], tonumber(ARGV[4])
             if held[1] then
                 local a, b = parts(held[1])
                 local c, d = parts(ARGV[1])
                 if a > c or (a == c and b > d) then return 0 end
                 if a == c and b == d then
                     local before = order[held[3]] or 0
                     if before == 5 then return 0 end
                     if before > order[word] then word = held[3] end
                     percent = math.max(percent, tonumber(held[2] or 0))
                     redis.call('HDEL', KEYS[1], 'last_error')
                 else
                     redis.call('DEL', KEYS[1])
                 end
             end
             for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
             redis.call('HSET', KEYS[1], 'status', word, 'stage', word, 'progress_percentage', percent)
             redis.call('EXPIRE', KEYS[1], ARGV[2])
             return 1",
        );
        let mut call = script.key(key);
        call.arg(entry)
            .arg(KEPT_SECONDS)
            .arg(report.word.as_str())
            .arg(report.percent.min(100).to_string());
        for (name, value) in told {
            call.arg(name).arg(value);
        }
        self.link.run_script::<i64>(&call).await.map(|_| ())
    }
}
