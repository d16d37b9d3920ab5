//! A browser that scripts are run in.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use ureq::Agent;

use super::super::{Bed, probe};
use crate::command::command;
use crate::daemon::Daemon;
use crate::places::program_on_path;
use crate::product::text;

const LIMIT: Duration = Duration::from_secs(60);

/// A browser without a window, driven as tests drive it.
pub(super) struct Browser<'a> {
    client: &'a Agent,
    session: String,
    _driver: Daemon,
}

impl<'a> Browser<'a> {
    pub(super) fn start(bed: &Bed<'_>, client: &'a Agent) -> Result<Option<Self>> {
        let browser = ["chromium", "google-chrome"]
            .iter()
            .find_map(|name| program_on_path(name));
        let (Some(driver), Some(browser)) = (program_on_path("chromedriver"), browser) else {
            return Ok(None);
        };
        let port = probe::free_port()?;
        let mut driver = command(bed.places, driver);
        driver.arg(format!("--port={port}"));
        let log = bed.places.logs().join("chromedriver.log");
        let mut driver = Daemon::start("chromedriver", &mut driver, &log)?;
        let url = format!("http://127.0.0.1:{port}");
        driver.until(LIMIT, |_| {
            client.get(format!("{url}/status")).call().is_ok()
        })?;
        let profile = bed.scratch.0.join("chromium");
        let asked = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {
                "binary": browser,
                "args": ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,800",
                    "--disable-background-networking", format!("--user-data-dir={}", profile.display())],
            },
            "timeouts": {"script": 120_000, "pageLoad": 60_000},
        }}});
        let mut answer = client.post(format!("{url}/session")).send_json(asked)?;
        let answer: Value = answer.body_mut().read_json()?;
        let session = format!("{url}/session/{}", text(&answer["value"], "sessionId")?);
        Ok(Some(Self {
            client,
            session,
            _driver: driver,
        }))
    }

    pub(super) fn open(&self, url: &str) -> Result<()> {
        let asked = self.client.post(format!("{}/url", self.session));
        asked.send_json(json!({"url": url}))?;
        Ok(())
    }

    /// What the script hands to its last argument.
    pub(super) fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        let mut answer = self
            .client
            .post(format!("{}/execute/async", self.session))
            .send_json(json!({"script": script, "args": arguments}))?;
        let mut answer: Value = answer
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_json()?;
        match answer["value"].take() {
            Value::Null => bail!("the script gave nothing"),
            value => Ok(value),
        }
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        // The driver's end ends a browser that does not answer.
        drop(self.client.delete(&self.session).call());
    }
}
