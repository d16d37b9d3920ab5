//! Package installers: which files each of them reads.

use crate::text::has_extension;

use super::{Effect, Install, ProjectTool, Provided, at};

/// Options of pip whose value is the next word and no file of the folder.
const PIP_VALUES: [&str; 22] = [
    "-i",
    "--index-url",
    "--extra-index-url",
    "--trusted-host",
    "-t",
    "--target",
    "--prefix",
    "--root",
    "-p",
    "--python",
    "--cache-dir",
    "--timeout",
    "--retries",
    "--platform",
    "--python-version",
    "--only-binary",
    "--no-binary",
    "--progress-bar",
    "--proxy",
    "--upgrade-strategy",
    "--upgrade-package",
    "--index-strategy",
];

const NODE_FILES: [&str; 12] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    "bun.lock",
    "bun.lockb",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".yarn",
];

/// What the command does; `None` when it is no installer, an empty list when it reads nothing of the folder.
pub(super) fn effect(name: &str, arguments: &[&str], workdir: Option<&str>) -> Option<Vec<Effect>> {
    let effect = match (name, arguments) {
        (python, ["-m", "pip", rest @ ..]) if is_python(python) => pip(rest, workdir),
        (python, ["-m", "venv" | "ensurepip", ..]) if is_python(python) => return Some(Vec::new()),
        (pip_name, rest) if is_pip(pip_name) => pip(rest, workdir),
        ("uv", ["pip", rest @ ..]) => pip(rest, workdir),
        ("uv", ["sync", rest @ ..]) => uv_sync(rest, workdir),
        ("poetry", ["install", rest @ ..]) => poetry(rest, workdir),
        ("uv", ["venv" | "cache" | "python" | "tool", ..])
        | ("poetry", ["config" | "cache" | "self", ..]) => return Some(Vec::new()),
        ("pipenv", ["install" | "sync", rest @ ..])
            if rest.iter().all(|word| word.starts_with('-')) =>
        {
            reading(&["Pipfile", "Pipfile.lock"], workdir, Provided::Always)
        }
        ("npm" | "yarn" | "pnpm" | "bun", rest) => return node(name, rest, workdir),
        ("go", ["mod", "download" | "verify"]) => {
            reading(&["go.mod", "go.sum", "go.work"], workdir, Provided::Always)
        }
        _ => return None,
    };
    Some(vec![effect])
}

fn is_python(name: &str) -> bool {
    name == "python" || name.strip_prefix("python3").is_some_and(is_version)
}

fn is_pip(name: &str) -> bool {
    name == "pip" || name.strip_prefix("pip3").is_some_and(is_version)
}

fn is_version(rest: &str) -> bool {
    rest.chars()
        .all(|letter| letter.is_ascii_digit() || letter == '.')
}

/// An installer that reads these files of its working directory.
fn reading(files: &[&str], workdir: Option<&str>, provided: Provided) -> Effect {
    let reads: Option<Vec<String>> = files.iter().map(|file| at(workdir, file)).collect();
    reads.map_or(Effect::Anything, |reads| {
        Effect::Installs(Install { reads, provided })
    })
}

fn pip(arguments: &[&str], workdir: Option<&str>) -> Effect {
    let mut reads = Vec::new();
    let mut words = arguments.iter().copied();
    // Options may stand before the verb.
    let verb = words.by_ref().find(|word| !word.starts_with('-'));
    let nothing = Install {
        reads: Vec::new(),
        provided: Provided::Always,
    };
    match verb {
        Some("install" | "sync") => {}
        Some(
            "cache" | "config" | "list" | "check" | "show" | "uninstall" | "freeze" | "--version",
        )
        | None => {
            return Effect::Installs(nothing);
        }
        Some(_) => return Effect::Anything,
    }
    let syncs = verb == Some("sync");
    while let Some(word) = words.next() {
        let (option, attached) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option, Some(value)),
            _ if word.len() > 2 && (word.starts_with("-r") || word.starts_with("-c")) => {
                let (option, value) = word.split_at(2);
                (option, Some(value))
            }
            _ => (word, None),
        };
        match option {
            "-r" | "--requirement" | "--requirements" | "-c" | "--constraint" | "--constraints" => {
                match attached
                    .or_else(|| words.next())
                    .and_then(|file| at(workdir, file))
                {
                    Some(file) if !file.contains(['*', '?']) => reads.push(file),
                    _ => return Effect::Anything,
                }
            }
            "-e" | "--editable" | "-f" | "--find-links" | "--group" | "--config-settings"
            | "-C" => {
                return Effect::Anything;
            }
            option if PIP_VALUES.contains(&option) => {
                if attached.is_none() {
                    words.next();
                }
            }
            option if option.starts_with('-') => {}
            file if syncs => match at(workdir, file) {
                Some(file) => reads.push(file),
                None => return Effect::Anything,
            },
            package if names_a_package(package) => {}
            _ => return Effect::Anything,
        }
    }
    if reads.is_empty() {
        return Effect::Installs(nothing);
    }
    Effect::Installs(Install {
        reads,
        provided: Provided::RequirementsNamePackages,
    })
}

