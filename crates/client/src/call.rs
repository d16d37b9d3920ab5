//! An operation, taken apart into what travels: path, query, body.

use nasiko_contract::{API_PREFIX, ErrorCode, Fault, Operation, OperationInfo};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

/// Everything but the unreserved characters of RFC 3986 is escaped in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A call, ready to travel.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which operation.
    pub info: &'static OperationInfo,
    /// Path and query, from [`API_PREFIX`] on.
    pub target: String,
    /// The JSON body, for methods that have one.
    pub body: Option<Value>,
}

impl Call {
    /// Takes `operation` apart: fields named in the path go there, the others into the query or the body.
    pub fn new<O: Operation>(operation: &O) -> Result<Self, Fault> {
        Self::of(&O::INFO, serde_json::to_value(operation))
    }

    /// Not generic, since the web UI would carry a copy for each operation.
    fn of(
        info: &'static OperationInfo,
        operation: serde_json::Result<Value>,
    ) -> Result<Self, Fault> {
        let Value::Object(mut fields) = operation.map_err(|error| unfit(error.to_string()))? else {
            return Err(unfit(format!("{} is not made of fields", info.name)));
        };
        let mut target = API_PREFIX.to_owned();
        for segment in info.path.split('/').skip(1) {
            target.push('/');
            match segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(field) => {
                    let value = fields
                        .remove(field)
                        .and_then(|value| plain(&value))
                        .unwrap_or_default();
                    if value.is_empty() || value == "." || value == ".." {
                        return Err(unfit(format!("`{field}` must not be empty")));
                    }
                    target.extend(utf8_percent_encode(&value, SEGMENT));
                }
                None => target.push_str(segment),
            }
        }
        if info.method.has_body() {
            return Ok(Self {
                info,
                target,
                body: Some(Value::Object(fields)),
            });
        }
        let query = query_of(&fields)?;
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        Ok(Self {
            info,
            target,
            body: None,
        })
    }
}

fn unfit(why: String) -> Fault {
    Fault::new(ErrorCode::InvalidRequest, why)
}

fn query_of(fields: &Map<String, Value>) -> Result<String, Fault> {
    let pairs: Vec<(&str, String)> = fields
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), plain(value)?)))
        .collect();
    serde_urlencoded::to_string(pairs)
        .map_err(|error| Fault::new(ErrorCode::InvalidRequest, error.to_string()))
}

/// A scalar as it stands in a path or query; nothing for `null`.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
