use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::*;
use crate::compose::{
    Condition, Content, KEYS, MountSource, Namespace, Protocol, PullPolicy, Restart, Service,
    Support,
};

/// A key, a file that uses it, and what must come of it.
struct Row {
    key: &'static str,
    text: String,
    check: fn(&Project) -> bool,
}

fn row(key: &'static str, text: &str, check: fn(&Project) -> bool) -> Row {
    let text = text.to_owned();
    Row { key, text, check }
}

/// A key of the service `web`.
fn web(key: &'static str, rest: &str, check: fn(&Project) -> bool) -> Row {
    let text = format!(
        "services:\n  web:\n    image: a\n    {rest}\n  db: {{image: b, healthcheck: {{test: x}}}}\n\
         networks: {{back: {{}}}}\nvolumes: {{v: {{}}}}\nconfigs: {{c: {{content: x}}}}\nsecrets: {{s: {{content: x}}}}\n"
    );
    Row { key, text, check }
}

fn service(project: &Project) -> &Service {
    &project.services["web"]
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("version", "version: '3'\nservices: {}\n", |p| {
            p.warnings.len() == 1
        }),
        row("name", "name: other\nservices: {}\n", |p| p.name == "other"),
        row("services", "services: {a: {image: a}}\n", |p| {
            p.services.len() == 1
        }),
        row("include", "include: [part.yml]\n", |p| {
            p.services.contains_key("part")
        }),
        row("include.path", "include: [{path: part.yml}]\n", |p| {
            p.services.contains_key("part")
        }),
        row(
            "include.project_directory",
            "include: [{path: part.yml, project_directory: sub}]\n",
            |p| {
                format!("{:?}", p.services.get("part").map(|part| &part.mounts))
                    .contains("sub/data")
            },
        ),
        row(
            "include.env_file",
            "include: [{path: part.yml, env_file: more.env}]\n",
            |p| {
                p.services
                    .get("part")
                    .is_some_and(|part| part.environment["GIVEN"] == "more")
            },
        ),
        row("networks", "services: {}\nnetworks: {n: }\n", |p| {
            p.networks.get("n").is_some_and(|n| n.name == "demo_n")
        }),
        row(
            "networks.*.attachable",
            "networks: {n: {attachable: true}}\n",
            |p| p.networks.get("n").is_some_and(|n| n.attachable),
        ),
        row(
            "networks.*.driver",
            "networks: {n: {driver: bridge}}\n",
            |p| p.networks.get("n").is_some_and(|n| n.driver.is_some()),
        ),
        row(
            "networks.*.driver_opts",
            "networks: {n: {driver_opts: {a: 1}}}\n",
            |p| {
                p.networks
                    .get("n")
                    .is_some_and(|n| n.driver_opts["a"] == "1")
            },
        ),
        row(
            "networks.*.enable_ipv6",
            "networks: {n: {enable_ipv6: true}}\n",
            |p| p.networks.get("n").is_some_and(|n| n.enable_ipv6),
        ),
        row(
            "networks.*.external",
            "networks: {n: {external: true}}\n",
            |p| {
                p.networks
                    .get("n")
                    .is_some_and(|n| n.external && n.name == "n")
            },
        ),
        row(
            "networks.*.internal",
            "networks: {n: {internal: true}}\n",
            |p| p.networks.get("n").is_some_and(|n| n.internal),
        ),
        row(
            "networks.*.labels",
            "networks: {n: {labels: [a=b]}}\n",
            |p| p.networks.get("n").is_some_and(|n| n.labels["a"] == "b"),
        ),
        row("networks.*.name", "networks: {n: {name: own}}\n", |p| {
            p.networks.get("n").is_some_and(|n| n.name == "own")
        }),
        row(
            "networks.*.ipam",
            "networks: {n: {ipam: {driver: d}}}\n",
            |p| p.networks.get("n").is_some_and(|n| n.ipam_driver.is_some()),
        ),
        row(
            "networks.*.ipam.driver",
            "networks: {n: {ipam: {driver: d}}}\n",
            |p| p.networks.get("n").is_some_and(|n| n.ipam_driver.is_some()),
        ),
        row(
            "networks.*.ipam.options",
            "networks: {n: {ipam: {options: {a: b}}}}\n",
            |p| {
                p.networks
                    .get("n")
                    .is_some_and(|n| n.ipam_options.len() == 1)
            },
        ),
        row("volumes", "services: {}\nvolumes: {v: }\n", |p| {
            p.volumes.get("v").is_some_and(|v| v.name == "demo_v")
        }),
        row("volumes.*.driver", "volumes: {v: {driver: local}}\n", |p| {
            p.volumes.get("v").is_some_and(|v| v.driver.is_some())
        }),
        row(
            "volumes.*.driver_opts",
            "volumes: {v: {driver_opts: {type: nfs}}}\n",
            |p| {
                p.volumes
                    .get("v")
                    .is_some_and(|v| v.driver_opts["type"] == "nfs")
            },
        ),
        row(
            "volumes.*.external",
            "volumes: {v: {external: true}}\n",
            |p| {
                p.volumes
                    .get("v")
                    .is_some_and(|v| v.external && v.name == "v")
            },
        ),
        row(
            "volumes.*.labels",
            "volumes: {v: {labels: {a: b}}}\n",
            |p| p.volumes.get("v").is_some_and(|v| v.labels["a"] == "b"),
        ),
        row("volumes.*.name", "volumes: {v: {name: own}}\n", |p| {
            p.volumes.get("v").is_some_and(|v| v.name == "own")
        }),
        row(
            "configs",
            "services: {}\nconfigs: {c: {content: x}}\n",
            |p| p.configs.len() == 1,
        ),
        row(
            "configs.*.content",
            "configs: {c: {content: text}}\n",
            |p| content(p.configs.get("c"), "text"),
        ),
        row(
            "configs.*.environment",
            "configs: {c: {environment: GIVEN}}\n",
            |p| content(p.configs.get("c"), "process"),
        ),
        row("configs.*.file", "configs: {c: {file: ./c.txt}}\n", |p| {
            p.configs.get("c").is_some_and(|c| matches!(&c.content, Content::File(path) if path.ends_with("c.txt") && path.is_absolute()))
        }),
        row(
            "secrets",
            "services: {}\nsecrets: {c: {content: x}}\n",
            |p| p.secrets.len() == 1,
        ),
        row(
            "secrets.*.content",
            "secrets: {c: {content: text}}\n",
            |p| content(p.secrets.get("c"), "text"),
        ),
        row(
            "secrets.*.environment",
            "secrets: {c: {environment: GIVEN}}\n",
            |p| content(p.secrets.get("c"), "process"),
        ),
        row("secrets.*.file", "secrets: {c: {file: ./c.txt}}\n", |p| {
            p.secrets.get("c").is_some_and(
                |c| matches!(&c.content, Content::File(path) if path.ends_with("c.txt")),
            )
        }),
    ];
    let range = "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/8, ip_range: 10.1.0.0/16, gateway: 10.0.0.1, aux_addresses: {h: 10.0.0.2}}]}}}\n";
    for key in [
        "networks.*.ipam.config",
        "networks.*.ipam.config.subnet",
        "networks.*.ipam.config.ip_range",
        "networks.*.ipam.config.gateway",
        "networks.*.ipam.config.aux_addresses",
    ] {
        rows.push(row(key, range, |p| {
            p.networks.get("n").is_some_and(|n| {
                let range = n.ipam.first().cloned().unwrap_or_default();
                (
                    range.subnet.as_deref(),
                    range.ip_range.as_deref(),
                    range.gateway.as_deref(),
                ) == (Some("10.0.0.0/8"), Some("10.1.0.0/16"), Some("10.0.0.1"))
                    && range.aux_addresses["h"] == "10.0.0.2"
            })
        }));
    }
    rows.extend(service_rows());
    rows.extend(nested_rows());
    rows
}

