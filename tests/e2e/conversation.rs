//! From a folder to a conversation, walked in a page: the same in a browser and in the desktop window.

use std::collections::BTreeSet;

use nasiko_tests::{
    example,
    web_driver::{Web, until},
};

/// A question so long that its echo takes a while, and at last comes in one piece that is too large for the bridge's
/// short way.
fn long_question() -> String {
    (0..170)
        .map(|number| format!("{}{number}", "wave".repeat(16)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The answer that is on its way.
const ARRIVING: &str = ".answer.arriving .prose";
/// The answers that have arrived.
const ARRIVED: &str = ".answer:not(.arriving) .prose";

/// Deploys the greeter by its path, talks to it, and looks at everything that tells how that went.
pub(crate) async fn walk(web: &Web) {
    deploy(web).await;
    talk(web).await;
    look_at_the_trace(web).await;
    reload(web).await;
    read_the_log(web).await;
    find_the_job(web).await;
    change_the_theme(web).await;
    // A browser notes each refusal: these two were asked for, or are asked until the answer is there.
    let mut wrong = web.wrong().await;
    wrong.retain(|note| {
        !(note.contains("status of 404")
            && (note.contains("/inspect") || note.contains("/traces/")))
    });
    assert!(wrong.is_empty(), "errors in the page: {wrong:#?}");
}

async fn deploy(web: &Web) {
    web.see("#deploy-path").await;
    web.fill("#deploy-path", "/nowhere/at/all").await;
    web.read(".deploy .error-card", "intake.path_not_found")
        .await;
    web.fill(
        "#deploy-path",
        example("greeter").canonicalize().unwrap().to_str().unwrap(),
    )
    .await;
    web.read(".deploy .preview", "greeter").await;
    web.gone(".error-card").await;
    web.follow(".job-strip .progress").await;
    web.click("#deploy").await;
    web.read(".deploy .outcome", "Running").await;
    web.read("table.rows tbody tr", "Running").await;
    let percents: Vec<u32> = web
        .followed()
        .await
        .iter()
        .map(|text| percent(text))
        .collect();
    assert!(!percents.is_empty(), "the progress was shown");
    assert!(percents.is_sorted(), "progress moves forward: {percents:?}");
}

fn percent(text: &str) -> u32 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("a percentage: `{text}`"))
}

async fn talk(web: &Web) {
    web.click(".outcome a.button").await;
    say(web, "My name is Ada").await;
    web.read(ARRIVED, "Ada").await;

    web.follow(ARRIVING).await;
    let question = long_question();
    can_write(web).await;
    web.paste("message", &question).await;
    web.keys(ENTER).await;
    let whole = until("the second answer is there", async || {
        let texts = web.text(ARRIVED).await.map_err(|error| error.to_string())?;
        texts
            .rfind("Hello again, Ada")
            .map(|at| texts[at..].trim().to_owned())
            .ok_or(texts)
    })
    .await;
    let seen = web.followed().await;
    let part = |text: &&String| text.len() < whole.len();
    assert!(
        seen.iter().filter(part).count() >= 2,
        "the answer came in pieces: {seen:#?}"
    );
    assert!(
        seen.windows(2).all(|two| two[1].starts_with(&two[0])),
        "it grew: {seen:#?}"
    );
    assert!(whole.ends_with(&question), "{whole}");
}

/// Says something with the keyboard alone.
async fn say(web: &Web, words: &str) {
    can_write(web).await;
    web.keys(words).await;
    web.keys(ENTER).await;
}

/// The focus is where one writes, and no answer is on its way.
async fn can_write(web: &Web) {
    until("one can write", async || {
        match web.script("return document.activeElement.id").await {
            focus if focus == "message" => Ok(()),
            focus => Err(focus.to_string()),
        }
    })
    .await;
    web.gone("#stop").await;
}

/// Enter, as WebDriver spells it.
pub(crate) const ENTER: &str = "\u{e007}";

/// The answer's trace lies beside it: the question's span, the gateway's, and the agent's own.
async fn look_at_the_trace(web: &Web) {
    let services = until("the trace holds the agent's span", async || {
        let mut services = BTreeSet::new();
        let rows = web.count(".trace .virtual-rows .span-row").await;
        for row in 0..rows {
            let script = format!(
                "document.querySelectorAll('.trace .virtual-rows .span-row')[{row}]?.click();
                 return new Promise((done) => requestAnimationFrame(() => done(document.querySelector('.span-detail p')?.innerText || '')));"
            );
            let told = web.script(&script).await;
            services.extend(told.as_str().and_then(|told| told.rsplit_once(" of ")).map(|(_, service)| service.to_owned()));
        }
        if services.contains("greeter") { Ok(services) } else { Err(format!("{rows} rows of {services:?}")) }
    })
    .await;
    assert!(services.contains("nasiko-gateway"), "{services:?}");
}

async fn reload(web: &Web) {
    let before = web.text(ARRIVED).await.unwrap();
    web.reload().await;
    web.read(ARRIVED, "Hello again, Ada").await;
    assert_eq!(
        web.text(ARRIVED).await.unwrap(),
        before,
        "the conversation is kept"
    );
}

async fn read_the_log(web: &Web) {
    web.click("nav.tabs a[href$='/logs']").await;
    web.see(".log-line").await;
}

async fn find_the_job(web: &Web) {
    web.click("nav.rail a[href='/activity']").await;
    let row = web.read(".job-row", "greeter").await;
    assert!(row.contains("Deploy"), "{row}");
}

async fn change_the_theme(web: &Web) {
    let mut grounds = BTreeSet::new();
    for (place, theme) in [(3, "dark"), (2, "light")] {
        web.click(&format!(".theme select option:nth-child({place})"))
            .await;
        let script = "return document.documentElement.dataset.theme";
        until("the theme changes", async || {
            match web.script(script).await {
                shown if shown == theme => Ok(()),
                shown => Err(shown.to_string()),
            }
        })
        .await;
        let ground = web
            .script("return getComputedStyle(document.body).backgroundColor")
            .await;
        grounds.insert(ground.to_string());
    }
    assert_eq!(
        grounds.len(),
        2,
        "each theme has a ground of its own: {grounds:?}"
    );
}
