//! The window's life: what it is opened with, what it takes while it is open, and what the next one goes on with.

use nasiko_tests::{
    example,
    screen::{CONTROL, Screen},
    web_driver::{Web, until},
};

use crate::desk::{Desk, is_at};

const EQUAL: u32 = b'=' as u32;
const ZERO: u32 = b'0' as u32;

/// How far the main pane is scrolled.
async fn scrolled(web: &Web) -> f64 {
    let top = web
        .script("return document.querySelector('#content .page-body')?.scrollTop ?? -1")
        .await;
    top.as_f64().unwrap()
}

#[tokio::test]
async fn window_goes_on_where_the_last_one_was() {
    let test = "window_goes_on_where_the_last_one_was";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let web = desk.open().await;
    web.watched(test, async {
        web.see("nav.rail").await;
        desk.deploy("greeter");
        web.resize(900, 560).await;
        web.click("nav.rail a[href='/agents']").await;
        web.click("table.rows a[href='/agents/greeter']").await;
        web.click("nav.tabs a[href$='/chat']").await;
        web.see("#message").await;
        web.fill("#message", "Dear greeter, ").await;
        web.click("nav.rail a[href='/settings']").await;
        until("the page is long enough to be scrolled", async || {
            web.script("document.querySelector('#content .page-body')?.scrollTo(0, 60)")
                .await;
            match scrolled(&web).await {
                top if (top - 60.0).abs() < 1.0 => Ok(()),
                top => Err(top.to_string()),
            }
        })
        .await;
        desk.keeps("page, scroll, draft and size are written down", |kept| {
            kept["page"]["path"] == "/settings"
                && kept["page"]["scrolls"][""] == 60
                && kept["page"]["drafts"]
                    .as_str()
                    .is_some_and(|drafts| drafts.contains("Dear greeter, "))
                && kept["place"]["width"] == 900
        })
        .await;
    })
    .await;
    desk.close(web).await;

    let web = desk.open().await;
    web.watched(test, async {
        is_at(&web, "/settings").await;
        until("the page is scrolled as it was", async || {
            match scrolled(&web).await {
                top if (top - 60.0).abs() < 1.0 => Ok(()),
                top => Err(top.to_string()),
            }
        })
        .await;
        web.click("nav.rail a[href='/agents']").await;
        web.click("table.rows a[href='/agents/greeter']").await;
        web.click("nav.tabs a[href$='/chat']").await;
        until("the draft is there", async || {
            match web
                .script("return document.getElementById('message')?.value ?? null")
                .await
            {
                draft if draft == "Dear greeter, " => Ok(()),
                draft => Err(draft.to_string()),
            }
        })
        .await;
        let wrong = web.wrong().await;
        assert!(wrong.is_empty(), "{wrong:#?}");
    })
    .await;
    desk.close(web).await;
}

#[tokio::test]
async fn window_that_filled_the_screen_fills_it_again() {
    let test = "window_that_filled_the_screen_fills_it_again";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let screen = Screen::connect();
    let web = desk.open().await;
    web.watched(test, async {
        web.see("nav.rail").await;
        web.resize(900, 560).await;
        desk.keeps("its size is written down", |kept| {
            kept["place"]["width"] == 900 && kept["place"]["maximized"] == false
        })
        .await;
        let window = screen.window_of(desk.window_processes()[0]);
        assert!(!screen.is_maximized(window));
        screen.maximize(window);
        desk.keeps("where it goes when it is made small is kept", |kept| {
            kept["place"]["width"] == 900 && kept["place"]["maximized"] == true
        })
        .await;
    })
    .await;
    desk.close(web).await;

    let web = desk.open().await;
    web.watched(test, async {
        web.see("nav.rail").await;
        let window = screen.window_of(desk.window_processes()[0]);
        assert!(screen.is_maximized(window), "it asks for the whole screen");
    })
    .await;
    desk.close(web).await;
}

#[tokio::test]
async fn window_takes_what_later_starts_are_given() {
    let test = "window_takes_what_later_starts_are_given";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let web = desk.open().await;
    web.watched(test, async {
        web.see("nav.rail").await;
        web.script("window.__same = true").await;

        let second = desk.start_again(&["nasiko://open/stack"]);
        assert!(second.status.success(), "{second:?}");
        is_at(&web, "/stack").await;

        let folder = example("greeter").canonicalize().unwrap();
        let second = desk.start_again(&[folder.to_str().unwrap()]);
        assert!(second.status.success(), "{second:?}");
        web.read("dialog.offer", "greeter").await;
        web.keys("\u{e00c}").await;
        web.gone("dialog.offer[open]").await;

        let source = format!("nasiko://deploy?source={}", folder.display());
        assert!(desk.start_again(&[&source]).status.success());
        web.read("dialog.offer", "greeter").await;
        web.keys("\u{e00c}").await;
        web.gone("dialog.offer[open]").await;

        let second = desk.start_again(&["nasiko://erase/everything"]);
        let said = String::from_utf8_lossy(&second.stderr);
        assert!(
            !second.status.success() && said.contains("only `open` and `deploy`"),
            "{said}"
        );
        web.read(".notices", "only open and deploy").await;

        assert_eq!(
            web.script("return window.__same").await,
            true,
            "the page was not loaded again"
        );
        assert_eq!(desk.window_processes().len(), 1, "there is one window");
        assert!(
            desk.resident
                .json(&["ps"])
                .to_string()
                .find("greeter")
                .is_none(),
            "nothing was deployed by that"
        );
    })
    .await;
    desk.close(web).await;
}

