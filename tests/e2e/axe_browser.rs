//! Every page, in every theme and width, read by a checker of accessibility.

use std::path::PathBuf;

use nasiko_tests::{Resident, example, folder, made_up::MadeUpPlane, skip, web_driver::Web};
use serde_json::json;

use crate::{
    browser::{Browser, link},
    pages::{PAGES, Page, go, page, settled, show},
};

/// Widths of the window, in pixels.
const WIDTHS: [u32; 3] = [760, 1280, 1600];
/// Themes besides the light one, in which everything is checked; here only what colours can spoil.
const THEMES: [&str; 3] = ["dark", "contrast", "contrast-dark"];
/// Everything that the checker knows of the guidelines, and what it calls best practice.
const ALL: &str = "{ type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }";
/// What depends on colours.
const COLOURS: &str = "{ type: 'rule', values: ['color-contrast', 'link-in-text-block'] }";

/// The checker, and what it found.
struct Checker<'a> {
    web: &'a Web,
    script: String,
    found: Vec<String>,
}

impl<'a> Checker<'a> {
    fn new(web: &'a Web, axe: &PathBuf) -> Self {
        Self {
            web,
            script: std::fs::read_to_string(axe).unwrap(),
            found: Vec::new(),
        }
    }

    /// Loads the checker into the document, once.
    async fn load(&self) {
        if self.web.script("return Boolean(window.axe)").await == false {
            self.web.script(&self.script).await;
        }
    }

    async fn check(&mut self, place: &str, rules: &str) {
        self.load().await;
        let told = self
            .web
            .promised(&format!(
                "axe.run(document, {{ runOnly: {rules}, resultTypes: ['violations'] }})
                 .then((result) => result.violations.flatMap((one) => one.nodes.map((node) => [one.id, one.help,
                     node.html.slice(0, 200), (node.any[0] || node.all[0] || node.none[0] || {{}}).message || ''])))"
            ))
            .await;
        let violations = told["value"]
            .as_array()
            .unwrap_or_else(|| panic!("axe on {place}: {told}"));
        for one in violations {
            let word = |at: usize| one[at].as_str().unwrap_or_default();
            self.found.push(format!(
                "{place}: {} ({}): {}\n    {}",
                word(0),
                word(1),
                word(3),
                word(2)
            ));
        }
    }

    fn assert_nothing(&self) {
        assert!(
            self.found.is_empty(),
            "{} barriers:\n{}",
            self.found.len(),
            self.found.join("\n")
        );
    }

    /// In every width, and once in every other theme.
    async fn check_everywhere(&mut self, place: &str) {
        for width in WIDTHS {
            self.web.resize(width, 900).await;
            settled(self.web).await;
            self.check(&format!("{place} at {width}"), ALL).await;
        }
        self.check_themes(place).await;
    }

    async fn check_themes(&mut self, place: &str) {
        for theme in THEMES {
            self.web
                .script(&format!(
                    "document.documentElement.dataset.theme = {}",
                    json!(theme)
                ))
                .await;
            settled(self.web).await;
            self.check(&format!("{place} in {theme}"), COLOURS).await;
        }
        self.web
            .script("document.documentElement.dataset.theme = 'light'")
            .await;
        settled(self.web).await;
    }
}

/// A control plane that has something to show on each page: an agent that was talked to, and one that failed.
fn prepared() -> Resident {
    let resident = Resident::with_greeter();
    resident.run(&["chat", "greeter", "My name is Ada"]).ok();
    let broken = folder(&[("main.py", "raise SystemExit('it has no key')\n")]);
    assert_ne!(
        resident
            .run(&[
                "deploy",
                broken.path().to_str().unwrap(),
                "--name",
                "broken"
            ])
            .code,
        0
    );
    resident
}

/// A sheet of styles that the pages' policy lets a test add: what is half-way between two colours has neither's contrast.
const STILL: &str = "const still = new CSSStyleSheet();
    still.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important; }');
    document.adoptedStyleSheets = [still];";

/// Puts the pages into the light theme whatever the machine says, and lets nothing move.
async fn lights_up(web: &Web) {
    web.script("localStorage.setItem('nasiko.theme', 'Light')")
        .await;
    web.reload().await;
    web.script(STILL).await;
    web.read(".resident", "Connected").await;
}

#[tokio::test]
async fn browser_has_pages_without_a_barrier() {
    let test = "browser_has_pages_without_a_barrier";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let Some(axe) = skip::path_or_skip(test, "NASIKO_TEST_AXE", "checker of accessibility") else {
        return;
    };
    let resident = prepared();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        lights_up(&web).await;
        let mut checker = Checker::new(&web, &axe);
        for page in PAGES.iter().chain(&[BROKEN]) {
            show(&web, page).await;
            checker.check_everywhere(page.path).await;
        }
        above_the_pages(&mut checker).await;
        checker.assert_nothing();
    })
    .await;
    web.quit().await;
}

/// An agent that never came up.
const BROKEN: Page = page("/agents/broken", ".error-card");

