//! A card for an agent that has none.

use serde_json::{Value, json};

use super::Skill;
use crate::dialect::Dialect;

/// What is known of an agent without a card.
#[derive(Debug, Clone)]
pub struct GenerateCard {
    /// For people.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `x.y.z`; `0.1.0` where empty.
    pub version: String,
    /// Where it is reached.
    pub url: String,
    /// What it can do; one skill is made of name and description where empty, since a card needs one.
    pub skills: Vec<Skill>,
    /// Whether it streams.
    pub streaming: bool,
    /// What it speaks.
    pub dialect: Dialect,
}

/// Writes a card that both a strict 1.0 reader and a 0.3 reader accept.
pub fn generate(from: GenerateCard) -> Value {
    let GenerateCard {
        name,
        mut description,
        version,
        url,
        mut skills,
        streaming,
        dialect,
    } = from;
    if description.is_empty() {
        description.clone_from(&name);
    }
    if skills.is_empty() {
        skills.push(Skill {
            id: "chat".to_owned(),
            name: name.clone(),
            description: description.clone(),
            tags: vec!["chat".to_owned()],
            ..Skill::default()
        });
    }
    let protocol = if dialect == Dialect::V0 {
        "0.3.0"
    } else {
        "1.0"
    };
    let binding = if dialect == Dialect::HttpJson {
        "HTTP+JSON"
    } else {
        "JSONRPC"
    };
    json!({
        "protocolVersion": protocol,
        "name": name,
        "description": description,
        "version": if version.is_empty() { "0.1.0" } else { version.as_str() },
        "url": url,
        "preferredTransport": binding,
        "supportedInterfaces": [{"url": url, "protocolBinding": binding, "protocolVersion": protocol}],
        "capabilities": {"streaming": streaming, "pushNotifications": false},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": skills.into_iter().map(write_skill).collect::<Vec<_>>(),
    })
}

fn write_skill(skill: Skill) -> Value {
    let mut written = json!({
        "id": skill.id,
        "name": skill.name,
        "description": skill.description,
        "tags": skill.tags,
    });
    for (key, values) in [
        ("examples", skill.examples),
        ("inputModes", skill.input_modes),
        ("outputModes", skill.output_modes),
    ] {
        if !values.is_empty() {
            written[key] = values.into();
        }
    }
    written
}
