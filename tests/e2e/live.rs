//! Save, and it is live: what a person who edits sees.

use std::time::Duration;

use nasiko_tests::{Resident, api::ask, eventually, live::Edited, skip};
use serde_json::Value;

/// Far more than a save takes, far less than a person waits.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn resident(test: &str, runtime: &str) -> Option<Resident> {
    if runtime == "process" {
        return Some(Resident::start());
    }
    skip::engine_or_skip(test).map(|host| Resident::with_engine(&host))
}

async fn a_persons_afternoon(runtime: &str) {
    let Some(resident) = resident("live::a_persons_afternoon", runtime) else {
        return;
    };
    let agent = Edited::deploy(&resident, "edited", runtime);
    agent.save(1);
    agent.until(1, SOON).await.unwrap();

    // A touch is no edit.
    let before = agent.updates(&resident).len();
    std::fs::File::options()
        .append(true)
        .open(agent.join("content.py"))
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    agent.write("content.py", "VERSION = 1\n");

    // A mistake leaves the last good version answering, and says where it is.
    agent.write("content.py", "VERSION = (\n");
    let failed = eventually("the mistake is shown", || {
        newest(&agent, &resident, "failed")
    });
    assert_eq!(agent.version().await, Ok(1));
    let evidence = failed["error"]["evidence"].to_string();
    assert!(
        evidence.contains("content.py") && evidence.contains("line 1"),
        "{failed:#}"
    );
    assert_eq!(resident.json(&["ps"])[0]["state"], "active");
    agent.save(2);
    agent.until(2, SOON).await.unwrap();
    eventually("the fault is over", || {
        let row = resident.json(&["ps"])[0].clone();
        if row["error"].is_null() {
            Ok(())
        } else {
            Err(format!("{row:#}"))
        }
    });
    let updates = agent.updates(&resident);
    assert_eq!(
        updates.len() - before,
        2,
        "the touch left no trace: {updates:#?}"
    );

    // Files come, go, and move; the agent finds them where they are.
    agent.write("prompts/hello world.txt", "Hello");
    agent.write("prompts/deep/er.txt", "deeper");
    agent.until_equal(SOON).await.unwrap();
    std::fs::rename(agent.join("prompts"), agent.join("words")).unwrap();
    agent.until_equal(SOON).await.unwrap();
    std::fs::remove_dir_all(agent.join("words/deep")).unwrap();
    std::os::unix::fs::symlink("hello world.txt", agent.join("words/link")).unwrap();
    agent.until_equal(SOON).await.unwrap();

    // Stopped, nothing starts; started, the newest content answers.
    resident.run(&["stop", "edited"]).ok();
    agent.save(3);
    resident.run(&["start", "edited"]).ok();
    agent.until(3, SOON).await.unwrap();

    // Restarted, it is still the newest content.
    resident.run(&["restart", "edited"]).ok();
    agent.until(3, Duration::ZERO).await.unwrap();
    agent.until_equal(SOON).await.unwrap();

    // Left alone, a save does nothing.
    resident.run(&["watch", "edited", "--off"]).ok();
    let left = agent.updates(&resident).len();
    agent.save(4);
    resident.run(&["watch", "edited"]).ok();
    agent.until(4, SOON).await.unwrap();
    assert!(
        agent.updates(&resident).len() > left,
        "caught up when watched again"
    );
    resident.run(&["rm", "edited", "--yes"]).ok();
}

fn newest(agent: &Edited, resident: &Resident, result: &str) -> Result<Value, String> {
    let updates = agent.updates(resident);
    match updates.first() {
        Some(update) if update["result"] == result => Ok(update.clone()),
        other => Err(format!("{other:#?}")),
    }
}

#[tokio::test]
async fn a_persons_afternoon_as_a_process() {
    a_persons_afternoon("process").await;
}

#[tokio::test]
async fn a_persons_afternoon_in_docker() {
    a_persons_afternoon("docker").await;
}

#[tokio::test]
async fn edits_made_while_nobody_watched_are_caught_at_the_start() {
    let mut resident = Resident::start();
    let agent = Edited::deploy(&resident, "away", "process");
    resident.kill();
    agent.save(1);
    resident.serve();
    let url = format!(
        "{}/away",
        resident.json(&["status"])["gateway"].as_str().unwrap()
    );
    eventually("the edit is caught", || {
        let rows = resident.json(&["updates", "away"]);
        if rows[0]["result"] == "live" {
            Ok(())
        } else {
            Err(format!("{rows:#}"))
        }
    });
    assert!(ask(&url).await.starts_with("v1"));
}

