//! How an HTTP request becomes an operation: path, query, body, `Last-Event-ID`.

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequestParts, RawPathParams},
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use nasiko_contract::{ErrorCode, Fault, Operation, OperationInfo};
use serde_json::{Map, Value};

use crate::fields::Fields;

/// Where a stream is taken up again: `Last-Event-ID` fills this field of the request.
const REPLAY_FIELD: &str = "after";
/// `attr.KEY=VALUE` is how a query spells one attribute; they are gathered in this field as `KEY=VALUE,…`.
const ATTRIBUTES_FIELD: &str = "attributes";
const ATTRIBUTE_PREFIX: &str = "attr.";

/// Reads a whole JSON body, up to `limit` bytes.
pub(crate) async fn body(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, Fault> {
    let too_large = || {
        Fault::new(
            ErrorCode::TooLarge,
            format!("The body is larger than {limit} bytes"),
        )
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    to_bytes(body, limit).await.map_err(|error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.is::<http_body_util::LengthLimitError>() {
                return too_large();
            }
            cause = error.source();
        }
        Fault::new(ErrorCode::InvalidRequest, "The body broke off").evidence([error.to_string()])
    })
}

/// The fields of a request. `body` is read for methods that have one; the path wins over it.
pub(crate) async fn all(
    info: &OperationInfo,
    fields: Fields,
    parts: &mut Parts,
    body: &[u8],
) -> Result<Map<String, Value>, Fault> {
    let mut object = if info.method.has_body() {
        object_of(info, body)?
    } else {
        query(fields, parts.uri.query().unwrap_or_default())?
    };
    if fields.has(REPLAY_FIELD)
        && let Some(last) = parts.headers.get("last-event-id")
        && let Ok(last) = last.to_str()
    {
        object.insert(REPLAY_FIELD.to_owned(), fields.read(REPLAY_FIELD, last));
    }
    path(fields, parts, &mut object).await?;
    Ok(object)
}

/// Adds the fields of the path.
pub(crate) async fn path(
    fields: Fields,
    parts: &mut Parts,
    object: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|rejection| {
            Fault::new(ErrorCode::InvalidRequest, "The path is not valid text")
                .evidence([rejection.body_text()])
        })?;
    for (name, text) in &params {
        object.insert(name.to_owned(), fields.read(name, text));
    }
    Ok(())
}

/// The operation made of these fields.
pub(crate) fn build<O: Operation>(object: Map<String, Value>) -> Result<O, Fault> {
    serde_json::from_value(Value::Object(object))
        .map_err(|error| unfit(&O::INFO, &error.to_string()))
}

fn object_of(info: &OperationInfo, body: &[u8]) -> Result<Map<String, Value>, Fault> {
    if body.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(unfit(info, "the body is not a JSON object")),
        Err(error) => Err(unfit(info, &format!("the body is not JSON: {error}"))),
    }
}

fn query(fields: Fields, query: &str) -> Result<Map<String, Value>, Fault> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).map_err(|error| {
        Fault::new(ErrorCode::InvalidRequest, "The query is not form-encoded")
            .evidence([error.to_string()])
    })?;
    let mut object = Map::new();
    let mut attributes = Vec::new();
    for (name, text) in pairs {
        match name.strip_prefix(ATTRIBUTE_PREFIX) {
            Some(key) if fields.has(ATTRIBUTES_FIELD) => attributes.push(format!("{key}={text}")),
            _ if name == ATTRIBUTES_FIELD => attributes.push(text),
            _ => {
                let value = fields.read(&name, &text);
                object.insert(name, value);
            }
        }
    }
    if !attributes.is_empty() {
        object.insert(ATTRIBUTES_FIELD.to_owned(), attributes.join(",").into());
    }
    Ok(object)
}

fn unfit(info: &OperationInfo, why: &str) -> Fault {
    Fault::new(
        ErrorCode::InvalidRequest,
        format!("The request does not fit `{}`", info.name),
    )
    .evidence([why.to_owned()])
    .hint("See /docs for its fields")
}
