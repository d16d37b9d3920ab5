//! What a folder was understood to be.

use nasiko_contract::{AgentDescription, EnvNeed, Finding, Protocol, Severity};
use serde::Serialize;
use serde_json::Value;

/// `inspect`
#[derive(Debug, Serialize)]
pub(crate) struct InspectDocument {
    name: String,
    version: String,
    description: String,
    language: String,
    framework: Option<String>,
    entry: Option<String>,
    entry_why: Option<String>,
    port: Option<u16>,
    protocol: Protocol,
    card: Option<Value>,
    card_generated: bool,
    dockerfile: bool,
    generated_dockerfile: Option<String>,
    env: Vec<EnvNeed>,
    findings: Vec<FindingDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    agents: Vec<String>,
    files: u64,
    bytes: u64,
    content_hash: String,
}

#[derive(Debug, Serialize)]
struct FindingDocument {
    code: String,
    severity: Severity,
    file: Option<String>,
    line: Option<u32>,
    message: String,
    hint: Option<String>,
}

impl From<Finding> for FindingDocument {
    fn from(finding: Finding) -> Self {
        Self {
            code: finding.code,
            severity: finding.severity,
            file: finding.file,
            line: finding.line,
            message: finding.message,
            hint: finding.hint,
        }
    }
}

impl From<AgentDescription> for InspectDocument {
    fn from(agent: AgentDescription) -> Self {
        let (entry, entry_why) = agent
            .entry
            .map(|entry| (command_line(&entry.command), entry.why))
            .unzip();
        Self {
            name: agent.name.0,
            version: agent.version,
            description: agent.description,
            language: agent.language,
            framework: agent.framework,
            entry,
            entry_why,
            port: agent.port,
            protocol: agent.protocol,
            card: agent.card,
            card_generated: agent.card_generated,
            dockerfile: agent.dockerfile,
            generated_dockerfile: agent.generated_dockerfile,
            env: agent.env,
            findings: agent.findings.into_iter().map(Into::into).collect(),
            agents: agent.agents,
            files: agent.files,
            bytes: agent.bytes,
            content_hash: agent.content_hash,
        }
    }
}

/// A command as one would type it.
pub(crate) fn command_line(words: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@%+,$".contains(&byte))
    };
    let quoted = words.iter().map(|word| {
        if plain(word) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}
