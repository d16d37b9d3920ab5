use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::{Duration, Instant, SystemTime};

use nasiko_contract::{ErrorCode, Fault};
use tempfile::TempDir;

use super::*;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(temp.path(), path, text);
    }
    temp
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

fn take(root: &Path) -> Snapshot {
    Snapshot::take(
        root,
        &SnapshotOptions::default(),
        None,
        &CancellationToken::new(),
    )
    .unwrap()
}

fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

/// Path, mode and content of every entry of a tar.
fn entries(tar: &[u8]) -> BTreeMap<String, (u32, String)> {
    let mut archive = tar::Archive::new(tar);
    archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            if let Some(target) = entry.link_name().unwrap() {
                content = format!("-> {}", target.display());
            }
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (0, 0));
            (
                entry.path().unwrap().display().to_string(),
                (header.mode().unwrap(), content),
            )
        })
        .collect()
}

#[test]
fn files_are_sorted_and_what_never_belongs_is_left_out() {
    let temp = folder(&[
        ("main.py", "x"),
        ("a/b.py", "y"),
        (".git/config", ""),
        ("a/__pycache__/b.pyc", ""),
        ("web/node_modules/x/index.js", ""),
        ("environment/pyvenv.cfg", ""),
        ("environment/bin/python", ""),
        ("target/CACHEDIR.TAG", ""),
        ("other/target/kept.txt", ""),
        (".DS_Store", ""),
        (".main.py.swp", ""),
        ("main.py~", ""),
        (".env", "A=1"),
    ]);
    let snapshot = take(temp.path());
    assert_eq!(
        paths(&snapshot),
        [".env", "a/b.py", "main.py", "other/target/kept.txt"]
    );
    assert_eq!(snapshot.bytes, 5);
    assert!(snapshot.file("a/b.py").is_some() && snapshot.file("a").is_none());
    assert!(
        snapshot.has_directory("a")
            && snapshot.has_directory("")
            && !snapshot.has_directory("a/b.py")
    );
}

#[test]
fn dockerignore_decides_and_may_bring_defaults_back() {
    let temp = folder(&[
        (
            ".dockerignore",
            "docs\n!docs/keep.md\n*.log\n!node_modules\n",
        ),
        ("docs/a.md", ""),
        ("docs/keep.md", ""),
        ("x.log", ""),
        ("sub/x.log", ""),
        ("node_modules/a.js", ""),
        ("Dockerfile", "FROM x"),
    ]);
    let expected = [
        ".dockerignore",
        "Dockerfile",
        "docs/keep.md",
        "node_modules/a.js",
        "sub/x.log",
    ];
    assert_eq!(paths(&take(temp.path())), expected);

    let more = SnapshotOptions {
        ignore: vec!["sub".to_owned()],
        ..SnapshotOptions::default()
    };
    let snapshot = Snapshot::take(temp.path(), &more, None, &CancellationToken::new()).unwrap();
    assert_eq!(paths(&snapshot), expected[..4]);

    let all = SnapshotOptions {
        use_dockerignore: false,
        use_defaults: false,
        ..SnapshotOptions::default()
    };
    let snapshot = Snapshot::take(temp.path(), &all, None, &CancellationToken::new()).unwrap();
    assert_eq!(snapshot.files.len(), 7);
}

#[test]
fn the_hash_follows_content_names_and_executable_bits_only() {
    let temp = folder(&[("a", "1"), ("b", "2")]);
    let first = take(temp.path()).hash;
    assert_eq!(first.short12().len(), 12);
    assert!(first.to_string().starts_with(&first.short12()));

    let file = fs_err::File::options()
        .write(true)
        .open(temp.path().join("a"))
        .unwrap();
    file.file()
        .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1000))
        .unwrap();
    assert_eq!(take(temp.path()).hash, first, "times do not count");

    let other = folder(&[("a", "1"), ("b", "2")]);
    assert_eq!(take(other.path()).hash, first, "places do not count");

    write(temp.path(), "a", "3");
    let changed = take(temp.path()).hash;
    assert_ne!(changed, first);
    fs_err::rename(temp.path().join("a"), temp.path().join("c")).unwrap();
    assert_ne!(take(temp.path()).hash, changed);

    let swapped = folder(&[("a", "2"), ("b", "1")]);
    assert_ne!(take(swapped.path()).hash, first);
    fs_err::create_dir(other.path().join("empty")).unwrap();
    assert_ne!(
        take(other.path()).hash,
        first,
        "an empty directory may be copied"
    );
}

