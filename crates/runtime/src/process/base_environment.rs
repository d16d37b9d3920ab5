//! What of the control plane's own environment others may see: little for agents, a little more for package tools.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What every program needs to run at all.
const FOR_AGENTS: [&str; 13] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SYSTEMROOT",
    "USERPROFILE",
];
/// What package tools need to reach their registry the way this machine is set up.
const FOR_TOOLS: [&str; 10] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];
const FOR_TOOLS_PREFIXES: [&str; 6] = [
    "PIP_",
    "UV_",
    "NPM_CONFIG_",
    "npm_config_",
    "XDG_",
    "PYENV_",
];

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The variables of this process, given in once at the edge.
#[derive(Clone, Default)]
pub(super) struct BaseEnvironment(BTreeMap<OsString, OsString>);

impl BaseEnvironment {
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The clean base every agent starts from.
    pub(super) fn for_agents(&self) -> BTreeMap<OsString, OsString> {
        self.select(|name| FOR_AGENTS.contains(&name))
    }

    /// The base for package tools.
    pub(super) fn for_tools(&self) -> BTreeMap<OsString, OsString> {
        self.select(|name| {
            FOR_AGENTS.contains(&name)
                || FOR_TOOLS.contains(&name)
                || FOR_TOOLS_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
        })
    }

    pub(super) fn path(&self) -> OsString {
        self.0
            .get(OsStr::new("PATH"))
            .cloned()
            .unwrap_or_else(|| DEFAULT_PATH.into())
    }

    fn select(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<OsString, OsString> {
        let mut selected: BTreeMap<OsString, OsString> = self
            .0
            .iter()
            .filter(|(name, _)| name.to_str().is_some_and(&wanted))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        selected.insert("PATH".into(), self.path());
        selected
    }
}

/// Finds a program the way a shell does.
pub(super) fn find_program(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
}

#[cfg(unix)]
pub(super) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_executable(path: &Path) -> bool {
    fs_err::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// Puts a folder before (or, for a fallback, behind) the others of a `PATH`.
pub(super) fn join_path(first: &[&Path], path: &OsStr, last: &[&Path]) -> OsString {
    let folders = first
        .iter()
        .map(|folder| folder.to_path_buf())
        .chain(std::env::split_paths(path))
        .chain(last.iter().map(|folder| folder.to_path_buf()));
    // Only a folder with a separator in its name cannot be joined; then the path stays as it was.
    std::env::join_paths(folders).unwrap_or_else(|_| path.to_owned())
}
