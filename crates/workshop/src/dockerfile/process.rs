//! What the command of an image would be on this machine, in the folder instead of the image.

use indexmap::IndexMap;

use super::layout::Layout;
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

/// Interprets `WORKDIR`, `ENV`, `ENTRYPOINT` and `CMD` for a local process. `None` when there is no command, or when its program
/// only comes to be in a build stage.
pub fn command_for_process(facts: &DockerfileFacts, snapshot: &Snapshot) -> Option<ProcessCommand> {
    let layout = Layout::new(facts, snapshot);
    let words = image_command(facts)?;
    let command = match words.as_slice() {
        [shell, flag, script] if is_shell(shell) && flag == "-c" => match simple_words(script) {
            Some(words) => plain_command(words, &layout)?,
            None => shell_command(script, &layout),
        },
        _ => plain_command(words, &layout)?,
    };
    let env = environment(facts, &layout);
    Some(ProcessCommand {
        command,
        workdir: layout.workdir,
        env,
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
    // Their defaults never count: the runtime always sets these two.
    let script = without_default(&without_default(script.trim(), "PORT"), "HOST");
    let script = script.strip_prefix("exec ").unwrap_or(&script);
    let needs_shell = |character: char| "|&;<>`(*?{~#\n".contains(character);
    let words = split_words(script);
    let assigns = words.first().is_none_or(|first| first.contains('='));
    // The runtime replaces these two; any other variable is the shell's to know.
    let unknown = |word: &String| word.replace("$PORT", "").replace("$HOST", "").contains('$');
    (!script.contains(needs_shell) && !assigns && !words.iter().any(unknown)).then_some(words)
}

/// `${NAME:-default}` and `${NAME}` as `$NAME`.
fn without_default(script: &str, name: &str) -> String {
    let mut result = String::with_capacity(script.len());
    let mut rest = script;
    let open = format!("${{{name}");
    while let Some((before, from)) = rest.split_once(open.as_str()) {
        let expression = from.split_once('}');
        let Some((_, after)) =
            expression.filter(|(inner, _)| inner.is_empty() || inner.starts_with([':', '-']))
        else {
            break;
        };
        result.push_str(before);
        result.push('$');
        result.push_str(name);
        rest = after;
    }
    result.push_str(rest);
    result
}

fn plain_command(words: Vec<String>, layout: &Layout<'_>) -> Option<Vec<String>> {
    let words = without_wrapper(words);
    let (program, arguments) = words.split_first()?;
    let program = local_program(program, layout)?;
    Some(
        std::iter::once(program)
            .chain(arguments.iter().map(|word| layout.word(word)))
            .collect(),
    )
}

fn shell_command(script: &str, layout: &Layout<'_>) -> Vec<String> {
    let words: Vec<String> = script.split(' ').map(|word| layout.word(word)).collect();
    vec!["sh".to_owned(), "-c".to_owned(), words.join(" ")]
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
fn local_program(program: &str, layout: &Layout<'_>) -> Option<String> {
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
    let translated = layout.word(program);
    if translated.starts_with('/') {
        return None;
    }
    let translated = translated.trim_start_matches("./");
    Some(format!("./{translated}"))
}

fn environment(facts: &DockerfileFacts, layout: &Layout<'_>) -> IndexMap<String, String> {
    let kept = facts
        .env
        .iter()
        .filter(|(name, _)| !IMAGE_VARIABLES.contains(&name.as_str()));
    kept.map(|(name, value)| {
        let parts: Vec<String> = if name.ends_with("PATH") {
            value.split(':').map(|part| layout.value(part)).collect()
        } else {
            vec![layout.value(value)]
        };
        (name.clone(), parts.join(":"))
    })
    .collect()
}
