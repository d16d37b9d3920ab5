//! What the engine is told of a service: the one description that is hashed, compared and sent. Pure.

mod host;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HealthConfig, Ipam, IpamConfig,
    NetworkCreateRequest, NetworkingConfig, VolumeCreateRequest,
};
use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::compose::{
    Attachment, Condition, FileMount, Healthcheck, Namespace, Network, Project, Service, Spanned,
    Volume,
};
use crate::label;

/// A marker for what the engine only learns when the other service's container is there.
pub(crate) const SERVICE_NAMESPACE: &str = "service:";
/// Changes when the same file is to mean another container than before.
const GENERATION: &str = "1";

/// Keys the hashes that are written into labels, so that nobody can find out a secret by trying values. Of one
/// installation; another key recreates every container once.
#[derive(Clone, Copy)]
pub struct HashKey([u8; 32]);

impl HashKey {
    /// A key of random bytes.
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HashKey")
    }
}

/// The contents of configs and secrets, by their keys.
#[derive(Clone, Default)]
pub struct Contents {
    /// Of configs.
    pub configs: HashMap<String, Vec<u8>>,
    /// Of secrets.
    pub secrets: HashMap<String, Vec<u8>>,
}

impl fmt::Debug for Contents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.configs.keys().chain(self.secrets.keys());
        formatter.debug_set().entries(names).finish()
    }
}

/// A container that is to be made.
#[derive(Debug, Clone)]
pub(crate) struct ContainerSpec {
    pub(crate) name: String,
    /// With all labels.
    pub(crate) body: ContainerCreateBody,
    /// Networks to join after the first, which is in the body.
    pub(crate) further_networks: Vec<(String, EndpointSettings)>,
    pub(crate) files: Vec<File>,
    pub(crate) hash: String,
}

/// A file that is put into a container before it starts.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) mount: FileMount,
    pub(crate) content: Vec<u8>,
}

impl fmt::Debug for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mount.fmt(formatter)
    }
}

/// The image that a service runs: named, or named after the service.
pub(crate) fn image_of(project: &Project, service: &Service) -> String {
    match &service.image {
        Some(image) => image.value.clone(),
        None => format!("{}-{}", project.name, service.name),
    }
}

pub(crate) fn container_name(project: &Project, service: &Service) -> String {
    match &service.container_name {
        Some(name) => name.value.clone(),
        None => format!("{}-{}-1", project.name, service.name),
    }
}

/// The container of a service.
pub(crate) fn container(
    project: &Project,
    service: &Service,
    contents: &Contents,
    key: &HashKey,
) -> ContainerSpec {
    let files = files(service, contents);
    let mut attachments: Vec<(&String, &Spanned<Attachment>)> = service.networks.iter().collect();
    attachments.sort_by_key(|(_, attachment)| -i64::from(attachment.priority));
    let mut endpoints = attachments.into_iter().map(|(name, attachment)| {
        let engine_name = project
            .networks
            .get(name)
            .map_or_else(|| name.clone(), |network| network.name.clone());
        (engine_name, endpoint(service, attachment))
    });
    let first = endpoints.next();
    let further_networks: Vec<_> = endpoints.collect();
    let network_mode = match (&first, &service.network_mode) {
        (Some((name, _)), _) => Some(name.clone()),
        (None, Some(namespace)) => Some(namespace_name(namespace)),
        (None, None) => None,
    };
    let mut body = ContainerCreateBody {
        image: Some(image_of(project, service)),
        hostname: service.hostname.clone(),
        domainname: service.domainname.clone(),
        user: service.user.clone(),
        tty: service.tty.then_some(true),
        open_stdin: service.stdin_open.then_some(true),
        exposed_ports: exposed(service),
        env: some(
            service
                .environment
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        ),
        cmd: service.command.clone(),
        entrypoint: service.entrypoint.clone(),
        healthcheck: service.healthcheck.as_ref().map(health),
        working_dir: service.working_dir.clone(),
        stop_signal: service.stop_signal.clone(),
        stop_timeout: service
            .stop_grace_period
            .map(|period| i64::try_from(period.as_millis().div_ceil(1000)).unwrap_or(i64::MAX)),
        labels: Some(service.labels.clone().into_iter().collect()),
        host_config: Some(host::config(project, service, network_mode, &files)),
        networking_config: first.map(|(name, endpoint)| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(name, endpoint)])),
        }),
        ..ContainerCreateBody::default()
    };
    let name = container_name(project, service);
    let hash = hash(
        key,
        &json!({
            "name": name,
            "body": body,
            "networks": further_networks,
            "platform": service.platform,
            "files": files.iter().map(|file| described(file, key)).collect::<Vec<_>>(),
        }),
    );
    let labels = body.labels.get_or_insert_default();
    labels.extend(container_labels(project, service, &hash));
    ContainerSpec {
        name,
        body,
        further_networks,
        files,
        hash,
    }
}

