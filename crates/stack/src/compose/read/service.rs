//! One service.

use std::path::Path;

use indexmap::IndexMap;

use super::{DEFAULT_NETWORK, mounts, ports, runtime};
use crate::compose::at::{At, Fields};
use crate::compose::dotenv;
use crate::compose::load::read_text;
use crate::compose::model::{Attachment, Build, PullPolicy, Service};
use crate::compose::problem::Reason;
use crate::compose::span::Spanned;
use crate::compose::values;

pub(super) fn read(name: &str, at: &At<'_>) -> Option<Service> {
    let fields = at.fields("services.*")?;
    let network_mode = fields
        .get("network_mode")
        .and_then(|at| runtime::namespace(&at, &["bridge", "host", "none"]));
    let mut networks = runtime::networks(&fields);
    if let (Some(mode), false) = (&network_mode, networks.is_empty()) {
        let reason = Reason::Conflict("network_mode and networks exclude each other".to_owned());
        let hint = Some("keep one of them".to_owned());
        return at.wrong_at(&mode.span, reason, hint);
    }
    if network_mode.is_none() && networks.is_empty() {
        networks.insert(
            DEFAULT_NETWORK.to_owned(),
            at.spanned(Attachment::default()),
        );
    }
    let build = fields.get("build").and_then(|at| build(&at));
    let image = spanned_text(&fields, "image");
    if fields.get("image").is_none() && fields.get("build").is_none() {
        let hint = Some("say which image it runs, or how it is built".to_owned());
        at.wrong::<()>(Reason::MissingKey("image"), hint);
    }
    let items = |key| {
        fields
            .get(key)
            .and_then(|at| at.items())
            .unwrap_or_default()
    };
    let flag = |key| fields.flag(key).unwrap_or(false);
    Some(Service {
        name: name.to_owned(),
        span: at.span().clone(),
        profiles: fields.texts("profiles"),
        image,
        build,
        pull_policy: fields
            .get("pull_policy")
            .and_then(|at| pull_policy(&at))
            .unwrap_or_default(),
        platform: fields.text("platform"),
        command: fields.get("command").and_then(|at| command(&at)),
        entrypoint: fields.get("entrypoint").and_then(|at| command(&at)),
        environment: environment(&fields),
        ports: items("ports").iter().flat_map(ports::read).collect(),
        expose: items("expose").iter().filter_map(expose).collect(),
        mounts: items("volumes").iter().filter_map(mounts::read).collect(),
        tmpfs: items("tmpfs").iter().filter_map(tmpfs).collect(),
        networks,
        network_mode,
        pid: fields
            .get("pid")
            .and_then(|at| runtime::namespace(&at, &["host"])),
        ipc: fields
            .get("ipc")
            .and_then(|at| runtime::namespace(&at, &["none", "private", "shareable", "host"])),
        depends_on: runtime::depends_on(&fields),
        healthcheck: fields
            .get("healthcheck")
            .and_then(|at| runtime::healthcheck(&at)),
        restart: fields
            .get("restart")
            .and_then(|at| runtime::restart(&at))
            .unwrap_or_default(),
        resources: runtime::resources(&fields),
        configs: runtime::files(&fields, "configs", "services.*.configs", "/"),
        secrets: runtime::files(&fields, "secrets", "services.*.secrets", "/run/secrets/"),
        logging: fields.get("logging").and_then(|at| runtime::logging(&at)),
        labels: fields.text_map("labels"),
        annotations: fields.text_map("annotations"),
        container_name: spanned_text(&fields, "container_name"),
        hostname: fields.text("hostname"),
        domainname: fields.text("domainname"),
        user: fields.get("user").and_then(|at| at.any_text()),
        group_add: fields.texts("group_add"),
        working_dir: fields.text("working_dir"),
        init: fields.flag("init"),
        privileged: flag("privileged"),
        tty: flag("tty"),
        stdin_open: flag("stdin_open"),
        read_only: flag("read_only"),
        cap_add: fields.texts("cap_add"),
        cap_drop: fields.texts("cap_drop"),
        security_opt: fields.texts("security_opt"),
        devices: fields.texts("devices"),
        sysctls: fields.text_map("sysctls"),
        ulimits: fields
            .get("ulimits")
            .and_then(|at| runtime::ulimits(&at))
            .unwrap_or_default(),
        extra_hosts: hosts(&fields),
        dns: fields.texts("dns"),
        dns_search: fields.texts("dns_search"),
        dns_opt: fields.texts("dns_opt"),
        stop_signal: fields.text("stop_signal"),
        stop_grace_period: fields.get("stop_grace_period").and_then(|at| at.duration()),
        shm_size: fields.get("shm_size").and_then(|at| at.bytes()),
    })
}

fn spanned_text(fields: &Fields<'_>, key: &'static str) -> Option<Spanned<String>> {
    let at = fields.get(key)?;
    Some(at.spanned(at.text()?))
}

/// A list of words, or one text that is split as a shell does.
fn command(at: &At<'_>) -> Option<Vec<String>> {
    if at.node.as_scalar().is_none() {
        return at.texts();
    }
    let text = at.any_text()?;
    values::words(&text).or_else(|| at.invalid("a quote in it is not closed", ""))
}

