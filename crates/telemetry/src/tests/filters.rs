use serde_json::json;

use super::harness::{DAY, SECOND, attributes, now, span, store, trace_id};
use crate::{
    Attributes, LogFilter, LogRecord, StatusCode, TraceFilter, TraceStore, store::Condition,
};

/// Three traces, each of a root and one child: 1 is the oldest.
async fn three() -> (tempfile::TempDir, TraceStore) {
    let (dir, store) = store();
    let mut spans = Vec::new();
    for number in 1..=3_u64 {
        let mut root = span(number.into(), 1, None);
        root.start_ns = now() - (100 - number) * SECOND;
        root.end_ns = root.start_ns + number * SECOND;
        root.name = format!("Answer question {number}");
        root.attributes = attributes(
            &json!({ "http.status_code": 200 + number, "prompt": "Wie geht es Größe?" }),
        );
        let mut child = span(number.into(), 2, Some(1));
        (child.start_ns, child.end_ns) = (root.start_ns, root.end_ns);
        child.name = "chat".into();
        spans.extend([root, child]);
    }
    spans[1].attributes = attributes(
        &json!({ "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cost": 0.25 }),
    );
    spans[3].status.code = StatusCode::Error;
    spans[3].status.message = "model overloaded".into();
    spans[4]
        .attributes
        .insert("session.id".into(), "s-3".into());
    spans[5].agent = Some("translator".into());
    store.ingest(spans).await.unwrap();
    (dir, store)
}

async fn check(store: &TraceStore, filter: TraceFilter, expected: &[u128]) {
    let page = store.traces(filter.clone()).await.unwrap();
    let found: Vec<_> = page
        .items
        .iter()
        .map(|summary| u128::from_be_bytes(summary.trace_id.0))
        .collect();
    assert_eq!(found, expected, "{filter:?}");
}

#[tokio::test]
async fn each_filter_finds_what_it_says() {
    let (_dir, store) = three().await;
    let base = TraceFilter::default;
    let text = |text: &str| TraceFilter {
        text: Some(text.into()),
        ..TraceFilter::default()
    };
    let attribute = |key: &str, value: &str| TraceFilter {
        attributes: vec![(key.into(), value.into())],
        ..TraceFilter::default()
    };
    check(&store, base(), &[3, 2, 1]).await;
    check(
        &store,
        TraceFilter {
            agent: Some("translator".into()),
            ..base()
        },
        &[3],
    )
    .await;
    check(
        &store,
        TraceFilter {
            agent: Some("greeter".into()),
            ..base()
        },
        &[3, 2, 1],
    )
    .await;
    check(
        &store,
        TraceFilter {
            agent: Some("nobody".into()),
            ..base()
        },
        &[],
    )
    .await;
    check(
        &store,
        TraceFilter {
            status: Some(StatusCode::Error),
            ..base()
        },
        &[2],
    )
    .await;
    check(
        &store,
        TraceFilter {
            status: Some(StatusCode::Ok),
            ..base()
        },
        &[3, 1],
    )
    .await;
    check(
        &store,
        TraceFilter {
            min_duration_ns: Some(2 * SECOND),
            ..base()
        },
        &[3, 2],
    )
    .await;
    check(
        &store,
        TraceFilter {
            max_duration_ns: Some(2 * SECOND),
            ..base()
        },
        &[2, 1],
    )
    .await;
    check(
        &store,
        TraceFilter {
            since_ns: Some(now() - 98 * SECOND),
            ..base()
        },
        &[3],
    )
    .await;
    check(
        &store,
        TraceFilter {
            until_ns: Some(now() - 98 * SECOND),
            ..base()
        },
        &[2, 1],
    )
    .await;
    check(
        &store,
        TraceFilter {
            since_ns: Some(now() - 30 * DAY),
            until_ns: Some(now() - 20 * DAY),
            ..base()
        },
        &[],
    )
    .await;
    check(
        &store,
        TraceFilter {
            session: Some("s-3".into()),
            ..base()
        },
        &[3],
    )
    .await;
    check(&store, attribute("http.status_code", "202"), &[2]).await;
    check(&store, attribute("http.status_code", "20"), &[]).await;
    check(&store, attribute("service.name", "greeter"), &[3, 2, 1]).await;
    check(&store, text("overload"), &[2]).await;
    check(&store, text("GRÖSSE größe"), &[]).await;
    check(&store, text("größe answer"), &[3, 2, 1]).await;
    check(&store, text("overloaded größe"), &[2]).await;
    check(&store, text(&trace_id(2).to_string()), &[2]).await;
    check(
        &store,
        TraceFilter {
            status: Some(StatusCode::Ok),
            min_duration_ns: Some(2 * SECOND),
            ..text("ques")
        },
        &[3],
    )
    .await;
    assert!(
        store.traces(text("!")).await.is_err(),
        "a text without words would find everything"
    );
}

