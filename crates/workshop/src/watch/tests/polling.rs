//! Folders whose system does not tell.

use super::*;

fn polling() -> WatcherConfig {
    WatcherConfig {
        force_polling: true,
        poll_fast: Duration::from_millis(10),
        poll_slow: Duration::from_millis(40),
        ..WatcherConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_found_by_looking() {
    let mut folder = Folder::with(polling(), &["main.py", "d/x.py"]).await;
    let mode = folder.watch.mode();
    assert_eq!(
        (mode.kind, mode.why.as_str()),
        (WatchMode::Polling, "polling was asked for")
    );
    folder.write("d/x.py", "1");
    assert_eq!(folder.one().await.paths, paths(&["d/x.py"]));
    folder.write("e/f/y.py", "");
    folder.in_step().await;
    fs_err::rename(folder.path("e"), folder.path("g")).unwrap();
    folder.in_step().await;
    fs_err::create_dir(folder.path("empty")).unwrap();
    folder.in_step().await;
    fs_err::remove_dir_all(folder.path("d")).unwrap();
    folder.in_step().await;
    folder.write(".dockerignore", "g\n");
    folder.in_step().await;
    folder.silent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polled_folder_is_missed_and_found_again() {
    let mut folder = Folder::with(polling(), &["agent/main.py"]).await;
    let root = folder.path("agent");
    let mut watch = folder
        .watcher
        .watch(root.clone(), SnapshotOptions::default());
    assert!(next(&mut watch).await.rescan);
    fs_err::rename(&root, folder.path("away")).unwrap();
    until(&watch, |state| state.fault.is_some()).await;
    fs_err::rename(folder.path("away"), &root).unwrap();
    while !next(&mut watch).await.rescan {}
    assert_eq!(watch.mode().kind, WatchMode::Polling);
    folder.in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_watches_left_a_folder_is_polled() {
    let config = WatcherConfig {
        max_directories: 20,
        force_polling: false,
        ..polling()
    };
    let mut small = Folder::with(config, &["main.py"]).await;
    assert_eq!(small.watch.mode().kind, WatchMode::Native);
    let temp = tempfile::tempdir().unwrap();
    for index in 0..30 {
        write(&temp.path().join(format!("d{index}/x.py")), "");
    }
    let mut large = small
        .watcher
        .watch(temp.path().to_owned(), SnapshotOptions::default());
    assert!(next(&mut large).await.rescan);
    let mode = large.mode();
    assert_eq!(mode.kind, WatchMode::Polling);
    assert!(mode.why.contains("limit of 20"), "{}", mode.why);
    write(&temp.path().join("d7/x.py"), "1");
    assert_eq!(next(&mut large).await.paths, paths(&["d7/x.py"]));
    assert!(
        small.watcher.hub.table().read().watched() < 10,
        "nothing of it is left under watch"
    );

    // A folder may grow beyond the limit later on.
    for index in 0..30 {
        small.write(&format!("d{index}/x.py"), "");
    }
    until(&small.watch, |state| state.mode.kind == WatchMode::Polling).await;
    small.in_step().await;
}
