//! A card for an agent that has none, made offline from what its folder says.

use nasiko_contract::Protocol;
use serde_json::{Map, Value, json};

use super::Description;
use super::source::SourceFacts;
use crate::name;

/// Skills that are listed at most.
const MOST_SKILLS: usize = 20;

/// Makes the card.
pub(super) fn card(
    description: &Description,
    capabilities: Option<&Value>,
    sources: &SourceFacts,
) -> Value {
    let port = description.port.as_ref().map_or(8000, |claim| claim.port);
    let url = format!("http://localhost:{port}/");
    let version = if description.protocol == Protocol::A2aV0 {
        "0.3.0"
    } else {
        "1.0"
    };
    json!({
        "protocolVersion": version,
        "name": description.name,
        "description": if description.description.is_empty() { format!("The agent {}", description.name) } else { description.description.clone() },
        "version": description.version,
        "url": url,
        "preferredTransport": "JSONRPC",
        "supportedInterfaces": [{ "url": url, "protocolBinding": "JSONRPC", "protocolVersion": version }],
        "capabilities": { "streaming": sources.streams, "pushNotifications": false },
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": skills(description, capabilities, sources),
    })
}

fn skills(
    description: &Description,
    capabilities: Option<&Value>,
    sources: &SourceFacts,
) -> Vec<Value> {
    let declared = capabilities.map(declared_skills).unwrap_or_default();
    let tools = sources
        .tools
        .iter()
        .map(|tool| skill(&tool.name, &tool.description));
    let mut skills: Vec<Value> = if declared.is_empty() {
        tools.take(MOST_SKILLS).collect()
    } else {
        declared
    };
    if skills.is_empty() {
        skills.push(skill(&description.name, &description.description));
    }
    skills
}

/// Skills and capabilities as REST agents list them: words, or objects with a name.
fn declared_skills(capabilities: &Value) -> Vec<Value> {
    let list = ["skills", "capabilities", "endpoints"]
        .iter()
        .find_map(|key| capabilities.get(key)?.as_array());
    list.into_iter()
        .flatten()
        .take(MOST_SKILLS)
        .filter_map(|item| match item {
            Value::String(text) => Some(skill(text, text)),
            Value::Object(fields) => {
                let name = text(fields, &["name", "id", "path"])?;
                let mut skill = skill(
                    name,
                    text(fields, &["description", "summary"]).unwrap_or(name),
                );
                for key in ["tags", "examples"] {
                    if let (Some(value), Some(skill)) = (
                        fields.get(key).filter(|value| value.is_array()),
                        skill.as_object_mut(),
                    ) {
                        skill.insert(key.to_owned(), value.clone());
                    }
                }
                Some(skill)
            }
            _ => None,
        })
        .collect()
}

fn text<'a>(fields: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| fields.get(*key)?.as_str())
}

fn skill(name: &str, description: &str) -> Value {
    let id = name::normalise(name).unwrap_or_else(|| "skill".to_owned());
    json!({ "id": id, "name": name, "description": if description.is_empty() { name } else { description }, "tags": id.split('-').collect::<Vec<_>>() })
}
