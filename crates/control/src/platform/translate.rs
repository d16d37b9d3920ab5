//! What a platform's command asks for, as a job of ours.

use nasiko_contract::{AgentName, DeployOptions, ErrorCode, Fault, JobId};
use nasiko_store::streams::platform::{Delivery, PlatformAction, PlatformCommand, UploadType};
use nasiko_workshop::name;

use super::Order;
use crate::{
    intake,
    jobs::{Work, new_job},
    plane::Shared,
    records::Source,
};

/// The variable in which the agent of a workflow finds what it is to call.
const WEBHOOK_URL: &str = "WEBHOOK_URL";

/// The job that an entry becomes: the same on every control plane, as often as the entry is delivered.
pub(super) fn job_id(entry: &str) -> JobId {
    let accepted = entry.split_once('-').map_or(entry, |(millis, _)| millis);
    let hash = blake3::hash(format!("platform:{entry}").as_bytes());
    let rest = hash.as_bytes().first_chunk::<10>().copied();
    let builder = uuid::Builder::from_unix_timestamp_millis(
        accepted.parse().unwrap_or_default(),
        &rest.unwrap_or_default(),
    );
    JobId(builder.into_uuid().to_string())
}

/// Accepts the job, or finds the one that the entry became before. A fault that is not retryable is one for ever.
pub(super) async fn accept(shared: &Shared, delivery: &Delivery) -> Result<JobId, Fault> {
    let command = delivery
        .command
        .as_ref()
        .map_err(|bad| Fault::of_error(ErrorCode::InvalidRequest, bad))?;
    let id = job_id(&delivery.entry);
    // Asked first: what it was accepted with may be gone by now.
    if shared.store.jobs().get(id.as_str()).await?.is_some() {
        return Ok(id);
    }
    let key = format!("platform:{}", delivery.entry);
    let agent = agent_of(command)?;
    let work = match command.action {
        PlatformAction::Deploy | PlatformAction::Update => match source_of(command).await? {
            Some(source) => {
                let options = DeployOptions {
                    agent_name: Some(agent.0),
                    env: command
                        .webhook_url
                        .iter()
                        .map(|url| (WEBHOOK_URL.to_owned(), url.clone()))
                        .collect(),
                    ..DeployOptions::default()
                };
                let order = Order {
                    owner: command.owner_id.clone(),
                    version: command.version.clone(),
                };
                let accepted =
                    shared.accept_deploy_as(id, Some(&key), source, options, Some(order));
                return accepted.await.map(|job| job.id);
            }
            None => Work::Rebuild { agent },
        },
        PlatformAction::Rebuild => Work::Rebuild { agent },
        PlatformAction::Rollback => Work::RollBack {
            agent,
            version: command.version.clone(),
            path: command.agent_path.clone(),
        },
    };
    let mut job = new_job(&work, Some(&key))?;
    job.id = id.0;
    shared.enqueue(job).await.map(|job| job.id)
}

/// The agent's name with us: the platform's, brought into the form of a name.
fn agent_of(command: &PlatformCommand) -> Result<AgentName, Fault> {
    name::normalise(&command.agent_name)
        .map(AgentName)
        .ok_or_else(|| {
            Fault::new(
                ErrorCode::InvalidName,
                format!("`{}` cannot be the name of an agent", command.agent_name),
            )
            .hint("A name needs a letter or digit")
        })
}

/// Where the agent comes from; none where an update says nothing of it, and the agent's own source is meant.
async fn source_of(command: &PlatformCommand) -> Result<Option<Source>, Fault> {
    let repository = command
        .git_url
        .as_ref()
        .or(command.repository_full_name.as_ref());
    let is_repository = matches!(command.upload_type, Some(UploadType::Github) | None);
    match (repository, &command.agent_path) {
        (Some(address), _) if is_repository => {
            intake::git_source(address, command.branch.clone()).map(Some)
        }
        (_, Some(path)) => intake::local_source(path).await.map(Some),
        // The command's `base_url` is where the back end answers, not the agent: there is nothing else to go by.
        (_, None) if command.upload_type == Some(UploadType::N8nRegister) => Err(Fault::new(
            ErrorCode::InvalidRequest,
            "The command registers a workflow, but names no agent that calls it",
        )
        .hint("Give `agent_path`, the folder of the agent that was made for the workflow")),
        (_, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn command(fields: &[(&str, &str)]) -> PlatformCommand {
        let mut all = BTreeMap::from([
            ("command".to_owned(), "deploy_agent".to_owned()),
            ("agent_name".to_owned(), "greeter".to_owned()),
        ]);
        let given = fields.iter();
        all.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        PlatformCommand::parse(&all).unwrap()
    }

    #[test]
    fn an_entry_is_one_job_for_ever() {
        let id = job_id("1795192909758-0");
        assert_eq!(id, job_id("1795192909758-0"));
        assert_ne!(id, job_id("1795192909758-1"));
        let uuid: uuid::Uuid = id.as_str().parse().unwrap();
        let (seconds, _) = uuid.get_timestamp().unwrap().to_unix();
        assert_eq!(seconds, 1_795_192_909, "it says when it was written");
        assert_ne!(job_id("not an entry"), job_id(""));
    }

    #[tokio::test]
    async fn a_repository_wins_over_a_path_that_is_the_platforms_own() {
        let git = |url: &str, branch: Option<&str>| Source::Git {
            url: url.to_owned(),
            branch: branch.map(str::to_owned),
        };
        for (fields, source) in [
            (
                &[
                    ("upload_type", "github"),
                    ("git_url", "https://example.org/o/r.git"),
                    ("branch", "next"),
                    ("agent_path", "/app/agents/greeter"),
                ][..],
                Some(git("https://example.org/o/r.git", Some("next"))),
            ),
            (
                &[("upload_type", "github"), ("repository_full_name", "o/r")],
                Some(git("https://github.com/o/r.git", None)),
            ),
            (&[("action", "update_agent")], None),
        ] {
            let found = source_of(&command(fields)).await.unwrap();
            assert_eq!(found, source, "{fields:?}");
        }
        for (fields, code) in [
            (
                &[("upload_type", "zip"), ("agent_path", "agents/greeter")][..],
                ErrorCode::InvalidRequest,
            ),
            (
                &[("upload_type", "directory"), ("agent_path", "/not/there")],
                ErrorCode::PathNotFound,
            ),
            (
                &[
                    ("upload_type", "github"),
                    ("git_url", "http://example.org/r"),
                ],
                ErrorCode::NotAnAgentSource,
            ),
            (
                &[("upload_type", "n8n_register"), ("base_url", "http://b")],
                ErrorCode::InvalidRequest,
            ),
        ] {
            let fault = source_of(&command(fields)).await.unwrap_err();
            assert_eq!(fault.code, code, "{fields:?}");
            assert!(!fault.retryable, "it would never pass: {fields:?}");
        }
    }
}
