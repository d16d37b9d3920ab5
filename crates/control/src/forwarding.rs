//! Forwards traces to one viewer: the one that the setting names, else the service of the local stack whose label says
//! that it takes OTLP, while it is well. Must never poll: services are followed by the stack's own events.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use nasiko_contract::{Fault, ForwardingState, Settings, TraceForwarding};
use nasiko_stack::observed::{Container, Health, State};
use nasiko_telemetry::{Aim, Forwarded, Forwarder, TraceStore};
use parking_lot::Mutex;
use reqwest::Url;

use crate::{address, plane::Addresses};

/// A service with this label takes OTLP over HTTP, at the port of its container that the label names.
const LABEL: &str = "nasiko.otlp";
/// Where OTLP over HTTP takes spans, below its base URL.
const SIGNAL: &str = "/v1/traces";
const HINT: &str = "It is the base URL of a program that takes OTLP over HTTP, e.g. http://127.0.0.1:14318; empty for none";

/// Where traces go, and how that stands.
pub(crate) struct Forwarding {
    forwarder: Forwarder,
    /// Ports of our own intake.
    own: Vec<u16>,
    known: Mutex<Known>,
}

/// What there is to forward to.
#[derive(Default)]
struct Known {
    setting: Option<String>,
    service: Option<Service>,
}

/// A service of the stack that takes OTLP.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    name: String,
    /// Where it takes it, while it is well.
    at: Option<SocketAddr>,
}

impl Forwarding {
    /// Begins, with what the settings say.
    pub(crate) fn start(
        traces: &TraceStore,
        addresses: &Addresses,
        settings: &Settings,
    ) -> Result<Self, Fault> {
        let port = |address: &String| Url::parse(address).ok()?.port_or_known_default();
        let own = [&addresses.otlp_http, &addresses.otlp_grpc];
        let forwarding = Self {
            forwarder: Forwarder::start(traces)?,
            own: own.into_iter().filter_map(port).collect(),
            known: Mutex::default(),
        };
        forwarding.follow_setting(settings);
        Ok(forwarding)
    }

    /// A viewer's base URL as a person wrote it; none for an empty text.
    pub(crate) fn checked_target(&self, text: &str) -> Result<Option<String>, Fault> {
        let refused = |why: &str| address::refused("otlpForwardUrl", why, HINT);
        let Some(base) = address::checked(text).map_err(|why| refused(&why))? else {
            return Ok(None);
        };
        // People copy the whole address as well.
        let base = base.strip_suffix(SIGNAL).unwrap_or(&base);
        let url = Url::parse(base).map_err(|error| refused(&error.to_string()))?;
        if url.scheme() != "http" {
            return Err(refused("spans are sent over plain HTTP"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("a base URL ends with its path"));
        }
        if self.is_own(base) {
            return Err(refused(
                "it is this control plane's own intake, and spans would go round",
            ));
        }
        Ok(Some(base.to_owned()))
    }

    /// Goes by the settings from now on.
    pub(crate) fn follow_setting(&self, settings: &Settings) {
        let mut known = self.known.lock();
        known.setting.clone_from(&settings.otlp_forward_url);
        self.aim(&known);
    }

    /// Goes by what runs of the stack from now on.
    pub(crate) fn follow_stack(&self, containers: &[Container]) {
        let service = viewer_among(containers);
        let mut known = self.known.lock();
        if known.service != service {
            tracing::info!(?service, "the stack's trace viewer");
            known.service = service;
            self.aim(&known);
        }
    }

    fn aim(&self, known: &Known) {
        self.forwarder.aim(match (&known.setting, &known.service) {
            // Ports may be others than when it was set.
            (Some(base), _) if self.is_own(base) => Aim::Nowhere,
            (Some(base), _) => Aim::At(base.clone()),
            (None, Some(Service { at: Some(at), .. })) => Aim::At(format!("http://{at}")),
            // It is about to come, or to come back.
            (None, Some(Service { at: None, .. })) => Aim::Awaited,
            (None, None) => Aim::Nowhere,
        });
    }

    /// How it stands; none without a viewer.
    pub(crate) fn standing(&self) -> Option<TraceForwarding> {
        let Forwarded {
            sent,
            rejected,
            dropped,
            waiting,
            failing,
            last_error,
        } = self.forwarder.forwarded();
        let known = self.known.lock();
        let mut standing = TraceForwarding {
            target: known.setting.clone(),
            sent,
            rejected,
            dropped,
            waiting,
            state: if failing {
                ForwardingState::Failing
            } else {
                ForwardingState::Sending
            },
            last_error,
            ..TraceForwarding::default()
        };
        match (&known.setting, &known.service) {
            (Some(base), _) if self.is_own(base) => {
                standing.state = ForwardingState::Refused;
                standing.last_error = Some("it is this control plane's own intake".to_owned());
            }
            (Some(_), _) => {}
            (None, Some(service)) => {
                standing.service = Some(service.name.clone());
                standing.target = service.at.map(|at| format!("http://{at}"));
                if service.at.is_none() {
                    standing.state = ForwardingState::Waiting;
                }
            }
            (None, None) => return None,
        }
        Some(standing)
    }

    /// Sends what waits, and ends.
    pub(crate) async fn close(&self) {
        self.forwarder.close().await;
    }

    /// Whether our own intake listens there. It listens on loopback alone, whatever that is called.
    fn is_own(&self, base: &str) -> bool {
        let Ok(url) = Url::parse(base) else {
            return false;
        };
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let here = host.eq_ignore_ascii_case("localhost")
            || host.ends_with(".localhost")
            || host
                .parse()
                .is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback() || ip.is_unspecified());
        here && url
            .port_or_known_default()
            .is_some_and(|port| self.own.contains(&port))
    }
}

/// The service with the label; where there are several, one that is well, the first by name.
fn viewer_among(containers: &[Container]) -> Option<Service> {
    let services = containers.iter().filter_map(|container| {
        let target = container.labels.get(LABEL)?;
        Some(Service {
            name: container.service.clone(),
            at: is_well(container)
                .then(|| reached_at(container, target))
                .flatten(),
        })
    });
    services
        .min_by(|one, other| (one.at.is_none(), &one.name).cmp(&(other.at.is_none(), &other.name)))
}

fn is_well(container: &Container) -> bool {
    container.state == State::Running && matches!(container.health, None | Some(Health::Healthy))
}

/// Where the port of a container is reached over loopback.
fn reached_at(container: &Container, target: &str) -> Option<SocketAddr> {
    let target = format!("{}/tcp", target.trim());
    let published = container
        .ports
        .iter()
        .filter(|published| published.target == target);
    published
        .filter_map(|published| {
            let ip = published
                .address
                .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let ip = match ip {
                IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
                ip => ip,
            };
            ip.is_loopback()
                .then(|| SocketAddr::new(ip, published.port))
        })
        .min()
}