fn content(object: Option<&crate::compose::FileObject>, text: &str) -> bool {
    object.is_some_and(|object| object.content == Content::Inline(text.to_owned()))
}

fn service_rows() -> Vec<Row> {
    vec![
        web("services.*.annotations", "annotations: {a: b}", |p| {
            service(p).annotations["a"] == "b"
        }),
        web("services.*.cap_add", "cap_add: [SYS_ADMIN]", |p| {
            service(p).cap_add == ["SYS_ADMIN"]
        }),
        web("services.*.cap_drop", "cap_drop: [ALL]", |p| {
            service(p).cap_drop == ["ALL"]
        }),
        web("services.*.command", "command: sh -c 'a b'", |p| {
            service(p).command == Some(strings(&["sh", "-c", "a b"]))
        }),
        web("services.*.container_name", "container_name: own", |p| {
            service(p).container_name.as_ref().unwrap().value == "own"
        }),
        web("services.*.cpu_shares", "cpu_shares: 512", |p| {
            service(p).resources.cpu_shares == Some(512)
        }),
        web("services.*.cpus", "cpus: 0.5", |p| {
            service(p).resources.nano_cpus == Some(500_000_000)
        }),
        web("services.*.cpuset", "cpuset: 0-1", |p| {
            service(p).resources.cpuset.as_deref() == Some("0-1")
        }),
        web("services.*.depends_on", "depends_on: [db]", |p| {
            let dependency = &service(p).depends_on["db"];
            dependency.condition == Condition::Started && dependency.required && !dependency.restart
        }),
        web(
            "services.*.devices",
            "devices: ['/dev/null:/dev/x:r']",
            |p| service(p).devices.len() == 1,
        ),
        web("services.*.dns", "dns: 1.1.1.1", |p| {
            service(p).dns == ["1.1.1.1"]
        }),
        web("services.*.dns_opt", "dns_opt: [use-vc]", |p| {
            service(p).dns_opt == ["use-vc"]
        }),
        web("services.*.dns_search", "dns_search: [a.b, c.d]", |p| {
            service(p).dns_search.len() == 2
        }),
        web("services.*.domainname", "domainname: a.b", |p| {
            service(p).domainname.as_deref() == Some("a.b")
        }),
        web("services.*.entrypoint", "entrypoint: [a, b c]", |p| {
            service(p).entrypoint == Some(strings(&["a", "b c"]))
        }),
        web("services.*.env_file", "env_file: more.env", |p| {
            service(p).environment["MORE"] == "with process"
        }),
        web(
            "services.*.environment",
            "environment: {A: 1, B: true, GIVEN: , NOT_GIVEN: }\n    env_file: more.env",
            |p| {
                let variables = &service(p).environment;
                (&*variables["A"], &*variables["B"], &*variables["GIVEN"])
                    == ("1", "true", "process")
                    && !variables.contains_key("NOT_GIVEN")
            },
        ),
        web(
            "services.*.expose",
            "expose: ['3000', 8000-8002/udp]",
            |p| service(p).expose == ["3000/tcp", "8000-8002/udp"],
        ),
        web(
            "services.*.extra_hosts",
            "extra_hosts: ['a:1.2.3.4', 'b=::1']",
            |p| {
                service(p).extra_hosts["a"] == ["1.2.3.4"] && service(p).extra_hosts["b"] == ["::1"]
            },
        ),
        web("services.*.group_add", "group_add: [audio, 1000]", |p| {
            service(p).group_add == ["audio", "1000"]
        }),
        web("services.*.hostname", "hostname: h", |p| {
            service(p).hostname.as_deref() == Some("h")
        }),
        web("services.*.image", "labels: {}", |p| {
            service(p).image.as_ref().unwrap().value == "a"
        }),
        web("services.*.init", "init: true", |p| {
            service(p).init == Some(true)
        }),
        web("services.*.ipc", "ipc: shareable", |p| {
            service(p).ipc.as_ref().unwrap().value == Namespace::Engine("shareable".to_owned())
        }),
        web("services.*.labels", "labels: [a=b=c, d]", |p| {
            service(p).labels["a"] == "b=c" && service(p).labels["d"].is_empty()
        }),
        web("services.*.mem_limit", "mem_limit: 64m", |p| {
            service(p).resources.memory == Some(64 << 20)
        }),
        web(
            "services.*.mem_reservation",
            "mem_reservation: 1.5kb",
            |p| service(p).resources.memory_reservation == Some(1536),
        ),
        web("services.*.memswap_limit", "memswap_limit: -1", |p| {
            service(p).resources.memory_swap == Some(-1)
        }),
        web("services.*.network_mode", "network_mode: service:db", |p| {
            service(p).network_mode.as_ref().unwrap().value == Namespace::Service("db".to_owned())
                && service(p).networks.is_empty()
        }),
        web("services.*.networks", "networks: [back]", |p| {
            service(p).networks.keys().eq(["back"])
        }),
        web("services.*.oom_score_adj", "oom_score_adj: -500", |p| {
            service(p).resources.oom_score_adj == Some(-500)
        }),
        web("services.*.pid", "pid: host", |p| service(p).pid.is_some()),
        web("services.*.pids_limit", "pids_limit: 100", |p| {
            service(p).resources.pids == Some(100)
        }),
        web("services.*.platform", "platform: linux/arm64", |p| {
            service(p).platform.is_some()
        }),
        web(
            "services.*.ports",
            "ports: [80, '8080:81', '127.0.0.1:0:82/udp', '[::1]:1-2:83-84', '5-9:85']",
            |p| {
                let ports = service(p)
                    .ports
                    .iter()
                    .map(|port| (port.target, port.published, port.host_ip.as_deref()));
                let expected = [
                    (80, None, None),
                    (81, Some((8080, 8080)), None),
                    (82, None, Some("127.0.0.1")),
                    (83, Some((1, 1)), Some("::1")),
                    (84, Some((2, 2)), Some("::1")),
                    (85, Some((5, 9)), None),
                ];
                ports.eq(expected) && service(p).ports[2].protocol == Protocol::Udp
            },
        ),
        web("services.*.privileged", "privileged: true", |p| {
            service(p).privileged
        }),
        web("services.*.profiles", "profiles: [a, b]", |p| {
            service(p).profiles == ["a", "b"]
        }),
        web("services.*.pull_policy", "pull_policy: always", |p| {
            service(p).pull_policy == PullPolicy::Always
        }),
        web("services.*.read_only", "read_only: true", |p| {
            service(p).read_only
        }),
        web("services.*.restart", "restart: on-failure:3", |p| {
            service(p).restart == Restart::OnFailure(Some(3))
        }),
        web("services.*.scale", "scale: 1", |p| p.services.len() == 2),
        web(
            "services.*.security_opt",
            "security_opt: ['no-new-privileges:true']",
            |p| service(p).security_opt.len() == 1,
        ),
        web("services.*.shm_size", "shm_size: 1g", |p| {
            service(p).shm_size == Some(1 << 30)
        }),
        web("services.*.stdin_open", "stdin_open: true", |p| {
            service(p).stdin_open
        }),
        web(
            "services.*.stop_grace_period",
            "stop_grace_period: 1m30s",
            |p| service(p).stop_grace_period == Some(Duration::from_secs(90)),
        ),
        web("services.*.stop_signal", "stop_signal: SIGINT", |p| {
            service(p).stop_signal.as_deref() == Some("SIGINT")
        }),
        web(
            "services.*.sysctls",
            "sysctls: {net.core.somaxconn: 1024}",
            |p| service(p).sysctls["net.core.somaxconn"] == "1024",
        ),
        web("services.*.tmpfs", "tmpfs: ['/run:size=1m', /tmp]", |p| {
            service(p).tmpfs["/run"] == "size=1m" && service(p).tmpfs.len() == 2
        }),
        web("services.*.tty", "tty: true", |p| service(p).tty),
        web("services.*.ulimits", "ulimits: {nproc: 7}", |p| {
            service(p).ulimits["nproc"].soft == 7 && service(p).ulimits["nproc"].hard == 7
        }),
        web("services.*.user", "user: 1000:1000", |p| {
            service(p).user.as_deref() == Some("1000:1000")
        }),
        web(
            "services.*.volumes",
            "volumes: ['v:/v:ro', '/anonymous', './x:/x', '~/y:/y:rw,z']",
            |p| {
                let mounts = &service(p).mounts;
                mounts[0].read_only
                    && matches!(&mounts[0].source, MountSource::Volume { name: Some(name), .. } if name == "v")
                    && matches!(&mounts[1].source, MountSource::Volume { name: None, .. })
                    && matches!(&mounts[2].source, MountSource::Bind { path, create: true, .. } if path.is_absolute() && path.ends_with("x"))
                    && matches!(&mounts[3].source, MountSource::Bind { path, selinux: Some(_), .. } if path.ends_with("home/y"))
            },
        ),
        web("services.*.working_dir", "working_dir: /w", |p| {
            service(p).working_dir.as_deref() == Some("/w")
        }),
    ]
}

