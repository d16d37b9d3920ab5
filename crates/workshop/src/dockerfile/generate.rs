//! A Dockerfile for a folder that has none: what changes rarely comes first, so that an edit rebuilds one layer.

use std::fmt::Write as _;

use super::CommandForm;
use crate::describe::{Description, Entry, Language, Requirements, RequirementsKind};

/// The text of a Dockerfile for the described folder; kept outside of the folder by the caller.
pub fn generate(description: &Description) -> String {
    let port = description.port.as_ref().map_or(8000, |claim| claim.port);
    let mut text = String::from("# Made for this folder, which has no Dockerfile of its own.\n");
    let requirements = description.requirements.as_ref();
    match description.language {
        Language::Node => node(&mut text, requirements),
        Language::Go => text.push_str("FROM golang:1.24\nWORKDIR /app\nCOPY go.* ./\nRUN go mod download\nCOPY . .\nRUN go build -o /usr/local/bin/agent "),
        Language::Rust => text.push_str("FROM rust:1-slim\nWORKDIR /app\nCOPY . .\nRUN cargo build --release\n"),
        _ => python(&mut text, requirements),
    }
    if description.language == Language::Go {
        let package = description
            .entry
            .as_ref()
            .and_then(|entry| entry.command.last().cloned())
            .unwrap_or_else(|| ".".to_owned());
        let _ = writeln!(text, "{package}");
    }
    let _ = writeln!(text, "ENV HOST=0.0.0.0 PORT={port}");
    if let Some(entry) = &description.entry {
        for (name, value) in &entry.env {
            let _ = writeln!(text, "ENV {name}={}", quoted(value));
        }
        if !entry.workdir.as_os_str().is_empty() {
            let _ = writeln!(
                text,
                "WORKDIR /app/{}",
                entry.workdir.to_string_lossy().replace('\\', "/")
            );
        }
    }
    let _ = writeln!(text, "EXPOSE {port}");
    if let Some(entry) = &description.entry {
        let _ = writeln!(text, "CMD {}", command(description, entry));
    }
    text
}

fn python(text: &mut String, requirements: Option<&Requirements>) {
    text.push_str(
        "FROM python:3.11-slim\nENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1\nWORKDIR /app\n",
    );
    let Some(requirements) = requirements else {
        text.push_str("COPY . .\n");
        return;
    };
    match requirements.kind {
        RequirementsKind::PyProject | RequirementsKind::UvLock => {
            // The project's own build needs its sources: only its dependencies are installed before them.
            text.push_str("COPY pyproject.toml ./\n");
            text.push_str(
                "RUN python3 -c \"import tomllib; print('\\n'.join(tomllib.load(open('pyproject.toml','rb')).get('project',{}).get('dependencies',[])))\" > /tmp/requirements.txt && pip install -r /tmp/requirements.txt\n",
            );
        }
        _ => {
            for file in &requirements.included {
                let _ = writeln!(text, "COPY {file} ./{file}");
            }
            for file in &requirements.files {
                let _ = writeln!(text, "COPY {file} ./{file}\nRUN pip install -r {file}");
            }
            if !requirements.packages.is_empty() {
                let packages: Vec<String> = requirements
                    .packages
                    .iter()
                    .map(|package| quoted(package))
                    .collect();
                let _ = writeln!(text, "RUN pip install {}", packages.join(" "));
            }
        }
    }
    text.push_str("COPY . .\n");
}

fn node(text: &mut String, requirements: Option<&Requirements>) {
    text.push_str("FROM node:20-slim\nENV NODE_ENV=production\nWORKDIR /app\n");
    if let Some(requirements) = requirements {
        let _ = writeln!(text, "COPY {} ./", requirements.files.join(" "));
        let locked = requirements
            .files
            .iter()
            .any(|file| file == "package-lock.json" || file == "npm-shrinkwrap.json");
        let _ = writeln!(
            text,
            "RUN npm {} --omit=dev",
            if locked { "ci" } else { "install" }
        );
    }
    text.push_str("COPY . .\n");
}

/// The command with a shell around it only where variables are to be replaced.
fn command(description: &Description, entry: &Entry) -> String {
    let words = match description.language {
        Language::Go => vec!["agent".to_owned()],
        Language::Python => entry
            .command
            .iter()
            .map(|word| {
                if word == "python" {
                    "python3".to_owned()
                } else {
                    word.clone()
                }
            })
            .collect(),
        _ => entry.command.clone(),
    };
    let form = if words.iter().any(|word| word.contains('$')) {
        CommandForm::Shell(
            std::iter::once("exec".to_owned())
                .chain(words.iter().map(|word| quoted(word)))
                .collect::<Vec<_>>()
                .join(" "),
        )
    } else {
        CommandForm::Exec(words)
    };
    match form {
        CommandForm::Exec(words) => serde_json::Value::from(words).to_string(),
        CommandForm::Shell(text) => text,
    }
}

/// A word for a shell or an `ENV`, variables left to be replaced.
fn quoted(word: &str) -> String {
    let plain = |character: char| {
        character.is_ascii_alphanumeric() || "-_./:=$@+,%[]<>".contains(character)
    };
    let needs = word.is_empty() || !word.chars().all(plain) || word.contains(['<', '>', '[']);
    if needs {
        format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        word.to_owned()
    }
}
