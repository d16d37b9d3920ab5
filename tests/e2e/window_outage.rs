//! The window while what runs containers is gone.

use nasiko_tests::{engine::OwnEngine, example, folder};

use crate::desk::Desk;

const SERVICE: &str = "services:
  lamp: {image: busybox, init: true, command: [sleep, '3600']}
";

#[tokio::test]
async fn window_says_that_what_runs_containers_was_killed_and_recovers() {
    let test = "window_says_that_what_runs_containers_was_killed_and_recovers";
    let Some(mut engine) = OwnEngine::start_or_skip(test, "busybox:latest") else {
        return;
    };
    let Some(desk) = Desk::with_engine_or_skip(test, engine.host()) else {
        return;
    };
    let source = folder(&[("services.yml", SERVICE)]);
    let file = source.path().join("services.yml");
    desk.resident.json(&["up", "-f", file.to_str().unwrap()]);
    let web = desk.open_with(&["nasiko://open/stack"]).await;
    web.watched(test, async {
        web.read(".engine", "Docker").await;
        web.read(".stack tr", "Running").await;
        web.script("window.__same = true").await;

        engine.kill();
        web.read(".error-card", "engine").await;
        web.gone(".engine").await;
        // Whatever needs no container goes on.
        let greeter = example("greeter").canonicalize().unwrap();
        let greeter = greeter.to_str().unwrap();
        desk.resident
            .json(&["deploy", greeter, "--runtime", "process"]);
        web.click("nav.rail a[href='/agents']").await;
        web.read("table.rows tbody tr", "Running").await;
        web.click("nav.rail a[href='/stack']").await;
        web.read(".error-card", "engine").await;

        engine.restart();
        web.read(".engine", "Docker").await;
        // Its containers ended with it.
        web.read(".stack tr", "Stopped").await;
        web.click(".stack [aria-label='Start lamp']").await;
        web.read(".stack tr", "Running").await;
        web.gone(".error-card").await;
        assert_eq!(
            web.script("return window.__same").await,
            true,
            "the page was not loaded again"
        );
    })
    .await;
    desk.close(web).await;
    desk.resident.run(&["down"]).ok();
}
