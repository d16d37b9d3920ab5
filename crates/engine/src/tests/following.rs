use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;

use super::*;

/// A socket of the engine the tests may use, or a line that says which test was skipped and why.
async fn engine_or_skip(test: &str) -> Option<PathBuf> {
    let given = std::env::var("NASIKO_TEST_DOCKER_HOST").ok();
    let host = given.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned());
    let engine = Engine::new(EngineConfig::at(&host));
    let reason = match (engine.client().await, host.strip_prefix("unix://")) {
        (Ok(_), Some(path)) => return Some(path.into()),
        (Ok(_), None) => "the engine has no socket".to_owned(),
        (Err(error), _) => error.to_string(),
    };
    let Some(file) = std::env::var_os("NASIKO_TEST_SKIPS") else {
        println!("SKIP {test}: {reason}");
        return None;
    };
    let mut file = fs_err::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)
        .unwrap();
    writeln!(file, "SKIP {test}: {reason}").unwrap();
    None
}

async fn next(follow: &mut Follow) -> Signal {
    tokio::time::timeout(PATIENCE, follow.next())
        .await
        .expect("the engine's coming or going is told in time")
        .expect("following never ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_comes_and_goes_is_told_and_found_again() {
    let name = "an_engine_that_comes_and_goes_is_told_and_found_again";
    let Some(socket) = engine_or_skip(name).await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.sock");
    let engine = Arc::new(Engine::new(at(&path)));
    let mut follow = engine.follow(Filters::new());
    assert!(matches!(next(&mut follow).await, Signal::Down { .. }));
    for _ in 0..2 {
        let stop = testing::relay(&path, socket.clone()).unwrap();
        assert!(matches!(next(&mut follow).await, Signal::Up));
        assert!(engine.about().await.unwrap().version.contains("API"));
        assert!(engine.is_local());
        assert_eq!(engine.chosen().unwrap().source, Source::Given);
        stop.cancel();
        loop {
            match next(&mut follow).await {
                // What others do in the engine meanwhile.
                Signal::Event(_) => {}
                Signal::Down { .. } => break,
                Signal::Up => panic!("it is told to be up twice"),
            }
        }
        let failed = engine.client().await.unwrap_err();
        assert_eq!(failed.code(), ErrorCode::EngineAbsent, "{failed}");
        assert!(engine.chosen().is_none());
    }
}
