//! Home in a browser: the first agent of a person who has just come, figures that move by themselves, and a crowd.

use nasiko_tests::{
    Resident, example,
    web_driver::{Web, until},
};
use serde_json::json;

use crate::browser::{Browser, link};

/// The number of requests that Home tells, e.g. `3 in 15 min`.
const REQUESTS: &str = ".plots:not(.usage) .figure-cell:first-child small";

#[tokio::test]
async fn browser_first_run_ends_with_an_answer() {
    let test = "browser_first_run_ends_with_an_answer";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        let said = web.read(".welcome", "Runs as a process").await;
        let folder = resident.home().join("samples/greeter");
        assert!(
            said.contains(folder.to_str().unwrap()),
            "it says where it is written: {said}"
        );
        assert!(said.contains("No container engine answers"), "{said}");
        web.click("#start-sample").await;
        web.see("#message").await;
        until("three questions are suggested", async || {
            match web.count(".suggestion").await {
                3 => Ok(()),
                many => Err(many.to_string()),
            }
        })
        .await;
        web.click(".suggestion").await;
        web.read(".answer:not(.arriving) .prose", "Ada").await;

        web.click("nav.rail a[href='/']").await;
        web.read("table.rows tbody tr", "greeter").await;
        web.read(REQUESTS, "1 in").await;
        web.gone(".welcome").await;
        assert_no_errors(&web).await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_first_run_without_anything_explains_itself() {
    let test = "browser_first_run_without_anything_explains_itself";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let empty = tempfile::tempdir().unwrap();
    let mut resident = Resident::prepared("unix:///nonexistent/docker.sock", &[]);
    resident.serve_with(|mut command| {
        command.env("PATH", empty.path());
        command
    });
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        let said = web
            .read(".welcome", "There is no Python on this computer")
            .await;
        assert!(said.contains("Install Python"), "{said}");
        web.see(".welcome a[href='/doctor']").await;
        web.click("#look-again").await;
        web.read(".welcome", "There is no Python on this computer")
            .await;
        web.see("#deploy-path").await;
        assert_no_errors(&web).await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_figures_move_without_a_reload() {
    let test = "browser_figures_move_without_a_reload";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::with_greeter();
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.read(REQUESTS, "0 in 15 min").await;
        web.script("window.__same = true").await;
        for _ in 0..3 {
            resident.run(&["chat", "greeter", "Hello"]).ok();
        }
        web.read(REQUESTS, "3 in 15 min").await;
        let row = web.read("table.rows tbody tr", "3").await;
        assert!(row.contains("ms"), "latency of the agent: {row}");
        let plot = web
            .script("return document.querySelector('.plot').getAttribute('aria-label')")
            .await;
        assert!(
            plot.as_str().unwrap().contains("3 in 15 min"),
            "told to who does not see it: {plot}"
        );
        web.read(".plots.usage", "1 agent").await;

        // The arrow keys read a point, and the table says the same.
        web.script("document.querySelector('.plot').focus()").await;
        web.keys("\u{e010}").await;
        web.read(REQUESTS, "request").await;
        web.click("#figures-as-table").await;
        let rows = until("the table has the window's buckets", async || {
            match web.count(".figure-table tbody tr").await {
                60 => Ok(web
                    .text(".figure-table tbody tr td:nth-child(2)")
                    .await
                    .map_err(|error| error.to_string())?),
                many => Err(many.to_string()),
            }
        })
        .await;
        let told: u64 = rows
            .split_whitespace()
            .filter_map(|cell| cell.parse::<u64>().ok())
            .sum();
        assert_eq!(told, 3, "{rows}");
        web.click(".segments label:nth-of-type(2) input").await;
        web.read(REQUESTS, "3 in 1 h").await;
        assert_eq!(
            web.script("return window.__same").await,
            json!(true),
            "it was not loaded again"
        );
        assert_no_errors(&web).await;
    })
    .await;
    web.quit().await;
}

#[tokio::test]
async fn browser_agents_are_sorted_by_keyboard_and_filtered() {
    let test = "browser_agents_are_sorted_by_keyboard_and_filtered";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    for name in ["alpha", "beta"] {
        resident
            .run(&[
                "deploy",
                example("greeter").to_str().unwrap(),
                "--name",
                name,
            ])
            .ok();
    }
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.click("nav.rail a[href='/agents']").await;
        assert_eq!(order(&web, "beta").await, ["alpha", "beta"]);
        web.script("document.querySelector('th[aria-sort] .sort').focus()")
            .await;
        web.keys(" ").await;
        until("the order is turned", async || {
            match order(&web, "beta").await {
                turned if turned == ["beta", "alpha"] => Ok(()),
                other => Err(other.join(" ")),
            }
        })
        .await;
        let said = web
            .script("return document.querySelector('th.c-name').getAttribute('aria-sort')")
            .await;
        assert_eq!(said, json!("descending"));
        web.fill(".filter input[type=search]", "alp").await;
        until("the list is narrowed", async || {
            match order(&web, "alpha").await {
                narrowed if narrowed == ["alpha"] => Ok(()),
                other => Err(other.join(" ")),
            }
        })
        .await;
        assert_no_errors(&web).await;
    })
    .await;
    web.quit().await;
}

/// The names in the list, once `name` is among them.
async fn order(web: &Web, name: &str) -> Vec<String> {
    web.read(".agents tbody", name).await;
    let names = web
        .script("return [...document.querySelectorAll('.agents tbody th a')].map((one) => one.innerText)")
        .await;
    serde_json::from_value(names).unwrap()
}

async fn assert_no_errors(web: &Web) {
    let mut wrong = web.wrong().await;
    // A browser notes each refusal: a trace is asked for until it is there.
    wrong.retain(|note| !(note.contains("status of 404") && note.contains("/traces/")));
    assert!(wrong.is_empty(), "errors in the page: {wrong:#?}");
}
