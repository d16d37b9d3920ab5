//! W3C trace context: continued when the caller sends one, created when it does not.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The sixteen bytes that name a trace; shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The eight bytes that name a span within a trace; shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(pub [u8; 8]);

/// Where a request stands in its trace: its own span, and the caller's above it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TraceContext {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) parent: Option<SpanId>,
    flags: u8,
}

impl TraceContext {
    /// Continues the caller's trace, or begins one that is sampled. A malformed header counts as none.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let span = SpanId(random_nonzero());
        match headers
            .get(TRACEPARENT)
            .and_then(|value| parse(value.as_bytes()))
        {
            Some((trace, parent, flags)) => Self {
                trace,
                span,
                parent: Some(parent),
                flags,
            },
            None => Self {
                trace: TraceId(random_nonzero()),
                span,
                parent: None,
                flags: 1,
            },
        }
    }

    /// The header that makes our span the upstream's parent.
    pub(crate) fn header(&self) -> HeaderValue {
        let mut text = [b'-'; 55];
        text[..2].copy_from_slice(b"00");
        hex_into(&self.trace.0, &mut text[3..35]);
        hex_into(&self.span.0, &mut text[36..52]);
        hex_into(&[self.flags], &mut text[53..55]);
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("00"))
    }
}

impl TraceId {
    /// The id as a header value.
    pub(crate) fn header(self) -> HeaderValue {
        let mut text = [0; 32];
        hex_into(&self.0, &mut text);
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static("0"))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// `version-trace-parent-flags`. Versions after 00 may carry more fields, which the standard says to ignore.
fn parse(text: &[u8]) -> Option<(TraceId, SpanId, u8)> {
    let (head, rest) = text.split_at_checked(55)?;
    if head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
        return None;
    }
    let version: [u8; 1] = unhex(&head[..2])?;
    let well_ended = if version[0] == 0 {
        rest.is_empty()
    } else {
        rest.first().is_none_or(|byte| *byte == b'-')
    };
    let trace: [u8; 16] = unhex(&head[3..35])?;
    let parent: [u8; 8] = unhex(&head[36..52])?;
    let flags: [u8; 1] = unhex(&head[53..55])?;
    let valid = version[0] != 0xff && well_ended && trace != [0; 16] && parent != [0; 8];
    valid.then_some((TraceId(trace), SpanId(parent), flags[0]))
}

/// Lower-case hex only, as the standard demands.
fn unhex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn hex_into(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn random_nonzero<const N: usize>() -> [u8; N]
where
    rand::distr::StandardUniform: rand::distr::Distribution<[u8; N]>,
{
    loop {
        let bytes: [u8; N] = rand::random();
        if bytes != [0; N] {
            return bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, continues: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, header.parse().unwrap());
        let context = TraceContext::of(&headers);
        assert_eq!(context.parent.is_some(), continues, "{header}");
        assert_ne!(context.trace.0, [0; 16]);
        assert_eq!(
            parse(context.header().as_bytes()).map(|(trace, ..)| trace),
            Some(context.trace)
        );
    }

    #[test]
    fn continues_only_what_the_standard_calls_valid() {
        let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        check(&format!("00-{trace}-{span}-01"), true);
        check(
            &format!("cc-{trace}-{span}-01-what-the-future-brings"),
            true,
        );
        check(&format!("00-{trace}-{span}-01-more"), false);
        check(&format!("ff-{trace}-{span}-01"), false);
        check(&format!("00-{}-{span}-01", "0".repeat(32)), false);
        check(&format!("00-{trace}-{}-01", "0".repeat(16)), false);
        check(&format!("00-{}-{span}-01", trace.to_uppercase()), false);
        check("garbage", false);
    }

    #[test]
    fn keeps_the_callers_sampling_decision() {
        let mut headers = HeaderMap::new();
        headers.insert(
            TRACEPARENT,
            HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
        );
        let context = TraceContext::of(&headers);
        assert_eq!(
            context.header().to_str().unwrap(),
            format!("00-0af7651916cd43dd8448eb211c80319c-{}-00", context.span)
        );
    }
}
