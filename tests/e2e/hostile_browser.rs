//! An agent that wants more than to answer: whatever it says, wherever it is shown, is words and nothing else.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use nasiko_tests::{
    Resident, example, folder,
    web_driver::{Web, until},
};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, link},
    conversation::ENTER,
    pages::go,
};

/// In everything that the agent says, so that a test knows that it was shown.
const MARK: &str = "mischief";
/// Wide and narrow, in pixels.
const WIDTHS: [u32; 2] = [1280, 760];

/// The greeter, with the words of `hostile.json`.
const MAIN: &str = r#"
import json, os
import greeter

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile.json")) as file:
    words = json.load(file)
greeter.compose = lambda text, context: words["answer"]
if greeter.exporter:
    put = greeter.exporter.put
    def hostile(span):
        span["name"] = words["short"]
        span["attributes"] += [{"key": words["short"], "value": {"stringValue": words["long"]}}]
        span["events"] = [{"name": "exception", "timeUnixNano": span["startTimeUnixNano"], "attributes": [
            {"key": "exception.message", "value": {"stringValue": words["long"]}}]}]
        put(span)
    greeter.exporter.put = hostile
for line in words["log"]:
    print(line, flush=True)
greeter.main()
"#;

/// One that never starts, and says so in its own way.
const BROKEN: &str = r#"
import json, os, sys
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile.json")) as file:
    words = json.load(file)
for line in words["log"]:
    print(line, file=sys.stderr, flush=True)
sys.exit(words["short"])
"#;

/// A server that nobody is to ask anything.
struct Canary {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Canary {
    fn listen() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&heard);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream: TcpStream = stream;
                let mut buffer = [0; 512];
                let read = stream.read(&mut buffer).unwrap_or(0);
                let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
                told.lock().push(request);
                let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            }
        });
        Self { address, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().clone()
    }
}

/// Words that would do something if they were anything else.
fn short(canary: &str) -> String {
    format!(
        "{MARK}<img src='http://{canary}/name' onerror='window.__caught=\"name\"'>\u{202e}gnp.exe"
    )
}

fn long(canary: &str) -> String {
    let wide = "w".repeat(3_000);
    format!(
        "{MARK} <script>window.__caught='script'</script><script src=\"http://{canary}/script.js\"></script>\
         <img src=x onerror=\"window.__caught='image'\"><svg onload=\"window.__caught='svg'\"></svg>\
         <iframe src=\"http://{canary}/frame\" srcdoc=\"<script>parent.__caught='frame'</script>\"></iframe>\
         <style>body{{display:none;background:url(http://{canary}/style)}}</style><base href=\"http://{canary}/\">\
         <meta http-equiv=\"refresh\" content=\"0;url=http://{canary}/refresh\">\
         <link rel=\"stylesheet\" href=\"http://{canary}/sheet.css\"><object data=\"http://{canary}/object\"></object>\
         <a href=\"javascript:window.__caught='link'\" style=\"position:fixed;inset:0;z-index:99999\">everything</a>\
         <form action=\"http://{canary}/form\"><button autofocus onfocus=\"window.__caught='focus'\">ok</button></form>\
         \u{202e}desrever\u{202c} {wide}"
    )
}

fn answer(canary: &str) -> String {
    format!(
        "# {MARK} [heading](javascript:window.__caught='heading')\n\n{}\n\n\
         ![image](http://{canary}/markdown.png) ![data](data:image/svg+xml,<svg/onload=alert(1)>)\n\n\
         [one](javascript:window.__caught='one') [two](JaVaScRiPt:window.__caught='two') \
         [three](data:text/html,<script>parent.__caught='three'</script>) [four](/api/v1/shutdown) \
         [five](file:///etc/passwd) <javascript:window.__caught='five'> [six](vbscript:x) [web](http://{canary}/web)\n\n\
         ```<script>window.__caught='fence'</script>\n{}\n```\n\n\
         | <b onclick=\"window.__caught='cell'\">a</b> | {} |\n|-|-|\n| x | y |\n\n\
         [ref]: javascript:window.__caught='ref'\n\n[ref]\n",
        long(canary),
        long(canary),
        "c".repeat(1_000),
    )
}

