//! Data on standard output, talk on standard error.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nasiko_contract::Fault;
use serde::Serialize;

use crate::{
    documents::{ErrorDocument, FailureDocument},
    failure::Failure,
};

/// Where and how a command speaks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    /// One document, or JSON lines, instead of words.
    pub(crate) json: bool,
    /// Say more.
    pub(crate) verbose: bool,
    colored: bool,
    colored_talk: bool,
}

/// Colours of [`Look::Tint`], without those that mean something.
const TINTS: [&str; 6] = ["36", "35", "34", "96", "95", "94"];

/// How a piece of text looks on a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    Bold,
    Dim,
    Good,
    Bad,
    Busy,
    /// One of a row of colours that are easily told apart.
    Tint(usize),
}

#[expect(
    clippy::unused_self,
    reason = "commands speak through it, whichever of the two streams it is"
)]
impl Output {
    pub(crate) fn new(json: bool, verbose: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            json,
            verbose,
            colored: !plain && io::stdout().is_terminal(),
            colored_talk: !plain && io::stderr().is_terminal(),
        }
    }

    /// Whether a person watches, so that a bar may move and a question be asked.
    pub(crate) fn is_watched(self) -> bool {
        !self.json && io::stderr().is_terminal()
    }

    /// A bar of steps with words behind it; not to be seen where nobody watches.
    pub(crate) fn bar(self) -> ProgressBar {
        let target = if self.is_watched() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {bar:24} {pos}/{len}  {wide_msg}")
        {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
        }
        bar
    }

    /// A line of data.
    pub(crate) fn line(self, text: impl AsRef<str>) -> Result<(), Failure> {
        Ok(writeln!(io::stdout(), "{}", text.as_ref())?)
    }

    /// A piece of data that comes bit by bit.
    pub(crate) fn piece(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// A document: laid out for a person at a terminal, in one line for a program.
    pub(crate) fn document(self, document: &impl Serialize) -> Result<(), Failure> {
        let text = if io::stdout().is_terminal() {
            serde_json::to_string_pretty(document)
        } else {
            serde_json::to_string(document)
        };
        self.line(text.map_err(io::Error::from)?)
    }

    /// One line of a stream of documents.
    pub(crate) fn item(self, document: &impl Serialize) -> Result<(), Failure> {
        self.line(serde_json::to_string(document).map_err(io::Error::from)?)
    }

    /// Talk. That nobody listens is no failure.
    pub(crate) fn say(self, text: impl AsRef<str>) {
        let _ = writeln!(io::stderr(), "{}", text.as_ref());
    }

    /// Talk of another program, as it came.
    pub(crate) fn talk(self, text: &str) {
        let mut stderr = io::stderr();
        let _ = stderr
            .write_all(text.as_bytes())
            .and_then(|()| stderr.flush());
    }

    /// Why the command failed: for a person sentence, code, evidence and hint; for a program a document.
    pub(crate) fn failure(self, failure: &Failure) {
        let Some(fault) = failure.fault() else { return };
        if self.json {
            let error = ErrorDocument::from(fault.clone());
            // Nothing is left to do for a reader who is gone.
            let _ = self.document(&FailureDocument { error });
            return;
        }
        self.fault(Look::Bad, fault);
    }

    /// What went wrong beside the command, which goes on.
    pub(crate) fn warning(self, fault: &Fault) {
        self.fault(Look::Busy, fault);
    }

    fn fault(self, look: Look, fault: &Fault) {
        let sentence = self.talk_look(look, &fault.message);
        let code = self.talk_look(Look::Dim, &format!("[{}]", fault.code.as_str()));
        self.say(format!("{sentence} {code}"));
        for line in &fault.evidence {
            self.say(format!("  {} {line}", self.talk_look(Look::Dim, "│")));
        }
        if let Some(hint) = &fault.hint {
            self.say(format!("{} {hint}", self.talk_look(Look::Bold, "→")));
        }
    }

    /// Data that looks like something on a terminal.
    pub(crate) fn look(self, look: Look, text: &str) -> String {
        paint(self.colored, look, text)
    }

    /// Talk that looks like something on a terminal.
    pub(crate) fn talk_look(self, look: Look, text: &str) -> String {
        paint(self.colored_talk, look, text)
    }
}

fn paint(colored: bool, look: Look, text: &str) -> String {
    if !colored || text.is_empty() {
        return text.to_owned();
    }
    let code = match look {
        Look::Bold => "1",
        Look::Dim => "2",
        Look::Good => "32",
        Look::Bad => "31",
        Look::Busy => "33",
        Look::Tint(number) => TINTS.get(number % TINTS.len()).copied().unwrap_or("36"),
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}
