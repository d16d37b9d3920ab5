//! Labels on what a stack is made of. Those of `com.docker.compose` are what other tools know a project by; with them
//! `docker compose` and Docker Desktop show the stack, and what they made is recognised here.

/// The project's name.
pub(crate) const PROJECT: &str = "com.docker.compose.project";
/// The service's name.
pub(crate) const SERVICE: &str = "com.docker.compose.service";
/// Counts a service's containers from one.
pub(crate) const NUMBER: &str = "com.docker.compose.container-number";
/// `True` for a container of one command rather than of the service.
pub(crate) const ONEOFF: &str = "com.docker.compose.oneoff";
/// The hash as other tools compare it.
pub(crate) const COMPOSE_HASH: &str = "com.docker.compose.config-hash";
/// What a container waits for: `service:condition:restart`, separated by commas.
pub(crate) const DEPENDS_ON: &str = "com.docker.compose.depends_on";
/// The project's folder.
pub(crate) const WORKING_DIR: &str = "com.docker.compose.project.working_dir";
/// The project's files, separated by commas.
pub(crate) const CONFIG_FILES: &str = "com.docker.compose.project.config_files";
/// The network's key in the project.
pub(crate) const NETWORK: &str = "com.docker.compose.network";
/// The volume's key in the project.
pub(crate) const VOLUME: &str = "com.docker.compose.volume";
/// Says that a container, a network or a volume was made here, and from what.
pub(crate) const HASH: &str = "nasiko.stack.config-hash";

/// Whether a label is one by which a tool keeps its books, rather than one that a file gives.
pub(crate) fn is_of_tools(name: &str) -> bool {
    name == HASH || name.starts_with("com.docker.compose.")
}
