//! One request to a viewer, and what its answer means: OTLP over HTTP as the specification has it.

use std::{
    io::Write as _,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use reqwest::{Client, Response, StatusCode, header, redirect};

use crate::{
    ForwardLimits, Span, TelemetryError,
    otlp::{FORWARDED, RpcStatus, encode},
};

/// Characters kept of what a viewer says.
const MOST_WORDS: usize = 200;

/// What a viewer made of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It took it, but for some spans.
    Taken {
        /// How many it refused.
        rejected: u64,
        /// Its words about it.
        words: Option<String>,
    },
    /// It will never take it.
    Refused {
        /// Why.
        why: String,
    },
    /// It may take it later.
    Later {
        /// Why not now.
        why: String,
        /// How long it asked to wait.
        wait: Option<Duration>,
        /// It answered; otherwise it could not be reached, or broke off.
        answered: bool,
    },
}

/// The way to viewers.
pub(super) struct Viewer {
    http: Client,
    longest_asked_wait: Duration,
    answer_bytes: usize,
}

impl Viewer {
    pub(super) fn new(limits: &ForwardLimits) -> Result<Self, TelemetryError> {
        let http = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .user_agent(concat!("nasiko/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect_timeout)
            .timeout(limits.request_timeout)
            // A connection kept open would have to be looked after while nothing is sent.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| TelemetryError::Forward {
                reason: cause(&error),
            })?;
        Ok(Self {
            http,
            longest_asked_wait: limits.longest_asked_wait,
            answer_bytes: limits.answer_bytes,
        })
    }

    /// Sends a packed batch of `spans` spans to the viewer with this base URL.
    pub(super) async fn send(&self, base: &str, body: Bytes, spans: u64) -> Answer {
        let request = self
            .http
            .post(format!("{}/v1/traces", base.trim_end_matches('/')))
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::CONTENT_ENCODING, "gzip")
            .header(FORWARDED, "1")
            .body(body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                let why = if error.is_connect() {
                    format!("it cannot be reached: {}", cause(&error))
                } else if error.is_timeout() {
                    "it does not answer in time".to_owned()
                } else {
                    format!("it broke off: {}", cause(&error))
                };
                return Answer::Later {
                    why,
                    wait: None,
                    answered: false,
                };
            }
        };
        let status = response.status();
        let wait = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| asked_wait(value, SystemTime::now()))
            .map(|wait| wait.min(self.longest_asked_wait));
        let body = self.read(response).await;
        if status.is_success() {
            return taken(&body, spans);
        }
        let why = match said(&body) {
            Some(words) => format!("it answered {status}: {words}"),
            None => format!("it answered {status}"),
        };
        let is_retryable = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        if is_retryable {
            Answer::Later {
                why,
                wait,
                answered: true,
            }
        } else {
            Answer::Refused { why }
        }
    }

    /// As much of the body as is looked at; one that breaks off counts as far as it came, since the status is known.
    async fn read(&self, mut response: Response) -> Vec<u8> {
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = self.answer_bytes - body.len();
            body.extend(chunk.iter().take(room));
            if body.len() >= self.answer_bytes {
                break;
            }
        }
        body
    }
}

/// Spans as the body of a request. Takes a while for many.
pub(super) fn pack(spans: &[Span]) -> Bytes {
    // A request is a document by another name.
    let message = encode::document(spans).encode_to_vec();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    packed.write_all(&message).ok();
    packed.finish().unwrap_or_default().into()
}

fn taken(body: &[u8], spans: u64) -> Answer {
    let reply = ExportTraceServiceResponse::decode(body).unwrap_or_default();
    let partial = reply.partial_success.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected_spans)
        .unwrap_or(0)
        .min(spans);
    let said = words(&partial.error_message);
    let words = if rejected == 0 {
        said
    } else {
        let why = said.map_or_else(String::new, |said| format!(": {said}"));
        Some(format!("it refused {rejected} of {spans} spans{why}"))
    };
    Answer::Taken { rejected, words }
}

/// A viewer's words about a failure: OTLP's message, else the text itself.
fn said(body: &[u8]) -> Option<String> {
    let message = RpcStatus::decode(body).ok().map(|status| status.message);
    message
        .and_then(|message| words(&message))
        .or_else(|| words(&String::from_utf8_lossy(body)))
}

/// Somebody else's text, fit for a line of ours.
fn words(text: &str) -> Option<String> {
    let plain = text.chars().map(|character| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    });
    let short: String = plain.take(MOST_WORDS).collect();
    let short = short.trim();
    (!short.is_empty()).then(|| short.to_owned())
}

/// `Retry-After`: seconds, or a date.
fn asked_wait(value: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value.trim()).ok()?;
    let date = SystemTime::from(date.timestamp());
    Some(date.duration_since(now).unwrap_or_default())
}

/// The innermost reason.
fn cause(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now = UNIX_EPOCH + Duration::from_secs(1_445_412_480);
        for (text, seconds) in [
            ("7", Some(7)),
            (" 0 ", Some(0)),
            ("Wed, 21 Oct 2015 07:28:30 GMT", Some(30)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(
                asked_wait(text, now),
                seconds.map(Duration::from_secs),
                "{text}"
            );
        }
    }

    #[test]
    fn words_of_others_are_short_and_plain() {
        assert_eq!(words("\n\t "), None);
        assert_eq!(words("a\u{1b}[31m\nb").unwrap(), "a [31m b");
        assert_eq!(
            words(&"ä".repeat(1000)).unwrap().chars().count(),
            MOST_WORDS
        );
        assert_eq!(said(b"no such page").unwrap(), "no such page");
        assert_eq!(said(&[0xff, 0xfe]).unwrap(), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn no_answer_makes_more_of_a_batch_than_it_was() {
        let reply = |rejected_spans| {
            let partial =
                opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess {
                    rejected_spans,
                    error_message: String::new(),
                };
            let reply = ExportTraceServiceResponse {
                partial_success: Some(partial),
            };
            reply.encode_to_vec()
        };
        for (said, counted) in [(0, 0), (2, 2), (i64::MAX, 5), (-7, 0)] {
            let Answer::Taken { rejected, words } = taken(&reply(said), 5) else {
                panic!("it was taken");
            };
            assert_eq!(rejected, counted);
            assert_eq!(words.is_some(), counted > 0);
        }
        let nonsense = taken(b"<html>", 5);
        assert!(matches!(nonsense, Answer::Taken { rejected: 0, .. }));
    }
}
