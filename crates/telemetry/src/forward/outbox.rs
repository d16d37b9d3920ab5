//! Spans that wait to be forwarded. Whoever puts them in never waits.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Notify;

use crate::{Attributes, ForwardLimits, Span};

/// What an attribute takes beside its texts.
const ENTRY: usize = 96;

/// A bounded queue that lets the oldest go.
pub(crate) struct Outbox {
    limits: ForwardLimits,
    open: AtomicBool,
    waiting: Mutex<Waiting>,
    /// Spans came.
    arrived: Notify,
    dropped: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    /// Each with its weight.
    spans: VecDeque<(Span, usize)>,
    bytes: usize,
}

impl Outbox {
    /// One that takes nothing yet.
    pub(crate) fn new(limits: ForwardLimits) -> Self {
        Self {
            limits,
            open: AtomicBool::new(false),
            waiting: Mutex::default(),
            arrived: Notify::new(),
            dropped: AtomicU64::new(0),
        }
    }

    pub(super) fn limits(&self) -> &ForwardLimits {
        &self.limits
    }

    /// Whether spans are taken. To be asked before any are put together.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Relaxed)
    }

    pub(super) fn open(&self) {
        let _waiting = self.waiting.lock();
        self.open.store(true, Relaxed);
    }

    /// Takes nothing more and forgets what waits; that counts as nobody's loss.
    pub(super) fn shut(&self) {
        let forgotten = {
            let mut waiting = self.waiting.lock();
            self.open.store(false, Relaxed);
            std::mem::take(&mut *waiting)
        };
        drop(forgotten);
    }

    /// Takes nothing more, and counts what waits as dropped.
    pub(super) fn drop_rest(&self) {
        let waiting = self.waiting();
        self.count_dropped(waiting);
        self.shut();
    }

    pub(super) fn count_dropped(&self, spans: u64) {
        self.dropped.fetch_add(spans, Relaxed);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.lock().spans.len() as u64
    }

    /// Puts spans in; the oldest make room.
    pub(crate) fn put(&self, spans: impl Iterator<Item = Span>) {
        let mut last_resource = None;
        let weighed: Vec<(Span, usize)> = spans
            .map(|span| {
                let mut bytes = weight(&span);
                // Spans of one export share theirs.
                let resource = Arc::as_ptr(&span.resource);
                if last_resource.replace(resource) != Some(resource) {
                    bytes += attributes(&span.resource);
                }
                (span, bytes)
            })
            .collect();
        if weighed.is_empty() {
            return;
        }
        let mut too_many = Vec::new();
        {
            let mut waiting = self.waiting.lock();
            if !self.is_open() {
                return;
            }
            waiting.bytes += weighed.iter().map(|(_, bytes)| bytes).sum::<usize>();
            waiting.spans.extend(weighed);
            while waiting.spans.len() > self.limits.queue_spans
                || waiting.bytes > self.limits.queue_bytes
            {
                let Some((span, bytes)) = waiting.spans.pop_front() else {
                    break;
                };
                waiting.bytes -= bytes;
                too_many.push(span);
            }
        }
        self.count_dropped(too_many.len() as u64);
        self.arrived.notify_one();
    }

    /// Completes once something waits.
    pub(super) async fn something(&self) {
        while self.waiting.lock().spans.is_empty() {
            self.arrived.notified().await;
        }
    }

    /// Completes once a whole batch waits.
    pub(super) async fn a_batch(&self) {
        let is_full = || {
            let waiting = self.waiting.lock();
            waiting.spans.len() >= self.limits.batch_spans
                || waiting.bytes >= self.limits.batch_bytes
        };
        while !is_full() {
            self.arrived.notified().await;
        }
    }

    /// Takes the oldest out, a batch at most.
    pub(super) fn take(&self) -> Vec<Span> {
        let mut waiting = self.waiting.lock();
        let mut taken = Vec::new();
        let mut size = 0;
        while taken.len() < self.limits.batch_spans.max(1) {
            let Some((span, bytes)) = waiting.spans.pop_front_if(|(_, bytes)| {
                taken.is_empty() || size + *bytes <= self.limits.batch_bytes
            }) else {
                break;
            };
            size += bytes;
            waiting.bytes -= bytes;
            taken.push(span);
        }
        taken
    }
}

