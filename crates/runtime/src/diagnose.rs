//! Why a program ended, read from how it ended and from the last lines it wrote. Pure: looks at nothing else.

use nasiko_contract::{Culprit, ErrorCode, Fault};

use crate::instance::Exit;

/// What most likely ended a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What programs branch on.
    pub code: ErrorCode,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The last lines the program wrote.
    pub evidence: Vec<String>,
    /// What has to change, where the program named it. [`crate::port_owner`] says who holds a port.
    pub culprit: Option<Culprit>,
}

impl From<Diagnosis> for Fault {
    fn from(diagnosis: Diagnosis) -> Self {
        let mut fault = Fault::new(diagnosis.code, diagnosis.message).evidence(diagnosis.evidence);
        fault.hint = diagnosis.hint;
        fault.culprit = diagnosis.culprit;
        fault
    }
}

/// Looks for one kind of cause in the last lines.
type Reader = fn(&[&str]) -> Option<Finding>;

/// What a reader found.
struct Finding {
    code: ErrorCode,
    message: String,
    hint: String,
    culprit: Option<Culprit>,
}

impl Finding {
    fn new(code: ErrorCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: hint.into(),
            culprit: None,
        }
    }

    fn of(mut self, culprit: Option<Culprit>) -> Self {
        self.culprit = culprit;
        self
    }
}

/// Names what ended a program, as well as its last lines tell.
pub fn diagnose(exit: &Exit) -> Diagnosis {
    let lines: Vec<&str> = exit.last_lines.iter().map(String::as_str).collect();
    let readers: [Reader; 5] = [
        port_taken,
        environment_key,
        import_error,
        syntax_error,
        missing_variable,
    ];
    let finding = readers
        .iter()
        .find_map(|read| read(&lines))
        .or_else(|| missing_program(exit, &lines))
        .unwrap_or_else(|| plain_exit(exit));
    Diagnosis {
        code: finding.code,
        message: finding.message,
        hint: Some(finding.hint),
        evidence: exit.last_lines.clone(),
        culprit: finding.culprit,
    }
}

/// `EADDRINUSE` as Python, Node, Go, Rust and common servers say it.
fn port_taken(lines: &[&str]) -> Option<Finding> {
    let line = latest(lines, |line| {
        let lower = line.to_ascii_lowercase();
        lower.contains("address already in use")
            || lower.contains("eaddrinuse")
            || lower.contains("addrinuse")
            || (lower.starts_with("port ") && lower.contains(" is in use"))
    })?;
    let port = port_in(line);
    let which = port.map_or_else(
        || "The port it wants".to_owned(),
        |port| format!("Port {port}"),
    );
    let finding = Finding::new(
        ErrorCode::PortTaken,
        format!("{which} is held by another program"),
        "Let the agent listen on the port in the variable PORT, so that a free one is chosen, or stop the other program",
    );
    Some(finding.of(port.map(|number| Culprit::Port { number })))
}

