//! The window while things are done from the tray, and brought forward by a notification.

use nasiko_tests::{
    desktop_bus::{DesktopBus, NotificationDaemon, TrayHost},
    folder, skip,
    web_driver::Web,
};

use crate::desk::{Desk, is_at};

const SERVICE: &str = "services:
  lamp: {image: busybox, init: true, command: [sleep, '3600']}
";

async fn is_the_same(web: &Web) {
    assert_eq!(
        web.script("return window.__same").await,
        true,
        "the page was not loaded again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn window_shows_what_the_tray_and_a_notification_do() {
    let test = "window_shows_what_the_tray_and_a_notification_do";
    let bus = DesktopBus::start();
    let Some(desk) = Desk::on_bus_or_skip(test, None, &bus) else {
        return;
    };
    let host = TrayHost::start(&bus).await;
    let daemon = NotificationDaemon::start(&bus).await;
    let web = desk.open_with(&["nasiko://open/agents"]).await;
    web.watched(test, async {
        web.read(".resident", "Connected").await;
        web.script("window.__same = true").await;
        desk.deploy("greeter");
        web.read("table.rows tbody tr", "Running").await;

        let item = host.item().await;
        item.click(&["Agents: 1", "greeter: active", "Stop"]).await;
        web.read("table.rows tbody tr", "Stopped").await;
        item.click(&["Agents: 1", "greeter: stopped", "Start"])
            .await;
        web.read("table.rows tbody tr", "Running").await;
        item.click(&["Agents: 1", "greeter: active", "Open chat"])
            .await;
        is_at(&web, "/agents/greeter/chat").await;

        let deployed = daemon.titled("greeter was deployed").await;
        daemon.click(&deployed).await;
        is_at(&web, "/agents/greeter").await;
        is_the_same(&web).await;
    })
    .await;
    desk.close(web).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_shows_the_stack_that_the_tray_stops_and_starts_in_the_engine() {
    let test = "window_shows_the_stack_that_the_tray_stops_and_starts_in_the_engine";
    let Some(engine) = skip::engine_or_skip(test) else {
        return;
    };
    let bus = DesktopBus::start();
    let Some(desk) = Desk::on_bus_or_skip(test, Some(&engine), &bus) else {
        return;
    };
    let host = TrayHost::start(&bus).await;
    let source = folder(&[("services.yml", SERVICE)]);
    let file = source.path().join("services.yml");
    let web = desk.open_with(&["nasiko://open/stack"]).await;
    web.watched(test, async {
        web.read(".resident", "Connected").await;
        web.script("window.__same = true").await;
        desk.resident.json(&["up", "-f", file.to_str().unwrap()]);
        web.read(".stack tr", "Running").await;

        let item = host.item().await;
        item.entry(&["Stack: 1 of 1 run", "lamp: running"]).await;
        item.click(&["Stack: 1 of 1 run", "Stop the stack"]).await;
        item.entry(&["Stack: off"]).await;
        web.read(".page-head .sub", "Nothing").await;
        item.click(&["Stack: off", "Start the stack"]).await;
        item.entry(&["Stack: 1 of 1 run"]).await;
        web.read(".stack tr", "Running").await;
        is_the_same(&web).await;
        desk.resident.run(&["down"]).ok();
    })
    .await;
    desk.close(web).await;
}
