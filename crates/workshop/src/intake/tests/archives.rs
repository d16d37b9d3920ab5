//! Archives, good and bad.

use super::*;

#[tokio::test]
async fn a_wrapping_directory_is_descended_and_junk_left_out() {
    let place = Place::new();
    let archive = zip(&[
        ("agent-main/", ""),
        ("agent-main/main.py", "x"),
        ("agent-main/pkg/a.py", "y"),
        ("agent-main/.git/config", ""),
        ("agent-main/.DS_Store", ""),
        ("agent-main/web/node_modules/a.js", ""),
        ("__MACOSX/agent-main/._main.py", ""),
    ]);
    let root = place.acquire(&archive, &Limits::default()).await.unwrap();
    assert!(root.ends_with("my-agent/agent-main"), "{}", root.display());
    assert_eq!(names(&root), ["main.py", "pkg/a.py"]);
}

#[tokio::test]
async fn an_archive_without_a_wrapper_is_named_after_its_file() {
    let place = Place::new();
    let root = place
        .acquire(
            &zip(&[("main.py", "x"), ("src/a.py", "")]),
            &Limits::default(),
        )
        .await
        .unwrap();
    assert!(root.ends_with("my-agent"));
    assert_eq!(names(&root), ["main.py", "src/a.py"]);
    let only_src = Place::new();
    let root = only_src
        .acquire(&zip(&[("src/main.py", "x")]), &Limits::default())
        .await
        .unwrap();
    assert_eq!(names(&root), ["src/main.py"]);
}

#[cfg(unix)]
#[tokio::test]
async fn executable_bits_are_kept_and_others_are_not() {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = |path: PathBuf| fs_err::metadata(path).unwrap().permissions().mode() & 0o7777;
    let place = Place::new();
    let entries = [
        TarEntry {
            mode: 0o4755,
            ..file("run.sh", "x")
        },
        TarEntry {
            mode: 0o600,
            ..file("plain", "x")
        },
    ];
    let root = place
        .acquire(&gzip(&tar(&entries)), &Limits::default())
        .await
        .unwrap();
    assert_eq!(mode(root.join("run.sh")), 0o755, "no set-user-id");
    assert_eq!(mode(root.join("plain")) & 0o111, 0);

    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file(
            "run.sh",
            SimpleFileOptions::default().unix_permissions(0o755),
        )
        .unwrap();
    let place = Place::new();
    let root = place
        .acquire(&writer.finish().unwrap().into_inner(), &Limits::default())
        .await
        .unwrap();
    assert_eq!(mode(root.join("run.sh")), 0o755);
}

