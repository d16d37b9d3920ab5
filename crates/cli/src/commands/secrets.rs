//! Secrets of agents: set, named, removed; never shown.

use std::io::{self, IsTerminal, Read};

mod vault;

use nasiko_contract::{
    AgentName, ListSecrets, RemoveSecret, RemoveSharedSecret, SetSecret, SetSharedSecret,
};

use crate::{
    arguments::SecretCommand,
    documents::{RemovedDocument, SecretDocument},
    failure::{Failure, local, usage},
    output::Output,
    session::Session,
    table::Table,
};

/// Bytes of a secret.
const LONGEST: u64 = 64 << 10;

pub(crate) async fn run(session: &Session, command: SecretCommand) -> Result<(), Failure> {
    let output = session.output;
    match command {
        SecretCommand::Set {
            shared,
            agent,
            name,
            value,
        } => {
            let (agent, name, value) = if shared {
                if value.is_some() {
                    return Err(usage(
                        "A shared secret is no agent's",
                        "Leave out the agent, or --shared",
                    ));
                }
                (None, agent, name)
            } else {
                (Some(AgentName(agent)), name.unwrap_or_default(), value)
            };
            let value = match value {
                Some(value) => value,
                None => from_stdin(session)?,
            };
            let client = session.attach_or_start().await?;
            let secret = match agent {
                Some(agent) => client.call(SetSecret { agent, name, value }).await?,
                None => client.call(SetSharedSecret { name, value }).await?,
            };
            if output.json {
                return output.document(&SecretDocument::from(secret));
            }
            output.line(format!("{} is kept", secret.name))
        }
        SecretCommand::List { agent } => {
            let client = session.attach().await?;
            let secrets = client.call(ListSecrets { agent }).await?.items;
            vault::say_place(&client, output).await;
            if output.json {
                let rows: Vec<SecretDocument> = secrets.into_iter().map(Into::into).collect();
                return output.document(&rows);
            }
            let mut table = Table::new(&["agent", "name"]);
            for secret in secrets {
                let agent = secret
                    .agent
                    .map_or_else(|| "(all)".to_owned(), |agent| agent.0);
                table.row([agent, secret.name]);
            }
            table.print(output, "No secrets yet: `nasiko secret set AGENT NAME`")
        }
        SecretCommand::Rm {
            shared: true,
            agent: name,
            ..
        } => {
            let client = session.attach().await?;
            let request = RemoveSharedSecret { name: name.clone() };
            client.call(request).await?;
            removed(output, "", &format!("{name} of all agents"))
        }
        SecretCommand::Rm {
            shared: false,
            agent,
            name,
        } => {
            let client = session.attach().await?;
            let name = name.unwrap_or_default();
            let request = RemoveSecret {
                agent: AgentName(agent.clone()),
                name: name.clone(),
            };
            client.call(request).await?;
            removed(output, &agent, &format!("{name} of {agent}"))
        }
        SecretCommand::Key => vault::show(session).await,
        SecretCommand::KeepIn { place } => vault::keep_in(session, place).await,
        SecretCommand::Unlock => vault::unlock(session).await,
        SecretCommand::Reset { yes } => vault::reset(session, yes).await,
    }
}

fn removed(output: Output, agent: &str, what: &str) -> Result<(), Failure> {
    if output.json {
        return output.document(&RemovedDocument {
            agent,
            removed: true,
        });
    }
    output.line(format!("{what} is removed"))
}

/// A value from standard input, without the newline that ends it. What is typed at a terminal is not shown.
pub(super) fn from_stdin(session: &Session) -> Result<String, Failure> {
    let unreadable = |error: io::Error| local("The value cannot be read", &error);
    let stdin = io::stdin();
    let value = if stdin.is_terminal() {
        session
            .output
            .say("Type the value (it is not shown), then Enter:");
        rpassword::read_password().map_err(unreadable)?
    } else {
        let mut value = String::new();
        stdin
            .take(LONGEST + 1)
            .read_to_string(&mut value)
            .map_err(unreadable)?;
        value
    };
    if value.len() as u64 > LONGEST {
        return Err(usage(
            format!("A value has at most {LONGEST} bytes"),
            "Give a shorter value",
        ));
    }
    let value = value.strip_suffix('\n').unwrap_or(&value);
    let value = value.strip_suffix('\r').unwrap_or(value);
    if value.is_empty() {
        return Err(usage(
            "There is no value on standard input",
            "Pipe it in, or give it as the last word",
        ));
    }
    Ok(value.to_owned())
}
