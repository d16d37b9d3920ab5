//! A canary: values given with `--env`, `secret set` and the folder's `.env` reach the agent and nothing else. Everything is searched.

use std::{
    io::{Read, Write},
    path::Path,
    process::Stdio,
};

use nasiko_contract::{Method, OPERATIONS, Shape};
use nasiko_tests::{Api, Resident, api::ask, folder, program, skip};

/// Tells which of the canaries it got: as a sum of their letters, since their values are nobody's business.
fn canary_program() -> String {
    let sums = "sums = ' '.join(name + '=' + str(sum(map(ord, os.environ.get(name, '')))) for name in \
                ('GIVEN', 'KEPT', 'TYPED', 'TAKEN', 'BROUGHT'))";
    program::saying("WORD", sums).replace(
        "('WORD %d %s %d' % (os.getpid(), socket.gethostname(), port))",
        "sums",
    )
}

fn sum(text: &str) -> u32 {
    text.bytes().map(u32::from).sum()
}

struct Canaries {
    /// `--env GIVEN=…`
    given: String,
    /// `secret set … < file`
    kept: String,
    /// `secret set … VALUE`
    typed: String,
    /// `--env TAKEN`, from the caller's environment
    taken: String,
    /// The folder's own `.env`
    brought: String,
}

impl Canaries {
    fn new() -> Self {
        let value =
            |word: &str| format!("canary-{word}-{:x}-{}", std::process::id(), "Zq7".repeat(4));
        Self {
            given: value("given"),
            kept: value("kept"),
            typed: value("typed"),
            taken: value("taken"),
            brought: value("brought"),
        }
    }

    fn all(&self) -> [&str; 5] {
        [
            &self.given,
            &self.kept,
            &self.typed,
            &self.taken,
            &self.brought,
        ]
    }

    /// The first canary in these bytes, in any of the spellings in which a value leaks.
    fn found_in(&self, bytes: &[u8]) -> Option<String> {
        self.all().into_iter().find_map(|canary| {
            [canary.to_owned(), hex(canary), base64(canary)]
                .into_iter()
                .find(|spelling| contains(bytes, spelling.as_bytes()))
        })
    }

    #[track_caller]
    fn assert_absent(&self, place: &str, bytes: &[u8]) {
        if let Some(found) = self.found_in(bytes) {
            panic!("{place} has {found}: {}", String::from_utf8_lossy(bytes));
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn hex(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.bytes()
        .flat_map(|byte| [byte >> 4, byte & 15].map(|digit| DIGITS[digit as usize] as char))
        .collect()
}

/// The middle of a value in base64, whatever stands before it: three alignments have a common part only by luck, so the
/// first is what is looked for.
fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    text.as_bytes()
        .chunks_exact(3)
        .flat_map(|three| {
            let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            [18, 12, 6, 0].map(|shift| LETTERS[(number >> shift & 63) as usize] as char)
        })
        .collect()
}

fn search_folder(canaries: &Canaries, folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            files += search_folder(canaries, &path);
        } else if metadata.is_file() {
            files += 1;
            let mut content = Vec::new();
            std::fs::File::open(&path)
                .unwrap()
                .read_to_end(&mut content)
                .unwrap();
            canaries.assert_absent(&path.display().to_string(), &content);
        }
    }
    files
}

