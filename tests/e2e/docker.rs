//! Agents in containers of a real engine: every example, what goes wrong in a build, updates, an engine that stops.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use nasiko_tests::{
    Api, Resident,
    api::{ask, try_ask},
    engine::OwnEngine,
    eventually, example,
    faults::{assert_fault, error_of},
    folder, program, skip,
};
use nasiko_workshop::{Snapshot, SnapshotOptions};
use tokio_util::sync::CancellationToken;

use crate::agents::{EXAMPLES, deploy_and_talk, deploy_and_talk_by_api};

fn resident(test: &str) -> Option<Resident> {
    skip::engine_or_skip(&format!("docker::{test}")).map(|host| Resident::with_engine(&host))
}

/// By command line, then by API: the second time the images are there.
#[tokio::test]
async fn every_example_in_docker() {
    let Some(resident) = resident("every_example_in_docker") else {
        return;
    };
    for (name, says, answers) in EXAMPLES {
        deploy_and_talk(&resident, name, "docker", says, answers);
    }
    assert_eq!(
        resident.containers(),
        Vec::<String>::new(),
        "each was removed"
    );
    for (name, says, answers) in EXAMPLES {
        deploy_and_talk_by_api(&resident, name, "docker", says, answers).await;
    }
    assert_eq!(resident.containers().len(), EXAMPLES.len());
    let inspected = resident.docker(&["inspect", &resident.containers()[0]]);
    for label in [
        "nasiko.type",
        "nasiko.name",
        "nasiko.owner",
        "nasiko.version",
    ] {
        assert!(
            inspected.contains(label),
            "{label} is missing in {inspected}"
        );
    }
}

#[test]
fn a_dockerfile_is_made_where_there_is_none() {
    let Some(resident) = resident("a_dockerfile_is_made_where_there_is_none") else {
        return;
    };
    let path = example("no-dockerfile");
    let described = resident.json(&["inspect", path.to_str().unwrap()]);
    assert_eq!(described["dockerfile"], false, "{described:#}");
    let made = described["generated_dockerfile"].as_str().unwrap();
    assert!(
        made.contains("FROM python") && made.contains("requirements.txt"),
        "{made}"
    );
    resident.json(&["deploy", path.to_str().unwrap(), "--runtime", "docker"]);
    assert!(
        !path.join("Dockerfile").try_exists().unwrap(),
        "the person's folder is not touched"
    );
}

#[test]
fn builds_that_fail() {
    let Some(resident) = resident("builds_that_fail") else {
        return;
    };
    let source = folder(&[("main.py", &program::saying("x", ""))]);
    let deploy = |dockerfile: &str| {
        std::fs::write(source.path().join("Dockerfile"), dockerfile).unwrap();
        let path = source.path().to_str().unwrap();
        resident.try_json(&["deploy", path, "--name", "broken", "--runtime", "docker"])
    };

    let output = deploy("FROM busybox\nCOPPY main.py .\nCMD [\"true\"]\n");
    assert_fault(&output, "build.dockerfile_broken", "", "COPPY");

    let output = deploy("FROM busybox\nCOPY not-there.txt /\nCMD [\"true\"]\n");
    assert_fault(&output, "build.copy_missing", "", "not-there.txt");

    let lines = "RUN echo the-first-one && for i in $(seq 1 40); do echo line $i; done && echo the cause >&2 && exit 9\n";
    let output = deploy(&format!("FROM busybox\nRUN true\n{lines}CMD [\"true\"]\n"));
    assert_fault(&output, "build.step_failed", "", "the cause");
    let error = error_of(&output);
    let said = error.to_string();
    assert!(
        said.contains("the-first-one &&"),
        "the failing step is named: {error:#}"
    );
    let evidence: Vec<_> = error["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(
        evidence.contains(&"line 40") && evidence.contains(&"line 22"),
        "its last 20 lines: {evidence:#?}"
    );
    assert!(!evidence.contains(&"line 5"), "and no more: {evidence:#?}");

    let output = deploy("FROM localhost:1/nobody/nothing:1\nCMD [\"true\"]\n");
    assert_fault(
        &output,
        "build.base_image_missing",
        "localhost:1/nobody/nothing",
        "",
    );
    assert_eq!(resident.containers(), Vec::<String>::new());
    assert_eq!(resident.json(&["ps"])[0]["state"], "failed");
}

