//! Files dragged onto the window as the display's protocol has it.

use nasiko_tests::{example, folder, screen::Screen};

use crate::desk::Desk;

#[tokio::test]
async fn window_takes_files_that_are_dropped_on_it() {
    let test = "window_takes_files_that_are_dropped_on_it";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let screen = Screen::connect();
    let web = desk.open().await;
    web.watched(test, async {
        web.see("nav.rail").await;
        let window = screen.window_of(desk.window_processes()[0]);
        let greeter = example("greeter").canonicalize().unwrap();

        let drag = screen.drag(window, &[&greeter]);
        web.see(".drop-target").await;
        drag.leave();
        web.gone(".drop-target").await;

        let drag = screen.drag(window, &[&greeter]);
        web.see(".drop-target").await;
        drag.drop_files();
        web.read("dialog.offer", "greeter").await;
        web.gone(".drop-target").await;
        web.keys("\u{e00c}").await;
        web.gone("dialog.offer[open]").await;

        // Several at once, with a name that must be written in another way.
        let parent = folder(&[("my agent/main.py", "print('hello')\n")]);
        let spaced = parent.path().join("my agent");
        screen.drag(window, &[&greeter, &spaced]).drop_files();
        web.read("dialog.offer", "Deploy these 2?").await;
        web.read("dialog.offer", "my agent").await;
        assert!(
            desk.resident
                .json(&["ps"])
                .to_string()
                .find("greeter")
                .is_none(),
            "nothing is deployed before it is said"
        );
    })
    .await;
    desk.close(web).await;
}
