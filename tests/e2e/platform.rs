//! The commands of a platform's back end, written as existing ones write them: the agents answer behind the gateway, each
//! command is carried out once, and its status only goes on; whoever is killed meanwhile.

use std::{collections::HashMap, path::Path, process::Command};

use nasiko_tests::{
    Api, Resident,
    api::{ask, try_ask},
    eventually, example, folder,
    platform::Platform,
    program,
    servers::Server,
};
use tempfile::TempDir;

const NO_ENGINE: &str = "unix:///nonexistent/docker.sock";

/// How long a slow agent takes to come up: time enough to kill something meanwhile.
const SLOWLY: &str = "time.sleep(3)";

/// What a whole deployment says, in order.
const ALL_WORDS: [&str; 5] = [
    "processing",
    "building",
    "deploying",
    "registering",
    "completed",
];

fn resident(redis: &Server, more: &[(&str, &str)]) -> Resident {
    let url = redis.url();
    let mut environment = vec![("NASIKO_REDIS_URL", url.as_str())];
    environment.extend_from_slice(more);
    let mut resident = Resident::prepared(NO_ENGINE, &environment);
    resident.serve();
    resident
}

/// A folder of all versions, as back ends keep them.
struct Versions(TempDir);

impl Versions {
    fn new() -> Self {
        Self(folder(&[]))
    }

    /// Writes a version that says `word`, and gives where.
    fn write(&self, version: &str, word: &str, before: &str) -> String {
        let place = self.0.path().join(version);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("main.py"), program::saying(word, before)).unwrap();
        place.to_str().unwrap().to_owned()
    }
}

/// Asserts that a command ended well, and that the agent says `word` at the address that its status tells.
async fn answers(status: &HashMap<String, String>, word: &str) {
    assert_eq!(status["status"], "completed", "{status:#?}");
    assert_eq!(status["progress_percentage"], "100", "{status:#?}");
    assert_eq!(status["owner_id"], "user-42", "{status:#?}");
    assert!(!status.contains_key("last_error"), "{status:#?}");
    let says = ask(&format!("{}/", status["url"])).await;
    assert!(says.starts_with(&format!("{word} ")), "{says}");
}

fn git(place: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(arguments)
        .current_dir(place)
        .output()
        .expect("git can be run");
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

fn zip_of(place: &str, into: &Path) {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::fs::File::create(into).unwrap());
    zip.start_file("main.py", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&std::fs::read(Path::new(place).join("main.py")).unwrap())
        .unwrap();
    zip.finish().unwrap();
}