#[test]
fn containers_that_do_not_come_up() {
    let Some(resident) = resident("containers_that_do_not_come_up") else {
        return;
    };
    let source = folder(&[("Dockerfile", &program::dockerfile(""))]);
    let deploy = |main: &str| {
        std::fs::write(source.path().join("main.py"), main).unwrap();
        let path = source.path().to_str().unwrap();
        resident.try_json(&["deploy", path, "--name", "broken", "--runtime", "docker"])
    };
    let output = deploy("import sys\nprint('the reason', file=sys.stderr)\nsys.exit(3)\n");
    assert_fault(&output, "agent.start.exited", "3", "the reason");
    let output = deploy("import not_there_at_all\n");
    assert_fault(
        &output,
        "agent.start.import_error",
        "not_there_at_all",
        "main.py",
    );
    assert_eq!(
        resident.containers(),
        Vec::<String>::new(),
        "nothing of them stays"
    );
}

#[tokio::test]
async fn a_port_that_differs_is_found_in_docker() {
    let Some(resident) = resident("a_port_that_differs_is_found_in_docker") else {
        return;
    };
    let main = program::saying("stubborn", "port = 5000");
    let source = folder(&[("main.py", &main), ("Dockerfile", &program::dockerfile(""))]);
    let path = source.path().to_str().unwrap();
    let deployed = resident.json(&["deploy", path, "--name", "stubborn", "--runtime", "docker"]);
    assert_eq!(deployed["state"], "active", "{deployed:#}");
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        ask(&format!("{gateway}/stubborn/"))
            .await
            .starts_with("stubborn ")
    );
    assert_eq!(resident.containers().len(), 1);
}

#[tokio::test]
async fn no_request_fails_while_versions_change_in_docker() {
    let Some(resident) = resident("no_request_fails_while_versions_change_in_docker") else {
        return;
    };
    let source = folder(&[
        ("main.py", &program::saying("v0", "")),
        ("Dockerfile", &program::dockerfile("")),
    ]);
    let path = source.path().to_str().unwrap();
    resident.json(&["deploy", path, "--name", "changing", "--runtime", "docker"]);
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    let address = format!("{gateway}/changing/");
    let over = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..3)
        .map(|_| {
            let (over, address) = (Arc::clone(&over), address.clone());
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                let (mut asked, mut failures) = (0, Vec::new());
                while !over.load(Ordering::Relaxed) {
                    asked += 1;
                    failures.extend(runtime.block_on(try_ask(&address)).err());
                }
                (asked, failures)
            })
        })
        .collect();
    for version in 1..=3 {
        std::fs::write(
            source.path().join("main.py"),
            program::saying(&format!("v{version}"), ""),
        )
        .unwrap();
        let deployed = resident.json(&["deploy", path, "--name", "changing"]);
        assert_eq!(
            (&deployed["unchanged"], &deployed["runtime"]),
            (&false.into(), &"docker".into()),
            "{deployed:#}"
        );
        let says = ask(&address).await;
        assert!(
            says.starts_with(&format!("v{version} ")),
            "the new version answers once the deploy is done: {says}"
        );
    }
    over.store(true, Ordering::Relaxed);
    for asker in askers {
        let (asked, failures) = asker.join().unwrap();
        assert!(
            asked > 20 && failures.is_empty(),
            "{} of {asked} failed: {failures:?}",
            failures.len()
        );
    }
    eventually("the old containers end", || {
        let containers = resident.containers();
        if containers.len() == 1 {
            Ok(())
        } else {
            Err(format!("{containers:?}"))
        }
    });
    let name = resident.docker(&[
        "inspect",
        &resident.containers()[0],
        "--format",
        "{{.Name}}",
    ]);
    eventually("the one that serves has the agent's name", || {
        let name = resident.docker(&[
            "inspect",
            &resident.containers()[0],
            "--format",
            "{{.Name}}",
        ]);
        if name.trim() == "/agent-changing" {
            Ok(())
        } else {
            Err(name)
        }
    });
    assert!(name.trim().starts_with("/agent-changing"), "{name}");
}

