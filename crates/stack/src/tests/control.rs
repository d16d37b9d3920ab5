use futures::StreamExt as _;

use super::*;
use crate::{LogQuery, LogStream};

const TWO: &str = "
x-usual: &usual {image: busybox, stop_signal: SIGKILL}
services:
  one: {<<: *usual, command: 'sh -c \"echo first from one; sleep 0.3; echo second from one >&2; exec sleep 1000\"'}
  two: {<<: *usual, command: 'sh -c \"sleep 0.1; echo from two; exec sleep 1000\"'}
";

#[tokio::test(flavor = "multi_thread")]
async fn engine_services_are_stopped_started_measured_and_read() {
    let Some(corner) = Corner::new("engine_services_are_stopped_started_measured_and_read").await
    else {
        return;
    };
    corner.up(TWO).await.unwrap();
    let (stack, name) = (&corner.stack, corner.name.as_str());

    // Followed, the lines of both come as they are written.
    let follow = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let mut lines = stack.logs(name, follow).await.unwrap();
    let mut followed = Vec::new();
    while followed.len() < 3 {
        let line = tokio::time::timeout(PATIENCE, lines.next())
            .await
            .unwrap()
            .unwrap();
        followed.push(line.text);
    }
    // Also after a restart, without what was told before.
    stack.restart(name, "two").await.unwrap();
    let line = tokio::time::timeout(PATIENCE, lines.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (line.service.as_str(), line.text.as_str()),
        ("two", "from two")
    );
    drop(lines);

    // Read at once, they are in the order of time.
    let all: Vec<_> = stack
        .logs(name, LogQuery::default())
        .await
        .unwrap()
        .collect()
        .await;
    assert!(all.is_sorted_by_key(|line| line.at));
    let last = all
        .iter()
        .find(|line| line.text == "second from one")
        .unwrap();
    assert_eq!(last.stream, LogStream::Stderr);
    assert_eq!(all.iter().filter(|line| line.service == "two").count(), 2);
    let since = LogQuery {
        since: Some(last.at),
        services: vec!["one".to_owned()],
        ..LogQuery::default()
    };
    let some: Vec<_> = stack.logs(name, since).await.unwrap().collect().await;
    assert_eq!(some.len(), 1);

    let mut figures = stack.stats(name, "one").await.unwrap();
    let first = figures.next().await.unwrap().unwrap();
    assert!(first.tasks >= 1, "{first:?}");
    drop(figures);

    stack.stop(name, "one").await.unwrap();
    assert!(matches!(
        corner.container("one").await.state,
        State::Exited(_)
    ));
    stack.stop(name, "one").await.unwrap();
    stack.start(name, "one").await.unwrap();
    assert_eq!(corner.container("one").await.state, State::Running);
    let error = stack.start(name, "three").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    let (code, _) = corner.run("one", &["sh", "-c", "exit 7"]).await;
    assert_eq!(code, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_a_stack_is_kept_in_view() {
    let Some(corner) = Corner::new("engine_a_stack_is_kept_in_view").await else {
        return;
    };
    let mut watch = corner.stack.watch(&corner.name);
    let deadline = Instant::now() + PATIENCE;
    let mut until = async |wanted: fn(&crate::View) -> bool| {
        while !wanted(&watch.view()) {
            let left = deadline.saturating_duration_since(Instant::now());
            tokio::time::timeout(left, watch.changed())
                .await
                .expect("it is seen in time");
        }
    };
    corner.up(TWO).await.unwrap();
    until(|view| {
        view.containers
            .iter()
            .filter(|found| found.state == State::Running)
            .count()
            == 2
    })
    .await;
    corner.stack.stop(&corner.name, "one").await.unwrap();
    until(|view| matches!(view.containers[0].state, State::Exited(_))).await;
    corner.down(true).await.unwrap();
    until(|view| view.containers.is_empty() && view.away.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_a_part_goes_and_the_rest_stays() {
    let Some(corner) = Corner::new("engine_a_part_goes_and_the_rest_stays").await else {
        return;
    };
    let text = "
x-sleeper: &sleeper {image: busybox, command: sleep 1000, stop_signal: SIGKILL}
services:
  a: {<<: *sleeper, networks: [default, own], volumes: ['mine:/m', 'ours:/o']}
  b: {<<: *sleeper, volumes: ['ours:/o']}
networks: {default: {}, own: {}}
volumes: {mine: {}, ours: {}}
";
    corner.up(text).await.unwrap();
    let project = corner.read(text);
    let part = crate::Part::of(&project, &["a".to_owned()]);
    assert_eq!(part.networks, [format!("{}_own", corner.name)]);
    let (never, quiet) = (CancellationToken::new(), |_: Progress| {});
    let options = DownOptions { volumes: true };
    let down = corner
        .stack
        .down_part(&corner.name, &part, options, &quiet, &never);
    down.await.unwrap();
    let left = corner.status().await;
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].service.as_str(), left[0].state),
        ("b", State::Running)
    );
    let volumes = corner.stack.volumes(&corner.name).await.unwrap();
    assert_eq!(volumes, [format!("{}_ours", corner.name)]);
}
