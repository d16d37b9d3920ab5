//! Where a container that somebody else started is reached, and whose it is.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bollard::models::{ContainerInspectResponse, PortBinding};

use super::{Shared, container, label, listening};
use crate::instance::Foreign;

/// Ports that agents usually take, most usual first.
const USUAL_PORTS: [u16; 4] = [8000, 5000, 8080, 3000];

const COMPOSE_PROJECT: &str = "com.docker.compose.project";
const COMPOSE_SERVICE: &str = "com.docker.compose.service";

/// What a container tells of itself; none if it is not on our network.
pub(super) async fn foreign(
    shared: &Shared,
    container: &ContainerInspectResponse,
) -> Option<Foreign> {
    let settings = container.network_settings.as_ref()?;
    let endpoint = settings.networks.as_ref()?.get(&shared.config.network)?;
    let ip = endpoint
        .ip_address
        .as_deref()
        .and_then(|text| text.parse::<IpAddr>().ok());
    // Containers' own addresses mean something only where their processes are.
    let is_here = listening::process_here(shared, container).await.is_some();
    let direct = ip.filter(|_| is_here);
    let config = container.config.as_ref();
    let labels = config
        .and_then(|config| config.labels.clone())
        .unwrap_or_default();
    let exposed = config
        .and_then(|config| config.exposed_ports.clone())
        .unwrap_or_default();
    let claims = Claims {
        labelled: labels.get(label::PORT).and_then(|port| port.parse().ok()),
        published: published(settings.ports.as_ref()),
        exposed: exposed.iter().filter_map(|port| tcp_port(port)).collect(),
    };
    let project = labels.get(COMPOSE_PROJECT).cloned();
    let service = labels.get(COMPOSE_SERVICE);
    let installation = labels.get(label::INSTALLATION);
    Some(Foreign {
        container: container::name_of(container).to_owned(),
        addresses: claims.addresses(direct),
        direct,
        group: match (&project, service) {
            (Some(project), Some(service)) => Some(format!("compose {project}/{service}")),
            _ => installation.map(|installation| format!("installation {installation}")),
        },
        installation: installation.cloned(),
        project,
    })
}

/// What says where it listens.
struct Claims {
    labelled: Option<u16>,
    /// Each port of the container with its address on this machine.
    published: Vec<(u16, SocketAddr)>,
    exposed: BTreeSet<u16>,
}

impl Claims {
    fn addresses(&self, direct: Option<IpAddr>) -> Vec<SocketAddr> {
        let of = |port: u16| {
            let published = self.published.iter().find(|(inner, _)| *inner == port);
            published
                .map(|(_, address)| *address)
                .or(direct.map(|ip| SocketAddr::new(ip, port)))
        };
        if let Some(port) = self.labelled {
            return of(port).into_iter().collect();
        }
        let published: BTreeSet<u16> = self.published.iter().map(|(inner, _)| *inner).collect();
        let exposed: BTreeSet<u16> = self.exposed.difference(&published).copied().collect();
        let named: Vec<u16> = by_use(published).chain(by_use(exposed)).collect();
        let ports = if named.is_empty() {
            USUAL_PORTS.to_vec()
        } else {
            named
        };
        ports.into_iter().filter_map(of).collect()
    }
}

/// Usual ports first.
fn by_use(ports: BTreeSet<u16>) -> impl Iterator<Item = u16> {
    let rank = |port: &u16| USUAL_PORTS.iter().position(|usual| usual == port);
    let mut ports: Vec<u16> = ports.into_iter().collect();
    ports.sort_by_key(|port| rank(port).unwrap_or(USUAL_PORTS.len()));
    ports.into_iter()
}

fn published(ports: Option<&HashMap<String, Option<Vec<PortBinding>>>>) -> Vec<(u16, SocketAddr)> {
    ports
        .into_iter()
        .flatten()
        .filter_map(|(port, bindings)| {
            let mut addresses = bindings.iter().flatten().filter_map(binding);
            Some((tcp_port(port)?, addresses.next()?))
        })
        .collect()
}

/// Where this machine reaches a published port.
pub(super) fn binding(binding: &PortBinding) -> Option<SocketAddr> {
    let port = binding.host_port.as_ref()?.parse().ok()?;
    let ip: IpAddr = match binding.host_ip.as_deref().unwrap_or_default() {
        "" => Ipv4Addr::LOCALHOST.into(),
        ip => ip.parse().ok()?,
    };
    // Published on every address: reached over loopback like any other.
    let ip = if ip.is_unspecified() {
        Ipv4Addr::LOCALHOST.into()
    } else {
        ip
    };
    Some(SocketAddr::new(ip, port))
}

/// The number in `8000/tcp` or `8000`.
fn tcp_port(text: &str) -> Option<u16> {
    match text.split_once('/') {
        Some((port, "tcp")) => port.parse().ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(labelled: Option<u16>, published: &[u16], exposed: &[u16]) -> Vec<String> {
        let claims = Claims {
            labelled,
            published: published
                .iter()
                .map(|port| (*port, ([127, 0, 0, 1], 40_000 + port % 1_000).into()))
                .collect(),
            exposed: exposed.iter().copied().collect(),
        };
        let direct = Some([10, 0, 0, 2].into());
        claims
            .addresses(direct)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_is_said_most_plainly_comes_first() {
        assert_eq!(addresses(Some(7_000), &[8_001], &[]), ["10.0.0.2:7000"]);
        assert_eq!(addresses(Some(8_001), &[8_001], &[9]), ["127.0.0.1:40001"]);
        assert_eq!(
            addresses(None, &[9_464, 8_080], &[4_317, 5_000, 8_080]),
            [
                "127.0.0.1:40080",
                "127.0.0.1:40464",
                "10.0.0.2:5000",
                "10.0.0.2:4317"
            ]
        );
        assert_eq!(
            addresses(None, &[], &[]),
            [
                "10.0.0.2:8000",
                "10.0.0.2:5000",
                "10.0.0.2:8080",
                "10.0.0.2:3000"
            ]
        );
    }

    #[test]
    fn only_what_is_published_is_reached_in_another_machine() {
        let claims = Claims {
            labelled: None,
            published: vec![(8_000, ([127, 0, 0, 1], 40_000).into())],
            exposed: [9_000].into(),
        };
        assert_eq!(claims.addresses(None), [([127, 0, 0, 1], 40_000).into()]);
    }

    #[test]
    fn ports_published_everywhere_are_reached_over_loopback() {
        for (ip, reached) in [
            (None, "127.0.0.1:80"),
            (Some("0.0.0.0"), "127.0.0.1:80"),
            (Some("::"), "127.0.0.1:80"),
            (Some("192.168.1.5"), "192.168.1.5:80"),
        ] {
            let binding = PortBinding {
                host_ip: ip.map(str::to_owned),
                host_port: Some("80".to_owned()),
            };
            assert_eq!(super::binding(&binding).unwrap().to_string(), reached);
        }
        assert_eq!(tcp_port("53/udp"), None);
    }
}