/// Every `GET` there is, with what stands in the places of its path; streams are read until they have nothing more.
async fn search_api(canaries: &Canaries, api: &Api, agent: &str) {
    let (_, sessions) = api.get("/chat/sessions").await;
    let session = sessions["items"][0]["id"]
        .as_str()
        .expect("a conversation was held")
        .to_owned();
    let (_, traces) = api.get("/traces").await;
    let trace = traces["items"][0]["traceId"]
        .as_str()
        .expect("a trace was taken")
        .to_owned();
    let (_, pin) = api
        .post(
            &format!("/agents/{agent}/pins"),
            &serde_json::json!({ "text": "Hi" }),
        )
        .await;
    let pin = pin["id"].as_str().expect("a pin").to_owned();
    let jobs = api.jobs().await;
    let mut looked = 0;
    for operation in OPERATIONS
        .iter()
        .filter(|operation| matches!(operation.method, Method::Get))
        // `e2e::stack` looks for the stack's passwords, where there is an engine.
        .filter(|operation| !operation.path.starts_with("/stack/"))
    {
        let places: Vec<String> = if operation.path.contains("{job}") {
            jobs.iter()
                .map(|job| operation.path.replace("{job}", job["id"].as_str().unwrap()))
                .collect()
        } else {
            vec![
                operation
                    .path
                    .replace("{agent}", agent)
                    .replace("{session}", &session)
                    .replace("{trace}", &trace)
                    .replace("{pin}", &pin),
            ]
        };
        for path in places {
            assert!(
                !path.contains('{'),
                "this test does not know what to put into {path}"
            );
            looked += 1;
            if matches!(operation.shape, Shape::Stream) {
                let text = read_a_while(api, &path).await;
                canaries.assert_absent(&path, text.as_bytes());
            } else {
                let (status, answer) = api.get(&path).await;
                assert_eq!(status, 200, "{path}: {answer:#}");
                canaries.assert_absent(&path, answer.to_string().as_bytes());
            }
        }
    }
    assert!(looked > 20, "only {looked} answers were looked at");
}

/// What a stream has to say of the past: from its beginning until it pauses for half a second.
async fn read_a_while(api: &Api, path: &str) -> String {
    let mut stream = api.stream(path, Some(0)).await;
    let mut text = String::new();
    while let Ok(Ok(Some(event))) =
        tokio::time::timeout(std::time::Duration::from_millis(500), stream.next()).await
    {
        text.push_str(&event.data.to_string());
        if text.len() > 4 << 20 {
            break;
        }
    }
    text
}

/// The arguments of every process but those that a person typed the value into.
fn search_arguments(canaries: &Canaries) {
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path().join("cmdline");
        let arguments = std::fs::read(&path).unwrap_or_default();
        canaries.assert_absent(&path.display().to_string(), &arguments);
    }
}

