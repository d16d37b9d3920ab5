//! Ports: `[[address:]host:]container[/protocol]`, ranges of them, and the long form.

use crate::compose::at::At;
use crate::compose::model::{Port, Protocol};
use crate::compose::span::Spanned;
use crate::compose::yaml::Node;

const LEVEL: &str = "services.*.ports";
const FORM: &str = "write [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL], e.g. \"127.0.0.1:8080:80\"";

/// All ports of one entry.
pub(super) fn read(at: &At<'_>) -> Vec<Spanned<Port>> {
    let ports = if at.node.as_mapping().is_some() {
        long(at).map(|port| vec![port])
    } else {
        at.any_text().and_then(|text| {
            short(&text).or_else(|| at.invalid(format!("`{text}` is no port"), FORM))
        })
    };
    let ports = ports.unwrap_or_default();
    ports.into_iter().map(|port| at.spanned(port)).collect()
}

/// What makes two entries the same port, so that the later one counts.
pub(in crate::compose) fn identity(item: &Node) -> Option<String> {
    if item.as_mapping().is_none() {
        let text = item.as_text()?;
        let protocol = if text.contains('/') { "" } else { "/tcp" };
        return Some(format!("{text}{protocol}"));
    }
    let field = |key: &str| item.get(key).and_then(Node::as_text);
    let before = |key: &str| field(key).map_or_else(String::new, |text| format!("{text}:"));
    Some(format!(
        "{}{}{}/{}",
        before("host_ip"),
        before("published"),
        field("target")?,
        field("protocol").unwrap_or("tcp")
    ))
}

fn long(at: &At<'_>) -> Option<Port> {
    let fields = at.fields(LEVEL)?;
    let target = fields.required("target")?.number("a port")?;
    let published = match fields.get("published") {
        Some(at) => {
            let text = at.any_text()?;
            let range = range(&text);
            Some(range.or_else(|| at.invalid(format!("`{text}` is no port"), FORM))?)
        }
        None => None,
    };
    let protocol = match fields.get("protocol") {
        Some(at) => protocol(&at.text()?).or_else(|| at.invalid("no such protocol", PROTOCOLS))?,
        None => Protocol::Tcp,
    };
    if let Some(mode) = fields.get("mode") {
        let text = mode.text()?;
        // With one engine the two are the same.
        if !["host", "ingress"].contains(&text.as_str()) {
            return mode.invalid(format!("`{text}` is no mode"), "host or ingress");
        }
    }
    // For people and other tools: the engine has no use for them.
    for key in ["name", "app_protocol"] {
        if let Some(at) = fields.get(key) {
            at.text()?;
        }
    }
    Some(Port {
        target,
        published: published.filter(|range| *range != (0, 0)),
        host_ip: fields.text("host_ip"),
        protocol,
    })
}

const PROTOCOLS: &str = "tcp, udp or sctp";

fn protocol(text: &str) -> Option<Protocol> {
    match text {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        "sctp" => Some(Protocol::Sctp),
        _ => None,
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = (first.parse().ok()?, last.parse().ok()?);
    (range.0 <= range.1).then_some(range)
}

fn short(text: &str) -> Option<Vec<Port>> {
    let (rest, protocol) = match text.split_once('/') {
        Some((rest, name)) => (rest, protocol(name)?),
        None => (text, Protocol::Tcp),
    };
    let (host, container) = match rest.rsplit_once(':') {
        Some((host, container)) => (Some(host), container),
        None => (None, rest),
    };
    let (host_ip, published) = match host {
        None => (None, None),
        // An address of IP version 6 has colons of its own and stands in brackets.
        Some(host) => match host.rsplit_once(':') {
            Some((ip, port)) => (Some(address(ip)?), Some(port)),
            None => (None, Some(host)),
        },
    };
    let published = match published {
        None | Some("" | "0") => None,
        Some(text) => Some(range(text)?),
    };
    let (first, last) = range(container)?;
    if first == 0 {
        return None;
    }
    let width = last - first;
    let ports = (0..=width).map(|offset| {
        let published = match published {
            // A range for one port is a choice; for a range it is one each.
            Some((low, high)) if width == 0 => Some((low, high)),
            Some((low, _)) => Some((low + offset, low + offset)),
            None => None,
        };
        Port {
            target: first + offset,
            published,
            host_ip: host_ip.clone(),
            protocol,
        }
    });
    let fits = published.is_none_or(|(low, high)| width == 0 || high - low == width);
    fits.then(|| ports.collect())
}

fn address(text: &str) -> Option<String> {
    let text = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address: std::net::IpAddr = text.parse().ok()?;
    Some(address.to_string())
}
