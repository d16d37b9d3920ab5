//! Bursts, lost events, and many folders.

use super::*;
use crate::snapshot::edits::large_folder;

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_gathered_and_nothing_of_it_is_lost() {
    let mut folder = Folder::at(large_folder(), WatcherConfig::default(), &["main.py"]).await;
    for index in 0..10_000 {
        folder.write(&format!("d{}/e{}/f{index}", index % 10, index % 50), "x");
    }
    let batches = folder.in_step().await;
    println!("{} batches", batches.len());
    let path = folder.path("d3/e13/f13");
    fs_err::write(path, "changed").unwrap();
    folder.in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_large_folder_tells_nothing() {
    let temp = large_folder();
    for index in 0..20_000 {
        write(&temp.path().join(format!("d{}/f{index}", index % 100)), "x");
    }
    let mut folder = Folder::at(temp, WatcherConfig::default(), &[]).await;
    // The system tells of every file that is opened, and has room for fewer than there are here.
    for _ in 0..3 {
        drop(take(folder.temp.path()));
    }
    folder.silent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_holds_a_batch_back_but_not_for_ever() {
    let config = WatcherConfig {
        quiet: Duration::from_millis(200),
        gather_limit: Duration::from_millis(600),
        ..WatcherConfig::default()
    };
    let mut folder = Folder::with(config, &["main.py"]).await;
    let path = folder.path("main.py");
    let ended = CancellationToken::new();
    let end = ended.clone();
    let writer = tokio::task::spawn_blocking(move || {
        let mut round = 0;
        while !end.is_cancelled() {
            round += 1;
            fs_err::write(&path, round.to_string()).unwrap();
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let batch = next(&mut folder.watch).await;
    let held = batch.seen.elapsed();
    ended.cancel();
    writer.await.unwrap();
    assert!(held >= Duration::from_millis(600), "{held:?}");
    folder.snapshot = follow(&folder.snapshot, folder.temp.path(), &batch);
    folder.in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_paths_than_a_batch_holds_are_a_rescan() {
    let config = WatcherConfig {
        max_paths: 100,
        ..WatcherConfig::default()
    };
    let mut folder = Folder::with(config, &["main.py"]).await;
    for index in 0..300 {
        folder.write(&format!("f{index}"), "");
    }
    let batches = folder.in_step().await;
    assert!(batches.iter().any(|batch| batch.rescan));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_overflow_of_the_systems_queue_is_a_rescan() {
    let mut folder = Folder::new(&["main.py", "d/x"]).await;
    let limit = fs_err::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let table = Arc::clone(folder.watcher.hub.table());
    {
        // The system's thread cannot go on reading.
        let stalled = table.write();
        let flooded = [folder.path("main.py"), folder.path("d/x")];
        for round in 0..limit {
            fs_err::write(&flooded[round % 2], round.to_string()).unwrap();
        }
        // All of this is lost.
        folder.write("new/deep/y", "1");
        fs_err::remove_file(folder.path("d/x")).unwrap();
        drop(stalled);
    }
    let batches = folder.in_step().await;
    assert!(batches.iter().any(|batch| batch.rescan));
    folder.write("new/deep/y", "watched now");
    folder.in_step().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn many_idle_folders_cost_nothing_and_each_edit_is_seen() {
    let temp = large_folder();
    let watcher = Watcher::new(WatcherConfig::default()).unwrap();
    let roots: Vec<PathBuf> = (0..200)
        .map(|index| temp.path().join(format!("agent-{index}")))
        .collect();
    for root in &roots {
        for file in 0..250 {
            write(&root.join(format!("p{}/m{file}.py", file % 8)), "");
        }
    }
    let before = resident();
    let start = Instant::now();
    let mut watches: Vec<Watch> = roots
        .iter()
        .map(|root| watcher.watch(root.clone(), SnapshotOptions::default()))
        .collect();
    for watch in &mut watches {
        assert!(next(watch).await.rescan);
        assert_eq!(watch.mode().kind, WatchMode::Native, "nothing is polled");
    }
    println!(
        "set up in {:?}, {} KiB more",
        start.elapsed(),
        (resident() - before) >> 10
    );

    // What the set-up left to do ends first; what polls two hundred folders never comes to rest.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let idle = wake_ups();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let woken = wake_ups() - idle;
        println!("{woken} wake-ups in 2 s");
        // The test's own timer wakes a thread or two.
        if woken < 10 {
            break;
        }
        assert!(Instant::now() < deadline, "{woken} wake-ups in 2 s");
    }

    let mut seen = Vec::new();
    for index in (0..200).step_by(7) {
        let start = Instant::now();
        write(&roots[index].join("p3/m3.py"), "changed");
        let batch = next(&mut watches[index]).await;
        assert_eq!(batch.paths, paths(&["p3/m3.py"]));
        seen.push((batch.seen - start, start.elapsed()));
    }
    seen.sort_unstable();
    let median = seen[seen.len() / 2];
    println!("seen after {:?}, handed out after {:?}", median.0, median.1);
}

/// How often threads of this process were woken, but for the system's own: other tests make folders beside these ones, and
/// it hears of that.
#[cfg(target_os = "linux")]
fn wake_ups() -> u64 {
    let tasks = fs_err::read_dir("/proc/self/task").unwrap();
    let status = tasks.map(|task| {
        fs_err::read_to_string(task.unwrap().path().join("status")).unwrap_or_default()
    });
    let count = |status: String| {
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::trim)
        };
        match field("Name:") {
            Some(name) if !name.starts_with("notify") => {
                field("voluntary_ctxt_switches:")?.parse::<u64>().ok()
            }
            _ => None,
        }
    };
    status.filter_map(count).sum()
}

/// Bytes of memory in use.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let statm = fs_err::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