fn log(canary: &str) -> Vec<String> {
    vec![
        format!("\x1b[31m{MARK}\x1b[0m {}", long(canary)),
        format!(
            "\x1b]8;;http://{canary}/osc\x07{MARK}\x1b]8;;\x07 \x1b]0;title\x07\x1b[2J\x1b[H\x08\x08\x00"
        ),
        format!(
            "{{\"level\":\"error\",\"message\":\"{MARK} <img src=x onerror=window.__caught='json'>\"}}"
        ),
    ]
}

fn card(canary: &str) -> Value {
    let mut card: Value = serde_json::from_str(
        &std::fs::read_to_string(example("greeter").join("AgentCard.json")).unwrap(),
    )
    .unwrap();
    card["name"] = short(canary).into();
    card["description"] = long(canary).into();
    card["iconUrl"] = format!("http://{canary}/icon.png").into();
    card["documentationUrl"] = "javascript:window.__caught='documentation'".into();
    card["provider"] =
        json!({ "organization": short(canary), "url": "javascript:window.__caught='provider'" });
    card["skills"] = json!([{
        "id": "x", "name": short(canary), "description": long(canary),
        "tags": [short(canary), "t".repeat(500)], "examples": [long(canary)],
    }]);
    card
}

fn hostile(name: &str, main: &str, canary: &str) -> tempfile::TempDir {
    let words = json!({ "short": short(canary), "long": long(canary), "answer": answer(canary), "log": log(canary) });
    let greeter = std::fs::read_to_string(example("greeter").join("main.py")).unwrap();
    // A name of a file is shown where its code is spoken of.
    let file = format!("{MARK}<img src=x onerror=window.__caught='file'>\u{202e}.py");
    folder(&[
        ("main.py", main),
        ("greeter.py", &greeter),
        ("hostile.json", &words.to_string()),
        ("AgentCard.json", &card(canary).to_string()),
        (&file, "import os\nKEY = os.environ['MISCHIEF_KEY']\n"),
        (
            "nasiko.toml",
            &format!("[agent]\nname = \"{name}\"\n\n[env]\nMISCHIEF_KEY = \"x\"\n"),
        ),
    ])
}

#[tokio::test]
async fn browser_shows_a_hostile_agents_words_as_words() {
    let test = "browser_shows_a_hostile_agents_words_as_words";
    let Some(browser) = Browser::or_skip(test) else {
        return;
    };
    let canary = Canary::listen();
    let resident = Resident::start();
    let good = hostile("hostile", MAIN, &canary.address);
    let bad = hostile("broken", BROKEN, &canary.address);
    resident
        .run(&["deploy", good.path().to_str().unwrap()])
        .ok();
    assert_ne!(
        resident.run(&["deploy", bad.path().to_str().unwrap()]).code,
        0
    );
    let web = browser.start().await;
    web.watched(test, async {
        web.open(&link(&resident)).await;
        talks(&web).await;
        everywhere(&web, &resident).await;
        is_previewed(&web, good.path().to_str().unwrap()).await;
        // A trace is asked for as soon as its answer is there, and tried again until its spans are.
        let wrong = web.wrong().await.into_iter();
        let wrong: Vec<String> = wrong
            .filter(|note| !note.contains("/api/v1/traces/"))
            .collect();
        assert_eq!(wrong, Vec::<String>::new(), "no policy was needed");
    })
    .await;
    web.quit().await;
    assert_eq!(
        canary.heard(),
        Vec::<String>::new(),
        "no request left the page"
    );
    // The canary can be heard at all.
    TcpStream::connect(&canary.address)
        .unwrap()
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .unwrap();
    until("the canary hears", async || {
        if canary.heard().is_empty() {
            Err("nothing".to_owned())
        } else {
            Ok(())
        }
    })
    .await;
}

