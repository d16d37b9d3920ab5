//! What a service asks of the engine beyond its image: waiting, health, restarts, limits, files.

use indexmap::IndexMap;

use crate::compose::at::{At, Fields};
use crate::compose::model::{
    Attachment, Condition, Dependency, FileMount, Healthcheck, Logging, Namespace, Resources,
    Restart, Ulimit,
};
use crate::compose::span::Spanned;

pub(super) fn depends_on(service: &Fields<'_>) -> IndexMap<String, Spanned<Dependency>> {
    let entries = service.get("depends_on").and_then(|at| at.entries());
    let read = |(name, at): (&str, At<'_>)| {
        let fields = at.fields("services.*.depends_on.*")?;
        let condition = match fields.get("condition") {
            None => Condition::Started,
            Some(at) => match at.text()?.as_str() {
                "service_started" => Condition::Started,
                "service_healthy" => Condition::Healthy,
                "service_completed_successfully" => Condition::Completed,
                other => {
                    let hint = "service_started, service_healthy or service_completed_successfully";
                    return at.invalid(format!("`{other}` is no condition"), hint);
                }
            },
        };
        let dependency = Dependency {
            condition,
            restart: fields.flag("restart").unwrap_or(false),
            required: fields.flag("required").unwrap_or(true),
        };
        Some((name.to_owned(), at.spanned(dependency)))
    };
    entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(read)
        .collect()
}

pub(super) fn networks(service: &Fields<'_>) -> IndexMap<String, Spanned<Attachment>> {
    let entries = service.get("networks").and_then(|at| at.entries());
    let read = |(name, at): (&str, At<'_>)| {
        let attachment = if at.node.is_null() {
            Attachment::default()
        } else {
            let fields = at.fields("services.*.networks.*")?;
            Attachment {
                aliases: fields.texts("aliases"),
                ipv4_address: fields.text("ipv4_address"),
                ipv6_address: fields.text("ipv6_address"),
                link_local_ips: fields.texts("link_local_ips"),
                mac_address: fields.text("mac_address"),
                driver_opts: fields.text_map("driver_opts"),
                priority: fields
                    .get("priority")
                    .and_then(|at| at.number("a number"))
                    .unwrap_or(0),
            }
        };
        Some((name.to_owned(), at.spanned(attachment)))
    };
    entries
        .unwrap_or_default()
        .into_iter()
        .filter_map(read)
        .collect()
}

/// `service:name` is another service's; `engine` lists what the engine itself knows.
pub(super) fn namespace(at: &At<'_>, engine: &[&str]) -> Option<Spanned<Namespace>> {
    let text = at.text()?;
    let namespace = match text.strip_prefix("service:") {
        Some(service) => Namespace::Service(service.to_owned()),
        None if text.starts_with("container:") || engine.contains(&text.as_str()) => {
            Namespace::Engine(text)
        }
        None => {
            let hint = format!("{}, service:NAME or container:NAME", engine.join(", "));
            return at.invalid(format!("`{text}` is not known here"), &hint);
        }
    };
    Some(at.spanned(namespace))
}

pub(super) fn healthcheck(at: &At<'_>) -> Option<Healthcheck> {
    let fields = at.fields("services.*.healthcheck")?;
    let duration = |key| fields.get(key).and_then(|at| at.duration());
    let test = match fields.get("test") {
        None => None,
        Some(at) if at.node.as_scalar().is_some() => {
            Some(vec!["CMD-SHELL".to_owned(), at.any_text()?])
        }
        Some(at) => {
            let words = at.texts()?;
            let first = words.first().map(String::as_str);
            if !matches!(first, Some("CMD" | "CMD-SHELL" | "NONE")) {
                let hint = "begin with \"CMD\", \"CMD-SHELL\" or \"NONE\", or write one text";
                return at.invalid("the first word says how the test is run", hint);
            }
            Some(words)
        }
    };
    let none = test
        .as_ref()
        .is_some_and(|test| test.first().is_some_and(|first| first == "NONE"));
    Some(Healthcheck {
        disable: none || fields.flag("disable").unwrap_or(false),
        test,
        interval: duration("interval"),
        timeout: duration("timeout"),
        retries: fields.get("retries").and_then(|at| at.number("a number")),
        start_period: duration("start_period"),
        start_interval: duration("start_interval"),
    })
}

pub(super) fn restart(at: &At<'_>) -> Option<Restart> {
    let text = at.any_text()?;
    match text.split_once(':').unwrap_or((&text, "")) {
        // Unquoted, `no` was a truth value once.
        ("no" | "false", "") => Some(Restart::No),
        ("always", "") => Some(Restart::Always),
        ("unless-stopped", "") => Some(Restart::UnlessStopped),
        ("on-failure", "") => Some(Restart::OnFailure(None)),
        ("on-failure", times) if times.parse::<u32>().is_ok() => {
            Some(Restart::OnFailure(times.parse().ok()))
        }
        _ => {
            let hint = "\"no\", always, on-failure, on-failure:TIMES or unless-stopped";
            at.invalid(format!("`{text}` is no restart policy"), hint)
        }
    }
}

fn cpus(at: &At<'_>) -> Option<i64> {
    let cpus: f64 = at.number("a number of cores")?;
    if !(0.0..=1e6).contains(&cpus) {
        return at.invalid("that many cores cannot be", "");
    }
    #[expect(clippy::cast_possible_truncation, reason = "within range by the check")]
    Some((cpus * 1e9).round() as i64)
}

