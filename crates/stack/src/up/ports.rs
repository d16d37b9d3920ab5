//! Finds out before anything is changed whether a port that is to be published is free, and whose it is if not.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use bollard::models::PortSummaryTypeEnum;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::Job;
use crate::StackError;
use crate::compose::{Port, Protocol};
use crate::label;
use crate::observed::{Container, Observed, State};
use crate::plan::{Action, Plan};

/// Ports looked at for one that is free.
const PORTS_TRIED: u16 = 200;

/// A port that another container of the engine publishes.
struct Held {
    port: u16,
    protocol: Protocol,
    owner: String,
}

impl Job<'_> {
    /// The error names the first port that is taken, and who holds it.
    pub(super) async fn preflight(
        &self,
        plan: &Plan,
        observed: &Observed,
    ) -> Result<(), StackError> {
        let starting: Vec<&str> = plan
            .containers
            .iter()
            .filter(|step| !matches!(step.action, Action::Keep { .. }))
            .map(|step| step.service.as_str())
            .collect();
        let wanted: Vec<(&str, &Port)> = starting
            .iter()
            .filter_map(|name| self.project.services.get(*name))
            .flat_map(|service| {
                let ports = service.ports.iter();
                ports.map(|port| (service.name.as_str(), &port.value))
            })
            .filter(|(_, port)| port.published.is_some_and(|(first, last)| first == last))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let local = self.stack.engine.is_local();
        let held = self.held_by_others().await?;
        // What these containers hold now is free when they are replaced.
        let own: HashSet<u16> = observed
            .containers
            .iter()
            .filter(|container| is_replaced(container, plan))
            .flat_map(|container| container.ports.iter().map(|published| published.port))
            .collect();
        let mut planned: BTreeSet<u16> = BTreeSet::new();
        for service in self.project.services.values() {
            let fixed = service.ports.iter().filter_map(|port| port.published);
            planned.extend(fixed.map(|(first, _)| first));
        }
        for (service, port) in wanted {
            let number = port.published.map_or(0, |(first, _)| first);
            let holder = held
                .iter()
                .find(|held| held.port == number && held.protocol == port.protocol);
            let free_here = || !local || own.contains(&number) || is_free(port, number);
            if holder.is_none() && free_here() {
                continue;
            }
            let asked = || {
                let owner = self.options.port_owner.as_ref()?;
                owner(number, port.protocol)
            };
            let owner = holder.map(|held| held.owner.clone()).or_else(asked);
            let after = (number.saturating_add(1)..=u16::MAX).take(PORTS_TRIED.into());
            let free = after
                .filter(|other| !planned.contains(other))
                .filter(|other| !held.iter().any(|held| held.port == *other))
                .find(|other| !local || is_free(port, *other));
            let address = port
                .host_ip
                .as_ref()
                .map_or_else(String::new, |ip| format!("{ip}:"));
            return Err(StackError::PortTaken {
                service: service.to_owned(),
                port: format!("{address}{number}/{}", port.protocol.as_str()),
                owner: owner.unwrap_or_else(|| "another program".to_owned()),
                free,
            });
        }
        Ok(())
    }

    async fn held_by_others(&self) -> Result<Vec<Held>, StackError> {
        let client = self.stack.engine.client().await?;
        let options = ListContainersOptionsBuilder::default().build();
        let running = client
            .list_containers(Some(options))
            .await
            .map_err(|error| self.stack.engine.failed("listing containers", error))?;
        let mut held = Vec::new();
        for container in running {
            let labels = container.labels.unwrap_or_default();
            if labels.get(label::PROJECT) == Some(&self.project.name) {
                continue;
            }
            let names = container.names.unwrap_or_default();
            let name = names
                .first()
                .map_or("", |name| name.trim_start_matches('/'));
            for port in container.ports.unwrap_or_default() {
                let Some(public) = port.public_port else {
                    continue;
                };
                held.push(Held {
                    port: public,
                    protocol: match port.typ {
                        Some(PortSummaryTypeEnum::UDP) => Protocol::Udp,
                        Some(PortSummaryTypeEnum::SCTP) => Protocol::Sctp,
                        _ => Protocol::Tcp,
                    },
                    owner: format!("the container {name}"),
                });
            }
        }
        Ok(held)
    }
}

/// Whether a container lets its ports go before they are needed. Those of a service that stays are another service's conflict.
fn is_replaced(container: &Container, plan: &Plan) -> bool {
    let runs = matches!(
        container.state,
        State::Running | State::Paused | State::Restarting
    );
    runs && plan
        .container(&container.service)
        .is_some_and(|step| !matches!(step.action, Action::Keep { .. }))
}

fn is_free(port: &Port, number: u16) -> bool {
    let address = match &port.host_ip {
        Some(ip) => ip.parse().ok(),
        None => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    };
    // An address that is none is the engine's to refuse.
    let Some(address) = address else { return true };
    let address = SocketAddr::new(address, number);
    let taken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::AddrInUse;
    match port.protocol {
        Protocol::Tcp => !TcpListener::bind(address).is_err_and(|error| taken(&error)),
        Protocol::Udp => !UdpSocket::bind(address).is_err_and(|error| taken(&error)),
        Protocol::Sctp => true,
    }
}
