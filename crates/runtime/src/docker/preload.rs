//! Which programs can be started ahead of their files. Pure.
//!
//! Python imports a module of ours before anything else, so that it can load dependencies and wait. That holds for a
//! command that *is* Python: a script that does something before it starts Python would do it too early.

/// Programs that are Python, beside `python` and `pypy` in all their versions.
const SERVERS: [&str; 9] = [
    "uvicorn",
    "gunicorn",
    "hypercorn",
    "daphne",
    "granian",
    "flask",
    "fastapi",
    "waitress-serve",
    "streamlit",
];
/// First processes that start what follows them and do nothing else.
const INITS: [&str; 2] = ["tini", "dumb-init"];
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];
/// Start something else, which may be told by files that are still to come.
const LAUNCHERS: [&str; 6] = ["env", "uv", "pdm", "poetry", "pipenv", "node"];
/// What makes more than one command of a shell's text, or something else of its words.
const SHELL_SYNTAX: [char; 13] = [
    ';', '&', '|', '<', '>', '\n', '$', '`', '(', ')', '"', '\'', '\\',
];
/// Python's options that leave our module out, alone or among others: `-S`, `-I`, `-E`.
const WITHOUT_OURS: [char; 3] = ['S', 'I', 'E'];

/// Whether the command is a Python program that will wait. With `told` the caller knows that it is Python in the end,
/// whatever it is called.
pub(super) fn can_wait(command: &[String], told: bool) -> bool {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let words = without_init(&words);
    let (Some(first), rest) = (words.first(), words.get(1..).unwrap_or_default()) else {
        return false;
    };
    let name = base_name(first);
    if SHELLS.contains(&name) {
        return match rest {
            ["-c", text] => single_command(text).is_some_and(|words| is_python(&words)),
            _ => false,
        };
    }
    // A program of some package, found by its name; a path is more likely a script that prepares something.
    let is_package = !first.contains(['/', '.']) && !LAUNCHERS.contains(&name);
    is_python(words) || (told && is_package && !is_interpreter(name))
}

fn without_init<'a, 'b>(words: &'a [&'b str]) -> &'a [&'b str] {
    match words.split_first() {
        Some((first, rest)) if INITS.contains(&base_name(first)) => {
            let options = rest.iter().take_while(|word| word.starts_with('-')).count();
            rest.get(options..).unwrap_or_default()
        }
        _ => words,
    }
}

/// The words of a shell's text that is one command, whose words are what they look like.
fn single_command(text: &str) -> Option<Vec<&str>> {
    let text = text.trim();
    let text = text.strip_prefix("exec ").unwrap_or(text);
    // The port is put in before: of variables only this one is common.
    let syntax = text
        .replace("${PORT}", "")
        .replace("$PORT", "")
        .contains(SHELL_SYNTAX);
    (!syntax).then(|| text.split_whitespace().collect())
}

fn is_python(words: &[&str]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return false;
    };
    let name = base_name(first);
    if SERVERS.contains(&name) {
        return true;
    }
    let mut options = rest
        .iter()
        .take_while(|word| word.starts_with('-') && **word != "-m" && **word != "-c");
    is_interpreter(name)
        && !options.any(|option| !option.starts_with("--") && option.contains(WITHOUT_OURS))
}

fn is_interpreter(name: &str) -> bool {
    ["python", "pypy"].iter().any(|interpreter| {
        let version = name.strip_prefix(interpreter);
        version.is_some_and(|version| {
            version
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
    })
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &[&str], told: bool, expected: bool) {
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(
            can_wait(&command, told),
            expected,
            "{command:?}, told {told}"
        );
    }

    #[test]
    fn python_waits_and_what_does_something_before_it_does_not() {
        for told in [false, true] {
            for command in [
                &["python", "main.py"][..],
                &["/usr/local/bin/python3.11", "-u", "-m", "agent"],
                &["pypy3", "main.py"],
                &["uvicorn", "main:app", "--port", "8000"],
                &["tini", "-g", "--", "python", "main.py"],
                &["/bin/sh", "-c", "python main.py --port ${PORT}"],
                &["bash", "-c", "exec uvicorn main:app"],
            ] {
                check(command, told, true);
            }
            for command in [
                &[][..],
                &["python", "-S", "main.py"],
                &["python", "-uI", "main.py"],
                &["sh", "-c", "python -E main.py"],
                &["sh", "-c", "cp template config && python main.py"],
                &["sh", "-c", "MODE=$(cat mode) python main.py"],
                &["sh", "start.sh"],
                &["/app/start"],
                &["docker-entrypoint.sh", "python", "main.py"],
                &["uv", "run", "main.py"],
                &["node", "main.js"],
                &["tini", "--"],
            ] {
                check(command, told, false);
            }
        }
    }

    #[test]
    fn a_command_of_any_name_waits_where_it_is_known_to_be_python() {
        check(&["my-agent", "serve"], false, false);
        check(&["my-agent", "serve"], true, true);
    }
}
