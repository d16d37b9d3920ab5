//! The life of agents: list, stop, start, restart, rebuild, remove.

use std::io::{self, IsTerminal, Write};

use nasiko_client::Client;
use nasiko_contract::{
    AgentName, AgentState, AgentSummary, DeleteAgent, GetAgent, Job, ListAgents, RebuildAgent,
    RestartAgent, StartAgent, StopAgent,
};

use crate::{
    arguments::RemoveArguments,
    commands::deploy,
    documents::{AgentDocument, RemovedDocument},
    failure::{Failure, usage},
    follow,
    output::Look,
    session::Session,
    table::{Table, ago},
};

/// Rows per page.
const PAGE: u32 = 500;

pub(crate) async fn list(session: &Session) -> Result<(), Failure> {
    let client = session.attach().await?;
    let agents = all(&client).await?;
    if session.output.json {
        let rows: Vec<AgentDocument> = agents.into_iter().map(Into::into).collect();
        return session.output.document(&rows);
    }
    let mut table = Table::new(&[
        "name", "state", "runtime", "version", "since", "restarts", "address",
    ]);
    for agent in agents {
        let state = match agent.activity.as_str() {
            "" => word(agent.state).to_owned(),
            activity => format!("{} ({activity})", word(agent.state)),
        };
        table.row([
            agent.name.0,
            state,
            agent.runtime.as_str().to_owned(),
            agent.version,
            ago(agent.since),
            agent.restarts.to_string(),
            agent.url,
        ]);
    }
    table.print(session.output, "No agents yet: `nasiko deploy FOLDER`")
}

/// Every agent, page by page.
pub(crate) async fn all(client: &Client) -> Result<Vec<AgentSummary>, Failure> {
    let mut agents = Vec::new();
    let mut cursor = None;
    loop {
        let limit = Some(PAGE);
        let page = client.call(ListAgents { cursor, limit }).await?;
        agents.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(agents);
        }
    }
}

fn word(state: AgentState) -> &'static str {
    match state {
        AgentState::SettingUp => "setting-up",
        AgentState::Active => "active",
        AgentState::Stopped => "stopped",
        AgentState::Failed => "failed",
    }
}

pub(crate) async fn stop(session: &Session, agent: AgentName) -> Result<(), Failure> {
    let client = session.attach().await?;
    let request = StopAgent {
        agent: agent.clone(),
    };
    let job = client.call(request).await?;
    finish(session, client, agent, job).await
}

pub(crate) async fn start(session: &Session, agent: AgentName) -> Result<(), Failure> {
    let client = session.attach_or_start().await?;
    let request = StartAgent {
        agent: agent.clone(),
    };
    let job = client.call(request).await?;
    finish(session, client, agent, job).await
}

pub(crate) async fn restart(session: &Session, agent: AgentName) -> Result<(), Failure> {
    let client = session.attach_or_start().await?;
    let request = RestartAgent {
        agent: agent.clone(),
    };
    let job = client.call(request).await?;
    finish(session, client, agent, job).await
}

pub(crate) async fn rebuild(session: &Session, agent: AgentName) -> Result<(), Failure> {
    let client = session.attach_or_start().await?;
    let job = client.call(RebuildAgent { agent }).await?;
    let job = follow::to_the_end(session, client.clone(), job).await?;
    deploy::show(session, &client, &job).await
}

/// Waits for the job and says what the agent came to.
async fn finish(
    session: &Session,
    client: Client,
    agent: AgentName,
    job: Job,
) -> Result<(), Failure> {
    follow::to_the_end(session, client.clone(), job).await?;
    let agent = client.call(GetAgent { agent }).await?.summary;
    if session.output.json {
        return session.output.document(&AgentDocument::from(agent));
    }
    let name = session.output.look(Look::Bold, agent.name.as_str());
    session
        .output
        .line(format!("{name} is {}", word(agent.state)))
}

pub(crate) async fn remove(session: &Session, words: RemoveArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    let RemoveArguments { agent, yes } = words;
    if !yes {
        // Asked only about what is there.
        client
            .call(GetAgent {
                agent: agent.clone(),
            })
            .await?;
        if !agreed(session, &agent)? {
            session.output.say("Nothing was removed");
            return Ok(());
        }
    }
    let request = DeleteAgent {
        agent: agent.clone(),
    };
    let job = client.call(request).await?;
    follow::to_the_end(session, client, job).await?;
    if session.output.json {
        let agent = agent.as_str();
        return session.output.document(&RemovedDocument {
            agent,
            removed: true,
        });
    }
    session.output.line(format!("{agent} is removed"))
}

/// Asks at a terminal; where nobody can be asked, `--yes` must have been said.
fn agreed(session: &Session, agent: &AgentName) -> Result<bool, Failure> {
    if !session.output.is_watched() || !io::stdin().is_terminal() {
        return Err(usage(
            format!("Removing `{agent}` needs --yes where nobody can be asked"),
            "Add --yes",
        ));
    }
    let mut stderr = io::stderr();
    write!(
        stderr,
        "Remove {agent} with its conversations, secrets and versions? [y/N] "
    )?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}
