//! Addresses of a card turned to where the agent is really reached.

use reqwest::Url;
use serde_json::Value;

const INTERFACE_LISTS: [&str; 4] = [
    "additionalInterfaces",
    "supportedInterfaces",
    "additional_interfaces",
    "supported_interfaces",
];

/// Turns `url` and the URL of every interface to `public_base` (the address under which the agent's root is reached),
/// keeping the path that the agent serves. Rewriting a rewritten card changes nothing, also when it was rewritten under
/// another name of this machine's loopback. `signatures` go when an address changed: they no longer cover the card.
pub fn rewrite(card: &mut Value, public_base: &str) {
    let Some(object) = card.as_object_mut() else {
        return;
    };
    let mut changed = false;
    if let Some(url) = object.get_mut("url") {
        changed |= rewrite_one(url, public_base);
    }
    for list in INTERFACE_LISTS {
        let entries = object.get_mut(list).and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten() {
            if let Some(url) = entry.get_mut("url") {
                changed |= rewrite_one(url, public_base);
            }
        }
    }
    if changed {
        object.remove("signatures");
    }
}

fn rewrite_one(value: &mut Value, base: &str) -> bool {
    let Some(old) = value.as_str() else {
        return false;
    };
    let new = place(old, base);
    let changed = new != old;
    *value = Value::String(new);
    changed
}

/// The address under `base` that belongs to a declared one, of which only path and query count.
pub(crate) fn place(declared: &str, base: &str) -> String {
    let base = base.trim_end_matches('/');
    format!("{base}{}", path_on_agent(declared, base))
}

/// The path and query that the agent itself serves, always with a leading slash.
fn path_on_agent(url: &str, base: &str) -> String {
    let url = url.trim();
    let relative = url.starts_with('/') && !url.starts_with("//");
    let full = if relative {
        format!("http://agent.invalid{url}")
    } else {
        url.to_owned()
    };
    let Some(parsed) = Url::parse(&full)
        .ok()
        .filter(|parsed| matches!(parsed.scheme(), "http" | "https"))
    else {
        return "/".to_owned();
    };
    let mut path = parsed.path().to_owned();
    if let Ok(public) = Url::parse(base)
        && same_origin(&parsed, &public)
        && let Some(rest) = strip_segments(&path, public.path())
    {
        path = rest;
    }
    match parsed.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// `path` below `prefix`, compared by whole segments; `None` when it is not below.
fn strip_segments(path: &str, prefix: &str) -> Option<String> {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
    match rest.chars().next() {
        None => Some("/".to_owned()),
        Some('/') => Some(rest.to_owned()),
        Some(_) => None,
    }
}

fn same_origin(left: &Url, right: &Url) -> bool {
    left.scheme() == right.scheme()
        && left.port_or_known_default() == right.port_or_known_default()
        && (left.host() == right.host() || (is_loopback(left) && is_loopback(right)))
}

fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}
