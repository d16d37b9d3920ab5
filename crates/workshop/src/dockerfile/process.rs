//! What the command of an image would be on this machine, in the folder instead of the image.

use indexmap::IndexMap;

use super::words::split_words;
use super::{CommandForm, DockerfileFacts};
use crate::snapshot::Snapshot;
use crate::text::has_extension;

/// A command that runs in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessCommand {
    /// Program and arguments; `python` and `node` stand for the environment's own.
    pub command: Vec<String>,
    /// Where to run it, relative to the folder; empty for the folder itself.
    pub workdir: String,
    /// `ENV` of the Dockerfile as far as it means something outside of the image.
    pub env: IndexMap<String, String>,
}

/// Programs of an image that every machine has under the same name.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/bin/",
    "/usr/bin/",
    "/usr/local/bin/",
    "/sbin/",
    "/usr/sbin/",
    "/usr/local/sbin/",
];
/// Variables that only make sense within an image.
const IMAGE_VARIABLES: [&str; 8] = [
    "PORT",
    "HOST",
    "PATH",
    "HOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "DEBIAN_FRONTEND",
    "UV_PROJECT_ENVIRONMENT",
];

/// One path of the image and where its content is in the folder.
#[derive(Debug, PartialEq, Eq)]
struct Mapping {
    image: String,
    folder: String,
    is_directory: bool,
}

/// Interprets `WORKDIR`, `ENV`, `ENTRYPOINT` and `CMD` for a local process. `None` when there is no command, or when its program
/// only comes to be in a build stage.
pub fn command_for_process(facts: &DockerfileFacts, snapshot: &Snapshot) -> Option<ProcessCommand> {
    let mappings = mappings(facts, snapshot);
    let image_workdir = facts.workdir.clone().unwrap_or_else(|| "/".to_owned());
    let image_workdir = image_workdir.trim_end_matches('/');
    let workdir = directory_in_folder(image_workdir, &mappings).unwrap_or_default();
    let words = image_command(facts)?;
    let words = match words.as_slice() {
        [shell, flag, script] if is_shell(shell) && flag == "-c" => match simple_words(script) {
            Some(words) => words,
            None => {
                return Some(shell_command(
                    script,
                    image_workdir,
                    &workdir,
                    &mappings,
                    snapshot,
                    facts,
                ));
            }
        },
        _ => words,
    };
    let words = without_wrapper(words);
    let (program, arguments) = words.split_first()?;
    let translate = |word: &str| translate(word, image_workdir, &workdir, &mappings, snapshot);
    let mut command = vec![self::program(program, &translate)?];
    command.extend(arguments.iter().map(|word| translate(word)));
    Some(ProcessCommand {
        command,
        workdir: workdir.clone(),
        env: environment(facts, image_workdir, &mappings),
    })
}

/// ENTRYPOINT and CMD put together as the engine does.
fn image_command(facts: &DockerfileFacts) -> Option<Vec<String>> {
    let shell = |text: &str| vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()];
    let words = match (&facts.entrypoint, &facts.cmd) {
        (Some(CommandForm::Shell(text)), _) | (None, Some(CommandForm::Shell(text))) => shell(text),
        (Some(CommandForm::Exec(entry)), Some(CommandForm::Exec(cmd))) => {
            entry.iter().chain(cmd).cloned().collect()
        }
        (Some(CommandForm::Exec(entry)), Some(CommandForm::Shell(text))) => {
            entry.iter().cloned().chain(shell(text)).collect()
        }
        (Some(CommandForm::Exec(words)), None) | (None, Some(CommandForm::Exec(words))) => {
            words.clone()
        }
        (None, None) => return None,
    };
    (!words.is_empty() && words.iter().any(|word| !word.is_empty())).then_some(words)
}

fn is_shell(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("sh" | "bash" | "ash"))
}

