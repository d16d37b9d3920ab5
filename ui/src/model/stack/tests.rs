use serde_json::{Value, json};

use super::*;

fn service(changes: Value) -> StackService {
    let mut service = json!({"service": "web", "state": "running", "health": "none"});
    for (key, value) in changes.as_object().unwrap() {
        service[key] = value.clone();
    }
    serde_json::from_value(service).unwrap()
}

fn doing(changes: Value) -> ServiceProgress {
    let mut doing = json!({"service": "web", "phase": "waiting"});
    for (key, value) in changes.as_object().unwrap() {
        doing[key] = value.clone();
    }
    serde_json::from_value(doing).unwrap()
}

fn stack(changes: Value) -> Stack {
    let mut stack = json!({"project": "nasiko"});
    for (key, value) in changes.as_object().unwrap() {
        stack[key] = value.clone();
    }
    serde_json::from_value(stack).unwrap()
}

#[test]
fn each_state_has_a_tone_and_a_word() {
    let cases = [
        (json!({"state": "absent"}), Tone::Idle, "Not running"),
        (json!({}), Tone::Ok, "Running"),
        (json!({"health": "starting"}), Tone::Busy, "Starting"),
        (json!({"health": "healthy"}), Tone::Ok, "Healthy"),
        (json!({"health": "unhealthy"}), Tone::Bad, "Unhealthy"),
        (json!({"state": "restarting"}), Tone::Bad, "Restarting"),
        (
            json!({"state": "exited", "exitCode": 0}),
            Tone::Idle,
            "Ended well",
        ),
        (
            json!({"state": "exited", "exitCode": 143}),
            Tone::Idle,
            "Stopped",
        ),
        (
            json!({"state": "exited", "exitCode": 3}),
            Tone::Bad,
            "Exited with 3",
        ),
        (json!({"state": "exited"}), Tone::Bad, "Dead"),
    ];
    for (changes, tone, word) in cases {
        let told = state(&service(changes.clone()), None);
        assert_eq!(told, (tone, word.to_owned()), "{changes}");
    }
}

#[test]
fn what_a_job_does_wins_until_it_has_done_it() {
    let web = service(json!({"state": "absent"}));
    let told = |changes: Value| state(&web, Some(&doing(changes))).1;
    assert_eq!(told(json!({"phase": "creating"})), "Creating");
    assert_eq!(told(json!({})), "Waiting");
    let waits = json!({"note": "waits until db is healthy"});
    assert_eq!(told(waits), "Waits until db is healthy");
    assert_eq!(told(json!({"phase": "ready"})), "Not running");
    assert_eq!(told(json!({"phase": "failed"})), "Failed");
    let pulling = json!({"phase": "pulling", "bytes": 12_000_000, "totalBytes": 48_000_000});
    assert_eq!(told(pulling.clone()), "Pulling 12 MB of 48 MB");
    assert_eq!(pulled(&doing(pulling)), Some(0.25));
    assert_eq!(told(json!({"phase": "pulling"})), "Pulling");
    assert_eq!(
        pulled(&doing(
            json!({"phase": "pulling", "bytes": 0, "totalBytes": 0})
        )),
        None,
        "nothing is divided by zero"
    );
}

#[test]
fn services_are_grouped_by_profile_and_own_ones_come_first() {
    let stack = stack(json!({
        "on": true,
        "files": ["stack.yml", "/home/me/services.yml"],
        "profiles": [{"name": "core", "enabled": true}, {"name": "traces", "enabled": false}, {"name": "none", "enabled": false}],
        "services": [
            {"service": "redis", "state": "running", "health": "healthy", "profiles": ["core"]},
            {"service": "jaeger", "state": "absent", "health": "none", "profiles": ["traces", "core"]},
            {"service": "mine", "state": "exited", "health": "none", "exitCode": 1},
        ],
    }));
    let told: Vec<(Option<String>, bool, Vec<String>)> = groups(&stack)
        .into_iter()
        .map(|group| (group.profile, group.on, group.services))
        .collect();
    let own = |name: &str| Some(name.to_owned());
    assert_eq!(
        told,
        [
            (None, true, vec!["mine".to_owned()]),
            (own("core"), true, vec!["redis".to_owned()]),
            (own("traces"), false, vec!["jaeger".to_owned()]),
        ]
    );
    assert_eq!(own_files(&stack), ["/home/me/services.yml"]);
    assert_eq!(
        counts(&stack.services),
        (1, 2),
        "one is well of two that are there"
    );
    assert_eq!(
        what_goes(&stack),
        "2 containers and the project's networks are removed."
    );
}

#[test]
fn published_ports_become_addresses_of_this_machine() {
    let ports = [
        "127.0.0.1:6379->6379/tcp",
        "0.0.0.0:8080->80/tcp",
        "[::]:8080->80/tcp",
        "192.168.1.4:53->53/udp",
        "[::1]:9000->9000/tcp",
        "127.0.0.1:9000->9000/tcp",
        "nonsense",
    ]
    .map(str::to_owned);
    let told: Vec<(String, String, Option<String>)> = addresses(&ports)
        .into_iter()
        .map(|address| (address.reached, address.shown, address.url))
        .collect();
    let one = |reached: &str, shown: &str| {
        let url = format!("http://{reached}");
        (reached.to_owned(), shown.to_owned(), Some(url))
    };
    assert_eq!(
        told,
        [
            one("127.0.0.1:6379", ":6379"),
            one("127.0.0.1:8080", ":8080"),
            (
                "192.168.1.4:53".to_owned(),
                "192.168.1.4:53".to_owned(),
                None
            ),
            one("[::1]:9000", ":9000"),
        ]
    );
}

#[test]
fn only_a_failed_last_job_on_the_stack_is_told_of() {
    let job = |id: &str, kind: &str, state: &str| -> Job {
        let fault = json!({"code": "agent.start.failed", "message": "web ended"});
        serde_json::from_value(json!({
            "id": id, "kind": kind, "state": state, "progress": 1.0, "attempt": 1, "created": 0, "fault": fault,
        }))
        .unwrap()
    };
    let jobs = [
        job("1", "stack-down", "failed"),
        job("2", "stack-up", "failed"),
        job("3", "deploy", "failed"),
    ];
    let last = last_job(jobs.iter()).unwrap();
    assert_eq!(last.id.as_str(), "2");
    let (title, fault) = failure(last).unwrap();
    assert_eq!(title, "The stack could not be brought up");
    assert_eq!(fault.message, "web ended");
    assert_eq!(failure(&job("4", "stack-up", "cancelled")), None);
    assert_eq!(ended(last), Some("The stack could not be brought up"));
    assert_eq!(ended(&job("5", "stack-up", "running")), None);
    assert_eq!(
        ended(&job("6", "stack-down", "succeeded")),
        Some("The stack is down")
    );
    assert_eq!(ended(&job("7", "deploy", "succeeded")), None);
}
