//! Job logs: numbers, bounds, following.

use nasiko_store::{Jobs, LogPage, StoreError, job::limits};
use serde_json::json;

use crate::place::{Place, job, soon};

fn lines(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

fn texts(page: &LogPage) -> Vec<(u64, &str)> {
    page.lines
        .iter()
        .map(|line| (line.number, line.text.as_str()))
        .collect()
}

pub(crate) async fn lines_are_numbered_and_read_from_any_place(place: &Place) {
    let jobs = place.store.jobs();
    let id = place.enqueue(job("build")).await;
    let other = place.enqueue(job("build")).await;
    jobs.append_log(&id, lines(&["a", "", "two\nlines\r\n"]))
        .await
        .unwrap();
    jobs.append_log(&other, lines(&["other"])).await.unwrap();
    jobs.append_log(&id, lines(&["d"])).await.unwrap();
    jobs.append_log(&id, Vec::new()).await.unwrap();

    let page = jobs.read_log(&id, 0).await.unwrap();
    assert_eq!(
        texts(&page),
        [(0, "a"), (1, ""), (2, "two lines"), (3, "d")]
    );
    assert_eq!(page.next, 4);
    assert_eq!(
        texts(&jobs.read_log(&id, 2).await.unwrap()),
        [(2, "two lines"), (3, "d")]
    );
    assert_eq!(
        jobs.read_log(&id, 4).await.unwrap(),
        LogPage {
            lines: Vec::new(),
            next: 4
        }
    );
    assert!(matches!(
        jobs.read_log("none", 0).await,
        Err(StoreError::JobNotFound { .. })
    ));
    assert!(matches!(
        jobs.append_log("none", lines(&["x"])).await,
        Err(StoreError::JobNotFound { .. })
    ));
}

pub(crate) async fn a_full_log_drops_its_oldest_lines(place: &Place) {
    let jobs = place.store.jobs();
    let id = place.enqueue(job("build")).await;
    let long = "é".repeat(limits::LOG_LINE_BYTES);
    jobs.append_log(&id, vec![long]).await.unwrap();
    let cut = jobs.read_log(&id, 0).await.unwrap();
    assert_eq!(cut.lines[0].text.len(), limits::LOG_LINE_BYTES);

    let line = "x".repeat(1_000);
    for _ in 0..20 {
        jobs.append_log(&id, vec![line.clone(); 100]).await.unwrap();
    }
    let (mut kept, mut from, mut first) = (0, 0, None);
    loop {
        let page = jobs.read_log(&id, from).await.unwrap();
        let Some(line) = page.lines.first() else {
            break;
        };
        first.get_or_insert(line.number);
        assert!(page.lines.len() <= Jobs::LOG_PAGE);
        kept += page.lines.len();
        from = page.next;
    }
    assert_eq!(from, 2_001, "the last lines are kept");
    assert_eq!(
        first,
        Some(2_001 - kept as u64),
        "and what is kept is without holes"
    );
    assert!(
        kept * 1_000 <= limits::LOG_BYTES && kept * 1_000 > limits::LOG_BYTES * 9 / 10,
        "{kept}"
    );
}

pub(crate) async fn waiting_for_a_line_ends_with_the_line_or_the_job(place: &Place) {
    let jobs = place.store.jobs();
    let id = place.enqueue(job("build")).await;
    let follower = tokio::spawn({
        let (jobs, id) = (jobs.clone(), id.clone());
        async move {
            let mut seen = Vec::new();
            loop {
                let page = jobs.wait_for_log(&id, seen.len() as u64).await.unwrap();
                if page.lines.is_empty() {
                    return seen;
                }
                seen.extend(page.lines.into_iter().map(|line| line.text));
            }
        }
    });
    let claim = place.take("w").await;
    for number in 0..20 {
        jobs.append_log(&id, vec![format!("line {number}")])
            .await
            .unwrap();
    }
    jobs.succeed(&claim, json!(null)).await.unwrap();
    let wanted: Vec<_> = (0..20).map(|number| format!("line {number}")).collect();
    assert_eq!(soon(follower).await.unwrap(), wanted);
}
