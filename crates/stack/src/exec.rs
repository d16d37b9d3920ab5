//! Runs one command in a service's container.

use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::StackError;
use crate::logs::LogStream;
use crate::stack::Stack;

/// A command.
#[derive(Debug, Clone, Default)]
pub struct Exec {
    /// Program and arguments; no shell is in between.
    pub command: Vec<String>,
    /// In place of the container's user.
    pub user: Option<String>,
    /// In place of the container's folder.
    pub working_dir: Option<String>,
}

/// Output of a command, as it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecOutput {
    /// Which output.
    pub stream: LogStream,
    /// Not necessarily whole lines.
    pub bytes: Bytes,
}

impl Stack {
    /// Runs a command in a service's container and answers its exit code. `output` is told what it writes. Cancelling stops
    /// listening; the command itself goes on, since the engine offers no way to end it.
    pub async fn exec(
        &self,
        project: &str,
        service: &str,
        exec: Exec,
        output: &(dyn Fn(ExecOutput) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<i64, StackError> {
        let run = async {
            let container = self.of_service(project, service).await?;
            self.run_in(&container.id, exec, output).await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(StackError::Cancelled { what: "the command" }),
            code = run => code,
        }
    }

    /// Runs a command in a container to its end and answers its exit code.
    pub(crate) async fn run_in(
        &self,
        id: &str,
        exec: Exec,
        output: &(dyn Fn(ExecOutput) + Send + Sync),
    ) -> Result<i64, StackError> {
        let client = self.engine.client().await?;
        let failed = |error| self.engine.failed("running a command", error);
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(exec.command),
            user: exec.user,
            working_dir: exec.working_dir,
            ..ExecConfig::default()
        };
        let made = client.create_exec(id, config).await.map_err(failed)?;
        let options = None::<StartExecOptions>;
        let started = client.start_exec(&made.id, options).await.map_err(failed)?;
        if let StartExecResults::Attached {
            output: mut outputs,
            ..
        } = started
        {
            while let Some(part) = outputs.next().await {
                output(piece(part.map_err(failed)?));
            }
        }
        let ended = client.inspect_exec(&made.id).await.map_err(failed)?;
        Ok(ended.exit_code.unwrap_or_default())
    }
}

fn piece(part: LogOutput) -> ExecOutput {
    let (stream, bytes) = match part {
        LogOutput::StdErr { message } => (LogStream::Stderr, message),
        LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => (LogStream::Stdout, message),
    };
    ExecOutput { stream, bytes }
}
