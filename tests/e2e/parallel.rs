//! Many things at once: correct end states, no deadlock, nothing twice.

use std::{collections::BTreeMap, path::Path};

use futures::future::join_all;
use nasiko_tests::{
    Api, Chance, Resident,
    api::{ask, is_final},
    eventually, folder, program, skip,
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn agent(word: &str) -> TempDir {
    folder(&[("main.py", &program::saying(word, ""))])
}

fn processes(resident: &Resident, expected: usize) {
    eventually(&format!("{expected} instances"), || {
        let there = resident.agent_processes();
        if there.len() == expected {
            Ok(())
        } else {
            Err(format!("{there:?}"))
        }
    });
}

#[test]
fn the_same_agent_twice_at_once() {
    let resident = Resident::start();
    let source = agent("same");
    let path = source.path().to_str().unwrap();
    for round in 0..3 {
        std::fs::write(
            source.path().join("main.py"),
            program::saying(&format!("r{round}"), ""),
        )
        .unwrap();
        let documents: Vec<Value> = std::thread::scope(|scope| {
            let deploys: Vec<_> = (0..2)
                .map(|_| scope.spawn(|| resident.json(&["deploy", path, "--name", "same"])))
                .collect();
            deploys
                .into_iter()
                .map(|deploy| deploy.join().unwrap())
                .collect()
        });
        let unchanged: Vec<_> = documents
            .iter()
            .filter(|document| document["unchanged"] == true)
            .collect();
        assert_eq!(
            unchanged.len(),
            1,
            "one does it, the other finds it done: {documents:#?}"
        );
        assert_eq!(resident.json(&["ps"]).as_array().unwrap().len(), 1);
        processes(&resident, 1);
    }

    // Without a name both sources are read at once, and only then turn out to be the same agent.
    let copies = ["one", "two"].map(|word| {
        let copy = agent(word);
        let card = r#"{"name":"twin","description":"d","version":"1.0.0"}"#;
        std::fs::write(copy.path().join("AgentCard.json"), card).unwrap();
        copy
    });
    let unnamed: Vec<Value> = std::thread::scope(|scope| {
        let deploys: Vec<_> = copies
            .iter()
            .map(|copy| scope.spawn(|| resident.json(&["deploy", copy.path().to_str().unwrap()])))
            .collect();
        deploys
            .into_iter()
            .map(|deploy| deploy.join().unwrap())
            .collect()
    });
    let mut names: Vec<_> = unnamed
        .iter()
        .map(|document| document["agent"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["twin", "twin-2"],
        "two folders of one name are two agents"
    );
    processes(&resident, 3);
}

#[tokio::test]
async fn twenty_agents_at_once() {
    let resident = Resident::start();
    let api = Api::of(&resident);
    let sources: Vec<_> = (0..20).map(|number| agent(&format!("w{number}"))).collect();
    let jobs = sources.iter().enumerate().map(|(number, source)| {
        let api = api.clone();
        async move {
            let id = api
                .deploy(source.path(), &format!("agent-{number}"), "process")
                .await;
            api.job(&id).await
        }
    });
    for job in join_all(jobs).await {
        assert_eq!(job["state"], "succeeded", "{job:#}");
    }
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    for number in 0..20 {
        let says = ask(&format!("{gateway}/agent-{number}/")).await;
        assert!(
            says.starts_with(&format!("w{number} ")),
            "agent-{number} says {says}"
        );
    }
    processes(&resident, 20);
    let status = resident.json(&["status"]);
    assert_eq!(
        (&status["agents"]["active"], &status["jobs"]),
        (&json!(20), &json!(0)),
        "{status:#}"
    );
}

/// Deploys, stops, starts, restarts and removals of a few agents in any order, all at once.
#[tokio::test]
async fn any_mix_at_once() {
    let resident = Resident::start();
    let api = Api::of(&resident);
    let mut chance = Chance::new();
    let names = ["ada", "bert", "cleo", "dora"];
    let sources: BTreeMap<&str, TempDir> = names.iter().map(|name| (*name, agent(name))).collect();
    for round in 0..3 {
        let plan: Vec<(&str, &str)> = (0..16)
            .map(|_| {
                (
                    *chance.pick(&names),
                    *chance.pick(&["deploy", "deploy", "stop", "start", "restart", "rm"]),
                )
            })
            .collect();
        let asked = plan
            .iter()
            .map(|(name, what)| act(&api, name, what, sources[name].path()));
        let accepted: Vec<Value> = join_all(asked).await.into_iter().flatten().collect();
        let ended = join_all(
            accepted
                .iter()
                .map(|job| api.job(job["id"].as_str().unwrap())),
        )
        .await;
        for job in &ended {
            let code = job["fault"]["code"].as_str().unwrap_or_default();
            // An agent may be gone, or not be there yet, when a job's turn comes.
            let fine = job["state"] == "succeeded"
                || (job["state"] == "failed" && matches!(code, "agent.not_found" | "state.wrong"));
            assert!(fine, "round {round}, {plan:?}: {job:#}");
        }
        check(&resident, &api, &plan).await;
    }
}

async fn act(api: &Api, name: &str, what: &str, source: &Path) -> Option<Value> {
    let (status, answer) = match what {
        "deploy" => {
            let body = json!({ "directory_path": source, "agent_name": name, "runtime": "process", "force": true });
            api.post("/upload-agents/directory", &body).await
        }
        "rm" => api.delete(&format!("/agents/{name}")).await,
        _ => {
            api.post(&format!("/agents/{name}/{what}"), &json!({}))
                .await
        }
    };
    match status {
        202 => Some(answer),
        404 => None,
        _ => panic!("{what} {name}: {status} {answer:#}"),
    }
}

/// What is said to run runs, once; what is not does not.
async fn check(resident: &Resident, api: &Api, plan: &[(&str, &str)]) {
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    let rows = resident.json(&["ps"]);
    let mut active = 0;
    for row in rows.as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        assert_eq!(row["activity"], "", "{plan:?}: {row:#}");
        match row["state"].as_str().unwrap() {
            "active" => {
                active += 1;
                let says = ask(&format!("{gateway}/{name}/")).await;
                assert!(says.starts_with(name), "{plan:?}: {name} says {says}");
            }
            "stopped" => {}
            _ => panic!("{plan:?}: {row:#}"),
        }
    }
    processes(resident, active);
    let open: Vec<_> = api
        .jobs()
        .await
        .into_iter()
        .filter(|job| !is_final(job))
        .collect();
    assert!(open.is_empty(), "{open:#?}");
}

#[tokio::test]
async fn a_key_said_twice_is_one_job() {
    let mut resident = Resident::start();
    let source = agent("once");
    let body =
        json!({ "directory_path": source.path(), "agent_name": "once", "runtime": "process" });
    let api = Api::of(&resident);
    let (status, first) = api
        .post_once("/upload-agents/directory", &body, "my-key")
        .await;
    assert_eq!(status, 202, "{first:#}");
    let (_, second) = api
        .post_once("/upload-agents/directory", &body, "my-key")
        .await;
    assert_eq!(first["id"], second["id"], "{second:#}");
    api.job(first["id"].as_str().unwrap()).await;

    // The answer is remembered by the server, the key by the store: a crash does not forget it.
    resident.kill();
    resident.serve();
    let api = Api::of(&resident);
    let (_, third) = api
        .post_once("/upload-agents/directory", &body, "my-key")
        .await;
    assert_eq!(first["id"], third["id"], "{third:#}");
    assert_eq!(api.jobs().await.len(), 1);

    let at_once = (0..8).map(|_| api.post_once("/upload-agents/directory", &body, "another-key"));
    let answers = join_all(at_once).await;
    let ids: std::collections::BTreeSet<_> = answers
        .iter()
        .filter(|(status, _)| *status == 202)
        .map(|(_, job)| job["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{answers:#?}");
    for (status, answer) in &answers {
        // Whoever comes while the first is still being answered is told to come again.
        assert!(
            *status == 202 || (*status == 409 && answer["retryable"] == true),
            "{status} {answer:#}"
        );
    }
    assert_eq!(api.jobs().await.len(), 2);
}

/// Follows a job until its step has `part`, then cancels it, and gives its end.
async fn cancel_at(api: &Api, job: &str, part: &str) -> Value {
    let mut changes = api.stream(&format!("/jobs/{job}/log"), None).await;
    loop {
        let event = changes
            .next()
            .await
            .unwrap()
            .expect("the job reaches that step");
        if event.data["job"]["step"]
            .as_str()
            .is_some_and(|step| step.contains(part))
        {
            break;
        }
    }
    let (status, answer) = api.post(&format!("/jobs/{job}/cancel"), &json!({})).await;
    assert_eq!(status, 202, "{answer:#}");
    let begun = std::time::Instant::now();
    let ended = api.job(job).await;
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(10),
        "a cancel takes {:?}",
        begun.elapsed()
    );
    ended
}

#[tokio::test]
async fn a_cancelled_deploy_leaves_nothing() {
    let resident = Resident::start();
    let api = Api::of(&resident);
    // A package index that never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let requirements = format!(
        "--index-url http://{}/simple\nanything\n",
        silent.local_addr().unwrap()
    );
    let builds = folder(&[
        ("main.py", &program::saying("v1", "")),
        ("requirements.txt", &requirements),
    ]);
    let job = api.deploy(builds.path(), "builds", "process").await;
    let ended = cancel_at(&api, &job, "pip install").await;
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    tools_of(&resident, silent.local_addr().unwrap().port());

    let never = folder(&[("main.py", "import time\nwhile True: time.sleep(60)\n")]);
    let job = api.deploy(never.path(), "starts", "process").await;
    let ended = cancel_at(&api, &job, "Starting").await;
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    processes(&resident, 0);
    for name in ["builds", "starts"] {
        let agent = api.agent(name).await;
        assert_ne!(
            agent["state"], "setting-up",
            "nothing is on its way any more: {agent:#}"
        );
        assert_eq!(agent["activity"], "", "{agent:#}");
    }

    // What serves goes on serving when its update is cancelled.
    let good = agent("good");
    resident
        .run(&["deploy", good.path().to_str().unwrap(), "--name", "good"])
        .ok();
    std::fs::write(
        good.path().join("main.py"),
        "import time\nwhile True: time.sleep(60)\n",
    )
    .unwrap();
    let job = api.deploy(good.path(), "good", "process").await;
    let ended = cancel_at(&api, &job, "Starting").await;
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(ask(&format!("{gateway}/good/")).await.starts_with("good "));
    assert_eq!(api.agent("good").await["state"], "active");
    processes(&resident, 1);

    // One that waits for its turn is cancelled without having begun.
    let first = api.deploy(never.path(), "starts", "process").await;
    let waiting = api.deploy(never.path(), "starts", "process").await;
    let (_, cancelled) = api
        .post(&format!("/jobs/{waiting}/cancel"), &json!({}))
        .await;
    assert_eq!(cancelled["state"], "cancelled", "{cancelled:#}");
    assert_eq!(
        cancel_at(&api, &first, "Starting").await["state"],
        "cancelled"
    );
    processes(&resident, 1);
}

