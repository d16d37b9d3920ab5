//! The palette, shortcuts, the task tray, and the pages of all conversations and all logs, in a real browser.

use nasiko_tests::{
    Api, Resident, example, folder,
    web_driver::{Web, until},
};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, TAB, link},
    conversation::ENTER,
};

const ESCAPE: &str = "\u{e00c}";
/// Ctrl and K, as an element takes them: held together.
const CONTROL_K: &str = "\u{e009}k\u{e000}";
const CHOSEN: &str = ".palette [aria-selected='true']";
/// An agent that takes its time to come up, longer than a test lasts.
const SLOW: &str = "import time\ntime.sleep(3600)\n";
/// Widths that pictures are taken at, where `NASIKO_TEST_PICTURES` names a folder for them.
const WIDTHS: [u32; 3] = [1600, 1280, 760];

struct Scene {
    resident: Resident,
    api: Api,
    web: Web,
    _browser: Browser,
}

impl Scene {
    /// A resident with these agents, all of them greeters, and a browser that was let in.
    async fn open(test: &str, agents: &[&str]) -> Option<Self> {
        let browser = Browser::or_skip(test)?;
        let resident = Resident::start();
        let greeter = example("greeter");
        for agent in agents {
            resident
                .run(&["deploy", greeter.to_str().unwrap(), "--name", agent])
                .ok();
        }
        let web = browser.start().await;
        web.open(&link(&resident)).await;
        web.read(".resident", "Connected").await;
        let api = Api::of(&resident);
        Some(Self {
            resident,
            api,
            web,
            _browser: browser,
        })
    }

    async fn go(&self, path: &str) {
        let (base, _) = self.resident.endpoint();
        self.web.open(&format!("{base}{path}")).await;
        self.web.read(".resident", "Connected").await;
    }

    /// Begins a conversation and waits for its answer; gives its id.
    async fn ask(&self, agent: &str, words: &str) -> String {
        let (_, session) = self
            .api
            .post("/chat/sessions", &json!({ "agent": agent }))
            .await;
        let id = session["id"].as_str().unwrap().to_owned();
        let path = format!("/chat/sessions/{id}/messages");
        let events = self.api.post_stream(&path, &json!({ "text": words })).await;
        assert_eq!(events.last().unwrap()["type"], "answer", "{events:#?}");
        id
    }

    async fn state(&self, agent: &str, expected: &str) {
        until(&format!("{agent} is {expected}"), async || {
            let (_, found) = self.api.get(&format!("/agents/{agent}")).await;
            if found["state"] == expected {
                Ok(())
            } else {
                Err(found["state"].to_string())
            }
        })
        .await;
    }

