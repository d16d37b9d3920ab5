//! The window under a person's hand: keys and a pointer that know nothing of a page.

use nasiko_tests::{
    Resident, folder, program,
    screen::{CONTROL, ENTER, Screen, Shown},
    web_driver::{Web, until},
};

use crate::desk::{Desk, is_at};

const CHOSEN: &str = ".palette [aria-selected='true']";
const EQUAL: u32 = b'=' as u32;

#[tokio::test]
async fn window_is_led_by_the_palette_from_the_keyboard() {
    let test = "window_is_led_by_the_palette_from_the_keyboard";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    desk.deploy("greeter");
    let screen = Screen::connect();
    let web = desk.open().await;
    web.watched(test, async {
        web.read(".resident", "Connected").await;
        let window = screen.window_of(desk.window_processes()[0]);
        let find = async |words: &str, found: &str| {
            screen.press(window, &[CONTROL, u32::from('k')]);
            has_keyboard(&web, "palette-input").await;
            screen.write(window, words);
            web.read(CHOSEN, found).await;
            screen.press(window, &[ENTER]);
            web.gone("dialog.palette[open]").await;
        };
        find("greet", "greeter").await;
        is_at(&web, "/agents/greeter").await;
        find("stop gre", "Stop greeter").await;
        find("agents", "Agents").await;
        web.read("table.rows tbody tr", "Stopped").await;
        find("start gre", "Start greeter").await;
        web.read("table.rows tbody tr", "Running").await;
    })
    .await;
    desk.close(web).await;
}

/// A pointer lands on what is seen at 200 % as well: the window counts in other pixels than its page.
#[tokio::test]
async fn window_is_clicked_where_it_shows_something_at_200_percent() {
    let test = "window_is_clicked_where_it_shows_something_at_200_percent";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    desk.deploy("greeter");
    let screen = Screen::connect();
    let web = desk.open().await;
    web.watched(test, async {
        web.read(".resident", "Connected").await;
        let window = screen.window_of(desk.window_processes()[0]);
        for percent in [110, 125, 150, 175, 200] {
            screen.press(window, &[CONTROL, EQUAL]);
            web.read(".notices", &format!("Zoom {percent} %")).await;
        }
        for page in ["/stack", "/activity", "/agents"] {
            point(&web, &screen, window, &format!("nav.rail a[href='{page}']")).await;
            is_at(&web, page).await;
        }
        point(
            &web,
            &screen,
            window,
            "table.rows a[href='/agents/greeter']",
        )
        .await;
        is_at(&web, "/agents/greeter").await;
        point(&web, &screen, window, "nav.tabs a[href$='/chat']").await;
        point(&web, &screen, window, "#message").await;
        has_keyboard(&web, "message").await;
        screen.write(window, "My name is Ada");
        screen.press(window, &[ENTER]);
        web.read(".answer:not(.arriving) .prose", "Ada").await;
    })
    .await;
    desk.close(web).await;
}

/// Clicks into the middle of an element, at twice the page's pixels.
async fn point(web: &Web, screen: &Screen, window: Shown, css: &str) {
    let script = format!(
        "const one = document.querySelector(\"{css}\");
         one?.scrollIntoView({{ block: 'nearest' }});
         const {{ x, y, width, height }} = one?.getBoundingClientRect() ?? {{}};
         return one && [Math.round(2 * (x + width / 2)), Math.round(2 * (y + height / 2))]"
    );
    // What the driver believes to be in sight is of another zoom.
    let at = until(&format!("`{css}` is there"), async || {
        match web.script(&script).await {
            at if at.is_array() => Ok(at),
            other => Err(other.to_string()),
        }
    })
    .await;
    let pixels = |axis: usize| i16::try_from(at[axis].as_i64().unwrap()).unwrap();
    screen.click(window, pixels(0), pixels(1));
}

async fn has_keyboard(web: &Web, id: &str) {
    until(&format!("the keyboard is at {id}"), async || {
        match web.script("return document.activeElement.id").await {
            focus if focus == id => Ok(()),
            focus => Err(focus.to_string()),
        }
    })
    .await;
}

#[tokio::test]
async fn window_goes_to_another_control_plane_and_back() {
    let test = "window_goes_to_another_control_plane_and_back";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let work = Resident::start();
    let source = folder(&[("main.py", &program::saying("WORD", ""))]);
    let path = source.path().to_str().unwrap();
    work.run(&["deploy", path, "--name", "at-work"]).ok();
    let home = work.home().to_str().unwrap();
    desk.resident.run(&["context", "add", "work", home]).ok();
    desk.deploy("greeter");
    let web = desk.open_with(&["nasiko://open/agents"]).await;
    web.watched(test, async {
        web.read("table.rows tbody", "greeter").await;
        web.script("window.__same = true").await;
        choose(&web, "work").await;
        web.read(".context-banner", "work").await;
        web.click("nav.rail a[href='/agents']").await;
        web.read("table.rows tbody", "at-work").await;
        assert!(!web.text("body").await.unwrap().contains("greeter"));
        let begun_anew = web.script("return window.__same === undefined").await;
        assert_eq!(begun_anew, true, "nothing of the other one is left");
        // What is done here is done there.
        let asked = "window.__TAURI_INTERNALS__.invoke('rpc', { call: { operation: 'agents.list', target: '/api/v1/agents', body: null } })";
        let listed = web.promised(asked).await;
        assert!(listed["value"].as_str().unwrap().contains("at-work"), "{listed}");

        choose(&web, "local").await;
        web.gone(".context-banner").await;
        web.click("nav.rail a[href='/agents']").await;
        web.read("table.rows tbody", "greeter").await;
    })
    .await;
    desk.close(web).await;
}

async fn choose(web: &Web, context: &str) {
    web.click(".context .menu-button").await;
    web.click(&format!("[data-context='{context}']")).await;
}