/// An agent that is small enough to be carried into an engine of our own.
fn tiny(word: &str, steps: &str) -> String {
    format!(
        "FROM busybox:latest\n{steps}RUN mkdir /www && echo {word} > /www/index.html\nSTOPSIGNAL SIGKILL\nEXPOSE 8000\n\
         CMD [\"httpd\", \"-f\", \"-p\", \"8000\", \"-h\", \"/www\"]\n"
    )
}

#[tokio::test]
async fn an_engine_that_stops_and_comes_back_in_docker() {
    let name = "docker::an_engine_that_stops_and_comes_back_in_docker";
    let Some(mut engine) = OwnEngine::start_or_skip(name, "busybox:latest") else {
        return;
    };
    let resident = Resident::with_engine(engine.host());
    let api = Api::of(&resident);
    let steady = folder(&[("Dockerfile", &tiny("steady", ""))]);
    let job = api.deploy(steady.path(), "steady", "docker").await;
    let job = api.job(&job).await;
    assert_eq!(job["state"], "succeeded", "{job:#}");
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(ask(&format!("{gateway}/steady/")).await, "steady\n");

    // Half-way through a build.
    let moving = folder(&[("Dockerfile", &tiny("moving", "RUN sleep 3\n"))]);
    let job = api.deploy(moving.path(), "moving", "docker").await;
    let mut changes = api.stream(&format!("/jobs/{job}/log"), None).await;
    loop {
        let event = changes.next().await.unwrap().expect("the job gets there");
        if event.data["job"]["step"]
            .as_str()
            .is_some_and(|step| step.contains("sleep 3"))
        {
            break;
        }
    }
    engine.stop();
    eventually("the loss is told", || {
        let row = resident.json(&["ps"]);
        let steady = row
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == "steady")
            .cloned()
            .unwrap();
        let code = steady["error"]["code"].as_str().unwrap_or_default();
        if steady["state"] == "failed" && code.starts_with("engine.") {
            Ok(())
        } else {
            Err(steady.to_string())
        }
    });
    // Deployed while there is none.
    let late = folder(&[("Dockerfile", &tiny("late", ""))]);
    let late_job = api.deploy(late.path(), "late", "docker").await;
    engine.restart();
    for id in [&job, &late_job] {
        let ended = api.job(id).await;
        let code = ended["fault"]["code"].as_str().unwrap_or_default();
        let fine = ended["state"] == "succeeded"
            || (ended["state"] == "dead" && code.starts_with("engine."));
        assert!(fine, "done, or given up with its reason: {ended:#}");
        if ended["state"] == "dead" {
            let (status, again) = api
                .post(
                    &format!("/dead-letters/{id}/requeue"),
                    &serde_json::json!({}),
                )
                .await;
            assert_eq!(status, 202, "{again:#}");
            let ended = api.job(id).await;
            assert_eq!(ended["state"], "succeeded", "{ended:#}");
        }
    }
    for agent in ["steady", "moving", "late"] {
        assert_eq!(
            ask(&format!("{gateway}/{agent}/")).await,
            format!("{agent}\n")
        );
    }
    eventually("all are active, each once", || {
        let rows = resident.json(&["ps"]);
        let active = rows
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["state"] == "active")
            .count();
        let running = resident.docker(&["ps", "-q"]).lines().count();
        if active == 3 && running == 3 {
            Ok(())
        } else {
            Err(format!("{running} containers, {rows:#}"))
        }
    });
}

