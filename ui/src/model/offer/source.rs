use nasiko_contract::{ErrorCode, Fault};

use crate::{
    model::{
        format,
        preview::{clean_path, is_absolute, is_archive},
    },
    words::offer as words,
};

/// Lines of a text that are read as sources; a longer one is something else.
const MOST_LINES: usize = 64;

/// Where an agent may come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A folder or archive of the control plane's machine.
    Path(String),
    /// A git repository, by its address.
    Repository(String),
    /// An archive that the browser has: it is sent along.
    Upload {
        /// Its name.
        name: String,
        /// How large it is.
        bytes: u64,
    },
    /// Something of which only the name is known.
    Nowhere {
        /// Its name.
        name: String,
        /// Why nothing can be done with it.
        fault: Fault,
    },
}

impl Source {
    /// A file that was dropped on a page that learns no paths.
    pub(crate) fn of_file(name: String, bytes: u64) -> Self {
        if is_archive(&name) {
            return Self::Upload { name, bytes };
        }
        let fault = Fault::new(ErrorCode::NotAnAgentSource, words::not_an_archive(&name))
            .hint(words::WHAT_AN_AGENT_IS);
        Self::Nowhere { name, fault }
    }

    /// A folder that was dropped on a page that learns no paths.
    pub(crate) fn of_folder(name: String) -> Self {
        let fault = Fault::new(
            ErrorCode::NotAnAgentSource,
            words::folder_of_unknown_place(&name),
        )
        .hint(words::GIVE_A_PATH);
        Self::Nowhere { name, fault }
    }

    /// The folder `name` in this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        match self {
            Self::Path(path) => {
                Self::Path(format!("{}/{name}", path.trim_end_matches(['/', '\\'])))
            }
            other => other.clone(),
        }
    }

    /// The last part of its path or address: what is known of it at once.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Path(whole) | Self::Repository(whole) => {
                let whole = whole.trim_end_matches(['/', '\\']);
                let last = whole.rsplit(['/', '\\', ':']).next().unwrap_or(whole);
                last.strip_suffix(".git").unwrap_or(last)
            }
            Self::Upload { name, .. } | Self::Nowhere { name, .. } => name,
        }
    }

    /// Where it is, in full.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Path(whole) | Self::Repository(whole) => whole.clone(),
            Self::Upload { bytes, .. } => words::sent_along(&format::bytes(*bytes)),
            Self::Nowhere { .. } => String::new(),
        }
    }

    /// Whether a save in it could be live by itself.
    pub(crate) fn is_folder(&self) -> bool {
        matches!(self, Self::Path(path) if !is_archive(path))
    }
}

/// The sources that a text names, one in each line; nothing if any line is something else, for then it was not meant for
/// us.
pub(crate) fn named(text: &str) -> Vec<Source> {
    let lines = text.lines().map(str::trim);
    // Lists of addresses may hold remarks.
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let sources: Option<Vec<Source>> = lines.take(MOST_LINES + 1).map(source).collect();
    sources
        .filter(|sources| sources.len() <= MOST_LINES)
        .unwrap_or_default()
}

fn source(line: &str) -> Option<Source> {
    let path = clean_path(line);
    if is_absolute(&path) {
        return Some(Source::Path(path));
    }
    is_repository(&path).then_some(Source::Repository(path))
}

/// Whether a text is the address of something that `git` may clone: of the web with a path behind its host, or as `git`
/// writes them.
fn is_repository(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    let web = ["https://", "http://", "ssh://", "git://"];
    if let Some(rest) = web.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        return rest
            .split_once('/')
            .is_some_and(|(host, path)| !host.is_empty() && !path.trim_matches('/').is_empty());
    }
    text.strip_prefix("git@")
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(host, path)| !host.is_empty() && !path.is_empty())
}