/// Whether pip takes the word for the name of a package, or for an address, and not for a file or directory.
pub(crate) fn names_a_package(word: &str) -> bool {
    let remote = ["https://", "http://", "git+"]
        .iter()
        .any(|scheme| word.contains(scheme));
    let local = word.starts_with('.')
        || word.contains(['/', '$', '*', '\\'])
        || word.contains("file:")
        || [".whl", ".gz", ".zip", ".bz2"]
            .iter()
            .any(|ending| word.ends_with(ending));
    remote && !word.contains('$') || !local
}

fn uv_sync(arguments: &[&str], workdir: Option<&str>) -> Effect {
    let elsewhere = [
        "--project",
        "--directory",
        "--package",
        "--all-packages",
        "--no-editable",
        "--config-file",
    ];
    let plain = arguments.iter().all(|word| {
        let option = word.split('=').next().unwrap_or(word);
        !elsewhere.contains(&option) && !word.contains('$')
    });
    if !plain {
        return Effect::Anything;
    }
    let left_out = arguments.iter().any(|word| {
        matches!(
            *word,
            "--no-install-project" | "--no-install-workspace" | "--no-install-local"
        )
    });
    let files = [
        "pyproject.toml",
        "uv.lock",
        "uv.toml",
        ".python-version",
        ".python-versions",
    ];
    reading(
        &files,
        workdir,
        Provided::ProjectIsNoPackage {
            tool: ProjectTool::Uv,
            left_out,
        },
    )
}

fn poetry(arguments: &[&str], workdir: Option<&str>) -> Effect {
    let elsewhere = |word: &&str| {
        word.starts_with("--directory")
            || word.starts_with("--project")
            || matches!(*word, "-C" | "-P")
    };
    if arguments
        .iter()
        .any(|word| elsewhere(word) || word.contains('$'))
    {
        return Effect::Anything;
    }
    let left_out = arguments.contains(&"--no-root");
    let files = ["pyproject.toml", "poetry.lock", "poetry.toml"];
    reading(
        &files,
        workdir,
        Provided::ProjectIsNoPackage {
            tool: ProjectTool::Poetry,
            left_out,
        },
    )
}

fn node(name: &str, arguments: &[&str], workdir: Option<&str>) -> Option<Vec<Effect>> {
    let (verb, rest) = match arguments.iter().position(|word| !word.starts_with('-')) {
        Some(place) => (
            arguments.get(place).copied(),
            arguments.get(place + 1..).unwrap_or_default(),
        ),
        None => (None, arguments),
    };
    match verb {
        Some("install" | "i" | "ci" | "clean-install") => {}
        None if name == "yarn" => {}
        Some("config" | "cache" | "set") => return Some(Vec::new()),
        Some("global") if name == "yarn" => return Some(Vec::new()),
        _ => return None,
    }
    let elsewhere = |word: &&&str| {
        word.starts_with("--prefix")
            || word.starts_with("--cwd")
            || word.starts_with("--dir")
            || **word == "-C"
    };
    let is_name = |word: &&str| word.starts_with('-') || names_a_module(word);
    if arguments.iter().any(|word| elsewhere(&word)) || !rest.iter().all(is_name) {
        return Some(vec![Effect::Anything]);
    }
    if arguments
        .iter()
        .any(|word| matches!(*word, "-g" | "--global"))
    {
        return Some(Vec::new());
    }
    Some(vec![reading(
        &NODE_FILES,
        workdir,
        Provided::NoInstallScripts,
    )])
}

/// `express`, `@scope/name`, with or without a version; no path, no archive.
fn names_a_module(word: &str) -> bool {
    let slashes = word.matches('/').count();
    let scoped = word.starts_with('@') && slashes == 1;
    (slashes == 0 || scoped)
        && !word.starts_with('.')
        && !word.contains([':', '$', '*'])
        && !has_extension(word, "tgz")
}