#[tokio::test]
async fn each_way_of_upload_becomes_an_agent_that_answers() {
    let test = "platform::each_way_of_upload_becomes_an_agent_that_answers";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let unpacked = versions.write("v1.0.0", "unpacked", "");
    // Ordered before anybody listens.
    let upload = [
        ("agent_path", unpacked.as_str()),
        ("upload_type", "zip"),
        ("version", "v1.0.0"),
    ];
    let entry = platform.order("unpacked", &upload).await;
    let resident = resident(&redis, &[]);
    let status = platform.ended("unpacked", &entry).await;
    answers(&status, "unpacked").await;
    assert_eq!(status["upload_id"], "upload-1");
    assert_eq!(platform.statuses("unpacked").await, ALL_WORDS);

    let archive = versions.0.path().join("packed.zip");
    zip_of(&versions.write("packed", "packed", ""), &archive);
    let path = archive.to_str().unwrap();
    let upload = [("agent_path", path), ("upload_type", "zip")];
    let entry = platform.order("packed", &upload).await;
    answers(&platform.ended("packed", &entry).await, "packed").await;

    let path = versions.write("folder", "folder", "");
    let upload = [("agent_path", path.as_str()), ("upload_type", "directory")];
    let entry = platform.order("My Folder", &upload).await;
    let status = platform.ended("My Folder", &entry).await;
    assert!(status["url"].ends_with("/my-folder"), "{status:#?}");
    answers(&status, "folder").await;

    let repository = versions.write("repository", "cloned", "");
    let place = Path::new(&repository);
    git(place, &["init", "--quiet", "--initial-branch", "stable"]);
    git(place, &["add", "."]);
    git(place, &["commit", "--quiet", "-m", "All of it"]);
    let url = format!("file://{repository}");
    let upload = [
        ("git_url", url.as_str()),
        ("branch", "stable"),
        ("upload_type", "github"),
        ("agent_path", "/app/agents/cloned"),
    ];
    let entry = platform.order("cloned", &upload).await;
    answers(&platform.ended("cloned", &entry).await, "cloned").await;

    let greeter = example("greeter");
    let path = greeter.canonicalize().unwrap();
    let path = path.to_str().unwrap();
    let upload = [("agent_path", path), ("upload_type", "directory")];
    let entry = platform.order("greeter", &upload).await;
    let status = platform.ended("greeter", &entry).await;
    assert_eq!(status["status"], "completed", "{status:#?}");
    let said = resident.json(&["chat", "greeter", "My name is Ada"]);
    assert!(said["text"].as_str().unwrap().contains("Ada"), "{said:#}");

    // The agent that a back end makes for a workflow is told what to call, and whose it is.
    let workflow = folder(&[(
        "main.py",
        &program::saying("workflow", "").replace(
            "'workflow %d %s %d' % (os.getpid(), socket.gethostname(), port)",
            "'workflow ' + os.environ['WEBHOOK_URL'] + ' ' + os.environ['OWNER_ID']",
        ),
    )]);
    let upload = [
        ("agent_path", workflow.path().to_str().unwrap()),
        ("upload_type", "n8n_register"),
        ("webhook_url", "http://n8n.example/webhook/7"),
    ];
    let entry = platform.order("workflow", &upload).await;
    let status = platform.ended("workflow", &entry).await;
    answers(&status, "workflow").await;
    let says = ask(&format!("{}/", status["url"])).await;
    assert_eq!(says, "workflow http://n8n.example/webhook/7 user-42");
    let notices = resident.json(&["status"])["notices"].to_string();
    assert!(notices.contains("commands are heard"), "{notices}");
    assert!(!resident.log().contains("n8n.example"), "it is sealed");
}

/// Deploys, updates, builds anew and goes back, as one life of an agent.
async fn a_life(platform: &mut Platform, resident: &Resident) {
    let versions = Versions::new();
    let first = versions.write("v1.0.0", "first", "");
    let upload = [
        ("agent_path", first.as_str()),
        ("upload_type", "directory"),
        ("version", "v1.0.0"),
    ];
    let entry = platform.order("life", &upload).await;
    answers(&platform.ended("life", &entry).await, "first").await;
    assert_eq!(platform.statuses("life").await, ALL_WORDS);

    let second = versions.write("v2.0.0", "second", "");
    let update = [
        ("action", "update_agent"),
        ("agent_path", second.as_str()),
        ("upload_type", "agent_update"),
        ("new_version", "2.0.0"),
        ("previous_version", "1.0.0"),
    ];
    let entry = platform.order("life", &update).await;
    answers(&platform.ended("life", &entry).await, "second").await;
    assert_eq!(platform.statuses("life").await, ALL_WORDS);

    let before = ask(&format!("{}/life/", gateway(resident))).await;
    let rebuild = [("action", "rebuild_agent"), ("agent_path", second.as_str())];
    let entry = platform.order("life", &rebuild).await;
    answers(&platform.ended("life", &entry).await, "second").await;
    let after = ask(&format!("{}/life/", gateway(resident))).await;
    assert_ne!(before, after, "another instance answers");
    assert_eq!(platform.statuses("life").await, ALL_WORDS);

    let rollback = [
        ("action", "rollback_agent"),
        ("upload_type", "agent_rollback"),
        ("target_version", "1.0.0"),
        ("agent_path", first.as_str()),
    ];
    let entry = platform.order("life", &rollback).await;
    answers(&platform.ended("life", &entry).await, "first").await;
    assert_eq!(platform.statuses("life").await, ALL_WORDS);

    let nowhere = [("action", "rollback_agent"), ("version", "7.0.0")];
    let entry = platform.order("life", &nowhere).await;
    let status = platform.ended("life", &entry).await;
    assert_eq!(status["status"], "failed", "{status:#?}");
    let error = &status["last_error"];
    assert!(error.contains("never had a version 7.0.0"), "{error}");
    assert!(error.contains("v1.0.0"), "it says which there are: {error}");
    let says = ask(&format!("{}/life/", gateway(resident))).await;
    assert!(says.starts_with("first "), "it goes on: {says}");
}

