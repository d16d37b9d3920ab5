//! Programs that take their port and address as options, whatever the environment says.

use crate::describe::Entry;
use crate::describe::entry::join;
use crate::describe::folder::Folder;
use crate::text::has_extension;

/// Hands the port and the address to a program that takes them as options.
pub(super) fn with_options(folder: &Folder<'_>, file: &str, mut entry: Entry) -> Entry {
    entry.command = append_options(folder, file, entry.command);
    entry
}

/// As above, for a command of which only the words are known.
pub(in crate::describe) fn with_port_options(
    folder: &Folder<'_>,
    workdir: &str,
    command: Vec<String>,
) -> Vec<String> {
    if command.first().is_none_or(|program| program != "python") {
        return command;
    }
    let words: Vec<&str> = command.iter().skip(1).map(String::as_str).collect();
    let file = match words.as_slice() {
        ["-m", module, ..] => {
            let path = module.replace('.', "/");
            [format!("{path}/__main__.py"), format!("{path}.py")]
                .into_iter()
                .map(|path| join(workdir, &path))
                .find(|path| folder.has(path))
        }
        [script, ..] if has_extension(script, "py") => Some(join(workdir, script)),
        [directory, ..] if !directory.starts_with('-') => {
            let directory = directory.trim_start_matches('.');
            Some(join(workdir, &join(directory, "__main__.py")))
        }
        _ => None,
    };
    match file {
        Some(file) => append_options(folder, &file, command),
        None => command,
    }
}

fn append_options(folder: &Folder<'_>, file: &str, mut command: Vec<String>) -> Vec<String> {
    let Some(text) = folder.read(file) else {
        return command;
    };
    for (option, value) in [("--host", "$HOST"), ("--port", "$PORT")] {
        let declared = [format!("\"{option}\""), format!("'{option}'")]
            .iter()
            .any(|quoted| text.contains(quoted.as_str()));
        let given = command
            .iter()
            .any(|word| word == option || word.starts_with(&format!("{option}=")));
        if declared && !given && is_option_declaration(&text, option) {
            command.extend([option.to_owned(), value.to_owned()]);
        }
    }
    command
}

/// Whether the option is declared for the program itself (`click`, `argparse`, `typer`), not handed to another.
fn is_option_declaration(text: &str, option: &str) -> bool {
    text.lines()
        .filter(|line| line.contains(option))
        .any(|line| {
            line.contains("option(") || line.contains("add_argument(") || line.contains("Option(")
        })
}
