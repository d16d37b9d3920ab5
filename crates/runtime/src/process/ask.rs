//! Asking a program of this machine one short question, such as its version.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::base_environment::{BaseEnvironment, find_program};

/// How long the answer may take: a wrapper in front of a program looks for it first.
const LIMIT: Duration = Duration::from_secs(6);

/// A program of this machine, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTool {
    /// Where it is.
    pub path: PathBuf,
    /// Its first line; or why there is none, in its own words or the system's.
    pub answer: Result<String, String>,
}

/// Finds a program as package tools are found and runs it with these words, in an environment as package tools get it. None if
/// there is no such program. Bounded in time; dropping the future ends the program.
pub async fn ask_tool(
    name: &str,
    words: &[&str],
    environment: &[(OsString, OsString)],
) -> Option<FoundTool> {
    let base = BaseEnvironment::new(environment.iter().cloned());
    let path = find_program(name, &base.path())?;
    let running = Command::new(&path)
        .args(words)
        .env_clear()
        .envs(base.for_tools())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let answer = match tokio::time::timeout(LIMIT, running).await {
        Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(output)) if output.status.success() => Ok(line(&output.stdout, false)),
        Ok(Ok(output)) => Err(match line(&output.stderr, true) {
            said if said.is_empty() => output.status.to_string(),
            said => said,
        }),
    };
    Some(FoundTool { path, answer })
}

/// The first or the last line that says something.
fn line(output: &[u8], last: bool) -> String {
    let text = String::from_utf8_lossy(output);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let found = if last {
        lines.next_back()
    } else {
        lines.next()
    };
    found.unwrap_or_default().to_owned()
}
