//! Starts one instance: its folder, its port, its environment, its program.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::SystemTime;

use fs_err as fs;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::base_environment::{find_program, join_path};
use super::command::{self, HOST, Invocation};
use super::inspect::{self, INSTALLATION_VARIABLE, INSTANCE_VARIABLE, ProcessIdentity};
use super::record::{self, Record};
use super::system::{self, End};
use super::tracked::{Shared, Tracked, instance};
use super::{blocking, gate, logs, node, python};
use crate::error::RuntimeError;
use crate::instance::{Instance, LogStream, RuntimeEvent};
use crate::spec::{Artifact, StartSpec};

const LONGEST_NAME: usize = 100;
/// Ports of each kind that are tried before giving up: each may be in use, or just given to another start.
const PORT_ATTEMPTS: usize = 32;
/// Where free ports are looked for first: below those that systems give to outgoing connections (from 32768 on Linux, from 49152
/// elsewhere), any of which could take a port between here and the program's listening. Above those of well-known services.
const QUIET_PORTS: std::ops::Range<u16> = 20_000..32_768;

/// Whether a deployment id can name a folder.
pub(super) fn is_safe_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether no program listens on a port now.
pub(super) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

pub(super) async fn start(
    shared: &Arc<Shared>,
    spec: &StartSpec,
    cancel: &CancellationToken,
) -> Result<Instance, RuntimeError> {
    let attempt = Attempt::begin(shared, spec, cancel).await?;
    let program = attempt.program()?;
    let tracked = attempt.launch(&program, Stdio::null(), false)?;
    let record = tracked.record.lock();
    Ok(announce(shared, &record, &tracked.process))
}

/// Tells of an instance that runs from now on. Holding its record keeps its end from being told before.
pub(super) fn announce(shared: &Shared, record: &Record, process: &ProcessIdentity) -> Instance {
    let started = instance(record, Some(process));
    // Nobody listening is fine.
    let _ = shared.events.send(RuntimeEvent::Started {
        instance: started.clone(),
        ours: true,
    });
    started
}

/// A start under way; leaves nothing behind unless it succeeds.
pub(super) struct Attempt<'a> {
    shared: &'a Arc<Shared>,
    spec: &'a StartSpec,
    folder: PathBuf,
    /// What `python` stands for.
    interpreter: Option<PathBuf>,
    /// The port it reserved.
    port: Option<u16>,
    succeeded: bool,
}

/// All that makes up a program that is to be started.
pub(super) struct Program {
    pub(super) invocation: Invocation,
    pub(super) environment: BTreeMap<OsString, OsString>,
    workdir: PathBuf,
    port: u16,
}