fn gateway(resident: &Resident) -> String {
    resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_agent_is_updated_rebuilt_and_brought_back() {
    let test = "platform::an_agent_is_updated_rebuilt_and_brought_back";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let resident = resident(&redis, &[]);
    let mut platform = Platform::connect(&redis).await;
    a_life(&mut platform, &resident).await;
}

#[tokio::test]
async fn with_the_store_in_a_database_too() {
    let test = "platform::with_the_store_in_a_database_too";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let Some(mongo) = Server::mongo(test) else {
        return;
    };
    let url = mongo.url();
    let resident = resident(&redis, &[("NASIKO_STORE_URL", &url)]);
    let mut platform = Platform::connect(&redis).await;
    a_life(&mut platform, &resident).await;
}

#[tokio::test]
async fn a_command_that_is_delivered_twice_is_carried_out_once() {
    let test = "platform::a_command_that_is_delivered_twice_is_carried_out_once";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let resident = resident(&redis, &[]);
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let path = versions.write("v1", "once", SLOWLY);
    let upload = [("agent_path", path.as_str()), ("upload_type", "directory")];
    let entry = platform.order("once", &upload).await;
    platform.reaches("once", "deploying").await;
    // While its job runs, and after it; by then its files are gone.
    platform.deliver_again().await;
    answers(&platform.ended("once", &entry).await, "once").await;
    std::fs::remove_dir_all(&path).unwrap();
    platform.deliver_again().await;
    let garbage = platform.write(&[("command", "nonsense")]).await;
    eventually_dead(&mut platform, &garbage).await;
    answers(&platform.ended("once", &entry).await, "once").await;
    let jobs = Api::of(&resident).jobs().await;
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    assert_eq!(platform.statuses("once").await, ALL_WORDS);
}

/// Waits until an entry is a dead letter; its reason.
async fn eventually_dead(platform: &mut Platform, entry: &str) -> String {
    let until = async {
        loop {
            let letters = platform.dead_letters().await;
            if let Some((_, reason)) = letters.into_iter().find(|(of, _)| of == entry) {
                return reason;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(nasiko_tests::wait::PATIENCE, until)
        .await
        .expect("it becomes a dead letter")
}

#[tokio::test]
async fn the_resident_is_killed_in_the_middle_of_a_command() {
    let test = "platform::the_resident_is_killed_in_the_middle_of_a_command";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let mut resident = resident(&redis, &[]);
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let path = versions.write("v1", "survivor", SLOWLY);
    let upload = [("agent_path", path.as_str()), ("upload_type", "directory")];
    let entry = platform.order("survivor", &upload).await;
    platform.reaches("survivor", "deploying").await;
    resident.kill();
    assert_eq!(platform.pending().await, 1, "nobody has acknowledged it");
    resident.serve();
    answers(&platform.ended("survivor", &entry).await, "survivor").await;
    let jobs = Api::of(&resident).jobs().await;
    assert_eq!(jobs.len(), 1, "{jobs:#?}");
    assert_eq!(platform.statuses("survivor").await, ALL_WORDS);
    let running = resident.agent_processes();
    assert_eq!(running.len(), 1, "{running:?}");
}

/// What the killed one held goes to the other as soon as its leases have run out.
#[tokio::test]
async fn two_control_planes_share_the_commands_and_one_is_killed() {
    const AGENTS: usize = 6;
    let test = "platform::two_control_planes_share_the_commands_and_one_is_killed";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let Some(mongo) = Server::mongo(test) else {
        return;
    };
    let (store, commands) = (mongo.url(), redis.url());
    let environment = [
        ("NASIKO_STORE_URL", store.as_str()),
        ("NASIKO_REDIS_URL", commands.as_str()),
    ];
    let [mut one, other] = [(), ()].map(|()| {
        let mut resident = Resident::prepared(NO_ENGINE, &environment);
        // They open the same secrets.
        std::fs::write(resident.home().join("vault.key"), [7; 32]).unwrap();
        resident.serve();
        resident
    });
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let mut entries = Vec::new();
    for number in 0..AGENTS {
        let name = format!("agent-{number}");
        let path = versions.write(&name, &name, SLOWLY);
        let upload = [("agent_path", path.as_str()), ("upload_type", "directory")];
        let entry = platform.order(&name, &upload).await;
        entries.push((name, entry));
    }
    platform.reaches("agent-0", "deploying").await;
    one.kill();
    for (name, entry) in &entries {
        let status = platform.ended(name, entry).await;
        assert_eq!(status["status"], "completed", "{name}: {status:#?}");
        // Where the status says, unless that was the gateway of the one that was killed.
        let says = ask(&format!("{}/{name}/", gateway(&other))).await;
        assert!(says.starts_with(&format!("{name} ")), "{says}");
        // What the other one did of it before it had the command is told by nobody.
        assert_eq!(platform.statuses(name).await.last().unwrap(), "completed");
    }
    let mut deploys = Api::of(&other).jobs().await;
    deploys.retain(|job| job["kind"] == "deploy");
    assert_eq!(deploys.len(), AGENTS, "each once: {deploys:#?}");
}

#[tokio::test]
async fn what_cannot_be_carried_out_becomes_a_dead_letter_with_its_reason() {
    let test = "platform::what_cannot_be_carried_out_becomes_a_dead_letter_with_its_reason";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let _resident = resident(&redis, &[]);
    let mut platform = Platform::connect(&redis).await;
    let garbage = platform.write(&[("Lorem", "ipsum")]).await;
    let reason = eventually_dead(&mut platform, &garbage).await;
    assert_eq!(reason, "The field `command` is missing or empty");
    let odd = platform.order("odd", &[("upload_type", "fax")]).await;
    let reason = eventually_dead(&mut platform, &odd).await;
    let status = platform.ended("odd", &odd).await;
    assert_eq!(status["status"], "failed", "{status:#?}");
    assert_eq!(status["last_error"], reason);

    let nowhere = [
        ("agent_path", "/nonexistent/agents/lost"),
        ("upload_type", "zip"),
    ];
    let entry = platform.order("lost", &nowhere).await;
    let reason = eventually_dead(&mut platform, &entry).await;
    assert!(reason.contains("/nonexistent/agents/lost"), "{reason}");
    let status = platform.ended("lost", &entry).await;
    assert_eq!(status["status"], "failed", "{status:#?}");
    assert!(status["last_error"].contains("/nonexistent"), "{status:#?}");

    let entry = platform
        .order("flow", &[("upload_type", "n8n_register")])
        .await;
    let reason = eventually_dead(&mut platform, &entry).await;
    assert!(reason.contains("agent_path"), "{reason}");

    // A broken agent is no dead letter: its command was carried out, and failed.
    let broken = folder(&[("main.py", "raise SystemExit(7)\n")]);
    let path = broken.path().to_str().unwrap();
    let upload = [("agent_path", path), ("upload_type", "directory")];
    let entry = platform.order("broken", &upload).await;
    let status = platform.ended("broken", &entry).await;
    assert_eq!(status["status"], "failed", "{status:#?}");
    assert!(!status["last_error"].is_empty(), "{status:#?}");
    assert_eq!(platform.dead_letters().await.len(), 4);
}

#[tokio::test]
async fn somebody_elses_agent_of_the_same_name_is_left_alone() {
    let test = "platform::somebody_elses_agent_of_the_same_name_is_left_alone";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let resident = resident(&redis, &[]);
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let mine = versions.write("mine", "mine", "");
    resident.run(&["deploy", &mine, "--name", "shared"]).ok();
    let theirs = versions.write("theirs", "theirs", "");
    let upload = [("agent_path", theirs.as_str()), ("upload_type", "zip")];
    let entry = platform.order("shared", &upload).await;
    let status = platform.ended("shared", &entry).await;
    assert_eq!(status["status"], "failed", "{status:#?}");
    assert!(
        status["last_error"].contains("another agent"),
        "{status:#?}"
    );
    let says = ask(&format!("{}/shared/", gateway(&resident))).await;
    assert!(says.starts_with("mine "), "{says}");
}

#[tokio::test]
async fn a_watched_agent_is_watched_where_its_new_version_lies() {
    let test = "platform::a_watched_agent_is_watched_where_its_new_version_lies";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let resident = resident(&redis, &[]);
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let first = versions.write("v1", "first", "");
    let upload = [("agent_path", first.as_str()), ("upload_type", "directory")];
    let entry = platform.order("watched", &upload).await;
    answers(&platform.ended("watched", &entry).await, "first").await;
    resident.run(&["watch", "watched"]).ok();

    let second = versions.write("v2", "second", "");
    let update = [("action", "update_agent"), ("agent_path", second.as_str())];
    let entry = platform.order("watched", &update).await;
    answers(&platform.ended("watched", &entry).await, "second").await;
    versions.write("v2", "edited", "");
    let address = format!("{}/watched/", gateway(&resident));
    let edited = async {
        while !ask(&address).await.starts_with("edited ") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let live = tokio::time::timeout(nasiko_tests::wait::PATIENCE, edited).await;
    assert!(live.is_ok(), "a save of the new version is not live");
}

#[tokio::test]
async fn a_redis_that_comes_with_another_store_is_heard() {
    let test = "platform::a_redis_that_comes_with_another_store_is_heard";
    let Some(redis) = Server::lasting_redis(test) else {
        return;
    };
    let Some(mongo) = Server::mongo(test) else {
        return;
    };
    let resident = Resident::start();
    let notices = || resident.json(&["status"])["notices"].to_string();
    assert!(!notices().contains("commands"), "{}", notices());
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let path = versions.write("v1", "moved", "");
    let upload = [("agent_path", path.as_str()), ("upload_type", "directory")];
    let entry = platform.order("moved", &upload).await;
    let (store, commands) = (mongo.url(), redis.url());
    let there = ["settings", "set", "store", &store, "--redis", &commands];
    resident.run(&there).ok();
    answers(&platform.ended("moved", &entry).await, "moved").await;
    assert!(notices().contains("commands are heard"), "{}", notices());

    resident.run(&["settings", "set", "store", "sqlite"]).ok();
    eventually("they are not heard any more", || {
        let notices = notices();
        if notices.contains("commands") {
            Err(notices)
        } else {
            Ok(())
        }
    });
}

#[tokio::test]
async fn redis_is_killed_in_the_middle_of_a_command() {
    let test = "platform::redis_is_killed_in_the_middle_of_a_command";
    let Some(mut redis) = Server::lasting_redis(test) else {
        return;
    };
    let resident = resident(&redis, &[]);
    let mut platform = Platform::connect(&redis).await;
    let versions = Versions::new();
    let path = versions.write("v1", "steady", SLOWLY);
    let upload = [("agent_path", path.as_str()), ("upload_type", "directory")];
    let entry = platform.order("steady", &upload).await;
    platform.reaches("steady", "deploying").await;
    redis.kill();
    let api = Api::of(&resident);
    let jobs = api.jobs().await;
    let job = api.job(jobs[0]["id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "succeeded", "it went on: {job:#}");
    try_ask(&format!("{}/steady/", gateway(&resident)))
        .await
        .expect("it answers");
    eventually("it is shown that Redis is away", || {
        let notices = resident.json(&["status"])["notices"].to_string();
        if notices.contains("does not answer") {
            Ok(())
        } else {
            Err(notices)
        }
    });
    redis.start_again();
    let mut platform = Platform::connect(&redis).await;
    answers(&platform.ended("steady", &entry).await, "steady").await;
    assert_eq!(
        platform.statuses("steady").await.last().unwrap(),
        "completed"
    );

    // And the next one is heard.
    let path = versions.write("v2", "next", "");
    let upload = [("agent_path", path.as_str()), ("upload_type", "directory")];
    let entry = platform.order("steady", &upload).await;
    answers(&platform.ended("steady", &entry).await, "next").await;
    let notices = resident.json(&["status"])["notices"].to_string();
    assert!(notices.contains("commands are heard"), "{notices}");
}
