//! Finding the resident of a data directory, or starting it.
//!
//! The resident writes an endpoint file (mode 0600) with its address and token into the data directory once it answers,
//! and holds a lock on `resident.lock` as long as it lives. Command line and window both attach through this module.

use std::{
    fs::TryLockError,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use nasiko_contract::{ErrorCode, Fault, GetSettings};
use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{Client, context, http::HttpTransport, private};

/// How long a resident may take to say that it is there.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How long a resident may take from its start to its first answer.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long a resident may take to end for another one that takes over.
pub const END_LIMIT: Duration = Duration::from_secs(60);
/// The word with which `serve` takes over.
const TAKE_OVER: &str = "--take-over";
/// Bytes of a log after which the next start begins a new one.
const LONGEST_LOG: u64 = 4 << 20;
/// How often the endpoint file is looked for while the resident starts.
const START_STEP: Duration = Duration::from_millis(10);

/// Where a resident answers. The token never leaves this machine's user.
#[derive(Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its process id.
    pub pid: u32,
    /// The API's address, e.g. `http://127.0.0.1:8000`.
    pub api: String,
    /// The bearer token of this run.
    pub token: String,
    /// The resident's version.
    pub version: String,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("pid", &self.pid)
            .field("api", &self.api)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The endpoint file of a data directory.
    pub fn path(home: &Path) -> PathBuf {
        home.join("endpoint.json")
    }

    /// Reads the endpoint file; `None` where no resident has left one.
    pub fn read(home: &Path) -> Option<Self> {
        serde_json::from_slice(&fs_err::read(Self::path(home)).ok()?).ok()
    }

    /// Writes the endpoint file, whole or not at all, readable by its owner alone.
    pub fn write(&self, home: &Path) -> std::io::Result<()> {
        private::write(&Self::path(home), &serde_json::to_vec(self)?)
    }

    /// Removes the endpoint file, unless another resident has written its own meanwhile.
    pub fn remove(&self, home: &Path) {
        if Self::read(home).is_some_and(|there| there.token == self.token)
            && let Err(error) = fs_err::remove_file(Self::path(home))
        {
            tracing::warn!(%error, "the endpoint file stays");
        }
    }

    /// Whether it is of an older version than this program.
    pub fn is_older(&self) -> bool {
        let own = Version::parse(env!("CARGO_PKG_VERSION"));
        let have = Version::parse(&self.version);
        matches!((have, own), (Ok(have), Ok(own)) if have < own)
    }

    /// A client of this endpoint.
    pub fn client(&self) -> Result<Client, Fault> {
        Ok(Client::new(HttpTransport::new(&self.api, &self.token)?))
    }
}

/// Attaches to the resident of `home`; `control.unreachable` where none answers.
pub async fn attach(home: &Path) -> Result<(Client, Endpoint), Fault> {
    let absent = || {
        Fault::new(
            ErrorCode::Unreachable,
            "No control plane is running for this data directory",
        )
        .hint("Start it with `nasiko up`")
        .evidence([home.display().to_string()])
        .retryable()
    };
    let endpoint = Endpoint::read(home).ok_or_else(absent)?;
    if has_ended(endpoint.pid) {
        return Err(absent());
    }
    let client = endpoint.client()?;
    // A file left behind by a crash may name a port that another program holds now: only an answer to our token counts.
    // Asked is what costs the least: every command begins with this.
    match tokio::time::timeout(ANSWER_LIMIT, client.call(GetSettings {})).await {
        Ok(Ok(_)) => Ok((client, endpoint)),
        Ok(Err(_)) | Err(_) => Err(absent()),
    }
}

/// Whether there is certainly no such process any more.
fn has_ended(pid: u32) -> bool {
    let process = PathBuf::from(format!("/proc/{pid}"));
    cfg!(target_os = "linux") && matches!(process.try_exists(), Ok(false))
}

/// Waits until no resident owns `home` any more; `timed_out` after `limit`.
pub async fn ended(home: &Path, limit: Duration) -> Result<(), Fault> {
    let deadline = Instant::now() + limit;
    while is_owned(home) {
        if Instant::now() > deadline {
            return Err(Fault::new(
                ErrorCode::TimedOut,
                "The control plane has not ended in time",
            )
            .hint("Its log `resident.log` in the data directory says what it waits for"));
        }
        tokio::time::sleep(START_STEP).await;
    }
    Ok(())
}

/// Whether a living process holds the lock of `home`.
pub fn is_owned(home: &Path) -> bool {
    let Ok(file) = fs_err::File::open(home.join("resident.lock")) else {
        return false;
    };
    matches!(
        file.into_parts().0.try_lock_shared(),
        Err(TryLockError::WouldBlock)
    )
}

/// Attaches to the resident of `home`, starting `program serve` in the background where none answers. Its talk goes to
/// `resident.log` in the data directory. Two callers at once end up with the same resident: the second one started
/// finds the lock held and leaves.
///
/// One of an older version than this program is left for `program`, if that is of this version: see [`hand_over`].
pub async fn attach_or_start(
    home: &Path,
    program: &Path,
    arguments: &[String],
) -> Result<(Client, Endpoint), Fault> {
    match attach(home).await {
        Ok((_, endpoint)) if endpoint.is_older() && is_of_this_version(program).await => {
            hand_over(home, program, arguments).await
        }
        Ok(found) => Ok(found),
        Err(_) => start(home, program, arguments, None).await,
    }
}

