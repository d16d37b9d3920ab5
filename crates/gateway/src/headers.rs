//! Headers on their way through: what concerns one hop stays on that hop.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Removes what RFC 9110 §7.6.1 says a proxy must not pass on, including what `Connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Removes the cookie of the API's session: an agent must not get hold of it.
pub(crate) fn strip_session(headers: &mut HeaderMap) {
    let is_session = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        name == nasiko_contract::SESSION_COOKIE
    };
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    if !lines
        .flat_map(|line| line.split(';'))
        .any(|pair| is_session(&pair))
    {
        return;
    }
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let kept: Vec<&str> = lines
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|pair| !is_session(pair))
        .collect();
    let line = HeaderValue::try_from(kept.join("; "))
        .ok()
        .filter(|_| !kept.is_empty());
    headers.remove(header::COOKIE);
    headers.extend(line.map(|line| (header::COOKIE, line)));
}

/// The protocol the caller wants to change to, if it asks for that.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
        });
    // HTTP/2 is for one hop too; a connection of that kind could not be watched.
    let wanted = headers
        .get(header::UPGRADE)
        .filter(|protocol| !protocol.as_bytes().eq_ignore_ascii_case(b"h2c"));
    if asked { wanted.cloned() } else { None }
}

/// Tells the upstream who called, under which name, and below which prefix.
pub(crate) fn add_forwarded(
    headers: &mut HeaderMap,
    peer: IpAddr,
    host: Option<&HeaderValue>,
    prefix: &str,
) {
    let peer = peer.to_canonical().to_string();
    let chain = match headers
        .get(FORWARDED_FOR)
        .and_then(|earlier| earlier.to_str().ok())
    {
        Some(earlier) => format!("{earlier}, {peer}"),
        None => peer,
    };
    if let Ok(chain) = HeaderValue::try_from(chain) {
        headers.insert(FORWARDED_FOR, chain);
    }
    if let Some(host) = host {
        headers.insert(FORWARDED_HOST, host.clone());
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    if let Ok(prefix) = HeaderValue::try_from(prefix) {
        headers.insert(FORWARDED_PREFIX, prefix);
    }
}

/// Turns a redirection to the upstream's own address, or to a path of it, to where the caller reaches that. `public` is
/// the agent's path at the gateway.
pub(crate) fn turn_location(
    headers: &mut HeaderMap,
    upstream: &HeaderValue,
    base_path: &str,
    public: &str,
) {
    let Some(location) = headers
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok())
    else {
        return;
    };
    let own = location
        .strip_prefix("http://")
        .zip(upstream.to_str().ok())
        .and_then(|(rest, host)| rest.strip_prefix(host))
        .filter(|path| path.is_empty() || path.starts_with(['/', '?', '#']));
    let path = match own {
        Some(path) => path,
        None if location.starts_with('/') && !location.starts_with("//") => location,
        None => return,
    };
    let below = |prefix: &str| {
        path.strip_prefix(prefix)
            .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
    };
    // An upstream that minds `X-Forwarded-Prefix` has done it already.
    if own.is_none() && below(public).is_some() {
        return;
    }
    if let Ok(turned) =
        HeaderValue::try_from(format!("{public}{}", below(base_path).unwrap_or(path)))
    {
        headers.insert(header::LOCATION, turned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(location: &str, base_path: &str, expected: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        turn_location(
            &mut headers,
            &HeaderValue::from_static("127.0.0.1:4000"),
            base_path,
            "/greeter",
        );
        assert_eq!(headers[header::LOCATION], expected, "{location}");
    }

    #[test]
    fn redirections_stay_behind_the_gateway() {
        check("/a2a/", "", "/greeter/a2a/");
        check("http://127.0.0.1:4000/a2a/?x=1", "", "/greeter/a2a/?x=1");
        check("http://127.0.0.1:4000", "", "/greeter");
        check("/deep/rpc", "/deep", "/greeter/rpc");
        check("/deeper/rpc", "/deep", "/greeter/deeper/rpc");
        check("/greeter/a2a/", "", "/greeter/a2a/");
        check("a2a/", "", "a2a/");
        check("//example.com/", "", "//example.com/");
        check("http://127.0.0.1:40001/", "", "http://127.0.0.1:40001/");
        check("https://example.com/login", "", "https://example.com/login");
    }

    #[test]
    fn only_the_session_of_the_api_is_taken_out() {
        for (sent, kept) in [
            ("a=1; nasiko_session=s; b=2", Some("a=1; b=2")),
            ("nasiko_session=s", None),
            ("a=nasiko_session; b", Some("a=nasiko_session; b")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(sent));
            strip_session(&mut headers);
            let left = headers
                .get(header::COOKIE)
                .and_then(|line| line.to_str().ok());
            assert_eq!(left, kept, "of {sent}");
        }
    }
}