fn container_labels(project: &Project, service: &Service, hash: &str) -> HashMap<String, String> {
    let files = project.files.iter().map(|file| file.display().to_string());
    let files: Vec<String> = files.collect();
    let waits = service.depends_on.iter().map(|(name, dependency)| {
        let condition = match dependency.condition {
            Condition::Started => "service_started",
            Condition::Healthy => "service_healthy",
            Condition::Completed => "service_completed_successfully",
        };
        format!("{name}:{condition}:{}", dependency.restart)
    });
    let waits: Vec<String> = waits.collect();
    [
        (label::PROJECT, project.name.clone()),
        (label::SERVICE, service.name.clone()),
        (label::NUMBER, "1".to_owned()),
        (label::ONEOFF, "False".to_owned()),
        (label::COMPOSE_HASH, hash.to_owned()),
        (label::DEPENDS_ON, waits.join(",")),
        (label::WORKING_DIR, project.directory.display().to_string()),
        (label::CONFIG_FILES, files.join(",")),
        (label::HASH, hash.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// A network that is to be made.
pub(crate) fn network(
    project: &Project,
    key: &str,
    network: &Network,
    hash_key: &HashKey,
) -> (NetworkCreateRequest, String) {
    let ranges = network.ipam.iter().map(|range| IpamConfig {
        subnet: range.subnet.clone(),
        ip_range: range.ip_range.clone(),
        gateway: range.gateway.clone(),
        auxiliary_addresses: some_map(&range.aux_addresses),
    });
    let ipam = Ipam {
        driver: network.ipam_driver.clone(),
        config: some(ranges),
        options: some_map(&network.ipam_options),
    };
    let mut request = NetworkCreateRequest {
        name: network.name.clone(),
        driver: network.driver.clone(),
        internal: network.internal.then_some(true),
        attachable: network.attachable.then_some(true),
        enable_ipv6: network.enable_ipv6.then_some(true),
        ipam: (ipam != Ipam::default()).then_some(ipam),
        options: some_map(&network.driver_opts),
        labels: Some(network.labels.clone().into_iter().collect()),
        ..NetworkCreateRequest::default()
    };
    let hash = hash(hash_key, &json!(request));
    let labels = request.labels.get_or_insert_default();
    labels.insert(label::PROJECT.to_owned(), project.name.clone());
    labels.insert(label::NETWORK.to_owned(), key.to_owned());
    labels.insert(label::HASH.to_owned(), hash.clone());
    (request, hash)
}

/// A volume that is to be made.
pub(crate) fn volume(
    project: &Project,
    key: &str,
    volume: &Volume,
    hash_key: &HashKey,
) -> (VolumeCreateRequest, String) {
    let mut request = VolumeCreateRequest {
        name: Some(volume.name.clone()),
        driver: volume.driver.clone(),
        driver_opts: some_map(&volume.driver_opts),
        labels: Some(volume.labels.clone().into_iter().collect()),
        ..VolumeCreateRequest::default()
    };
    let hash = hash(hash_key, &json!(request));
    let labels = request.labels.get_or_insert_default();
    labels.insert(label::PROJECT.to_owned(), project.name.clone());
    labels.insert(label::VOLUME.to_owned(), key.to_owned());
    labels.insert(label::HASH.to_owned(), hash.clone());
    (request, hash)
}

fn namespace_name(namespace: &Namespace) -> String {
    match namespace {
        Namespace::Engine(name) => name.clone(),
        Namespace::Service(name) => format!("{SERVICE_NAMESPACE}{name}"),
    }
}

fn endpoint(service: &Service, attachment: &Attachment) -> EndpointSettings {
    let addresses = EndpointIpamConfig {
        ipv4_address: attachment.ipv4_address.clone(),
        ipv6_address: attachment.ipv6_address.clone(),
        link_local_ips: some(attachment.link_local_ips.iter().cloned()),
    };
    let mut aliases = vec![service.name.clone()];
    for alias in &attachment.aliases {
        if !aliases.contains(alias) {
            aliases.push(alias.clone());
        }
    }
    EndpointSettings {
        aliases: Some(aliases),
        ipam_config: (addresses != EndpointIpamConfig::default()).then_some(addresses),
        mac_address: attachment.mac_address.clone(),
        driver_opts: some_map(&attachment.driver_opts),
        ..EndpointSettings::default()
    }
}

fn exposed(service: &Service) -> Option<Vec<String>> {
    let published = service
        .ports
        .iter()
        .map(|port| format!("{}/{}", port.target, port.protocol.as_str()));
    let announced = service.expose.iter().flat_map(|text| {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let range = first.parse::<u16>().unwrap_or(1)..=last.parse().unwrap_or(0);
        range.map(move |port| format!("{port}/{protocol}"))
    });
    let mut all: Vec<String> = published.chain(announced).collect();
    all.sort();
    all.dedup();
    (!all.is_empty()).then_some(all)
}

fn health(check: &Healthcheck) -> HealthConfig {
    if check.disable {
        return HealthConfig {
            test: Some(vec!["NONE".to_owned()]),
            ..HealthConfig::default()
        };
    }
    let nanos = |duration: Option<std::time::Duration>| {
        duration.map(|duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    };
    HealthConfig {
        test: check.test.clone(),
        interval: nanos(check.interval),
        timeout: nanos(check.timeout),
        retries: check.retries.map(i64::from),
        start_period: nanos(check.start_period),
        start_interval: nanos(check.start_interval),
    }
}

fn files(service: &Service, contents: &Contents) -> Vec<File> {
    let of = |mounts: &[Spanned<FileMount>], contents: &HashMap<String, Vec<u8>>| {
        let file = |mount: &Spanned<FileMount>| File {
            content: contents.get(&mount.source).cloned().unwrap_or_default(),
            mount: mount.value.clone(),
        };
        mounts.iter().map(file).collect::<Vec<_>>()
    };
    let mut all = of(&service.configs, &contents.configs);
    all.extend(of(&service.secrets, &contents.secrets));
    all
}

/// What of a file goes into the hash: its content only as a hash of its own.
fn described(file: &File, key: &HashKey) -> Value {
    let FileMount {
        target,
        uid,
        gid,
        mode,
        ..
    } = &file.mount;
    let content = blake3::keyed_hash(&key.0, &file.content).to_hex();
    json!([target, uid, gid, mode, content.as_str()])
}

fn hash(key: &HashKey, description: &Value) -> String {
    let text = format!("{GENERATION}{}", sorted(description));
    blake3::keyed_hash(&key.0, text.as_bytes())
        .to_hex()
        .to_string()
}

/// With the keys of each mapping in order, whatever map they came from.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, Value> = map
                .iter()
                .map(|(key, value)| (key, sorted(value)))
                .collect();
            ordered
                .into_iter()
                .map(|(key, value)| (key.clone(), value))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn some<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}

fn some_map(map: &IndexMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.clone().into_iter().collect())
}
