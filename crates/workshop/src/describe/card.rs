//! Card files: found whatever the case of their name, checked, and `capabilities.json` of the older REST agents.

use nasiko_contract::{Finding, Severity};
use serde_json::Value;

use super::folder::{Folder, line_of};
use super::{CardFile, Description};
use crate::error::WorkshopError;
use crate::finding::FindingBuilder as _;

/// Names of card files in lower case, most telling first.
const CARD_NAMES: [&str; 4] = [
    "agentcard.json",
    "agent-card.json",
    "agent_card.json",
    "agent.json",
];
/// Where they stand.
const CARD_FOLDERS: [&str; 3] = ["", ".well-known/", "src/"];

/// A card file as it was found.
pub(super) struct FoundCard {
    path: String,
    text: String,
    json: Result<Value, WorkshopError>,
}

/// The folder's card file, if it has one.
pub(super) fn find(folder: &Folder<'_>) -> Option<FoundCard> {
    let places = CARD_NAMES.iter().flat_map(|name| {
        CARD_FOLDERS
            .iter()
            .map(move |directory| format!("{directory}{name}"))
    });
    for place in places {
        let Some(path) = folder
            .near_files()
            .find(|path| path.eq_ignore_ascii_case(&place))
        else {
            continue;
        };
        let Some(text) = folder.read(path) else {
            continue;
        };
        let json = parse(path, &text);
        // `agent.json` is also what other tools call their settings.
        let vague = place.ends_with("agent.json");
        let is_card = json.as_ref().is_ok_and(|json| {
            json.get("name").is_some()
                && [
                    "skills",
                    "url",
                    "capabilities",
                    "protocolVersion",
                    "supportedInterfaces",
                ]
                .iter()
                .any(|key| json.get(key).is_some())
        });
        if vague && !is_card && !place.contains(".well-known") {
            continue;
        }
        return Some(FoundCard {
            path: path.to_owned(),
            text,
            json,
        });
    }
    None
}

fn parse(path: &str, text: &str) -> Result<Value, WorkshopError> {
    let broken = |line: usize, column: usize, reason: String| WorkshopError::CardBroken {
        file: path.to_owned(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        reason,
        text: text
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default()
            .trim()
            .chars()
            .take(200)
            .collect(),
    };
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(broken(1, 1, "it is JSON, but no object".to_owned())),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason
                .rsplit_once(" at line ")
                .map_or(reason.as_str(), |(reason, _)| reason);
            Err(broken(
                error.line().max(1),
                error.column().max(1),
                reason.to_owned(),
            ))
        }
    }
}

/// Takes the card into the description, with findings on it.
pub(super) fn apply(folder: &Folder<'_>, found: Option<FoundCard>, description: &mut Description) {
    placeholders(folder, description);
    let Some(found) = found else { return };
    match found.json {
        Ok(json) => {
            check(&found.path, &found.text, &json, &mut description.findings);
            description.card = Some(CardFile {
                path: found.path,
                json,
            });
        }
        Err(error) => description.refuse(None, "card.broken", &error),
    }
}

fn check(path: &str, text: &str, card: &Value, findings: &mut Vec<Finding>) {
    let mut note = |code: &'static str, key: &str, message: &str, hint: &str| {
        let finding = Finding::of(code, Severity::Warning, message)
            .in_file(path)
            .with_hint(hint);
        let line = line_of(text, &format!("\"{key}\""));
        findings.push(match line {
            Some(line) => finding.on_line(line),
            None => finding,
        });
    };
    if urls(card).next().is_none() {
        note(
            "card.missing_url",
            "url",
            "The card has no url",
            "The gateway's address is served instead; add a url for other clients",
        );
    }
    if card
        .get("skills")
        .and_then(Value::as_array)
        .is_none_or(Vec::is_empty)
    {
        note(
            "card.missing_skills",
            "skills",
            "The card names no skills",
            "Name what the agent can do: routing chooses agents by it",
        );
    }
    let version = card
        .get("version")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !is_version(version) {
        note(
            "card.version",
            "version",
            "The card's version is not of the form x.y.z",
            "Write a version such as 1.0.0",
        );
    }
}

/// Every address in a card: its own, then those of its interfaces.
pub(super) fn urls(card: &Value) -> impl Iterator<Item = &str> {
    let interfaces = ["supportedInterfaces", "additionalInterfaces"]
        .into_iter()
        .filter_map(|key| card.get(key)?.as_array())
        .flatten()
        .filter_map(|interface| interface.get("url"));
    card.get("url")
        .into_iter()
        .chain(interfaces)
        .filter_map(Value::as_str)
        .filter(|url| !url.trim().is_empty())
}

fn is_version(text: &str) -> bool {
    let core = text.split(['-', '+']).next().unwrap_or(text);
    core.split('.').count() == 3
        && core
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(|digit| digit.is_ascii_digit()))
}

/// Template marks that nobody replaced, in the files templates fill.
fn placeholders(folder: &Folder<'_>, description: &mut Description) {
    let templated = |path: &str| {
        let lower = path.to_ascii_lowercase();
        CARD_NAMES.iter().any(|name| lower.ends_with(name))
            || matches!(
                lower.as_str(),
                "dockerfile"
                    | "docker-compose.yml"
                    | "docker-compose.yaml"
                    | "compose.yml"
                    | "compose.yaml"
                    | "pyproject.toml"
                    | "package.json"
                    | ".env"
                    | "nasiko.toml"
                    | "capabilities.json"
            )
    };
    for path in folder.near_files().filter(|path| templated(path)) {
        let Some(text) = folder.read(path) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let Some(mark) = placeholder(line) else {
                continue;
            };
            let message = format!("{mark} was never replaced");
            description.findings.push(
                Finding::of("placeholder", Severity::Warning, message)
                    .in_file(path)
                    .on_line(u32::try_from(number + 1).unwrap_or(u32::MAX))
                    .with_hint("Write the value that belongs there"),
            );
        }
    }
}

/// `{{ name }}` in a line.
fn placeholder(line: &str) -> Option<&str> {
    let start = line.find("{{")?;
    let from = line.get(start..)?;
    let end = from.find("}}")?;
    let name = from.get(2..end)?.trim();
    let is_name = !name.is_empty()
        && name.chars().all(|character| {
            character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | ' ')
        });
    if is_name { from.get(..end + 2) } else { None }
}

/// `capabilities.json` of a REST agent.
pub(super) fn capabilities(folder: &Folder<'_>) -> Option<Value> {
    let path = folder.near_files().find(|path| {
        path.rsplit('/')
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("capabilities.json"))
    })?;
    serde_json::from_str::<Value>(&folder.read(path)?)
        .ok()
        .filter(Value::is_object)
}
