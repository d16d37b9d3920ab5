use super::*;
use crate::compose::{Condition, Restart};

fn merged(files: &[&str]) -> Project {
    let folder = Folder::new(files);
    folder
        .load()
        .unwrap_or_else(|error| panic!("{error}\n{files:#?}"))
}

const BASE: &str = "
services:
  web:
    image: one
    command: [a, b]
    environment: [A=1, B=2]
    labels: {x: 1}
    ports: ['8080:80', '127.0.0.1:53:53/udp']
    expose: ['1']
    volumes: ['./data:/data', 'v:/cache']
    dns: 1.1.1.1
    depends_on: [db]
    networks: [back]
    healthcheck: {test: [CMD, 'true'], retries: 3}
    ulimits: {nofile: {soft: 1, hard: 2}}
    logging: {driver: json-file, options: {max-size: 1m}}
  db:
    image: db
networks: {back: {}}
volumes: {v: {}}
";

#[test]
fn files_are_merged_key_by_key_and_lists_by_what_their_entries_are() {
    let over = "
services:
  web:
    image: two
    command: [c]
    environment: {B: 3, C: 4}
    labels: [y=2]
    ports: ['8080:80', '9090:90']
    expose: ['1', '2']
    volumes: ['./other:/data:ro']
    dns: [1.1.1.1, 9.9.9.9]
    depends_on: {db: {condition: service_healthy}}
    networks: {back: {aliases: [w]}, default: null}
    healthcheck: {test: other, interval: 1s}
    ulimits: {nofile: 7}
    logging: {options: {max-file: '2'}}
  extra:
    image: extra
";
    let project = merged(&[BASE, over]);
    let web = &project.services["web"];
    assert_eq!(web.image.as_ref().unwrap().value, "two");
    assert_eq!(web.command.as_deref(), Some(&["c".to_owned()][..]));
    let pairs: Vec<String> = web
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(pairs, ["A=1", "B=3", "C=4"]);
    assert_eq!((&*web.labels["x"], &*web.labels["y"]), ("1", "2"));
    let targets: Vec<u16> = web.ports.iter().map(|port| port.target).collect();
    assert_eq!(targets, [80, 53, 90]);
    assert_eq!(web.expose, ["1/tcp", "2/tcp"]);
    assert_eq!(web.mounts.len(), 2);
    assert!(web.mounts[0].read_only);
    assert_eq!(web.dns, ["1.1.1.1", "9.9.9.9"]);
    assert_eq!(web.depends_on["db"].condition, Condition::Healthy);
    assert_eq!(web.networks["back"].aliases, ["w"]);
    assert!(web.networks.contains_key("default"));
    let check = web.healthcheck.as_ref().unwrap();
    assert_eq!(
        check.test.as_deref(),
        Some(&["CMD-SHELL".to_owned(), "other".to_owned()][..])
    );
    assert_eq!(check.retries, Some(3));
    assert_eq!(web.ulimits["nofile"].hard, 7);
    assert_eq!(web.logging.as_ref().unwrap().options.len(), 2);
    assert_eq!(project.services.len(), 3);
}

#[test]
fn another_log_driver_brings_its_own_options() {
    let over = "services: {web: {logging: {driver: local, options: {compress: 'true'}}}}";
    let project = merged(&[BASE, over]);
    let logging = project.services["web"].logging.as_ref().unwrap();
    assert_eq!(logging.driver.as_deref(), Some("local"));
    assert_eq!(logging.options.keys().collect::<Vec<_>>(), ["compress"]);
}

#[test]
fn reset_removes_and_override_replaces() {
    let over = "
services:
  web:
    ports: !override ['1:1']
    environment:
      A: !reset null
    volumes: !reset []
    command: !reset null
    depends_on: !reset null
  db: !reset null
";
    let project = merged(&[BASE, over]);
    let web = &project.services["web"];
    assert_eq!(web.ports.len(), 1);
    assert_eq!(web.environment.keys().collect::<Vec<_>>(), ["B"]);
    assert!(web.mounts.is_empty());
    assert_eq!(web.command, None);
    assert!(!project.services.contains_key("db"));
}

#[test]
fn nothing_said_is_nothing_changed() {
    let project = merged(&[BASE, "services: {web: {image: null, ports: null}}"]);
    let web = &project.services["web"];
    assert_eq!(web.image.as_ref().unwrap().value, "one");
    assert_eq!(web.ports.len(), 2);
}

#[test]
fn anchors_aliases_and_merge_keys() {
    let text = "
x-usual: &usual
  restart: always
  environment: &variables {A: 1, B: 2}
x-more: &more {init: true, restart: 'no'}
services:
  one:
    <<: *usual
    image: one
    environment: {<<: *variables, B: 3}
  two:
    <<: [*more, *usual]
    image: two
";
    let project = project(text);
    let (one, two) = (&project.services["one"], &project.services["two"]);
    assert_eq!(one.restart, Restart::Always);
    assert_eq!((&*one.environment["A"], &*one.environment["B"]), ("1", "3"));
    assert_eq!(two.restart, Restart::No);
    assert_eq!(two.init, Some(true));
    assert_eq!(two.environment.len(), 2);
}

#[test]
fn several_documents_are_laid_over_each_other() {
    let project = project("services: {a: {image: one}}\n---\nservices: {a: {image: two}}\n");
    assert_eq!(project.services["a"].image.as_ref().unwrap().value, "two");
}

