use nasiko_contract::TraceId;
use serde_json::{Map, json};

use super::*;

fn span(id: &str, parent: &str, start_ms: u64, duration_ms: u64) -> Span {
    Span {
        span_id: id.into(),
        parent_id: (!parent.is_empty()).then(|| parent.into()),
        name: id.to_owned(),
        service: "greeter".to_owned(),
        kind: "internal".to_owned(),
        start_ns: 1_000_000_000 + start_ms * 1_000_000,
        duration_ns: duration_ms * 1_000_000,
        status: SpanStatus::Unset,
        status_message: String::new(),
        attributes: Map::new(),
        events: Vec::new(),
        depth: 0,
    }
}

fn layout(spans: Vec<Span>) -> Waterfall {
    let trace = Trace {
        trace_id: TraceId::from("t"),
        spans,
    };
    Waterfall::new(&trace, &HashSet::new())
}

fn rows(waterfall: &Waterfall) -> Vec<(&str, usize)> {
    waterfall
        .bars
        .iter()
        .map(|bar| (bar.name.as_str(), bar.depth))
        .collect()
}

#[test]
fn children_follow_their_parent_in_order_of_start() {
    let waterfall = layout(vec![
        span("late", "root", 60, 30),
        span("root", "", 0, 100),
        span("inner", "early", 20, 5),
        span("early", "root", 10, 40),
    ]);
    assert_eq!(
        rows(&waterfall),
        [("root", 0), ("early", 1), ("inner", 2), ("late", 1)]
    );
}

#[test]
fn bars_lie_where_the_time_says() {
    let waterfall = layout(vec![
        span("root", "", 0, 200),
        span("half", "root", 100, 50),
    ]);
    let half = &waterfall.bars[1];
    assert!((half.left - 50.0).abs() < 1e-9 && (half.width - 25.0).abs() < 1e-9);
    assert_eq!(waterfall.duration_ns, 200_000_000);
}

#[test]
fn a_child_that_outlives_its_parent_stretches_the_time_line() {
    let waterfall = layout(vec![span("root", "", 0, 50), span("child", "root", 0, 100)]);
    assert!((waterfall.bars[0].width - 50.0).abs() < 1e-9);
    assert!(
        waterfall
            .bars
            .iter()
            .all(|bar| bar.left + bar.width <= 100.0 + 1e-9)
    );
}

#[test]
fn a_span_whose_parent_has_not_arrived_stands_at_the_top() {
    let waterfall = layout(vec![
        span("orphan", "missing", 5, 5),
        span("root", "", 0, 10),
    ]);
    assert_eq!(rows(&waterfall), [("root", 0), ("orphan", 0)]);
}

#[test]
fn a_circle_of_parents_loses_no_span_and_ends() {
    let waterfall = layout(vec![
        span("root", "", 0, 10),
        span("a", "b", 1, 2),
        span("b", "a", 2, 2),
        span("self", "self", 3, 1),
    ]);
    assert_eq!(waterfall.bars.len(), 4);
}

#[test]
fn folding_hides_what_is_below() {
    let trace = Trace {
        trace_id: TraceId::from("t"),
        spans: vec![
            span("root", "", 0, 10),
            span("a", "root", 1, 5),
            span("b", "a", 2, 2),
            span("c", "root", 7, 2),
        ],
    };
    let waterfall = Waterfall::new(&trace, &HashSet::from(["a".into()]));
    assert_eq!(rows(&waterfall), [("root", 0), ("a", 1), ("c", 1)]);
    assert_eq!(waterfall.spans, 4, "the count is that of the trace");
}

#[test]
fn an_empty_trace_and_one_without_length_are_drawn() {
    assert_eq!(layout(Vec::new()).bars.len(), 0);
    let moment = layout(vec![span("root", "", 0, 0)]);
    assert!(moment.bars[0].left.is_finite() && moment.bars[0].width.is_finite());
}

#[test]
fn the_kind_of_work_is_read_from_the_conventions() {
    let with = |key: &str, value: &str| {
        let mut span = span("x", "", 0, 1);
        span.attributes.insert(key.to_owned(), json!(value));
        Series::of(&span)
    };
    assert_eq!(with("gen_ai.request.model", "gpt-4o-mini"), Series::Model);
    assert_eq!(with("gen_ai.tool.name", "find"), Series::Tool);
    assert_eq!(with("gen_ai.operation.name", "execute_tool"), Series::Tool);
    assert_eq!(with("db.system.name", "sqlite"), Series::Database);
    let mut call = span("POST", "", 0, 1);
    call.kind = "client".to_owned();
    assert_eq!(Series::of(&call), Series::Call);
}

#[test]
fn marks_run_from_the_start_to_the_end() {
    let waterfall = layout(vec![span("root", "", 0, 400)]);
    let marks: Vec<(f64, u64)> = waterfall.marks().collect();
    assert_eq!(marks.first(), Some(&(0.0, 0)));
    assert_eq!(marks.last(), Some(&(100.0, 400_000_000)));
}