/// No tool that talks to the silent index lives on.
fn tools_of(resident: &Resident, port: u16) {
    let needle = format!("127.0.0.1:{port}");
    eventually("the package tool has ended", || {
        let alive: Vec<u32> = std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| *pid != resident.pid() && *pid != std::process::id())
            .filter(|pid| {
                let links = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let said = String::from_utf8_lossy(&links).into_owned();
                said.contains(&needle) || said.contains(&*resident.home().to_string_lossy())
            })
            .collect();
        if alive.is_empty() {
            Ok(())
        } else {
            Err(format!("{alive:?}"))
        }
    });
}

#[tokio::test]
async fn a_cancelled_deploy_leaves_nothing_in_docker() {
    let Some(host) = skip::engine_or_skip("parallel::a_cancelled_deploy_leaves_nothing_in_docker")
    else {
        return;
    };
    let resident = Resident::with_engine(&host);
    let api = Api::of(&resident);
    let marker = resident.network().to_owned();
    let builds = folder(&[
        ("main.py", &program::saying("v1", "")),
        (
            "Dockerfile",
            &program::dockerfile(&format!("RUN echo {marker} && sleep 120\n")),
        ),
    ]);
    let job = api.deploy(builds.path(), "builds", "docker").await;
    let ended = cancel_at(&api, &job, "sleep 120").await;
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    eventually("the step has ended", || {
        let all = resident.docker(&["ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Command}}"]);
        let ours = all.lines().find(|line| line.contains(&marker));
        ours.map_or(Ok(()), |line| Err(line.to_owned()))
    });

    let never = folder(&[
        ("main.py", "import time\nwhile True: time.sleep(60)\n"),
        ("Dockerfile", &program::dockerfile("")),
    ]);
    let job = api.deploy(never.path(), "starts", "docker").await;
    let ended = cancel_at(&api, &job, "Starting").await;
    assert_eq!(ended["state"], "cancelled", "{ended:#}");
    assert_eq!(resident.containers(), Vec::<String>::new());
}
