//! What the pages show of saves and pinned questions, in a real browser over a real agent.

use std::{fs, path::Path};

use nasiko_tests::{
    Resident, example, skip,
    web_driver::{Web, until},
};

use crate::conversation::ENTER;

/// A copy of the greeter that may be edited.
fn greeter() -> tempfile::TempDir {
    let folder = nasiko_tests::folder(&[]);
    for file in ["main.py", "AgentCard.json"] {
        fs::copy(example("greeter").join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn replace(folder: &Path, old: &str, new: &str) {
    let file = folder.join("main.py");
    let source = fs::read_to_string(&file).unwrap();
    let changed = source.replace(old, new);
    assert_ne!(source, changed, "{old:?} is not there");
    fs::write(file, changed).unwrap();
}

#[tokio::test]
async fn browser_shows_what_saves_did_and_asks_pinned_questions_again() {
    let test = "browser_shows_what_saves_did_and_asks_pinned_questions_again";
    let (Some(driver), Some(chromium)) = (
        skip::path_or_skip(test, "NASIKO_TEST_CHROMEDRIVER", "driver of a browser"),
        skip::path_or_skip(test, "NASIKO_TEST_CHROMIUM", "browser"),
    ) else {
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let resident = Resident::start();
    let folder = greeter();
    let path = folder.path().to_str().unwrap();
    resident.run(&["deploy", path, "--name", "edited"]).ok();
    let web = Web::chromium(&driver, &chromium, scratch.path()).await;
    web.watched(test, async {
        let link = resident.run(&["open", "--print"]).ok().stdout;
        web.open(link.trim()).await;
        let (base, _) = resident.endpoint();

        web.open(&format!("{base}/agents/edited/chat")).await;
        web.see("#message").await;
        web.click("#message").await;
        web.keys("Hi").await;
        web.keys(ENTER).await;
        web.read(".answer:not(.arriving)", "Hello! I am Greeter")
            .await;
        web.click("button.pin-button").await;
        pinned(&web, "Same answer").await;

        web.open(&format!("{base}/agents/edited/updates")).await;
        web.click("button.switch").await;
        web.read("main", "Save a file in").await;
        replace(
            folder.path(),
            "Hello! I am Greeter",
            "Good day! I am Greeter",
        );
        let row = web.read(".update-row", "Live").await;
        assert!(row.contains("main.py") && row.contains("restart"), "{row}");
        pinned(&web, "Changed").await;
        if let Some(pictures) = std::env::var_os("NASIKO_TEST_PICTURES") {
            pictures_of(&web, Path::new(&pictures), folder.path()).await;
        }

        replace(folder.path(), "def compose(", "def compose((");
        let row = web.read(".update-row", "Not applied").await;
        assert!(row.contains("main.py"), "{row}");
        web.read("main", "main.py").await;
        replace(folder.path(), "def compose((", "def compose(");
        until("the newest save is live", async || {
            let newest = web.text(".update-row").await.unwrap_or_default();
            if newest.contains("Live") {
                Ok(())
            } else {
                Err(newest)
            }
        })
        .await;

        web.click("button.switch").await;
        until("the folder is left alone", async || {
            let watch = resident.json(&["watch", "edited", "--status"]);
            if watch["mode"] == "off" {
                Ok(())
            } else {
                Err(watch.to_string())
            }
        })
        .await;
        // A browser notes each refusal: a trace is asked for until it is there.
        let mut wrong = web.wrong().await;
        wrong.retain(|note| !(note.contains("status of 404") && note.contains("/traces/")));
        assert!(wrong.is_empty(), "errors in the page: {wrong:#?}");
    })
    .await;
    web.quit().await;
}

/// Waits until the one pinned question stands so.
async fn pinned(web: &Web, state: &str) {
    until("a pinned question is compared", async || {
        let chip = web
            .script("return document.querySelector('.pins .chip')?.title || ''")
            .await;
        if chip.as_str().is_some_and(|title| title.starts_with(state)) {
            Ok(())
        } else {
            Err(chip.to_string())
        }
    })
    .await;
}

/// Pictures for the documentation, where `NASIKO_TEST_PICTURES` names a folder for them.
async fn pictures_of(web: &Web, pictures: &Path, folder: &Path) {
    let (one, other) = ("Good day!", "Good day to you!");
    for number in 0..12 {
        let (old, new) = if number % 2 == 0 {
            (one, other)
        } else {
            (other, one)
        };
        replace(folder, old, new);
        std::thread::park_timeout(std::time::Duration::from_millis(900));
    }
    for theme in ["light", "dark"] {
        web.script(&format!(
            "document.documentElement.dataset.theme = '{theme}'"
        ))
        .await;
        web.picture(&pictures.join(format!("updates-{theme}.png")))
            .await;
    }
}