/// The words of a script that is one plain command: no shell is needed, and stopping it reaches the program itself.
fn simple_words(script: &str) -> Option<Vec<String>> {
    let script = script.trim();
    let script = script.strip_prefix("exec ").unwrap_or(script);
    let needs_shell = |character: char| "|&;<>`(*?{~#\n".contains(character);
    let words = split_words(script);
    let assigns = words.first().is_none_or(|first| first.contains('='));
    // The runtime replaces these two; any other variable is the shell's to know.
    let unknown = |word: &String| word.replace("$PORT", "").replace("$HOST", "").contains('$');
    (!script.contains(needs_shell) && !assigns && !words.iter().any(unknown)).then_some(words)
}

fn shell_command(
    script: &str,
    image_workdir: &str,
    workdir: &str,
    mappings: &[Mapping],
    snapshot: &Snapshot,
    facts: &DockerfileFacts,
) -> ProcessCommand {
    let words: Vec<String> = script
        .split(' ')
        .map(|word| translate(word, image_workdir, workdir, mappings, snapshot))
        .collect();
    ProcessCommand {
        command: vec!["sh".to_owned(), "-c".to_owned(), words.join(" ")],
        workdir: workdir.to_owned(),
        env: environment(facts, image_workdir, mappings),
    }
}

/// Takes off programs that only prepare an environment (`uv run`, `poetry run`, `tini --`): the runtime prepares its own.
pub fn without_wrapper(words: Vec<String>) -> Vec<String> {
    let name = |index: usize| {
        words
            .get(index)
            .map(|word| word.rsplit('/').next().unwrap_or(word))
    };
    let skip = match (name(0), name(1)) {
        (Some("uv" | "poetry" | "pdm" | "pipenv" | "hatch" | "rye"), Some("run")) => {
            let mut skip = 2;
            while let Some(flag) = words.get(skip).filter(|word| word.starts_with('-')) {
                let takes_value = matches!(
                    flag.as_str(),
                    "--with"
                        | "--python"
                        | "-p"
                        | "--directory"
                        | "--project"
                        | "--env-file"
                        | "--extra"
                        | "--group"
                );
                skip += if takes_value { 2 } else { 1 };
                if flag == "--" {
                    break;
                }
            }
            skip
        }
        (Some("tini" | "dumb-init" | "catatonit"), _) => {
            1 + words
                .iter()
                .skip(1)
                .take_while(|word| word.starts_with('-'))
                .count()
        }
        (Some("opentelemetry-instrument"), Some(next)) if !next.starts_with('-') => 1,
        (Some("exec" | "env"), Some(next)) if !next.starts_with('-') && !next.contains('=') => 1,
        _ => return words,
    };
    let rest: Vec<String> = words.iter().skip(skip).cloned().collect();
    match rest.first() {
        None => words,
        Some(script) if has_extension(script, "py") => {
            std::iter::once("python".to_owned()).chain(rest).collect()
        }
        Some(_) => without_wrapper(rest),
    }
}

/// The program's name on this machine, or `None` when it is built within the image.
fn program(program: &str, translate: &dyn Fn(&str) -> String) -> Option<String> {
    let name = program.rsplit('/').next().unwrap_or(program);
    let is_python = name == "python"
        || name.strip_prefix("python3").is_some_and(|version| {
            version
                .chars()
                .all(|character| matches!(character, '0'..='9' | '.'))
        });
    if is_python {
        return Some("python".to_owned());
    }
    if !program.contains('/') {
        return Some(program.to_owned());
    }
    let from_environment = program.contains("venv/bin/") || program.contains("/.local/bin/");
    if from_environment
        || SYSTEM_FOLDERS
            .iter()
            .any(|folder| program.strip_prefix(folder) == Some(name))
    {
        return Some(name.to_owned());
    }
    let translated = translate(program);
    if translated.starts_with('/') {
        return None;
    }
    let translated = translated.trim_start_matches("./");
    Some(format!("./{translated}"))
}

