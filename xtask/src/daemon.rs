//! Programs that run beside us and end with us.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::command::{eventually, tail, terminate};

/// A program in the background, in a process group of its own so that Ctrl-C leaves its end to us. Dropping it ends
/// it together with everything it started.
pub(crate) struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts it, its output in `log`.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_path_buf(),
        })
    }

    /// Waits until `ready`; a program that ends before that, or is late, is an error that shows its last words.
    pub(crate) fn until(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut(&str) -> bool,
    ) -> Result<()> {
        let mut ended = None;
        let waited = eventually(limit, || {
            ended = self.child.try_wait().ok().flatten();
            ended.is_some() || ready(&self.output())
        });
        match (ended, waited) {
            (Some(status), _) => bail!("{} ended ({status}):\n{}", self.name, tail(&self.log, 15)),
            (None, Err(error)) => bail!(
                "{} is not ready: {error}\n{}",
                self.name,
                tail(&self.log, 15)
            ),
            (None, Ok(())) => Ok(()),
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    pub(crate) fn output(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits until it ends by itself, or Ctrl-C.
    pub(crate) fn wait(&mut self) -> Result<()> {
        crate::command::wait(&mut self.child, None, None).map(drop)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        terminate(&mut self.child, true);
    }
}
