//! Finds out before anything is changed whether a port that is to be published is free, and whose it is if not.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;

use bollard::models::PortSummaryTypeEnum;
use bollard::query_parameters::ListContainersOptionsBuilder;

use super::Job;
use crate::StackError;
use crate::compose::{Port, Protocol, Span, Spanned};
use crate::error::OtherPort;
use crate::label;
use crate::observed::{Container, Observed, State};
use crate::plan::{Action, Plan};

/// Ports looked at for one that is free.
const PORTS_TRIED: u16 = 200;

/// A port that a container of the engine publishes.
struct Held {
    port: u16,
    protocol: Protocol,
    owner: String,
}

/// A port that a service is to publish.
struct Wanted<'a> {
    service: &'a str,
    port: &'a Spanned<Port>,
    number: u16,
}

impl Job<'_> {
    /// The error names every port that is taken, who holds it, and another one that is free.
    pub(super) async fn preflight(
        &self,
        plan: &Plan,
        observed: &Observed,
    ) -> Result<(), StackError> {
        let wanted = self.wanted(plan);
        if wanted.is_empty() {
            return Ok(());
        }
        let local = self.stack.engine.is_local();
        // What these containers hold now is free when they are replaced.
        let replaced: Vec<&Container> = observed
            .containers
            .iter()
            .filter(|container| is_replaced(container, plan))
            .collect();
        let held = self.held_by_others(&replaced).await?;
        let own: HashSet<u16> = replaced
            .iter()
            .flat_map(|container| container.ports.iter().map(|published| published.port))
            .collect();
        let mut promised: BTreeSet<u16> = BTreeSet::new();
        for service in self.project.services.values() {
            let fixed = service.ports.iter().filter_map(|port| port.published);
            promised.extend(fixed.map(|(first, _)| first));
        }
        let mut failures = Vec::new();
        for Wanted {
            service,
            port,
            number,
        } in wanted
        {
            let holder = held
                .iter()
                .find(|held| held.port == number && held.protocol == port.protocol);
            let owner = if let Some(held) = holder {
                Some(held.owner.clone())
            } else if !local || own.contains(&number) || is_free(port, number) {
                continue;
            } else {
                self.program_at(number, port.protocol).await
            };
            let after = (number.saturating_add(1)..=u16::MAX).take(PORTS_TRIED.into());
            let free = after
                .filter(|other| !promised.contains(other))
                .filter(|other| !held.iter().any(|held| held.port == *other))
                .find(|other| !local || is_free(port, *other));
            promised.extend(free);
            let address = port
                .host_ip
                .as_ref()
                .map_or_else(String::new, |ip| format!("{ip}:"));
            failures.push(StackError::PortTaken {
                service: service.to_owned(),
                port: format!("{address}{number}/{}", port.protocol.as_str()),
                owner: owner.unwrap_or_else(|| "another program".to_owned()),
                other: Box::new(OtherPort {
                    free,
                    at: port.span.clone(),
                    variable: port.span.variable_for(&number.to_string()),
                    variables: self.variables_of(&port.span),
                }),
            });
        }
        match failures.len() {
            0 | 1 => failures.pop().map_or(Ok(()), Err),
            _ => Err(StackError::Several { failures }),
        }
    }

    /// The ports of services that are to start, where the files say which.
    fn wanted(&self, plan: &Plan) -> Vec<Wanted<'_>> {
        let starting = plan
            .containers
            .iter()
            .filter(|step| !matches!(step.action, Action::Keep { .. }));
        starting
            .filter_map(|step| self.project.services.get(&step.service))
            .flat_map(|service| {
                service.ports.iter().filter_map(|port| {
                    let (number, last) = port.published?;
                    (number == last).then_some(Wanted {
                        service: &service.name,
                        port,
                        number,
                    })
                })
            })
            .collect()
    }

    /// Variables stand beside the first file, for what that says, and in the project's folder.
    fn variables_of(&self, place: &Span) -> PathBuf {
        let beside = place.file().with_file_name(".env");
        let first = self.project.files.first();
        if first.is_some_and(|first| first.with_file_name(".env") == beside) {
            return beside;
        }
        self.project.directory.join(".env")
    }

    /// The program of this machine that holds a port.
    async fn program_at(&self, number: u16, protocol: Protocol) -> Option<String> {
        let owner = Arc::clone(self.options.port_owner.as_ref()?);
        let asked = tokio::task::spawn_blocking(move || owner(number, protocol));
        asked.await.ok()?
    }

    /// The ports of all running containers but those that are about to be replaced.
    async fn held_by_others(&self, replaced: &[&Container]) -> Result<Vec<Held>, StackError> {
        let client = self.stack.engine.client().await?;
        let options = ListContainersOptionsBuilder::default().build();
        let running = client
            .list_containers(Some(options))
            .await
            .map_err(|error| self.stack.engine.failed("listing containers", error))?;
        let mut held = Vec::new();
        for container in running {
            let id = container.id.unwrap_or_default();
            if replaced.iter().any(|replaced| replaced.id == id) {
                continue;
            }
            let names = container.names.unwrap_or_default();
            let name = names
                .first()
                .map_or("", |name| name.trim_start_matches('/'));
            let labels = container.labels.unwrap_or_default();
            let owner = match labels.get(label::PROJECT) {
                Some(project) => format!("the container {name} of the project {project}"),
                None => format!("the container {name}"),
            };
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
                    owner: owner.clone(),
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
