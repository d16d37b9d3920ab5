//! A window that stays empty is not left so.

use std::process::{Command, Stdio};

use nasiko_tests::{eventually, screen::Screen};

use crate::desk::Desk;

/// What a process that draws without compositing was started with.
const PLAIN: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

fn signal(pid: u32, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn window_that_stays_empty_is_drawn_another_way() {
    let test = "window_that_stays_empty_is_drawn_another_way";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let screen = Screen::connect();
    let mut window = desk
        .program()
        .env_remove(PLAIN)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // What draws the page is held before its first frame, as a graphics driver may do it.
    let held = eventually("WebKit draws", || {
        let drawing = desk.webview_processes().into_iter().find(|pid| {
            std::fs::read_link(format!("/proc/{pid}/exe"))
                .is_ok_and(|exe| exe.ends_with("WebKitWebProcess"))
        });
        drawing.ok_or_else(|| "not yet".to_owned())
    });
    signal(held, "-STOP");
    eventually("the window begins again, drawn without compositing", || {
        let environment = std::fs::read(format!("/proc/{}/environ", window.id())).unwrap();
        let is_plain = environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == format!("{PLAIN}=1").as_bytes());
        is_plain
            .then_some(())
            .ok_or_else(|| "it does not".to_owned())
    });
    signal(held, "-KILL");
    screen.close(screen.window_of(window.id()));
    let ended = eventually("the window ends when it is closed", || {
        window
            .try_wait()
            .unwrap()
            .ok_or_else(|| "it does not".to_owned())
    });
    assert!(ended.success(), "{ended}");
    eventually("nothing of it is left", || match desk.webview_processes() {
        none if none.is_empty() => Ok(()),
        some => Err(format!("{some:?}")),
    });
}