/// One file for all keys of a mapping: each of them is needed for the check to hold.
fn all(keys: &'static [&'static str], rest: &str, check: fn(&Project) -> bool) -> Vec<Row> {
    keys.iter().map(|key| web(key, rest, check)).collect()
}

fn nested_rows() -> Vec<Row> {
    let mut rows = all(
        &[
            "services.*.build",
            "services.*.build.args",
            "services.*.build.cache_from",
            "services.*.build.context",
            "services.*.build.dockerfile",
            "services.*.build.labels",
            "services.*.build.network",
            "services.*.build.no_cache",
            "services.*.build.pull",
            "services.*.build.shm_size",
            "services.*.build.target",
        ],
        "build: {context: sub, dockerfile: D, args: [A=1, GIVEN, NOT_GIVEN], cache_from: [c], labels: {l: m}, network: host, no_cache: true, pull: true, shm_size: 1m, target: t}",
        |p| {
            let build = service(p).build.clone().unwrap();
            build.context.ends_with("sub")
                && build.dockerfile.as_deref() == Some("D")
                && build.args.len() == 2
                && build.args["GIVEN"] == "process"
                && build.cache_from == ["c"]
                && build.labels["l"] == "m"
                && build.network.as_deref() == Some("host")
                && build.no_cache
                && build.pull
                && build.shm_size == Some(1 << 20)
                && build.target.as_deref() == Some("t")
        },
    );
    rows.push(web(
        "services.*.build.dockerfile_inline",
        "build: {dockerfile_inline: FROM a}",
        |p| {
            let build = service(p).build.clone().unwrap();
            build.dockerfile_inline.as_deref() == Some("FROM a") && build.context.is_absolute()
        },
    ));
    rows.extend(all(
        &[
            "services.*.configs",
            "services.*.configs.gid",
            "services.*.configs.mode",
            "services.*.configs.source",
            "services.*.configs.target",
            "services.*.configs.uid",
        ],
        "configs: [c, {source: c, target: /etc/c, uid: '1', gid: '2', mode: 0440}]",
        |p| {
            let configs = &service(p).configs;
            configs[0].target == "/c"
                && configs[0].mode == 0o444
                && (
                    configs[1].target.as_str(),
                    configs[1].uid,
                    configs[1].gid,
                    configs[1].mode,
                ) == ("/etc/c", 1, 2, 0o440)
        },
    ));
    rows.extend(all(
        &[
            "services.*.secrets",
            "services.*.secrets.gid",
            "services.*.secrets.mode",
            "services.*.secrets.source",
            "services.*.secrets.target",
            "services.*.secrets.uid",
        ],
        "secrets: [s, {source: s, target: other, uid: '1', gid: '2', mode: '0400'}]",
        |p| {
            let secrets = &service(p).secrets;
            secrets[0].target == "/run/secrets/s"
                && (
                    secrets[1].target.as_str(),
                    secrets[1].uid,
                    secrets[1].gid,
                    secrets[1].mode,
                ) == ("/run/secrets/other", 1, 2, 0o400)
        },
    ));
    rows.extend(all(
        &["services.*.depends_on.*.condition", "services.*.depends_on.*.required", "services.*.depends_on.*.restart"],
        "depends_on: {db: {condition: service_completed_successfully, required: false, restart: true}}",
        |p| {
            let dependency = &service(p).depends_on["db"];
            dependency.condition == Condition::Completed && !dependency.required && dependency.restart
        },
    ));
    rows.extend(all(
        &[
            "services.*.deploy",
            "services.*.deploy.mode",
            "services.*.deploy.replicas",
            "services.*.deploy.resources",
            "services.*.deploy.resources.limits",
            "services.*.deploy.resources.limits.cpus",
            "services.*.deploy.resources.limits.memory",
            "services.*.deploy.resources.limits.pids",
            "services.*.deploy.resources.reservations",
            "services.*.deploy.resources.reservations.memory",
        ],
        "deploy: {mode: replicated, replicas: 1, resources: {limits: {cpus: '1.5', memory: 1g, pids: 9}, reservations: {memory: 1m}}}",
        |p| {
            let resources = &service(p).resources;
            resources.nano_cpus == Some(1_500_000_000)
                && resources.memory == Some(1 << 30)
                && resources.pids == Some(9)
                && resources.memory_reservation == Some(1 << 20)
        },
    ));
    rows.extend(all(
        &["services.*.env_file.path", "services.*.env_file.required", "services.*.env_file.format"],
        "env_file: [{path: more.env}, {path: raw.env, format: raw}, {path: gone.env, required: false}]",
        |p| {
            let variables = &service(p).environment;
            variables["MORE"] == "with process" && variables["RAW"] == "\"$GIVEN\" # all"
        },
    ));
    rows.extend(all(
        &[
            "services.*.extends",
            "services.*.extends.file",
            "services.*.extends.service",
        ],
        "extends: {file: part.yml, service: part}",
        |p| service(p).restart == Restart::UnlessStopped,
    ));
    rows.extend(all(
        &[
            "services.*.healthcheck",
            "services.*.healthcheck.interval",
            "services.*.healthcheck.retries",
            "services.*.healthcheck.start_interval",
            "services.*.healthcheck.start_period",
            "services.*.healthcheck.test",
            "services.*.healthcheck.timeout",
        ],
        "healthcheck: {test: [CMD, x], interval: 1s, timeout: 500ms, retries: 4, start_period: 1h, start_interval: 2.5s}",
        |p| {
            let check = service(p).healthcheck.clone().unwrap();
            check.test == Some(strings(&["CMD", "x"]))
                && check.interval == Some(Duration::from_secs(1))
                && check.timeout == Some(Duration::from_millis(500))
                && check.retries == Some(4)
                && check.start_period == Some(Duration::from_secs(3600))
                && check.start_interval == Some(Duration::from_millis(2500))
        },
    ));
    rows.push(web(
        "services.*.healthcheck.disable",
        "healthcheck: {disable: true}",
        |p| {
            service(p)
                .healthcheck
                .as_ref()
                .is_some_and(|check| check.disable)
        },
    ));
    rows.extend(all(
        &[
            "services.*.logging",
            "services.*.logging.driver",
            "services.*.logging.options",
        ],
        "logging: {driver: local, options: {max-size: 1m, max-file: 3}}",
        |p| {
            let logging = service(p).logging.clone().unwrap();
            logging.driver.as_deref() == Some("local") && logging.options["max-file"] == "3"
        },
    ));
    rows.extend(all(
        &[
            "services.*.networks.*.aliases",
            "services.*.networks.*.driver_opts",
            "services.*.networks.*.ipv4_address",
            "services.*.networks.*.ipv6_address",
            "services.*.networks.*.link_local_ips",
            "services.*.networks.*.mac_address",
            "services.*.networks.*.priority",
        ],
        "networks: {back: {aliases: [a], driver_opts: {o: 1}, ipv4_address: 10.0.0.3, ipv6_address: 'fd00::3', link_local_ips: [169.254.1.1], mac_address: '02:42:ac:11:00:02', priority: 9}}",
        |p| {
            let attachment = &service(p).networks["back"];
            attachment.aliases == ["a"]
                && attachment.driver_opts["o"] == "1"
                && attachment.ipv4_address.is_some()
                && attachment.ipv6_address.is_some()
                && attachment.link_local_ips.len() == 1
                && attachment.mac_address.is_some()
                && attachment.priority == 9
        },
    ));
    rows.extend(all(
        &[
            "services.*.ports.app_protocol",
            "services.*.ports.host_ip",
            "services.*.ports.mode",
            "services.*.ports.name",
            "services.*.ports.protocol",
            "services.*.ports.published",
            "services.*.ports.target",
        ],
        "ports: [{target: 80, published: '8080', host_ip: 127.0.0.1, protocol: udp, mode: host, name: n, app_protocol: http}]",
        |p| {
            let port = &service(p).ports[0];
            port.target == 80
                && port.published == Some((8080, 8080))
                && port.host_ip.as_deref() == Some("127.0.0.1")
                && port.protocol == Protocol::Udp
        },
    ));
    rows.extend(all(
        &["services.*.ulimits.*.hard", "services.*.ulimits.*.soft"],
        "ulimits: {nofile: {soft: 1, hard: 2}}",
        |p| {
            (
                service(p).ulimits["nofile"].soft,
                service(p).ulimits["nofile"].hard,
            ) == (1, 2)
        },
    ));
    rows.extend(all(
        &[
            "services.*.volumes.bind",
            "services.*.volumes.bind.create_host_path",
            "services.*.volumes.bind.propagation",
            "services.*.volumes.bind.selinux",
            "services.*.volumes.consistency",
            "services.*.volumes.read_only",
            "services.*.volumes.source",
            "services.*.volumes.target",
            "services.*.volumes.type",
        ],
        "volumes: [{type: bind, source: ./b, target: /b, read_only: true, consistency: cached, bind: {create_host_path: false, propagation: rshared, selinux: Z}}]",
        |p| {
            let mount = &service(p).mounts[0];
            mount.target == "/b" && mount.read_only
                && matches!(&mount.source, MountSource::Bind { path, create: false, propagation: Some(_), selinux: Some(_) } if path.ends_with("b"))
        },
    ));
    rows.extend(all(
        &[
            "services.*.volumes.volume",
            "services.*.volumes.volume.nocopy",
        ],
        "volumes: [{type: volume, source: v, target: /v, volume: {nocopy: true}}]",
        |p| {
            matches!(
                &service(p).mounts[0].source,
                MountSource::Volume {
                    name: Some(_),
                    nocopy: true
                }
            )
        },
    ));
    rows.extend(all(
        &[
            "services.*.volumes.tmpfs",
            "services.*.volumes.tmpfs.mode",
            "services.*.volumes.tmpfs.size",
        ],
        "volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 01777}}]",
        |p| {
            service(p).mounts[0].source
                == MountSource::Tmpfs {
                    size: Some(1 << 20),
                    mode: Some(0o1777),
                }
        },
    ));
    rows
}

