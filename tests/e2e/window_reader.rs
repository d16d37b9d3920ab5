//! The desktop window as a screen reader has it: what a person who sees nothing needs for the tasks of every day is there
//! by its role and its name.

use std::process::Stdio;

use nasiko_tests::{
    folder, program,
    screen_reader::{Role, ScreenReader, Told},
    skip,
    web_driver::{Web, until},
};

use crate::{desk::Desk, keyboard::ESCAPE, pages::go};

/// What a person can do something with.
const CONTROLS: [Role; 10] = [
    Role::BUTTON,
    Role::TOGGLE_BUTTON,
    Role::LINK,
    Role::ENTRY,
    Role::PASSWORD,
    Role::CHECK_BOX,
    Role::RADIO_BUTTON,
    Role::COMBO_BOX,
    Role::MENU_ITEM,
    Role::SLIDER,
];

/// A page, and what must be found there: roles and how the name begins.
type Expected = (&'static str, &'static [(Role, &'static str)]);

/// Where each of the tasks is done. Those of a job and of dialogs come when they are open.
const TASKS: &[Expected] = &[
    (
        "/",
        &[
            (Role::ENTRY, "Folder or archive on this computer"),
            (Role::BUTTON, "Deploy"),
            (Role::LINK, "greeter"),
        ],
    ),
    (
        "/agents/greeter",
        &[
            (Role::BUTTON, "Stop"),
            (Role::BUTTON, "Restart"),
            (Role::BUTTON, "Delete"),
            (Role::LINK, "Chat"),
        ],
    ),
    (
        "/agents/greeter/chat",
        &[
            (Role::ENTRY, "Message"),
            (Role::BUTTON, "Send"),
            (Role::BUTTON, "Pin"),
        ],
    ),
    ("/traces", &[(Role::LINK, "greeter")]),
    (
        "/logs",
        &[
            (Role::ENTRY, "Filter lines by words"),
            (Role::COMBO_BOX, "Least level"),
            (Role::BUTTON, "Pause"),
        ],
    ),
    (
        "/settings",
        &[
            (Role::TOGGLE_BUTTON, "Notifications"),
            (Role::ENTRY, "Quiet hours"),
            (Role::COMBO_BOX, "Default runtime"),
        ],
    ),
    ("/settings/telemetry", &[(Role::ENTRY, "Keep traces for")]),
    (
        "/settings/secrets",
        &[
            (Role::COMBO_BOX, "Agent"),
            (Role::ENTRY, "Name"),
            (Role::PASSWORD, "Value"),
            (Role::BUTTON, "Set"),
        ],
    ),
    (
        "/stack",
        &[
            (Role::ENTRY, "Compose file on this computer"),
            (Role::BUTTON, "Bring up"),
        ],
    ),
    (
        "/inbox",
        &[
            (Role::BUTTON, "Clear: "),
            (Role::BUTTON, "Mark all as read"),
        ],
    ),
    (
        "/doctor",
        &[(Role::BUTTON, "Report"), (Role::BUTTON, "Check again")],
    ),
];

/// Asks for the agent to be deleted.
const DELETE: &str = "[...document.querySelectorAll('.page-head button')]
    .find((one) => one.textContent.trim() === 'Delete').click()";

/// Reads until what is read is as it is expected.
async fn reads(reader: &ScreenReader, what: &str, is_it: impl Fn(&[Told]) -> Result<(), String>) {
    until(what, async || {
        let told = reader.read().await?;
        is_it(&told)
    })
    .await;
}

/// Everything that is expected is there.
fn finds(told: &[Told], expected: &[(Role, &str)]) -> Result<(), String> {
    for (role, name) in expected {
        let is_it = |one: &Told| one.role == *role && one.name.starts_with(name);
        if !told.iter().any(is_it) {
            return Err(format!("no {role:?} `{name}` in {}", listed(told)));
        }
    }
    Ok(())
}

/// Whatever a person can do something with has a name.
fn all_have_names(told: &[Told]) -> Result<(), String> {
    let nameless = |one: &&Told| CONTROLS.contains(&one.role) && one.name.trim().is_empty();
    match told.iter().find(nameless) {
        Some(one) => Err(format!("without a name: {one:?}")),
        None => Ok(()),
    }
}

fn listed(told: &[Told]) -> String {
    let controls = told.iter().filter(|one| CONTROLS.contains(&one.role));
    let rows = controls.map(|one| format!("{:?} {:?}", one.role, one.name));
    rows.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn window_is_told_to_screen_readers() {
    let test = "window_is_told_to_screen_readers";
    let Some(desk) = Desk::or_skip(test) else {
        return;
    };
    let Some(launcher) = skip::path_or_skip(test, "NASIKO_TEST_AT_SPI", "bus of screen readers")
    else {
        return;
    };
    let reader = ScreenReader::start(&launcher).await;
    let web = desk
        .open_prepared(&[], |command| reader.prepare(command))
        .await;
    web.watched(test, async {
        web.see("nav.rail").await;
        desk.deploy("greeter");
        desk.resident
            .run(&["chat", "greeter", "My name is Ada"])
            .ok();
        web.read("table.rows", "greeter").await;
        for (page, expected) in TASKS {
            go(&web, page).await;
            reads(&reader, page, |told| {
                finds(told, expected)?;
                all_have_names(told)?;
                has_live_regions(told)
            })
            .await;
        }
        above_the_page(&web, &reader).await;
        a_job(&web, &desk, &reader).await;
    })
    .await;
    desk.close(web).await;
}

/// What is said in passing is heard: there is a place for it that is read out by itself, on every page.
fn has_live_regions(told: &[Told]) -> Result<(), String> {
    let is_live = |one: &&Told| {
        let live = one.attributes.get("container-live");
        one.role == Role::STATUS && live.is_some_and(|live| live == "polite")
    };
    match told.iter().filter(is_live).count() {
        // Whether the control plane is there, and toasts.
        0 | 1 => Err(format!("nothing is read out by itself: {}", listed(told))),
        _ => Ok(()),
    }
}

/// The palette, and what is asked before something is destroyed.
async fn above_the_page(web: &Web, reader: &ScreenReader) {
    go(web, "/agents/greeter").await;
    web.see("nav.tabs").await;
    web.click("#search").await;
    let palette = [
        (Role::DIALOG, "Search or run"),
        (Role::COMBO_BOX, "Search or run"),
    ];
    reads(reader, "the palette", |told| finds(told, &palette)).await;
    web.keys(ESCAPE).await;
    web.gone("dialog[open]").await;
    web.script(DELETE).await;
    let question = [
        (Role::DIALOG, "Delete greeter?"),
        (Role::BUTTON, "Keep"),
        (Role::BUTTON, "Delete"),
    ];
    reads(reader, "the question", |told| {
        finds(told, &question)?;
        all_have_names(told)
    })
    .await;
    web.keys(ESCAPE).await;
    web.gone("dialog[open]").await;
}

/// A job that can be cancelled.
async fn a_job(web: &Web, desk: &Desk, reader: &ScreenReader) {
    let slow = folder(&[("main.py", &program::saying("WORD", "time.sleep(3600)"))]);
    let path = slow.path().to_str().unwrap();
    let mut deploy = desk
        .resident
        .command(&["deploy", path, "--name", "slow"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    web.read("#tasks", "1 task").await;
    web.click("#tasks").await;
    reads(reader, "the tasks", |told| {
        finds(told, &[(Role::BUTTON, "Cancel Deploy slow")])?;
        all_have_names(told)
    })
    .await;
    web.click("[aria-label='Cancel Deploy slow']").await;
    web.read("#task-list", "Cancelled").await;
    deploy.wait().unwrap();
}
