//! The half of a container's description that concerns the machine: mounts, ports, limits, rights.

use std::collections::{BTreeSet, HashMap};

use bollard::models::{
    DeviceMapping, HostConfig, HostConfigLogConfig, Mount as EngineMount, MountBindOptions,
    MountTmpfsOptions, MountType, MountVolumeOptions, PortBinding, PortMap, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum,
};
use indexmap::IndexMap;

use super::{File, namespace_name, some, some_map};
use crate::compose::{Mount, MountSource, Project, Restart, Service};

pub(super) fn config(
    project: &Project,
    service: &Service,
    network_mode: Option<String>,
    files: &[File],
) -> HostConfig {
    let (binds, mounts): (Vec<&Mount>, Vec<&Mount>) = service
        .mounts
        .iter()
        .map(|mount| &mount.value)
        .partition(|mount| is_bind_string(mount));
    let mounts = mounts.into_iter().map(|mount| engine_mount(project, mount));
    let resources = &service.resources;
    HostConfig {
        network_mode,
        binds: some(binds.into_iter().map(bind_string)),
        mounts: some(mounts.chain(file_volumes(service, files))),
        tmpfs: some_map(&service.tmpfs),
        port_bindings: port_bindings(service),
        restart_policy: restart(service.restart),
        nano_cpus: resources.nano_cpus,
        cpu_shares: resources.cpu_shares,
        cpuset_cpus: resources.cpuset.clone(),
        memory: resources.memory,
        memory_reservation: resources.memory_reservation,
        memory_swap: resources.memory_swap,
        pids_limit: resources.pids,
        oom_score_adj: resources.oom_score_adj,
        log_config: service.logging.as_ref().map(|logging| HostConfigLogConfig {
            typ: logging.driver.clone(),
            config: some_map(&logging.options),
        }),
        pid_mode: service.pid.as_ref().map(|pid| namespace_name(pid)),
        ipc_mode: service.ipc.as_ref().map(|ipc| namespace_name(ipc)),
        init: service.init,
        privileged: service.privileged.then_some(true),
        readonly_rootfs: service.read_only.then_some(true),
        cap_add: some(service.cap_add.iter().cloned()),
        cap_drop: some(service.cap_drop.iter().cloned()),
        security_opt: some(service.security_opt.iter().cloned()),
        group_add: some(service.group_add.iter().cloned()),
        devices: some(service.devices.iter().map(|text| device(text))),
        sysctls: some_map(&service.sysctls),
        annotations: some_map(&service.annotations),
        ulimits: some(
            service
                .ulimits
                .iter()
                .map(|(name, limit)| ResourcesUlimits {
                    name: Some(name.clone()),
                    soft: Some(limit.soft),
                    hard: Some(limit.hard),
                }),
        ),
        extra_hosts: some(host_lines(&service.extra_hosts)),
        dns: some(service.dns.iter().cloned()),
        dns_search: some(service.dns_search.iter().cloned()),
        dns_options: some(service.dns_opt.iter().cloned()),
        shm_size: service.shm_size,
        ..HostConfig::default()
    }
}

/// Only in this form does every engine make a folder that is not there, and know SELinux's letters.
fn is_bind_string(mount: &Mount) -> bool {
    let MountSource::Bind {
        create, selinux, ..
    } = &mount.source
    else {
        return false;
    };
    *create || selinux.is_some()
}

fn bind_string(mount: &Mount) -> String {
    let MountSource::Bind {
        path,
        propagation,
        selinux,
        ..
    } = &mount.source
    else {
        return String::new();
    };
    let access = if mount.read_only { "ro" } else { "rw" };
    let options = [Some(access), selinux.as_deref(), propagation.as_deref()];
    let options: Vec<&str> = options.into_iter().flatten().collect();
    format!("{}:{}:{}", path.display(), mount.target, options.join(","))
}

fn engine_mount(project: &Project, mount: &Mount) -> EngineMount {
    let base = EngineMount {
        target: Some(mount.target.clone()),
        read_only: mount.read_only.then_some(true),
        ..EngineMount::default()
    };
    match &mount.source {
        MountSource::Volume { name, nocopy } => EngineMount {
            typ: Some(MountType::VOLUME),
            source: name.as_ref().map(|name| {
                let declared = project.volumes.get(name);
                declared.map_or_else(|| name.clone(), |volume| volume.name.clone())
            }),
            volume_options: nocopy.then(|| MountVolumeOptions {
                no_copy: Some(true),
                ..MountVolumeOptions::default()
            }),
            ..base
        },
        MountSource::Bind {
            path, propagation, ..
        } => EngineMount {
            typ: Some(MountType::BIND),
            source: Some(path.display().to_string()),
            bind_options: propagation.as_ref().map(|propagation| MountBindOptions {
                propagation: propagation.parse().ok(),
                ..MountBindOptions::default()
            }),
            ..base
        },
        MountSource::Tmpfs { size, mode } => EngineMount {
            typ: Some(MountType::TMPFS),
            tmpfs_options: Some(MountTmpfsOptions {
                size_bytes: *size,
                mode: mode.map(i64::from),
                ..MountTmpfsOptions::default()
            }),
            ..base
        },
    }
}

/// Into a root file system that cannot be written to no file can be put, so their folders become volumes of the container's
/// own.
fn file_volumes(service: &Service, files: &[File]) -> Vec<EngineMount> {
    if !service.read_only {
        return Vec::new();
    }
    let folders: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| Some(file.mount.target.rsplit_once('/')?.0))
        .filter(|folder| !folder.is_empty())
        .filter(|folder| !service.mounts.iter().any(|mount| mount.target == **folder))
        .collect();
    let volume = |folder: &str| EngineMount {
        typ: Some(MountType::VOLUME),
        target: Some(folder.to_owned()),
        ..EngineMount::default()
    };
    folders.into_iter().map(volume).collect()
}

fn port_bindings(service: &Service) -> Option<PortMap> {
    let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
    for port in &service.ports {
        let target = format!("{}/{}", port.target, port.protocol.as_str());
        let host_port = match port.published {
            None => String::new(),
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first}-{last}"),
        };
        let binding = PortBinding {
            host_ip: port.host_ip.clone(),
            host_port: Some(host_port),
        };
        let at = bindings.entry(target).or_default();
        at.get_or_insert_default().push(binding);
    }
    (!bindings.is_empty()).then_some(bindings)
}

fn restart(policy: Restart) -> Option<RestartPolicy> {
    let (name, times) = match policy {
        Restart::No => return None,
        Restart::Always => (RestartPolicyNameEnum::ALWAYS, None),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        Restart::OnFailure(times) => (RestartPolicyNameEnum::ON_FAILURE, times),
    };
    Some(RestartPolicy {
        name: Some(name),
        maximum_retry_count: times.map(i64::from),
    })
}

fn device(text: &str) -> DeviceMapping {
    let mut parts = text.split(':');
    let host = parts.next().unwrap_or_default();
    let inside = parts.next().unwrap_or(host);
    DeviceMapping {
        path_on_host: Some(host.to_owned()),
        path_in_container: Some(inside.to_owned()),
        cgroup_permissions: Some(parts.next().unwrap_or("rwm").to_owned()),
    }
}

/// `name:address` for each address, as the engine takes them.
fn host_lines(hosts: &IndexMap<String, Vec<String>>) -> impl Iterator<Item = String> + '_ {
    hosts.iter().flat_map(|(name, addresses)| {
        addresses
            .iter()
            .map(move |address| format!("{name}:{address}"))
    })
}
