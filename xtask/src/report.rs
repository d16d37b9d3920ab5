//! Progress on the terminal: what is being done, for how long, and how it ended.

use std::io::IsTerminal as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

static BEGIN: OnceLock<Instant> = OnceLock::new();

/// One long step. Ends with [`Step::done`] or [`Step::failed`].
pub(crate) struct Step {
    name: String,
    began: Instant,
}

impl Step {
    /// Announces a step.
    pub(crate) fn begin(name: impl Into<String>) -> Self {
        let name = name.into();
        line('>', &name);
        Self {
            name,
            began: Instant::now(),
        }
    }

    /// It worked; says how long it took.
    pub(crate) fn done(self) -> Duration {
        let took = self.began.elapsed();
        line('+', &format!("{} ({})", self.name, human(took)));
        took
    }

    /// It did not; the caller says why.
    pub(crate) fn failed(self) -> Duration {
        let took = self.began.elapsed();
        line('!', &format!("{} failed ({})", self.name, human(took)));
        took
    }
}

/// A fact worth a line.
pub(crate) fn note(text: &str) {
    line(' ', text);
}

/// Something a person may want to change.
pub(crate) fn warn(text: &str) {
    line('!', text);
}

/// A duration the way people say it.
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        ..1.0 => format!("{:.0} ms", seconds * 1e3),
        ..60.0 => format!("{seconds:.1} s"),
        _ => format!(
            "{:.0} min {:.0} s",
            (seconds / 60.0).floor(),
            seconds % 60.0
        ),
    }
}

fn line(mark: char, text: &str) {
    let elapsed = BEGIN.get_or_init(Instant::now).elapsed().as_secs();
    let (minutes, seconds) = (elapsed / 60, elapsed % 60);
    let colour = match mark {
        '>' => "\x1b[1;36m",
        '+' => "\x1b[1;32m",
        '!' => "\x1b[1;33m",
        _ => "",
    };
    if std::io::stderr().is_terminal() {
        eprintln!("{minutes:3}:{seconds:02} {colour}{mark} {text}\x1b[0m");
    } else {
        eprintln!("{minutes:3}:{seconds:02} {mark} {text}");
    }
}
