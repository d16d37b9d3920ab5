//! Several at work on one project at once, as two programs of a person may be.

use super::*;

const SLEEPERS: &str = "
x-usual: &usual {image: busybox, stop_signal: SIGKILL, command: sleep 1000, environment: {WORD: one}}
services:
  first: {<<: *usual, healthcheck: {test: 'true', interval: 100ms}}
  second: {<<: *usual, depends_on: {first: {condition: service_healthy}}}
  third: {<<: *usual, networks: [default, back]}
  fourth: {<<: *usual, volumes: ['data:/data']}
networks: {back: {}}
volumes: {data: {}}
";
const SERVICES: usize = 4;

/// Another who speaks to the same engine of the same project.
fn another(corner: &Corner) -> Stack {
    Stack::new(engine(&corner.host), HashKey::new([1; 32]))
}

async fn bring(stack: &Stack, project: &Project) -> Result<Outcome, StackError> {
    let (options, never) = (UpOptions::default(), CancellationToken::new());
    let up = stack.up(project, &options, &|_: Progress| {}, &never);
    tokio::time::timeout(PATIENCE, up)
        .await
        .expect("up ends in time")
}

/// One container of each service, all running, and nothing left to do.
async fn assert_whole(corner: &Corner, project: &Project) {
    let containers = corner.status().await;
    assert_eq!(containers.len(), SERVICES, "{containers:#?}");
    for container in &containers {
        assert_eq!(container.state, State::Running, "{container:#?}");
        let name = format!("{}-{}-1", corner.name, container.service);
        assert_eq!(container.name, name);
    }
    let options = UpOptions::default().plan;
    let plan = corner.stack.plan(project, &options).await.unwrap();
    assert!(plan.is_settled(), "{plan:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_two_who_bring_up_the_same_make_it_once() {
    let Some(corner) = Corner::new("engine_two_who_bring_up_the_same_make_it_once").await else {
        return;
    };
    let other = another(&corner);
    // At first all are made, then all are made anew.
    for word in ["one", "two"] {
        let project = corner.read(&SLEEPERS.replace("one", word));
        let (one, two) = tokio::join!(bring(&corner.stack, &project), bring(&other, &project));
        for done in [one, two] {
            done.unwrap_or_else(|error| panic!("{word}: {error:?}"));
        }
        assert_whole(&corner, &project).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_up_and_down_at_once_leave_nothing_that_cannot_be_mended() {
    let test = "engine_up_and_down_at_once_leave_nothing_that_cannot_be_mended";
    let Some(corner) = Corner::new(test).await else {
        return;
    };
    let other = another(&corner);
    let project = corner.read(SLEEPERS);
    // The second time there is something to take down from the start.
    for _ in 0..2 {
        let down = tokio::time::timeout(PATIENCE, corner.down(false));
        let (up, down) = tokio::join!(bring(&other, &project), down);
        // Either may find that what it needs was taken away or is in use; that is said.
        for failure in [up.err(), down.expect("down ends in time").err()] {
            let failure = failure.map(|failure| (failure.code(), failure.to_string()));
            let told = failure.is_none_or(|(_, words)| !words.is_empty());
            assert!(told, "a failure says why");
        }
        bring(&corner.stack, &project).await.unwrap();
        assert_whole(&corner, &project).await;
    }
    corner.down(true).await.unwrap();
    assert!(corner.status().await.is_empty());
}
