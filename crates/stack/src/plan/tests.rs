use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, SystemTime};

use super::*;
use crate::compose::{self, Request};
use crate::observed::{Container, Resource, State};
use crate::spec;

const FILE: &str = "
services:
  web:
    image: web
    environment: {A: 1}
    depends_on:
      db: {condition: service_healthy, restart: true}
      setup: {condition: service_completed_successfully}
    networks: [front, back]
  db: {image: db, volumes: ['data:/data'], networks: [back], secrets: [password]}
  setup: {image: tool, depends_on: [db], networks: [back]}
  side: {image: tool, network_mode: 'service:web'}
  own: {build: ., networks: [back]}
  trace: {image: trace, profiles: [traces], networks: [back]}
networks: {front: {}, back: {}}
volumes: {data: {}}
secrets: {password: {content: hunter2}}
";

fn key() -> HashKey {
    HashKey::new([7; 32])
}

fn contents() -> Contents {
    Contents {
        secrets: HashMap::from([("password".to_owned(), b"hunter2".to_vec())]),
        ..Contents::default()
    }
}

fn read(text: &str) -> Project {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yml");
    fs_err::write(&file, text).unwrap();
    let request = Request {
        files: vec![file],
        // The same folder each time, since a build's context is a part of what is compared.
        directory: Some("/project".into()),
        name: Some("demo".to_owned()),
        ..Request::default()
    };
    compose::load(&request).unwrap()
}

/// An engine that has all of a project as it should be.
fn settled(project: &Project) -> Observed {
    let mut observed = Observed::default();
    for (index, service) in project.services.values().enumerate() {
        let made = spec::container(project, service, &contents(), &key());
        let image = spec::image_of(project, service);
        observed.images.insert(image.clone(), format!("id-{image}"));
        let state = if service.name == "setup" {
            State::Exited(0)
        } else {
            State::Running
        };
        observed.containers.push(Container {
            id: format!("{}-id", service.name),
            name: made.name,
            service: service.name.clone(),
            config_hash: Some(made.hash),
            image_id: format!("id-{image}"),
            image,
            state,
            health: None,
            created_at: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(index as u64)),
            started_at: None,
            restarts: 0,
            ports: Vec::new(),
            nameless_volumes: Vec::new(),
            depends_on: Vec::new(),
            labels: BTreeMap::new(),
        });
    }
    for (name, network) in &project.networks {
        let hash = spec::network(project, name, network, &key()).1;
        observed.networks.insert(network.name.clone(), ours(hash));
    }
    for (name, volume) in &project.volumes {
        let hash = spec::volume(project, name, volume, &key()).1;
        observed.volumes.insert(volume.name.clone(), ours(hash));
    }
    observed
}

fn ours(hash: String) -> Resource {
    Resource {
        project: Some("demo".to_owned()),
        config_hash: Some(hash),
    }
}

fn planned(text: &str, observed: &Observed, options: &PlanOptions) -> Plan {
    plan(&read(text), options, observed, &contents(), &key()).unwrap()
}

fn all() -> PlanOptions {
    PlanOptions {
        profiles: vec!["*".to_owned()],
        ..PlanOptions::default()
    }
}

/// What is done with containers, but for those that are kept.
fn done(plan: &Plan) -> String {
    let told = plan.containers.iter().filter_map(|step| {
        let action = match &step.action {
            Action::Keep { .. } => return None,
            Action::Create => "create".to_owned(),
            Action::Recreate { reason, .. } => format!("recreate since {reason}"),
            Action::Start { .. } => "start".to_owned(),
            Action::Resume { .. } => "resume".to_owned(),
            Action::Restart { because, .. } => format!("restart for {because}"),
        };
        Some(format!("{}: {action}", step.service))
    });
    told.collect::<Vec<_>>().join("; ")
}

#[test]
fn an_empty_engine_gets_everything_in_order() {
    let plan = planned(FILE, &Observed::default(), &PlanOptions::default());
    let order: Vec<&str> = plan
        .containers
        .iter()
        .map(|step| step.service.as_str())
        .collect();
    assert_eq!(order, ["db", "own", "setup", "web", "side"]);
    assert!(
        plan.containers
            .iter()
            .all(|step| step.action == Action::Create)
    );
    let web = plan.container("web").unwrap();
    assert_eq!(web.name, "demo-web-1");
    assert_eq!(web.waits.len(), 2);
    assert_eq!(web.waits[0].condition, Condition::Healthy);
    assert_eq!(plan.container("side").unwrap().waits[0].service, "web");
    let networks: Vec<&str> = plan
        .networks
        .iter()
        .map(|step| step.name.as_str())
        .collect();
    assert_eq!(networks, ["demo_front", "demo_back"]);
    assert_eq!(plan.volumes[0].name, "demo_data");
    let images: Vec<String> = plan
        .images
        .iter()
        .map(|step| format!("{}:{:?}", step.reference, step.action))
        .collect();
    assert_eq!(
        images,
        [
            "db:Pull { platform: None }",
            "demo-own:Build { service: \"own\" }",
            "tool:Pull { platform: None }",
            "web:Pull { platform: None }",
        ]
    );
    assert!(!plan.is_settled());
}