#[tokio::test]
async fn window_opens_with_what_it_is_given() {
    let test = "window_opens_with_what_it_is_given";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let folder = example("greeter").canonicalize().unwrap();
    let web = desk
        .open_with(&[
            "nasiko://open/activity",
            folder.to_str().unwrap(),
            "nasiko://erase",
        ])
        .await;
    web.watched(test, async {
        is_at(&web, "/activity").await;
        web.read("dialog.offer", "greeter").await;
        web.read(".notices", "only open and deploy").await;
    })
    .await;
    desk.close(web).await;
}

#[tokio::test]
async fn window_zooms_by_key_and_stays_so() {
    let test = "window_zooms_by_key_and_stays_so";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let screen = Screen::connect();
    let web = desk.open().await;
    let wide = async |web: &Web| web.script("return innerWidth").await.as_f64().unwrap();
    web.watched(test, async {
        web.see("nav.rail").await;
        let window = screen.window_of(desk.window_processes()[0]);
        let whole = wide(&web).await;
        for percent in [110, 125, 150, 175, 200] {
            screen.press(window, &[CONTROL, EQUAL]);
            web.read(".notices", &format!("Zoom {percent} %")).await;
        }
        until("there is half as much room", async || {
            match wide(&web).await {
                half if (half * 2.0 - whole).abs() <= 2.0 => Ok(()),
                other => Err(format!("{other} of {whole}")),
            }
        })
        .await;
        all_is_in_reach(&web).await;
    })
    .await;
    desk.close(web).await;

    let web = desk.open().await;
    web.watched(test, async {
        web.see("nav.rail").await;
        let window = screen.window_of(desk.window_processes()[0]);
        let half = wide(&web).await;
        screen.press(window, &[CONTROL, ZERO]);
        web.read(".notices", "Zoom 100 %").await;
        until("there is as much room as ever", async || {
            match wide(&web).await {
                whole if (half * 2.0 - whole).abs() <= 2.0 => Ok(()),
                other => Err(format!("{other} after {half}")),
            }
        })
        .await;
    })
    .await;
    desk.close(web).await;
}

/// At 200 % nothing lies beyond the window's right edge, and every page of the rail is a click away.
async fn all_is_in_reach(web: &Web) {
    for page in ["/agents", "/stack", "/activity", "/settings", "/"] {
        // The driver takes the zoom for none, and would click elsewhere.
        web.script(&format!(
            "document.querySelector(\"nav.rail a[href='{page}']\").click()"
        ))
        .await;
        is_at(web, page).await;
        let beyond = web
            .script("return document.scrollingElement.scrollWidth - innerWidth")
            .await;
        assert!(
            beyond.as_f64().unwrap() <= 0.0,
            "{page} is {beyond} pixels too wide"
        );
    }
}

/// A page can ask the bridge for what it offers, and for nothing else, in no other way.
#[tokio::test]
async fn window_refuses_what_its_bridge_does_not_offer() {
    let test = "window_refuses_what_its_bridge_does_not_offer";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let web = desk.open().await;
    web.watched(test, async {
        web.see("nav.rail").await;
        let ask = async |command: &str, arguments: &str| {
            let asked = format!("window.__TAURI_INTERNALS__.invoke('{command}', {arguments})");
            web.promised(&asked).await
        };
        assert!(ask("contexts", "{}").await["value"]["all"].is_array());
        for (command, arguments) in [
            ("plugin:window|close", "{ label: 'main' }"),
            ("plugin:webview|create_webview_window", "{ options: { label: 'other', url: 'https://elsewhere.example' } }"),
            ("plugin:event|emit", "{ event: 'x', payload: null }"),
            ("plugin:path|resolve_directory", "{ directory: 1 }"),
            ("plugin:resources|close", "{ rid: 1 }"),
            ("no_such_command", "{}"),
            ("remember", "{ state: { path: 'https://elsewhere.example' } }"),
            ("remember", "{ state: { path: '/', drafts: 'x'.repeat(300000) } }"),
            ("use_context", "{ name: 'nowhere' }"),
        ] {
            let refused = ask(command, arguments).await;
            assert!(!refused["fault"].is_null() && refused["value"].is_null(), "{command}: {refused}");
        }
        // Neither a navigation nor a frame brings another origin near the bridge.
        web.script("location.href = 'data:text/html,<p>elsewhere'; window.open('https://elsewhere.example')").await;
        let framed = web
            .script(
                "const frame = document.createElement('iframe'); frame.src = 'data:text/html,x';
                 document.body.append(frame); return frame.contentWindow?.__TAURI_INTERNALS__ === undefined",
            )
            .await;
        assert_eq!(framed, true);
        web.see("nav.rail").await;
        assert_eq!(desk.window_processes().len(), 1);
    })
    .await;
    desk.close(web).await;
}