#[tokio::test]
async fn a_summary_adds_up_its_spans() {
    let (_dir, store) = three().await;
    let page = store
        .traces(TraceFilter {
            text: Some(trace_id(1).to_string()),
            ..TraceFilter::default()
        })
        .await
        .unwrap();
    let summary = &page.items[0];
    assert_eq!(
        (summary.name.as_str(), summary.agent.as_str(), summary.spans),
        ("Answer question 1", "greeter", 2)
    );
    assert_eq!(
        (summary.tokens(), summary.cost, summary.duration_ns),
        (15, Some(0.25), SECOND)
    );
    assert_eq!(
        store.traces(TraceFilter::default()).await.unwrap().items[0].cost,
        None
    );
}

#[tokio::test]
async fn a_summary_is_the_same_in_whatever_order_spans_come() {
    let mut summaries = Vec::new();
    for reversed in [false, true] {
        let (_dir, store) = store();
        let start = now();
        let mut spans: Vec<_> = (1..=4)
            .map(|number| span(1, number, (number > 1).then_some(1)))
            .collect();
        for (span, offset) in spans.iter_mut().zip(1..) {
            (span.start_ns, span.end_ns) = (start - offset, start + offset);
        }
        if reversed {
            spans.reverse();
        }
        for span in spans {
            // One commit each.
            store.ingest(vec![span]).await.unwrap();
        }
        summaries.extend(
            store
                .traces(TraceFilter::default())
                .await
                .unwrap()
                .items
                .into_iter()
                .map(|mut summary| {
                    summary.start_ns -= start - 4;
                    summary
                }),
        );
    }
    assert_eq!(
        summaries[0].name, "step 1",
        "the root names the trace although it is not its earliest span"
    );
    assert_eq!(summaries[0], summaries[1]);
}

