//! Engines that are absent, deaf, or come and go.

use nasiko_engine::testing::relay;
use tokio::net::UnixListener;

use super::*;

fn at(socket: &Path) -> DockerConfig {
    DockerConfig {
        engine: EngineConfig::at(format!("unix://{}", socket.display())),
        ..DockerConfig::new("nobody")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let absent = DockerRuntime::new(at(&folder.path().join("absent.sock")));
    let mut events = absent.events();
    assert_eq!(
        absent.list().await.unwrap_err().code(),
        ErrorCode::EngineAbsent
    );
    event(&mut events, |event| {
        matches!(event, RuntimeEvent::EngineDown { .. }).then_some(())
    })
    .await;

    // A socket that nobody listens on any more, as a stopped engine leaves it.
    let stale = folder.path().join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    let failed = DockerRuntime::new(at(&stale)).list().await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::EngineStopped, "{failed}");
    let fault = nasiko_contract::Fault::from(failed);
    assert!(fault.retryable && fault.hint.is_some());

    // One that takes calls and never answers.
    let deaf = folder.path().join("deaf.sock");
    let _listener = UnixListener::bind(&deaf).unwrap();
    let failed = DockerRuntime::new(at(&deaf)).list().await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::EngineStopped, "{failed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_comes_and_goes_is_told_and_found_again() {
    let Some(host) = engine_or_skip("an_engine_that_comes_and_goes_is_told_and_found_again").await
    else {
        return;
    };
    let Some(engine) = host.strip_prefix("unix://").map(PathBuf::from) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("engine.sock");
    let runtime = DockerRuntime::new(at(&socket));
    let mut events = runtime.events();
    let down = |event| matches!(event, RuntimeEvent::EngineDown { .. }).then_some(());
    let up = |event| matches!(event, RuntimeEvent::EngineUp).then_some(());
    event(&mut events, down).await;
    for _ in 0..2 {
        let stop = relay(&socket, engine.clone()).unwrap();
        event(&mut events, up).await;
        assert!(
            runtime
                .engine()
                .about()
                .await
                .unwrap()
                .version
                .contains("API")
        );
        stop.cancel();
        event(&mut events, down).await;
        assert_eq!(
            runtime.list().await.unwrap_err().code(),
            ErrorCode::EngineAbsent
        );
    }
}