/// The bytes of memory, about, that a span takes without its resource.
fn weight(span: &Span) -> usize {
    let texts = span.name.len()
        + span.service.len()
        + span.agent.as_ref().map_or(0, String::len)
        + span.status.message.len();
    let events = span.events.iter();
    let events = events.map(|event| ENTRY + event.name.len() + attributes(&event.attributes));
    let links = span.links.iter();
    let links = links.map(|link| ENTRY + attributes(&link.attributes));
    size_of::<Span>()
        + texts
        + attributes(&span.attributes)
        + events.sum::<usize>()
        + links.sum::<usize>()
}

fn attributes(attributes: &Attributes) -> usize {
    let entry = |(key, value): (&String, &Value)| ENTRY + key.len() + inner(value);
    attributes.iter().map(entry).sum()
}

/// What a value takes beside its own place.
fn inner(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list
            .iter()
            .map(|value| size_of::<Value>() + inner(value))
            .sum(),
        Value::Object(map) => attributes(map),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::harness::{attributes, numbers, span};

    fn outbox(queue_spans: usize, queue_bytes: usize) -> Outbox {
        let outbox = Outbox::new(ForwardLimits {
            queue_spans,
            queue_bytes,
            batch_spans: 3,
            batch_bytes: 10_000,
            ..ForwardLimits::default()
        });
        outbox.open();
        outbox
    }

    fn put(outbox: &Outbox, from: u64, to: u64) {
        outbox.put((from..to).map(|number| span(1, number, None)));
    }

    #[test]
    fn the_oldest_make_room() {
        let outbox = outbox(5, usize::MAX);
        put(&outbox, 0, 4);
        put(&outbox, 4, 8);
        assert_eq!((outbox.waiting(), outbox.dropped()), (5, 3));
        assert_eq!(numbers(&outbox.take()), [3, 4, 5]);
        assert_eq!(numbers(&outbox.take()), [6, 7]);
        assert_eq!(outbox.waiting.lock().bytes, 0);
        put(&outbox, 0, 100);
        assert_eq!((outbox.waiting(), outbox.dropped()), (5, 98));
        outbox.drop_rest();
        assert_eq!((outbox.waiting(), outbox.dropped()), (0, 103));
    }

    #[test]
    fn bytes_are_bounded_wherever_they_are() {
        let big = json!({ "a": { "b": ["x".repeat(4_000)] } });
        let mut in_attribute = span(1, 1, None);
        in_attribute.attributes = attributes(&big);
        let mut in_event = span(1, 2, None);
        in_event.events = vec![crate::SpanEvent {
            time_ns: 1,
            name: "e".into(),
            attributes: attributes(&big),
        }];
        let mut in_resource = span(1, 3, None);
        in_resource.resource = Arc::new(attributes(&big));
        let mut in_name = span(1, 4, None);
        in_name.name = "x".repeat(4_000);
        for large in [in_attribute, in_event, in_resource, in_name] {
            let outbox = outbox(1_000, 20_000);
            for _ in 0..10 {
                // Exports of their own: each may bring a resource of its own.
                let mut own = large.clone();
                own.resource = Arc::new(large.resource.as_ref().clone());
                outbox.put(std::iter::once(own));
            }
            let kept = outbox.waiting();
            assert!((2..=4).contains(&kept), "{kept} of {}", large.name);
            assert_eq!(outbox.take().len(), 2, "a batch is bounded too");
        }
        let tiny = outbox(10, 100);
        put(&tiny, 0, 1);
        assert_eq!((tiny.waiting(), tiny.dropped()), (0, 1), "larger than all");
    }

    #[test]
    fn a_span_larger_than_a_batch_goes_alone() {
        let outbox = outbox(10, usize::MAX);
        let mut large = span(1, 1, None);
        large.name = "x".repeat(20_000);
        outbox.put([large, span(1, 2, None)].into_iter());
        assert_eq!(numbers(&outbox.take()), [1]);
        assert_eq!(numbers(&outbox.take()), [2]);
    }

    #[test]
    fn one_that_is_shut_keeps_nothing() {
        let outbox = outbox(10, usize::MAX);
        put(&outbox, 0, 4);
        outbox.shut();
        put(&outbox, 4, 8);
        assert_eq!((outbox.waiting(), outbox.dropped()), (0, 0));
    }
}
