//! Clones a repository with the `git` program: shallow, without a prompt, with a limit and a cancel.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::source::git_display;
use super::{IntakeProgress, Limits};
use crate::error::WorkshopError;

/// Lines of its error output that are kept.
const KEPT_LINES: usize = 20;
/// The longest line that is read.
const LONGEST_LINE: usize = 4096;

/// Clones into the new folder `target`. `git` is ended on cancel, at the limit and when the future is dropped.
pub(super) async fn clone(
    url: &str,
    branch: Option<&str>,
    target: &Path,
    limits: &Limits,
    progress: &(dyn Fn(IntakeProgress) + Send + Sync),
    cancel: &CancellationToken,
) -> Result<(), WorkshopError> {
    let mut command = Command::new("git");
    command.args([
        "clone",
        "--depth",
        "1",
        "--single-branch",
        "--no-tags",
        "--progress",
    ]);
    if let Some(branch) = branch {
        command.arg(format!("--branch={branch}"));
    }
    command
        .arg("--")
        .arg(url)
        .arg(target)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS", "")
        .env("GIT_ALLOW_PROTOCOL", "https:ssh:git:file")
        .env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A group of its own: `git` has helpers that would outlive it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => WorkshopError::ToolMissing { tool: "git" },
        _ => WorkshopError::io("Starting git for", target, error),
    })?;
    let mut unfinished = Unfinished {
        target,
        group: child.id(),
    };
    let stderr = child.stderr.take();
    let work = async {
        let lines = match stderr {
            Some(stderr) => read_progress(stderr, progress).await,
            None => VecDeque::new(),
        };
        (child.wait().await, lines)
    };
    let outcome = tokio::select! {
        (status, lines) = work => match status {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(WorkshopError::GitFailed { url: git_display(url), stderr: redacted(lines, url) }),
            Err(error) => Err(WorkshopError::io("Waiting for git to clone", target, error)),
        },
        () = cancel.cancelled() => Err(WorkshopError::Cancelled),
        () = tokio::time::sleep(limits.clone_time) => {
            Err(WorkshopError::GitTimedOut { url: git_display(url), seconds: limits.clone_time.as_secs() })
        }
    };
    match outcome {
        Ok(()) => unfinished.keep(),
        Err(_) => {
            // Ended before its folder is removed, so that it writes no more; `None` when it has ended by itself.
            unfinished.group = child.id();
            unfinished.kill();
            drop(child.wait().await);
        }
    }
    outcome
}

/// A clone that did not come to its end: when dropped, `git` and its helpers are killed and their folder is removed.
struct Unfinished<'a> {
    target: &'a Path,
    /// The group's leader, as long as it has not been waited for.
    group: Option<u32>,
}

impl Unfinished<'_> {
    fn kill(&mut self) {
        let group = self.group.take().and_then(|id| i32::try_from(id).ok());
        #[cfg(unix)]
        if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
            // It may have ended meanwhile.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        #[cfg(not(unix))]
        let _: Option<i32> = group;
    }

    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.kill();
        // Best effort: the failure that led here is the one to tell.
        drop(fs_err::remove_dir_all(self.target));
    }
}

/// Reads what `git` writes: progress ends in a carriage return, messages in a line feed. Returns the last messages.
async fn read_progress(
    stderr: impl AsyncRead + Unpin,
    progress: &(dyn Fn(IntakeProgress) + Send + Sync),
) -> VecDeque<String> {
    let mut reader = BufReader::new(stderr);
    let mut kept = VecDeque::with_capacity(KEPT_LINES);
    let mut line = Vec::new();
    loop {
        let bytes = match reader.fill_buf().await {
            Ok(bytes) if !bytes.is_empty() => bytes,
            _ => break,
        };
        let length = bytes.len();
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => end_line(&mut line, *byte == b'\n', &mut kept, progress),
                byte if line.len() < LONGEST_LINE => line.push(*byte),
                _ => {}
            }
        }
        reader.consume(length);
    }
    end_line(&mut line, true, &mut kept, progress);
    kept
}

fn end_line(
    line: &mut Vec<u8>,
    whole: bool,
    kept: &mut VecDeque<String>,
    progress: &(dyn Fn(IntakeProgress) + Send + Sync),
) {
    let text = String::from_utf8_lossy(&std::mem::take(line))
        .trim_end()
        .to_owned();
    if text.is_empty() {
        return;
    }
    if let Some((step, percent)) = percentage(&text) {
        progress(IntakeProgress::Cloning {
            step,
            percent: Some(percent),
        });
    } else if whole {
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(text);
    }
}

/// `Receiving objects:  45% (9/20)` is a step and a percentage.
fn percentage(text: &str) -> Option<(String, u8)> {
    let (step, rest) = text.trim_start_matches("remote: ").split_once(':')?;
    let (percent, _) = rest.trim_start().split_once('%')?;
    Some((
        step.to_owned(),
        percent.parse().ok().filter(|percent| *percent <= 100)?,
    ))
}

/// Keeps a token that was part of the address out of the evidence.
fn redacted(lines: VecDeque<String>, url: &str) -> Vec<String> {
    let shown = git_display(url);
    lines
        .into_iter()
        .map(|line| line.replace(url, &shown))
        .collect()
}