impl<'a> Attempt<'a> {
    /// Makes the folder and reserves the port.
    pub(super) async fn begin(
        shared: &'a Arc<Shared>,
        spec: &'a StartSpec,
        cancel: &CancellationToken,
    ) -> Result<Self, RuntimeError> {
        let id = &spec.deployment_id;
        if !is_safe_name(id) {
            return Err(RuntimeError::InvalidSpec {
                message: format!("{id:?} cannot name an instance"),
            });
        }
        let interpreter = interpreter(shared, spec).await?;
        if cancel.is_cancelled() {
            return Err(RuntimeError::Cancelled { what: "starting" });
        }
        let folder = shared.folder(id);
        shared.starting.lock().insert(id.to_owned());
        if let Err(error) = fs::create_dir(&folder) {
            shared.starting.lock().remove(id);
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                return Err(RuntimeError::InvalidSpec {
                    message: format!("instance {id} was started before"),
                });
            }
            return Err(RuntimeError::file("creating", &folder)(error));
        }
        let mut attempt = Self {
            shared,
            spec,
            folder,
            interpreter,
            port: None,
            succeeded: false,
        };
        attempt.port = Some(attempt.take_port(spec.port).await?);
        Ok(attempt)
    }

    #[cfg(unix)]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reserves the port asked for, or a free one.
    async fn take_port(&self, wanted: Option<u16>) -> Result<u16, RuntimeError> {
        match wanted {
            Some(port) => self.exactly(port).await,
            None => self.any_free(),
        }
    }

    async fn exactly(&self, port: u16) -> Result<u16, RuntimeError> {
        if is_free(port) && self.shared.ports.lock().insert(port) {
            return Ok(port);
        }
        let owner = blocking(move || inspect::port_owner(port)).await?;
        let owner = owner.map_or_else(|| "another program".to_owned(), |owner| owner.to_string());
        Err(RuntimeError::PortTaken { port, owner })
    }

    fn any_free(&self) -> Result<u16, RuntimeError> {
        let quiet = (0..PORT_ATTEMPTS).map(|_| rand::random_range(QUIET_PORTS));
        let given = (0..PORT_ATTEMPTS).filter_map(|_| {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
            Some(listener.local_addr().ok()?.port())
        });
        quiet
            .chain(given)
            .find(|port| is_free(*port) && self.shared.ports.lock().insert(*port))
            .ok_or_else(|| RuntimeError::Internal("no free port could be found".to_owned()))
    }

    /// Finds out what to run, and how.
    pub(super) fn program(&self) -> Result<Program, RuntimeError> {
        let (spec, interpreter) = (self.spec, self.interpreter.as_deref());
        let port = self.port.unwrap_or_default();
        let workdir = match &spec.artifact {
            Artifact::Node { environment } => {
                let work = self.folder.join("work");
                node::mirror(&spec.workdir, environment, &work)?;
                work
            }
            Artifact::Image { .. } => {
                return Err(RuntimeError::InvalidSpec {
                    message: "an image cannot run as a process".to_owned(),
                });
            }
            Artifact::Folder | Artifact::Python { .. } => spec.workdir.clone(),
        };
        let mut environment = environment(self.shared, spec, &self.folder, port, interpreter)?;
        let path = environment
            .get(OsStr::new("PATH"))
            .map_or(OsStr::new(""), OsString::as_os_str);
        let invocation = command::resolve(&spec.command, port, &workdir, path, interpreter)?;
        if let Some(gate) = &self.shared.gate
            && (interpreter.is_some() || gate::comes_to(&invocation))
        {
            let given = environment.remove(OsStr::new("PYTHONPATH"));
            // An empty one would name the working directory once it is joined.
            let joined = match given.filter(|given| !given.is_empty()) {
                Some(given) => join_path(&[gate], &given, &[]),
                None => gate.clone().into_os_string(),
            };
            environment.insert("PYTHONPATH".into(), joined);
        }
        Ok(Program {
            invocation,
            environment,
            workdir,
            port,
        })
    }

    /// Starts the program and has it watched.
    pub(super) fn launch(
        mut self,
        program: &Program,
        stdin: Stdio,
        standby: bool,
    ) -> Result<Arc<Tracked>, RuntimeError> {
        let (spec, folder) = (self.spec, self.folder.as_path());
        let mut record = Record {
            deployment_id: spec.deployment_id.clone(),
            agent: spec.agent.clone(),
            owner: spec.owner.clone(),
            version: spec.version.clone(),
            port: program.port,
            log_bytes: spec.limits.log_bytes,
            started_at: record::millis(SystemTime::now()),
            standby,
            process: None,
            exit: None,
        };
        // The intent first: whoever finds the process by its marks also finds what it is.
        record.write(folder)?;
        let output = |stream| {
            logs::open(folder, stream).map_err(RuntimeError::file("creating a log in", folder))
        };
        system::keep_from_children();
        let mut command = Command::new(&program.invocation.program);
        command
            .args(&program.invocation.arguments)
            .current_dir(&program.workdir)
            .env_clear()
            .envs(&program.environment)
            .stdin(stdin)
            .stdout(output(LogStream::Stdout)?)
            .stderr(output(LogStream::Stderr)?);
        let child = system::in_own_group(&mut command)
            .spawn()
            .map_err(|source| RuntimeError::StartFailed {
                program: spec.command.join(" "),
                source,
            })?;

        // A child that we have not waited for keeps its number, even when it has ended already.
        let pid = child.id().map_or(0, u32::cast_signed);
        let process = ProcessIdentity::of_child(pid);
        record.process = Some(process.clone());
        if let Err(error) = record.write(folder) {
            process.end_group(End::Force);
            return Err(error);
        }
        self.succeeded = true;
        Ok(self.shared.track(record, process, Some(child)))
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.shared.starting.lock().remove(&self.spec.deployment_id);
        if self.succeeded {
            return;
        }
        if let Some(port) = self.port {
            self.shared.ports.lock().remove(&port);
        }
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, "the folder of a failed start could not be removed");
        }
    }
}