/// Where the files of the image come from, later copies first.
fn mappings(facts: &DockerfileFacts, snapshot: &Snapshot) -> Vec<Mapping> {
    let mut mappings = Vec::new();
    for copy in facts.image_copies().filter(|copy| copy.from.is_none()) {
        let into_directory = copy.dest.ends_with('/') || copy.sources.len() > 1;
        let dest = copy.dest.trim_end_matches('/');
        for source in &copy.sources {
            let folder = source
                .trim_start_matches("./")
                .trim_start_matches('/')
                .trim_end_matches('/');
            let folder = if folder == "." { "" } else { folder };
            let image = if snapshot.has_directory(folder) {
                mappings.push(Mapping {
                    image: dest.to_owned(),
                    folder: folder.to_owned(),
                    is_directory: true,
                });
                continue;
            } else if into_directory {
                format!("{dest}/{}", folder.rsplit('/').next().unwrap_or(folder))
            } else {
                dest.to_owned()
            };
            if snapshot.file(folder).is_some() {
                mappings.push(Mapping {
                    image,
                    folder: folder.to_owned(),
                    is_directory: false,
                });
            }
        }
    }
    mappings.reverse();
    mappings
}

/// Where a path of the image is in the folder.
fn in_folder(image: &str, mappings: &[Mapping], snapshot: &Snapshot) -> Option<String> {
    let there = |path: &str| snapshot.file(path).is_some() || snapshot.has_directory(path);
    mappings.iter().find_map(|mapping| {
        let rest = image.strip_prefix(mapping.image.as_str())?;
        if !mapping.is_directory {
            return rest.is_empty().then(|| mapping.folder.clone());
        }
        let path = match rest.strip_prefix('/') {
            Some(rest) if mapping.folder.is_empty() => rest.to_owned(),
            Some(rest) => format!("{}/{rest}", mapping.folder),
            None if rest.is_empty() => mapping.folder.clone(),
            None => return None,
        };
        there(&path).then_some(path)
    })
}

/// The folder that stands for a directory of the image; where several copies make it up, the one that keeps their places.
fn directory_in_folder(image: &str, mappings: &[Mapping]) -> Option<String> {
    let within = |mapping: &Mapping| {
        let rest = image.strip_prefix(mapping.image.as_str())?;
        if !mapping.is_directory || !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        Some(
            format!("{}{rest}", mapping.folder)
                .trim_start_matches('/')
                .to_owned(),
        )
    };
    let keeps_place = |mapping: &Mapping| {
        !mapping.folder.is_empty() && mapping.image == format!("{image}/{}", mapping.folder)
    };
    mappings
        .iter()
        .find_map(within)
        .or_else(|| mappings.iter().any(keeps_place).then(String::new))
}

/// A word of the command with paths of the image made paths of the folder, relative to the working directory.
fn translate(
    word: &str,
    image_workdir: &str,
    workdir: &str,
    mappings: &[Mapping],
    snapshot: &Snapshot,
) -> String {
    if word.is_empty() || word.starts_with('-') || word == "." || word.contains("://") {
        return word.to_owned();
    }
    let image = if word.starts_with('/') {
        word.to_owned()
    } else {
        format!("{image_workdir}/{}", word.trim_start_matches("./"))
    };
    match in_folder(image.trim_end_matches('/'), mappings, snapshot) {
        Some(folder) => relative(&folder, workdir),
        None => word.to_owned(),
    }
}

/// The way from one folder to a path, both relative to the root.
fn relative(path: &str, from: &str) -> String {
    let from: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right)
        .count();
    let up = std::iter::repeat_n("..", from.len() - shared);
    let way: Vec<&str> = up.chain(to.iter().skip(shared).copied()).collect();
    if way.is_empty() {
        ".".to_owned()
    } else {
        way.join("/")
    }
}

fn environment(
    facts: &DockerfileFacts,
    image_workdir: &str,
    mappings: &[Mapping],
) -> IndexMap<String, String> {
    let workdir = directory_in_folder(image_workdir, mappings).unwrap_or_default();
    facts
        .env
        .iter()
        .filter(|(name, _)| !IMAGE_VARIABLES.contains(&name.as_str()))
        .map(|(name, value)| {
            let local = |part: &str| {
                let inside = part
                    .starts_with('/')
                    .then(|| directory_in_folder(part.trim_end_matches('/'), mappings))
                    .flatten();
                inside.map_or_else(|| part.to_owned(), |inside| relative(&inside, &workdir))
            };
            let value = if name.ends_with("PATH") {
                value.split(':').map(local).collect::<Vec<_>>().join(":")
            } else {
                local(value)
            };
            (name.clone(), value)
        })
        .collect()
}
