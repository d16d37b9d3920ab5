//! Database servers of a test's own: a MongoDB wire server and a Redis server, on free ports, ended with the value.

use std::{
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{eventually, skip};

/// A server that listens.
pub struct Server {
    program: PathBuf,
    arguments: Vec<String>,
    scheme: &'static str,
    directory: TempDir,
    port: u16,
    child: Child,
}

impl Server {
    /// A MongoDB wire server, or a skip of `test`.
    pub fn mongo(test: &str) -> Option<Self> {
        let program = skip::path_or_skip(test, "NASIKO_TEST_MONGO_SERVER", "MongoDB wire server")?;
        Some(Self::start(program, "mongodb", |directory, port| {
            ["--log-level", "ERROR", "--cache-size", "64M", "--port"]
                .map(str::to_owned)
                .into_iter()
                .chain([port.to_string(), "--storage-path".to_owned(), directory])
                .collect()
        }))
    }

    /// A Redis server that keeps nothing on disk, or a skip of `test`.
    pub fn redis(test: &str) -> Option<Self> {
        let program = skip::path_or_skip(test, "NASIKO_TEST_REDIS_SERVER", "Redis server")?;
        Some(Self::start(program, "redis", |directory, port| {
            ["--bind", "127.0.0.1", "--save", "", "--port"]
                .map(str::to_owned)
                .into_iter()
                .chain([port.to_string(), "--dir".to_owned(), directory])
                .collect()
        }))
    }

    /// A Redis server that has kept all that it was told when it is killed and started again, or a skip of `test`.
    pub fn lasting_redis(test: &str) -> Option<Self> {
        let program = skip::path_or_skip(test, "NASIKO_TEST_REDIS_SERVER", "Redis server")?;
        Some(Self::start(program, "redis", |directory, port| {
            ["--bind", "127.0.0.1", "--appendonly", "yes"]
                .into_iter()
                .chain(["--appendfsync", "always", "--port"])
                .map(str::to_owned)
                .chain([port.to_string(), "--dir".to_owned(), directory])
                .collect()
        }))
    }

    fn start(
        program: PathBuf,
        scheme: &'static str,
        arguments: impl FnOnce(String, u16) -> Vec<String>,
    ) -> Self {
        let directory = TempDir::new().expect("a temporary folder");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let arguments = arguments(directory.path().display().to_string(), port);
        let child = spawn(&program, &arguments);
        let server = Self {
            program,
            arguments,
            scheme,
            directory,
            port,
            child,
        };
        server.until_it_listens();
        server
    }

    /// Ends it as the loss of power would.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is reaped");
    }

    /// Ends it as a system that shuts down would.
    pub fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "it is told to end"
        );
        self.child.wait().expect("it is reaped");
    }

    /// Starts it again where it was.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.program, &self.arguments);
        self.until_it_listens();
    }

    /// Its address, with a database of the test's where there are several.
    pub fn url(&self) -> String {
        let database = if self.scheme == "mongodb" {
            "/nasiko_test"
        } else {
            ""
        };
        format!("{}://127.0.0.1:{}{database}", self.scheme, self.port)
    }

    fn until_it_listens(&self) {
        let what = format!("{} listens", self.program.display());
        eventually(&what, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
                .map(drop)
                .map_err(|error| format!("{error}, in {}", self.directory.path().display()))
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &PathBuf, arguments: &[String]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts")
}