    async fn nothing_went_wrong(&self) {
        let mut wrong = self.web.wrong().await;
        // A browser notes each refusal: a trace is asked for until its first span is there.
        wrong.retain(|note| !(note.contains("status of 404") && note.contains("/traces/")));
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// Pictures in both themes and three widths, where a folder for them is named.
    async fn pictures(&self, name: &str) {
        let Some(folder) = std::env::var_os("NASIKO_TEST_PICTURES") else {
            return;
        };
        for width in WIDTHS {
            self.web.resize(width, 860).await;
            for theme in ["light", "dark"] {
                self.web
                    .script(&format!(
                        "document.documentElement.dataset.theme = '{theme}'"
                    ))
                    .await;
                let file = format!("{name}-{width}-{theme}.png");
                self.web
                    .picture(&std::path::Path::new(&folder).join(file))
                    .await;
            }
        }
        self.web.resize(1280, 800).await;
    }
}

async fn place(web: &Web, path: &str) {
    until(&format!("the page is {path}"), async || {
        let found = web.script("return location.pathname").await;
        if found == path {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
}

/// Presses Ctrl and K where the keyboard is.
async fn control_k(web: &Web, at: &str) {
    let element = web.see(at).await;
    element
        .send_keys(CONTROL_K)
        .await
        .expect("keys can be typed");
}

async fn palette(web: &Web, typed: &str) {
    control_k(web, "body").await;
    web.see("#palette-input").await;
    until("one can type", async || {
        let focus = web.script("return document.activeElement.id").await;
        if focus == "palette-input" {
            Ok(())
        } else {
            Err(focus.to_string())
        }
    })
    .await;
    web.keys(typed).await;
}

#[tokio::test]
async fn browser_palette_finds_runs_and_leads() {
    let test = "browser_palette_finds_runs_and_leads";
    let Some(scene) = Scene::open(test, &["invoice-reader", "weather"]).await else {
        return;
    };
    let web = &scene.web;
    web.watched(test, async {
        scene.ask("weather", "My name is Grace").await;

        // An agent by a few of its letters, which are marked; what more can be done with it by Tab.
        palette(web, "ivr").await;
        web.read(CHOSEN, "invoice-reader").await;
        let marks = web.script("return [...document.querySelectorAll(\".palette [aria-selected='true'] mark\")].map((one) => one.textContent).join('')").await;
        assert_eq!(marks, "ivr");
        scene.pictures("palette").await;
        web.keys(TAB).await;
        web.read(".palette-of", "invoice-reader").await;
        web.keys("stop").await;
        web.read(CHOSEN, "Stop").await;
        web.keys(ENTER).await;
        web.gone("dialog.palette[open]").await;
        scene.state("invoice-reader", "stopped").await;

        // In one line.
        palette(web, "start inv").await;
        web.read(CHOSEN, "Start invoice-reader").await;
        web.keys(ENTER).await;
        scene.state("invoice-reader", "active").await;

        // A page, a conversation, a trace.
        palette(web, "stack").await;
        web.read(CHOSEN, "Stack").await;
        web.keys(ENTER).await;
        place(web, "/stack").await;
        palette(web, "my name grace").await;
        web.read(CHOSEN, "My name is Grace").await;
        web.keys(ENTER).await;
        web.read(".answer:not(.arriving)", "Grace").await;
        let (_, traces) = scene.api.get("/traces").await;
        let name = traces["items"][0]["name"].as_str().unwrap();
        palette(web, &format!("{name} weather")).await;
        web.read(CHOSEN, name).await;
        web.keys(ENTER).await;
        web.read("section.trace", "spans").await;

        // Closed by the key that opens it, and by Escape; nothing is done.
        palette(web, "stop").await;
        control_k(web, "#palette-input").await;
        web.gone("dialog.palette[open]").await;
        palette(web, "stop").await;
        web.keys(ESCAPE).await;
        web.gone("dialog.palette[open]").await;
        scene.state("weather", "active").await;
        scene.nothing_went_wrong().await;
    })
    .await;
    scene.web.quit().await;
}

#[tokio::test]
async fn browser_palette_is_a_combobox_to_a_screen_reader() {
    let test = "browser_palette_is_a_combobox_to_a_screen_reader";
    let Some(scene) = Scene::open(test, &["greeter"]).await else {
        return;
    };
    let web = &scene.web;
    web.watched(test, async {
        palette(web, "gre").await;
        web.read(CHOSEN, "greeter").await;
        let told = "const field = document.getElementById('palette-input');
            const list = document.getElementById(field.getAttribute('aria-controls'));
            const option = document.getElementById(field.getAttribute('aria-activedescendant'));
            return [field.role, field.getAttribute('aria-expanded'), list?.role, option?.role,
                option?.getAttribute('aria-selected'), list?.contains(option)]";
        until("the field names what is chosen", async || {
            let told = web.script(told).await;
            if told == json!(["combobox", "true", "listbox", "option", "true", true]) {
                Ok(())
            } else {
                Err(told.to_string())
            }
        })
        .await;
        web.fill("#palette-input", "o").await;
        web.see(CHOSEN).await;
        let before = web.text(CHOSEN).await.unwrap();
        web.keys("\u{e015}").await;
        until("the next one is chosen", async || {
            let now = web.text(CHOSEN).await.map_err(|error| error.to_string())?;
            if now == before { Err(now) } else { Ok(()) }
        })
        .await;
    })
    .await;
    scene.web.quit().await;
}

/// Gives an action another shortcut, as people do.
async fn rebind(web: &Web, id: &str, keys: &str) {
    let row = format!("[data-action='{id}']");
    web.click(&format!("{row} button[aria-label^='Change']"))
        .await;
    web.see(&format!("{row} .key-capture")).await;
    until("the field takes keys", async || {
        let focus = web.script("return document.activeElement.className").await;
        if focus
            .as_str()
            .is_some_and(|class| class.contains("key-capture"))
        {
            Ok(())
        } else {
            Err(focus.to_string())
        }
    })
    .await;
    web.keys(keys).await;
    web.keys(ENTER).await;
    web.gone(&format!("{row} .key-capture")).await;
}

#[tokio::test]
async fn browser_shortcuts_can_be_changed() {
    let test = "browser_shortcuts_can_be_changed";
    let Some(scene) = Scene::open(test, &[]).await else {
        return;
    };
    let web = &scene.web;
    web.watched(test, async {
        scene.go("/settings/keyboard").await;
        web.read("[data-action='go.stack'] kbd", "G").await;
        rebind(web, "go.stack", "x").await;
        web.read("[data-action='go.stack'] .key-keys", "X").await;
        scene.pictures("keyboard").await;

        // The same for another action: both say so.
        rebind(web, "go.logs", "x").await;
        web.read("[data-action='go.logs'] .key-conflict", "Stack")
            .await;
        web.read("[data-action='go.stack'] .key-conflict", "Logs")
            .await;
        web.click("[data-action='go.logs'] button[aria-label^='Reset']")
            .await;
        web.gone("[data-action='go.stack'] .key-conflict .tag")
            .await;

        // While one writes nothing fires; after that it does, on any page, and after a reload too.
        web.click(".key-settings input[type=search]").await;
        web.keys("x").await;
        place(web, "/settings/keyboard").await;
        web.script("document.activeElement.blur()").await;
        web.keys("x").await;
        place(web, "/stack").await;
        web.keys("gt").await;
        place(web, "/traces").await;
        web.reload().await;
        web.read(".resident", "Connected").await;
        web.keys("x").await;
        place(web, "/stack").await;

        // The sheet says how it is now.
        web.keys("?").await;
        web.read(".key-sheet", "Go to Stack").await;
        scene.pictures("sheet").await;
        web.fill(".key-sheet input[type=search]", "stack").await;
        until("it is searched", async || {
            let rows = web.count(".key-sheet dl > div").await;
            if rows == 1 {
                Ok(())
            } else {
                Err(format!("{rows} rows"))
            }
        })
        .await;
        web.read(".key-sheet kbd", "X").await;
        // The first one empties the field.
        web.keys(ESCAPE).await;
        web.keys(ESCAPE).await;
        web.gone(".key-sheet[open]").await;

        scene.go("/settings/keyboard").await;
        web.click("#reset-keys").await;
        web.read("[data-action='go.stack'] kbd", "G").await;
        scene.nothing_went_wrong().await;
    })
    .await;
    scene.web.quit().await;
}

#[tokio::test]
async fn browser_task_tray_shows_a_deploy_and_cancels_it() {
    let test = "browser_task_tray_shows_a_deploy_and_cancels_it";
    let Some(scene) = Scene::open(test, &[]).await else {
        return;
    };
    let web = &scene.web;
    web.watched(test, async {
        let slow = folder(&[("main.py", SLOW)]);
        scene.go("/traces").await;
        web.read("#tasks", "No task").await;
        let height = "return document.getElementById('tasks').getBoundingClientRect().height";
        let before = web.script(height).await;
        let job = scene.api.deploy(slow.path(), "sleeper", "process").await;
        web.read("#tasks", "1 task").await;
        assert_eq!(web.script(height).await, before, "it does not jump");

        web.keys("gj").await;
        web.read(".task", "Deploy sleeper").await;
        scene.pictures("tray").await;
        web.click(".task button").await;
        web.read(".task", "Cancelled").await;
        assert_eq!(scene.api.job(&job).await["state"], "cancelled");
        web.read("#tasks", "No task").await;
        web.keys(ESCAPE).await;
        web.gone(".task-list").await;
        let focus = web.script("return document.activeElement.id").await;
        assert_eq!(focus, "tasks", "the keyboard goes back to where it was");
        scene.nothing_went_wrong().await;
    })
    .await;
    scene.web.quit().await;
}

#[tokio::test]
async fn browser_chat_page_holds_all_conversations_and_drafts() {
    let test = "browser_chat_page_holds_all_conversations_and_drafts";
    let Some(scene) = Scene::open(test, &["one", "two"]).await else {
        return;
    };
    let web = &scene.web;
    web.watched(test, async {
        let first = scene.ask("one", "My name is Grace").await;
        let second = scene.ask("two", "My name is Ada").await;
        web.keys("gc").await;
        place(web, "/chat").await;
        // The latest is shown, with its trace beside it.
        web.read(".sessions", "My name is Grace").await;
        web.read(".answer", "Ada").await;
        web.read("section.trace", "spans").await;
        scene.pictures("chat").await;

        web.fill("#message", "half a thought").await;
        web.fill(".sessions input[type=search]", "grace").await;
        web.click(&format!(".sessions a[href='/chat/{first}']"))
            .await;
        web.read(".answer", "Grace").await;
        written(web, "").await;
        web.fill(".sessions input[type=search]", "").await;
        web.keys(" ").await;
        web.click(&format!(".sessions a[href='/chat/{second}']"))
            .await;
        web.read(".answer", "Ada").await;
        written(web, "half a thought").await;
        web.reload().await;
        web.read(".answer", "Ada").await;
        written(web, "half a thought").await;

        // A new one, by choosing with whom.
        web.keys(ESCAPE).await;
        web.click("#new-conversation").await;
        web.click(".choose-agents li:nth-child(2) button").await;
        web.see("#message").await;
        web.fill("#message", "My name is Emmy").await;
        web.keys(ENTER).await;
        web.read(".answer:not(.arriving)", "Emmy").await;
        web.read(".sessions .chosen", "Emmy").await;
        written(web, "").await;
        scene.nothing_went_wrong().await;
    })
    .await;
    scene.web.quit().await;
}

async fn written(web: &Web, expected: &str) {
    until(&format!("the draft is `{expected}`"), async || {
        let found = web
            .script("return document.getElementById('message')?.value")
            .await;
        if found == expected {
            Ok(())
        } else {
            Err(found.to_string())
        }
    })
    .await;
}

#[tokio::test]
async fn browser_logs_page_shows_all_agents_or_one() {
    let test = "browser_logs_page_shows_all_agents_or_one";
    let Some(scene) = Scene::open(test, &["one", "two"]).await else {
        return;
    };
    let web = &scene.web;
    web.watched(test, async {
        scene.ask("one", "My name is Grace").await;
        scene.ask("two", "My name is Ada").await;
        web.keys("gl").await;
        place(web, "/logs").await;
        let writers = "return [...new Set([...document.querySelectorAll('.log-from')].map((one) => one.textContent))].sort()";
        let are = async |expected: Value| {
            until(&format!("lines are of {expected}"), async || {
                let found = web.script(writers).await;
                if found == expected { Ok(()) } else { Err(found.to_string()) }
            })
            .await;
        };
        are(json!(["one", "two"])).await;
        scene.pictures("logs").await;
        web.script("document.getElementById('log-source').focus()").await;
        web.see("#log-source option[value='agent:two']").await;
        web.script("const choice = document.getElementById('log-source'); choice.value = 'agent:two'; choice.dispatchEvent(new Event('change', { bubbles: true })); choice.blur()").await;
        are(json!(["two"])).await;
        let place = web.script("return location.search").await;
        assert_eq!(place, "?of=agent:two", "each choice has an address of its own");

        // New lines come by themselves; held still they wait.
        web.keys("p").await;
        web.read("#log-pause", "Follow").await;
        scene.ask("two", "My name is Emmy").await;
        web.read(".panel-head [role=status]", "arrived meanwhile").await;
        web.click("#log-pause").await;
        web.read("#log-pause", "Pause").await;

        web.script("const choice = document.getElementById('log-level'); choice.value = 'Errors'; choice.dispatchEvent(new Event('change', { bubbles: true }))").await;
        web.read(".log-page", "No line is like that").await;
        scene.nothing_went_wrong().await;
    })
    .await;
    scene.web.quit().await;
}
