//! The web UI, embedded in the program, and the two pages that stand in for it.

use std::{borrow::Cow, io::Read as _};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use brotli_decompressor::Decompressor;
use nasiko_control::api::Caller;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::answer;

/// Scripts of our own and compiled ones; nothing from elsewhere, in no frame.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self'; font-src 'self'; connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'";
/// A file named after its content never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Ask each time; the tag answers.
const ASK: &str = "no-cache";
const INDEX: &str = "index.html";
/// The ending of a file that stands packed, with Brotli, in place of or beside the plain one.
const PACKED: &str = "br";
/// The most that a packed file may become, in bytes.
const LARGEST: u64 = 32 << 20;
const UNPACKING_STEP: usize = 64 << 10;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
// Browsers take it packed; it would be most of what is embedded.
#[exclude = "*.wasm"]
#[allow_missing = true]
struct Ui;

#[derive(RustEmbed)]
#[folder = "assets"]
pub(crate) struct Pages;

/// Whatever is not an operation: a file of the UI, else the UI itself, whose pages are addresses too.
pub(crate) async fn page(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return answer::no_such_operation().await.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return answer::method_not_allowed().await;
    }
    if path != INDEX
        && let Some(response) = file::<Ui>(path, request.headers())
    {
        return response;
    }
    if request.extensions().get::<Caller>().is_none() {
        return gate(StatusCode::UNAUTHORIZED);
    }
    file::<Ui>(INDEX, request.headers()).unwrap_or_else(|| own("unbuilt.html", StatusCode::OK))
}

/// The page for a visitor without a session: how to get one.
pub(crate) fn gate(status: StatusCode) -> Response {
    own("gate.html", status)
}

fn own(name: &str, status: StatusCode) -> Response {
    let mut response = file::<Pages>(name, &HeaderMap::new())
        .unwrap_or_else(|| StatusCode::NOT_FOUND.into_response());
    *response.status_mut() = status;
    response
}

/// An embedded file as an answer: packed where the asker takes it so, else plain, unpacked if it has to be. Browsers take
/// Brotli over TLS and from loopback.
pub(crate) fn file<F: RustEmbed>(path: &str, headers: &HeaderMap) -> Option<Response> {
    let kind = kind_of(path)?;
    let packed = || F::get(&format!("{path}.{PACKED}"));
    let (file, is_packed) = match accepts_packed(headers).then(packed).flatten() {
        Some(file) => (file, true),
        None => (F::get(path).or_else(|| unpacked(packed()?))?, false),
    };
    let EmbeddedFile { data, metadata } = file;
    let hash = blake3::Hash::from_bytes(metadata.sha256_hash()).to_hex();
    let coding = if is_packed { PACKED } else { "plain" };
    let tag = format!("\"{}-{coding}\"", hash.get(..24).unwrap_or_default());
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(match data {
            Cow::Borrowed(bytes) => Body::from(bytes),
            Cow::Owned(bytes) => Body::from(bytes),
        })
    };
    let answered = response.headers_mut();
    answered.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answered.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    answered.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    let caching = if is_named_by_content(path) {
        FOREVER
    } else {
        ASK
    };
    answered.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        answered.insert(header::ETAG, tag);
    }
    if is_packed {
        answered.insert(header::CONTENT_ENCODING, HeaderValue::from_static(PACKED));
    }
    Some(response)
}

fn unpacked(packed: EmbeddedFile) -> Option<EmbeddedFile> {
    let mut plain = Vec::new();
    Decompressor::new(&*packed.data, UNPACKING_STEP)
        .take(LARGEST)
        .read_to_end(&mut plain)
        .ok()?;
    Some(EmbeddedFile {
        data: plain.into(),
        ..packed
    })
}

/// The media type; nothing for a file that is not meant for a browser.
fn kind_of(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" | "webmanifest" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

fn accepts_packed(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|accepted| accepted.split(';').next() == Some(PACKED) && !accepted.ends_with("q=0"))
}

/// `name-0123456789abcdef.js`: a run of 16 or more hex digits before the extension.
fn is_named_by_content(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.split_once('.')
        .and_then(|(stem, _)| stem.rsplit_once('-'))
        .is_some_and(|(_, hash)| {
            hash.len() >= 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}