#[test]
fn every_supported_key_does_what_it_says() {
    for Row { key, text, check } in rows() {
        let mut folder = Folder::new(&[&text])
            .with("part.yml", "services: {part: {image: a, volumes: ['./data:/d'], environment: [GIVEN], restart: unless-stopped}}\n")
            .with("more.env", "MORE=with $GIVEN\nGIVEN=more\n")
            .with("raw.env", "RAW=\"$GIVEN\" # all\n")
            .set("HOME", "/home");
        if !key.starts_with("include.env") {
            folder = folder.set("GIVEN", "process");
        }
        if key == "name" {
            folder.request.name = None;
        }
        match folder.load() {
            Ok(project) => assert!(check(&project), "{key}: {project:#?}"),
            Err(error) => panic!("{key}: {error}\n{text}"),
        }
    }
}

#[test]
fn every_supported_key_has_a_row() {
    let tested: BTreeSet<&str> = rows().iter().map(|row| row.key).collect();
    let supported = KEYS
        .iter()
        .filter(|(_, support)| *support == Support::Supported);
    let supported: BTreeSet<&str> = supported.map(|(key, _)| *key).collect();
    assert_eq!(tested, supported);
}

/// A file that uses one key, with whatever value, on a line of its own at the end.
fn using(key: &str) -> String {
    const LISTS: [&str; 6] = [
        "ports", "volumes", "configs", "secrets", "config", "env_file",
    ];
    let mut text = String::new();
    let (mut indent, mut in_list) = (0, false);
    let parts: Vec<&str> = key.split('.').collect();
    for (depth, part) in parts.iter().enumerate() {
        let name = if *part == "*" { "web" } else { part };
        if in_list {
            // A mount is read by its type.
            let lead = if parts[depth - 1] == "volumes" && depth + 1 < parts.len() {
                format!("- type: {name}\n{}  ", "  ".repeat(indent))
            } else {
                "- ".to_owned()
            };
            writeln!(text, "{}{lead}{name}:", "  ".repeat(indent)).unwrap();
            indent += 1;
        } else {
            writeln!(text, "{}{name}:", "  ".repeat(indent)).unwrap();
        }
        indent += 1;
        in_list = depth > 0 && LISTS.contains(part);
    }
    text.truncate(text.trim_end().len());
    text + " x\n"
}

#[test]
fn every_refused_key_is_an_error_with_its_reason() {
    for (key, support) in KEYS {
        let Support::Refused(why) = support else {
            continue;
        };
        let text = using(key);
        let error = Folder::new(&[&text]).load().unwrap_err();
        let told = error.problems.iter().any(|problem| {
            problem.reason == Reason::Unsupported((*why).to_owned())
                && problem.span.line() == text.lines().count()
        });
        assert!(told, "{key}: {error}\n{text}");
    }
}

#[test]
fn the_documentation_shows_the_same_keys() {
    let rows: Vec<String> = KEYS
        .iter()
        .map(|(key, support)| match support {
            Support::Supported => format!("| `{key}` | yes | |"),
            Support::Refused(why) => format!("| `{key}` | no | {why} |"),
        })
        .collect();
    let expected = rows.join("\n");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compose.md");
    let text = fs_err::read_to_string(path).unwrap();
    // Other tables stand before it.
    let table: Vec<&str> = text
        .lines()
        .skip_while(|line| *line != "## Keys")
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(
        table.join("\n"),
        expected,
        "docs/compose.md must show:\n{expected}"
    );
}
