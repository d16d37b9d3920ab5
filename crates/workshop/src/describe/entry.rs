//! What starts the agent as a process: the first of the ways a folder can say it.

use std::path::PathBuf;

use indexmap::IndexMap;

use super::folder::Folder;
use super::project::Project;
use super::source::SourceFacts;
use super::{Description, Entry, python};
use crate::dockerfile::{command_for_process, split_words, without_wrapper};
use crate::text::has_extension;

/// Finds the entry: `nasiko.toml`, Dockerfile, Procfile, Python, Node, Go, Rust.
pub(super) fn find(
    folder: &Folder<'_>,
    description: &Description,
    project: &Project,
    sources: &SourceFacts,
) -> Option<Entry> {
    of_manifest(description)
        .or_else(|| of_dockerfile(folder, description))
        .or_else(|| of_procfile(folder))
        .or_else(|| python::entry(folder, project, sources))
        .or_else(|| of_node(folder, project))
        .or_else(|| of_go(folder))
        .or_else(|| of_rust(folder))
}

/// What was looked for, for somebody whose folder has none of it.
pub(super) fn looked_for(folder: &Folder<'_>, description: &Description) -> Vec<String> {
    let mut lines = vec!["[run] command in nasiko.toml: none".to_owned()];
    lines.push(match &description.dockerfile {
        Some(facts) => format!("{}: its command only exists within the image", facts.path),
        None => "Dockerfile: none".to_owned(),
    });
    lines.push("Procfile: none".to_owned());
    lines.push("[project.scripts], __main__.py, main.py, app.py at the root, in src/ or in one package: none".to_owned());
    lines.push("start script in package.json: none".to_owned());
    lines.push("main package beside go.mod: none".to_owned());
    lines.push("binary of Cargo.toml: none".to_owned());
    let files: Vec<&str> = folder.files().take(8).collect();
    lines.push(format!("what is there: {}", files.join(", ")));
    lines
}

fn entry(command: Vec<String>, why: impl Into<String>, file: Option<String>) -> Entry {
    Entry {
        command,
        workdir: PathBuf::new(),
        why: why.into(),
        file,
        env: IndexMap::new(),
    }
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

fn of_manifest(description: &Description) -> Option<Entry> {
    let command = description
        .manifest
        .run
        .command
        .clone()
        .filter(|command| !command.is_empty())?;
    Some(entry(command, "[run] of nasiko.toml", None))
}

fn of_dockerfile(folder: &Folder<'_>, description: &Description) -> Option<Entry> {
    let facts = description.dockerfile.as_ref()?;
    let process = command_for_process(facts, folder.snapshot())?;
    let command =
        python::with_port_options(folder, &process.workdir, with_own_port(process.command));
    let file = command
        .iter()
        .skip(1)
        .map(|word| join(&process.workdir, word))
        .find(|path| folder.has(path));
    Some(Entry {
        command,
        workdir: PathBuf::from(process.workdir),
        why: format!("the command in {}", facts.path),
        file,
        env: process.env,
    })
}

fn of_procfile(folder: &Folder<'_>) -> Option<Entry> {
    let text = folder.read("Procfile")?;
    let lines: Vec<(&str, &str)> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once(':'))
        .collect();
    let chosen = ["web", "agent"]
        .iter()
        .find_map(|wanted| lines.iter().find(|(name, _)| name.trim() == *wanted))
        .or(lines.first())?;
    let command = chosen.1.trim();
    let needs_shell = command.contains(['|', '&', ';', '<', '>', '`', '(', '*']);
    let command = if needs_shell {
        words(&["sh", "-c", command])
    } else {
        with_own_port(as_python(without_wrapper(split_words(command))))
    };
    (!command.is_empty()).then(|| entry(command, format!("{} in Procfile", chosen.0.trim()), None))
}

