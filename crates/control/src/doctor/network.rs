//! Proxies, names, ports.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use nasiko_contract::CheckGroup;

use super::{
    finding::{Finding, Spec},
    redact,
    surroundings::Surroundings,
};

pub(super) const PROXY: Spec = Spec {
    id: "network.proxy",
    title: "Proxy",
    group: CheckGroup::Network,
};
pub(super) const LOCALHOST: Spec = Spec {
    id: "network.localhost",
    title: "The name localhost",
    group: CheckGroup::Network,
};
pub(super) const RESOLVER: Spec = Spec {
    id: "network.resolver",
    title: "Names of other machines",
    group: CheckGroup::Network,
};
pub(super) const CONTAINER_NAMES: Spec = Spec {
    id: "network.container-names",
    title: "Names within containers",
    group: CheckGroup::Network,
};
pub(super) const PORTS: Spec = Spec {
    id: "network.ports",
    title: "Ports",
    group: CheckGroup::Network,
};

const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
];
/// Where systemd keeps the name servers that are behind its own.
const BEHIND_RESOLVED: &str = "/run/systemd/resolve/resolv.conf";

/// A proxy cannot reach what listens on this machine's loopback.
pub(super) fn proxy(surroundings: &Surroundings) -> Finding {
    let said = |name: &&str| {
        let value = surroundings.variable(name)?.to_string_lossy().into_owned();
        Some(format!("{name}={}", redact::without_credentials(&value)))
    };
    let proxies: Vec<String> = PROXIES.iter().filter_map(said).collect();
    if proxies.is_empty() {
        return Finding::ok("No proxy is set");
    }
    let exceptions = ["NO_PROXY", "no_proxy"]
        .iter()
        .filter_map(|name| surroundings.variable(name)?.to_str())
        .flat_map(|value| value.split(','))
        .map(|entry| entry.trim().to_ascii_lowercase());
    let exceptions: Vec<String> = exceptions.filter(|entry| !entry.is_empty()).collect();
    let excepts = |wanted: &[&str]| {
        exceptions
            .iter()
            .any(|entry| entry == "*" || wanted.contains(&entry.as_str()))
    };
    let missing: Vec<&str> = [
        (&["localhost", ".localhost"][..], "localhost"),
        (&["127.0.0.1", "127.0.0.0/8"][..], "127.0.0.1"),
    ]
    .into_iter()
    .filter(|(wanted, _)| !excepts(wanted))
    .map(|(_, name)| name)
    .collect();
    if missing.is_empty() {
        return Finding::ok("A proxy is set, and this machine is excepted from it")
            .evidence(proxies);
    }
    let all: Vec<&str> = exceptions
        .iter()
        .map(String::as_str)
        .chain(missing.iter().copied())
        .collect();
    Finding::warning(format!(
        "A proxy is set, and {} not excepted from it: programs ask the proxy for what runs here",
        match missing.as_slice() {
            [one] => format!("{one} is"),
            several => format!("{} are", several.join(" and ")),
        }
    ))
    .evidence(proxies)
    .evidence([format!("NO_PROXY={}", exceptions.join(","))])
    .hint("Except this machine where the proxy is set, and start the control plane anew")
    .command(format!("export NO_PROXY={}", all.join(",")))
}

pub(super) async fn localhost() -> Finding {
    let found: Vec<IpAddr> = match tokio::net::lookup_host(("localhost", 0)).await {
        Ok(addresses) => addresses.map(|address| address.ip()).collect(),
        Err(error) => {
            return Finding::failed(
                "The name localhost is not known: agents and tools that use it fail",
            )
            .evidence([error.to_string()])
            .hint("Add `127.0.0.1 localhost` to the hosts file")
            .command("echo '127.0.0.1 localhost' | sudo tee -a /etc/hosts");
        }
    };
    let strangers = found.iter().filter(|address| !address.is_loopback());
    let strangers: Vec<String> = strangers.map(ToString::to_string).collect();
    if !strangers.is_empty() {
        return Finding::failed("The name localhost leads to another machine")
            .evidence(strangers)
            .hint("Let the hosts file say `127.0.0.1 localhost`, and nothing else for that name");
    }
    let is_v4 = |address: &IpAddr| *address == Ipv4Addr::LOCALHOST;
    if !found.iter().any(is_v4) {
        return Finding::warning(
            "The name localhost leads to ::1 alone: what listens on 127.0.0.1 is not found by it",
        )
        .hint("Add `127.0.0.1 localhost` to the hosts file")
        .command("echo '127.0.0.1 localhost' | sudo tee -a /etc/hosts");
    }
    Finding::ok("localhost is this machine")
}

