//! The OpenAPI 3.1 document, as it is committed in `schemas`. A test makes it anew of the contract and compares, so that
//! the program carries the document instead of the types' schemas.

use std::{io::Read as _, sync::LazyLock};

use axum::response::Response;
use bytes::Bytes;
use flate2::read::GzDecoder;

use crate::answer;

#[cfg(test)]
pub(crate) mod document;

/// Packed by the build script.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/openapi.json.gz"));

/// `GET /api/v1/openapi.json`
pub(crate) async fn answer() -> Response {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
        let mut document = Vec::new();
        // What was packed can be unpacked.
        let _ = GzDecoder::new(PACKED).read_to_end(&mut document);
        document.into()
    });
    answer::json(200, DOCUMENT.clone())
}
