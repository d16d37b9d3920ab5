//! Back to an earlier version: from the files that the agent's history names, if they are still what they were.

use std::time::Instant;

use nasiko_contract::{AgentName, AgentState, DeploySeconds, ErrorCode, Fault};
use serde_json::Value;

use crate::{
    discover, home, intake,
    read::{self, Read},
    records::{AgentRecord, Source, VersionRecord},
    worker::Bench,
};

/// The files of a version, and where the agent comes from with them.
struct Found {
    source: Source,
    read: Read,
    /// What whoever ordered it calls it.
    ordered_as: Option<String>,
    /// They are the history's: they stay, whatever comes of it.
    is_kept: bool,
}

impl Bench {
    /// Goes back to `version`, as the agent itself or whoever ordered it calls it; without one, to the content before.
    /// `path` is where whoever ordered it keeps that version: taken where the history does not have it any more.
    pub(crate) async fn roll_back(
        &self,
        name: &AgentName,
        version: Option<&str>,
        path: Option<&str>,
    ) -> Result<Value, Fault> {
        let begun = Instant::now();
        let shared = &self.shared;
        let _one_at_a_time = shared.lock_agent(name, &self.cancel).await?;
        let agent = shared.agent(name).await?.value;
        discover::refuse(&agent)?;
        self.report.step(0.01, "Looking for the version");
        let history = shared.history::<VersionRecord>(name).await?;
        let runs = agent.plan.as_ref().map(|plan| plan.content_hash.as_str());
        let target = choose(&history, runs, version);
        let is_there = target.is_some_and(|target| Some(target.content_hash.as_str()) == runs);
        if is_there && agent.state == AgentState::Active {
            return Ok(self.result(&agent, DeploySeconds::default(), true));
        }
        let found = match target {
            Some(target) => self.files_of(&agent, target).await,
            None => Err(unknown(name, version, &history)),
        };
        let found = match (found, path) {
            (Err(fault), Some(path)) => self.files_at(name, path, version).await?.ok_or(fault)?,
            (found, _) => found?,
        };
        let seconds = DeploySeconds {
            read: begun.elapsed().as_secs_f64(),
            ..DeploySeconds::default()
        };
        let Found {
            source,
            read,
            ordered_as,
            is_kept,
        } = found;
        read::refuse_if_hopeless(&read.description, agent.runtime)?;
        let agent = shared
            .change_agent(name, |agent, _| {
                if let Some(order) = &mut agent.ordered {
                    order.version.clone_from(&ordered_as);
                }
            })
            .await?;
        let runtime = agent.runtime;
        let gone_back = self
            .make_and_switch(agent, &source, &read, runtime, seconds, begun)
            .await;
        shared.forget_folder_envs(name).await?;
        if let Err(fault) = &gone_back {
            self.give_up(name, fault).await;
            if !is_kept {
                self.forget_source(name, &read.root).await;
            }
        }
        Ok(serde_json::to_value(gone_back?).unwrap_or_default())
    }

    /// The files of a version of the history.
    async fn files_of(&self, agent: &AgentRecord, target: &VersionRecord) -> Result<Found, Fault> {
        let gone = |why: String| {
            Fault::new(
                ErrorCode::PathNotFound,
                format!(
                    "The files of version {} of `{}` are not here any more",
                    target.version, agent.name
                ),
            )
            .hint("Deploy that version again")
            .evidence([why])
        };
        let Some(root) = &target.root else {
            return Err(gone("Where they were was not written down".to_owned()));
        };
        if !fs_err::tokio::try_exists(root).await.unwrap_or_default() {
            return Err(gone(format!("{} is gone", root.display())));
        }
        let folder = Source::Folder { path: root.clone() };
        let read = self.read_again(&folder).await?;
        if read.snapshot.hash.to_string() != target.content_hash {
            return Err(gone(format!("{} has other files now", root.display())));
        }
        let is_unpacked = root.starts_with(self.shared.home.sources(&agent.name));
        Ok(Found {
            source: if is_unpacked {
                agent.source.clone()
            } else {
                folder
            },
            read,
            ordered_as: target.ordered_as.clone(),
            is_kept: true,
        })
    }

