//! What is dropped on a page or pasted into it: shown first, deployed by one Enter.

use std::{fmt::Write as _, path::Path};

use nasiko_tests::{
    Api, Resident, example, folder, program,
    web_driver::{Web, until},
};
use serde_json::json;

use crate::{
    browser::{Browser, link},
    conversation::ENTER,
    pages::go,
};

const ESCAPE: &str = "\u{e00c}";
/// Files of a folder that is large for an agent.
const MANY: usize = 5_000;

/// Dispatches an event with that text, or with a file of these bytes, on the element with the keyboard, as a browser does.
fn arrive(kind: &str, text: &str, file: Option<(&str, &[u8])>) -> String {
    let class = if kind == "paste" {
        "ClipboardEvent"
    } else {
        "DragEvent"
    };
    let carries = if kind == "paste" {
        "clipboardData"
    } else {
        "dataTransfer"
    };
    let add = file.map_or_else(
        || {
            format!(
                "data.setData('{}', {});",
                if kind == "paste" {
                    "text/plain"
                } else {
                    "text/uri-list"
                },
                json!(text)
            )
        },
        |(name, bytes)| {
            format!(
                "data.items.add(new File([new Uint8Array({bytes:?})], {}));",
                json!(name)
            )
        },
    );
    format!(
        "const data = new DataTransfer(); {add}
         const event = new {class}('{kind}', {{ {carries}: data, bubbles: true, cancelable: true, clientX: 400, clientY: 300 }});
         document.activeElement.dispatchEvent(event);
         return event.defaultPrevented"
    )
}

async fn paste(web: &Web, text: &str) -> bool {
    web.script(&arrive("paste", text, None)).await == true
}

/// A zip of a folder's files.
fn zip_of(folder: &Path) -> Vec<u8> {
    use std::io::{Cursor, Write as _};
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap();
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(&std::fs::read(&path).unwrap()).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

/// Waits until the preview has the keyboard.
async fn decides(web: &Web) {
    until("the keyboard is where one decides", async || {
        match web.script("return document.activeElement.id").await {
            id if id == "offer-deploy" => Ok(()),
            other => Err(other.to_string()),
        }
    })
    .await;
}

async fn agents(resident: &Resident) -> Vec<String> {
    let (_, list) = Api::of(resident).get("/agents").await;
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|agent| agent["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn browser_takes_what_is_dropped_or_pasted_anywhere() {
    let test = "browser_takes_what_is_dropped_or_pasted_anywhere";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let resident = Resident::start();
    let one = folder(&[
        ("main.py", &program::saying("one", "")),
        ("nasiko.toml", "[agent]\nname = \"one\"\n"),
    ]);
    let other = folder(&[("main.py", &program::saying("other", ""))]);
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        web.read(".resident", "Connected").await;
        go(&web, "/agents").await;
        refuses_other_words(&web).await;
        gives_up(&web, &resident, one.path()).await;
        deploys_an_archive(&web).await;
        deploys_several(&web, one.path(), &other).await;
        replaces(&web, &resident, other.path()).await;
        tells_how_long(&web).await;
        // One of the folders is not there, as the page was told.
        let wrong = web.wrong().await.into_iter();
        let wrong: Vec<String> = wrong
            .filter(|note| !note.contains("/api/v1/inspect"))
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
    })
    .await;
    web.quit().await;
}

/// Words that name nothing, and what is pasted into a field, are left alone.
async fn refuses_other_words(web: &Web) {
    assert!(!paste(web, "hello there").await);
    web.click("#deploy-path").await;
    assert!(
        !paste(web, "/a/folder").await,
        "a field takes what is pasted into it"
    );
    web.script("document.activeElement.blur()").await;
    assert_eq!(web.count("dialog.offer[open]").await, 0);
}

/// Escape: nothing was started.
async fn gives_up(web: &Web, resident: &Resident, path: &Path) {
    assert!(paste(web, path.to_str().unwrap()).await);
    decides(web).await;
    web.read("dialog.offer", "python").await;
    web.keys(ESCAPE).await;
    web.gone("dialog.offer[open]").await;
    assert_eq!(agents(resident).await, Vec::<String>::new());
}

