//! The environment the folder gives, and the variables the agent wants beyond it.

use nasiko_contract::{EnvNeed, Finding, Severity};

use super::Description;
use super::folder::Folder;
use super::source::SourceFacts;
use crate::compose::{ComposeFacts, interpolate};
use crate::envfile;
use crate::finding::FindingBuilder as _;

/// Variables that the system or the runtime always sets.
const GIVEN: [&str; 18] = [
    "PORT",
    "HOST",
    "AGENT_NAME",
    "OWNER_ID",
    "PATH",
    "HOME",
    "USER",
    "PWD",
    "SHELL",
    "LANG",
    "TMPDIR",
    "PYTHONPATH",
    "NODE_ENV",
    "TRACING_ENABLED",
    "AGENT_PROJECT_NAME",
    "NASIKO_GATEWAY_URL",
    "A2A_DISCOVERY_URL",
    "HOSTNAME",
];
/// Files that list variables without being one.
const EXAMPLES: [&str; 4] = [
    ".env.example",
    ".env.sample",
    ".env.template",
    "env.example",
];

/// Fills in `env`, `env_needs` and their findings.
pub(super) fn collect(
    folder: &Folder<'_>,
    compose: Option<&ComposeFacts>,
    sources: &SourceFacts,
    description: &mut Description,
) {
    let dotenv = folder
        .read(".env")
        .map(|text| envfile::parse(&text))
        .unwrap_or_default();
    note_form(&dotenv, &mut description.findings);
    if let Some(compose) = compose {
        for path in compose
            .env_files
            .iter()
            .filter(|path| !matches!(path.trim_start_matches("./"), ".env"))
        {
            if let Some(text) = folder.read(path.trim_start_matches("./")) {
                description.env.extend(envfile::parse(&text).values);
            }
        }
        for (name, value) in &compose.environment {
            let value_of = |name: &str| dotenv.values.get(name).map(String::as_str);
            match value.as_deref().map(|value| interpolate(value, &value_of)) {
                Some(Ok(value)) => {
                    description.env.insert(name.clone(), value);
                }
                // Compose itself goes on with an empty value, unless `?` says otherwise.
                Some(Err(missing)) => {
                    let demanded = value.as_deref().is_some_and(|value| value.contains('?'));
                    need(description, &missing, demanded, "the Compose file");
                }
                None => need(description, name, false, "the Compose file"),
            }
        }
    }
    description.env.extend(dotenv.values);
    description.env.extend(description.manifest.env.clone());

    for found in &sources.variables {
        need(description, &found.name, found.required, &found.source);
    }
    for path in EXAMPLES {
        let Some(example) = folder.read(path).map(|text| envfile::parse(&text)) else {
            continue;
        };
        for name in example.values.keys() {
            let line = example.lines.get(name).copied().unwrap_or(1);
            need(description, name, false, &format!("{path}:{line}"));
        }
    }
    let given = |name: &str, description: &Description| {
        description
            .env
            .get(name)
            .is_some_and(|value| !is_blank(value))
            || description
                .dockerfile
                .as_ref()
                .is_some_and(|facts| facts.env.get(name).is_some_and(|value| !value.is_empty()))
    };
    let satisfied: Vec<bool> = description
        .env_needs
        .iter()
        .map(|need| given(&need.name, description))
        .collect();
    for (need, satisfied) in description.env_needs.iter_mut().zip(satisfied) {
        need.satisfied = satisfied;
    }
    description.env_needs.sort_by(|left, right| {
        right
            .required
            .cmp(&left.required)
            .then_with(|| left.name.cmp(&right.name))
    });
    for need in description
        .env_needs
        .iter()
        .filter(|need| need.required && !need.satisfied)
    {
        let finding = Finding::of(
            "env.missing",
            Severity::Warning,
            format!("It reads {} and has no value for it", need.name),
        )
        .with_hint(format!(
            "Set it with `nasiko secret set {}`, or in .env",
            need.name
        ));
        let finding = match need.source.rsplit_once(':') {
            Some((file, line)) => match line.parse() {
                Ok(line) => finding.in_file(file).on_line(line),
                Err(_) => finding,
            },
            None => finding,
        };
        description.findings.push(finding);
    }
}

/// Notes a variable; the first mention names the place, and the code's own default makes it optional.
fn need(description: &mut Description, name: &str, required: bool, source: &str) {
    if GIVEN.contains(&name) || name.starts_with("OTEL_") || !envfile::is_variable(name) {
        return;
    }
    match description
        .env_needs
        .iter_mut()
        .find(|need| need.name == name)
    {
        Some(known) => {
            let from_code = |source: &str| {
                !source.starts_with(".env") && !source.starts_with("env.") && source.contains(':')
            };
            // Within code the strictest reading counts; an example or a Compose file never overrides the code.
            if from_code(&known.source) && from_code(source) {
                known.required |= required;
            }
        }
        None => description.env_needs.push(EnvNeed {
            name: name.to_owned(),
            required,
            source: source.to_owned(),
            satisfied: false,
        }),
    }
}

/// Whether the value is only there to be replaced.
fn is_blank(value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    value.is_empty()
        || value.starts_with('<')
        || value.starts_with("your")
        || value.contains("{{")
        || value.contains("...")
        || matches!(
            value.as_str(),
            "changeme"
                | "change-me"
                | "change_me"
                | "xxx"
                | "todo"
                | "replace-me"
                | "sk-xxx"
                | "none"
        )
}

fn note_form(file: &envfile::EnvFile, findings: &mut Vec<Finding>) {
    if file.crlf {
        findings.push(
            Finding::of("env.crlf", Severity::Info, ".env has Windows line ends")
                .in_file(".env")
                .with_hint("They are read correctly here; other tools keep the carriage return in the value"),
        );
    }
    for line in file.malformed.iter().take(10) {
        findings.push(
            Finding::of(
                "env.malformed",
                Severity::Warning,
                format!(".env line {line} assigns nothing"),
            )
            .in_file(".env")
            .on_line(*line)
            .with_hint("Write NAME=value"),
        );
    }
}
