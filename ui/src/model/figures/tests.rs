use nasiko_contract::{AgentFigures, FigureBucket};

use super::*;

fn sums(requests: u64, p95_ms: Option<f64>) -> FigureSums {
    FigureSums {
        requests,
        p95_ms,
        ..FigureSums::default()
    }
}

fn told(from: i64, many: i64, requests: u64) -> Figures {
    let bucket = |number: i64| FigureBucket {
        at: number * 15_000,
        sums: sums(requests, Some(12.0)),
    };
    Figures {
        bucket_ms: 15_000,
        whole: many > 1,
        buckets: (from..from + many).map(bucket).collect(),
        total: sums(30, Some(412.0)),
        agents: vec![AgentFigures {
            agent: "echo".into(),
            sums: sums(30, None),
        }],
        ..Figures::default()
    }
}

#[test]
fn buckets_replace_each_other_and_the_window_keeps_its_length() {
    let mut board = FigureBoard::default();
    board.put(told(0, 60, 1));
    board.put(told(59, 1, 5));
    board.put(told(60, 1, 2));
    let buckets: Vec<(i64, u64)> = board
        .buckets()
        .map(|(at, sums)| (at, sums.requests))
        .collect();
    assert_eq!(buckets.len(), FiguresWindow::BUCKETS);
    assert_eq!(
        (buckets[0], buckets[58], buckets[59]),
        ((15_000, 1), (59 * 15_000, 5), (60 * 15_000, 2))
    );
    assert_eq!(board.of(&"echo".into()).requests, 30);
    board.put(told(200, 60, 0));
    assert_eq!(
        board.buckets().next().map(|(at, _)| at),
        Some(200 * 15_000),
        "told anew"
    );
}

#[test]
fn the_number_comes_first_with_its_unit_and_sample() {
    let mut board = FigureBoard::default();
    board.put(told(0, 60, 1));
    let plots = board.plots(FiguresWindow::Quarter);
    let shown: Vec<(&str, &str, &str)> = plots
        .iter()
        .map(|plot| (plot.label, plot.number.as_str(), plot.unit.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("Requests", "2.0", "/min · 30 in 15 min"),
            ("Latency p95", "412", "ms"),
            ("Errors", "0", "% · 0 of 30"),
            ("Tokens", "0", "in 15 min"),
            ("Save to answer", "–", "no save in 15 min"),
        ]
    );
}

#[test]
fn what_all_use_is_added_up_and_remembered() {
    let mut board = FigureBoard::default();
    let usage = |agent: &str, memory_bytes| AgentUsage {
        agent: agent.into(),
        cpu_percent: 1.5,
        memory_bytes,
    };
    for at in 0..70 {
        board.put(Figures {
            at,
            usage: vec![usage("a", 40_000_000), usage("b", 21_000_000)],
            ..told(0, 1, 0)
        });
    }
    let plots = board.usage_plots();
    assert_eq!(
        (plots[0].number.as_str(), plots[0].unit.as_str()),
        ("3.0", "% of a core · 2 agents")
    );
    assert_eq!(
        (plots[1].number.as_str(), plots[1].unit.as_str()),
        ("61", "MB · 2 agents")
    );
    assert_eq!(plots[0].points.len(), MEASURED);
    assert_eq!(
        board.usage_of(&"b".into()).map(|usage| usage.memory_bytes),
        Some(21_000_000)
    );
}

#[test]
fn a_line_is_broken_where_there_is_nothing() {
    let point = |value: Option<f64>| Point {
        at: 0,
        value,
        words: or_dash(value),
    };
    let mut plot = Plot {
        label: "Latency p95",
        number: "4".to_owned(),
        unit: "ms".to_owned(),
        series: 1,
        shape: Shape::Line,
        points: vec![
            point(Some(1.0)),
            point(None),
            point(Some(4.0)),
            point(Some(2.0)),
        ],
    };
    assert_eq!(plot.path(), "M0.0 29.5h1.6M160.0 4.0h1.6L240.0 21.0");
    assert_eq!(
        plot.told(),
        "Latency p95: 4 ms. At least 1 ms, at most 4 ms, lately 2 ms"
    );
    assert_eq!((plot.nearest(0.4), plot.nearest(2.0)), (Some(1), Some(3)));
    plot.points.clear();
    assert_eq!((plot.path(), plot.nearest(0.5)), (String::new(), None));
}

#[test]
fn rates_are_as_exact_as_they_are_large() {
    let shown: Vec<String> = [0.0, 0.07, 0.6, 9.94, 184.3, 1_204.0]
        .into_iter()
        .map(rate)
        .collect();
    assert_eq!(shown, ["0", "0.07", "0.6", "9.9", "184", "1,204"]);
}