/// What is shown above a page: the palette, the sheet of shortcuts, the target of a drop and its preview, a question.
async fn above_the_pages(checker: &mut Checker<'_>) {
    let web = checker.web;
    web.resize(1280, 900).await;
    go(web, "/agents").await;
    web.see("h1").await;
    let escape = "\u{e00c}";
    for (name, keys, shown) in [
        ("the palette", "", "#palette-input"),
        ("the shortcuts", "?", "dialog[open]"),
        ("adding an agent", "na", "#offer-path"),
    ] {
        if keys.is_empty() {
            web.control('k').await;
        } else {
            web.keys(keys).await;
        }
        web.see(shown).await;
        settled(web).await;
        checker.check(name, ALL).await;
        checker.check_themes(name).await;
        web.keys(escape).await;
        web.gone("dialog[open]").await;
    }
    dialogs(checker).await;
    go(web, "/agents").await;
    web.see("h1").await;
    let text = format!("{}\n/nowhere\n", example("greeter").display());
    let event = |kind: &str, class: &str, field: &str, format: &str| {
        format!(
            "const data = new DataTransfer(); data.setData({}, {});
             document.body.dispatchEvent(new {class}({}, {{ {field}: data, bubbles: true, cancelable: true }}))",
            json!(format), json!(text), json!(kind)
        )
    };
    web.script(&event(
        "dragover",
        "DragEvent",
        "dataTransfer",
        "text/uri-list",
    ))
    .await;
    web.see(".drop-target").await;
    checker.check("the target of a drop", ALL).await;
    checker.check_themes("the target of a drop").await;
    web.script(&event("drop", "DragEvent", "dataTransfer", "text/uri-list"))
        .await;
    web.read("dialog.offer", "Ready").await;
    settled(web).await;
    checker.check("the preview of a drop", ALL).await;
    checker.check_themes("the preview of a drop").await;
    web.keys(escape).await;
    web.gone("dialog[open]").await;
}

/// What asks, tells and lists above single pages: questions, the report, the tasks, and a toast that can be undone.
async fn dialogs(checker: &mut Checker<'_>) {
    let web = checker.web;
    for (page, name, opener, shown) in [
        (
            "/agents/greeter",
            "a question",
            ".page-head .actions .button.flat",
            "dialog[open]",
        ),
        (
            "/settings/secrets",
            "where the key is kept",
            "#move-key",
            "dialog[open]",
        ),
        (
            "/doctor",
            "the report",
            ".page-head .button:not(.primary)",
            "pre.report",
        ),
        ("/agents", "the tasks", "#tasks", "#task-list"),
        ("/inbox", "an undo", "#clear-all", "#undo-clear"),
    ] {
        go(web, page).await;
        web.click(opener).await;
        web.see(shown).await;
        settled(web).await;
        checker.check(name, ALL).await;
        checker.check_themes(name).await;
        web.keys("\u{e00c}").await;
        web.gone("dialog[open], #task-list").await;
    }
}

/// Pages of a made-up control plane: nothing there yet, nobody who answers, nobody let in, and more than fits.
const STATES: &[(&str, &[Page])] = &[
    (
        "empty",
        &[
            page("/", ".welcome"),
            page("/stack", "h1"),
            page("/inbox", ".empty"),
            page("/activity", ".empty"),
        ],
    ),
    ("bare", &[page("/", ".welcome")]),
    (
        "unreachable",
        &[
            page("/", ".link-banner p"),
            page("/agents", "h1"),
            page("/settings", "h1"),
        ],
    ),
    ("refused", &[page("/", "h1")]),
    (
        "many",
        &[page("/agents", "table.rows"), page("/chat", "h1")],
    ),
    (
        "",
        &[
            page("/stack", ".why"),
            page("/activity", ".job"),
            page("/agents/github-helper", ".error-card"),
            page("/doctor", ".examined"),
        ],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn browser_has_states_without_a_barrier() {
    let test = "browser_has_states_without_a_barrier";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let Some(axe) = skip::path_or_skip(test, "NASIKO_TEST_AXE", "checker of accessibility") else {
        return;
    };
    let Some(ui) = MadeUpPlane::pages_or_skip(test) else {
        return;
    };
    let web = browser.start().await;
    web.watched(test, async {
        let mut checker = Checker::new(&web, &axe);
        for (kind, pages) in STATES {
            let plane = MadeUpPlane::start(&ui, kind).await;
            web.open(plane.address()).await;
            web.script("localStorage.setItem('nasiko.theme', 'Light')")
                .await;
            web.reload().await;
            web.script(STILL).await;
            for page in *pages {
                show(&web, page).await;
                let place = format!("{} ({kind})", page.path);
                checker.check(&place, ALL).await;
                checker.check_themes(&place).await;
            }
            web.open("about:blank").await;
        }
        checker.assert_nothing();
    })
    .await;
    web.quit().await;
}

/// Pictures of every page in both themes, for people to look at: `cargo xtask test browser_takes_pictures_of_every_page`.
#[tokio::test]
async fn browser_takes_pictures_of_every_page() {
    let test = "browser_takes_pictures_of_every_page";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = prepared();
    let web = browser.start().await;
    let folder = nasiko_tests::web_driver::pictures().join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    web.watched(test, async {
        web.open(&link(&resident)).await;
        lights_up(&web).await;
        for page in PAGES.iter().chain(&[BROKEN]) {
            show(&web, page).await;
            for theme in ["light", "dark"] {
                web.script(&format!(
                    "document.documentElement.dataset.theme = {}",
                    json!(theme)
                ))
                .await;
                settled(&web).await;
                let name = page.path.trim_matches('/').replace('/', "-");
                let name = if name.is_empty() { "home" } else { &name };
                let file = folder.join(format!("{name}-{theme}.png"));
                web.picture(&file).await;
                assert!(
                    std::fs::metadata(&file).unwrap().len() > 5_000,
                    "{} is empty",
                    file.display()
                );
            }
            web.script("document.documentElement.dataset.theme = 'light'")
                .await;
        }
        assert_eq!(web.wrong().await, Vec::<String>::new());
    })
    .await;
    web.quit().await;
    println!("pictures: {}", folder.display());
}
