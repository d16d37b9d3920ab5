//! Conversations: one question, or many.

mod answer;

use std::io::{self, IsTerminal, Read, Write};

use nasiko_client::Client;
use nasiko_contract::{
    AgentName, AgentState, ChatSession, CreateSession, ErrorCode, Fault, GetAgent, GetSession,
    ListSessions,
};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::{
    arguments::{ChatArguments, SessionsArguments},
    commands::agents,
    documents::{ChatDocument, SessionDocument},
    failure::{Failure, local, usage},
    output::{Look, Output},
    session::Session,
    table::{Table, ago},
};

/// Bytes of a message from standard input.
const LONGEST_MESSAGE: u64 = 1 << 20;

pub(crate) async fn chat(session: &Session, words: ChatArguments) -> Result<(), Failure> {
    let ChatArguments {
        mut words,
        session: going_on,
    } = words;
    if words.first().is_some_and(|word| word == "send") && words.len() > 1 {
        words.remove(0);
    }
    let client = session.attach_or_start().await?;
    let (conversation, message) = match going_on {
        Some(id) => {
            let conversation = client.call(GetSession { session: id }).await?;
            if words.len() > 1
                && words
                    .first()
                    .is_some_and(|word| *word == conversation.agent.0)
            {
                words.remove(0);
            }
            (conversation, words.join(" "))
        }
        None => {
            let (agent, message) = addressed(&client, words).await?;
            let request = CreateSession { agent, title: None };
            (client.call(request).await?, message)
        }
    };
    let stdin = io::stdin();
    if !message.is_empty() {
        ask(session, &client, &conversation, &message).await
    } else if stdin.is_terminal() && session.output.is_watched() {
        talk(session, &client, &conversation).await
    } else {
        ask(session, &client, &conversation, &piped(stdin)?).await
    }
}

/// Whom the words are for, and what is said to them: the first word names the agent; without a name, the only agent
/// that answers is meant.
async fn addressed(
    client: &Client,
    mut words: Vec<String>,
) -> Result<(AgentName, String), Failure> {
    if words.len() > 1 {
        let agent = AgentName(words.remove(0));
        return Ok((agent, words.join(" ")));
    }
    let word = words.pop().unwrap_or_default();
    if !word.is_empty() && !word.contains(char::is_whitespace) {
        let agent = AgentName(word);
        client
            .call(GetAgent {
                agent: agent.clone(),
            })
            .await?;
        return Ok((agent, String::new()));
    }
    let mut active = agents::all(client).await?;
    active.retain(|agent| agent.state == AgentState::Active);
    match active.as_slice() {
        [only] => Ok((only.name.clone(), word)),
        [] => Err(Fault::new(ErrorCode::AgentNotFound, "No agent answers")
            .hint("Deploy one with `nasiko deploy FOLDER`")
            .into()),
        several => {
            let names: Vec<&str> = several.iter().map(|agent| agent.name.as_str()).collect();
            Err(usage(
                "Several agents answer: one must be named",
                &format!(
                    "nasiko chat AGENT MESSAGE, where AGENT is one of {}",
                    names.join(", ")
                ),
            ))
        }
    }
}

fn piped(stdin: io::Stdin) -> Result<String, Failure> {
    let mut message = String::new();
    stdin
        .take(LONGEST_MESSAGE)
        .read_to_string(&mut message)
        .map_err(|error| local("The message cannot be read", &error))?;
    if message.trim().is_empty() {
        return Err(usage("There is no message", "nasiko chat AGENT MESSAGE"));
    }
    Ok(message)
}

async fn ask(
    session: &Session,
    client: &Client,
    conversation: &ChatSession,
    message: &str,
) -> Result<(), Failure> {
    let answer = answer::receive(session.output, client, conversation, message).await?;
    if session.output.json {
        let document = ChatDocument::new(conversation.agent.as_str(), answer);
        session.output.document(&document)?;
    }
    Ok(())
}

/// Question by question, until the end of the input.
async fn talk(
    session: &Session,
    client: &Client,
    conversation: &ChatSession,
) -> Result<(), Failure> {
    let output = session.output;
    let agent = output.talk_look(Look::Bold, conversation.agent.as_str());
    output.say(format!("Talking to {agent}; Ctrl-D ends"));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        prompt(output)?;
        let line = tokio::select! {
            line = lines.next_line() => line.map_err(|error| local("The terminal cannot be read", &error))?,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(line) = line else {
            output.say("");
            return Ok(());
        };
        if line.trim().is_empty() {
            continue;
        }
        match answer::receive(output, client, conversation, &line).await {
            Ok(_) => {}
            // The conversation goes on after an answer that failed or was stopped.
            Err(failure @ (Failure::Work(_) | Failure::Fault(_))) => output.failure(&failure),
            Err(failure) => return Err(failure),
        }
    }
}

fn prompt(output: Output) -> Result<(), Failure> {
    let mut stderr = io::stderr();
    write!(stderr, "{} ", output.talk_look(Look::Bold, "›"))?;
    Ok(stderr.flush()?)
}

pub(crate) async fn sessions(session: &Session, words: SessionsArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    let request = ListSessions {
        agent: words.agent,
        cursor: None,
        limit: Some(words.limit),
    };
    let conversations = client.call(request).await?.items;
    if session.output.json {
        let rows: Vec<SessionDocument> = conversations.into_iter().map(Into::into).collect();
        return session.output.document(&rows);
    }
    let mut table = Table::new(&["session", "agent", "messages", "ago", "title"]);
    for conversation in conversations {
        table.row([
            conversation.id.0,
            conversation.agent.0,
            conversation.messages.to_string(),
            ago(conversation.updated),
            conversation.title,
        ]);
    }
    table.print(
        session.output,
        "No conversations yet: `nasiko chat AGENT MESSAGE`",
    )
}
