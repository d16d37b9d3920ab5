//! Folders that come, go, overlap and are given up.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_looked_for() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("not/yet/here");
    let watcher = Watcher::new(WatcherConfig::default()).unwrap();
    let mut watch = watcher.watch(root.clone(), SnapshotOptions::default());
    let state = until(&watch, |state| state.fault.is_some()).await;
    assert!(matches!(
        *state.fault.unwrap(),
        WorkshopError::PathNotFound { .. }
    ));
    assert_eq!(watch.mode().kind, WatchMode::Off);
    write(&root.join("main.py"), "1");
    assert!(next(&mut watch).await.rescan);
    assert!(watch.fault().is_none());
    assert_eq!(watch.mode().kind, WatchMode::Native);
    write(&root.join("main.py"), "2");
    assert_eq!(next(&mut watch).await.paths, paths(&["main.py"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_its_place_is_a_fault() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("agent");
    fs_err::write(&root, "").unwrap();
    let watcher = Watcher::new(WatcherConfig::default()).unwrap();
    let mut watch = watcher.watch(root.clone(), SnapshotOptions::default());
    until(&watch, |state| state.fault.is_some()).await;
    fs_err::remove_file(&root).unwrap();
    fs_err::create_dir(&root).unwrap();
    assert!(next(&mut watch).await.rescan);
}

/// Deletes, moves or replaces the folder in some way, brings it back, and holds that the watch finds it again.
async fn check_return(away: impl Fn(&Path), back: impl Fn(&Path)) {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("projects/agent");
    write(&root.join("d/main.py"), "1");
    let watcher = Watcher::new(WatcherConfig::default()).unwrap();
    let mut watch = watcher.watch(root.clone(), SnapshotOptions::default());
    assert!(next(&mut watch).await.rescan);
    for round in 0..3 {
        away(temp.path());
        until(&watch, |state| state.fault.is_some()).await;
        back(temp.path());
        while !next(&mut watch).await.rescan {}
        assert!(watch.fault().is_none());
        let content = format!("round {round}");
        write(&root.join("d/main.py"), &content);
        let mut snapshot = take(&root);
        let hash = snapshot.hash;
        snapshot.files.clear();
        while snapshot.hash != hash || snapshot.files.is_empty() {
            snapshot = follow(&take(&root), &root, &next(&mut watch).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_and_restored() {
    let away = |temp: &Path| fs_err::remove_dir_all(temp.join("projects/agent")).unwrap();
    check_return(away, |temp| {
        write(&temp.join("projects/agent/d/main.py"), "2");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_away_and_back() {
    let away =
        |temp: &Path| fs_err::rename(temp.join("projects/agent"), temp.join("away")).unwrap();
    let back =
        |temp: &Path| fs_err::rename(temp.join("away"), temp.join("projects/agent")).unwrap();
    check_return(away, back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_away_and_back_before_anybody_looked() {
    let mut folder = Folder::new(&["agent/main.py", "agent/d/x"]).await;
    let (root, away) = (folder.path("agent"), folder.path("away"));
    let mut watch = folder
        .watcher
        .watch(root.clone(), SnapshotOptions::default());
    assert!(next(&mut watch).await.rescan);
    for round in 0..20 {
        fs_err::rename(&root, &away).unwrap();
        write(&away.join("main.py"), &round.to_string());
        fs_err::rename(&away, &root).unwrap();
        while !next(&mut watch).await.rescan {}
        // It is under watch again, all of it.
        for path in ["main.py", "d/x"] {
            write(&root.join(path), &format!("watched {round}"));
            while !next(&mut watch).await.paths.contains(path) {}
        }
    }
    folder.in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_above_is_moved_and_another_put_in_its_place() {
    let away = |temp: &Path| {
        let _ = fs_err::remove_dir_all(temp.join("old"));
        fs_err::rename(temp.join("projects"), temp.join("old")).unwrap();
    };
    check_return(away, |temp| {
        write(&temp.join("projects/agent/d/main.py"), "clone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replaced_at_once() {
    let mut folder = Folder::new(&["agent/main.py", "other/main.py", "other/d/x"]).await;
    let root = folder.path("agent");
    let mut watch = folder
        .watcher
        .watch(root.clone(), SnapshotOptions::default());
    assert!(next(&mut watch).await.rescan);
    fs_err::rename(&root, folder.path("old")).unwrap();
    fs_err::rename(folder.path("other"), &root).unwrap();
    while !next(&mut watch).await.rescan {}
    write(&root.join("d/x"), "watched");
    while !next(&mut watch).await.paths.contains("d/x") {}
    folder.in_step().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_elsewhere() {
    let temp = tempfile::tempdir().unwrap();
    for version in ["one", "two"] {
        write(&temp.path().join(version).join("main.py"), version);
    }
    let root = temp.path().join("current");
    fs_err::os::unix::fs::symlink("one", &root).unwrap();
    let watcher = Watcher::new(WatcherConfig::default()).unwrap();
    let mut watch = watcher.watch(root.clone(), SnapshotOptions::default());
    assert!(next(&mut watch).await.rescan);
    write(&temp.path().join("one/main.py"), "changed");
    assert_eq!(next(&mut watch).await.paths, paths(&["main.py"]));
    fs_err::os::unix::fs::symlink("two", temp.path().join("next")).unwrap();
    fs_err::rename(temp.path().join("next"), &root).unwrap();
    while !next(&mut watch).await.rescan {}
    write(&temp.path().join("two/main.py"), "changed");
    assert_eq!(next(&mut watch).await.paths, paths(&["main.py"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_in_each_other_and_the_same_one_twice_all_hear() {
    let mut folder = Folder::new(&["a/b/x", "y"]).await;
    let watches = ["a", "a/b", ""].map(|path| {
        folder
            .watcher
            .watch(folder.path(path), SnapshotOptions::default())
    });
    let [mut a, mut b, mut same] = watches;
    for watch in [&mut a, &mut b, &mut same] {
        assert!(next(watch).await.rescan);
    }
    folder.write("a/b/x", "1");
    assert_eq!(next(&mut a).await.paths, paths(&["b/x"]));
    assert_eq!(next(&mut b).await.paths, paths(&["x"]));
    assert_eq!(next(&mut same).await.paths, paths(&["a/b/x"]));
    folder.one().await;
    drop((a, same));
    folder.write("a/b/x", "2");
    assert_eq!(next(&mut b).await.paths, paths(&["x"]));
    folder.one().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_watch_leaves_nothing_behind() {
    let temp = tempfile::tempdir().unwrap();
    let watcher = Watcher::new(WatcherConfig::default()).unwrap();
    let roots: Vec<PathBuf> = (0..5)
        .map(|index| temp.path().join(format!("r{index}")))
        .collect();
    for root in &roots {
        write(&root.join("a/b/c"), "");
    }
    let watch = |root: &PathBuf| watcher.watch(root.clone(), SnapshotOptions::default());
    let mut watches: Vec<Watch> = roots.iter().map(watch).collect();
    for watch in &mut watches {
        assert!(next(watch).await.rescan);
    }
    assert!(system_watches() >= 15);
    assert_eq!(watcher.hub.table().read().watched(), system_watches());
    // Given up before it was set up, too.
    watches.extend(roots.iter().map(watch));
    drop(watches);
    let deadline = Instant::now() + PATIENCE;
    while system_watches() > 0 {
        assert!(Instant::now() < deadline, "{} are left", system_watches());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(watcher.hub.table().read().watched(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_its_watcher() {
    let Folder {
        watcher, mut watch, ..
    } = Folder::new(&["a"]).await;
    drop(watcher);
    let end = tokio::time::timeout(PATIENCE, watch.next()).await;
    assert_eq!(end.unwrap(), None);
}