/// The name servers of a `resolv.conf`.
fn name_servers(text: &str) -> Vec<&str> {
    let servers = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver"));
    servers
        .map(str::trim)
        .filter(|server| !server.is_empty())
        .collect()
}

pub(super) fn resolver(surroundings: &Surroundings) -> Finding {
    if !cfg!(target_os = "linux") {
        return Finding::skipped("It is not looked at on this system");
    }
    let Some(text) = surroundings.system_text("/etc/resolv.conf") else {
        return Finding::warning("No name server is known: packages and images cannot be fetched")
            .evidence(["/etc/resolv.conf is not there"])
            .hint("Connect to a network, or write its name server into /etc/resolv.conf");
    };
    let servers = name_servers(&text);
    if servers.is_empty() {
        return Finding::warning("No name server is known: packages and images cannot be fetched")
            .evidence(["/etc/resolv.conf names no server"])
            .hint("Connect to a network, or write its name server into /etc/resolv.conf");
    }
    Finding::ok(format!("Asked for at {}", servers.join(", ")))
}

/// Engines give containers this machine's name servers, but for those on its loopback, which containers do not reach.
pub(super) fn container_names(surroundings: &Surroundings) -> Finding {
    let text = surroundings.system_text("/etc/resolv.conf");
    let servers = text.as_deref().map(name_servers).unwrap_or_default();
    let is_here = |server: &&str| {
        let address = server.split('%').next().unwrap_or_default();
        address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    };
    if servers.is_empty() || !servers.iter().all(is_here) {
        return Finding::ok("Containers are given name servers that they reach");
    }
    let behind = surroundings
        .system_text(BEHIND_RESOLVED)
        .unwrap_or_default();
    if name_servers(&behind).iter().any(|server| !is_here(server)) {
        return Finding::ok("Containers are given the name servers behind systemd-resolved");
    }
    Finding::warning(
        "The only name server is on this machine's loopback, where containers do not reach it: they ask 8.8.8.8 instead, which knows no private names",
    )
    .evidence(servers)
    .hint("Name a server that containers reach in /etc/docker/daemon.json, and restart the engine")
    .command(r#"echo '{"dns": ["<address of your name server>"]}' | sudo tee /etc/docker/daemon.json"#)
}

/// Ports that something else holds.
pub(super) fn ports(surroundings: &Surroundings) -> Finding {
    if !surroundings.notices.is_empty() {
        return Finding::warning("Usual ports were taken, and others are used instead")
            .evidence(surroundings.notices.iter().cloned())
            .hint("Nothing needs to be done; to have the usual ports, end those programs and start the control plane anew");
    }
    if surroundings.ports.is_empty() {
        return Finding::ok("The control plane has its usual ports");
    }
    let mut taken = Vec::new();
    let mut wanted_by_name = false;
    for port in &surroundings.ports {
        let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number)) else {
            continue;
        };
        let holder = match (error.kind(), nasiko_runtime::port_owner(port.number)) {
            (_, Some(owner)) => format!("held by {owner}"),
            (std::io::ErrorKind::AddrInUse, None) => "held by another program".to_owned(),
            (_, None) => error.to_string(),
        };
        wanted_by_name |= port.explicit;
        taken.push(format!(
            "port {} for {}: {holder}",
            port.number, port.purpose
        ));
    }
    if taken.is_empty() {
        return Finding::ok("All ports are free");
    }
    Finding::failed_if(
        wanted_by_name,
        if wanted_by_name {
            "Ports that were asked for are taken: the control plane does not start"
        } else {
            "Usual ports are taken: the control plane will use others"
        },
    )
    .evidence(taken)
    .hint("End those programs, or give other ports (0 for any free one)")
    .command("nasiko serve --api-port 0 --gateway-port 0 --admin-port 0 --otlp-grpc-port 0 --otlp-http-port 0")
}
