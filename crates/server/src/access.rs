//! The ways in: a token, or a browser's session; and who is kept out before either is looked at.
//!
//! The API listens on loopback, where any page of any site can send requests to it. So a request must name us as its
//! host (a rebound DNS name does not), and a page that calls must be ours.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use blake3::Hash;
use nasiko_contract::{ErrorCode, Fault, SESSION_COOKIE};
use nasiko_control::{api::Caller, browser_codes::BrowserCodes};
use serde::Deserialize;

use crate::{answer::Failure, sessions::Sessions, web};

/// Who comes in, and how. Tokens are held as hashes, which are compared in constant time.
#[derive(Debug)]
pub struct Access {
    tokens: Vec<(Hash, Caller)>,
    hosts: Vec<String>,
    codes: BrowserCodes,
    sessions: Sessions,
}

impl Access {
    /// Access to a server on `port` of loopback for the owner, who holds `token`.
    pub fn loopback(port: u16, token: &str, codes: BrowserCodes) -> Self {
        let names = ["127.0.0.1", "localhost", "[::1]"];
        let mut hosts: Vec<String> = names.iter().map(|name| format!("{name}:{port}")).collect();
        if port == 80 {
            hosts.extend(names.map(str::to_owned));
        }
        Self {
            tokens: Vec::new(),
            hosts,
            codes,
            sessions: Sessions::default(),
        }
        .with_token(token, Caller::owner())
    }

    /// Lets `caller` in with a token of its own.
    #[must_use]
    pub fn with_token(mut self, token: &str, caller: Caller) -> Self {
        self.tokens.push((blake3::hash(token.as_bytes()), caller));
        self
    }

    /// The caller of a request, by its token, else by its session.
    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        if let Some(given) = headers.get(header::AUTHORIZATION) {
            let (scheme, token) = given.to_str().ok()?.split_once(' ')?;
            let hash = blake3::hash(token.trim().as_bytes());
            return self
                .tokens
                .iter()
                .filter(|_| scheme.eq_ignore_ascii_case("bearer"))
                .find(|(known, _)| *known == hash)
                .map(|(_, caller)| caller.clone());
        }
        session_cookies(headers)
            .any(|secret| self.sessions.knows(secret))
            .then(Caller::owner)
    }

    fn is_our_host(&self, host: &str) -> bool {
        self.hosts
            .iter()
            .any(|ours| ours.eq_ignore_ascii_case(host))
    }
}

/// Refuses a foreign `Host`, a foreign `Origin`, and what another site's page makes a browser fetch.
pub(crate) async fn keep_out_foreigners(
    State(access): State<Arc<Access>>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(fault) = is_ours(&access, request.uri(), request.headers()) {
        return Failure(fault).into_response();
    }
    next.run(request).await
}

fn is_ours(access: &Access, uri: &Uri, headers: &HeaderMap) -> Result<(), Fault> {
    let foreign = |what: &str| {
        Err(Fault::new(ErrorCode::ForeignOrigin, what)
            .hint("Call it by a loopback name, and from its own pages"))
    };
    // HTTP/2 has the host in the address.
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok()),
    };
    if !host.is_some_and(|host| access.is_our_host(host)) {
        return foreign("The request names a host that is not ours");
    }
    if let Some(origin) = headers.get(header::ORIGIN) {
        let ours = origin
            .to_str()
            .ok()
            .and_then(|origin| origin.strip_prefix("http://"))
            .is_some_and(|host| access.is_our_host(host));
        if !ours {
            return foreign("The request comes from a page that is not ours");
        }
    }
    // A port of this machine is another origin but the same site, and gets our cookie: only this header tells.
    let fetched_by = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let navigates = headers.get("sec-fetch-mode").map(HeaderValue::as_bytes) == Some(b"navigate");
    if !navigates && !matches!(fetched_by, None | Some(b"same-origin" | b"none")) {
        return foreign("The request comes from a page that is not ours");
    }
    Ok(())
}

/// Lets nobody pass without a token or a session; the caller goes along with the request.
pub(crate) async fn authenticate(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(caller) = access.caller(request.headers()) else {
        return Failure(
            Fault::new(ErrorCode::Unauthenticated, "A token is needed").hint(
                "Send `Authorization: Bearer …` with the token of the data directory's endpoint.json, or open the web \
                 UI with `nasiko open`",
            ),
        )
        .into_response();
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Notes who visits a page; a page decides for itself what a stranger sees.
pub(crate) async fn know_visitor(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(caller) = access.caller(request.headers()) {
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    code: String,
}

/// `GET /enter?code=…`: a code becomes a session, and the web UI opens.
pub(crate) fn enter_route<S: Clone + Send + Sync + 'static>(access: Arc<Access>) -> Router<S> {
    Router::new().route("/enter", get(enter)).with_state(access)
}

async fn enter(State(access): State<Arc<Access>>, Query(entry): Query<Entry>) -> Response {
    if !access.codes.redeem(&entry.code) {
        return web::gate(StatusCode::FORBIDDEN);
    }
    let secret = access.sessions.open();
    let cookie = format!("{SESSION_COOKIE}={secret}; HttpOnly; SameSite=Strict; Path=/");
    (
        StatusCode::SEE_OTHER,
        [
            (header::LOCATION, "/".to_owned()),
            (header::SET_COOKIE, cookie),
        ],
    )
        .into_response()
}

/// Every cookie of our name: several programs on this machine share the jar.
fn session_cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, secret)| secret)
}