#[cfg(unix)]
#[test]
fn modes_links_and_unreadable_names() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::PermissionsExt as _;

    let temp = folder(&[("run.sh", "echo"), ("plain", "x")]);
    let before = take(temp.path()).hash;
    let script = temp.path().join("run.sh");
    fs_err::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    let executable = take(temp.path());
    assert_ne!(executable.hash, before);
    fs_err::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(
        take(temp.path()).hash,
        executable.hash,
        "only whether it may be executed counts"
    );

    fs_err::os::unix::fs::symlink("/etc/passwd", temp.path().join("link")).unwrap();
    fs_err::os::unix::fs::symlink("nowhere", temp.path().join("dangling")).unwrap();
    let odd = OsStr::from_bytes(b"odd-\xff");
    fs_err::write(temp.path().join(odd), "odd").unwrap();
    std::os::unix::net::UnixListener::bind(temp.path().join("socket")).unwrap();
    let snapshot = take(temp.path());
    assert_eq!(
        snapshot.file("link").unwrap().kind,
        FileKind::Symlink {
            target: "/etc/passwd".to_owned()
        }
    );
    assert_eq!(snapshot.skipped.len(), 1);
    assert_eq!(snapshot.skipped[0].path, "socket");
    let raw = snapshot
        .files
        .iter()
        .find_map(|file| file.raw.clone())
        .unwrap();
    assert_eq!(raw, odd);

    let mut tar = Vec::new();
    snapshot.write_tar(temp.path(), &[], &mut tar).unwrap();
    let entries = entries(&tar);
    assert_eq!(
        entries["link"].1, "-> /etc/passwd",
        "a link is never followed"
    );
    assert_eq!(entries["run.sh"].0, 0o755);
    assert_eq!(entries["plain"].0, 0o644);
    assert!(entries.values().any(|(_, content)| content == "odd"));
}

#[test]
fn the_same_content_gives_the_same_tar() {
    let files = [("b/c.py", "1"), ("a.py", "2"), ("Dockerfile", "FROM own")];
    let (one, two) = (folder(&files), folder(&files));
    fs_err::create_dir(one.path().join("empty")).unwrap();
    fs_err::create_dir(two.path().join("empty")).unwrap();
    let extra = [("Dockerfile".to_owned(), b"FROM generated".to_vec())];
    let tars: Vec<Vec<u8>> = [&one, &two]
        .into_iter()
        .map(|temp| {
            let mut tar = Vec::new();
            take(temp.path())
                .write_tar(temp.path(), &extra, &mut tar)
                .unwrap();
            tar
        })
        .collect();
    assert_eq!(tars[0], tars[1]);
    let entries = entries(&tars[0]);
    assert_eq!(entries["Dockerfile"].1, "FROM generated");
    assert_eq!(
        entries.keys().collect::<Vec<_>>(),
        ["Dockerfile", "a.py", "b/c.py", "empty/"]
    );
}

#[test]
fn a_file_that_changed_since_is_not_packed() {
    let temp = folder(&[("a", "1")]);
    let snapshot = take(temp.path());
    let packed = || snapshot.write_tar(temp.path(), &[], Vec::new());
    write(temp.path(), "a", "longer");
    let changed = packed();
    assert!(
        matches!(changed, Err(WorkshopError::FolderChanged { .. })),
        "{changed:?}"
    );
    fs_err::remove_file(temp.path().join("a")).unwrap();
    let gone = packed();
    assert!(
        matches!(gone, Err(WorkshopError::FolderChanged { .. })),
        "{gone:?}"
    );
}

#[test]
fn the_cache_is_believed_only_for_settled_unchanged_files() {
    let temp = folder(&[("a", "1"), ("b", "2")]);
    let old = SystemTime::now() - Duration::from_secs(60);
    let mut cache = SnapshotCache::default();
    let options = SnapshotOptions::default();
    let cancel = CancellationToken::new();
    let first = Snapshot::take(temp.path(), &options, Some(&mut cache), &cancel).unwrap();
    assert!(
        cache.is_empty(),
        "files written this instant may change again within the clock's grain"
    );

    // Their inodes' clock cannot be set back, so the cache is filled by waiting for it.
    let deadline = Instant::now() + Duration::from_secs(5);
    while cache.len() < 2 {
        assert!(Instant::now() < deadline, "the files never settled");
        Snapshot::take(temp.path(), &options, Some(&mut cache), &cancel).unwrap();
    }
    let memory = folder(&[]);
    let path = memory.path().join("snapshots/cache.bin");
    cache.save(&path).unwrap();
    let mut loaded = SnapshotCache::load(&path);
    assert_eq!(loaded.len(), 2);
    assert_eq!(
        Snapshot::take(temp.path(), &options, Some(&mut loaded), &cancel)
            .unwrap()
            .hash,
        first.hash
    );

    // Same size, and the time of the content set back: the inode's own time tells.
    let before = fs_err::metadata(temp.path().join("a"))
        .unwrap()
        .modified()
        .unwrap();
    write(temp.path(), "a", "9");
    let file = fs_err::File::options()
        .write(true)
        .open(temp.path().join("a"))
        .unwrap();
    file.file().set_modified(before).unwrap();
    assert!(before > old);
    let changed = Snapshot::take(temp.path(), &options, Some(&mut loaded), &cancel).unwrap();
    assert_ne!(changed.hash, first.hash);
    fs_err::remove_file(temp.path().join("b")).unwrap();
    Snapshot::take(temp.path(), &options, Some(&mut loaded), &cancel).unwrap();
    assert!(loaded.len() < 2, "what is gone is forgotten");
}

