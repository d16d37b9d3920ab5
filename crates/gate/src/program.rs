//! Starts the program as the user that the container has.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::{Pid, geteuid, getuid};
use rustix::thread::set_thread_res_uid;

use crate::arguments::Run;

/// Where our `sitecustomize.py` lies.
const PYTHON_FOLDER: &str = "/.nasiko/python";
const PERMISSIONS: u32 = 0o7777;
const SET_USER_ID: u32 = 0o4000;

/// Takes away from our own file what lets its caller become root: nobody else is to have that from it.
pub(crate) fn give_up_privilege() -> io::Result<()> {
    let own = std::env::current_exe()?;
    let mode = fs::metadata(&own)?.permissions().mode() & PERMISSIONS;
    if mode & SET_USER_ID == 0 {
        return Ok(());
    }
    match fs::set_permissions(&own, fs::Permissions::from_mode(mode & !SET_USER_ID)) {
        // Where the bit has no effect for us, it has none for anybody.
        Err(_) if !geteuid().is_root() => Ok(()),
        done => done,
    }
}

/// The environment that this process was started with. Not the library's copy: where a program runs with more rights
/// than its caller, as we do, a C library leaves out what could mislead it (`TMPDIR`, `LD_LIBRARY_PATH`).
pub(crate) fn environment() -> io::Result<Vec<(OsString, OsString)>> {
    let block = fs::read("/proc/self/environ")?;
    let pair = |entry: &[u8]| {
        let at = entry.iter().position(|byte| *byte == b'=')?;
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((text(entry.get(..at)?), text(entry.get(at + 1..)?)))
    };
    Ok(block.split(|byte| *byte == 0).filter_map(pair).collect())
}

/// The program with its environment; `preload` has it wait by itself.
pub(crate) fn command(
    run: &Run,
    environment: &[(OsString, OsString)],
    preload: Option<&OsStr>,
) -> Command {
    let mut command = Command::new(&run.program);
    command
        .args(&run.arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        // Out of reach of what is sent to our own group.
        .process_group(0);
    if let Some(modules) = preload {
        let given = environment.iter().find(|(name, _)| name == "PYTHONPATH");
        let mut path = OsString::from(PYTHON_FOLDER);
        if let Some((_, given)) = given.filter(|(_, given)| !given.as_bytes().is_empty()) {
            path.push(":");
            path.push(given);
        }
        command
            .env("PYTHONPATH", path)
            .env("NASIKO_PRELOAD", modules);
    }
    command
}

/// Starts it. Rights belong to threads in Linux: one that has given up ours starts it and ends.
pub(crate) fn start(mut command: Command) -> io::Result<Pid> {
    let starting = move || {
        let user = getuid();
        set_thread_res_uid(user, user, user)?;
        command.spawn()
    };
    let child = match std::thread::spawn(starting).join() {
        Ok(started) => started?,
        Err(_) => return Err(io::Error::other("the thread that starts the program ended")),
    };
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("a process without a number"))
}