/// The number in a line that stands where a port stands: after a colon, a comma or the word `port`.
fn port_in(line: &str) -> Option<u16> {
    let lower = line.to_ascii_lowercase();
    let mut found = None;
    let mut start = 0;
    for piece in lower.split(|character: char| !character.is_ascii_digit()) {
        let before = lower.get(..start).unwrap_or_default().trim_end();
        if before.ends_with([':', ',']) || before.ends_with("port") {
            found = piece.parse().ok().filter(|port| *port != 0).or(found);
        }
        // Every separator is one character; in ASCII lower case that is one byte unless it was not ASCII before.
        start += piece.len();
        start += lower
            .get(start..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
    }
    found
}

/// Python's `os.environ["NAME"]`.
fn environment_key(lines: &[&str]) -> Option<Finding> {
    let line = latest(lines, |line| line.starts_with("KeyError: '"))?;
    let name = between(line, "KeyError: '", "'")?;
    let from_environment = lines.iter().any(|line| line.contains("environ")) || is_constant(name);
    from_environment.then(|| variable_finding(Some(name)))
}

fn import_error(lines: &[&str]) -> Option<Finding> {
    const OPENINGS: [(&str, &str); 7] = [
        ("No module named '", "'"),
        ("No module named ", " "),
        ("Cannot find module '", "'"),
        ("Cannot find package '", "'"),
        ("no required module provides package ", ";"),
        ("unresolved import `", "`"),
        ("cannot import name '", "'"),
    ];
    let (line, name) = lines.iter().rev().find_map(|line| {
        let (opening, closing) = OPENINGS
            .iter()
            .find(|(opening, _)| line.contains(opening))?;
        Some((*line, between(line, opening, closing)?))
    })?;
    if line.contains("cannot import name '") {
        let from = between(line, " from '", "'").unwrap_or("its module");
        let finding = Finding::new(
            ErrorCode::ImportError,
            format!("{name} cannot be imported from {from}"),
            format!(
                "Check that the installed version of {from} has {name}, and pin a version that does"
            ),
        );
        return Some(finding.of(place_in(lines)));
    }
    let local = name.starts_with(['.', '/']);
    let hint = if local {
        format!("Check that {name} exists and that the program is started in the right folder")
    } else {
        let package = name.split('.').next().unwrap_or(name);
        let package = if line.contains("No module named") {
            package
        } else {
            name
        };
        format!("Add {package} to the agent's requirements, or correct the import")
    };
    let finding = Finding::new(
        ErrorCode::ImportError,
        format!("It imports {name}, which is not installed"),
        hint,
    );
    Some(finding.of(place_in(lines)))
}

fn syntax_error(lines: &[&str]) -> Option<Finding> {
    // Node's own parser stands in the stack of a source that does not parse; JSON.parse throws the same class.
    const NODE_PARSER: [&str; 4] = [
        "wrapSafe",
        "compileSourceTextModule",
        "internalCompileFunction",
        "compileFunction",
    ];
    let python = |line: &str| {
        ["SyntaxError:", "IndentationError:", "TabError:"]
            .iter()
            .any(|kind| line.starts_with(kind))
            && lines
                .iter()
                .any(|line| line.trim_start().starts_with("File \""))
    };
    let node = |line: &str| {
        line.starts_with("SyntaxError:")
            && lines
                .iter()
                .any(|line| NODE_PARSER.iter().any(|name| line.contains(name)))
    };
    let compiled =
        |line: &str| line.contains(": syntax error: ") || line.starts_with("error: expected ");
    let line = latest(lines, |line| python(line) || node(line) || compiled(line))?;
    let place = last_place(lines);
    let place = place.or_else(|| between(line, "", ": syntax error").map(str::to_owned));
    let whereabouts = place
        .as_ref()
        .map(|place| format!(" at {place}"))
        .unwrap_or_default();
    let finding = Finding::new(
        ErrorCode::SyntaxError,
        format!("The source does not parse{whereabouts}"),
        format!("Correct the source: {}", line.trim()),
    );
    Some(finding.of(place.as_deref().map(place_of)))
}

/// The last place in a file that a report of Python, Rust or Node names, but for files of packages.
fn last_place(lines: &[&str]) -> Option<String> {
    const OF_PACKAGES: [&str; 4] = ["site-packages", "node_modules", "<frozen", "node:internal"];
    let own = |line: &&&str| !OF_PACKAGES.iter().any(|package| line.contains(package));
    lines.iter().rev().filter(own).find_map(|line| {
        let python = line.trim_start().strip_prefix("File \"").and_then(|rest| {
            let (file, rest) = rest.split_once('"')?;
            let number = rest.strip_prefix(", line ")?.split(',').next()?.trim();
            Some(format!("{file}:{number}"))
        });
        python
            .or_else(|| line.strip_prefix("  --> ").map(str::to_owned))
            .or_else(|| node_place(line))
    })
}

fn place_in(lines: &[&str]) -> Option<Culprit> {
    last_place(lines).as_deref().map(place_of)
}

/// `file:line` or `file:line:column` in parts.
fn place_of(place: &str) -> Culprit {
    let numbered = |text: &str| -> Option<(String, u32)> {
        let (before, number) = text.rsplit_once(':')?;
        Some((before.to_owned(), number.parse().ok()?))
    };
    let mut file = place.strip_prefix("file://").unwrap_or(place).to_owned();
    let mut line = None;
    // From behind: the column, if there is one, then the line.
    while let Some((before, number)) = numbered(&file) {
        (file, line) = (before, Some(number));
    }
    Culprit::Place { file, line }
}

/// The head line of Node's report: a path or `file:` address and a line number.
fn node_place(line: &str) -> Option<String> {
    let (path, number) = line.rsplit_once(':')?;
    let is_place = (path.starts_with('/') || path.starts_with("file:")) && !number.is_empty();
    (is_place && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| line.to_owned())
}

/// A message that names a variable and says that it is not there.
fn missing_variable(lines: &[&str]) -> Option<Finding> {
    const COMPLAINTS: [&str; 9] = [
        "environment variable",
        "env var",
        "not set",
        "must be set",
        "is required",
        "missing required",
        "not found in environment",
        "notpresent",
        "is undefined",
    ];
    let complains = |line: &str| {
        let lower = line.to_ascii_lowercase();
        COMPLAINTS.iter().any(|complaint| lower.contains(complaint))
    };
    let named = lines
        .iter()
        .rev()
        .filter(|line| complains(line))
        .find_map(|line| constant_in(line));
    if let Some(name) = named {
        return Some(variable_finding(Some(name)));
    }
    // What Rust's standard library says, without the name.
    latest(lines, |line| {
        line.contains("environment variable not found") || line.contains("NotPresent")
    })
    .map(|_| variable_finding(None))
}

fn variable_finding(name: Option<&str>) -> Finding {
    match name {
        Some(name) => Finding::new(
            ErrorCode::MissingVariable,
            format!("The environment variable {name} is not set"),
            format!("Set it: nasiko secret set {name}, or put {name}=… into the folder's .env"),
        )
        .of(Some(Culprit::Variable {
            name: name.to_owned(),
        })),
        None => Finding::new(
            ErrorCode::MissingVariable,
            "An environment variable it needs is not set",
            "The last lines show where it reads one; set it with nasiko secret set or in the folder's .env",
        ),
    }
}

/// `UPPER_CASE` with at least one underscore: how variables are written and little else is.
fn is_constant(word: &str) -> bool {
    word.len() > 3
        && word.contains('_')
        && word.starts_with(|first: char| first.is_ascii_uppercase())
        && word
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn constant_in(line: &str) -> Option<&str> {
    line.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .find(|word| is_constant(word))
}

/// A shell, or a container's first process, that did not find its program.
fn missing_program(exit: &Exit, lines: &[&str]) -> Option<Finding> {
    const NOT_FOUND: i32 = 127;
    if exit.code != Some(NOT_FOUND) {
        return None;
    }
    let by_init = lines.iter().rev().find_map(|line| {
        line.ends_with("No such file or directory")
            .then(|| between(line, "] exec ", " failed"))?
    });
    let by_shell = || {
        let line = latest(lines, |line| line.contains("not found"))?;
        line.split(": ").find(|part| {
            !part.is_empty()
                && !part.contains(' ')
                && !part.ends_with("sh")
                && part.parse::<u32>().is_err()
        })
    };
    let name = by_init.or_else(by_shell)?;
    Some(Finding::new(
        ErrorCode::ToolMissing,
        format!("The program {name} is not installed where the agent runs"),
        format!("Install {name}, or run the agent in Docker with an image that brings it"),
    ))
}

fn plain_exit(exit: &Exit) -> Finding {
    let code = ErrorCode::ExitedAtOnce;
    let after = format!("after {:.1} s", exit.ran_for.as_secs_f64());
    if exit.oom {
        return Finding::new(
            code,
            format!("It was killed {after}, because it used more memory than it may"),
            "Raise its memory limit or let it use less",
        );
    }
    match (exit.code, exit.signal) {
        (Some(0), _) => Finding::new(
            code,
            format!("The program ended by itself {after}, without an error"),
            "An agent is a server: check that the command starts one and waits for requests",
        ),
        (Some(number), _) => Finding::new(
            code,
            format!("The program ended with exit code {number} {after}"),
            "The last lines it wrote say why",
        ),
        (None, Some(signal)) => Finding::new(
            code,
            format!("The program was ended by signal {signal} {after}"),
            "Check what sent the signal; 9 is often the system running out of memory, 11 a crash in native code",
        ),
        (None, None) => Finding::new(
            code,
            format!("The program ended {after}"),
            "The last lines it wrote may say why",
        ),
    }
}

/// The latest line that fits.
fn latest<'a>(lines: &[&'a str], fits: impl Fn(&str) -> bool) -> Option<&'a str> {
    lines.iter().rev().find(|line| fits(line)).copied()
}

fn between<'a>(text: &'a str, opening: &str, closing: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(opening)?;
    let inner = after.split(closing).next()?.trim();
    (!inner.is_empty()).then_some(inner)
}

#[cfg(test)]
mod tests;