/// Lets `program` go on in place of the resident of `home`, with the same addresses. Agents are not touched: the new resident
/// adopts them. Requests under way are answered by the old one; those that come meanwhile wait for the new one to accept
/// them. Jobs under way are taken up again. Where no resident runs, one is started.
pub async fn hand_over(
    home: &Path,
    program: &Path,
    arguments: &[String],
) -> Result<(Client, Endpoint), Fault> {
    let Ok((_, before)) = attach(home).await else {
        return start(home, program, arguments, None).await;
    };
    let mut all = arguments.to_vec();
    all.push(TAKE_OVER.to_owned());
    start(home, program, &all, Some(&before)).await
}

/// Starts `program serve` in the background, and waits until a resident answers that is not the one `before`.
async fn start(
    home: &Path,
    program: &Path,
    arguments: &[String],
    before: Option<&Endpoint>,
) -> Result<(Client, Endpoint), Fault> {
    let failed = |what: &str, error: &std::io::Error| {
        Fault::new(
            ErrorCode::Unreachable,
            format!("The control plane could not be started: {what}"),
        )
        .evidence([error.to_string()])
    };
    fs_err::create_dir_all(home)
        .map_err(|error| failed("its data directory cannot be made", &error))?;
    let log_path = home.join("resident.log");
    put_aside(&log_path);
    let log = fs_err::File::options()
        .create(true)
        .append(true)
        .open(&log_path)
        .map_err(|error| failed("its log cannot be written", &error))?;
    let log_start = log.metadata().map_or(0, |metadata| metadata.len());
    let errors = log
        .try_clone()
        .map_err(|error| failed("its log cannot be written", &error))?;
    let mut command = std::process::Command::new(program);
    command
        .arg("serve")
        .args(arguments)
        .env("NASIKO_HOME", home)
        // It is the control plane of that directory, whatever context whoever starts it is in.
        .env("NASIKO_CONTEXT", context::LOCAL)
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(log.into_parts().0)
        .stderr(errors.into_parts().0);
    detach(&mut command);
    let mut child = command
        .spawn()
        .map_err(|error| failed(&format!("{} cannot be run", program.display()), &error))?;

    let limit = before.map_or(START_LIMIT, |_| START_LIMIT + END_LIMIT);
    let deadline = Instant::now() + limit;
    let is_next = |found: &Endpoint| before.is_none_or(|before| before.token != found.token);
    let mut ended = None;
    loop {
        if Endpoint::read(home).is_some_and(|there| is_next(&there))
            && let Ok(found) = attach(home).await
            && is_next(&found.1)
        {
            if found.1.pid != child.id() {
                // Somebody else's was faster. Ours still waits for the lock, and would take over when that one is ended.
                let _ = child.kill();
                let _ = child.wait();
            }
            return Ok(found);
        }
        // A child that ended may have found another resident starting: that one is waited for as well, but not for long.
        if ended.is_none()
            && let Ok(Some(status)) = child.try_wait()
        {
            ended = Some((status, Instant::now()));
        }
        let given_up = ended.is_some_and(|(_, at)| at.elapsed() > Duration::from_secs(3));
        if given_up || Instant::now() > deadline {
            let said = fs_err::read(&log_path).unwrap_or_default();
            let start = usize::try_from(log_start).unwrap_or(0).min(said.len());
            let said = String::from_utf8_lossy(&said[start..]).into_owned();
            let how = ended.map_or_else(
                || "it did not answer in time".to_owned(),
                |(status, _)| status.to_string(),
            );
            return Err(Fault::new(
                ErrorCode::Unreachable,
                format!("The control plane did not start: {how}"),
            )
            .hint("Run `nasiko serve` to see it happen")
            .evidence(said.lines().map(str::to_owned)));
        }
        tokio::time::sleep(START_STEP).await;
    }
}

/// Whether `program` says that it is of the version of this one.
async fn is_of_this_version(program: &Path) -> bool {
    let asked = tokio::process::Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let said = tokio::time::timeout(ANSWER_LIMIT, asked).await;
    said.is_ok_and(|said| {
        said.is_ok_and(|said| {
            String::from_utf8_lossy(&said.stdout).trim()
                == concat!("nasiko ", env!("CARGO_PKG_VERSION"))
        })
    })
}

/// Begins a new log when the old one has grown long; one old one is kept.
fn put_aside(log: &Path) {
    let long = fs_err::metadata(log).is_ok_and(|metadata| metadata.len() > LONGEST_LOG);
    if long && let Err(error) = fs_err::rename(log, log.with_extension("log.1")) {
        tracing::warn!(%error, "the log goes on growing");
    }
}

/// The resident must outlive the terminal and the window that started it: a process group of its own, so that their
/// signals do not reach it.
#[cfg(unix)]
fn detach(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

/// The resident must outlive what started it: no console, a process group of its own.
#[cfg(windows)]
fn detach(command: &mut std::process::Command) {
    use std::os::windows::process::CommandExt;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW);
}

/// The data directory: `NASIKO_HOME`, else the platform's place for application data.
pub fn home(
    variable: Option<std::ffi::OsString>,
    user_home: Option<PathBuf>,
) -> Result<PathBuf, Fault> {
    if let Some(path) = variable.filter(|value| !value.is_empty()) {
        return std::path::absolute(PathBuf::from(path)).map_err(|error| {
            Fault::new(
                ErrorCode::InvalidRequest,
                format!("NASIKO_HOME is not a path: {error}"),
            )
        });
    }
    let user_home = user_home.ok_or_else(|| {
        Fault::new(
            ErrorCode::InvalidRequest,
            "There is no home directory to keep data in",
        )
        .hint("Set NASIKO_HOME")
    })?;
    Ok(if cfg!(target_os = "macos") {
        user_home.join("Library/Application Support/nasiko")
    } else if cfg!(windows) {
        user_home.join("AppData/Local/nasiko")
    } else {
        user_home.join(".local/share/nasiko")
    })
}