#[test]
fn a_service_extends_one_of_its_own_file_and_of_another() {
    let text = "
services:
  base: {image: base, environment: [A=1], ports: ['80'], restart: always}
  web:
    extends: base
    environment: {A: 2, B: 3}
  far:
    extends: {service: remote, file: other/common.yml}
    command: mine
";
    let other = "
services:
  remote:
    extends: {service: root}
    volumes: ['./data:/data']
    build: .
    command: theirs
  root: {image: root, env_file: more.env, init: true}
";
    let folder = Folder::new(&[text])
        .with("other/common.yml", other)
        .with("other/more.env", "FROM_FILE=yes\n");
    let project = folder.load().unwrap();
    let web = &project.services["web"];
    assert_eq!(web.image.as_ref().unwrap().value, "base");
    assert_eq!(web.environment.len(), 2);
    assert_eq!(web.environment["A"], "2");
    assert_eq!(web.restart, Restart::Always);
    let far = &project.services["far"];
    assert_eq!(far.environment["FROM_FILE"], "yes");
    assert_eq!(far.init, Some(true));
    assert_eq!(far.command.as_deref(), Some(&["mine".to_owned()][..]));
    assert_eq!(
        far.build.as_ref().unwrap().context,
        folder.path().join("other")
    );
    let crate::compose::MountSource::Bind { path, .. } = &far.mounts[0].source else {
        panic!("{:?}", far.mounts);
    };
    assert_eq!(*path, folder.path().join("other/data"));
}

#[test]
fn whole_projects_are_included_from_their_own_folder() {
    let text = "
include:
  - infra/compose.yml
  - path: [more/one.yml, more/two.yml]
    project_directory: .
    env_file: more/values.env
services:
  web: {image: web, depends_on: [db, second]}
";
    let infra = "name: ignored\nservices: {db: {image: 'db:${TAG}', volumes: ['./x:/x', 'v:/v']}}\nvolumes: {v: {}}\n";
    let folder = Folder::new(&[text])
        .with("infra/compose.yml", infra)
        .with("infra/.env", "TAG=7\n")
        .with("more/one.yml", "services: {second: {image: first}}\n")
        .with(
            "more/two.yml",
            "services: {second: {image: '${WHICH}', volumes: ['./y:/y']}}\n",
        )
        .with("more/values.env", "WHICH=second\n");
    let project = folder.load().unwrap();
    assert_eq!(project.name, "demo");
    assert_eq!(project.services["db"].image.as_ref().unwrap().value, "db:7");
    assert_eq!(
        project.services["second"].image.as_ref().unwrap().value,
        "second"
    );
    assert_eq!(project.volumes["v"].name, "demo_v");
    let mounts = format!(
        "{:?}{:?}",
        project.services["db"].mounts, project.services["second"].mounts
    );
    assert!(mounts.contains("infra/x"), "{mounts}");
    assert!(!mounts.contains("more/y"), "{mounts}");
}

#[test]
fn an_included_service_may_be_changed_by_a_second_file_and_not_by_the_first() {
    let first = "include: [part.yml]\nservices: {web: {image: web}}\n";
    let part = "services: {db: {image: db}}\n";
    let folder = Folder::new(&[first, "services: {db: {image: other}}\n"]).with("part.yml", part);
    let project = folder.load().unwrap();
    assert_eq!(
        project.services["db"].image.as_ref().unwrap().value,
        "other"
    );

    let both = "include: [part.yml]\nservices: {db: {image: web}}\n";
    let error = Folder::new(&[both])
        .with("part.yml", part)
        .load()
        .unwrap_err();
    assert!(
        matches!(error.problems[0].reason, Reason::Conflict(_)),
        "{error}"
    );
    let same = "include: [part.yml]\nservices: {db: {image: db}}\n";
    assert!(Folder::new(&[same]).with("part.yml", part).load().is_ok());
}

#[test]
fn profiles_and_names_choose_services() {
    let text = "
services:
  web: {image: a, depends_on: {db: {condition: service_started}, trace: {condition: service_started, required: false}}}
  db: {image: a}
  trace: {image: a, profiles: [traces]}
  tool: {image: a, profiles: [tools, traces], depends_on: [db]}
";
    let project = project(text);
    let selected = |profiles: &[&str], services: &[&str]| {
        let own = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        project
            .select(&own(profiles), &own(services))
            .map(|services| {
                let names = services.iter().map(|service| service.name.clone());
                names.collect::<Vec<_>>().join(" ")
            })
    };
    for (profiles, services, expected) in [
        (&[][..], &[][..], "web db"),
        (&["traces"], &[], "web db trace tool"),
        (&["tools"], &[], "web db tool"),
        (&["*"], &[], "web db trace tool"),
        (&[], &["tool"], "db tool"),
        (&[], &["db"], "db"),
        (&["traces"], &["web"], "web db trace"),
    ] {
        assert_eq!(
            selected(profiles, services).unwrap(),
            expected,
            "{profiles:?} {services:?}"
        );
    }
    let error = selected(&["trace"], &[]).unwrap_err();
    assert_eq!(
        error.problems[0].hint.as_deref(),
        Some("did you mean `traces`?")
    );
    assert!(selected(&[], &["wep"]).is_err());
}

#[test]
fn a_needed_service_of_a_profile_that_is_not_chosen_is_an_error() {
    let project =
        project("services: {web: {image: a, depends_on: [db]}, db: {image: a, profiles: [p]}}");
    let error = project.select(&[], &[]).unwrap_err();
    assert!(
        error.to_string().contains("only there with the profile p"),
        "{error}"
    );
    assert_eq!(project.select(&["p".to_owned()], &[]).unwrap().len(), 2);
}
