//! The first process: waits at the gate, passes signals on, takes in orphans, ends as its program does.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::arguments::Run;
use crate::files::{self, End};
use crate::passage::{Happening, Passage, Step};
use crate::program;

/// Written to the output on a line of its own when all files lie and the program goes on. Terminals show nothing of it.
const LET_GO: &[u8] = b"\x1b]nasiko;let go\x1b\\\n";
/// How long a program may take, from its start, to load what it is to have loaded. Then it is taken for one that does not
/// wait, such as `python -S`.
const LOADING: Duration = Duration::from_secs(20);
/// What a program says once it waits, and what lets it go.
const WAITING: u8 = b'r';
const GO: u8 = b'g';
/// A shell that starts several interpreters leads each of them to the gate.
const PASSES: [u8; 256] = [GO; 256];
const FORWARDED: [i32; 7] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH];
/// Those that end a program unless it says otherwise.
const ENDING: [i32; 4] = [SIGTERM, SIGHUP, SIGINT, SIGQUIT];
const SIGNAL_BASE: i32 = 128;
const EVENT_QUEUE: usize = 16;
/// As shells and engines have it.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

enum Event {
    Signal(i32),
    Files(io::Result<End>),
    Program(Happening),
}

/// Runs until the program ends, or whoever holds the other end of standard input before the program was let go.
pub(crate) fn run(root: &Path, run: &Run) -> io::Result<ExitCode> {
    program::give_up_privilege()?;
    let (sender, events) = sync_channel(EVENT_QUEUE);
    follow_signals(sender.clone())?;
    let files_sender = sender.clone();
    let root = root.to_owned();
    std::thread::spawn(move || {
        let laid = files::lay(&root, io::stdin().lock());
        // Nobody receives it any more: the process is ending.
        let _ = files_sender.send(Event::Files(laid));
    });
    let mut gate = Gate {
        run,
        environment: program::environment()?,
        passage: Passage::new(run.preload.is_some()),
        program: None,
        socket: None,
        overdue: Instant::now() + LOADING,
        events,
    };
    gate.supervise(&sender)
}

fn follow_signals(sender: SyncSender<Event>) -> io::Result<()> {
    let mut signals = Signals::new(FORWARDED.iter().chain([&SIGCHLD]))?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if sender.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

struct Gate<'a> {
    run: &'a Run,
    environment: Vec<(OsString, OsString)>,
    passage: Passage,
    program: Option<Pid>,
    /// Our end of the standard input of a program that waits by itself.
    socket: Option<UnixStream>,
    /// When a program that has not said that it waits is taken for one that does not.
    overdue: Instant,
    events: Receiver<Event>,
}

impl Gate<'_> {
    fn supervise(&mut self, sender: &SyncSender<Event>) -> io::Result<ExitCode> {
        if self.run.preload.is_some()
            && let Some(code) = self.start_preloading(sender)?
        {
            return Ok(code);
        }
        loop {
            let event = match self.next()? {
                Event::Signal(SIGCHLD) => match self.reap()? {
                    Some(code) => return Ok(code),
                    None => continue,
                },
                Event::Signal(signal) => match self.forward(signal) {
                    Some(code) => return Ok(code),
                    None => continue,
                },
                // The process's end is the end of all that runs in its container.
                Event::Files(Ok(End::HungUp)) => return Ok(ExitCode::SUCCESS),
                Event::Files(Ok(End::LetGo)) => Happening::Laid,
                Event::Files(Err(error)) => return Err(error),
                Event::Program(happening) => happening,
            };
            let code = match self.passage.step(event) {
                Step::Wait => None,
                Step::Start => {
                    tell_let_go()?;
                    self.start()?
                }
                Step::LetGo => {
                    tell_let_go()?;
                    if let Some(socket) = &mut self.socket {
                        socket.write_all(&PASSES)?;
                    }
                    None
                }
                Step::StartAnew => {
                    self.replace()?;
                    tell_let_go()?;
                    self.start()?
                }
            };
            if let Some(code) = code {
                return Ok(code);
            }
        }
    }

    fn next(&self) -> io::Result<Event> {
        let gone = || io::Error::other("nothing more can happen");
        if !self.passage.waits_for_program() {
            return self.events.recv().map_err(|_| gone());
        }
        let left = self.overdue.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok(event) => Ok(event),
            Err(RecvTimeoutError::Timeout) => Ok(Event::Program(Happening::NotWaiting)),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }

    /// Starts the program the ordinary way; the code to exit with if it cannot be started.
    fn start(&mut self) -> io::Result<Option<ExitCode>> {
        let command = program::command(self.run, &self.environment, None);
        self.program_or_code(program::start(command))
    }

    fn start_preloading(&mut self, sender: &SyncSender<Event>) -> io::Result<Option<ExitCode>> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command =
            program::command(self.run, &self.environment, self.run.preload.as_deref());
        command.stdin(OwnedFd::from(theirs));
        let started = self.program_or_code(program::start(command))?;
        let mut answer = ours.try_clone()?;
        self.socket = Some(ours);
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut said = [0];
            let waits = answer.read_exact(&mut said).is_ok() && said == [WAITING];
            let happening = if waits {
                Happening::Loaded
            } else {
                Happening::NotWaiting
            };
            // Nobody receives it any more: the process is ending.
            let _ = sender.send(Event::Program(happening));
        });
        Ok(started)
    }

    fn program_or_code(&mut self, started: io::Result<Pid>) -> io::Result<Option<ExitCode>> {
        let error = match started {
            Ok(pid) => {
                self.program = Some(pid);
                return Ok(None);
            }
            Err(error) => error,
        };
        let program = self.run.program.display();
        let said = error.to_string();
        let cause = said.split(" (os error").next().unwrap_or_default();
        // In the words of the init that engines bring along: whoever reads them need not know both.
        let line = format!("[FATAL nasiko-gate] exec {program} failed: {cause}\n");
        io::stderr().write_all(line.as_bytes())?;
        let absent = error.kind() == io::ErrorKind::NotFound;
        Ok(Some(ExitCode::from(if absent {
            NOT_FOUND
        } else {
            NOT_EXECUTABLE
        })))
    }

    /// Ends a program that did not wait, with all of its group, and waits until it is gone.
    fn replace(&mut self) -> io::Result<()> {
        self.socket = None;
        let Some(program) = self.program.take() else {
            return Ok(());
        };
        kill_process_group(program, Signal::KILL)?;
        loop {
            match rustix::process::wait(WaitOptions::empty())? {
                Some((pid, _)) if pid == program => return Ok(()),
                _ => {}
            }
        }
    }

    /// Takes in whatever has ended; the code to exit with if that was the program.
    fn reap(&self) -> io::Result<Option<ExitCode>> {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if Some(pid) == self.program => {
                    return Ok(Some(code_of(status)));
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Passes a signal on; the code to exit with if there is no program yet and the signal would have ended it.
    fn forward(&self, signal: i32) -> Option<ExitCode> {
        match (self.program, Signal::from_named_raw(signal)) {
            (Some(program), Some(signal)) => {
                // It may have ended just now, which SIGCHLD tells.
                let _ = kill_process(program, signal);
                None
            }
            _ => ENDING
                .contains(&signal)
                .then(|| exit_code(SIGNAL_BASE + signal)),
        }
    }
}

fn tell_let_go() -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(LET_GO)?;
    out.flush()
}

fn code_of(status: WaitStatus) -> ExitCode {
    let signal = status
        .terminating_signal()
        .map(|signal| SIGNAL_BASE + signal);
    exit_code(status.exit_status().or(signal).unwrap_or(0))
}

fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
