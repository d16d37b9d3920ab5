//! Both ways to look at processes, against one process.

use super::*;

/// A child with a mark, in a group of its own. Ended when dropped.
struct Child(std::process::Child);

impl Child {
    fn new(mark: &str) -> Self {
        use std::os::unix::process::CommandExt as _;
        let mut command = std::process::Command::new("sleep");
        Self(
            command
                .arg("600")
                .env(INSTANCE_VARIABLE, mark)
                .process_group(0)
                .spawn()
                .unwrap(),
        )
    }

    fn pid(&self) -> i32 {
        self.0.id().cast_signed()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Looks again until it is so: what the kernel counts of a new process comes a moment after it.
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_process_is_seen_with_its_group_its_marks_and_its_end() {
    let mark = uuid::Uuid::new_v4().to_string();
    let mut child = Child::new(&mark);
    let pid = child.pid();
    for stat in [procfs::stat, portable::stat] {
        eventually("its memory is counted", || {
            stat(pid).is_some_and(|stat| stat.memory_bytes > 0)
        });
    }
    let [ours, portable] = [procfs::stat(pid).unwrap(), portable::stat(pid).unwrap()];
    for stat in [&ours, &portable] {
        assert_eq!((stat.ended, stat.group), (false, pid));
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

    child.0.kill().unwrap();
    // Killed and not yet waited for, it comes to be a zombie: ended for both.
    eventually("it ends", || !identity.alive());
    assert!(portable::stat(pid).is_none_or(|stat| stat.ended));
    child.0.wait().unwrap();
    assert!(procfs::stat(pid).is_none() && portable::stat(pid).is_none());
}

#[test]
fn a_process_that_got_the_number_of_another_is_not_taken_for_it() {
    let child = Child::new("x");
    let now = ProcessIdentity::of(child.pid()).unwrap();
    let earlier = ProcessIdentity {
        started: now.started - 1,
        ..now.clone()
    };
    assert!(now.alive() && !earlier.alive());
    earlier.end(End::Force);
    earlier.end_group(End::Force);
    assert!(
        now.alive(),
        "a signal for the earlier one does not reach it"
    );
}

#[test]
fn who_listens_on_a_port_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let owner = port_owner(port).expect("it is this very program");
    assert_eq!(owner.pid, i32::try_from(std::process::id()).unwrap());
    assert!(
        owner
            .to_string()
            .ends_with(&format!("(process {})", owner.pid))
    );
    drop(listener);

    let listing = "p417\ncnode\nf12\np418\ncother\n";
    let owner = portable::first_of_listing(listing).unwrap();
    assert_eq!(owner.to_string(), "node (process 417)");
    assert!(portable::first_of_listing("").is_none());
}
