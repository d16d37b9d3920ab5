//! What a text names, and repositories.

use std::process::Command;
use std::time::Instant;

use super::*;

fn git(url: &str, branch: Option<&str>) -> Source {
    Source::Git {
        url: url.to_owned(),
        branch: branch.map(str::to_owned),
    }
}

#[test]
fn texts_are_told_apart() {
    for (text, expected) in [
        (
            "https://github.com/a/b",
            git("https://github.com/a/b", None),
        ),
        (
            "https://github.com/a/b.git#dev",
            git("https://github.com/a/b.git", Some("dev")),
        ),
        (
            "https://github.com/a/b/tree/feature/x",
            git("https://github.com/a/b", Some("feature/x")),
        ),
        ("git@host.org:a/b.git", git("git@host.org:a/b.git", None)),
        ("ssh://git@host/a", git("ssh://git@host/a", None)),
        (
            "someone/some-agent",
            git("https://github.com/someone/some-agent.git", None),
        ),
    ] {
        assert_eq!(Source::parse(text).unwrap(), expected, "{text}");
    }
    assert_eq!(
        git("https://x/a/My_Repo.git", None).suggested_name(),
        "my-repo"
    );
    assert_eq!(
        Source::Archive("/x/Agent v1.tar.gz".into()).suggested_name(),
        "agent-v1"
    );
}

#[test]
fn files_are_told_by_their_first_bytes() {
    let place = Place::new();
    for (name, bytes) in [
        ("a.bin", zip(&[("x", "y")])),
        ("b.zip", gzip(&tar(&[file("x", "y")]))),
        ("c", tar(&[file("x", "y")])),
    ] {
        fs_err::write(place.path(name), bytes).unwrap();
        assert!(
            matches!(
                Source::parse(place.path(name).to_str().unwrap()),
                Ok(Source::Archive(_))
            ),
            "{name}"
        );
    }
    fs_err::write(place.path("fake.zip"), "not a zip").unwrap();
    let fault = Fault::from(Source::parse(place.path("fake.zip").to_str().unwrap()).unwrap_err());
    assert_eq!(fault.code, ErrorCode::NotAnAgentSource);
    assert!(fault.message.contains("fake.zip") && fault.hint.unwrap().contains(".zip"));
}

#[test]
fn a_path_that_is_not_there_offers_the_nearest() {
    let place = Place::new();
    fs_err::create_dir(place.path("greeter")).unwrap();
    let fault = Fault::from(Source::parse(place.path("greter").to_str().unwrap()).unwrap_err());
    assert_eq!(fault.code, ErrorCode::PathNotFound);
    assert!(fault.message.contains("greter"), "{}", fault.message);
    assert_eq!(
        fault.hint.unwrap(),
        format!("Did you mean {}?", place.path("greeter").display())
    );
    let fault = Fault::from(Source::parse(place.path("zzzzzz").to_str().unwrap()).unwrap_err());
    assert_eq!(fault.hint.unwrap(), "Check the spelling of the path");
    for text in ["", "http://x/y.git", "ftp://x/y", "ext::sh -c evil"] {
        let code = Source::parse(text).unwrap_err().code();
        assert!(
            matches!(code, ErrorCode::NotAnAgentSource | ErrorCode::PathNotFound),
            "{text}: {code:?}"
        );
    }
}

#[tokio::test]
async fn a_folder_is_used_where_it_is() {
    let place = Place::new();
    fs_err::create_dir(place.path("agent")).unwrap();
    let source = Source::parse(place.path("agent").to_str().unwrap()).unwrap();
    let root = acquire(
        &source,
        &place.path("into"),
        &Limits::default(),
        &|_| {},
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_eq!(root, fs_err::canonicalize(place.path("agent")).unwrap());
    assert!(!place.has("into"));
}

/// A repository with one commit on `main` and another on `dev`.
fn repository(place: &Place) -> String {
    let path = place.path("origin");
    fs_err::create_dir(&path).unwrap();
    let git = |arguments: &[&str]| {
        let identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@localhost",
            "-c",
            "commit.gpgsign=false",
        ];
        let done = Command::new("git")
            .current_dir(&path)
            .args(identity)
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    git(&["init", "-q", "-b", "main"]);
    fs_err::write(path.join("main.py"), "x").unwrap();
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "one"]);
    git(&["checkout", "-q", "-b", "dev"]);
    fs_err::write(path.join("dev.py"), "x").unwrap();
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "two"]);
    git(&["checkout", "-q", "main"]);
    format!("file://{}", path.display())
}