/// Patterns, and files that the classic builder leaves out against the documented rule: below a folder that is left out
/// it looks for exceptions only where they begin with that folder's name. Newer builders, and we, go by the rule.
const IGNORES: &[(&str, &[&str])] = &[
    ("", &[]),
    ("*.md", &[]),
    ("**/*.md\n!README.md", &[]),
    ("docs\n!docs/keep.txt", &[]),
    ("docs/*\n!docs/keep.txt\n!docs/deep", &[]),
    ("**\n!src\n!src/**", &[]),
    ("*\n!src/main.py", &[]),
    ("/src/\n# a comment\n\n  build  ", &[]),
    (
        "**/deep\n!**/deep/b.txt",
        &["docs/deep/b.txt", "other/deep/b.txt"],
    ),
    ("src/*.py\ndocs/**/a.txt", &[]),
    ("?.txt\n[a-c].md\n[^a]x.log", &[]),
    ("src/../docs\n./build", &[]),
    ("!docs\ndocs\n!docs/deep/a.txt", &[]),
    ("Dockerfile\n.dockerignore", &[]),
    ("**/*.txt\n!**/keep.txt\ndocs/deep/keep.txt", &[]),
    ("deep\n**/b.*", &[]),
    ("docs/deep/**", &[]),
    ("s*\n!src/lib/**/*.py", &["src/lib/two/three.py"]),
    ("a\\.txt\nweird\\[1\\].txt", &[]),
];

const FILES: &[&str] = &[
    "README.md",
    "a.txt",
    "b.txt",
    "a.md",
    "d.md",
    "ax.log",
    "bx.log",
    "weird[1].txt",
    "space name.txt",
    "src/main.py",
    "src/lib/one.py",
    "src/lib/two/three.py",
    "src/README.md",
    "docs/keep.txt",
    "docs/a.txt",
    "docs/deep/a.txt",
    "docs/deep/b.txt",
    "docs/deep/keep.txt",
    "docs/deep/er/a.txt",
    "build/out.bin",
    "other/build/out.bin",
    "other/deep/b.txt",
    ".hidden",
    ".config/x.md",
];

#[test]
fn dockerignore_means_what_it_means_to_docker() {
    let Some(host) = skip::engine_or_skip("docker::dockerignore_means_what_it_means_to_docker")
    else {
        return;
    };
    let resident = Resident::prepared(&host, &[]);
    let files: Vec<_> = FILES.iter().map(|file| (*file, *file)).collect();
    let source = folder(&files);
    let dockerfile = "FROM busybox:latest\nCOPY . /context\nRUN cd /context && find . ! -type d | sed 's/^/FILE /' && find . -type d | sed 's/^/FOLDER /'\n";
    std::fs::write(source.path().join("Dockerfile"), dockerfile).unwrap();
    std::fs::create_dir_all(source.path().join("empty/folder")).unwrap();
    std::os::unix::fs::symlink("a.txt", source.path().join("link.txt")).unwrap();
    let mut differences = Vec::new();
    for (patterns, left_in) in IGNORES {
        std::fs::write(source.path().join(".dockerignore"), patterns).unwrap();
        let said = resident.docker(&[
            "build",
            "--no-cache",
            "--force-rm",
            "-t",
            resident.network(),
            source.path().to_str().unwrap(),
        ]);
        resident.docker(&["rmi", "-f", resident.network()]);
        assert!(said.contains("Successfully built"), "{patterns:?}: {said}");
        let mut theirs = listed(&said, "FILE ./");
        theirs.extend(left_in.iter().map(|file| (*file).to_owned()));
        let mut ours = snapshot(source.path());
        // These two go to the engine whatever is said of them: it needs them itself, and leaves them out by itself.
        for always_sent in ["Dockerfile", ".dockerignore"] {
            assert!(ours.contains(always_sent), "{patterns:?}: {ours:?}");
            if !theirs.contains(always_sent) {
                ours.remove(always_sent);
            }
        }
        if ours != theirs {
            let more: Vec<_> = ours.difference(&theirs).collect();
            let less: Vec<_> = theirs.difference(&ours).collect();
            differences.push(format!("{patterns:?}: more {more:?}, less {less:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

fn listed(said: &str, mark: &str) -> BTreeSet<String> {
    said.lines()
        .filter_map(|line| line.strip_prefix(mark))
        .map(str::to_owned)
        .collect()
}

fn snapshot(folder: &Path) -> BTreeSet<String> {
    let options = SnapshotOptions {
        use_defaults: false,
        ..SnapshotOptions::default()
    };
    let snapshot = Snapshot::take(folder, &options, None, &CancellationToken::new()).unwrap();
    snapshot.files.into_iter().map(|file| file.path).collect()
}