fn pull_policy(at: &At<'_>) -> Option<PullPolicy> {
    match at.text()?.as_str() {
        "missing" | "if_not_present" => Some(PullPolicy::Missing),
        "always" => Some(PullPolicy::Always),
        "never" => Some(PullPolicy::Never),
        "build" => Some(PullPolicy::Build),
        other @ ("daily" | "weekly") => at.unsupported(format!(
            "`{other}`: no clock decides what runs; pull when you want the newer image"
        )),
        other if other.starts_with("every_") => {
            at.unsupported("no clock decides what runs; pull when you want the newer image")
        }
        other => at.invalid(
            format!("`{other}` is no pull policy"),
            "missing, always, never or build",
        ),
    }
}

fn expose(at: &At<'_>) -> Option<String> {
    let text = at.any_text()?;
    let (port, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    let (first, last) = port.split_once('-').unwrap_or((port, port));
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port > 0);
    if is_port(first) && is_port(last) && ["tcp", "udp", "sctp"].contains(&protocol) {
        return Some(format!("{port}/{protocol}"));
    }
    at.invalid(
        format!("`{text}` is no port"),
        "write a container's port, e.g. \"3000\"",
    )
}

fn tmpfs(at: &At<'_>) -> Option<(String, String)> {
    let text = at.text()?;
    let (path, options) = text.split_once(':').unwrap_or((&text, ""));
    Some((path.to_owned(), options.to_owned()))
}

fn hosts(fields: &Fields<'_>) -> IndexMap<String, Vec<String>> {
    let entries = fields.get("extra_hosts").and_then(|at| at.entries());
    let read = |(name, at): (&str, At<'_>)| Some((name.to_owned(), at.texts()?));
    entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(read)
        .collect()
}

fn build(at: &At<'_>) -> Option<Build> {
    let fields = at.fields("services.*.build")?;
    let inline = fields.get("dockerfile_inline");
    if let (Some(at), true) = (&inline, fields.get("dockerfile").is_some()) {
        let reason = "dockerfile and dockerfile_inline exclude each other".to_owned();
        return at.wrong(
            Reason::Conflict(reason),
            Some("keep one of them".to_owned()),
        );
    }
    let context = match fields.get("context") {
        Some(at) => {
            let text = at.text()?;
            if text.contains("://") || text.starts_with("git@") {
                return at.unsupported("a build's context is a folder of this machine");
            }
            at.path()?
        }
        None => at.resolve("."),
    };
    let args = fields
        .get("args")
        .and_then(|at| at.entries())
        .unwrap_or_default();
    Some(Build {
        context,
        dockerfile: fields.text("dockerfile"),
        dockerfile_inline: inline.and_then(|at| at.text()),
        args: args.into_iter().filter_map(assignment).collect(),
        target: fields.text("target"),
        labels: fields.text_map("labels"),
        network: fields.text("network"),
        cache_from: fields.texts("cache_from"),
        shm_size: fields.get("shm_size").and_then(|at| at.bytes()),
        no_cache: fields.flag("no_cache").unwrap_or(false),
        pull: fields.flag("pull").unwrap_or(false),
    })
}

/// `NAME` without a value is taken from the environment, and left out where that has none.
fn assignment((name, at): (&str, At<'_>)) -> Option<(String, String)> {
    let value = if at.node.is_null() {
        at.environment().get(name).cloned()
    } else {
        at.any_text()
    };
    Some((name.to_owned(), value?))
}

fn environment(fields: &Fields<'_>) -> IndexMap<String, String> {
    let mut variables = IndexMap::new();
    for at in fields
        .get("env_file")
        .and_then(|at| at.items())
        .unwrap_or_default()
    {
        variables.extend(env_file(&at).unwrap_or_default());
    }
    let own = fields.get("environment").and_then(|at| at.entries());
    for (name, at) in own.unwrap_or_default() {
        // Without a value anywhere it is not set, whatever a file says.
        variables.shift_remove(name);
        variables.extend(assignment((name, at)));
    }
    variables
}

fn env_file(at: &At<'_>) -> Option<IndexMap<String, String>> {
    let (path, required, raw) = if at.node.as_scalar().is_some() {
        (at.path()?, true, false)
    } else {
        let fields = at.fields("services.*.env_file")?;
        let raw = match fields.get("format") {
            None => false,
            Some(at) if at.text()? == "raw" => true,
            Some(at) => return at.invalid("no such format", "raw, or none for the usual one"),
        };
        let path = fields.required("path")?.path()?;
        (path, fields.flag("required").unwrap_or(true), raw)
    };
    let text = match read_text(&path) {
        Ok(text) => text,
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => {
            let message = error.to_string();
            let hint = "make the file, or say `required: false`".to_owned();
            return at.wrong(Reason::Unreadable { path, message }, Some(hint));
        }
    };
    if raw {
        return Some(raw_lines(&text));
    }
    match dotenv::parse(&text, at.environment()) {
        Ok(read) => {
            let taken_over = |name: &String| at.environment().get(name).cloned();
            let filled = read.into_iter().filter_map(|(name, value)| {
                Some((name.clone(), value.or_else(|| taken_over(&name))?))
            });
            Some(filled.collect())
        }
        Err(broken) => broken_line(at, &path, broken.line, &broken.message),
    }
}

fn raw_lines(text: &str) -> IndexMap<String, String> {
    let line = |line: &str| {
        let (name, value) = line.split_once('=')?;
        (!line.starts_with('#')).then(|| (name.trim().to_owned(), value.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

fn broken_line<T>(at: &At<'_>, path: &Path, line: usize, message: &str) -> Option<T> {
    let text = format!("{}:{line}: {message}", path.display());
    at.invalid(text, "")
}
