//! How every page looks: pictures that somebody has looked at are kept in `tests/snapshots/pages`, and new ones are
//! compared with them. After a change that is meant, `UPDATE=1` keeps the new ones; look at them before they are committed.

use nasiko_fixtures::MOMENT;
use nasiko_tests::{
    made_up::MadeUpPlane,
    pictures::Album,
    web_driver::{Web, until},
};
use serde_json::json;

use crate::{
    browser::Browser,
    pages::{Page, page, show},
};

/// The window, in pixels.
const SIZE: (u32, u32) = (1280, 900);
const THEMES: [&str; 2] = ["light", "dark"];
/// The part of a picture that may differ: where the fonts are those of the kept ones, and where they are not.
const TOLERANCE: f64 = 0.01;
const TOLERANCE_OF_FONTS: f64 = 0.12;

/// Every page, over made-up records. The doctor first: the navigation tells from then on what it found.
const PAGES: &[Page] = &[
    page("/doctor", ".examined"),
    page("/", "table.rows"),
    page("/agents", "table.rows"),
    page("/agents/invoice-reader", "nav.tabs"),
    page("/agents/invoice-reader/chat", "#message"),
    page("/agents/invoice-reader/traces", "nav.tabs"),
    page("/agents/invoice-reader/updates", "nav.tabs"),
    page("/agents/invoice-reader/logs", ".log-line"),
    page("/agents/invoice-reader/card", "nav.tabs"),
    page("/chat", "h1"),
    page("/traces", "h1"),
    page("/logs", ".log-line"),
    page("/stack", "table.rows"),
    page("/stack/logs", ".log-line"),
    page("/activity", ".job"),
    page("/registry", ".registry-row"),
    page("/settings", ".setting"),
    page("/settings/contexts", "h1"),
    page("/settings/secrets", "table.rows"),
    page("/settings/watch", "h1"),
    page("/settings/runtime", ".setting"),
    page("/settings/telemetry", ".setting"),
    page("/settings/keyboard", "h1"),
    page("/inbox", ".inbox-row"),
    page("/no/such/page", ".empty"),
];

/// Pages on which there is nothing yet.
const EMPTY: &[Page] = &[
    page("/", ".welcome"),
    page("/agents", "h1"),
    page("/stack", "table.rows"),
    page("/inbox", ".empty"),
];

/// What streams bring to a page last, by its path.
const LAST: &[(&str, &str)] = &[
    ("/", "44 MB"),
    ("/agents", "44 MB"),
    ("/agents/invoice-reader", "MB of 537 MB"),
    ("/stack", "48 MB"),
];

/// The time stands still, and so does whatever else would be different in the next picture.
fn stillness() -> String {
    format!(
        "(() => {{
            const Real = Date;
            window.Date = class extends Real {{
                constructor(...given) {{ super(...(given.length ? given : [{MOMENT}])); }}
                static now() {{ return {MOMENT}; }}
            }};
            try {{ localStorage.setItem('nasiko.theme', 'Light'); }} catch {{ /* a page without an origin */ }}
            const still = new CSSStyleSheet();
            still.replaceSync('*, *::before, *::after {{ transition: none !important; animation: none !important; caret-color: transparent !important; }}');
            document.adoptedStyleSheets = [still];
        }})()"
    )
}

/// The widths of a line in the pages' fonts: with other fonts, everything is a little elsewhere.
const FONTS: &str = "const line = document.createElement('span');
    line.textContent = 'Sphinx of black quartz, judge my vow 0123456789';
    line.style.whiteSpace = 'nowrap';
    document.body.append(line);
    const widths = ['--font', '--mono'].map((font) => {
        line.style.font = `400 100px ${getComputedStyle(document.documentElement).getPropertyValue(font)}`;
        return Math.round(line.getBoundingClientRect().width);
    });
    line.remove();
    return widths.join(' ');";

#[tokio::test(flavor = "multi_thread")]
async fn browser_pages_look_as_they_did() {
    let test = "browser_pages_look_as_they_did";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let Some(ui) = MadeUpPlane::pages_or_skip(test) else {
        return;
    };
    let album = Album::open("pages");
    let web = browser.start().await;
    web.watched(test, async {
        web.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({ "source": stillness() }),
        )
        .await;
        web.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": SIZE.0, "height": SIZE.1, "deviceScaleFactor": 1, "mobile": false }),
        )
        .await;
        web.devtools(
            "Emulation.setTimezoneOverride",
            json!({ "timezoneId": "UTC" }),
        )
        .await;
        let mut sights = Vec::new();
        for (kind, pages) in [("", PAGES), ("empty", EMPTY)] {
            let plane = MadeUpPlane::start(&ui, kind).await;
            web.open(plane.address()).await;
            web.read(".resident", "Connected").await;
            let fonts = web.script(FONTS).await;
            let fonts = fonts.as_str().unwrap();
            let tolerance = if album.note("fonts.txt", fonts) == fonts {
                TOLERANCE
            } else {
                println!(
                    "other fonts than those of the kept pictures: only what is far off is found"
                );
                TOLERANCE_OF_FONTS
            };
            for page in pages {
                show(&web, page).await;
                let last = LAST
                    .iter()
                    .find(|(path, _)| kind.is_empty() && *path == page.path);
                if let Some((_, words)) = last {
                    web.read("#content", words).await;
                }
                sights.extend(looks(&web, &album, kind, page, tolerance).await);
            }
            assert_eq!(web.count(".notices > *").await, 0, "nothing is refused");
            // Else the browser asks on for a plane that is gone.
            web.open("about:blank").await;
        }
        assert!(sights.is_empty(), "{}", sights.join("\n"));
    })
    .await;
    web.quit().await;
}

/// Looks at a page in each theme; gives what is not as it was.
async fn looks(web: &Web, album: &Album, kind: &str, page: &Page, tolerance: f64) -> Vec<String> {
    let name = format!("{kind}/{}", page.path).replace('/', " ");
    let name = match name.split_whitespace().collect::<Vec<_>>().join("-") {
        home if home == kind => format!("{home}-home").trim_start_matches('-').to_owned(),
        other => other,
    };
    let themes = if name == "home" {
        &["light", "dark", "contrast", "contrast-dark"][..]
    } else {
        &THEMES
    };
    let mut different = Vec::new();
    for theme in themes {
        web.script(&format!(
            "document.documentElement.dataset.theme = {}",
            json!(theme)
        ))
        .await;
        let picture = settled_picture(web).await;
        different.extend(
            album
                .look(&format!("{name}-{theme}"), &picture, tolerance)
                .err(),
        );
    }
    web.script("document.documentElement.dataset.theme = 'light'")
        .await;
    different
}

/// The page, once two pictures of it one after the other are the same.
async fn settled_picture(web: &Web) -> Vec<u8> {
    let mut before = web.shot().await;
    until("the page comes to rest", async || {
        let now = web.shot().await;
        let same = now == before;
        before = now;
        if same {
            Ok(before.clone())
        } else {
            Err("it still changes".to_owned())
        }
    })
    .await
}