#[test]
fn a_settled_engine_is_left_alone() {
    let observed = settled(&read(FILE));
    let plan = planned(FILE, &observed, &all());
    assert!(plan.is_settled(), "{plan:#?}");
    // The file read again means the same, whatever order its maps are in.
    for _ in 0..8 {
        assert!(planned(FILE, &observed, &PlanOptions::default()).is_settled());
    }
}

/// Each row: what is written in place of what, and what is done about it.
#[test]
fn only_what_changed_is_made_anew() {
    let changed = "recreate since its configuration changed";
    let moved = "recreate since its network back is made anew";
    let shares = "recreate since web, whose namespace it uses, is made anew";
    let rows = [
        ("A: 1", "A: 2", format!("web: {changed}; side: {shares}")),
        ("image: trace", "image: other", format!("trace: {changed}")),
        (
            "image: db,",
            "image: db, hostname: h,",
            format!("db: {changed}; setup: start; web: restart for db"),
        ),
        (
            "'data:/data'",
            "'data:/other'",
            format!("db: {changed}; setup: start; web: restart for db"),
        ),
        (
            "build: .",
            "build: ., labels: {x: y}",
            format!("own: {changed}"),
        ),
        (
            "front: {}",
            "front: {attachable: true}",
            format!("web: recreate since its network front is made anew; side: {shares}"),
        ),
        (
            "back: {}}",
            "back: {internal: true}}",
            format!(
                "db: {moved}; own: {moved}; trace: {moved}; setup: {moved}; web: {moved}; side: {shares}"
            ),
        ),
        // Nothing of a container:
        ("data: {}", "data: {labels: {x: y}}", String::new()),
        (
            "profiles: [traces]",
            "profiles: [traces, more]",
            String::new(),
        ),
        (
            "restart: true}",
            "restart: true, required: false}",
            String::new(),
        ),
    ];
    let observed = settled(&read(FILE));
    for (before, after, expected) in rows {
        let text = FILE.replace(before, after);
        assert_ne!(text, FILE, "{before}");
        let plan = planned(&text, &observed, &all());
        assert_eq!(done(&plan), expected, "{before} → {after}");
    }
}

#[test]
fn another_secret_makes_its_service_anew_and_shows_in_no_label() {
    let project = read(FILE);
    let observed = settled(&project);
    let mut contents = contents();
    contents
        .secrets
        .insert("password".to_owned(), b"hunter3".to_vec());
    let plan = plan(
        &project,
        &PlanOptions::default(),
        &observed,
        &contents,
        &key(),
    )
    .unwrap();
    assert!(done(&plan).starts_with("db: recreate since its configuration changed"));

    let made = spec::container(&project, &project.services["db"], &contents, &key());
    assert_eq!(made.files[0].content, b"hunter3");
    assert!(!format!("{made:?}").contains("hunter3"));
    // Without the key nobody can compute the label from a guess.
    let other = HashKey::new([8; 32]);
    let elsewhere = spec::container(&project, &project.services["db"], &contents, &other);
    assert_ne!(made.hash, elsewhere.hash);
}

/// Each row: what becomes of the engine's containers, and what is done about it.
#[test]
fn containers_are_brought_to_run() {
    type Change = fn(&mut Container);
    let rows: [(&str, Change, &str); 9] = [
        ("web", |web| web.state = State::Created, "web: start"),
        ("web", |web| web.state = State::Exited(0), "web: start"),
        ("web", |web| web.state = State::Exited(1), "web: start"),
        ("web", |web| web.state = State::Paused, "web: resume"),
        ("web", |web| web.state = State::Restarting, ""),
        (
            "setup",
            |setup| setup.state = State::Exited(1),
            "setup: start",
        ),
        ("setup", |setup| setup.state = State::Exited(0), ""),
        (
            "own",
            |own| own.state = State::Dead,
            "own: recreate since the engine could not end it properly",
        ),
        (
            "own",
            |own| own.config_hash = None,
            "own: recreate since another tool made it",
        ),
    ];
    let project = read(FILE);
    for (service, change, expected) in rows {
        let mut observed = settled(&project);
        let found = observed.containers.iter_mut();
        change(
            found
                .into_iter()
                .find(|container| container.service == service)
                .unwrap(),
        );
        assert_eq!(
            done(&planned(FILE, &observed, &all())),
            expected,
            "{service}"
        );
    }
}

