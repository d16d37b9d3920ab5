//! Both ways to look at processes, against one process.

use super::*;

/// A child with a mark, in a group of its own.
fn child(mark: &str) -> std::process::Child {
    use std::os::unix::process::CommandExt as _;
    std::process::Command::new("sleep")
        .arg("600")
        .env(INSTANCE_VARIABLE, mark)
        .process_group(0)
        .spawn()
        .unwrap()
}

#[test]
fn a_process_is_seen_with_its_group_its_marks_and_its_end() {
    let mark = uuid::Uuid::new_v4().to_string();
    let mut child = child(&mark);
    let pid = child.id().cast_signed();
    let [ours, portable] = [procfs::stat(pid).unwrap(), portable::stat(pid).unwrap()];
    for stat in [&ours, &portable] {
        assert_eq!((stat.ended, stat.group), (false, pid));
        assert!(stat.memory_bytes > 0);
    }
    for seen in [
        procfs::variable(pid, INSTANCE_VARIABLE),
        portable::variable(pid, INSTANCE_VARIABLE),
    ] {
        assert_eq!(seen.as_ref(), Some(&mark));
    }
    assert!(procfs::pids().contains(&pid) && portable::pids().contains(&pid));
    let identity = ProcessIdentity::of(pid).unwrap();
    assert_eq!(
        marked(INSTANCE_VARIABLE, &mark),
        std::slice::from_ref(&identity)
    );

    child.kill().unwrap();
    // Killed and not yet waited for, it comes to be a zombie: ended for both.
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while identity.alive() {
        assert!(std::time::Instant::now() < deadline, "it ends");
        std::thread::yield_now();
    }
    assert!(portable::stat(pid).is_none_or(|stat| stat.ended));
    child.wait().unwrap();
    assert!(procfs::stat(pid).is_none() && portable::stat(pid).is_none());
}

#[test]
fn a_process_that_got_the_number_of_another_is_not_taken_for_it() {
    let mut child = child("x");
    let now = ProcessIdentity::of(child.id().cast_signed()).unwrap();
    let earlier = ProcessIdentity {
        started: now.started - 1,
        ..now.clone()
    };
    assert!(now.alive() && !earlier.alive());
    earlier.signal(Signal::KILL);
    earlier.signal_group(Signal::KILL);
    assert!(
        now.alive(),
        "a signal for the earlier one does not reach it"
    );
    child.kill().unwrap();
    child.wait().unwrap();
}
