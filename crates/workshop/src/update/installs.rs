//! Whether an installer reads nothing but the files it is known to read. Their texts decide: a `requirements.txt` with `-e .`
//! reads the whole project.

use serde_json::Value;
use toml::Table;

use crate::dockerfile::script::{Install, ProjectTool, Provided, names_a_package};

/// Files that a `requirements.txt` may include, directly or not.
const MOST_INCLUDES: usize = 20;

/// All files of the image that it reads; `None` when it may be any. `text_of` gives the text of a file of the image, where the
/// folder brings it.
pub(super) fn reads(
    install: &Install,
    text_of: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<String>> {
    let first = install.reads.first();
    match install.provided {
        Provided::Always => Some(install.reads.clone()),
        Provided::RequirementsNamePackages => requirements(&install.reads, text_of),
        Provided::ProjectIsNoPackage { tool, left_out } => {
            let project: Table = text_of(first?)?.parse().ok()?;
            let is_settled = left_out || !is_package(&project, tool);
            (is_settled && !has_local_paths(&toml::Value::Table(project)))
                .then(|| install.reads.clone())
        }
        Provided::NoInstallScripts => {
            let path = first?;
            let directory = parent(path);
            let package: Value = serde_json::from_str(&text_of(path)?).ok()?;
            let builds = ["binding.gyp", "pnpm-workspace.yaml"]
                .iter()
                .any(|name| text_of(&format!("{directory}/{name}")).is_some());
            (!builds && only_downloads(&package)).then(|| install.reads.clone())
        }
    }
}

fn requirements(files: &[String], text_of: &dyn Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    let mut read: Vec<String> = Vec::new();
    let mut pending = files.to_vec();
    while let Some(path) = pending.pop() {
        if read.contains(&path) {
            continue;
        }
        if read.len() > MOST_INCLUDES {
            return None;
        }
        let text = text_of(&path)?.replace("\\\n", " ");
        for line in text.lines() {
            let line = line.split(" #").next().unwrap_or_default().trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match requirement(line, &path) {
                Line::Packages => {}
                Line::Includes(included) => pending.push(included),
                Line::Local => return None,
            }
        }
        read.push(path);
    }
    Some(read)
}

/// One line of a `requirements.txt`.
enum Line {
    /// Packages by name or address, or options.
    Packages,
    /// Another file of requirements.
    Includes(String),
    /// Something of the folder that is no list of packages.
    Local,
}

fn requirement(line: &str, file: &str) -> Line {
    let (first, rest) = line.split_once([' ', '=']).unwrap_or((line, ""));
    match first {
        "-r" | "--requirement" | "-c" | "--constraint" => {
            let name = rest.trim().trim_start_matches("./");
            if name.starts_with('/') || name.contains("..") || name.contains(['$', ':']) {
                return Line::Local;
            }
            Line::Includes(format!("{}/{name}", parent(file)))
        }
        "-e" | "--editable" | "-f" | "--find-links" => Line::Local,
        option if option.starts_with('-') => Line::Packages,
        // Markers may hold anything; what is before them is a name, an address or a path.
        _ => {
            let specifier = line.split(';').next().unwrap_or(line);
            let address = specifier
                .split_once('@')
                .map_or(specifier, |(_, address)| address);
            if names_a_package(address.trim()) {
                Line::Packages
            } else {
                Line::Local
            }
        }
    }
}

fn is_package(project: &Table, tool: ProjectTool) -> bool {
    let tools = project.get("tool");
    let setting = |name: &str, key: &str| tools?.get(name)?.get(key)?.as_bool();
    if tool == ProjectTool::Poetry {
        return setting("poetry", "package-mode").unwrap_or(true);
    }
    setting("uv", "package").unwrap_or_else(|| project.contains_key("build-system"))
}

/// Dependencies that are directories or files beside.
fn has_local_paths(value: &toml::Value) -> bool {
    match value {
        toml::Value::Table(table) => table.iter().any(|(key, value)| {
            (matches!(key.as_str(), "path" | "find-links") && value.is_str())
                || key == "workspace"
                || has_local_paths(value)
        }),
        toml::Value::Array(values) => values.iter().any(has_local_paths),
        toml::Value::String(text) => text.contains("file:") || text.contains("{root:"),
        _ => false,
    }
}

/// Whether installing a Node package runs nothing of its own and takes nothing from beside it.
fn only_downloads(package: &Value) -> bool {
    const HOOKS: [&str; 7] = [
        "preinstall",
        "install",
        "postinstall",
        "preprepare",
        "prepare",
        "postprepare",
        "prepublish",
    ];
    let has_hook = package
        .get("scripts")
        .is_some_and(|scripts| HOOKS.iter().any(|hook| scripts.get(hook).is_some()));
    let is_local = |version: &Value| {
        let version = version.as_str().unwrap_or("./");
        [
            "file:",
            "link:",
            "workspace:",
            "portal:",
            "patch:",
            ".",
            "/",
        ]
        .iter()
        .any(|start| version.starts_with(start))
    };
    let takes_local = [
        "dependencies",
        "devDependencies",
        "optionalDependencies",
        "resolutions",
    ]
    .iter()
    .filter_map(|key| package.get(*key)?.as_object())
    .flatten()
    .any(|(_, version)| is_local(version));
    let wider = ["workspaces", "pnpm", "patchedDependencies"]
        .iter()
        .any(|key| package.get(*key).is_some());
    !has_hook && !takes_local && !wider
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
