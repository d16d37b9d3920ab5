use super::*;

fn span(id: u8, parent: Option<u8>) -> Span {
    let id_of = |id| nasiko_telemetry::SpanId([id; 8]);
    Span {
        trace_id: nasiko_telemetry::TraceId([1; 16]),
        span_id: id_of(id),
        parent_id: parent.map(id_of),
        name: format!("span {id}"),
        service: String::new(),
        agent: None,
        kind: SpanKind::default(),
        start_ns: 5,
        end_ns: 9,
        status: nasiko_telemetry::SpanStatus {
            code: StatusCode::Error,
            message: "broken".to_owned(),
        },
        attributes: Attributes::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::default(),
        scope: Arc::default(),
    }
}

fn question() -> ListTraces {
    serde_json::from_value(json!({})).unwrap()
}

#[test]
fn a_span_is_one_deeper_than_the_one_above_it() {
    let spans = [
        span(1, None),
        span(2, Some(1)),
        span(3, Some(2)),
        span(4, Some(1)),
        span(5, Some(99)),
    ];
    let shown = spans_of(spans.into());
    let depths: Vec<u32> = shown.iter().map(|span| span.depth).collect();
    assert_eq!(
        depths,
        [0, 1, 2, 1, 0],
        "a span whose parent is not here is a root"
    );
    assert_eq!(shown[1].parent_id.as_ref(), Some(&shown[0].span_id));
    assert_eq!(
        (shown[0].duration_ns, shown[0].status),
        (4, SpanStatus::Error)
    );
}

#[test]
fn a_question_for_traces_becomes_a_filter() {
    let filter = filter(ListTraces {
        agent: Some("greeter".into()),
        status: Some(SpanStatus::Error),
        min_duration_ms: Some(2),
        since: Some(-1),
        until: Some(3),
        attributes: Some("a=1,b=x=y,".to_owned()),
        limit: Some(9_999),
        ..question()
    })
    .unwrap();
    assert_eq!(filter.agent.as_deref(), Some("greeter"));
    assert_eq!(filter.status, Some(StatusCode::Error));
    assert_eq!(filter.min_duration_ns, Some(2_000_000));
    assert_eq!(
        (filter.since_ns, filter.until_ns),
        (Some(0), Some(3_000_000))
    );
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(filter.attributes, [pair("a", "1"), pair("b", "x=y")]);
    assert_eq!(filter.limit, Some(500));
}

#[test]
fn an_attribute_without_a_value_is_refused() {
    let fault = filter(ListTraces {
        attributes: Some("a=1,b".to_owned()),
        ..question()
    })
    .unwrap_err();
    assert_eq!(fault.code, ErrorCode::InvalidRequest);
    assert_eq!(filter(question()).unwrap().limit, Some(100));
}