/// What `python` stands for: the environment's interpreter, or the machine's own where the command asks for it.
async fn interpreter(shared: &Shared, spec: &StartSpec) -> Result<Option<PathBuf>, RuntimeError> {
    if let Artifact::Python { environment } = &spec.artifact {
        return Ok(Some(python::interpreter(environment)));
    }
    let wanted = spec
        .command
        .iter()
        .any(|word| word.split_ascii_whitespace().any(command::is_python));
    if !wanted {
        return Ok(None);
    }
    let resolved = shared.interpreter.get_or_try_init(|| async {
        let found = python::find_system_interpreter(&shared.base.path())?;
        Ok(python::resolve_interpreter(&found, shared.base.for_tools()).await)
    });
    resolved.await.cloned().map(Some)
}

/// The program's whole environment, ours last.
fn environment(
    shared: &Shared,
    spec: &StartSpec,
    folder: &Path,
    port: u16,
    interpreter: Option<&Path>,
) -> Result<BTreeMap<OsString, OsString>, RuntimeError> {
    let mut environment = shared.base.for_agents();
    environment.insert("PYTHONUNBUFFERED".into(), "1".into());
    // The folder is the person's: nothing is left in it.
    environment.insert("PYTHONDONTWRITEBYTECODE".into(), "1".into());
    for (name, value) in &spec.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.expose().contains('\0') {
            return Err(RuntimeError::InvalidSpec {
                message: format!("{name:?} cannot be an environment variable"),
            });
        }
        environment.insert(name.into(), value.expose().into());
    }
    let path = environment
        .get(OsStr::new("PATH"))
        .cloned()
        .unwrap_or_default();
    let path = match &spec.artifact {
        Artifact::Python { environment: made } => {
            environment.insert("VIRTUAL_ENV".into(), made.into());
            join_path(&[&python::programs(made)], &path, &[])
        }
        Artifact::Node { environment: made } => join_path(&[&node::programs(made)], &path, &[]),
        Artifact::Folder | Artifact::Image { .. } => match interpreter {
            // A shell command says `python` where this machine may have `python3` alone.
            Some(interpreter) if find_program("python", &path).is_none() => {
                let programs = folder.join("bin");
                link_program(interpreter, &programs)?;
                join_path(&[], &path, &[&programs])
            }
            _ => path,
        },
    };
    let ours: [(&str, OsString); 5] = [
        ("PATH", path),
        ("PORT", port.to_string().into()),
        ("HOST", HOST.into()),
        (INSTANCE_VARIABLE, spec.deployment_id.clone().into()),
        (INSTALLATION_VARIABLE, shared.installation.clone().into()),
    ];
    environment.extend(ours.map(|(name, value)| (name.into(), value)));
    Ok(environment)
}

#[cfg(unix)]
fn link_program(interpreter: &Path, programs: &Path) -> Result<(), RuntimeError> {
    let link = programs.join("python");
    fs::create_dir(programs)
        .and_then(|()| fs::os::unix::fs::symlink(interpreter, &link))
        .map_err(RuntimeError::file("linking", &link))
}

#[cfg(not(unix))]
fn link_program(_interpreter: &Path, _programs: &Path) -> Result<(), RuntimeError> {
    Ok(())
}
