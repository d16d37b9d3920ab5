//! Two control planes on one MongoDB and one Redis: the work is shared, each sees what the other does, either may be
//! killed.

use std::collections::BTreeMap;

use nasiko_tests::{
    Api, Resident,
    api::{ask, try_ask},
    eventually, folder, program,
    servers::Server,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Two residents that share a store. They end before their servers.
struct Pair {
    one: Resident,
    other: Resident,
    redis: Server,
    _mongo: Server,
}

impl Pair {
    /// None of the two runs yet.
    fn prepared(test: &str) -> Option<Self> {
        let mongo = Server::mongo(test)?;
        let redis = Server::redis(test)?;
        let (store, commits) = (mongo.url(), redis.url());
        let environment = [
            ("NASIKO_STORE_URL", store.as_str()),
            ("NASIKO_REDIS_URL", commits.as_str()),
        ];
        let resident = || {
            let resident = Resident::prepared("unix:///nonexistent/docker.sock", &environment);
            std::fs::write(resident.home().join("vault.key"), [7; 32]).unwrap();
            resident
        };
        Some(Self {
            one: resident(),
            other: resident(),
            redis,
            _mongo: mongo,
        })
    }

    fn both(test: &str) -> Option<Self> {
        let mut pair = Self::prepared(test)?;
        pair.one.serve();
        pair.other.serve();
        Some(pair)
    }

    fn processes(&self) -> usize {
        self.one.agent_processes().len() + self.other.agent_processes().len()
    }
}

/// An agent's address behind a resident's gateway.
fn behind(resident: &Resident, agent: &str) -> String {
    let status = resident.json(&["status"]);
    format!("{}/{agent}/", status["gateway"].as_str().unwrap())
}

fn agent(word: &str) -> TempDir {
    folder(&[("main.py", &program::saying(word, ""))])
}

async fn succeeded(api: &Api, id: &str) {
    let job = api.job(id).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
}

async fn accepted(api: &Api, path: &str) -> String {
    let (status, job) = api.post(path, &json!({})).await;
    assert_eq!(status, 202, "{job:#}");
    job["id"].as_str().unwrap().to_owned()
}

/// Waits until both gateways give the same answer, and gives it.
async fn same_answer(pair: &Pair, agent: &str) -> String {
    let urls = [&pair.one, &pair.other].map(|resident| behind(resident, agent));
    let deadline = std::time::Instant::now() + nasiko_tests::wait::PATIENCE;
    loop {
        let answers = [try_ask(&urls[0]).await, try_ask(&urls[1]).await];
        if let [Ok(one), Ok(other)] = &answers
            && one == other
        {
            return one.clone();
        }
        assert!(std::time::Instant::now() < deadline, "{answers:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_runs_once_and_each_sees_what_the_other_does() {
    const AGENTS: usize = 4;
    const RESTARTS: usize = 8;
    let Some(pair) = Pair::both("each_job_runs_once_and_each_sees_what_the_other_does") else {
        return;
    };
    let apis = [Api::of(&pair.one), Api::of(&pair.other)];
    // Everything that happens from here on, as a window at the second one sees it.
    let mut events = apis[1].stream("/events", None).await;
    let folders: Vec<TempDir> = (0..AGENTS)
        .map(|number| agent(&format!("w{number}")))
        .collect();
    let mut jobs = Vec::new();
    for (number, folder) in folders.iter().enumerate() {
        let name = format!("shared-{number}");
        jobs.push(
            apis[number % 2]
                .deploy(folder.path(), &name, "process")
                .await,
        );
    }
    for job in &jobs {
        succeeded(&apis[0], job).await;
    }
    for round in 0..RESTARTS {
        for number in 0..AGENTS {
            let path = format!("/agents/shared-{number}/restart");
            jobs.push(accepted(&apis[(round + number) % 2], &path).await);
        }
    }
    for job in &jobs {
        let ended = apis[0].job(job).await;
        assert_eq!(ended["state"], "succeeded", "{ended:#}");
        assert_eq!(ended["attempt"], 1, "{ended:#}");
    }
    for number in 0..AGENTS {
        let name = format!("shared-{number}");
        let shown = apis[1].agent(&name).await;
        let deployments = shown["deployments"].as_array().unwrap();
        assert_eq!(
            deployments.len(),
            1 + RESTARTS,
            "each job made one: {shown:#}"
        );
        assert!(
            same_answer(&pair, &name)
                .await
                .starts_with(&format!("w{number} "))
        );
    }
    eventually("one instance of each is left", || match pair.processes() {
        AGENTS => Ok(()),
        count => Err(format!("{count} of {AGENTS}")),
    });
    // The stream of one tells the end of each job, also of those that the other accepted and ran.
    let mut ended: BTreeMap<String, u32> = BTreeMap::new();
    let told = async {
        while jobs.iter().any(|job| !ended.contains_key(job)) {
            let event = events.next().await.unwrap().expect("the stream goes on");
            if event.kind == "job.changed" || event.data["topic"] == "job.changed" {
                let job = &event.data["data"];
                if job["state"] == "succeeded" {
                    *ended
                        .entry(job["id"].as_str().unwrap().to_owned())
                        .or_default() += 1;
                }
            }
        }
    };
    tokio::time::timeout(nasiko_tests::wait::PATIENCE, told)
        .await
        .expect("all ends are told");
    let status = pair.one.json(&["status"]);
    assert_eq!(
        status["peers"].as_array().map(Vec::len),
        Some(1),
        "{status:#}"
    );
    assert_eq!(status["peers"][0]["state"], "here");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_leaves_its_agents_and_its_jobs_to_the_other() {
    let test = "one_that_is_killed_leaves_its_agents_and_its_jobs_to_the_other";
    let Some(mut pair) = Pair::prepared(test) else {
        return;
    };
    pair.one.serve();
    let (stays, dies) = (agent("stays"), agent("dies"));
    let api = Api::of(&pair.one);
    for (folder, name) in [(&stays, "stays"), (&dies, "dies")] {
        let job = api.deploy(folder.path(), name, "process").await;
        succeeded(&api, &job).await;
    }
    let said = ask(&behind(&pair.one, "stays")).await;
    // A deploy that is at its longest when its control plane is killed.
    let gate = TempDir::new().unwrap();
    let waits = format!(
        "open({:?}, 'a').write('x'); [time.sleep(0.02) for _ in iter(lambda: os.path.exists({:?}), True)]",
        gate.path().join("begun"),
        gate.path().join("open"),
    );
    let slow = folder(&[("main.py", &program::saying("slow", &waits))]);
    let job = api.deploy(slow.path(), "slow", "process").await;
    let begun = gate.path().join("begun");
    eventually("the instance of the deploy is on its way", || {
        begun
            .is_file()
            .then_some(())
            .ok_or_else(|| "not yet".to_owned())
    });
    pair.other.serve();
    assert_eq!(same_answer(&pair, "stays").await, said);
    let pid = process_of(&ask(&behind(&pair.other, "dies")).await);

    pair.one.kill();
    kill(pid);
    std::fs::write(gate.path().join("open"), "").unwrap();
    assert_eq!(ask(&behind(&pair.other, "stays")).await, said, "it goes on");
    let api = Api::of(&pair.other);
    succeeded(&api, &job).await;
    assert!(ask(&behind(&pair.other, "slow")).await.starts_with("slow "));
    let again = ask(&behind(&pair.other, "dies")).await;
    assert_ne!(process_of(&again), pid, "it was started by the other");
    let status = pair.other.json(&["status"]);
    assert_eq!(status["peers"][0]["state"], "silent", "{status:#}");
    assert_eq!(ask(&behind(&pair.other, "stays")).await, said, "still");

    // It comes back to what is still its own, and to nothing else.
    pair.one.serve();
    assert_eq!(same_answer(&pair, "stays").await, said);
    assert_eq!(same_answer(&pair, "dies").await, again);
    eventually("nothing runs twice", || {
        let (own, others) = (
            pair.one.agent_processes().len(),
            pair.other.agent_processes().len(),
        );
        ((own, others) == (1, 2))
            .then_some(())
            .ok_or_else(|| format!("{own} and {others}"))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn they_find_each_other_again_when_redis_is_back() {
    let Some(mut pair) = Pair::both("they_find_each_other_again_when_redis_is_back") else {
        return;
    };
    let apis = [Api::of(&pair.one), Api::of(&pair.other)];
    let mut events = apis[1].stream("/events", None).await;
    pair.redis.kill();
    let source = agent("alone");
    let job = apis[0].deploy(source.path(), "alone", "process").await;
    succeeded(&apis[0], &job).await;
    same_answer(&pair, "alone").await;
    pair.redis.start_again();
    let later = accepted(&apis[1], "/agents/alone/restart").await;
    succeeded(&apis[0], &later).await;
    same_answer(&pair, "alone").await;
    let told = async {
        let mut missing = vec![job, later];
        while !missing.is_empty() {
            let event: Value = events
                .next()
                .await
                .unwrap()
                .expect("the stream goes on")
                .data;
            if event["data"]["state"] == "succeeded" {
                missing.retain(|id| event["data"]["id"] != id.as_str());
            }
        }
    };
    tokio::time::timeout(nasiko_tests::wait::PATIENCE, told)
        .await
        .expect("no event is lost");
}

/// The process that an agent's answer names.
fn process_of(said: &str) -> u32 {
    let word = said.split(' ').nth(1).expect("word, process, host, port");
    word.parse().expect("a process id")
}

fn kill(pid: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(killed.unwrap().success());
}
