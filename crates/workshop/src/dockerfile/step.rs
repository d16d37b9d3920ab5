//! The options of `COPY`, `ADD` and `RUN`, and what a `RUN` runs.

use parse_dockerfile::{Command, Flag, JsonOrStringArray, RunInstruction};

use super::read::absolute;
use super::{CommandForm, CopyOptions, MountFact};

/// Whether a shell's scripts are read as those of `sh`.
pub(super) fn is_usual_shell(program: &str) -> bool {
    matches!(
        program.rsplit('/').next(),
        Some("sh" | "bash" | "ash" | "dash")
    )
}

/// The options of a copy but `--from`.
pub(super) fn copy_options(flags: &[Flag<'_>], expand: impl Fn(&str) -> String) -> CopyOptions {
    let mut options = CopyOptions::default();
    for flag in flags {
        let value = flag.value.as_ref().map(|value| expand(&value.value));
        let is_set = value.as_deref() != Some("false");
        match (&*flag.name.value, value) {
            ("chown", value) => options.chown = value,
            ("chmod", value) => options.chmod = value,
            ("exclude", value) => options.exclude.extend(value),
            ("link", _) => options.link = is_set,
            ("parents", _) => options.parents = is_set,
            // They concern what is fetched, not what is copied out of the folder.
            ("from" | "keep-git-dir" | "checksum", _) => {}
            (name, _) => {
                options.other.get_or_insert_with(|| name.to_owned());
            }
        }
    }
    options
}

/// What a `RUN` reads without a copy: its bind mounts.
pub(super) fn mounts(
    flags: &[Flag<'_>],
    workdir: Option<&str>,
    expand: impl Fn(&str) -> String,
) -> Vec<MountFact> {
    let given = flags.iter().filter(|flag| flag.name.value == "mount");
    given
        .filter_map(|flag| {
            let text = expand(&flag.value.as_ref()?.value);
            let value = |names: &[&str]| {
                let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
                pairs
                    .into_iter()
                    .find(|(name, _)| names.contains(name))
                    .map(|(_, value)| value.trim_matches('"').to_owned())
            };
            let kind = value(&["type"]);
            let from = value(&["from"]);
            let source = value(&["source", "src"]).unwrap_or_default();
            // A cache may begin with the content of a stage.
            let reads = kind.as_deref().is_none_or(|kind| kind == "bind") || from.is_some();
            reads.then(|| MountFact {
                target: absolute(
                    workdir,
                    &value(&["target", "dst", "destination"]).unwrap_or_default(),
                ),
                source,
                from,
            })
        })
        .collect()
}

/// What it runs. Lines that a backslash continues are one, comments between them are dropped.
pub(super) fn script(run: &RunInstruction<'_>) -> CommandForm {
    match &run.arguments {
        Command::Exec(words) => CommandForm::Exec(
            words
                .value
                .iter()
                .map(|word| word.value.clone().into_owned())
                .collect(),
        ),
        Command::Shell(text) => {
            let text = joined(text.value);
            match run.here_docs.as_slice() {
                [] => CommandForm::Shell(text),
                // The document itself is the script.
                [only] if is_here_doc_alone(&text) => CommandForm::Shell(joined(&only.value)),
                // Marks that the command reads a document stay in its text.
                _ => CommandForm::Shell(if text.contains("<<") {
                    text
                } else {
                    format!("{text} <<")
                }),
            }
        }
        _ => CommandForm::Shell("<<".to_owned()),
    }
}

fn is_here_doc_alone(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().trim();
    first.is_empty() || (first.starts_with("<<") && !first.contains(char::is_whitespace))
}

fn joined(text: &str) -> String {
    let mut script = String::with_capacity(text.len());
    for line in text.lines() {
        if line.trim_start().starts_with('#') && !line.starts_with("#!") {
            continue;
        }
        match line.trim_end().strip_suffix('\\') {
            Some(begun) => {
                script.push_str(begun);
                script.push(' ');
            }
            None => {
                script.push_str(line);
                script.push('\n');
            }
        }
    }
    script.truncate(script.trim_end().len());
    script
}

/// The words of an array or a text.
pub(super) fn words<const N: usize>(array: &JsonOrStringArray<'_, N>) -> Vec<String> {
    let words = match array {
        JsonOrStringArray::Json(words) => &words.value,
        JsonOrStringArray::String(words) => words,
    };
    words
        .iter()
        .map(|word| word.value.clone().into_owned())
        .collect()
}
