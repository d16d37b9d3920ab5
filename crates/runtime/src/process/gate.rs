//! The gate of Python programs: the module that Python imports at its start, and the programs that come to it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::command::Invocation;
use crate::error::RuntimeError;

/// Loads dependencies and waits; described in the file itself.
const SITECUSTOMIZE: &str = include_str!("../gate/sitecustomize.py");
const FILE: &str = "sitecustomize.py";
/// Names the modules to load and makes the program wait.
#[cfg(unix)]
pub(super) const PRELOAD_VARIABLE: &str = "NASIKO_PRELOAD";
/// How much of a program is read to learn what runs it.
const LONGEST_SHEBANG: u64 = 1024;

/// Writes the module below `home` and returns the folder to name first in `PYTHONPATH`; none where that variable cannot
/// name it.
pub(super) fn install(home: &Path) -> Result<Option<PathBuf>, RuntimeError> {
    let folder = home.join("gate");
    if std::env::join_paths([&folder]).is_err() {
        tracing::warn!(folder = %folder.display(), "Python programs cannot wait: their search path cannot name this folder");
        return Ok(None);
    }
    let path = folder.join(FILE);
    if fs::read(&path).is_ok_and(|present| present == SITECUSTOMIZE.as_bytes()) {
        return Ok(Some(folder));
    }
    let beside = folder.join("sitecustomize.py.new");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&beside, SITECUSTOMIZE))
        .and_then(|()| fs::rename(&beside, &path))
        .map_err(RuntimeError::file("writing", &path))?;
    Ok(Some(folder))
}

/// Whether this is Python, directly or as a script of an environment, and comes to the gate before it reads any code of
/// its own.
pub(super) fn comes_to(invocation: &Invocation) -> bool {
    let Ok(head) = head(&invocation.program) else {
        return false;
    };
    let Some(line) = head.strip_prefix("#!") else {
        return is_interpreter(&invocation.program)
            && reads_path(invocation.arguments.iter().map(String::as_str)) == Some(true);
    };
    // The installers' way around paths that are too long for a first line, or that hold spaces.
    let by_shell = line
        .strip_prefix("/bin/sh\n'''exec' ")
        .and_then(|command| command.split_once(" \"$0\" \"$@\""));
    if let Some((interpreter, _)) = by_shell {
        return is_interpreter(Path::new(interpreter.trim_matches('"')));
    }
    let mut words = line
        .lines()
        .next()
        .unwrap_or_default()
        .split_ascii_whitespace();
    let mut interpreter = words.next().unwrap_or_default();
    if interpreter.ends_with("/env") {
        interpreter = words.next().unwrap_or_default();
    }
    is_interpreter(Path::new(interpreter)) && reads_path(words) != Some(false)
}

/// The beginning of a file, as text as far as it is.
fn head(program: &Path) -> std::io::Result<String> {
    let mut head = Vec::new();
    fs::File::open(program)?
        .take(LONGEST_SHEBANG)
        .read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// `python`, `python3`, `python3.12`.
fn is_interpreter(program: &Path) -> bool {
    program
        .file_name()
        .and_then(|name| name.to_str()?.strip_prefix("python"))
        .is_some_and(|version| {
            version
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        })
}

/// Whether Python with these arguments reads `PYTHONPATH` and looks for what it should import at its start. None when
/// they name nothing to run.
fn reads_path<'a>(mut arguments: impl Iterator<Item = &'a str>) -> Option<bool> {
    while let Some(argument) = arguments.next() {
        let Some(options) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
            // `-` is a program on standard input, which is the gate.
            return (argument != "-").then_some(true);
        };
        if options.starts_with('-') {
            if options == "-check-hash-based-pycs" {
                arguments.next();
            }
            continue;
        }
        for (index, option) in options.char_indices() {
            match option {
                'I' | 'E' | 'S' => return Some(false),
                'c' | 'm' => return Some(true),
                'W' | 'X' => {
                    if index + 1 == options.len() {
                        arguments.next();
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(program: &Path, arguments: &[&str]) -> bool {
        comes_to(&Invocation {
            program: program.to_owned(),
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        })
    }

    #[test]
    fn only_a_python_that_imports_at_its_start_comes_to_the_gate() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["python", "python3", "python3.12"] {
            let python = folder.path().join(name);
            std::fs::write(&python, b"\x7fELF").unwrap();
            for arguments in [
                &["main.py"][..],
                &["-m", "agent", "-S"],
                &["-u", "-W", "error", "main.py"],
                &["-Xdev", "-c", "pass"],
            ] {
                assert!(check(&python, arguments), "{arguments:?}");
            }
            for arguments in [
                &[][..],
                &["-"],
                &["-u"],
                &["-I", "main.py"],
                &["-uS", "main.py"],
                &["-X", "dev", "-E", "-m", "agent"],
            ] {
                assert!(!check(&python, arguments), "{arguments:?}");
            }
        }
        let other = folder.path().join("pythonic");
        std::fs::write(&other, b"\x7fELF").unwrap();
        assert!(!check(&other, &["main.py"]));
        assert!(!check(&folder.path().join("absent"), &["main.py"]));
    }

    #[test]
    fn a_script_comes_to_the_gate_when_python_runs_it() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("#!/venv/bin/python\nimport sys", true),
            ("#!/venv/bin/python3.11 -u\n", true),
            ("#!/usr/bin/env python3\n", true),
            (
                "#!/bin/sh\n'''exec' \"/my home/bin/python\" \"$0\" \"$@\"\n' '''\n",
                true,
            ),
            ("#!/venv/bin/python -I\n", false),
            ("#!/bin/sh\nexec python main.py\n", false),
            ("#!/usr/bin/env bash\n", false),
            ("#!/usr/bin/env node\n", false),
            ("#!", false),
            ("", false),
        ] {
            // Also one that is named as the interpreter itself, which some version switchers do.
            for name in ["agent", "python3"] {
                let script = folder.path().join(name);
                std::fs::write(&script, text).unwrap();
                let expected = expected || (text.is_empty() && name == "python3");
                assert_eq!(check(&script, &["main:app"]), expected, "{name}: {text}");
            }
        }
    }

    #[test]
    fn the_module_is_written_once_and_replaced_when_it_differs() {
        let home = tempfile::tempdir().unwrap();
        let path = install(home.path()).unwrap().unwrap().join(FILE);
        std::fs::write(&path, "outdated").unwrap();
        install(home.path()).unwrap();
        let written = std::fs::metadata(&path).unwrap().modified().unwrap();
        install(home.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SITECUSTOMIZE);
        assert_eq!(
            std::fs::metadata(&path).unwrap().modified().unwrap(),
            written
        );
        assert!(install(Path::new("/a:b")).unwrap().is_none());
    }
}
