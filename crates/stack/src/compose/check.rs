//! What only shows when the parts of a project are held against each other.

use std::collections::{HashMap, HashSet};

use super::model::{Condition, MountSource, Namespace, Port, Project, Service};
use super::problem::{Problem, Problems, Reason, did_you_mean};
use super::span::{Span, Spanned};

pub(super) fn project(project: &Project, problems: &Problems) {
    for service in project.services.values() {
        Checking {
            project,
            service,
            problems,
        }
        .all();
    }
    cycles(project, problems);
    container_names(project, problems);
    let always = project
        .services
        .values()
        .filter(|service| service.profiles.is_empty());
    for problem in duplicate_ports(always) {
        problems.add(&problem.span, &problem.key, problem.reason, problem.hint);
    }
}

struct Checking<'a> {
    project: &'a Project,
    service: &'a Service,
    problems: &'a Problems,
}

impl Checking<'_> {
    fn all(&self) {
        let (project, service) = (self.project, self.service);
        for (name, dependency) in &service.depends_on {
            let key = format!("depends_on.{name}");
            match project.services.get(name) {
                None if dependency.required => {
                    self.undeclared(
                        "service",
                        name,
                        &dependency.span,
                        &key,
                        project.services.keys(),
                    );
                }
                Some(other)
                    if dependency.condition == Condition::Healthy && never_healthy(other) =>
                {
                    let text = format!("{name} has no health check, so it never counts as healthy");
                    let hint = format!("give {name} a healthcheck, or wait for service_started");
                    self.add(&dependency.span, &key, Reason::Conflict(text), Some(hint));
                }
                _ => {}
            }
        }
        for (key, namespace) in namespaces(service) {
            if let Namespace::Service(name) = &namespace.value
                && !project.services.contains_key(name)
            {
                self.undeclared(
                    "service",
                    name,
                    &namespace.span,
                    key,
                    project.services.keys(),
                );
            }
        }
        for (name, attachment) in &service.networks {
            if !project.networks.contains_key(name) {
                let key = format!("networks.{name}");
                self.undeclared(
                    "network",
                    name,
                    &attachment.span,
                    &key,
                    project.networks.keys(),
                );
            }
        }
        if let (Some(mode), Some(port)) = (&service.network_mode, service.ports.first())
            && mode.value != Namespace::Engine("bridge".to_owned())
        {
            let text = "ports are published by the network that a service is on, and it has none of its own".to_owned();
            self.add(&port.span, "ports", Reason::Conflict(text), None);
        }
        self.mounts();
        for (key, kind, files, declared) in [
            ("configs", "config", &service.configs, &project.configs),
            ("secrets", "secret", &service.secrets, &project.secrets),
        ] {
            for file in files {
                if !declared.contains_key(&file.source) {
                    self.undeclared(kind, &file.source, &file.span, key, declared.keys());
                }
            }
        }
    }

    fn mounts(&self) {
        let mut targets: HashSet<&str> = HashSet::new();
        for mount in &self.service.mounts {
            if let MountSource::Volume {
                name: Some(name), ..
            } = &mount.source
                && !self.project.volumes.contains_key(name)
            {
                let hint = did_you_mean(name, self.project.volumes.keys().map(String::as_str));
                let hint = hint.unwrap_or_else(|| {
                    format!("declare `{name}` under the top-level `volumes`, or write ./{name} for a folder")
                });
                let reason = Reason::Undeclared {
                    kind: "volume",
                    name: name.clone(),
                };
                self.add(&mount.span, "volumes", reason, Some(hint));
            }
            if !targets.insert(mount.target.trim_end_matches('/')) {
                let text = format!("two things are mounted at {}", mount.target);
                self.add(&mount.span, "volumes", Reason::Conflict(text), None);
            }
        }
        let in_memory = self.service.mounts.iter().filter_map(|mount| {
            matches!(mount.source, MountSource::Tmpfs { .. }).then_some(mount.target.as_str())
        });
        let in_memory: Vec<&str> = in_memory
            .chain(self.service.tmpfs.keys().map(String::as_str))
            .collect();
        for file in self.service.configs.iter().chain(&self.service.secrets) {
            let hides = |folder: &&&str| {
                let rest = file.target.strip_prefix(folder.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.starts_with('/'))
            };
            if let Some(folder) = in_memory.iter().find(hides) {
                let text = format!(
                    "{} would be hidden by the empty file system at {folder}",
                    file.target
                );
                let hint = "give it a `target` elsewhere".to_owned();
                self.add(&file.span, "tmpfs", Reason::Conflict(text), Some(hint));
            }
        }
    }

    fn undeclared<'b>(
        &self,
        kind: &'static str,
        name: &str,
        span: &Span,
        key: &str,
        known: impl Iterator<Item = &'b String>,
    ) {
        let hint = did_you_mean(name, known.map(String::as_str));
        let name = name.to_owned();
        self.add(span, key, Reason::Undeclared { kind, name }, hint);
    }

    fn add(&self, span: &Span, key: &str, reason: Reason, hint: Option<String>) {
        let key = format!("services.{}.{key}", self.service.name);
        self.problems.add(span, &key, reason, hint);
    }
}