#[test]
fn a_damaged_cache_is_an_empty_one() {
    let temp = folder(&[
        ("none", ""),
        ("garbage", "nskcach1\u{1}\u{0}"),
        ("short", "nsk"),
    ]);
    for name in ["none", "garbage", "short", "missing"] {
        assert!(
            SnapshotCache::load(&temp.path().join(name)).is_empty(),
            "{name}"
        );
    }
}

#[test]
fn limits_refuse_with_the_largest_files() {
    let temp = folder(&[
        ("small", "1"),
        ("large.bin", &"x".repeat(5000)),
        ("middle", &"x".repeat(500)),
    ]);
    let options = SnapshotOptions {
        max_bytes: 1000,
        ..SnapshotOptions::default()
    };
    let error = Snapshot::take(temp.path(), &options, None, &CancellationToken::new()).unwrap_err();
    let fault = Fault::from(error);
    assert_eq!(fault.code, ErrorCode::ContextTooLarge);
    assert!(
        fault.evidence[0].starts_with("large.bin"),
        "{:?}",
        fault.evidence
    );
    assert!(fault.hint.unwrap().contains(".dockerignore"));

    let options = SnapshotOptions {
        max_files: 2,
        ..SnapshotOptions::default()
    };
    let error = Snapshot::take(temp.path(), &options, None, &CancellationToken::new()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ContextTooLarge);
}

#[test]
fn a_cancel_is_heard() {
    let temp = folder(&[("a", "1")]);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error =
        Snapshot::take(temp.path(), &SnapshotOptions::default(), None, &cancel).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

#[test]
fn many_files_are_hashed_alike_on_several_threads() {
    let temp = tempfile::tempdir().unwrap();
    for index in 0..300 {
        write(
            temp.path(),
            &format!("d{}/f{index}", index % 7),
            &index.to_string(),
        );
    }
    let snapshot = take(temp.path());
    assert_eq!(snapshot.files.len(), 300);
    for file in &snapshot.files {
        let content = fs_err::read(temp.path().join(&file.path)).unwrap();
        assert_eq!(file.hash, blake3::hash(&content), "{}", file.path);
    }
    assert_eq!(take(temp.path()).hash, snapshot.hash);
}

#[test]
fn a_file_that_goes_before_it_is_read_is_not_there() {
    let temp = folder(&[("stays", "1"), ("goes", "2")]);
    let options = SnapshotOptions::default();
    let listing = Listing::of(temp.path(), &options, &CancellationToken::new()).unwrap();
    fs_err::remove_file(temp.path().join("goes")).unwrap();
    write(temp.path(), "stays", "longer");
    let mut skipped = Vec::new();
    let cancel = CancellationToken::new();
    let files = cache::hash_all(temp.path(), listing.files, None, &mut skipped, &cancel).unwrap();
    assert_eq!((files.len(), skipped.len()), (1, 0));
    assert_eq!(files[0].size, 6, "the size is that of what was read");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt as _;

    let temp = folder(&[("open", "1"), ("closed", "2"), ("d/x", "3")]);
    for path in ["closed", "d"] {
        let none = std::fs::Permissions::from_mode(0o000);
        fs_err::set_permissions(temp.path().join(path), none).unwrap();
    }
    if fs_err::File::open(temp.path().join("closed")).is_ok() {
        return; // Nothing is closed to root.
    }
    let snapshot = take(temp.path());
    let skipped: Vec<_> = snapshot
        .skipped
        .iter()
        .map(|skipped| skipped.path.as_str())
        .collect();
    assert_eq!(
        (paths(&snapshot), skipped),
        (vec!["open"], vec!["closed", "d"])
    );
    let named = ["closed", "d"].map(str::to_owned).into();
    let refreshed = snapshot.refresh(
        temp.path(),
        &SnapshotOptions::default(),
        &named,
        &CancellationToken::new(),
    );
    assert_eq!(refreshed.unwrap(), snapshot);
    fs_err::set_permissions(
        temp.path().join("d"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
}