async fn clone(
    place: &Place,
    source: &Source,
    limits: &Limits,
    cancel: &CancellationToken,
) -> Result<PathBuf, WorkshopError> {
    acquire(source, &place.path("into"), limits, &|_| {}, cancel).await
}

#[tokio::test]
async fn repositories_are_cloned() {
    let place = Place::new();
    let url = repository(&place);
    let cancel = CancellationToken::new();
    let root = clone(
        &place,
        &Source::parse(&url).unwrap(),
        &Limits::default(),
        &cancel,
    )
    .await
    .unwrap();
    assert!(
        root.ends_with("into/origin")
            && root.join("main.py").is_file()
            && !root.join("dev.py").is_file()
    );

    let other = Place::new();
    let source = Source::parse(&format!("{url}#dev")).unwrap();
    let root = clone(&other, &source, &Limits::default(), &cancel)
        .await
        .unwrap();
    assert!(root.join("dev.py").is_file());
}

#[tokio::test]
async fn a_clone_that_fails_shows_what_git_said() {
    let place = Place::new();
    let url = repository(&place);
    let cancel = CancellationToken::new();
    let missing = git(&format!("{url}-gone"), None);
    let fault = Fault::from(
        clone(&place, &missing, &Limits::default(), &cancel)
            .await
            .unwrap_err(),
    );
    assert_eq!(fault.code, ErrorCode::GitFailed);
    assert!(
        fault.evidence.iter().any(|line| line.contains("does not")),
        "{:?}",
        fault.evidence
    );
    assert!(fault.retryable && fault.hint.is_some());

    let branch = git(&url, Some("--upload-pack=touch evil"));
    let fault = Fault::from(
        clone(&place, &branch, &Limits::default(), &cancel)
            .await
            .unwrap_err(),
    );
    assert_eq!(fault.code, ErrorCode::GitFailed);

    let option = git("--upload-pack=touch evil", None);
    assert_eq!(
        clone(&place, &option, &Limits::default(), &cancel)
            .await
            .unwrap_err()
            .code(),
        ErrorCode::GitFailed
    );
    let helper = git("ext::sh -c touch% evil", None);
    let fault = Fault::from(
        clone(&place, &helper, &Limits::default(), &cancel)
            .await
            .unwrap_err(),
    );
    assert!(
        fault
            .evidence
            .iter()
            .any(|line| line.contains("not allowed")),
        "{:?}",
        fault.evidence
    );
    assert!(!place.has("into/origin"));
}

#[tokio::test]
async fn a_clone_from_a_server_that_never_answers_ends_by_cancel_or_limit() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = git(
        &format!("git://{}/agent", silent.local_addr().unwrap()),
        None,
    );
    let place = Place::new();
    let limits = Limits {
        clone_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let begun = Instant::now();
    let fault = Fault::from(
        clone(&place, &source, &limits, &CancellationToken::new())
            .await
            .unwrap_err(),
    );
    assert_eq!(fault.code, ErrorCode::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(10));

    silent.accept().await.unwrap();

    let cancel = CancellationToken::new();
    let limits = Limits::default();
    let (error, ()) = tokio::join!(clone(&place, &source, &limits, &cancel), async {
        // The connection is accepted once `git` is under way.
        silent.accept().await.unwrap();
        cancel.cancel();
    });
    assert_eq!(error.unwrap_err().code(), ErrorCode::Cancelled);

    // Dropped half-way: the connection ends, so the program is gone.
    let under_way = tokio::spawn({
        let (source, into) = (source.clone(), place.path("into"));
        async move {
            let cancel = CancellationToken::new();
            acquire(&source, &into, &Limits::default(), &|_| {}, &cancel).await
        }
    });
    let (mut connection, _) = silent.accept().await.unwrap();
    under_way.abort();
    let mut request = Vec::new();
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut request);
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap()
        .unwrap();
    assert!(!place.has("into/agent"));
}

#[test]
fn credentials_are_kept_out_of_messages() {
    let source = Source::parse("https://me:token@host/a/b.git").unwrap();
    let Source::Git { url, .. } = source else {
        panic!("no repository")
    };
    let fault = Fault::from(WorkshopError::GitFailed {
        url: source::git_display(&url),
        stderr: Vec::new(),
    });
    assert!(
        !fault.message.contains("token") && fault.message.contains("host/a/b.git"),
        "{}",
        fault.message
    );
}
