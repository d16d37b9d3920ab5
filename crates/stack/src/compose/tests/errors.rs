use std::fmt::Write as _;

use super::*;

fn refused(text: &str) -> ComposeError {
    match Folder::new(&[text]).load() {
        Ok(_) => panic!("it was accepted:\n{text}"),
        Err(error) => error,
    }
}

/// Each row: the file, the line of the problem, its key, and a part of what is said about it.
#[test]
fn every_wrong_file_says_where_and_why() {
    let web = |rest: &str| format!("services:\n  web:\n    image: a\n    {rest}\n");
    let rows: Vec<(String, usize, &str, &str)> = vec![
        ("services: [\n".to_owned(), 1, "", "the YAML is invalid"),
        (
            "services:\n\tweb: {}\n".to_owned(),
            2,
            "",
            "the YAML is invalid",
        ),
        (
            "a: 1\na: 2\n".to_owned(),
            2,
            "",
            "`a` stands here twice, first in line 1",
        ),
        ("a: *b\n".to_owned(), 1, "", "the YAML is invalid"),
        (
            "a: &a [*a]\n".to_owned(),
            1,
            "",
            "an anchor cannot hold itself",
        ),
        (
            "a: !secret x\n".to_owned(),
            1,
            "",
            "the tag !secret is unknown",
        ),
        ("a: {<<: 3}\n".to_owned(), 1, "", "`<<` takes a mapping"),
        (String::new(), 1, "", "the file is empty"),
        (
            "- a\n".to_owned(),
            1,
            "",
            "a mapping is expected, and this is a list",
        ),
        (
            "service: {}\n".to_owned(),
            1,
            "service",
            "unknown key (did you mean `services`?)",
        ),
        (
            "services: []\n".to_owned(),
            1,
            "services",
            "a mapping is expected",
        ),
        (
            "services: {'a b': {image: a}}\n".to_owned(),
            1,
            "services.a b",
            "is no name of a service",
        ),
        (
            "services:\n  web: {}\n".to_owned(),
            2,
            "services.web",
            "`image` is missing",
        ),
        (
            web("imag: b"),
            4,
            "services.web.imag",
            "unknown key (did you mean `image`?)",
        ),
        (web("zzzzzz: b"), 4, "services.web.zzzzzz", "unknown key"),
        (
            web("links: [a]"),
            4,
            "services.web.links",
            "not supported: services on one network",
        ),
        (
            web("command: {a: b}"),
            4,
            "services.web.command",
            "a list is expected, and this is a mapping",
        ),
        (
            web("command: 'a \"b'"),
            4,
            "services.web.command",
            "a quote in it is not closed",
        ),
        (
            web("hostname: 3"),
            4,
            "services.web.hostname",
            "put it in quotes: \"3\"",
        ),
        (
            web("init: maybe"),
            4,
            "services.web.init",
            "true or false is expected",
        ),
        (
            web("cpus: many"),
            4,
            "services.web.cpus",
            "a number of cores is expected",
        ),
        (web("cpus: -1"), 4, "services.web.cpus", "that many cores"),
        (
            web("shm_size: 1x"),
            4,
            "services.web.shm_size",
            "`1x` is no size",
        ),
        (
            web("stop_grace_period: 10"),
            4,
            "services.web.stop_grace_period",
            "`10` is no duration",
        ),
        (
            web("healthcheck: {interval: soon}"),
            4,
            "services.web.healthcheck.interval",
            "500ms, 10s or 1m30s",
        ),
        (
            web("healthcheck: {test: [curl]}"),
            4,
            "services.web.healthcheck.test",
            "begin with \"CMD\"",
        ),
        (
            web("healthcheck: {tries: 3}"),
            4,
            "services.web.healthcheck.tries",
            "did you mean `retries`?",
        ),
        (
            web("restart: sometimes"),
            4,
            "services.web.restart",
            "is no restart policy",
        ),
        (
            web("pull_policy: daily"),
            4,
            "services.web.pull_policy",
            "not supported",
        ),
        (
            web("pull_policy: often"),
            4,
            "services.web.pull_policy",
            "is no pull policy",
        ),
        (web("ports: [a]"), 4, "services.web.ports", "`a` is no port"),
        (
            web("ports: ['99999']"),
            4,
            "services.web.ports",
            "`99999` is no port",
        ),
        (
            web("ports: ['1-2:3-5']"),
            4,
            "services.web.ports",
            "is no port",
        ),
        (
            web("ports: ['1.2.3:80:80']"),
            4,
            "services.web.ports",
            "is no port",
        ),
        (
            web("ports: ['80:80', '0.0.0.0:80:81']"),
            4,
            "services.web.ports",
            "published twice",
        ),
        (
            web("ports: [{published: 1}]"),
            4,
            "services.web.ports",
            "`target` is missing",
        ),
        (
            web("ports: [{target: 1, mode: x}]"),
            4,
            "services.web.ports.mode",
            "is no mode",
        ),
        (
            web("expose: [x]"),
            4,
            "services.web.expose",
            "`x` is no port",
        ),
        (
            web("volumes: ['v:/v']"),
            4,
            "services.web.volumes",
            "there is no volume `v`",
        ),
        (
            web("volumes: ['./a:b']"),
            4,
            "services.web.volumes",
            "no absolute path",
        ),
        (
            web("volumes: ['./a:/b:zz']"),
            4,
            "services.web.volumes",
            "`zz` is no option of a mount",
        ),
        (
            web("volumes: ['/a:/b', '/c:/b/']"),
            4,
            "services.web.volumes",
            "two things are mounted at /b/",
        ),
        (
            web("volumes: [{type: npipe, target: /a}]"),
            4,
            "services.web.volumes.type",
            "not supported",
        ),
        (
            web("volumes: [{type: disk, target: /a}]"),
            4,
            "services.web.volumes.type",
            "volume, bind or tmpfs",
        ),
        (
            web("volumes: [{type: tmpfs, target: /a, bind: {selinux: z}}]"),
            4,
            "services.web.volumes.bind",
            "another type",
        ),
        (
            web("networks: [back]"),
            4,
            "services.web.networks.back",
            "there is no network `back`",
        ),
        (
            web("network_mode: hots"),
            4,
            "services.web.network_mode",
            "bridge, host, none",
        ),
        (
            web("network_mode: service:db"),
            4,
            "services.web.network_mode",
            "there is no service `db`",
        ),
        (web("{network_mode: host}"), 4, "", "the YAML is invalid"),
        (
            web("network_mode: host\n    ports: ['1:1']"),
            5,
            "services.web.ports",
            "none of its own",
        ),
        (
            web("network_mode: host\n    networks: [default]"),
            4,
            "services.web",
            "exclude each other",
        ),
        (
            web("depends_on: [dp]\n  db: {image: b}"),
            4,
            "services.web.depends_on.dp",
            "did you mean `db`?",
        ),
        (
            web("depends_on: {web: {condition: ready}}"),
            4,
            "services.web.depends_on.web.condition",
            "is no condition",
        ),
        (
            web("depends_on: [web]"),
            4,
            "services.web.depends_on",
            "web → web",
        ),
        (
            web("configs: [c]"),
            4,
            "services.web.configs",
            "there is no config `c`",
        ),
        (
            web("secrets: [s]"),
            4,
            "services.web.secrets",
            "there is no secret `s`",
        ),
        (
            web("secrets: [{source: s, mode: 440}]\nsecrets: {s: {content: x}}"),
            4,
            "services.web.secrets.mode",
            "leading zero",
        ),
        (
            web("secrets: [s]\n    tmpfs: /run\nsecrets: {s: {content: x}}"),
            4,
            "services.web.tmpfs",
            "would be hidden",
        ),
        (
            web("secrets: [{source: s, target: ../x}]\nsecrets: {s: {content: x}}"),
            4,
            "services.web.secrets",
            "path of a file",
        ),
        (
            web("secrets: []\nsecrets:\n  s: {file: a, content: b}"),
            6,
            "secrets.s",
            "or in several",
        ),
        (
            web("secrets: []\nsecrets:\n  s: {environment: NONE}"),
            6,
            "secrets.s.environment",
            "NONE is not set",
        ),
        (
            web("secrets: []\nsecrets:\n  s: {external: true}"),
            6,
            "secrets.s.external",
            "not supported",
        ),
        (
            web("env_file: none.env"),
            4,
            "services.web.env_file",
            "none.env cannot be read",
        ),
        (
            web("env_file: broken.env"),
            4,
            "services.web.env_file",
            "broken.env:2: the quote is not closed",
        ),
        (
            web("environment: [[a]]"),
            4,
            "services.web.environment",
            "a mapping is expected, and this is a list",
        ),
        (
            web("deploy: {replicas: 2}"),
            4,
            "services.web.deploy.replicas",
            "one container here",
        ),
        (
            web("deploy: {replicas: 0}"),
            4,
            "services.web.deploy.replicas",
            "without a container",
        ),
        (
            web("scale: 2"),
            4,
            "services.web.scale",
            "one container here",
        ),
        (
            web("deploy: {mode: global}"),
            4,
            "services.web.deploy.mode",
            "not supported",
        ),
        (
            web("deploy: {resources: {limits: {memory: 1m}}}\n    mem_limit: 2m"),
            4,
            "services.web.deploy.resources.limits.memory",
            "another limit",
        ),
        (
            web("ulimits: {nofile: {soft: 1}}"),
            4,
            "services.web.ulimits.nofile",
            "`hard` is missing",
        ),
        (
            web("build: {context: https://example.com/x.git}"),
            4,
            "services.web.build.context",
            "folder of this machine",
        ),
        (
            web("build: {dockerfile: a, dockerfile_inline: b}"),
            4,
            "services.web.build.dockerfile_inline",
            "exclude each other",
        ),
        (
            web("extends: other"),
            4,
            "services.web.extends.service",
            "there is no service `other`",
        ),
        (
            web("extends: {file: gone.yml, service: a}"),
            4,
            "",
            "gone.yml cannot be read",
        ),
        (
            web("extends: {service: web}"),
            4,
            "services.web.extends",
            "web → web",
        ),
        (web("image: b"), 4, "", "stands here twice"),
        (
            web("container_name: c\n  two: {image: a, container_name: c}"),
            5,
            "services.two.container_name",
            "the same container name",
        ),
        (
            "name: Not Good\nservices: {a: {image: a}}\n".to_owned(),
            1,
            "name",
            "is no name of a project",
        ),
        (
            "include: [gone.yml]\n".to_owned(),
            1,
            "",
            "gone.yml cannot be read",
        ),
        (
            "include: [compose-0.yml]\n".to_owned(),
            1,
            "include",
            "include goes in a circle",
        ),
        (
            "include: [{file: x}]\n".to_owned(),
            1,
            "include.file",
            "unknown key",
        ),
        (
            "networks: {n: {ipam: {config: [{sub: 1}]}}}\n".to_owned(),
            1,
            "networks.n.ipam.config.sub",
            "unknown key",
        ),
        (
            "volumes: {v: {external: {name: x}}}\n".to_owned(),
            1,
            "volumes.v.external",
            "true or false is expected",
        ),
    ];
    let mut wrong = String::new();
    for (text, line, key, said) in rows {
        let mut folder = Folder::new(&[&text]).with("broken.env", "A=1\nB='x\n");
        if key == "name" {
            folder.request.name = None;
        }
        let shown = match folder.load() {
            Err(error) => {
                let problem = &error.problems[0];
                let fits = problem.to_string().contains(said)
                    && problem.key == key
                    && problem.span.line() == line;
                if fits {
                    continue;
                }
                problem.to_string()
            }
            Ok(_) => "it was accepted".to_owned(),
        };
        writeln!(wrong, "{shown}\nin place of {line}: {key}: {said}\n{text}").unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_circle_of_dependencies_is_shown() {
    let error = refused(
        "services:\n  a: {image: a, depends_on: [b]}\n  b: {image: a, depends_on: [c]}\n  c: {image: a, network_mode: 'service:b'}\n",
    );
    let Reason::Cycle { names, .. } = &error.problems[0].reason else {
        panic!("{error}");
    };
    assert_eq!(names, &["b", "c", "b"]);
    assert_eq!(error.problems[0].span.line(), 4);
}

#[test]
fn a_circle_of_extensions_is_shown() {
    let error = refused("services:\n  a: {extends: b}\n  b: {extends: c}\n  c: {extends: a}\n");
    assert!(error.to_string().contains("a → b → c → a"), "{error}");
}

#[test]
fn all_problems_are_told_at_once() {
    let error = refused("services:\n  a: {image: 1, inti: true}\n  b: {image: a, networks: [x]}\n");
    assert_eq!(error.problems.len(), 3, "{error}");
}

#[test]
fn a_port_that_two_services_publish_is_an_error_where_both_are_meant() {
    let text = "services:\n  a: {image: a, ports: ['127.0.0.1:80:80']}\n  b: {image: a, ports: ['80:81']}\n";
    let error = refused(text);
    assert!(
        matches!(error.problems[0].reason, Reason::DuplicatePort { .. }),
        "{error}"
    );
    assert_eq!(error.problems[0].span.line(), 3);

    let apart = text.replace("ports: ['80:81']", "ports: ['80:81'], profiles: [p]");
    let project = project(&apart);
    assert!(project.select(&[], &[]).is_ok());
    assert!(project.select(&["p".to_owned()], &[]).is_err());
    for fine in [
        "ports: ['80:81/udp']",
        "ports: ['127.0.0.2:80:81']",
        "ports: ['80']",
    ] {
        Folder::new(&[&text.replace("ports: ['80:81']", fine)])
            .load()
            .unwrap();
    }
}

#[test]
fn aliases_cannot_grow_without_end() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        writeln!(text, "a{level}: &a{level} [{before}]").unwrap();
    }
    assert!(
        refused(&text)
            .to_string()
            .contains("more than 200000 values")
    );
}

#[test]
fn deep_values_are_refused_and_no_stack_overflows() {
    let text = format!("a: {}", "[".repeat(10_000));
    assert!(refused(&text).to_string().contains("the YAML is invalid"));
}

#[test]
fn inline_secrets_are_shown_nowhere() {
    let project =
        project("services: {a: {image: a, secrets: [s]}}\nsecrets: {s: {content: hunter2}}\n");
    assert!(!format!("{project:?}").contains("hunter2"));
}