/// Gives an agent all canaries, talks to it, fails an update of it, and checks that they arrived.
async fn lead_a_life(resident: &Resident, canaries: &Canaries, runtime: &str) {
    let source = folder(&[
        ("main.py", &canary_program()),
        ("Dockerfile", &program::dockerfile("")),
        (".env", &format!("BROUGHT={}\n", canaries.brought)),
        (".dockerignore", ".env\n"),
    ]);
    let path = source.path().to_str().unwrap();
    let given = format!("GIVEN={}", canaries.given);
    let deploy = |more: &[&str]| {
        let mut words = vec![
            "deploy",
            path,
            "--name",
            "keeper",
            "--runtime",
            runtime,
            "--env",
            &given,
            "--env",
            "TAKEN",
        ];
        words.extend(more);
        let output = resident
            .command(&words)
            .env("TAKEN", &canaries.taken)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        canaries.assert_absent("what `deploy` says", &said);
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (code, said) = deploy(&["--verbose"]);
    assert_eq!(code, Some(0), "{said}");

    let mut set = resident
        .command(&["secret", "set", "keeper", "KEPT"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(set.stdin.take().unwrap(), "{}", canaries.kept).unwrap();
    assert!(set.wait().unwrap().success());
    resident
        .run(&["secret", "set", "keeper", "TYPED", &canaries.typed])
        .ok();
    resident.run(&["restart", "keeper"]).ok();

    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    let says = ask(&format!("{gateway}/keeper/")).await;
    let expected = format!(
        "GIVEN={} KEPT={} TYPED={} TAKEN={} BROUGHT={}",
        sum(&canaries.given),
        sum(&canaries.kept),
        sum(&canaries.typed),
        sum(&canaries.taken),
        sum(&canaries.brought)
    );
    assert_eq!(says, expected, "the values reach the agent");
    // It speaks no protocol, but a conversation and a trace there are.
    resident.try_json(&["chat", "keeper", "hello"]);

    std::fs::write(source.path().join("main.py"), "raise SystemExit('no')\n").unwrap();
    let (code, said) = deploy(&["--json"]);
    assert_eq!(code, Some(1), "{said}");
    let list = resident.run(&["secret", "list", "keeper", "--json"]).ok();
    for name in ["GIVEN", "KEPT", "TYPED", "TAKEN"] {
        assert!(
            list.stdout.contains(name),
            "names are shown: {}",
            list.stdout
        );
    }
    canaries.assert_absent("secret list", list.stdout.as_bytes());
}

async fn search_everything(resident: &mut Resident, canaries: &Canaries) {
    let api = Api::of(resident);
    search_api(canaries, &api, "keeper").await;
    search_arguments(canaries);
    for words in [
        &["ps"][..],
        &["logs", "keeper"],
        &["logs"],
        &["jobs"],
        &["status"],
        &["registry", "get", "keeper"],
    ] {
        let output = resident.run(words);
        canaries.assert_absent(
            &format!("{words:?}"),
            format!("{}{}", output.stdout, output.stderr).as_bytes(),
        );
    }
    assert!(
        resident.log().contains("TRACE"),
        "the log is as loud as it can be"
    );
    // With the log, the database, its journal, logs of agents, records of processes.
    assert!(search_folder(canaries, resident.home()) > 5);
    // And once more with nothing held back in memory.
    resident.kill();
    search_folder(canaries, resident.home());
    resident.serve();
}

fn loud(docker_host: &str) -> Resident {
    let mut resident = Resident::prepared(docker_host, &[("NASIKO_LOG", "trace")]);
    resident.serve();
    resident
}

#[test]
fn the_search_finds() {
    let canaries = Canaries::new();
    for text in [canaries.kept.clone(), hex(&canaries.kept)] {
        assert!(
            canaries
                .found_in(format!("… {text} …").as_bytes())
                .is_some()
        );
    }
    assert_eq!(base64("Many hands "), "TWFueSBoYW5k");
}

#[tokio::test]
async fn secrets_are_nowhere_but_in_the_process() {
    let mut resident = loud("unix:///nonexistent/docker.sock");
    let canaries = Canaries::new();
    lead_a_life(&resident, &canaries, "process").await;
    search_everything(&mut resident, &canaries).await;

    // Forgotten with the agent.
    resident.run(&["rm", "keeper", "--yes"]).ok();
    let left = resident.run(&["secret", "list", "--json"]).ok();
    assert!(!left.stdout.contains("KEPT"), "{}", left.stdout);
}

#[tokio::test]
async fn secrets_are_nowhere_but_in_the_container_in_docker() {
    let Some(host) =
        skip::engine_or_skip("secrets::secrets_are_nowhere_but_in_the_container_in_docker")
    else {
        return;
    };
    let mut resident = loud(&host);
    let canaries = Canaries::new();
    lead_a_life(&resident, &canaries, "docker").await;

    let container = resident.containers().remove(0);
    let inspected: serde_json::Value =
        serde_json::from_str(&resident.docker(&["inspect", &container])).unwrap();
    let mut document = inspected[0].clone();
    // Who may use the engine may read a container's environment: that is the engine's nature, and the only place.
    let environment = document["Config"]["Env"].take();
    for canary in canaries.all() {
        assert!(environment.to_string().contains(canary), "{environment:#}");
    }
    canaries.assert_absent(
        "docker inspect, without the environment",
        document.to_string().as_bytes(),
    );
    let image = document["Image"].as_str().unwrap().to_owned();
    canaries.assert_absent(
        "the image",
        resident.docker(&["inspect", &image]).as_bytes(),
    );
    canaries.assert_absent(
        "the image's steps",
        resident
            .docker(&["history", "--no-trunc", &image])
            .as_bytes(),
    );
    canaries.assert_absent(
        "the container's log",
        resident.docker(&["logs", &container]).as_bytes(),
    );

    search_everything(&mut resident, &canaries).await;
}
