//! The store moves to a database and back while agents serve, jobs run and people ask; killed anywhere, refused where
//! it must be, and with servers that vanish.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

use nasiko_tests::{
    Api, Chance, Resident, Steady, api::ask, eventually, faults::error_of, folder, program,
    servers::Server,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A resident whose key is in its data directory, with an agent that is asked all the time.
struct Scene {
    resident: Resident,
    _agent: TempDir,
    steady: Steady,
}

impl Scene {
    async fn new() -> Self {
        let mut resident = resident();
        resident.serve();
        let agent = folder(&[("main.py", &program::saying("steady", ""))]);
        deploy(&resident, &agent, "steady");
        let gateway = resident.json(&["status"])["gateway"].clone();
        let address = format!("{}/steady/", gateway.as_str().unwrap());
        let says = ask(&address).await;
        Self {
            resident,
            _agent: agent,
            steady: Steady::watch(says, address),
        }
    }

    fn store(&self) -> Value {
        store(&self.resident)
    }
}

fn resident() -> Resident {
    let no_keyring = [("NASIKO_VAULT_KEYRING", "none")];
    Resident::prepared("unix:///nonexistent/docker.sock", &no_keyring)
}

fn deploy(resident: &Resident, agent: &TempDir, name: &str) {
    let path = agent.path().to_str().unwrap();
    resident.json(&["deploy", path, "--name", name, "--runtime", "process"]);
}

fn store(resident: &Resident) -> Value {
    resident.json(&["settings"])["store"].clone()
}

fn move_to(resident: &Resident, place: &str) -> Value {
    resident.json(&["settings", "set", "store", place])
}

/// Writes so much that a copy takes a while.
async fn furnish(resident: &Resident, changes: u32) {
    let api = Api::of(resident);
    for number in 0..changes {
        let body = json!({ "parallelJobs": 1 + number % 8 });
        let request = api.request(reqwest::Method::PATCH, "/settings").json(&body);
        let (status, answer) = nasiko_tests::api::answer(request).await;
        assert_eq!(status, 200, "{answer:#}");
    }
}

/// A job that is under way for some seconds.
async fn slow_deploy(resident: &Resident, agent: &TempDir, name: &str) -> String {
    let api = Api::of(resident);
    let job = api.deploy(agent.path(), name, "process").await;
    eventually("the job runs", || {
        let job = resident.json(&["jobs", "get", &job]);
        if job["state"] == "running" {
            Ok(())
        } else {
            Err(format!("{job:#}"))
        }
    });
    job
}

fn slow_agent() -> TempDir {
    folder(&[("main.py", &slow_program("slow"))])
}

fn slow_program(word: &str) -> String {
    program::saying(word, "time.sleep(3)")
}

/// The same agent, otherwise.
fn change(agent: &TempDir) {
    std::fs::write(agent.path().join("main.py"), slow_program("other")).unwrap();
}

/// The job ended well, in its first try.
async fn assert_done_once(resident: &Resident, job: &str) {
    let ended = Api::of(resident).job(job).await;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    assert_eq!(ended["attempt"], 1, "{ended:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_under_traffic_and_with_a_job_under_way() {
    let test = "store::there_and_back_under_traffic_and_with_a_job_under_way";
    let (Some(mongo), Some(redis)) = (Server::mongo(test), Server::redis(test)) else {
        return;
    };
    let mut scene = Scene::new().await;
    furnish(&scene.resident, 200).await;
    let slow = slow_agent();
    let job = slow_deploy(&scene.resident, &slow, "slow").await;
    let (mongo_url, redis_url) = (mongo.url(), redis.url());
    let moved = scene.resident.json(&[
        "settings", "set", "store", &mongo_url, "--redis", &redis_url,
    ]);
    assert_eq!(moved["place"]["location"], mongo_url);
    assert!(
        moved["counts"]["event"].as_u64().unwrap() > 200,
        "{moved:#}"
    );
    assert_done_once(&scene.resident, &job).await;
    let store = scene.store();
    assert_eq!(store["kind"], "mongodb");
    assert_eq!(store["servers"].as_array().unwrap().len(), 2, "{store:#}");
    assert_eq!(scene.resident.json(&["ps"]).as_array().unwrap().len(), 2);

    let words = scene.resident.run(&["settings"]).ok().stdout;
    assert!(
        words.contains(&format!("mongodb at {mongo_url}")),
        "{words}"
    );

    change(&slow);
    let job = slow_deploy(&scene.resident, &slow, "slow").await;
    let back = move_to(&scene.resident, "sqlite");
    assert_eq!(back["before"]["location"], mongo_url);
    assert_done_once(&scene.resident, &job).await;
    assert_eq!(scene.store()["kind"], "sqlite");
    scene.steady.check();
    drop((mongo, redis));
    // What counts is what was written down.
    scene.resident.kill();
    scene.resident.serve();
    assert_eq!(scene.resident.json(&["ps"]).as_array().unwrap().len(), 2);
    assert_eq!(
        scene.resident.json(&["settings"])["store"]["kind"],
        "sqlite"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_is_refused_and_a_database_in_use_joined() {
    let test = "store::a_place_that_cannot_be_is_refused_and_a_database_in_use_joined";
    let Some(mongo) = Server::mongo(test) else {
        return;
    };
    let scene = Scene::new().await;
    let other = {
        let mut other = resident();
        other.serve();
        other
    };
    move_to(&other, &mongo.url());
    let set = |words: &[&str]| {
        let mut all = vec!["settings", "set", "store"];
        all.extend(words);
        scene.resident.try_json(&all)
    };
    let in_use = error_of(&set(&[&mongo.url()]));
    assert_eq!(in_use["code"], "state.wrong", "{in_use:#}");
    let wrong = mongo.url().replace("://", "://nobody:canary-password@");
    let refused = set(&[&wrong]);
    let said = error_of(&refused);
    assert_eq!(said["code"], "store.failed", "{said:#}");
    assert!(!format!("{refused:?}").contains("canary"));
    error_of(&set(&["mongodb://127.0.0.1:9/nasiko"]));
    error_of(&set(&["nowhere"]));
    assert_eq!(scene.store()["kind"], "sqlite");
    assert!(!scene.resident.log().contains("canary"));
    assert!(
        !scene
            .resident
            .home()
            .join("store.json")
            .try_exists()
            .unwrap()
    );
    drop(scene.steady);

    for name in ["vault.key", "vault.json"] {
        let key = other.home().join(name);
        if key.try_exists().unwrap() {
            std::fs::copy(key, scene.resident.home().join(name)).unwrap();
        }
    }
    scene
        .resident
        .json(&["settings", "set", "parallel-jobs", "3"]);
    other.json(&["settings", "set", "parallel-jobs", "7"]);
    let mut joining = resident();
    joining.serve();
    for name in ["vault.key", "vault.json"] {
        let key = other.home().join(name);
        if key.try_exists().unwrap() {
            std::fs::copy(key, joining.home().join(name)).unwrap();
        }
    }
    let joined = joining.json(&["settings", "set", "store", &mongo.url(), "--join"]);
    assert_eq!(joined["restarted"], true, "{joined:#}");
    let settings = joining.json(&["settings"]);
    assert_eq!(settings["parallel_jobs"], 7, "{settings:#}");
    assert_eq!(settings["store"]["kind"], "mongodb");
}

/// A move that is under way, seen by what it says.
struct Moving {
    command: Child,
}

impl Moving {
    fn begin(resident: &Resident, place: &str) -> Self {
        let command = resident
            .command(&["settings", "set", "store", place])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { command }
    }

    /// Until it says that it is at this step, or is over.
    fn until(&mut self, step: &str) {
        let talk = BufReader::new(self.command.stderr.take().unwrap());
        for line in talk.lines() {
            if line.unwrap().contains(step) {
                return;
            }
        }
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        let _ = self.command.kill();
        let _ = self.command.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_the_store_is_whole_and_the_next_attempt_succeeds() {
    let test = "store::killed_anywhere_the_store_is_whole_and_the_next_attempt_succeeds";
    let Some(mongo) = Server::mongo(test) else {
        return;
    };
    let mut scene = Scene::new().await;
    furnish(&scene.resident, 1_500).await;
    let mut chance = Chance::new();
    for step in ["Reaching", "Copying", "Copying", "Comparing", "Going over"] {
        let place = if scene.store()["kind"] == "sqlite" {
            mongo.url()
        } else {
            break;
        };
        let before = scene.resident.json(&["ps"]);
        let mut moving = Moving::begin(&scene.resident, &place);
        moving.until(step);
        std::thread::park_timeout(chance.within(Duration::from_millis(60)));
        scene.resident.kill();
        drop(moving);
        scene.resident.serve();
        let store = scene.store();
        assert_eq!(store["moving"], false);
        assert_eq!(scene.resident.json(&["ps"])[0]["name"], before[0]["name"]);
        // It can be written to.
        let changed = scene
            .resident
            .json(&["settings", "set", "parallel-jobs", "5"]);
        assert_eq!(changed["parallel_jobs"], 5, "{store:#}");
    }
    if scene.store()["kind"] == "sqlite" {
        move_to(&scene.resident, &mongo.url());
    }
    assert_eq!(scene.store()["kind"], "mongodb");
    let mut moving = Moving::begin(&scene.resident, "sqlite");
    moving.until("Comparing");
    scene.resident.kill();
    drop(moving);
    scene.resident.serve();
    if scene.store()["kind"] == "mongodb" {
        move_to(&scene.resident, "sqlite");
    }
    assert_eq!(scene.resident.json(&["settings"])["parallel_jobs"], 5);
    assert_eq!(scene.resident.json(&["ps"])[0]["name"], "steady");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_broken_off_leaves_the_store_where_it_was() {
    let test = "store::a_move_that_is_broken_off_leaves_the_store_where_it_was";
    let Some(mongo) = Server::mongo(test) else {
        return;
    };
    let scene = Scene::new().await;
    furnish(&scene.resident, 1_500).await;
    let mut moving = Moving::begin(&scene.resident, &mongo.url());
    moving.until("Copying");
    drop(moving);
    eventually("the move ends", || {
        let store = scene.store();
        if store["moving"] == false {
            Ok(())
        } else {
            Err(format!("{store:#}"))
        }
    });
    let store = scene.store();
    assert_eq!(store["kind"], "sqlite", "{store:#}");
    assert_eq!(
        store["last_move"]["error"]["code"], "cancelled",
        "{store:#}"
    );
    move_to(&scene.resident, &mongo.url());
    scene.steady.check();
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_vanish_are_shown_and_nothing_is_lost() {
    let test = "store::servers_that_vanish_are_shown_and_nothing_is_lost";
    let (Some(mut mongo), Some(mut redis)) = (Server::mongo(test), Server::redis(test)) else {
        return;
    };
    let scene = Scene::new().await;
    let resident = &scene.resident;
    let (mongo_url, redis_url) = (mongo.url(), redis.url());
    resident.json(&[
        "settings", "set", "store", &mongo_url, "--redis", &redis_url,
    ]);
    let slow = slow_agent();
    let job = slow_deploy(resident, &slow, "slow").await;
    redis.kill();
    eventually("it is shown that Redis is away", || {
        troubled(&scene, "Redis")
    });
    assert_done_once(resident, &job).await;
    redis.start_again();
    eventually("Redis is back", || match troubled(&scene, "Redis") {
        Ok(()) => Err("it is still shown as away".to_owned()),
        Err(_) => Ok(()),
    });

    change(&slow);
    let job = slow_deploy(resident, &slow, "slow").await;
    mongo.stop();
    let away = resident.try_json(&["ps"]);
    assert_eq!(error_of(&away)["code"], "store.failed", "{}", away.stdout);
    mongo.start_again();
    eventually("MongoDB is back", || {
        let said = resident.try_json(&["ps"]);
        (said.code == 0).then_some(()).ok_or(said.stdout)
    });
    let ended = Api::of(resident).job(&job).await;
    assert_eq!(ended["state"], "succeeded", "{ended:#}");
    scene.steady.check();
}

/// Whether a server is shown as away.
fn troubled(scene: &Scene, server: &str) -> Result<(), String> {
    let store = scene.store();
    let servers = store["servers"].as_array().unwrap();
    let is_away = |row: &&Value| {
        row["server"].as_str().unwrap().contains(server) && !row["trouble"].is_null()
    };
    match servers.iter().find(is_away) {
        Some(_) => Ok(()),
        None => Err(format!("{store:#}")),
    }
}