#[tokio::test]
async fn a_folder_that_goes_and_comes_back_is_taken_up_again() {
    let resident = Resident::start();
    let agent = Edited::deploy(&resident, "gone", "process");
    let aside = agent.path().with_extension("aside");
    std::fs::rename(agent.path(), &aside).unwrap();
    eventually("it is said that the folder is gone", || {
        let watch = resident.json(&["watch", "gone", "--status"]);
        if watch["error"].is_null() {
            Err(format!("{watch:#}"))
        } else {
            Ok(())
        }
    });
    assert_eq!(agent.version().await, Ok(0), "what runs goes on");
    std::fs::write(aside.join("content.py"), "VERSION = 7\n").unwrap();
    std::fs::rename(&aside, agent.path()).unwrap();
    agent.until(7, SOON).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_another_takes_the_place_of_is_run_where_it_is() {
    let resident = Resident::start();
    let agent = Edited::deploy(&resident, "replaced", "process");
    eventually("an instance waits in the folder", || {
        let watch = resident.json(&["watch", "replaced", "--status"]);
        if watch["warm"] == true {
            Ok(())
        } else {
            Err(format!("{watch:#}"))
        }
    });
    let aside = agent.path().with_extension("aside");
    std::fs::rename(agent.path(), &aside).unwrap();
    std::fs::create_dir(agent.path()).unwrap();
    for file in ["main.py", "Dockerfile", ".dockerignore"] {
        std::fs::copy(aside.join(file), agent.join(file)).unwrap();
    }
    std::fs::write(agent.join("content.py"), "VERSION = 7\n").unwrap();
    agent.until(7, SOON).await.unwrap();
    agent.until_equal(SOON).await.unwrap();
    std::fs::remove_dir_all(aside).unwrap();
}

#[tokio::test]
async fn an_agent_that_writes_into_its_folder_is_not_restarted_for_ever() {
    let resident = Resident::start();
    let agent = Edited::deploy(&resident, "writer", "process");
    let program = std::fs::read_to_string(agent.join("main.py")).unwrap();
    let writes = "import os, time\nopen('state.json', 'w').write(str(time.time()))\n";
    agent.write("main.py", &format!("{writes}{program}"));
    agent.save(1);
    agent.until(1, SOON).await.unwrap();
    let processes = eventually("it comes to rest", || {
        let before = resident.agent_processes();
        std::thread::park_timeout(Duration::from_secs(3));
        let after = resident.agent_processes();
        if before == after {
            Ok(after)
        } else {
            Err(format!("{before:?} became {after:?}"))
        }
    });
    assert!(!processes.is_empty());
    agent.save(2);
    agent.until(2, SOON).await.unwrap();
}

#[tokio::test]
async fn pinned_questions_are_asked_again_after_each_save() {
    let resident = Resident::start();
    let agent = nasiko_tests::folder(&[]);
    for file in ["main.py", "AgentCard.json"] {
        let from = nasiko_tests::example("greeter").join(file);
        std::fs::copy(from, agent.path().join(file)).unwrap();
    }
    let path = agent.path().to_str().unwrap();
    resident
        .run(&["deploy", path, "--name", "pinned", "--watch"])
        .ok();
    let pin = resident.json(&["pin", "add", "pinned", "Hi"]);
    let pin = pin["id"].as_str().unwrap();
    let state = |wanted: &str| {
        let pins = resident.json(&["pin", "list", "pinned"]);
        if pins[0]["state"] == wanted {
            Ok(pins[0].clone())
        } else {
            Err(format!("{pins:#}"))
        }
    };
    let first = eventually("the first answer is accepted", || state("pass"));
    assert!(first["latest"]["trace"].is_string(), "{first:#}");
    let source = std::fs::read_to_string(agent.path().join("main.py")).unwrap();
    let changed = source.replace("Hello! I am Greeter", "Good day! I am Greeter");
    assert_ne!(source, changed);
    std::fs::write(agent.path().join("main.py"), changed).unwrap();
    let second = eventually("another answer is seen", || state("changed"));
    assert!(
        second["latest"]["text"]
            .as_str()
            .unwrap()
            .starts_with("Good day!")
    );
    assert!(
        second["accepted"]["text"]
            .as_str()
            .unwrap()
            .starts_with("Hello!")
    );
    resident.json(&["pin", "accept", "pinned", pin]);
    assert_eq!(
        state("pass").unwrap()["accepted"]["text"],
        second["latest"]["text"]
    );
    resident.run(&["pin", "rm", "pinned", pin]).ok();
    assert_eq!(
        resident.json(&["pin", "list", "pinned"]),
        serde_json::json!([])
    );
}