/// A check may also come from the image, so only one that is switched off is certain.
fn never_healthy(service: &Service) -> bool {
    service
        .healthcheck
        .as_ref()
        .is_some_and(|check| check.disable)
}

fn namespaces(service: &Service) -> impl Iterator<Item = (&'static str, &Spanned<Namespace>)> {
    [
        ("network_mode", &service.network_mode),
        ("pid", &service.pid),
        ("ipc", &service.ipc),
    ]
    .into_iter()
    .filter_map(|(key, namespace)| Some((key, namespace.as_ref()?)))
}

/// The services that must be there before a service.
pub(super) fn needs(service: &Service) -> impl Iterator<Item = (&str, &Span)> {
    let waits = service
        .depends_on
        .iter()
        .map(|(name, dependency)| (name.as_str(), &dependency.span));
    waits.chain(service.shared_namespaces())
}

fn cycles(project: &Project, problems: &Problems) {
    let mut done = HashSet::new();
    for name in project.services.keys() {
        let mut path = Vec::new();
        if let Some((names, span)) = circle(project, name, &mut path, &mut done) {
            let key = format!(
                "services.{}.depends_on",
                names.first().cloned().unwrap_or_default()
            );
            let reason = Reason::Cycle {
                kind: "depends_on",
                names,
            };
            problems.add(
                &span,
                &key,
                reason,
                Some("take one of these dependencies out".to_owned()),
            );
            return;
        }
    }
}

fn circle<'a>(
    project: &'a Project,
    name: &'a str,
    path: &mut Vec<&'a str>,
    done: &mut HashSet<&'a str>,
) -> Option<(Vec<String>, Span)> {
    if done.contains(name) {
        return None;
    }
    path.push(name);
    let service = project.services.get(name)?;
    for (other, span) in needs(service) {
        if let Some(first) = path.iter().position(|step| *step == other) {
            let names = path.iter().skip(first).chain([&other]);
            return Some((names.map(|name| (*name).to_owned()).collect(), span.clone()));
        }
        if project.services.contains_key(other)
            && let Some(found) = circle(project, other, path, done)
        {
            return Some(found);
        }
    }
    path.pop();
    done.insert(name);
    None
}

fn container_names(project: &Project, problems: &Problems) {
    let mut names: HashMap<&str, &str> = HashMap::new();
    for service in project.services.values() {
        let Some(name) = &service.container_name else {
            continue;
        };
        if let Some(first) = names.insert(name.as_str(), &service.name) {
            let key = format!("services.{}.container_name", service.name);
            let text = format!("{first} has the same container name");
            problems.add(&name.span, &key, Reason::Conflict(text), None);
        }
    }
}

/// Ports that cannot be published because another service, or another entry, publishes them.
pub(super) fn duplicate_ports<'a>(services: impl Iterator<Item = &'a Service>) -> Vec<Problem> {
    let mut published: Vec<(&Service, &Spanned<Port>)> = Vec::new();
    let mut problems = Vec::new();
    for service in services {
        for port in &service.ports {
            let same = published.iter().find(|(_, other)| collide(port, other));
            if let Some((first, other)) = same {
                problems.push(Problem {
                    span: port.span.clone(),
                    key: format!("services.{}.ports", service.name),
                    reason: Reason::DuplicatePort {
                        port: shown(port),
                        first: format!(
                            "{} ({}:{})",
                            first.name,
                            other.span.file().display(),
                            other.span.line()
                        ),
                        second: service.name.clone(),
                    },
                    hint: Some("publish one of them elsewhere".to_owned()),
                });
            }
            published.push((service, port));
        }
    }
    problems
}

/// The same protocol and one same port of the host, at one address or at all.
fn collide(one: &Port, two: &Port) -> bool {
    let fixed = |port: &Port| port.published.filter(|(first, last)| first == last);
    let everywhere = |port: &Port| {
        port.host_ip
            .as_deref()
            .is_none_or(|ip| ip == "0.0.0.0" || ip == "::")
    };
    fixed(one).is_some()
        && fixed(one) == fixed(two)
        && one.protocol == two.protocol
        && (one.host_ip == two.host_ip || everywhere(one) || everywhere(two))
}

fn shown(port: &Port) -> String {
    let ip = port
        .host_ip
        .as_ref()
        .map_or_else(String::new, |ip| format!("{ip}:"));
    let number = port.published.map_or(0, |(first, _)| first);
    format!("{ip}{number}/{}", port.protocol.as_str())
}
