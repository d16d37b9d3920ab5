//! Starting other programs and waiting for them: with a limit, with signs of life, and never past Ctrl-C.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::places::Places;
use crate::report;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static CLEANING_UP: AtomicBool = AtomicBool::new(false);

/// How often a wait looks up.
const PULSE: Duration = Duration::from_millis(20);
/// A quiet long command says every so often that it still runs.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// A program asked to end gets this long before it is killed.
const GRACE: Duration = Duration::from_secs(15);

/// From here on Ctrl-C and termination end the present wait with an error, so that everything started is stopped on
/// the way out. A second Ctrl-C ends at once.
pub(crate) fn watch_for_interrupt() -> Result<()> {
    #[expect(clippy::exit, reason = "the second Ctrl-C means now")]
    ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    })?;
    Ok(())
}

/// Whether Ctrl-C was pressed.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// From here on waits are no longer ended by the first Ctrl-C: what runs now is what it asked for.
pub(crate) fn clean_up() {
    CLEANING_UP.store(true, Ordering::SeqCst);
}

fn given_up() -> bool {
    interrupted() && !CLEANING_UP.load(Ordering::SeqCst)
}

/// A program, free of what `cargo run` put into our own environment, with our tools on its `PATH`.
pub(crate) fn command(places: &Places, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(&places.root)
        .env("PATH", places.path())
        .stdin(Stdio::null());
    command.env_remove("LD_LIBRARY_PATH");
    for (name, _) in std::env::vars_os() {
        let inherited = name.to_string_lossy();
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
            .iter()
            .any(|p| inherited.starts_with(p));
        if of_package
            || matches!(
                &*inherited,
                "CARGO" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR"
            )
        {
            command.env_remove(&name);
        }
    }
    command
}

/// `cargo`, building into the shared target directory.
pub(crate) fn cargo(places: &Places) -> Command {
    let mut cargo = command(places, "cargo");
    cargo.env("CARGO_TARGET_DIR", &places.target);
    cargo
}

/// Runs to the end, talking to our terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = display(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    succeeded(wait(&mut child, None, None)?, &line)
}

/// Runs to the end within `limit` and gives what it printed; standard error is part of the failure.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<String> {
    let line = display(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let out = collect(child.stdout.take());
    let err = collect(child.stderr.take());
    let status = wait(&mut child, Some(limit), None).with_context(|| format!("`{line}`"))?;
    let out = out.join().unwrap_or_default();
    if !status.success() {
        let err = err.join().unwrap_or_default();
        let said = if err.trim().is_empty() {
            out.trim()
        } else {
            err.trim()
        };
        bail!("`{line}` failed ({status}): {said}");
    }
    Ok(out)
}

/// Whether it runs and ends well within a short time. For questions such as "is this installed?".
pub(crate) fn answers(command: &mut Command) -> bool {
    capture(command, Duration::from_secs(15)).is_ok()
}

/// Runs to the end within `limit`, its output in a log file; a failure shows the last lines.
pub(crate) fn logged(
    places: &Places,
    name: &str,
    command: &mut Command,
    limit: Duration,
) -> Result<()> {
    let path = places
        .logs()
        .join(format!("{}.log", name.replace(' ', "-")));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    command.stdout(file.try_clone()?).stderr(file);
    let line = display(command);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let status = wait(&mut child, Some(limit), Some(name));
    if !matches!(&status, Ok(status) if status.success()) {
        eprintln!("{}", tail(&path, 30));
    }
    succeeded(status.with_context(|| format!("`{line}`"))?, &line)
}

/// Runs to the end; each line of standard error (and of standard output) goes to the terminal and to `seen`.
pub(crate) fn watched(command: &mut Command, seen: &(dyn Fn(&str) + Sync)) -> Result<ExitStatus> {
    let line = display(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        scope.spawn(move || relay(out, &mut std::io::stdout(), seen));
        scope.spawn(move || relay(err, &mut std::io::stderr(), seen));
        wait(&mut child, None, None)
    })
}

/// The last lines of a text file, for error messages.
pub(crate) fn tail(path: &Path, count: usize) -> String {
    let text = fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Asks a program to end, and after a while makes it. `group` reaches what it started, too.
pub(crate) fn terminate(child: &mut Child, group: bool) {
    let target = format!("{}{}", if group { "-" } else { "" }, child.id());
    let signal = |name: &str| {
        Command::new("kill")
            .args([name, "--", &target])
            .stderr(Stdio::null())
            .status()
    };
    let asked = cfg!(unix) && signal("-TERM").is_ok_and(|status| status.success());
    let deadline = Instant::now() + if asked { GRACE } else { Duration::ZERO };
    while matches!(child.try_wait(), Ok(None)) {
        if Instant::now() >= deadline {
            // Killing what has just ended by itself fails, which is what was wanted.
            drop(child.kill());
            drop(child.wait());
        }
        thread::sleep(PULSE);
    }
    if group && cfg!(unix) {
        // What outlived its leader.
        drop(signal("-KILL"));
    }
}

/// Asks `ready` until it says yes. Ends early on Ctrl-C.
pub(crate) fn eventually(limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + limit;
    while !ready() {
        if given_up() {
            bail!("interrupted");
        }
        if Instant::now() >= deadline {
            bail!("not within {}", report::human(limit));
        }
        thread::sleep(PULSE);
    }
    Ok(())
}

/// Waits for the end of a program. Past its limit or on Ctrl-C it is ended and this is an error.
pub(crate) fn wait(
    child: &mut Child,
    limit: Option<Duration>,
    quiet: Option<&str>,
) -> Result<ExitStatus> {
    let began = Instant::now();
    let mut spoke = began;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if given_up() {
            terminate(child, false);
            bail!("interrupted");
        }
        if let Some(limit) = limit
            && began.elapsed() > limit
        {
            terminate(child, false);
            bail!("gave no answer within {}", report::human(limit));
        }
        if let Some(name) = quiet
            && spoke.elapsed() > SIGN_OF_LIFE
        {
            spoke = Instant::now();
            report::note(&format!(
                "still at it: {name} ({})",
                report::human(began.elapsed())
            ));
        }
        thread::sleep(PULSE);
    }
}

fn succeeded(status: ExitStatus, line: &str) -> Result<()> {
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

fn display(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn collect<R: Read + Send + 'static>(source: Option<R>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut source) = source {
            // A pipe that breaks ends the text where it broke.
            drop(source.read_to_end(&mut bytes));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn relay(source: Option<impl Read>, sink: &mut dyn std::io::Write, seen: &(dyn Fn(&str) + Sync)) {
    let Some(source) = source else { return };
    for line in BufReader::new(source).split(b'\n').map_while(Result::ok) {
        let text = String::from_utf8_lossy(&line);
        // A closed terminal must not stop the run.
        drop(writeln!(sink, "{text}"));
        seen(&text);
    }
}
