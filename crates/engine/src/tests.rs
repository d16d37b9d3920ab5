use std::io::{self, Write as _};
use std::path::Path;

use nasiko_contract::{ErrorCode, Fault};
use tokio::net::UnixListener;

use super::*;

mod discovery;
mod following;
mod removing;

const PATIENCE: Duration = Duration::from_secs(20);

fn at(socket: &Path) -> EngineConfig {
    EngineConfig::at(format!("unix://{}", socket.display()))
}

#[test]
fn a_socket_that_cannot_be_opened_is_absent_refused_or_stopped() {
    for (kind, code) in [
        (io::ErrorKind::NotFound, ErrorCode::EngineAbsent),
        (io::ErrorKind::PermissionDenied, ErrorCode::EngineRefused),
        (io::ErrorKind::ConnectionRefused, ErrorCode::EngineStopped),
    ] {
        let error = unreachable_engine("unix:///x", &kind.into());
        assert_eq!(error.code(), code, "{kind}");
    }
}

#[tokio::test]
async fn an_engine_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let absent = Engine::new(at(&folder.path().join("absent.sock")));
    let failed = absent.client().await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::EngineAbsent, "{failed}");

    // A socket that nobody listens on any more, as a stopped engine leaves it.
    let stale = folder.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let failed = Engine::new(at(&stale)).client().await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::EngineStopped, "{failed}");
    let fault = Fault::from(failed);
    assert!(fault.retryable && fault.hint.is_some());

    // One that takes calls and never answers.
    let deaf = folder.path().join("deaf.sock");
    let _listener = UnixListener::bind(&deaf).unwrap();
    let failed = Engine::new(at(&deaf)).client().await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::EngineStopped, "{failed}");

    for address in [
        "nonsense",
        "ssh://me@there",
        "https://there:2376",
        "npipe:////./pipe/docker_engine",
    ] {
        let engine = Engine::new(EngineConfig::at(address));
        let failed = engine.client().await.unwrap_err();
        assert!(
            matches!(failed, EngineError::AddressInvalid { .. }),
            "{address}: {failed}"
        );
    }
}

#[test]
fn a_full_disk_is_known_by_the_engines_words() {
    let failed = EngineError::Failed {
        what: "a build",
        status: 500,
        message: "write /x: no space left on device".to_owned(),
    };
    assert_eq!(failed.code(), ErrorCode::DiskFull);
    assert!(Fault::from(failed).hint.unwrap().contains("space"));
}

#[tokio::test]
async fn what_is_written_arrives_and_what_breaks_off_is_an_error() {
    use futures::StreamExt as _;
    let size = 300_000;
    let (chunks, writing) = written(move |out| out.write_all(&vec![7; size]));
    let received: Vec<_> = chunks.map(Result::unwrap).collect().await;
    assert_eq!(received.iter().map(bytes::Bytes::len).sum::<usize>(), size);
    assert!(received.len() > 2);
    writing.await.unwrap().unwrap();

    let (chunks, writing) = written(|out| {
        out.write_all(b"half")?;
        Err(io::Error::other("the disk is gone"))
    });
    let received: Vec<_> = chunks.collect().await;
    assert!(received.last().unwrap().is_err());
    assert!(writing.await.unwrap().is_err());

    // Nobody takes it: no failure of whoever writes.
    let (chunks, writing) = written(move |out| out.write_all(&vec![7; 10 * 1024 * 1024]));
    drop(chunks);
    writing.await.unwrap().unwrap();
}

#[test]
fn entries_and_an_archive_are_one_archive() {
    let mut whole = Vec::new();
    tar_entry(&mut whole, "first", b"FROM scratch\n").unwrap();
    let mut inner = tar::Builder::new(&mut whole);
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_cksum();
    inner
        .append_data(&mut header, "second", &b"hello"[..])
        .unwrap();
    inner.finish().unwrap();
    drop(inner);
    whole.flush().unwrap();
    let mut archive = tar::Archive::new(&whole[..]);
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    assert_eq!(names, ["first", "second"]);
}
