use super::*;

/// A home with Docker's settings: the current context, and where contexts lead.
fn home(current: &str, contexts: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let docker = home.path().join(".docker");
    fs_err::create_dir_all(&docker).unwrap();
    let settings = format!(r#"{{"auths": {{}}, "currentContext": "{current}"}}"#);
    fs_err::write(docker.join("config.json"), settings).unwrap();
    for (name, host) in contexts {
        let folder = docker.join("contexts/meta").join(format!("hash-of-{name}"));
        fs_err::create_dir_all(&folder).unwrap();
        let meta = format!(
            r#"{{"Name": "{name}", "Metadata": {{}}, "Endpoints": {{"docker": {{"Host": "{host}", "SkipTLSVerify": false}}}}}}"#
        );
        fs_err::write(folder.join("meta.json"), meta).unwrap();
    }
    home
}

async fn found(config: &EngineConfig) -> Vec<(String, String)> {
    let all = candidates::of(config).await;
    all.iter()
        .map(|candidate| (candidate.source.to_string(), candidate.address.clone()))
        .collect()
}

#[tokio::test]
async fn what_is_said_comes_before_what_is_usual() {
    let home = home(
        "colima",
        &[("colima", "unix:///colima.sock"), ("far", "ssh://far")],
    );
    let config = EngineConfig {
        socket_folders: vec![home.path().to_owned()],
        ..EngineConfig::default()
    };
    let all = found(&config).await;
    assert_eq!(
        all[0],
        (
            "the Docker context colima".to_owned(),
            "unix:///colima.sock".to_owned()
        )
    );
    assert_eq!(all[1].1, "unix:///var/run/docker.sock");
    let own = format!("unix://{}/.orbstack/run/docker.sock", home.path().display());
    assert!(all.contains(&("the usual place of OrbStack".to_owned(), own)));
    for engine in [
        "Docker",
        "Docker Desktop",
        "Rancher Desktop",
        "Colima",
        "OrbStack",
        "Podman (rootful)",
        "Podman (rootless)",
    ] {
        let source = format!("the usual place of {engine}");
        assert!(
            all.iter().any(|(found, _)| *found == source),
            "{engine}: {all:#?}"
        );
    }

    let named = EngineConfig {
        context: Some("far".to_owned()),
        ..config.clone()
    };
    let all = candidates::of(&named).await;
    assert_eq!(all.len(), 1);
    assert!(matches!(all[0].verdict, Verdict::Unsupported { .. }));

    let usual = EngineConfig {
        context: Some("default".to_owned()),
        ..config.clone()
    };
    assert_eq!(found(&usual).await[0].1, "unix:///var/run/docker.sock");

    let given = EngineConfig {
        host: Some("tcp://127.0.0.1:1".to_owned()),
        ..named
    };
    assert_eq!(
        found(&given).await,
        [(
            "given by DOCKER_HOST".to_owned(),
            "tcp://127.0.0.1:1".to_owned()
        )]
    );

    let elsewhere = EngineConfig {
        config_folder: Some("/nowhere".into()),
        ..config
    };
    assert_eq!(found(&elsewhere).await[0].1, "unix:///var/run/docker.sock");
}

#[tokio::test]
async fn settings_that_cannot_be_read_and_contexts_that_are_gone_are_passed_over() {
    for current in ["gone", "", "default", "\" broken"] {
        let home = home(current, &[("other", "unix:///other.sock")]);
        let config = EngineConfig {
            socket_folders: vec![home.path().to_owned()],
            ..EngineConfig::default()
        };
        assert_eq!(
            found(&config).await[0].1,
            "unix:///var/run/docker.sock",
            "{current}"
        );
    }
    let asked = EngineConfig {
        context: Some("gone".to_owned()),
        ..EngineConfig::default()
    };
    let engine = Engine::new(asked);
    assert!(engine.client().await.is_err());
    assert!(
        engine.candidates()[0]
            .verdict
            .to_string()
            .contains("no such context")
    );
}

#[tokio::test]
async fn each_place_says_what_was_found_there() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(
        "mine",
        &[(
            "mine",
            &format!("unix://{}", folder.path().join("gone.sock").display()),
        )],
    );
    let engine = Engine::new(EngineConfig {
        socket_folders: vec![home.path().to_owned()],
        ..EngineConfig::default()
    });
    assert!(engine.candidates().is_empty() && engine.chosen().is_none());
    let connected = engine.client().await.is_ok();
    let all = engine.candidates();
    assert_eq!(all[0].verdict, Verdict::Absent);
    let chosen: Vec<&Candidate> = all
        .iter()
        .filter(|candidate| candidate.verdict == Verdict::Chosen)
        .collect();
    assert_eq!(chosen.len(), usize::from(connected));
    assert_eq!(engine.chosen().as_ref(), chosen.first().copied());
}

#[tokio::test]
async fn what_else_has_a_socket_is_told_and_not_opened() {
    let home = home(
        "far",
        &[("far", "tcp://far:2376"), ("near", "unix:///near.sock")],
    );
    let secured = home.path().join(".docker/contexts/tls/hash-of-far");
    fs_err::create_dir_all(secured).unwrap();
    let socket = |name: &str| {
        let path = home.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(&path).unwrap();
        (path, listener)
    };
    let (used, listener) = socket("used.sock");
    let (other, other_listener) = socket(".orbstack/run/docker.sock");
    // The same engine by another path, as some link theirs.
    let linked = home.path().join(".rd/docker.sock");
    fs_err::create_dir_all(linked.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&other, &linked).unwrap();
    drop(listener);
    let config = EngineConfig {
        socket_folders: vec![home.path().to_owned()],
        ..at(&used)
    };
    let engine = Engine::new(config.clone());
    assert!(engine.client().await.is_err(), "nobody listens there");
    let told = engine.places().await;
    assert!(
        matches!(told[0].verdict, Verdict::Stopped { .. }),
        "{told:#?}"
    );
    let beside: Vec<&Candidate> = told
        .iter()
        .filter(|place| place.address.contains(&home.path().display().to_string()))
        .filter(|place| place.source != Source::Given)
        .collect();
    assert_eq!(beside.len(), 1, "one socket, whatever its paths: {told:#?}");
    assert_eq!(beside[0].verdict, Verdict::NotTried);
    let opened = tokio::time::timeout(Duration::from_millis(50), other_listener.accept()).await;
    assert!(opened.is_err(), "opening a socket may start an engine");

    // TLS is refused in so many words, and not spoken to in clear.
    for config in [
        EngineConfig {
            context: Some("far".to_owned()),
            host: None,
            ..config.clone()
        },
        EngineConfig {
            tls: true,
            ..EngineConfig::at("tcp://127.0.0.1:1")
        },
    ] {
        let failed = Engine::new(config).client().await.unwrap_err();
        assert!(failed.to_string().contains("TLS"), "{failed}");
    }
}