    /// The files at a path, if they are of that version.
    async fn files_at(
        &self,
        name: &AgentName,
        path: &str,
        version: Option<&str>,
    ) -> Result<Option<Found>, Fault> {
        let Ok(source) = intake::local_source(path).await else {
            return Ok(None);
        };
        let read = self.read_again(&source).await?;
        let last = path.trim_end_matches('/').rsplit('/').next();
        let is_it = version.is_some_and(|version| {
            is_called(&read.description.version, version)
                || last.is_some_and(|last| is_called(last, version))
        });
        if !is_it {
            return Ok(None);
        }
        let read = self.keep_source(&source, read, name).await?;
        Ok(Some(Found {
            source,
            read,
            ordered_as: version.map(str::to_owned),
            is_kept: false,
        }))
    }

    async fn read_again(&self, source: &Source) -> Result<Read, Fault> {
        let unpack = self.shared.home.unpack(&self.job);
        home::discard(&unpack).await;
        read::read(source, &unpack, None, &|_| {}, &self.cancel).await
    }
}

/// The version that is meant. What whoever ordered it calls it counts for more than what it says of itself, since that
/// is often never changed; of several the newest.
fn choose<'a>(
    history: &'a [VersionRecord],
    runs: Option<&str>,
    version: Option<&str>,
) -> Option<&'a VersionRecord> {
    let Some(version) = version else {
        return history
            .iter()
            .find(|record| Some(record.content_hash.as_str()) != runs);
    };
    let ordered = |record: &&VersionRecord| {
        let ordered_as = record.ordered_as.as_ref();
        ordered_as.is_some_and(|name| is_called(name, version))
    };
    history.iter().find(ordered).or_else(|| {
        history
            .iter()
            .find(|record| is_called(&record.version, version))
    })
}

/// Whether two words name one version: `v1.2.0` is `1.2.0`.
fn is_called(name: &str, version: &str) -> bool {
    let plain = |word: &str| word.trim_start_matches(['v', 'V']).to_owned();
    !name.is_empty() && plain(name) == plain(version)
}

fn unknown(name: &AgentName, version: Option<&str>, history: &[VersionRecord]) -> Fault {
    let message = match version {
        Some(version) => format!("`{name}` never had a version {version} here"),
        None => format!("`{name}` never had another content here"),
    };
    let known = history.iter().map(|record| match &record.ordered_as {
        Some(ordered_as) => format!("{} ({ordered_as})", record.version),
        None => record.version.clone(),
    });
    Fault::new(ErrorCode::NotFound, message)
        .hint("Deploy that version")
        .evidence(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content: &str, version: &str, ordered_as: Option<&str>) -> VersionRecord {
        VersionRecord {
            id: format!("a/{content}"),
            agent: "a".into(),
            version: version.to_owned(),
            content_hash: content.to_owned(),
            created: 0,
            root: None,
            ordered_as: ordered_as.map(str::to_owned),
        }
    }

    #[test]
    fn a_version_is_found_by_either_of_its_names() {
        let history = [
            record("d", "1.0.0", Some("v1.0.2")),
            record("c", "1.0.0", Some("v1.0.1")),
            record("b", "0.9.0", None),
            record("a", "0.9.0", Some("1.0.0")),
        ];
        for (version, content) in [
            (Some("1.0.2"), Some("d")),
            (Some("v1.0.1"), Some("c")),
            (Some("1.0.0"), Some("a")),
            (Some("v0.9.0"), Some("b")),
            (Some("3.0.0"), None),
            (None, Some("c")),
        ] {
            let chosen = choose(&history, Some("d"), version);
            let chosen = chosen.map(|record| record.content_hash.as_str());
            assert_eq!(chosen, content, "{version:?}");
        }
        assert_eq!(choose(&history[..1], Some("d"), None), None);
        assert!(!is_called("", "v"), "no version is no name");
    }
}
