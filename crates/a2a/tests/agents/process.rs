//! Example agents as processes: their environments, their ports, their end.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

/// How long an agent may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running example agent; ends with this value.
pub(crate) struct Agent {
    pub(crate) base: String,
    child: Child,
}

impl Agent {
    /// Starts the example of that name on a free port and waits until it listens; else the reason why it cannot run here.
    pub(crate) async fn start(name: &str) -> Result<Self, String> {
        let folder = examples().join(name);
        let (program, script) = if folder.join("package.json").is_file() {
            (PathBuf::from("node"), "server.js")
        } else {
            let script = if folder.join("main.py").is_file() {
                "main.py"
            } else {
                "src/main.py"
            };
            (python_for(&folder).await?, script)
        };
        let port = free_port();
        let mut child = Command::new(&program)
            .arg(script)
            .current_dir(&folder)
            .env("PORT", port.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", program.display()))?;
        let address = format!("127.0.0.1:{port}");
        let listening = async {
            while tokio::net::TcpStream::connect(&address).await.is_err() {
                if let Ok(Some(status)) = child.try_wait() {
                    panic!("{name} ended with {status} before it listened");
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listening)
            .await
            .unwrap_or_else(|_| panic!("{name} never listened on {address}"));
        Ok(Self {
            base: format!("http://{address}"),
            child,
        })
    }

    /// Asks the process to end.
    pub(crate) fn terminate(&mut self) {
        let id = i32::try_from(self.child.id().expect("it runs")).unwrap();
        let pid = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("it ends in time")
            .unwrap()
    }
}

/// The `capabilities.json` of an example, if it has one.
pub(crate) fn capabilities(name: &str) -> Option<Value> {
    let bytes = fs_err::read(examples().join(name).join("capabilities.json")).ok()?;
    Some(serde_json::from_slice(&bytes).unwrap())
}

/// Tells that something was not tested here, and why.
pub(crate) fn skip(name: &str, reason: &str) {
    use std::io::Write as _;

    let line = format!("SKIP {name}: {reason}");
    eprintln!("{line}");
    if let Some(path) = std::env::var_os("NASIKO_TEST_SKIPS") {
        let mut file = fs_err::OpenOptions::new()
            .create(true)
            .append(true)
            .open(PathBuf::from(path))
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agents")
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The interpreter that has the folder's requirements: one environment per content of `requirements.txt`, kept between runs.
async fn python_for(folder: &Path) -> Result<PathBuf, String> {
    let Ok(requirements) = fs_err::read(folder.join("requirements.txt")) else {
        return Ok(PathBuf::from("python3"));
    };
    let home = std::env::var_os("HOME")
        .ok_or("HOME is not set, so there is no place for Python environments")?;
    let cache = PathBuf::from(home).join(".cache/nasiko/venvs");
    let key = &blake3::hash(&requirements).to_hex()[..16];
    let environment = cache.join(key);
    let python = environment.join("bin/python");
    let ready = environment.join(".ready");
    fs_err::create_dir_all(&cache).map_err(|error| error.to_string())?;

    let lock = fs_err::File::create(cache.join(format!("{key}.lock")))
        .map_err(|error| error.to_string())?;
    tokio::task::spawn_blocking(move || lock.file().lock().map(|()| lock))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())
        .map(|held| (held, ready.is_file()))
        .and_then(|(held, is_ready)| {
            if !is_ready {
                uv(&["venv", "--quiet", "--clear", &environment.to_string_lossy()])?;
                let file = folder.join("requirements.txt");
                let (python, file) = (python.to_string_lossy(), file.to_string_lossy());
                uv(&[
                    "pip",
                    "install",
                    "--quiet",
                    "--compile-bytecode",
                    "--python",
                    &python,
                    "-r",
                    &file,
                ])?;
                fs_err::write(&ready, "").map_err(|error| error.to_string())?;
            }
            drop(held);
            Ok(())
        })?;
    Ok(python)
}

fn uv(arguments: &[&str]) -> Result<(), String> {
    let output = std::process::Command::new("uv")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("uv cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let last = told.lines().last().unwrap_or("no reason given");
    Err(format!("uv {} failed: {}", arguments[0], last.trim()))
}