fn of_node(folder: &Folder<'_>, project: &Project) -> Option<Entry> {
    if let Some(script) = &project.start_script {
        let plain = split_words(script);
        let is_plain = plain.first().is_some_and(|program| program == "node")
            && !script.contains(['&', '|', ';', '>']);
        let command = if is_plain {
            plain
        } else {
            words(&["npm", "run", "--silent", "start"])
        };
        let file = command
            .iter()
            .skip(1)
            .find(|word| folder.has(word))
            .cloned();
        return Some(entry(command, "the start script in package.json", file));
    }
    let main = project
        .node_main
        .as_deref()
        .map(|main| main.trim_start_matches("./"))
        .filter(|main| folder.has(main));
    let usual = [
        "server.js",
        "index.js",
        "app.js",
        "main.js",
        "server.mjs",
        "index.mjs",
        "src/server.js",
        "src/index.js",
        "agent.js",
    ];
    let file = main.or_else(|| usual.into_iter().find(|path| folder.has(path)))?;
    let why = if main.is_some() {
        "main in package.json".to_owned()
    } else {
        file.to_owned()
    };
    Some(entry(words(&["node", file]), why, Some(file.to_owned())))
}

fn of_go(folder: &Folder<'_>) -> Option<Entry> {
    if !folder.has("go.mod") {
        return None;
    }
    let is_main = |path: &&str| {
        has_extension(path, "go")
            && !path.ends_with("_test.go")
            && folder
                .read_prefix(path, 16 << 10)
                .is_some_and(|text| text.lines().any(|line| line.trim() == "package main"))
    };
    let mut candidates: Vec<&str> = folder
        .files()
        .filter(|path| has_extension(path, "go") && path.matches('/').count() <= 2)
        .collect();
    candidates.sort_by_key(|path| path.matches('/').count());
    let file = candidates.into_iter().take(100).find(is_main)?;
    let package = file
        .rsplit_once('/')
        .map_or_else(|| ".".to_owned(), |(directory, _)| format!("./{directory}"));
    Some(entry(
        words(&["go", "run", &package]),
        "the main package beside go.mod",
        Some(file.to_owned()),
    ))
}

fn of_rust(folder: &Folder<'_>) -> Option<Entry> {
    let manifest = folder.read("Cargo.toml")?;
    let file = folder
        .files()
        .find(|path| *path == "src/main.rs" || path.starts_with("src/bin/"));
    if file.is_none() && !manifest.contains("[[bin]]") {
        return None;
    }
    Some(entry(
        words(&["cargo", "run", "--release", "--quiet"]),
        "the binary of Cargo.toml",
        file.map(str::to_owned),
    ))
}

/// Replaces a fixed port and address by the ones the runtime gives: several agents share this machine.
pub(super) fn with_own_port(command: Vec<String>) -> Vec<String> {
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    let is_any = |text: &str| matches!(text, "0.0.0.0" | "::" | "[::]" | "127.0.0.1" | "localhost");
    let own = |flag: &str, value: &str| match flag {
        "--port" | "-p" | "--http-port" if is_port(value) => Some("$PORT".to_owned()),
        "--host" | "-h" | "--address" if is_any(value) => Some("$HOST".to_owned()),
        "--bind" | "-b" | "--listen" => {
            let (host, port) = value.rsplit_once(':')?;
            (is_port(port) && (host.is_empty() || is_any(host))).then(|| "$HOST:$PORT".to_owned())
        }
        _ => None,
    };
    let mut result: Vec<String> = Vec::with_capacity(command.len());
    for word in command {
        let replaced = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => {
                own(flag, value).map(|value| format!("{flag}={value}"))
            }
            _ => result.last().and_then(|flag| own(flag, &word)),
        };
        result.push(replaced.unwrap_or(word));
    }
    result
}

/// `python3` and its versions by the name that stands for the environment's interpreter.
fn as_python(mut command: Vec<String>) -> Vec<String> {
    if let Some(program) = command.first_mut()
        && program.strip_prefix("python3").is_some_and(|version| {
            version
                .chars()
                .all(|character| matches!(character, '0'..='9' | '.'))
        })
    {
        "python".clone_into(program);
    }
    command
}

/// A path below a folder of the agent.
pub(super) fn join(directory: &str, path: &str) -> String {
    let path = path.trim_start_matches("./");
    if directory.is_empty() {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    }
}
