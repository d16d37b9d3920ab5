//! Who may come in, and which agent a path names.

use http::{HeaderMap, Uri, header};
use secrecy::{ExposeSecret, SecretString};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{Credentials, error::GatewayError, record::Caller};

/// What a listener lets in.
#[derive(Debug, Clone)]
pub enum Exposure {
    /// Programs on this machine. The `Host` must be a loopback name (a page that had its name rebound to 127.0.0.1 is
    /// refused) and an `Origin`, if any, a loopback one.
    Loopback,
    /// Containers of ours. Each request carries its agent's credential: as `Authorization: Bearer`, as the password of
    /// `Authorization: Basic`, or as a path prefix `/via/<token>`, which any HTTP client can use as its base URL.
    Network {
        /// Who holds which token.
        credentials: Credentials,
    },
}

/// A request that may come in.
pub(crate) struct Admission<'request> {
    pub(crate) caller: Caller,
    pub(crate) place: Place<'request>,
    /// The credential was in `Authorization`, which is therefore ours and goes no further.
    pub(crate) spent_authorization: bool,
    /// The `/via/<token>` that the caller must put before every address we give it; empty without one.
    pub(crate) prefix: SecretString,
}

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place<'path> {
    /// An agent, and the path below it (empty or beginning with a slash).
    Agent { name: &'path str, rest: &'path str },
    /// The telemetry intake: `/v1/traces` and so on.
    Otlp { path: &'path str },
}

impl Exposure {
    /// Lets a request in or says why not.
    pub(crate) fn admit<'uri>(
        &self,
        headers: &HeaderMap,
        uri: &'uri Uri,
    ) -> Result<Admission<'uri>, GatewayError> {
        match self {
            Self::Loopback => {
                check_loopback(headers, uri)?;
                let place = agent_of(uri.path())?;
                Ok(Admission {
                    caller: Caller::Loopback,
                    place,
                    spent_authorization: false,
                    prefix: String::new().into(),
                })
            }
            Self::Network { credentials } => {
                let via = uri
                    .path()
                    .strip_prefix("/via/")
                    .map(|rest| rest.split_at(rest.find('/').unwrap_or(rest.len())));
                let (token, path) = match via {
                    Some((token, path)) => (Some(SecretString::from(token)), path),
                    None => (presented(headers), uri.path()),
                };
                let holder = token
                    .as_ref()
                    .and_then(|token| credentials.holder(token.expose_secret()));
                let (Some(token), Some(agent)) = (token, holder) else {
                    return Err(GatewayError::Unauthenticated);
                };
                let place = match path.strip_prefix("/otlp") {
                    Some(path) if path.starts_with("/v1/") => Place::Otlp { path },
                    _ => agent_of(path)?,
                };
                let prefix = if via.is_some() {
                    format!("/via/{}", token.expose_secret())
                } else {
                    String::new()
                };
                Ok(Admission {
                    caller: Caller::Agent(agent),
                    place,
                    spent_authorization: via.is_none(),
                    prefix: prefix.into(),
                })
            }
        }
    }
}

/// Refuses what a page of another site could have sent: a foreign `Host` (DNS rebinding) or a foreign `Origin`.
pub(crate) fn check_loopback(headers: &HeaderMap, uri: &Uri) -> Result<(), GatewayError> {
    let host = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default(),
    };
    if !is_loopback(host) {
        return Err(GatewayError::ForeignHost { host: host.into() });
    }
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let foreign = || GatewayError::ForeignOrigin {
        origin: origin.into(),
    };
    let (_, host) = origin.split_once("://").ok_or_else(foreign)?;
    if is_loopback(host) {
        Ok(())
    } else {
        Err(foreign())
    }
}

/// Whether `host[:port]` can only mean this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, _)) => {
                return host
                    .parse()
                    .is_ok_and(|ip: std::net::Ipv6Addr| ip.is_loopback());
            }
            None => return false,
        },
        None => authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host),
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse()
            .is_ok_and(|ip: std::net::Ipv4Addr| ip.is_loopback())
}

/// The token in `Authorization`, bare or as the password of a user of any name.
fn presented(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(credential.trim().into());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = String::from_utf8(BASE64_STANDARD.decode(credential.trim()).ok()?).ok()?;
        return decoded.split_once(':').map(|(_, password)| password.into());
    }
    None
}

/// `/<agent>/<path>` or `/agents/<agent>/<path>`.
fn agent_of(path: &str) -> Result<Place<'_>, GatewayError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_prefix("agents/").unwrap_or(path);
    let (name, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    if name.is_empty() {
        Err(GatewayError::NoAgent)
    } else {
        Ok(Place::Agent { name, rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in [
            "localhost",
            "LOCALHOST:9100",
            "127.0.0.1:1",
            "127.8.9.1",
            "[::1]:80",
            "greeter.localhost:9100",
            "localhost.",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "10.0.0.1:80",
            "[::2]",
            "[::1",
            "notlocalhost",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn paths_name_agents_with_and_without_the_long_prefix() {
        let check = |path, name, rest| {
            assert_eq!(
                agent_of(path).unwrap(),
                Place::Agent { name, rest },
                "{path}"
            );
        };
        check("/greeter", "greeter", "");
        check("/greeter/", "greeter", "/");
        check("/greeter/a/b", "greeter", "/a/b");
        check("/agents/greeter/a", "greeter", "/a");
        check("/agents/agents/a", "agents", "/a");
        check("/agents", "agents", "");
        assert!(agent_of("/").is_err());
        assert!(agent_of("//x").is_err());
    }
}
