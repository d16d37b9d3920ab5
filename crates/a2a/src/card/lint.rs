//! What is missing or odd in a card that can be read. Findings never refuse an agent.

use serde_json::Value;

use super::{Binding, Card};
use crate::json::{self, Object};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Others will have trouble with this card.
    Warning,
    /// The card does not say what a card is for.
    Error,
}

/// One thing to know about a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFinding {
    /// Stable code, e.g. `card.url_missing`.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// JSON pointer to the place; of the parent where something is missing.
    pub pointer: String,
    /// What it is, a sentence.
    pub message: String,
    /// What to do about it, in the imperative.
    pub hint: Option<String>,
}

/// Looks a card over; the order follows the card.
pub fn lint(card: &Card) -> Vec<CardFinding> {
    let mut findings = Findings::default();
    findings.texts(card);
    findings.addresses(card);
    findings.modes(card);
    findings.skills(card);
    findings.placeholders(&mut String::new(), &card.to_value(), 0);
    findings.list
}

#[derive(Default)]
struct Findings {
    list: Vec<CardFinding>,
}

/// Objects nested deeper than this are not searched for placeholders.
const MAX_DEPTH: usize = 32;

impl Findings {
    fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        pointer: &str,
        message: String,
        hint: &str,
    ) {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.list.push(CardFinding {
            code,
            severity,
            pointer: pointer.to_owned(),
            message,
            hint,
        });
    }

    fn texts(&mut self, card: &Card) {
        if card.name().is_none() {
            let hint = "Add \"name\"";
            self.add(
                "card.name_missing",
                Severity::Error,
                "",
                "The card has no name".to_owned(),
                hint,
            );
        }
        if card.description().is_none() {
            let hint = "Add \"description\": what the agent is for, in one sentence";
            self.add(
                "card.description_missing",
                Severity::Warning,
                "",
                "The card has no description".to_owned(),
                hint,
            );
        }
        match card.version() {
            None => {
                let hint = "Add \"version\": \"0.1.0\"";
                self.add(
                    "card.version_missing",
                    Severity::Warning,
                    "",
                    "The card has no version".to_owned(),
                    hint,
                );
            }
            Some(version) if !is_three_numbers(version) => {
                let message = format!("The version {version:?} is not of the form x.y.z");
                self.add(
                    "card.version_format",
                    Severity::Warning,
                    "/version",
                    message,
                    "Write it as x.y.z",
                );
            }
            Some(_) => {}
        }
        if card.protocol_version().is_none()
            && card
                .interfaces()
                .iter()
                .all(|known| known.version.is_none())
        {
            let message =
                "The card does not say which version of the protocol it speaks".to_owned();
            let hint = "Add \"protocolVersion\"";
            self.add(
                "card.protocol_version_missing",
                Severity::Info,
                "",
                message,
                hint,
            );
        }
        if !card.raw().get("capabilities").is_some_and(Value::is_object) {
            let message = "The card has no capabilities, so nobody knows whether the agent streams"
                .to_owned();
            let hint = "Add \"capabilities\": {\"streaming\": true}";
            self.add(
                "card.capabilities_missing",
                Severity::Info,
                "",
                message,
                hint,
            );
        }
    }

    fn addresses(&mut self, card: &Card) {
        let interfaces = card.interfaces();
        if interfaces.is_empty() {
            let hint = "Add \"url\", or \"supportedInterfaces\" with one entry";
            self.add(
                "card.url_missing",
                Severity::Warning,
                "",
                "The card has no url".to_owned(),
                hint,
            );
            return;
        }
        for interface in &interfaces {
            let web = interface.url.starts_with("http://") || interface.url.starts_with("https://");
            if interface.binding != Binding::Grpc && !web && !interface.url.starts_with('/') {
                let message = format!("{:?} is not a web address", interface.url);
                let hint = "Write it as http://host:port/path";
                self.add("card.url_invalid", Severity::Warning, "/url", message, hint);
            }
        }
        if !interfaces
            .iter()
            .any(|known| matches!(known.binding, Binding::JsonRpc | Binding::HttpJson))
        {
            let message = "The agent offers neither JSON-RPC nor HTTP+JSON".to_owned();
            let hint = "Offer an interface with \"protocolBinding\": \"JSONRPC\"";
            self.add(
                "card.transport_unsupported",
                Severity::Error,
                "",
                message,
                hint,
            );
        }
    }

    fn modes(&mut self, card: &Card) {
        for key in ["defaultInputModes", "defaultOutputModes"] {
            for (index, mode) in json::strings(card.raw(), &[key]).iter().enumerate() {
                let full = super::media_type(mode);
                if full != mode {
                    let message = format!("{mode:?} is a shorthand for {full:?}");
                    let pointer = format!("/{key}/{index}");
                    self.add(
                        "card.mode_shorthand",
                        Severity::Info,
                        &pointer,
                        message,
                        "Write the media type out",
                    );
                }
            }
        }
    }

    fn skills(&mut self, card: &Card) {
        let entries = json::list(card.raw(), &["skills"]);
        if entries.is_empty() {
            let message =
                "The card has no skills, so questions cannot be routed to it by what it can do"
                    .to_owned();
            let hint = "Add \"skills\" with id, name, description and tags";
            self.add("card.skills_missing", Severity::Warning, "", message, hint);
        }
        let mut ids: Vec<&str> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let pointer = format!("/skills/{index}");
            let Some(skill) = entry.as_object() else {
                let message = format!("Skill {index} is not an object");
                self.add(
                    "card.skill_incomplete",
                    Severity::Warning,
                    &pointer,
                    message,
                    "Write id, name and description",
                );
                continue;
            };
            let missing = missing_keys(skill);
            if !missing.is_empty() {
                let message = format!("Skill {index} has no {}", missing.join(", no "));
                self.add(
                    "card.skill_incomplete",
                    Severity::Warning,
                    &pointer,
                    message,
                    "Add what is missing",
                );
            }
            if let Some(id) = json::text(skill, &["id"]) {
                if ids.contains(&id) {
                    let message = format!("Two skills have the id {id:?}");
                    self.add(
                        "card.skill_duplicate",
                        Severity::Warning,
                        &pointer,
                        message,
                        "Give each its own id",
                    );
                }
                ids.push(id);
            }
        }
    }

    fn placeholders(&mut self, pointer: &mut String, value: &Value, depth: usize) {
        let mut descend = |key: &str, inner: &Value| {
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            self.placeholders(pointer, inner, depth + 1);
            pointer.truncate(length);
        };
        match value {
            Value::Object(object) if depth < MAX_DEPTH => {
                object.iter().for_each(|(key, inner)| descend(key, inner));
            }
            Value::Array(list) if depth < MAX_DEPTH => {
                list.iter()
                    .enumerate()
                    .for_each(|(index, inner)| descend(&index.to_string(), inner));
            }
            Value::String(text) => {
                if let Some(name) = placeholder(text) {
                    let message = format!("{name} was never replaced");
                    self.add(
                        "card.placeholder",
                        Severity::Error,
                        pointer,
                        message,
                        "Put the real value there",
                    );
                }
            }
            _ => {}
        }
    }
}

fn missing_keys(skill: &Object) -> Vec<&'static str> {
    ["id", "name", "description"]
        .into_iter()
        .filter(|key| json::owned(skill, &[key]).is_none())
        .collect()
}

fn is_three_numbers(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The first `{{...}}` in a text, braces included.
fn placeholder(text: &str) -> Option<&str> {
    let start = text.find("{{")?;
    let length = text[start..].find("}}")?;
    Some(&text[start..start + length + 2])
}
