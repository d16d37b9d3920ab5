//! From the command as written to the program that is started: placeholders, interpreters, where programs are found.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::base_environment::{find_program, is_executable};
use crate::error::RuntimeError;
use crate::placeholder;

/// The address agents of this machine are told to listen on.
pub(super) const HOST: &str = "127.0.0.1";

/// A program that exists, and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
}

/// Resolves a command.
///
/// `interpreter` stands for `python` and `python3`; a program with a slash is looked up in `workdir`, any other in `path`.
pub(super) fn resolve(
    command: &[String],
    port: u16,
    workdir: &Path,
    path: &OsStr,
    interpreter: Option<&Path>,
) -> Result<Invocation, RuntimeError> {
    let (name, arguments) = command
        .split_first()
        .ok_or_else(|| RuntimeError::InvalidSpec {
            message: "the command is empty".to_owned(),
        })?;
    let name = placeholder::replace(name, HOST, port);
    let program = match interpreter {
        Some(interpreter) if is_python(&name) => interpreter.to_owned(),
        _ if name.contains('/') => {
            let program = workdir.join(&name);
            if !is_executable(&program) {
                return Err(missing(&name));
            }
            program
        }
        _ => find_program(&name, path).ok_or_else(|| missing(&name))?,
    };
    Ok(Invocation {
        program,
        arguments: arguments
            .iter()
            .map(|argument| placeholder::replace(argument, HOST, port))
            .collect(),
    })
}

/// Whether a program is Python by its usual names.
pub(super) fn is_python(name: &str) -> bool {
    matches!(name, "python" | "python3")
}

fn missing(tool: &str) -> RuntimeError {
    RuntimeError::ToolMissing {
        tool: tool.to_owned(),
        hint: how_to_install(tool),
    }
}

/// What to do about a program that is not there.
pub(super) fn how_to_install(tool: &str) -> String {
    let known = match tool {
        "python" | "python3" => "Install Python 3 from python.org or with the system's packages",
        "node" | "npm" | "npx" => "Install Node.js from nodejs.org or with the system's packages",
        "uv" => "Install uv: see docs.astral.sh/uv",
        "go" => "Install Go from go.dev",
        "cargo" => "Install Rust from rustup.rs",
        "java" | "mvn" | "gradle" => "Install a Java development kit and the project's build tool",
        "docker" => "Install Docker",
        other if other.contains('/') => {
            return format!("Check that {other} exists in the agent's folder and may be executed");
        }
        other => {
            return format!(
                "Install {other}, name it in the agent's requirements, or run the agent in Docker, where its image brings it"
            );
        }
    };
    format!("{known}, or run the agent in Docker, where its image brings it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        let error = resolve(
            &["node".into(), "x.js".into()],
            1,
            empty.path(),
            empty.path().as_os_str(),
            None,
        )
        .unwrap_err();
        let RuntimeError::ToolMissing { tool, hint } = error else {
            panic!("{error}")
        };
        assert_eq!(tool, "node");
        assert!(hint.contains("Node.js"), "{hint}");
    }

    #[test]
    fn python_means_the_given_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let command = [
            "python".into(),
            "main.py".into(),
            "--port".into(),
            "$PORT".into(),
        ];
        let resolved = resolve(
            &command,
            7,
            folder.path(),
            OsStr::new(""),
            Some(Path::new("/env/bin/python")),
        )
        .unwrap();
        assert_eq!(resolved.program, Path::new("/env/bin/python"));
        assert_eq!(resolved.arguments, ["main.py", "--port", "7"]);
    }
}
