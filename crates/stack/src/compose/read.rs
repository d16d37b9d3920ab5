//! From the merged tree to typed values.

pub(super) mod mounts;
pub(super) mod ports;
mod runtime;
mod service;
mod top;

use std::path::PathBuf;

use indexmap::IndexMap;

use super::at::At;
use super::model::Project;
use super::problem::{Problem, Problems};
use super::yaml::Node;

/// Reads a whole project. What is wrong is noted, and what can be read is read on.
pub(super) fn project(
    root: &Node,
    name: &str,
    directory: PathBuf,
    files: Vec<PathBuf>,
    mut warnings: Vec<Problem>,
    problems: &Problems,
) -> Option<Project> {
    let top = At::new(root, "", problems).fields("")?;
    if let Some(span) = top.key_span("version") {
        warnings.push(Problem {
            span: span.clone(),
            key: "version".to_owned(),
            reason: super::Reason::InvalidValue(
                "`version` means nothing any more: files follow the Compose Specification"
                    .to_owned(),
            ),
            hint: Some("take the line out".to_owned()),
        });
    }
    let mut project = Project {
        name: name.to_owned(),
        span: root.span.clone(),
        directory,
        files,
        services: IndexMap::new(),
        networks: IndexMap::new(),
        volumes: IndexMap::new(),
        configs: IndexMap::new(),
        secrets: IndexMap::new(),
        warnings,
    };
    let named = |section: &'static str| top.get(section).and_then(|at| at.entries());
    for (key, at) in named("services").unwrap_or_default() {
        if !is_name(key) {
            let hint = "names are letters, digits, `.`, `_` and `-`";
            at.invalid::<()>(format!("`{key}` is no name of a service"), hint);
        }
        if let Some(service) = service::read(key, &at) {
            project.services.insert(key.to_owned(), service);
        }
    }
    for (key, at) in named("networks").unwrap_or_default() {
        let network = top::network(name, key, &at);
        project
            .networks
            .extend(network.map(|network| (key.to_owned(), network)));
    }
    for (key, at) in named("volumes").unwrap_or_default() {
        let volume = top::volume(name, key, &at);
        project
            .volumes
            .extend(volume.map(|volume| (key.to_owned(), volume)));
    }
    for (key, at) in named("configs").unwrap_or_default() {
        let object = top::file_object("configs.*", &at);
        project
            .configs
            .extend(object.map(|object| (key.to_owned(), object)));
    }
    for (key, at) in named("secrets").unwrap_or_default() {
        let object = top::file_object("secrets.*", &at);
        project
            .secrets
            .extend(object.map(|object| (key.to_owned(), object)));
    }
    let alone = |service: &super::Service| service.networks.contains_key(DEFAULT_NETWORK);
    if !project.networks.contains_key(DEFAULT_NETWORK) && project.services.values().any(alone) {
        let network = top::default_network(name);
        project.networks.insert(DEFAULT_NETWORK.to_owned(), network);
    }
    Some(project)
}

/// The network of services that name none.
pub(super) const DEFAULT_NETWORK: &str = "default";

fn is_name(name: &str) -> bool {
    let fits = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    !name.is_empty() && name.chars().all(fits)
}