/// Asks it, and looks at the answer and its trace.
async fn talks(web: &Web) {
    go(web, "/agents/hostile/chat").await;
    web.see("#message").await;
    web.click("#message").await;
    web.keys("hello").await;
    web.keys(ENTER).await;
    web.read(".answer:not(.arriving) .prose", MARK).await;
    is_harmless(web, "chat").await;
    let links = web
        .script("return [...document.querySelectorAll('.answer .prose a')].map((one) => [one.getAttribute('href'), one.rel])")
        .await;
    let links = links.as_array().unwrap();
    assert_eq!(links.len(), 1, "one link leads to the web: {links:?}");
    assert!(
        links[0][1].as_str().unwrap().contains("noreferrer"),
        "{links:?}"
    );
}

/// Every page that shows something of it.
async fn everywhere(web: &Web, resident: &Resident) {
    let traces = resident.json(&["traces"]);
    let traces = traces
        .as_array()
        .or_else(|| traces["items"].as_array())
        .unwrap();
    let trace = traces[0]["trace_id"]
        .as_str()
        .or_else(|| traces[0]["id"].as_str())
        .unwrap();
    let pages = [
        ("/", "hostile"),
        ("/agents", "hostile"),
        ("/agents/hostile", "hostile"),
        ("/agents/hostile/card", MARK),
        ("/agents/hostile/logs", MARK),
        ("/agents/hostile/traces", "hostile"),
        ("/agents/hostile/updates", "hostile"),
        ("/agents/broken", MARK),
        ("/agents/broken/logs", "broken"),
        (&format!("/traces/{trace}"), MARK),
        ("/traces", "hostile"),
        ("/activity", "hostile"),
        ("/chat", "hostile"),
        ("/logs", "Logs"),
        ("/registry", "hostile"),
        ("/registry/hostile", MARK),
        ("/inbox", "hostile"),
        ("/doctor", "Doctor"),
    ];
    for width in WIDTHS {
        web.resize(width, 820).await;
        for (path, words) in pages {
            go(web, path).await;
            web.read("body", words).await;
            is_harmless(web, path).await;
        }
    }
    web.resize(1280, 820).await;
}

/// The preview of its folder.
async fn is_previewed(web: &Web, path: &str) {
    go(web, "/agents").await;
    web.script(&format!(
        "const data = new DataTransfer(); data.setData('text/plain', {});
         document.body.dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true, cancelable: true }}))",
        json!(path)
    ))
    .await;
    web.read("dialog.offer", MARK).await;
    is_harmless(web, "the preview").await;
}

/// No script ran, nothing was made of the words but text, nothing leads where it must not, and the page is as wide as it
/// was; what turns the direction of writing turns nothing but itself.
async fn is_harmless(web: &Web, place: &str) {
    let found = web
        .script(
            "const found = [];
             if (window.__caught) found.push(`a script ran: ${window.__caught}`);
             const foreign = 'iframe, object, embed, base, meta[http-equiv], body style, body script, body link, img, \
                 [onerror], [onload], [onclick], [onfocus], form[action], [style*=\"fixed\"]';
             for (const one of document.querySelectorAll(foreign)) found.push(one.outerHTML.slice(0, 200));
             for (const one of document.querySelectorAll('a[href]'))
                 if (!/^(https?:|mailto:|\\/|#)/.test(one.getAttribute('href')) || /^\\/(api|\\/)/.test(one.getAttribute('href')))
                     found.push(one.outerHTML.slice(0, 200));
             const root = document.documentElement;
             if (root.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth)
                 found.push(`as wide as ${root.scrollWidth}, ${document.body.scrollWidth} of ${innerWidth}`);
             const main = document.getElementById('content');
             if (main && main.scrollWidth > main.clientWidth + 1) found.push(`the page is as wide as ${main.scrollWidth} of ${main.clientWidth}`);
             const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
             while (texts.nextNode()) {
                 if (!/[\\u202a-\\u202e\\u2066-\\u2069]/.test(texts.currentNode.data)) continue;
                 const holder = texts.currentNode.parentElement, style = getComputedStyle(holder);
                 if (style.display === 'inline' && !/isolate|plaintext/.test(style.unicodeBidi))
                     found.push(`turns what is beside it: ${holder.outerHTML.slice(0, 200)}`);
             }
             return found",
        )
        .await;
    assert_eq!(found, json!([]), "on {place}");
}
