//! Agents as others find them.

use nasiko_contract::{
    AgentName, GetRegistryEntry, ListRegistry, RegistryEntry, ResetRegistryEntry,
    UpdateRegistryEntry,
};

use crate::{
    arguments::{RegistryCommand, UpdateEntry},
    documents::{EntryDocument, RemovedDocument},
    failure::Failure,
    session::Session,
    table::Table,
};

pub(crate) async fn run(session: &Session, command: RegistryCommand) -> Result<(), Failure> {
    match command {
        RegistryCommand::List { text } => list(session, text).await,
        RegistryCommand::Get { agent } => get(session, agent).await,
        RegistryCommand::Update(words) => update(session, words).await,
        RegistryCommand::Delete { agent } => reset(session, agent).await,
    }
}

pub(crate) async fn list(session: &Session, text: Option<String>) -> Result<(), Failure> {
    let client = session.attach().await?;
    let entries = client.call(ListRegistry { text }).await?.items;
    if session.output.json {
        let rows: Vec<EntryDocument> = entries.into_iter().map(Into::into).collect();
        return session.output.document(&rows);
    }
    let mut table = Table::new(&["id", "name", "tags", "description"]);
    for entry in entries {
        table.row([
            entry.id.0,
            entry.name,
            entry.tags.join(", "),
            entry.description,
        ]);
    }
    table.print(session.output, "No agents yet: `nasiko deploy FOLDER`")
}

pub(crate) async fn get(session: &Session, agent: AgentName) -> Result<(), Failure> {
    let client = session.attach().await?;
    let entry = client.call(GetRegistryEntry { agent }).await?;
    show(session, entry)
}

pub(crate) async fn update(session: &Session, words: UpdateEntry) -> Result<(), Failure> {
    let client = session.attach().await?;
    let request = UpdateRegistryEntry {
        agent: words.agent,
        description: words.description,
        tags: (!words.tag.is_empty()).then_some(words.tag),
    };
    let entry = client.call(request).await?;
    show(session, entry)
}

async fn reset(session: &Session, agent: AgentName) -> Result<(), Failure> {
    let client = session.attach().await?;
    let request = ResetRegistryEntry {
        agent: agent.clone(),
    };
    client.call(request).await?;
    if session.output.json {
        let agent = agent.as_str();
        return session.output.document(&RemovedDocument {
            agent,
            removed: true,
        });
    }
    session
        .output
        .line(format!("The entry of {agent} is as its card says again"))
}

fn show(session: &Session, entry: RegistryEntry) -> Result<(), Failure> {
    let output = session.output;
    if output.json {
        return output.document(&EntryDocument::from(entry));
    }
    output.line(format!("{}  {}", entry.id, entry.name))?;
    let rows = [
        ("Description", entry.description),
        ("Address", entry.url),
        ("Tags", entry.tags.join(", ")),
    ];
    for (name, value) in rows {
        output.line(format!("  {name:12} {value}"))?;
    }
    let card = serde_json::to_string_pretty(&entry.card).map_err(std::io::Error::from)?;
    output.line(card)
}
