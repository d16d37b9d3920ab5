//! Runs a package tool to its end: its lines become progress, cancelling ends it with everything it started.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::inspect::ProcessIdentity;
use super::system::{self, End};
use crate::error::RuntimeError;
use crate::instance::{LogLine, LogStream};
use crate::spec::{Progress, ProgressSink};

/// No installation takes longer.
const TOOL_LIMIT: Duration = Duration::from_secs(20 * 60);
/// How many of a tool's last lines tell why it failed.
const EVIDENCE_LINES: usize = 20;
/// Lines read ahead of the sink.
const LINE_QUEUE: usize = 64;

/// How a tool ended.
pub(super) struct ToolOutcome {
    pub(super) success: bool,
    /// Its last lines.
    pub(super) lines: Vec<String>,
}

/// A tool to run.
pub(super) struct Tool<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<OsString>,
    pub(super) folder: &'a Path,
    pub(super) environment: BTreeMap<OsString, OsString>,
}

impl Tool<'_> {
    /// Runs it. Errors only when it could not be run to its end.
    pub(super) async fn run(
        self,
        progress: &dyn ProgressSink,
        cancel: &CancellationToken,
    ) -> Result<ToolOutcome, RuntimeError> {
        let mut command = Command::new(self.program);
        command
            .args(&self.arguments)
            .current_dir(self.folder)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = system::in_own_group(&mut command)
            .spawn()
            .map_err(|source| RuntimeError::StartFailed {
                program: self.program.display().to_string(),
                source,
            })?;
        let group = GroupGuard(
            child
                .id()
                .and_then(|pid| ProcessIdentity::of(pid.cast_signed())),
        );

        let (lines, mut received) = mpsc::channel::<String>(LINE_QUEUE);
        let readers = (
            read_later(child.stdout.take(), &lines),
            read_later(child.stderr.take(), &lines),
        );
        drop(lines);
        let mut last = VecDeque::with_capacity(EVIDENCE_LINES);
        let reading = async {
            while let Some(line) = received.recv().await {
                if last.len() == EVIDENCE_LINES {
                    last.pop_front();
                }
                last.push_back(line.clone());
                progress.report(Progress::Line(LogLine {
                    at: SystemTime::now(),
                    stream: LogStream::Build,
                    text: line,
                }));
            }
            wait(&mut child).await
        };
        let success = tokio::select! {
            ended = tokio::time::timeout(TOOL_LIMIT, reading) => {
                ended.map_err(|_| RuntimeError::TimedOut { what: "installing the requirements", limit: TOOL_LIMIT })?
            }
            () = cancel.cancelled() => Err(RuntimeError::Cancelled { what: "preparing" }),
        };
        drop((readers, group));
        Ok(ToolOutcome {
            success: success?,
            lines: last.into(),
        })
    }
}

async fn wait(child: &mut Child) -> Result<bool, RuntimeError> {
    let status = child
        .wait()
        .await
        .map_err(|error| RuntimeError::Internal(format!("waiting for a tool: {error}")))?;
    Ok(status.success())
}

/// Ends the tool's whole group when the run is left early.
struct GroupGuard(Option<ProcessIdentity>);

impl Drop for GroupGuard {
    fn drop(&mut self) {
        if let Some(leader) = &self.0 {
            leader.end_group(End::Force);
        }
    }
}

/// Aborts the reading when dropped.
struct Reader(tokio::task::JoinHandle<()>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn read_later(
    pipe: Option<impl AsyncRead + Unpin + Send + 'static>,
    lines: &mpsc::Sender<String>,
) -> Option<Reader> {
    let mut reader = BufReader::new(pipe?);
    let lines = lines.clone();
    Some(Reader(tokio::spawn(async move {
        let mut bytes = Vec::new();
        while let Ok(1..) = reader.read_until(b'\n', &mut bytes).await {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            if !line.is_empty() && lines.send(line).await.is_err() {
                break;
            }
        }
    })))
}
