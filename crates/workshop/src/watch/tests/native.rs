//! Edits as people, editors and tools make them.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_gathered_and_handed_out() {
    let mut folder = Folder::new(&["main.py", "d/e/x.py"]).await;
    assert_eq!(folder.watch.mode().kind, WatchMode::Native);
    let mut taken = Vec::new();
    for round in 0..10 {
        let start = Instant::now();
        folder.write("d/e/x.py", &format!("{round}"));
        let batch = folder.one().await;
        let end = Instant::now();
        assert_eq!(batch.paths, paths(&["d/e/x.py"]));
        assert!(!batch.rescan && batch.seen >= start && batch.seen <= end);
        assert!(end - batch.seen >= Duration::from_millis(20), "gathered");
        taken.push((batch.seen - start, end - start));
    }
    taken.sort_unstable_by_key(|(_, handed_out)| *handed_out);
    println!("seen and handed out after {taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_atomic_save_is_one_batch_and_one_change() {
    let mut folder = Folder::new(&["main.py"]).await;
    for temporary in [
        "main.py.tmp",
        ".main.py.tmp.77",
        "main.py___jb_tmp___",
        ".goutputstream-X",
        "main.py~",
        "4913",
    ] {
        folder.write(temporary, temporary);
        fs_err::rename(folder.path(temporary), folder.path("main.py")).unwrap();
        let before = folder.snapshot.clone();
        let batch = folder.one().await;
        assert!(batch.paths.contains("main.py"), "{batch:?}");
        let changes = before.changes(&folder.snapshot);
        assert_eq!(changes.len(), 1, "{changes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn noise_opens_no_batch() {
    let mut folder = Folder::new(&["main.py", "d/x.py", ".dockerignore", "docs/a.md"]).await;
    folder.write(".dockerignore", "docs\n*.log\n");
    folder.in_step().await;
    let noise = [
        "4913",
        ".main.py.swp",
        "main.py~",
        ".#main.py",
        "#main.py#",
        "d/.goutputstream-1",
        "d/x.py___jb_tmp___",
        "__pycache__/x.pyc",
        "d/__pycache__/x.pyc",
        ".git/index.lock",
        "node_modules/a/b.js",
        "a.log",
        "docs/b.md",
    ];
    for path in noise {
        folder.write(path, "");
    }
    for path in noise {
        fs_err::remove_file(folder.path(path)).unwrap();
    }
    drop(fs_err::read(folder.path("main.py")).unwrap());
    drop(take(folder.temp.path()));
    folder.silent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_looks_temporary_but_stays_is_handed_out_all_the_same() {
    let mut folder = Folder::new(&["main.py"]).await;
    folder.write("data.tmp", "kept");
    let start = Instant::now();
    folder.one().await;
    assert!(start.elapsed() > Duration::from_millis(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_directories_made_just_now_are_not_lost() {
    let mut folder = Folder::new(&["main.py"]).await;
    for round in 0..50 {
        let path = format!("{round}/a/b/c/x.py");
        folder.write(&path, "new");
        if round % 2 == 0 {
            folder.in_step().await;
            folder.write(&path, "changed");
            folder.write(&format!("{round}/a/b/late.py"), "");
        }
    }
    folder.in_step().await;
    folder.write("49/a/b/c/x.py", "once more");
    folder.in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_are_moved_in_around_and_out() {
    let mut folder = Folder::new(&["main.py", "d/e/x.py"]).await;
    let outside = tempfile::tempdir_in(folder.temp.path().parent().unwrap()).unwrap();
    write(&outside.path().join("in/f/y.py"), "y");
    fs_err::rename(outside.path().join("in"), folder.path("in")).unwrap();
    folder.in_step().await;
    folder.write("in/f/y.py", "watched");
    folder.in_step().await;

    fs_err::rename(folder.path("in"), folder.path("d/moved")).unwrap();
    folder.in_step().await;
    folder.write("d/moved/f/y.py", "still watched");
    folder.in_step().await;

    fs_err::rename(folder.path("d"), outside.path().join("out")).unwrap();
    folder.in_step().await;
    assert!(folder.snapshot.file("d/e/x.py").is_none());
    write(&outside.path().join("out/e/x.py"), "not ours");
    folder.silent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rename_chains_swaps_and_case_changes() {
    let mut folder = Folder::new(&["a", "x/one", "y/two", "Case.py"]).await;
    let rename = |folder: &Folder, from: &str, to: &str| {
        fs_err::rename(folder.path(from), folder.path(to)).unwrap();
    };
    rename(&folder, "a", "b");
    rename(&folder, "b", "c");
    folder.in_step().await;
    assert!(folder.snapshot.file("c").is_some());
    for _ in 0..20 {
        for (from, to) in [("x", "swap"), ("y", "x"), ("swap", "y")] {
            rename(&folder, from, to);
        }
    }
    folder.in_step().await;
    folder.write("x/three", "");
    folder.write("y/three", "");
    folder.in_step().await;
    rename(&folder, "Case.py", "case.py");
    folder.in_step().await;
    assert!(folder.snapshot.file("case.py").is_some() && folder.snapshot.file("Case.py").is_none());
    for _ in 0..20 {
        fs_err::remove_dir_all(folder.path("x")).unwrap();
        folder.write("x/again", "");
    }
    folder.in_step().await;
    folder.write("x/again", "watched");
    folder.in_step().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_rights_odd_names_and_mapped_files() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;

    let mut folder = Folder::new(&["a", "b", "run.sh", "d/x"]).await;
    let link = folder.path("link");
    fs_err::os::unix::fs::symlink("a", &link).unwrap();
    folder.in_step().await;
    fs_err::remove_file(&link).unwrap();
    fs_err::os::unix::fs::symlink("d", &link).unwrap();
    folder.in_step().await;
    fs_err::set_permissions(
        folder.path("run.sh"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    assert_eq!(folder.one().await.paths, paths(&["run.sh"]));
    fs_err::write(folder.path("d").join(OsStr::from_bytes(b"odd-\xff")), "x").unwrap();
    folder.in_step().await;
    assert!(folder.snapshot.files.iter().any(|file| file.raw.is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_rules_change_what_is_watched() {
    let mut folder = Folder::new(&["main.py", "data/deep/x"]).await;
    let watched = |folder: &Folder, path: &str| {
        folder
            .watcher
            .hub
            .table()
            .read()
            .is_watched(&fs_err::canonicalize(folder.path(path)).unwrap())
    };
    assert!(watched(&folder, "data/deep"));
    folder.write(".dockerignore", "data\n");
    folder.in_step().await;
    until_true(|| !watched(&folder, "data/deep")).await;
    fs_err::remove_file(folder.path(".dockerignore")).unwrap();
    folder.in_step().await;
    until_true(|| watched(&folder, "data/deep")).await;
    folder.write("data/deep/x", "changed");
    folder.in_step().await;
    folder.write("data/pyvenv.cfg", "");
    folder.in_step().await;
    until_true(|| !watched(&folder, "data/deep")).await;
    folder.write("data/deep/x", "left out");
    folder.write("data/y", "left out");
    folder.write("data/pyvenv.cfg", "changed");
    folder.silent().await;
    fs_err::remove_file(folder.path("data/pyvenv.cfg")).unwrap();
    folder.in_step().await;
    assert!(folder.snapshot.file("data/y").is_some());
    folder.write("data/deep/x", "counts again");
    folder.in_step().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn next_may_be_given_up_at_any_moment() {
    let mut folder = Folder::new(&["main.py"]).await;
    for round in 0..5 {
        folder.write("main.py", &round.to_string());
        let brief = Duration::from_micros(100);
        let batch = loop {
            if let Ok(batch) = tokio::time::timeout(brief, folder.watch.next()).await {
                break batch.unwrap();
            }
        };
        assert_eq!(batch.paths, paths(&["main.py"]));
    }
}

async fn until_true(mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "it never came true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
