use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::harness::{attributes, numbers, span, span_id, store, trace_id};
use crate::{Span, SpanEvent, SpanLink, StatusCode, tree};

fn check(spans: &[(u64, Option<u64>)], expected: &[u64]) {
    let spans = spans
        .iter()
        .map(|(number, parent)| span(1, *number, *parent))
        .collect();
    assert_eq!(numbers(&tree::walk(spans)), expected);
}

#[test]
fn parents_come_before_their_children() {
    check(
        &[(4, Some(2)), (3, Some(1)), (2, Some(1)), (1, None)],
        &[1, 2, 4, 3],
    );
    check(&[], &[]);
}

#[test]
fn broken_trees_keep_every_span() {
    check(&[(2, Some(99)), (1, None), (3, Some(2))], &[1, 2, 3]);
    check(&[(1, Some(1))], &[1]);
    check(&[(1, Some(2)), (2, Some(1)), (3, Some(2))], &[1, 2, 3]);
    check(&[(5, None), (1, Some(2)), (2, Some(1))], &[5, 1, 2]);
}

#[test]
fn a_chain_of_any_depth_is_walked() {
    let chain: Vec<_> = (1..=50_000)
        .map(|number| (number, (number > 1).then(|| number - 1)))
        .collect();
    check(&chain, &(1..=50_000).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn a_walk_keeps_each_id_once_and_children_below(edges in prop::collection::vec((1_u64..30, prop::option::of(1_u64..30)), 0..40)) {
        let spans: Vec<Span> = edges.iter().map(|(number, parent)| span(1, *number, *parent)).collect();
        let mut ids: Vec<u64> = edges.iter().map(|(number, _)| *number).collect();
        ids.sort_unstable();
        ids.dedup();
        let walked = tree::walk(spans);
        let order = numbers(&walked);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, ids);
        // Whoever hangs below a root by first mention comes after its parent.
        let parent_of = |id: u64| edges.iter().find(|(number, _)| *number == id).and_then(|(_, parent)| *parent);
        for (place, id) in order.iter().enumerate() {
            let mut ancestor = parent_of(*id);
            let mut steps = 0;
            while let Some(one) = ancestor.filter(|one| order.contains(one) && steps <= edges.len()) {
                ancestor = parent_of(one);
                steps += 1;
            }
            let on_a_cycle = steps > edges.len();
            if let Some(parent) = parent_of(*id).filter(|parent| order.contains(parent) && !on_a_cycle) {
                prop_assert!(order[..place].contains(&parent), "{} before its parent {}", id, parent);
            }
        }
    }
}

#[tokio::test]
async fn a_trace_reads_back_as_it_was_written() {
    let (_dir, store) = store();
    let mut root = span(7, 1, None);
    root.attributes = attributes(&json!({
        "text": "größer", "whole": 7, "real": 7.0, "flag": true, "list": [1, "two"], "map": { "a": null }
    }));
    root.events.push(SpanEvent {
        time_ns: root.start_ns,
        name: "tick".into(),
        attributes: attributes(&json!({ "n": 1 })),
    });
    root.links.push(SpanLink {
        trace_id: trace_id(8),
        span_id: span_id(9),
        attributes: attributes(&json!({ "n": 2 })),
    });
    root.status = crate::SpanStatus {
        code: StatusCode::Error,
        message: "it broke".into(),
    };
    let mut child = span(7, 2, Some(1));
    child.agent = Some("another".into());
    child.service = "other-service".into();
    child.resource = Arc::new(attributes(&json!({ "service.name": "other-service" })));
    store
        .ingest(vec![child.clone(), root.clone()])
        .await
        .unwrap();
    assert_eq!(
        store.trace(trace_id(7)).await.unwrap().unwrap(),
        [root, child]
    );
    assert_eq!(store.trace(trace_id(8)).await.unwrap(), None);
}

#[tokio::test]
async fn a_document_goes_out_and_comes_back() {
    let (_dir, first) = store();
    let (_other_dir, second) = store();
    let mut root = span(7, 1, None);
    root.attributes =
        attributes(&json!({ "whole": 7, "real": 7.5, "list": [1, "two"], "map": { "a": true } }));
    root.events.push(SpanEvent {
        time_ns: root.start_ns,
        name: "tick".into(),
        attributes: attributes(&json!({})),
    });
    first.ingest(vec![root, span(7, 2, Some(1))]).await.unwrap();
    let document = first.export(trace_id(7)).await.unwrap().unwrap();
    let wire = &document["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!(wire["traceId"], "00000000000000000000000000000007");
    assert!(
        wire["startTimeUnixNano"].is_string(),
        "64-bit numbers are strings in this JSON"
    );

    let imported = second
        .import(document.to_string().as_bytes())
        .await
        .unwrap();
    assert_eq!(
        (imported.accepted, imported.rejected, imported.traces),
        (2, 0, vec![trace_id(7)])
    );
    assert_eq!(
        second.trace(trace_id(7)).await.unwrap(),
        first.trace(trace_id(7)).await.unwrap()
    );
    assert!(second.import(b"{\"resourceSpans\": 7}").await.is_err());
}
