//! Pages driven over WebDriver: in a browser, and in the desktop window.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures::FutureExt;
use serde_json::{Value, json};
use thirtyfour::{By, Capabilities, WebDriver, WebElement, error::WebDriverResult};

use crate::wait::PATIENCE;

/// How often a page is looked at.
const STEP: Duration = Duration::from_millis(25);
/// What Chromium says of requests that it breaks off whenever a network interface comes or goes, as it does with each
/// container of any other test. Pages live with it (`nasiko_client::browser`, `boot.js`); it is no fault of theirs.
const NETWORK_CHANGED: &str = "net::ERR_NETWORK_CHANGED";
/// How often a page that did not load whole is loaded again.
const MOST_LOADS: usize = 5;
/// How long a driver may take for one command.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);
/// How long a driver may take to end.
const END_LIMIT: Duration = Duration::from_secs(5);
/// Installed in each document: what goes wrong in it. Reports of a policy that was broken earlier are caught up with.
const WATCH: &str = "if (!window.__wrong) {
    const wrong = window.__wrong = [];
    addEventListener('error', (event) => wrong.push(`error: ${event.message}`));
    addEventListener('unhandledrejection', (event) => wrong.push(`unhandled: ${event.reason}`));
    document.addEventListener('securitypolicyviolation',
        (event) => wrong.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    if (window.ReportingObserver) {
        new ReportingObserver((reports) => reports.forEach((report) =>
            wrong.push(`report: ${JSON.stringify(report.body)}`)), { types: ['csp-violation'], buffered: true }).observe();
    }
    const said = console.error;
    console.error = (...words) => { wrong.push(`console: ${words.join(' ')}`); said.apply(console, words); };
}";

/// A driver program with one session in it. Both end with the value.
pub struct Web {
    // The session first: the driver program ends the browser with it.
    driver: WebDriver,
    _program: Program,
    has_log: bool,
}

