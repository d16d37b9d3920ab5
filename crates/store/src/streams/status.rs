//! Telling a platform how far its command is: the hash that it reads.

use redis::Script;
use serde::{Deserialize, Serialize};

use super::{Link, RedisAddress};
use crate::{StoreError, streams::platform::PlatformCommand};

/// How long a status is kept, in seconds.
const KEPT_SECONDS: u32 = 24 * 60 * 60;

/// How far a command is, in the platform's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// Writes statuses.
#[derive(Clone)]
pub struct PlatformStatus {
    link: Link,
}

impl PlatformStatus {
    /// Connects.
    pub async fn open(address: &RedisAddress) -> Result<Self, StoreError> {
        Ok(Self {
            link: Link::open(address).await?,
        })
    }

    /// Writes how far a command is into `agent:status:{name}`. `entry` is the id that the command came with: within one
    /// command the percentage never falls and what has ended does not go on; a later command begins anew, and a report
    /// of an earlier one is dropped. `at` is the time in RFC 3339.
    pub async fn report(
        &self,
        command: &PlatformCommand,
        entry: &str,
        word: StatusWord,
        percent: u8,
        message: &str,
        at: &str,
    ) -> Result<(), StoreError> {
        let percent = percent.min(100).to_string();
        let key = format!("agent:status:{}", command.agent_name);
        let mut fields = vec![
            ("agent_name", command.agent_name.as_str()),
            ("status", word.as_str()),
            ("stage", word.as_str()),
            ("message", message),
            ("last_updated", at),
            ("updated_by", "orchestrator"),
            ("entry", entry),
        ];
        let known = [
            ("owner_id", command.owner_id.as_deref()),
            ("upload_id", command.upload_id.as_deref()),
            ("version", command.version.as_deref()),
        ];
        fields.extend(
            known
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        // Entry ids are `milliseconds-number`, as streams order them.
        let script = Script::new(
            "local function parts(id) local a, b = string.match(id, '^(%d+)-(%d+)$') return tonumber(a or 0), tonumber(b or 0) end
             local held = redis.call('HMGET', KEYS[1], 'entry', 'progress_percentage', 'status')
             local percent = tonumber(ARGV[3])
             if held[1] then
                 local a, b = parts(held[1])
                 local c, d = parts(ARGV[1])
                 if a > c or (a == c and b > d) then return 0 end
                 if a == c and b == d then
                     if held[3] == 'completed' or held[3] == 'failed' then return 0 end
                     percent = math.max(percent, tonumber(held[2] or 0))
                 else
                     redis.call('DEL', KEYS[1])
                 end
             end
             for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
             redis.call('HSET', KEYS[1], 'progress_percentage', percent)
             redis.call('EXPIRE', KEYS[1], ARGV[2])
             return 1",
        );
        let mut report = script.key(key);
        report.arg(entry).arg(KEPT_SECONDS).arg(percent);
        for (name, value) in fields {
            report.arg(name).arg(value);
        }
        self.link.run_script::<i64>(&report).await.map(|_| ())
    }
}
