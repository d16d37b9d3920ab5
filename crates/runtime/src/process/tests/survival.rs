//! What outlives the control plane, what must not, and how it is found again.

use super::*;

const FAMILY: &str = r#"
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleeper = [sys.executable, "-c", "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]
inside = subprocess.Popen(sleeper)
outside = subprocess.Popen(sleeper, start_new_session=True)
bare = subprocess.Popen(sleeper, env={})
print("inside=%d" % inside.pid)
print("outside=%d" % outside.pid)
print("bare=%d" % bare.pid)
time.sleep(600 if len(sys.argv) < 2 else 0)
"#;

async fn family(house: &House, id: &InstanceId) -> Vec<ProcessIdentity> {
    let mut family = Vec::new();
    for name in ["inside", "outside", "bare"] {
        family.push(printed_pid(house, id, name).await);
    }
    family
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_children_that_ignore_it_or_left_the_group() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", FAMILY)).await.unwrap();
    let family = family(&house, &started.id).await;
    house
        .runtime
        .stop(&started.id, Duration::from_millis(200))
        .await
        .unwrap();
    for process in family {
        assert!(!process.alive(), "{process:?} is left");
    }
    assert_eq!(house.exit(&started.id).await.signal, Some(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_ends_what_was_abandoned_and_nothing_else() {
    let (house, other) = (House::new().await, House::new().await);
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    let namesake = other.start(&other.spec("d-1", SERVER)).await.unwrap();
    other
        .runtime
        .stop_abandoned(&house.installation, &started.id, Duration::from_secs(5))
        .await
        .unwrap();
    let exit = house.exit(&started.id).await;
    assert_eq!((exit.signal, exit.requested), (Some(15), false));
    let left = other.runtime.list().await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (&left[0].id, left[0].state),
        (&namesake.id, InstanceState::Running)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_leaves_behind_is_ended_when_it_ends() {
    let house = House::new().await;
    let mut spec = house.spec("d-1", FAMILY);
    spec.command.push("end".to_owned());
    let started = house.start(&spec).await.unwrap();
    house.exit(&started.id).await;
    let lines = house.lines(&started.id).await;
    let children: Vec<i32> = lines
        .iter()
        .filter_map(|line| line.text.split_once('=')?.1.parse().ok())
        .collect();
    assert_eq!(children.len(), 3, "{lines:?}");
    eventually("the end of the children", async || {
        children
            .iter()
            .all(|pid| ProcessIdentity::of(*pid).is_none())
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_is_adopted_after_a_loss() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    let address = started.address.unwrap();
    answered(address).await;

    let house = house.lose().open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(
        listed,
        std::slice::from_ref(&started),
        "it is the same instance"
    );
    assert!(
        answered(address).await.contains("hello from d-1"),
        "it went on serving"
    );
    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let lines = house.runtime.logs(&started.id, query).await.unwrap();
    let mut events = house.runtime.events();
    house
        .runtime
        .stop(&started.id, Duration::from_secs(5))
        .await
        .unwrap();
    let lines: Vec<_> = tokio::time::timeout(PATIENCE, lines.collect())
        .await
        .expect("following ends in time");
    assert!(
        lines.iter().any(|line| line.text == "served /it"),
        "{lines:?}"
    );
    assert!(matches!(events.recv().await.unwrap(), RuntimeEvent::Exited(exit) if exit.requested));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_whose_start_was_never_recorded_is_found_by_its_marks() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    answered(started.address.unwrap()).await;
    // As a crash between start and record leaves it.
    let folder = house.instance_folder("d-1");
    let mut record = super::super::record::Record::read(&folder).unwrap();
    record.process = None;
    record.write(&folder).unwrap();

    let house = house.lose().open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].state, &listed[0].handle),
        (InstanceState::Running, &started.handle)
    );

    // As somebody who deletes the folder leaves it.
    std::fs::remove_dir_all(&folder).unwrap();
    let house = house.lose().open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (&listed[0].deployment_id, listed[0].address),
        (&"d-1".to_owned(), started.address)
    );
    house.runtime.remove(&started.id).await.unwrap();
    assert!(get(started.address.unwrap()).is_none(), "it was ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ended_meanwhile_is_seen_as_ended() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    let process = ProcessIdentity::of(started.handle.parse().unwrap()).unwrap();
    let ground = house.lose();
    process.end_group(End::Force);
    eventually("the end", async || (!process.alive()).then_some(())).await;
    let house = ground.open().await;
    let listed = house.runtime.list().await.unwrap();
    assert_eq!(listed[0].state, InstanceState::Exited { code: None });
    assert_eq!(house.exit(&started.id).await.code, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_sees_and_touches_nothing() {
    let house = House::new().await;
    let started = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    let other = House::new().await;
    assert!(other.runtime.list().await.unwrap().is_empty());
    other
        .runtime
        .stop(&started.id, Duration::ZERO)
        .await
        .unwrap();
    assert!(answered(started.address.unwrap()).await.contains("hello"));
}