/// A driver program. It stays in the test's process group, so that whoever ends the test ends the browser.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Web {
    /// A Chromium without a screen; its profile lies in `scratch`.
    pub async fn chromium(chromedriver: &Path, chromium: &Path, scratch: &Path) -> Self {
        let mut command = Command::new(chromedriver);
        let profile = scratch.join("profile");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            // Tests go from page to page faster than a person may.
            "--disable-ipc-flooding-protection",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1280,800",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        command.env_remove("DISPLAY");
        Self::start(command, wanted, scratch, true).await
    }

    /// The desktop window of `program`, with `prepare`d variables.
    pub async fn window(
        webkit_driver: &Path,
        program: &Path,
        scratch: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        Self::window_with(webkit_driver, program, &[], scratch, prepare).await
    }

    /// As [`Web::window`], started with `arguments`.
    pub async fn window_with(
        webkit_driver: &Path,
        program: &Path,
        arguments: &[&str],
        scratch: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(webkit_driver);
        prepare(&mut command);
        command
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            // What WebKit keeps beside what the data directory holds.
            .env("XDG_DATA_HOME", scratch.join("data"))
            .env("XDG_CACHE_HOME", scratch.join("cache"));
        let wanted =
            json!({ "webkitgtk:browserOptions": { "binary": program, "args": arguments } });
        Self::start(command, wanted, scratch, false).await
    }

    async fn start(mut command: Command, wanted: Value, scratch: &Path, has_log: bool) -> Self {
        let port = free_port();
        let address = format!("http://127.0.0.1:{port}");
        let log = scratch.join("driver.log");
        let output = std::fs::File::create(&log).expect("a log");
        command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output);
        let child = command.spawn().expect("the driver can be run");
        let program = Program { child, log };
        until("the driver listens", async || {
            crate::api::try_ask(&format!("{address}/status")).await
        })
        .await;
        let Value::Object(wanted) = wanted else {
            unreachable!("wishes are an object")
        };
        let driver = WebDriver::builder(&address, Capabilities::from(wanted))
            .request_timeout(COMMAND_LIMIT)
            .connect()
            .await
            .unwrap_or_else(|error| panic!("no session: {error}\n{}", program.said()));
        Self {
            driver,
            _program: program,
            has_log,
        }
    }

    /// Runs `scenario`; when it fails, a picture of the page, its text and its errors are kept in the target directory.
    pub async fn watched(&self, test: &str, scenario: impl Future<Output = ()>) {
        if let Err(panic) = AssertUnwindSafe(scenario).catch_unwind().await {
            let folder = pictures();
            let _ = std::fs::create_dir_all(&folder);
            let picture = folder.join(format!("{test}.png"));
            let taken = self.driver.screenshot(&picture).await;
            eprintln!("--- {}: {taken:?}", picture.display());
            let address = self.driver.current_url().await;
            eprintln!(
                "--- {address:?} shows\n{}",
                self.text("body").await.unwrap_or_default()
            );
            eprintln!("--- wrong there: {:#?}", self.wrong().await);
            // Else the browser stays behind: a value that is dropped cannot wait for it.
            let _ = self.driver.clone().quit().await;
            resume_unwind(panic);
        }
    }

    /// Opens an address.
    pub async fn open(&self, address: &str) {
        let opened = self.driver.goto(address).await;
        self.loaded(opened).await;
        self.watch().await;
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        let loaded = self.driver.refresh().await;
        self.loaded(loaded).await;
        self.watch().await;
    }

    /// Presses `Load again`, as a person would, while the page or the browser says that it did not arrive.
    async fn loaded(&self, mut outcome: WebDriverResult<()>) {
        let unloaded = "return document.getElementById('unloaded') !== null
            || document.URL.startsWith('chrome-error:')";
        for _ in 0..MOST_LOADS {
            match outcome {
                Ok(()) if self.script(unloaded).await == false => return,
                Err(error) if !error.to_string().contains(NETWORK_CHANGED) => {
                    panic!("the page does not open: {error}")
                }
                _ => outcome = self.driver.refresh().await,
            }
        }
        panic!("the page does not load whole: {outcome:?}");
    }

    /// Notes from now on what goes wrong in the page; a page that was opened by another does it first.
    pub async fn watch(&self) {
        self.script(WATCH).await;
    }

    /// What has gone wrong in the page since it was opened.
    pub async fn wrong(&self) -> Vec<String> {
        let noted = self
            .driver
            .execute("return window.__wrong || ['nobody watches']", Vec::new());
        let mut wrong: Vec<String> = match noted.await {
            Ok(noted) => noted.convert().expect("texts"),
            Err(error) => vec![error.to_string()],
        };
        if self.has_log {
            let log = self.driver.browser_log().await.expect("the browser's log");
            let bad = log
                .into_iter()
                .filter(|entry| matches!(entry.level.as_str(), "SEVERE" | "WARNING"));
            wrong.extend(bad.map(|entry| entry.message));
            let was_broken_off = wrong.iter().any(|what| what.contains(NETWORK_CHANGED));
            // What was preloaded is not used where the program did not arrive.
            let is_of_it = |what: &String| {
                what.contains(NETWORK_CHANGED)
                    || was_broken_off && what.contains("was preloaded using link preload")
            };
            wrong.retain(|what| !is_of_it(what));
        }
        wrong
    }

    /// What a script gives.
    pub async fn script(&self, script: &str) -> Value {
        let given = self.driver.execute(script, Vec::new()).await;
        given
            .unwrap_or_else(|error| panic!("the script fails: {error}\n{script}"))
            .json()
            .clone()
    }

    /// What the promise of a script becomes.
    pub async fn promised(&self, promise: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             Promise.resolve({promise}).then((value) => done({{ value }}), (fault) => done({{ fault }}));"
        );
        let given = self.driver.execute_async(script.as_str(), Vec::new()).await;
        given
            .unwrap_or_else(|error| panic!("the script fails: {error}\n{promise}"))
            .json()
            .clone()
    }

    /// The first element that is displayed, once there is one.
    pub async fn see(&self, css: &str) -> WebElement {
        until(&format!("`{css}` is shown"), async || {
            for element in self.driver.find_all(By::Css(css)).await.map_err(said)? {
                if element.is_displayed().await.map_err(said)? {
                    return Ok(element);
                }
            }
            Err("it is not".to_owned())
        })
        .await
    }

    /// The text of the first element that holds `words`, once there is one.
    pub async fn read(&self, css: &str, words: &str) -> String {
        until(&format!("`{css}` says `{words}`"), async || {
            let text = self.text(css).await.map_err(said)?;
            if text.contains(words) {
                Ok(text)
            } else {
                Err(format!("it says `{text}`"))
            }
        })
        .await
    }

    /// Waits until nothing of that kind is in the page.
    pub async fn gone(&self, css: &str) {
        until(&format!("`{css}` is gone"), async || {
            match self
                .driver
                .find_all(By::Css(css))
                .await
                .map_err(said)?
                .len()
            {
                0 => Ok(()),
                many => Err(format!("{many} are there")),
            }
        })
        .await;
    }

    /// What elements say, all together.
    pub async fn text(&self, css: &str) -> WebDriverResult<String> {
        let script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText).join('\\n')";
        self.driver
            .execute(script, vec![json!(css)])
            .await?
            .convert()
    }

    /// How many elements there are.
    pub async fn count(&self, css: &str) -> usize {
        self.driver
            .find_all(By::Css(css))
            .await
            .expect("elements can be counted")
            .len()
    }

    /// Presses an element as soon as it can be.
    pub async fn click(&self, css: &str) {
        // What is drawn anew meanwhile is looked for anew.
        until(&format!("`{css}` can be pressed"), async || {
            let element = self.driver.find(By::Css(css)).await.map_err(said)?;
            element.click().await.map_err(said)
        })
        .await;
    }

    /// Writes into a field, instead of what stands there.
    pub async fn fill(&self, css: &str, words: &str) {
        let field = self.see(css).await;
        field.clear().await.expect("a field can be emptied");
        field
            .send_keys(words)
            .await
            .expect("a field can be written in");
    }

    /// Puts words into the field of that id at once, as pasting does.
    pub async fn paste(&self, id: &str, words: &str) {
        let script = "const field = document.getElementById(arguments[0]);
            field.value = arguments[1];
            field.dispatchEvent(new Event('input', { bubbles: true }));";
        let arguments = vec![json!(id), json!(words)];
        self.driver
            .execute(script, arguments)
            .await
            .expect("a field can be written in");
    }

    /// Types on the keyboard, wherever the focus is.
    pub async fn keys(&self, keys: impl AsRef<str>) {
        self.driver
            .action_chain()
            .send_keys(keys.as_ref())
            .perform()
            .await
            .expect("keys can be typed");
    }

    /// Presses a key while Control is held, wherever the focus is.
    pub async fn control(&self, key: char) {
        const CONTROL: char = '\u{e009}';
        self.driver
            .action_chain()
            .key_down(CONTROL)
            .key_down(key)
            .key_up(key)
            .key_up(CONTROL)
            .perform()
            .await
            .expect("keys can be pressed");
    }

    /// Notes from now on each new text of the elements, for [`Web::followed`].
    pub async fn follow(&self, css: &str) {
        let script = format!(
            "const seen = window.__seen = [];
             const look = () => {{
                 const text = [...document.querySelectorAll({css})].map((one) => one.textContent).join('\\n').trim();
                 if (text && text !== seen[seen.length - 1]) seen.push(text);
             }};
             window.__eye?.disconnect();
             window.__eye = new MutationObserver(look);
             window.__eye.observe(document.body, {{ subtree: true, childList: true, characterData: true }});
             look();",
            css = json!(css),
        );
        self.script(&script).await;
    }

    /// The texts that were noted, in order.
    pub async fn followed(&self) -> Vec<String> {
        serde_json::from_value(self.script("return window.__seen").await).expect("texts")
    }

    /// Closes the window.
    pub async fn close(&self) {
        // The driver may lose its program over that.
        let _ = self.driver.close_window().await;
    }

    /// Makes the window that large, in pixels.
    pub async fn resize(&self, width: u32, height: u32) {
        self.driver
            .set_window_rect(0, 0, width, height)
            .await
            .expect("the window can be resized");
    }

    /// Takes a picture.
    pub async fn picture(&self, path: &Path) {
        self.driver
            .screenshot(path)
            .await
            .expect("a picture is taken");
    }

    /// A picture of the page, as a PNG.
    pub async fn shot(&self) -> Vec<u8> {
        self.driver
            .screenshot_as_png()
            .await
            .expect("a picture is taken")
    }

    /// Does something by Chromium's developer tools.
    pub async fn devtools(&self, command: &str, arguments: Value) {
        self.driver
            .cdp()
            .send_raw(command, arguments)
            .await
            .unwrap_or_else(|error| panic!("{command}: {error}"));
    }

    /// Ends the session.
    pub async fn quit(self) {
        // A program that has ended by itself has no session any more.
        let _ = self.driver.quit().await;
    }
}

impl Program {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Asked politely it ends what it started.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").arg(&id).status();
        if !crate::resident::ended_within(&mut self.child, END_LIMIT) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Looks until `look` gives something; fails with `what` and the last reason after [`PATIENCE`].
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(reason) if Instant::now() > deadline => panic!("{what}: {reason}"),
            Err(_) => tokio::time::sleep(STEP).await,
        }
    }
}

/// A port that is free now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
fn said(error: thirtyfour::error::WebDriverError) -> String {
    error.to_string()
}

/// Where pictures are kept, those of failures too.
pub fn pictures() -> PathBuf {
    crate::resident::program("nasiko").with_file_name("pictures")
}