#[test]
fn a_newer_image_of_the_same_name_makes_its_services_anew() {
    let mut observed = settled(&read(FILE));
    observed
        .images
        .insert("tool".to_owned(), "newer".to_owned());
    let newer = "recreate since its image is a newer one";
    assert_eq!(
        done(&planned(FILE, &observed, &all())),
        format!("setup: {newer}; side: {newer}")
    );
}

#[test]
fn recreation_can_be_asked_for_and_forbidden() {
    let mut observed = settled(&read(FILE));
    let always = PlanOptions {
        recreate: Recreation::Always,
        ..all()
    };
    let plan = planned(FILE, &observed, &always);
    assert!(plan.containers.iter().all(|step| step.action.makes()));

    observed.containers[0].config_hash = Some("other".to_owned());
    let never = PlanOptions {
        recreate: Recreation::Never,
        ..all()
    };
    assert!(planned(FILE, &observed, &never).is_settled());
}

#[test]
fn images_are_pulled_and_built_when_asked_for() {
    let observed = settled(&read(FILE));
    let options = PlanOptions {
        build: true,
        pull: true,
        ..PlanOptions::default()
    };
    let plan = planned(FILE, &observed, &options);
    let kept = plan
        .images
        .iter()
        .filter(|step| step.action == ImageAction::Keep);
    assert_eq!(kept.count(), 0);
    for (policy, expected) in [
        ("always", ImageAction::Pull { platform: None }),
        ("missing", ImageAction::Keep),
        ("never", ImageAction::Keep),
    ] {
        let text = FILE.replace("image: db,", &format!("image: db, pull_policy: {policy},"));
        let plan = planned(&text, &observed, &PlanOptions::default());
        let db = plan
            .images
            .iter()
            .find(|step| step.reference == "db")
            .unwrap();
        assert_eq!(db.action, expected, "{policy}");
    }
    let text = FILE.replace("image: db,", "image: db, pull_policy: never,");
    let error = super::plan(
        &read(&text),
        &PlanOptions::default(),
        &Observed::default(),
        &contents(),
        &key(),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("forbids to fetch it")
    );
}

#[test]
fn what_broke_off_is_tidied_up() {
    let mut observed = settled(&read(FILE));
    let right = observed.containers[0].clone();
    // A new one was made and never started beside the old one.
    let mut half = right.clone();
    half.id = "old".to_owned();
    half.name = "abc_demo-web-1".to_owned();
    half.config_hash = Some("before".to_owned());
    observed.containers[0].state = State::Created;
    observed.containers.push(half);
    let plan = planned(FILE, &observed, &all());
    let web = plan.container("web").unwrap();
    assert_eq!(
        web.action,
        Action::Start {
            id: "web-id".to_owned()
        }
    );
    assert_eq!(web.surplus, ["old"]);
    assert!(!plan.is_settled());
}

#[test]
fn containers_of_services_that_are_gone_are_orphans_and_those_of_other_profiles_are_not() {
    let observed = settled(&read(FILE));
    let text = FILE.replace("  own: {build: ., networks: [back]}\n", "");
    let plan = planned(&text, &observed, &PlanOptions::default());
    assert_eq!(plan.orphans.len(), 1);
    assert_eq!(plan.orphans[0].name, "demo-own-1");
    assert!(plan.is_settled());
}

#[test]
fn containers_of_a_network_that_is_gone_are_made_anew() {
    let mut observed = settled(&read(FILE));
    observed.networks.remove("demo_front");
    let plan = planned(FILE, &observed, &all());
    assert!(done(&plan).starts_with("web: recreate since its network front is made anew"));
}

#[test]
fn what_is_external_must_be_there_and_what_is_not_ours_is_said() {
    let text = FILE.replace("front: {}", "front: {external: true}");
    let error = super::plan(
        &read(&text),
        &PlanOptions::default(),
        &Observed::default(),
        &contents(),
        &key(),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("docker network create front")
    );

    let mut observed = settled(&read(FILE));
    let foreign = Resource::default();
    observed
        .networks
        .insert("front".to_owned(), foreign.clone());
    observed.volumes.insert("demo_data".to_owned(), foreign);
    let plan = planned(&text, &observed, &all());
    assert_eq!(plan.networks[0].action, ResourceAction::Keep);
    assert_eq!(plan.warnings.len(), 1, "{:?}", plan.warnings);
}