/// The service's own keys and those of `deploy`, which must not contradict each other.
pub(super) fn resources(service: &Fields<'_>) -> Resources {
    let mut resources = Resources {
        nano_cpus: service.get("cpus").and_then(|at| cpus(&at)),
        cpu_shares: service
            .get("cpu_shares")
            .and_then(|at| at.number("a number")),
        cpuset: service.get("cpuset").and_then(|at| at.any_text()),
        memory: service.get("mem_limit").and_then(|at| at.bytes()),
        memory_reservation: service.get("mem_reservation").and_then(|at| at.bytes()),
        memory_swap: service.get("memswap_limit").and_then(|at| {
            let unlimited = at.any_text()? == "-1";
            if unlimited { Some(-1) } else { at.bytes() }
        }),
        pids: service
            .get("pids_limit")
            .and_then(|at| at.number("a number")),
        oom_score_adj: service
            .get("oom_score_adj")
            .and_then(|at| at.number("a number")),
    };
    if let Some(deploy) = service
        .get("deploy")
        .and_then(|at| at.fields("services.*.deploy"))
    {
        deployment(&deploy, &mut resources);
    }
    if let Some(at) = service.get("scale") {
        one_replica(&at);
    }
    resources
}

fn one_replica(at: &At<'_>) {
    match at.number::<u32>("a number") {
        Some(1) | None => {}
        Some(0) => {
            at.invalid::<()>(
                "a service without a container",
                "give it a profile that is not chosen",
            );
        }
        Some(_) => {
            at.unsupported::<()>(
                "a service is one container here; describe another service with `extends`",
            );
        }
    }
}

fn deployment(deploy: &Fields<'_>, resources: &mut Resources) {
    if let Some(at) = deploy.get("replicas") {
        one_replica(&at);
    }
    if let Some(at) = deploy.get("mode")
        && at.text().is_some_and(|mode| mode != "replicated")
    {
        at.unsupported::<()>("only `replicated` is, with one replica");
    }
    let Some(parts) = deploy
        .get("resources")
        .and_then(|at| at.fields("services.*.deploy.resources"))
    else {
        return;
    };
    let limits = parts.get("limits");
    if let Some(limits) = limits.and_then(|at| at.fields("services.*.deploy.resources.limits")) {
        set(&mut resources.nano_cpus, limits.get("cpus"), cpus);
        set(&mut resources.memory, limits.get("memory"), At::bytes);
        set(&mut resources.pids, limits.get("pids"), |at| {
            at.number("a number")
        });
    }
    let reserved = parts.get("reservations");
    let level = "services.*.deploy.resources.reservations";
    if let Some(reserved) = reserved.and_then(|at| at.fields(level)) {
        set(
            &mut resources.memory_reservation,
            reserved.get("memory"),
            At::bytes,
        );
    }
}

fn set<'a>(
    limit: &mut Option<i64>,
    given: Option<At<'a>>,
    read: impl FnOnce(&At<'a>) -> Option<i64>,
) {
    let Some(at) = given else { return };
    let Some(value) = read(&at) else { return };
    if limit.is_some_and(|before| before != value) {
        at.invalid::<()>(
            "the service itself gives another limit",
            "say it in one place",
        );
    }
    *limit = Some(value);
}

pub(super) fn ulimits(at: &At<'_>) -> Option<IndexMap<String, Ulimit>> {
    let read = |(name, at): (&str, At<'_>)| {
        let ulimit = if at.node.as_scalar().is_some() {
            let both = at.number("a number")?;
            Ulimit {
                soft: both,
                hard: both,
            }
        } else {
            let fields = at.fields("services.*.ulimits.*")?;
            Ulimit {
                soft: fields.required("soft")?.number("a number")?,
                hard: fields.required("hard")?.number("a number")?,
            }
        };
        Some((name.to_owned(), ulimit))
    };
    Some(at.entries()?.into_iter().filter_map(read).collect())
}

pub(super) fn logging(at: &At<'_>) -> Option<Logging> {
    let fields = at.fields("services.*.logging")?;
    Some(Logging {
        driver: fields.text("driver"),
        options: fields.text_map("options"),
    })
}

/// The configs or secrets of a service. `folder` is where those go that say no absolute target.
pub(super) fn files(
    service: &Fields<'_>,
    key: &'static str,
    level: &'static str,
    folder: &str,
) -> Vec<Spanned<FileMount>> {
    let items = service
        .get(key)
        .and_then(|at| at.items())
        .unwrap_or_default();
    let read = |at: &At<'_>| {
        let place = |target: &str| {
            if target.starts_with('/') {
                target.to_owned()
            } else {
                format!("{folder}{target}")
            }
        };
        let mount = if at.node.as_scalar().is_some() {
            let source = at.text()?;
            FileMount {
                target: place(&source),
                source,
                uid: 0,
                gid: 0,
                mode: 0o444,
            }
        } else {
            let fields = at.fields(level)?;
            let source = fields.required("source")?.text()?;
            let owner = |key| {
                fields
                    .get(key)
                    .and_then(|at| at.number("a numeric id"))
                    .unwrap_or(0)
            };
            FileMount {
                target: place(&fields.text("target").unwrap_or_else(|| source.clone())),
                source,
                uid: owner("uid"),
                gid: owner("gid"),
                mode: fields.get("mode").and_then(|at| at.mode()).unwrap_or(0o444),
            }
        };
        if mount.target.ends_with('/') || mount.target.split('/').any(|part| part == "..") {
            return at.invalid("the target must be the path of a file", "");
        }
        Some(at.spanned(mount))
    };
    items.iter().filter_map(read).collect()
}