#[tokio::test]
async fn pages_follow_each_other_over_days() {
    let (_dir, store) = store();
    let spans = (0..25_u64).map(|number| {
        let mut span = span(u128::from(number) + 1, 1, None);
        span.start_ns = now() - (number % 5) * DAY - number * SECOND;
        span.end_ns = span.start_ns;
        span
    });
    let mut expected: Vec<_> = spans
        .clone()
        .map(|span| (span.start_ns / SECOND, span.trace_id))
        .collect();
    expected.sort_unstable_by(|left, right| right.cmp(left));
    store.ingest(spans.collect()).await.unwrap();
    let mut filter = TraceFilter {
        limit: Some(4),
        agent: Some("greeter".into()),
        ..TraceFilter::default()
    };
    let mut found = Vec::new();
    loop {
        let page = store.traces(filter.clone()).await.unwrap();
        assert!(page.items.len() <= 4);
        found.extend(page.items.into_iter().map(|summary| summary.trace_id));
        match page.next {
            Some(next) => filter.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(
        found,
        expected
            .into_iter()
            .map(|(_, trace)| trace)
            .collect::<Vec<_>>()
    );
    filter.cursor = Some("nonsense".into());
    assert!(store.traces(filter).await.is_err());
}

#[tokio::test]
async fn a_trace_over_midnight_stays_one() {
    let (_dir, store) = store();
    let midnight = now() / DAY * DAY;
    let mut root = span(1, 1, None);
    (root.start_ns, root.end_ns) = (midnight - SECOND, midnight + SECOND);
    let mut child = span(1, 2, Some(1));
    (child.start_ns, child.end_ns) = (midnight + 1, midnight + 2);
    // In both orders: children end, and so arrive, before their parents.
    store.ingest(vec![child.clone()]).await.unwrap();
    store.ingest(vec![root.clone()]).await.unwrap();
    (root.trace_id, child.trace_id) = (trace_id(2), trace_id(2));
    store.ingest(vec![root]).await.unwrap();
    store.ingest(vec![child]).await.unwrap();
    let page = store.traces(TraceFilter::default()).await.unwrap();
    assert_eq!(page.items.len(), 2);
    assert!(
        page.items
            .iter()
            .all(|summary| summary.spans == 2 && summary.duration_ns == 2 * SECOND),
        "{page:?}"
    );
}

#[tokio::test]
async fn metrics_count_and_rank() {
    let (_dir, store) = store();
    let mut spans = Vec::new();
    for number in 1..=100_u64 {
        let mut one = span(number.into(), 1, None);
        one.end_ns = one.start_ns + number * SECOND;
        if number > 90 {
            one.status.code = StatusCode::Error;
        }
        spans.push(one);
    }
    store.ingest(spans).await.unwrap();
    let metrics = store
        .metrics(Some("greeter"), now() - DAY..now())
        .await
        .unwrap();
    assert_eq!(
        (metrics.traces, metrics.errors, metrics.sampled),
        (100, 10, false)
    );
    assert_eq!(
        (metrics.p50_ns, metrics.p95_ns, metrics.p99_ns),
        (50 * SECOND, 95 * SECOND, 99 * SECOND)
    );
    let none = store.metrics(Some("nobody"), 0..now()).await.unwrap();
    assert_eq!(none, crate::AgentMetrics::default());
}

#[tokio::test]
async fn log_records_are_found_too() {
    let (_dir, store) = store();
    let template = span(1, 1, None);
    let records = (0..10_u8).map(|number| LogRecord {
        time_ns: now() - u64::from(10 - number) * SECOND,
        severity: number + 5,
        severity_text: "whatever".into(),
        body: format!("Line {number}"),
        trace_id: (number == 4).then(|| trace_id(4)),
        span_id: None,
        service: "greeter".into(),
        agent: Some(if number == 5 { "other" } else { "greeter" }.into()),
        attributes: Attributes::new(),
        resource: template.resource.clone(),
        scope: template.scope.clone(),
    });
    let records: Vec<_> = records.collect();
    store.ingest_logs(records.clone()).await.unwrap();
    let check = async |filter: LogFilter, expected: &[u8]| {
        let page = store.logs(filter).await.unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|number| records[usize::from(*number)].clone())
            .collect();
        assert_eq!(page.items, expected);
        page.next
    };
    let base = LogFilter::default;
    check(base(), &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]).await;
    check(
        LogFilter {
            agent: Some("other".into()),
            ..base()
        },
        &[5],
    )
    .await;
    check(
        LogFilter {
            min_severity: Some(13),
            ..base()
        },
        &[9, 8],
    )
    .await;
    check(
        LogFilter {
            text: Some("line 3".into()),
            ..base()
        },
        &[3],
    )
    .await;
    check(
        LogFilter {
            trace: Some(trace_id(4)),
            ..base()
        },
        &[4],
    )
    .await;
    let first = LogFilter {
        limit: Some(8),
        ..base()
    };
    let next = check(first.clone(), &[9, 8, 7, 6, 5, 4, 3, 2]).await;
    assert_eq!(
        check(
            LogFilter {
                cursor: next,
                ..first
            },
            &[1, 0]
        )
        .await,
        None
    );
}

#[tokio::test]
async fn a_page_is_a_walk_over_an_index() {
    let (_dir, store) = three().await;
    let plan = |filter: TraceFilter| {
        let condition = Condition::of(&filter).unwrap();
        store.question(move |readers, stop| {
            let day = readers.days.newest_first()[0];
            let steps = readers.ask(day, stop, |connection| {
                let (tables, conditions, values) = condition.sql(connection, None)?.unwrap();
                let sql = format!(
                    "EXPLAIN QUERY PLAN SELECT traces.name FROM {tables} WHERE {conditions} \
                     ORDER BY traces.start_ns DESC, traces.trace_id DESC LIMIT 1"
                );
                let mut statement = connection.prepare(&sql)?;
                let steps = statement.query_map(rusqlite::params_from_iter(values), |row| {
                    row.get::<_, String>(3)
                })?;
                steps.collect::<rusqlite::Result<Vec<_>>>()
            })?;
            Ok(steps.unwrap().join("; "))
        })
    };
    let by_time = plan(TraceFilter {
        min_duration_ns: Some(1),
        ..TraceFilter::default()
    })
    .await
    .unwrap();
    assert!(
        by_time.contains("USING INDEX traces_by_start") && !by_time.contains("TEMP B-TREE"),
        "{by_time}"
    );
    let by_term = plan(TraceFilter {
        agent: Some("greeter".into()),
        ..TraceFilter::default()
    })
    .await
    .unwrap();
    assert!(
        by_term.contains("SEARCH postings USING PRIMARY KEY"),
        "{by_term}"
    );
    assert!(
        by_term.contains("SEARCH traces USING INTEGER PRIMARY KEY"),
        "{by_term}"
    );
}