/// A drag shows the whole window as the target; what is dropped is shown before it is sent.
async fn deploys_an_archive(web: &Web) {
    let zip = zip_of(&example("greeter"));
    let file = Some(("greeter.zip", zip.as_slice()));
    assert_eq!(web.script(&arrive("dragover", "", file)).await, true);
    let target = web.see(".drop-target").await;
    let rect = target.rect().await.unwrap();
    let inner = web.script("return [innerWidth, innerHeight]").await;
    assert_eq!(
        json!([rect.width, rect.height]),
        json!([inner[0].as_f64(), inner[1].as_f64()])
    );
    assert_eq!(web.script(&arrive("drop", "", file)).await, true);
    web.gone(".drop-target").await;
    web.read("dialog.offer[open]", "greeter.zip").await;
    decides(web).await;
    web.keys(ENTER).await;
    web.read("dialog.offer .outcome", "Chat with greeter").await;
    web.keys(ESCAPE).await;
    web.read("table.rows", "greeter").await;
}

/// Of several, those that are well are deployed; each of the others says why not.
async fn deploys_several(web: &Web, one: &Path, other: &tempfile::TempDir) {
    let missing = other.path().join("missing");
    let text = format!("{}\nfile://{}\n", one.display(), missing.display());
    assert!(paste(web, &text).await);
    web.read(".offer-list", "Ready").await;
    web.read(".offer-list", "Cannot be deployed").await;
    decides(web).await;
    web.keys(ENTER).await;
    web.read(".offer-list", "Running").await;
    let rows = web.text(".offer-list").await.unwrap();
    assert!(rows.contains("missing"), "{rows}");
    web.keys(ENTER).await;
    web.gone("dialog.offer[open]").await;
}

/// On an agent's page, its place is offered, and taken only if chosen.
async fn replaces(web: &Web, resident: &Resident, other: &Path) {
    let (base, _) = resident.endpoint();
    web.open(&format!("{base}/agents/one")).await;
    web.see("nav.tabs").await;
    assert!(paste(web, other.to_str().unwrap()).await);
    web.read(".offer-replace", "Replace one").await;
    let chosen = web
        .script("return document.querySelector('.offer-replace select').value")
        .await;
    assert_eq!(chosen, "", "it is a choice");
    web.click(".offer-replace option[value='one']").await;
    web.click("#offer-deploy").await;
    web.read("dialog.offer .outcome", "one").await;
    web.keys(ESCAPE).await;
    assert_eq!(agents(resident).await, ["greeter", "one"]);
    let (_, agent) = Api::of(resident).get("/agents/one").await;
    let source = agent["source"].as_str().unwrap();
    assert!(
        source.ends_with(other.file_name().unwrap().to_str().unwrap()),
        "{agent:#}"
    );
}

/// What was dropped is shown at once, even where it is large; how long it took is printed.
#[expect(
    clippy::print_stderr,
    reason = "a figure, for whoever reads the test's output"
)]
async fn tells_how_long(web: &Web) {
    let many = folder(&[("main.py", &program::saying("many", ""))]);
    for number in 0..MANY {
        let below = many.path().join(format!("data/{}", number % 50));
        std::fs::create_dir_all(&below).unwrap();
        let mut words = String::new();
        writeln!(words, "{number}").unwrap();
        std::fs::write(below.join(format!("{number}.txt")), words).unwrap();
    }
    let script = format!(
        "const begun = performance.now();
         performance.clearMeasures();
         (() => {{ {} }})();
         const shown = () => document.querySelector('dialog.offer[open] .offer-name');
         return new Promise((done) => {{
             const look = () => shown() ? done(performance.now() - begun) : requestAnimationFrame(look);
             look();
         }})",
        arrive("paste", many.path().to_str().unwrap(), None)
    );
    let shown = web.script(&script).await;
    web.read("dialog.offer", "5,001").await;
    let understood = web
        .script(
            "return performance.getEntriesByName('nasiko-understood').map((one) => one.duration)",
        )
        .await;
    eprintln!("{MANY} files: its name after {shown} ms, understood after {understood} ms");
    web.keys(ESCAPE).await;
    web.gone("dialog.offer[open]").await;
}
