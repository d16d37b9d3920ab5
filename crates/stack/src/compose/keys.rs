//! Every key of the Compose Specification: which are supported, and why the others are not. `docs/compose.md` shows
//! this table; a test holds the two together.

use super::problem::{Reason, did_you_mean};

/// Whether a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It does what the specification says.
    Supported,
    /// It is refused, for this reason.
    Refused(&'static str),
}

use Support::{Refused, Supported};

const SWARM: &str = "only a cluster's scheduler knows it";
const WINDOWS: &str = "it is for Windows containers";
const KERNEL: &str = "few engines and kernels offer it; use cpus and mem_limit";
const BUILDKIT: &str = "it needs a BuildKit session; images are built by the engine's own builder";
const OUTSIDE: &str = "nothing outside of this engine can be asked for it";

/// Dotted paths from the top; `*` is any name, and an item of a list has its list's path.
pub const KEYS: &[(&str, Support)] = &[
    ("version", Supported),
    ("name", Supported),
    ("include", Supported),
    ("include.path", Supported),
    ("include.project_directory", Supported),
    ("include.env_file", Supported),
    (
        "models",
        Refused("models are no containers; the product has connections of its own"),
    ),
    ("services", Supported),
    ("services.*.annotations", Supported),
    (
        "services.*.attach",
        Refused("logs are shown per service, whichever you look at"),
    ),
    ("services.*.blkio_config", Refused(KERNEL)),
    ("services.*.build", Supported),
    ("services.*.build.additional_contexts", Refused(BUILDKIT)),
    ("services.*.build.args", Supported),
    ("services.*.build.cache_from", Supported),
    ("services.*.build.cache_to", Refused(BUILDKIT)),
    ("services.*.build.context", Supported),
    ("services.*.build.dockerfile", Supported),
    ("services.*.build.dockerfile_inline", Supported),
    ("services.*.build.entitlements", Refused(BUILDKIT)),
    (
        "services.*.build.extra_hosts",
        Refused("the engine's builder takes none from here"),
    ),
    ("services.*.build.isolation", Refused(WINDOWS)),
    ("services.*.build.labels", Supported),
    ("services.*.build.network", Supported),
    ("services.*.build.no_cache", Supported),
    (
        "services.*.build.platforms",
        Refused("an engine builds for one platform: use the service's `platform`"),
    ),
    ("services.*.build.privileged", Refused(BUILDKIT)),
    ("services.*.build.provenance", Refused(BUILDKIT)),
    ("services.*.build.pull", Supported),
    ("services.*.build.sbom", Refused(BUILDKIT)),
    ("services.*.build.secrets", Refused(BUILDKIT)),
    ("services.*.build.shm_size", Supported),
    ("services.*.build.ssh", Refused(BUILDKIT)),
    (
        "services.*.build.tags",
        Refused("an image has the one name that `image` gives it"),
    ),
    ("services.*.build.target", Supported),
    (
        "services.*.build.ulimits",
        Refused("the engine's builder takes none from here"),
    ),
    ("services.*.cap_add", Supported),
    ("services.*.cap_drop", Supported),
    ("services.*.cgroup", Refused(KERNEL)),
    ("services.*.cgroup_parent", Refused(KERNEL)),
    ("services.*.command", Supported),
    ("services.*.configs", Supported),
    ("services.*.configs.gid", Supported),
    ("services.*.configs.mode", Supported),
    ("services.*.configs.source", Supported),
    ("services.*.configs.target", Supported),
    ("services.*.configs.uid", Supported),
    ("services.*.container_name", Supported),
    ("services.*.cpu_count", Refused(WINDOWS)),
    ("services.*.cpu_percent", Refused(WINDOWS)),
    ("services.*.cpu_period", Refused(KERNEL)),
    ("services.*.cpu_quota", Refused(KERNEL)),
    ("services.*.cpu_rt_period", Refused(KERNEL)),
    ("services.*.cpu_rt_runtime", Refused(KERNEL)),
    ("services.*.cpu_shares", Supported),
    ("services.*.cpus", Supported),
    ("services.*.cpuset", Supported),
    ("services.*.credential_spec", Refused(WINDOWS)),
    ("services.*.depends_on", Supported),
    ("services.*.depends_on.*.condition", Supported),
    ("services.*.depends_on.*.required", Supported),
    ("services.*.depends_on.*.restart", Supported),
    ("services.*.deploy", Supported),
    ("services.*.deploy.endpoint_mode", Refused(SWARM)),
    ("services.*.deploy.labels", Refused(SWARM)),
    ("services.*.deploy.mode", Supported),
    ("services.*.deploy.placement", Refused(SWARM)),
    ("services.*.deploy.replicas", Supported),
    ("services.*.deploy.resources", Supported),
    ("services.*.deploy.resources.limits", Supported),
    ("services.*.deploy.resources.limits.cpus", Supported),
    ("services.*.deploy.resources.limits.memory", Supported),
    ("services.*.deploy.resources.limits.pids", Supported),
    ("services.*.deploy.resources.reservations", Supported),
    (
        "services.*.deploy.resources.reservations.cpus",
        Refused(SWARM),
    ),
    (
        "services.*.deploy.resources.reservations.devices",
        Refused("devices of a driver are not handed out here; name them under `devices`"),
    ),
    (
        "services.*.deploy.resources.reservations.generic_resources",
        Refused(SWARM),
    ),
    ("services.*.deploy.resources.reservations.memory", Supported),
    (
        "services.*.deploy.restart_policy",
        Refused("use the service's `restart`"),
    ),
    ("services.*.deploy.rollback_config", Refused(SWARM)),
    ("services.*.deploy.update_config", Refused(SWARM)),
    (
        "services.*.develop",
        Refused("saving into a watched agent's folder updates it already"),
    ),
    ("services.*.device_cgroup_rules", Refused(KERNEL)),
    ("services.*.devices", Supported),
    ("services.*.dns", Supported),
    ("services.*.dns_opt", Supported),
    ("services.*.dns_search", Supported),
    ("services.*.domainname", Supported),
    (
        "services.*.driver_opts",
        Refused("give them to the network"),
    ),
    ("services.*.entrypoint", Supported),
    ("services.*.env_file", Supported),
    ("services.*.env_file.format", Supported),
    ("services.*.env_file.path", Supported),
    ("services.*.env_file.required", Supported),
    ("services.*.environment", Supported),
    ("services.*.expose", Supported),
    ("services.*.extends", Supported),
    ("services.*.extends.file", Supported),
    ("services.*.extends.service", Supported),
    (
        "services.*.external_links",
        Refused("join the other project's network instead"),
    ),
    ("services.*.extra_hosts", Supported),
    (
        "services.*.gpus",
        Refused("devices of a driver are not handed out here; name them under `devices`"),
    ),
    ("services.*.group_add", Supported),
    ("services.*.healthcheck", Supported),
    ("services.*.healthcheck.disable", Supported),
    ("services.*.healthcheck.interval", Supported),
    ("services.*.healthcheck.retries", Supported),
    ("services.*.healthcheck.start_interval", Supported),
    ("services.*.healthcheck.start_period", Supported),
    ("services.*.healthcheck.test", Supported),
    ("services.*.healthcheck.timeout", Supported),
    ("services.*.hostname", Supported),
    ("services.*.image", Supported),
    ("services.*.init", Supported),
    ("services.*.ipc", Supported),
    ("services.*.isolation", Refused(WINDOWS)),
    (
        "services.*.label_file",
        Refused("write the labels under `labels`"),
    ),
    ("services.*.labels", Supported),
    (
        "services.*.links",
        Refused(
            "services on one network reach each other by name; for another name use the network's `aliases`",
        ),
    ),
    ("services.*.logging", Supported),
    ("services.*.logging.driver", Supported),
    ("services.*.logging.options", Supported),
    (
        "services.*.mac_address",
        Refused("give it to the service's network"),
    ),
    ("services.*.mem_limit", Supported),
    ("services.*.mem_reservation", Supported),
    ("services.*.mem_swappiness", Refused(KERNEL)),
    ("services.*.memswap_limit", Supported),
    (
        "services.*.models",
        Refused("models are no containers; the product has connections of its own"),
    ),
    ("services.*.network_mode", Supported),
    ("services.*.networks", Supported),
    ("services.*.networks.*.aliases", Supported),
    ("services.*.networks.*.driver_opts", Supported),
    (
        "services.*.networks.*.gw_priority",
        Refused("only the newest engines know it"),
    ),
    (
        "services.*.networks.*.interface_name",
        Refused("only the newest engines know it"),
    ),
    ("services.*.networks.*.ipv4_address", Supported),
    ("services.*.networks.*.ipv6_address", Supported),
    ("services.*.networks.*.link_local_ips", Supported),
    ("services.*.networks.*.mac_address", Supported),
    ("services.*.networks.*.priority", Supported),
    ("services.*.oom_kill_disable", Refused(KERNEL)),
    ("services.*.oom_score_adj", Supported),
    ("services.*.pid", Supported),
    ("services.*.pids_limit", Supported),
    ("services.*.platform", Supported),
    ("services.*.ports", Supported),
    ("services.*.ports.app_protocol", Supported),
    ("services.*.ports.host_ip", Supported),
    ("services.*.ports.mode", Supported),
    ("services.*.ports.name", Supported),
    ("services.*.ports.protocol", Supported),
    ("services.*.ports.published", Supported),
    ("services.*.ports.target", Supported),
    (
        "services.*.post_start",
        Refused("give it a service of its own that others wait for"),
    ),
    (
        "services.*.pre_stop",
        Refused("let the program react to its stop signal"),
    ),
    ("services.*.privileged", Supported),
    ("services.*.profiles", Supported),
    (
        "services.*.provider",
        Refused("programs are not started for services"),
    ),
    ("services.*.pull_policy", Supported),
    ("services.*.read_only", Supported),
    ("services.*.restart", Supported),
    (
        "services.*.runtime",
        Refused("the engine's own runtime is used"),
    ),
    ("services.*.scale", Supported),
    ("services.*.secrets", Supported),
    ("services.*.secrets.gid", Supported),
    ("services.*.secrets.mode", Supported),
    ("services.*.secrets.source", Supported),
    ("services.*.secrets.target", Supported),
    ("services.*.secrets.uid", Supported),
    ("services.*.security_opt", Supported),
    ("services.*.shm_size", Supported),
    ("services.*.stdin_open", Supported),
    ("services.*.stop_grace_period", Supported),
    ("services.*.stop_signal", Supported),
    (
        "services.*.storage_opt",
        Refused("few storage drivers know it"),
    ),
    ("services.*.sysctls", Supported),
    ("services.*.tmpfs", Supported),
    ("services.*.tty", Supported),
    ("services.*.ulimits", Supported),
    ("services.*.ulimits.*.hard", Supported),
    ("services.*.ulimits.*.soft", Supported),
    (
        "services.*.use_api_socket",
        Refused("it would hand the engine to the container"),
    ),
    ("services.*.user", Supported),
    ("services.*.userns_mode", Refused(KERNEL)),
    ("services.*.uts", Refused(KERNEL)),
    ("services.*.volumes", Supported),
    ("services.*.volumes.bind", Supported),
    ("services.*.volumes.bind.create_host_path", Supported),
    ("services.*.volumes.bind.propagation", Supported),
    (
        "services.*.volumes.bind.recursive",
        Refused("only the newest engines know it"),
    ),
    ("services.*.volumes.bind.selinux", Supported),
    ("services.*.volumes.consistency", Supported),
    (
        "services.*.volumes.image",
        Refused("only the newest engines mount images"),
    ),
    ("services.*.volumes.read_only", Supported),
    ("services.*.volumes.source", Supported),
    ("services.*.volumes.target", Supported),
    ("services.*.volumes.tmpfs", Supported),
    ("services.*.volumes.tmpfs.mode", Supported),
    ("services.*.volumes.tmpfs.size", Supported),
    ("services.*.volumes.type", Supported),
    ("services.*.volumes.volume", Supported),
    (
        "services.*.volumes.volume.labels",
        Refused("give them to the volume"),
    ),
    ("services.*.volumes.volume.nocopy", Supported),
    (
        "services.*.volumes.volume.subpath",
        Refused("only the newest engines know it"),
    ),
    (
        "services.*.volumes_from",
        Refused("mount the same named volume in both services"),
    ),
    ("services.*.working_dir", Supported),
    ("networks", Supported),
    ("networks.*.attachable", Supported),
    ("networks.*.driver", Supported),
    ("networks.*.driver_opts", Supported),
    (
        "networks.*.enable_ipv4",
        Refused("only the newest engines know it"),
    ),
    ("networks.*.enable_ipv6", Supported),
    ("networks.*.external", Supported),
    ("networks.*.internal", Supported),
    ("networks.*.ipam", Supported),
    ("networks.*.ipam.config", Supported),
    ("networks.*.ipam.config.aux_addresses", Supported),
    ("networks.*.ipam.config.gateway", Supported),
    ("networks.*.ipam.config.ip_range", Supported),
    ("networks.*.ipam.config.subnet", Supported),
    ("networks.*.ipam.driver", Supported),
    ("networks.*.ipam.options", Supported),
    ("networks.*.labels", Supported),
    ("networks.*.name", Supported),
    ("volumes", Supported),
    ("volumes.*.driver", Supported),
    ("volumes.*.driver_opts", Supported),
    ("volumes.*.external", Supported),
    ("volumes.*.labels", Supported),
    ("volumes.*.name", Supported),
    ("configs", Supported),
    ("configs.*.content", Supported),
    ("configs.*.environment", Supported),
    ("configs.*.external", Refused(OUTSIDE)),
    ("configs.*.file", Supported),
    ("configs.*.labels", Refused(SWARM)),
    ("configs.*.name", Refused(OUTSIDE)),
    ("configs.*.template_driver", Refused(SWARM)),
    ("secrets", Supported),
    ("secrets.*.content", Supported),
    ("secrets.*.driver", Refused(SWARM)),
    ("secrets.*.driver_opts", Refused(SWARM)),
    ("secrets.*.environment", Supported),
    ("secrets.*.external", Refused(OUTSIDE)),
    ("secrets.*.file", Supported),
    ("secrets.*.labels", Refused(SWARM)),
    ("secrets.*.name", Refused(OUTSIDE)),
    ("secrets.*.template_driver", Refused(SWARM)),
];

/// The keys directly below a level (`""` is the top).
fn below(level: &str) -> impl Iterator<Item = (&'static str, Support)> {
    KEYS.iter().filter_map(move |(path, support)| {
        let name = if level.is_empty() {
            path
        } else {
            path.strip_prefix(level)?.strip_prefix('.')?
        };
        (!name.contains('.') && name != "*").then_some((name, *support))
    })
}

/// Why `key` cannot stand at a level, and what may be meant. None when it can: extensions (`x-`) always can.
pub(super) fn refused(level: &str, key: &str) -> Option<(Reason, Option<String>)> {
    if key.starts_with("x-") {
        return None;
    }
    match below(level).find(|(name, _)| *name == key) {
        Some((_, Supported)) => None,
        Some((_, Refused(why))) => Some((Reason::Unsupported(why.to_owned()), None)),
        None => {
            let usable = below(level)
                .filter(|(_, support)| *support == Supported)
                .map(|(name, _)| name);
            let hint = did_you_mean(key, usable);
            Some((Reason::UnknownKey, hint))
        }
    }
}
