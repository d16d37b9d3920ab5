//! What has to be installed before the agent runs, and a hash by which an environment made for it is found again.

use std::collections::BTreeSet;

use super::folder::Folder;
use super::project::Project;
use super::{Language, Requirements, RequirementsKind};
use crate::dockerfile::DockerfileFacts;

/// Files that a `requirements.txt` may include, directly or not.
const MOST_INCLUDES: usize = 20;

/// Finds them for the language of the project. `None` when nothing has to be installed.
pub(super) fn find(
    folder: &Folder<'_>,
    project: &Project,
    dockerfile: Option<&DockerfileFacts>,
) -> Option<Requirements> {
    let there = |paths: &[&str]| {
        paths
            .iter()
            .filter(|path| folder.has(path))
            .map(|path| (*path).to_owned())
            .collect::<Vec<_>>()
    };
    let mut requirements = match project.language {
        Some(Language::Node) => {
            if !project.has_node_packages {
                return None;
            }
            let locks = [
                "package.json",
                "package-lock.json",
                "npm-shrinkwrap.json",
                "yarn.lock",
                "pnpm-lock.yaml",
                ".npmrc",
            ];
            of(RequirementsKind::Npm, there(&locks))
        }
        Some(Language::Go) => of(RequirementsKind::Go, there(&["go.mod", "go.sum"])),
        Some(Language::Rust) => of(
            RequirementsKind::Cargo,
            there(&["Cargo.toml", "Cargo.lock"]),
        ),
        Some(Language::Python) => python(folder, project)?,
        _ => of(RequirementsKind::Pip, Vec::new()),
    };
    if requirements.files.is_empty() {
        requirements.packages.clone_from(&dockerfile?.pip_packages);
        if requirements.packages.is_empty() {
            return None;
        }
    }
    requirements.hash = hash(folder, &requirements);
    Some(requirements)
}

fn of(kind: RequirementsKind, files: Vec<String>) -> Requirements {
    Requirements {
        kind,
        files,
        included: Vec::new(),
        packages: Vec::new(),
        hash: String::new(),
    }
}

fn python(folder: &Folder<'_>, project: &Project) -> Option<Requirements> {
    let pyproject = || "pyproject.toml".to_owned();
    if !project.has_python_packages {
        return None;
    }
    if project.has_pyproject && folder.has("uv.lock") {
        return Some(of(
            RequirementsKind::UvLock,
            vec![pyproject(), "uv.lock".to_owned()],
        ));
    }
    let Some(file) = &project.requirements_file else {
        return Some(of(RequirementsKind::PyProject, vec![pyproject()]));
    };
    let mut requirements = of(RequirementsKind::Pip, vec![file.clone()]);
    requirements.included = included(folder, file);
    Some(requirements)
}

/// The files that a `requirements.txt` names with `-r` or `-c`, and those that these name.
fn included(folder: &Folder<'_>, file: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut pending = vec![file.to_owned()];
    while let Some(path) = pending.pop() {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        for line in folder.read(&path).unwrap_or_default().lines() {
            let Some((option, name)) = line.trim().split_once([' ', '=']) else {
                continue;
            };
            if !matches!(option, "-r" | "--requirement" | "-c" | "--constraint") {
                continue;
            }
            let name = name.split('#').next().unwrap_or_default().trim();
            let name = name.trim_start_matches("./");
            let included = if directory.is_empty() {
                name.to_owned()
            } else {
                format!("{directory}/{name}")
            };
            if found.len() < MOST_INCLUDES
                && folder.read_prefix(&included, 0).is_some()
                && found.insert(included.clone())
            {
                pending.push(included);
            }
        }
    }
    found.into_iter().collect()
}

/// Over what is installed: notes, line breaks and settings of other tools do not count.
fn hash(folder: &Folder<'_>, requirements: &Requirements) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{:?}", requirements.kind).as_bytes());
    let files = requirements.files.iter().chain(&requirements.included);
    let texts = files.map(|path| {
        let text = folder.read_prefix(path, u64::MAX).unwrap_or_default();
        substance(path, &text).unwrap_or(text)
    });
    for part in texts.chain(requirements.packages.iter().cloned()) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// The part of a file that an installer goes by; `None` for all of it.
fn substance(path: &str, text: &str) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "pyproject.toml" => {
            const TOOLS: [&str; 7] = [
                "uv",
                "poetry",
                "pdm",
                "hatch",
                "setuptools",
                "setuptools_scm",
                "flit",
            ];
            let mut project: toml::Table = text.parse().ok()?;
            if let Some(tools) = project.get_mut("tool").and_then(toml::Value::as_table_mut) {
                tools.retain(|tool, _| TOOLS.contains(&tool));
                if tools.is_empty() {
                    project.remove("tool");
                }
            }
            if let Some(about) = project
                .get_mut("project")
                .and_then(toml::Value::as_table_mut)
            {
                for key in [
                    "description",
                    "authors",
                    "maintainers",
                    "keywords",
                    "classifiers",
                    "urls",
                ] {
                    about.remove(key);
                }
            }
            Some(project.to_string())
        }
        "package.json" => {
            let mut package: serde_json::Value = serde_json::from_str(text).ok()?;
            let fields = package.as_object_mut()?;
            for key in [
                "description",
                "keywords",
                "author",
                "main",
                "type",
                "exports",
                "homepage",
                "repository",
            ] {
                fields.remove(key);
            }
            if let Some(scripts) = fields
                .get_mut("scripts")
                .and_then(serde_json::Value::as_object_mut)
            {
                for script in ["start", "dev", "test", "lint", "format"] {
                    scripts.remove(script);
                }
            }
            Some(package.to_string())
        }
        _ if name.rsplit('.').next() == Some("txt") => Some(
            text.lines()
                .map(|line| {
                    let note = if line.trim_start().starts_with('#') {
                        Some(0)
                    } else {
                        line.find(" #")
                    };
                    line.get(..note.unwrap_or(line.len()))
                        .unwrap_or(line)
                        .trim()
                })
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        _ => None,
    }
}
