//! Real servers for tests: each test has its own, on a free port, with its own directory, ended with the test.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of our own.
pub(crate) struct Server {
    program: PathBuf,
    arguments: fn(&Path, u16, &[String]) -> Vec<String>,
    pub(crate) more: Vec<String>,
    directory: TempDir,
    pub(crate) port: u16,
    child: Child,
}

/// A MongoDB wire server, or a skip of this test. `more`: further arguments.
pub(crate) fn mongo(more: &[&str]) -> Option<Server> {
    Server::start("NASIKO_TEST_MONGO_SERVER", more, |directory, port, more| {
        let mut arguments = words(&["--log-level", "ERROR", "--cache-size", "64M", "--port"]);
        arguments.extend([port.to_string(), "--storage-path".to_owned()]);
        arguments.push(directory.display().to_string());
        arguments.extend_from_slice(more);
        arguments
    })
}

/// A Redis server that keeps nothing on disk, or a skip of this test. `more`: further arguments.
pub(crate) fn redis(more: &[&str]) -> Option<Server> {
    Server::start("NASIKO_TEST_REDIS_SERVER", more, |directory, port, more| {
        let mut arguments = words(&["--bind", "127.0.0.1", "--save", "", "--port"]);
        arguments.extend([port.to_string(), "--dir".to_owned()]);
        arguments.push(directory.display().to_string());
        arguments.extend_from_slice(more);
        arguments
    })
}

impl Server {
    fn start(
        variable: &str,
        more: &[&str],
        arguments: fn(&Path, u16, &[String]) -> Vec<String>,
    ) -> Option<Self> {
        let Some(program) = std::env::var_os(variable).filter(|path| !path.is_empty()) else {
            skip(variable);
            return None;
        };
        let more = words(more);
        // Another process may take the port before the server does.
        for _ in 0..3 {
            let (directory, port) = (TempDir::new().unwrap(), free_port());
            let child = spawn(
                Path::new(&program),
                &arguments(directory.path(), port, &more),
            );
            let mut server = Self {
                program: PathBuf::from(&program),
                arguments,
                more: more.clone(),
                directory,
                port,
                child,
            };
            if server.listens() {
                return Some(server);
            }
        }
        panic!("{} does not listen", Path::new(&program).display());
    }

    /// Ends it as the loss of power would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&mut self) {
        let arguments = (self.arguments)(self.directory.path(), self.port, &self.more);
        self.child = spawn(&self.program, &arguments);
        assert!(self.listens(), "the server starts again on its port");
    }

    /// Ends it as a system that shuts down would.
    pub(crate) fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        self.child.wait().unwrap();
    }

    pub(crate) fn mongo_url(&self) -> String {
        format!("mongodb://127.0.0.1:{}/nasiko_test", self.port)
    }

    pub(crate) fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn listens(&mut self) -> bool {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return true;
            }
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(program: &Path, arguments: &[String]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Notes that this test did not run, in the file that counts skips.
pub(crate) fn skip(variable: &str) {
    use std::io::Write as _;
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("store");
    let line = format!("SKIP {test}: no server for it ({variable} is not set)");
    eprintln!("{line}");
    if let Some(file) = std::env::var_os("NASIKO_TEST_SKIPS") {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(file)
            .unwrap();
        writeln!(file, "{line}").unwrap();
    }
}