#[tokio::test]
async fn names_that_leave_the_archive_are_refused() {
    for name in [
        "../evil",
        "a/../../evil",
        "/etc/evil",
        "C:\\evil",
        "a\\..\\..\\evil",
    ] {
        for archive in [
            zip(&[("fine", "x"), (name, "x")]),
            tar(&[file("fine", "x"), file(name, "x")]),
        ] {
            let fault = Place::new().refused(&archive, &Limits::default()).await;
            assert_eq!(fault.code, ErrorCode::ArchiveEscapes, "{name}");
            assert_eq!(fault.evidence.len(), 1, "{name}");
            assert!(
                fault.evidence[0].contains("evil"),
                "{name}: {:?}",
                fault.evidence
            );
            assert!(
                fault.message.contains("..") || fault.message.contains("absolute"),
                "{}",
                fault.message
            );
            assert!(fault.hint.is_some());
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn links_within_stay_and_links_that_leave_are_refused() {
    let place = Place::new();
    let root = place
        .acquire(
            &tar(&[link("z", "a/b"), file("a/b", "x"), link("a/up", "../z")]),
            &Limits::default(),
        )
        .await
        .unwrap();
    assert_eq!(fs_err::read_to_string(root.join("a/up")).unwrap(), "x");

    let outside: [&[TarEntry<'_>]; 7] = [
        &[link("d", ".."), link("d/evil", "x")],
        &[link("evil", "/etc/passwd")],
        &[link("evil", "../../outside")],
        &[link("a/evil", "../../x")],
        // A link through a link: each looks harmless alone.
        &[
            file("a/b/c", ""),
            link("a/b/up", "../.."),
            link("evil", "a/b/up/../x"),
        ],
        // A file written through a link.
        &[link("d", ".."), file("d/evil", "x")],
        &[link("evil", "..")],
    ];
    for entries in outside {
        let place = Place::new();
        let fault = place.refused(&tar(entries), &Limits::default()).await;
        let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
        assert_eq!(
            fault.code,
            ErrorCode::ArchiveEscapes,
            "{names:?}: {fault:?}"
        );
        assert!(!place.has("evil"), "{names:?}");
        assert!(!place.has("into/evil"), "{names:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_zip_with_a_link_that_leaves_is_refused() {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_symlink("evil", "/etc/shadow", SimpleFileOptions::default())
        .unwrap();
    let fault = Place::new()
        .refused(&writer.finish().unwrap().into_inner(), &Limits::default())
        .await;
    assert_eq!(fault.code, ErrorCode::ArchiveEscapes);
    assert_eq!(fault.evidence, ["evil"]);
}

#[tokio::test]
async fn hard_links_become_copies_and_may_not_leave() {
    let hard = |name, target| TarEntry {
        kind: tar::EntryType::Link,
        ..link(name, target)
    };
    let root = Place::new();
    let path = root
        .acquire(
            &tar(&[file("a", "text"), hard("b", "a")]),
            &Limits::default(),
        )
        .await
        .unwrap();
    assert_eq!(fs_err::read_to_string(path.join("b")).unwrap(), "text");
    for target in ["/etc/passwd", "../x", "missing"] {
        let fault = Place::new()
            .refused(&tar(&[hard("evil", target)]), &Limits::default())
            .await;
        assert_eq!(fault.code, ErrorCode::ArchiveEscapes, "{target}");
    }
}

#[tokio::test]
async fn devices_are_refused() {
    for kind in [
        tar::EntryType::Char,
        tar::EntryType::Block,
        tar::EntryType::Fifo,
    ] {
        let fault = Place::new()
            .refused(
                &tar(&[TarEntry {
                    kind,
                    ..file("dev/null", "")
                }]),
                &Limits::default(),
            )
            .await;
        assert_eq!(fault.code, ErrorCode::ArchiveEscapes);
        assert!(fault.message.contains("device"), "{}", fault.message);
        assert_eq!(fault.evidence, ["dev/null"]);
    }
}

#[tokio::test]
async fn bombs_are_refused_by_what_really_comes_out() {
    let zeros = "\0".repeat(2 << 20);
    let bombs = [
        zip(&[("bomb", &zeros)]),
        gzip(&tar(&[file("bomb", &zeros)])),
    ];
    for bomb in &bombs {
        let small = Limits {
            inflated_bytes: 1 << 20,
            ..Limits::default()
        };
        let fault = Place::new().refused(bomb, &small).await;
        assert_eq!(fault.code, ErrorCode::ArchiveTooLarge);
        assert!(fault.message.contains("1 MiB"), "{}", fault.message);
        assert_eq!(fault.evidence, ["bomb"]);

        let ratio = Limits {
            ratio_floor: 1 << 20,
            ratio: 50,
            ..Limits::default()
        };
        let fault = Place::new().refused(bomb, &ratio).await;
        assert_eq!(fault.code, ErrorCode::ArchiveTooLarge);
        assert!(fault.message.contains("50 times"), "{}", fault.message);
    }
    // The size in the headers is a claim: here it says one byte.
    let mut lying = bombs[0].clone();
    let size = (2_u32 << 20).to_le_bytes();
    let claims: Vec<usize> = lying
        .windows(4)
        .enumerate()
        .filter(|(_, window)| *window == size)
        .map(|(at, _)| at)
        .collect();
    assert!(!claims.is_empty());
    for at in claims {
        lying[at..at + 4].copy_from_slice(&1_u32.to_le_bytes());
    }
    let small = Limits {
        inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    let fault = Place::new().refused(&lying, &small).await;
    assert!(
        matches!(
            fault.code,
            ErrorCode::ArchiveTooLarge | ErrorCode::ArchiveBroken
        ),
        "{fault:?}"
    );
}

#[tokio::test]
async fn too_many_entries_are_refused() {
    let names: Vec<String> = (0..20).map(|index| format!("f{index}")).collect();
    let entries: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let limits = Limits {
        entries: 10,
        ..Limits::default()
    };
    let fault = Place::new().refused(&zip(&entries), &limits).await;
    assert_eq!(fault.code, ErrorCode::ArchiveTooLarge);
    assert!(fault.message.contains("10 entries"), "{}", fault.message);
    assert_eq!(Limits::default().entries, 10_000);
}

#[tokio::test]
async fn broken_archives_say_so() {
    let whole = zip(&[("a", &"text".repeat(1000))]);
    let fault = Place::new()
        .refused(&whole[..whole.len() / 2], &Limits::default())
        .await;
    assert_eq!(fault.code, ErrorCode::ArchiveBroken);
    assert!(fault.hint.unwrap().contains("again"));
    let whole = gzip(&tar(&[file("a", &"text".repeat(1000))]));
    let fault = Place::new()
        .refused(&whole[..whole.len() / 2], &Limits::default())
        .await;
    assert_eq!(fault.code, ErrorCode::ArchiveBroken, "{fault:?}");
}

#[tokio::test]
async fn extraction_reports_and_can_be_cancelled() {
    let names: Vec<String> = (0..200).map(|index| format!("f{index}")).collect();
    let entries: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let place = Place::new();
    let archive = place.path("a.zip");
    fs_err::write(&archive, zip(&entries)).unwrap();
    let source = Source::Archive(archive);
    let seen = Mutex::new(Vec::new());
    let cancel = CancellationToken::new();
    acquire(
        &source,
        &place.path("one"),
        &Limits::default(),
        &|report| seen.lock().push(report),
        &cancel,
    )
    .await
    .unwrap();
    assert!(!seen.lock().is_empty());

    cancel.cancel();
    let error = acquire(
        &source,
        &place.path("two"),
        &Limits::default(),
        &|_| {},
        &cancel,
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert!(!place.has("two/a"));
}
