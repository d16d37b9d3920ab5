//! Starting, explaining, measuring and stopping programs.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_started_answers_is_measured_and_stopped() {
    let house = House::new().await;
    let mut events = house.runtime.events();
    let instance = house.start(&house.spec("d-1", SERVER)).await.unwrap();
    assert_eq!(instance.state, InstanceState::Running);
    let address = instance.address.unwrap();
    assert!(answered(address).await.contains("hello from d-1"));

    assert_eq!(
        house.runtime.listening(&instance.id).await,
        [address.port()]
    );
    let stats = house.runtime.stats(&instance.id).await.unwrap();
    assert!(stats.memory_bytes > 1_000_000, "{stats:?}");
    assert_eq!(stats.tasks, 1);

    house
        .runtime
        .stop(&instance.id, Duration::from_secs(5))
        .await
        .unwrap();
    house
        .runtime
        .stop(&instance.id, Duration::from_secs(5))
        .await
        .expect("stopping twice is fine");
    let exit = house.exit(&instance.id).await;
    assert!(exit.requested);
    assert_eq!(exit.signal, Some(15), "python ends by the polite signal");
    assert!(matches!(
        events.recv().await.unwrap(),
        RuntimeEvent::Started { ours: true, .. }
    ));
    assert!(matches!(events.recv().await.unwrap(), RuntimeEvent::Exited(told) if told == exit));
    assert!(TcpListener::bind(address).is_ok(), "the port is free again");

    let listed = house.runtime.list().await.unwrap();
    assert_eq!(
        listed.len(),
        1,
        "a stopped instance is listed until it is removed"
    );
    assert!(matches!(listed[0].state, InstanceState::Exited { .. }));
    house.runtime.remove(&instance.id).await.unwrap();
    assert!(house.runtime.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_what_is_meant_reaches_the_program() {
    let house = House::new().await;
    let home = house.home();
    let environment = [
        ("PATH", std::env::var_os("PATH").unwrap()),
        ("CONTROL_SECRET", "leak".into()),
    ];
    let environment = environment
        .map(|(name, value)| (OsString::from(name), value))
        .to_vec();
    let runtime = open(home, &house.installation, environment).await;
    let program = "import os, sys\n\
        for name in sorted(os.environ): print(name)\n\
        print('fds=' + ','.join(sorted(f for f in os.listdir('/proc/self/fd') if int(f) < 3 or os.path.exists('/proc/self/fd/' + f))))\n\
        print('key=' + str(len(os.environ['API_KEY'])))\n\
        print('argv=' + ' '.join(sys.argv[1:]))\n";
    let mut spec = house.spec("d-1", program);
    spec.command
        .extend(["--port".to_owned(), "${PORT}".to_owned()]);
    spec.env = vec![(
        "API_KEY".to_owned(),
        SecretString::from("canary-4711").into(),
    )];
    let started = runtime
        .start(&spec, &CancellationToken::new())
        .await
        .unwrap();
    runtime
        .wait_exit(&started.id, &CancellationToken::new())
        .await
        .unwrap();

    let lines: Vec<_> = runtime
        .logs(&started.id, LogQuery::default())
        .await
        .unwrap()
        .collect()
        .await;
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert!(!text.contains(&"CONTROL_SECRET"), "{text:?}");
    assert!(text.contains(&"key=11"), "{text:?}");
    assert!(
        text.contains(&"fds=0,1,2"),
        "no descriptor is inherited: {text:?}"
    );
    let port = started.address.unwrap().port();
    assert!(
        text.contains(&format!("argv=--port {port}").as_str()),
        "{text:?}"
    );
    for entry in std::fs::read_dir(house.instance_folder("d-1")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&bytes).contains("canary-4711"),
            "a file of ours holds the secret"
        );
    }
    runtime.remove(&started.id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_are_explained() {
    let house = House::new().await;
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let binding = format!("import socket\nsocket.socket().bind(('127.0.0.1', {port}))\n");
    for (id, program, code) in [
        (
            "import",
            "import no_such_module_at_all\n",
            ErrorCode::ImportError,
        ),
        ("syntax", "def f(:\n    pass\n", ErrorCode::SyntaxError),
        (
            "variable",
            "import os\nos.environ['SOME_TOKEN']\n",
            ErrorCode::MissingVariable,
        ),
        (
            "exit",
            "import sys\nprint('bye', file=sys.stderr)\nsys.exit(3)\n",
            ErrorCode::ExitedAtOnce,
        ),
        ("port", binding.as_str(), ErrorCode::PortTaken),
    ] {
        let exit = house.run(id, program).await;
        assert_eq!(diagnose(&exit).code, code, "{id}: {:?}", exit.last_lines);
        assert!(!exit.requested);
        assert_eq!(exit.code, Some(if id == "exit" { 3 } else { 1 }), "{id}");
        assert!(!exit.last_lines.is_empty(), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_leaves_nothing() {
    let house = House::new().await;
    let missing = spec("d-1", house.folder(), &["no-such-program-at-all"]);
    assert!(matches!(
        house.start(&missing).await.unwrap_err(),
        RuntimeError::ToolMissing { .. }
    ));
    let mut gone = spec("d-1", house.folder(), &["python3", "-V"]);
    gone.workdir = house.folder().join("gone");
    assert!(matches!(
        house.start(&gone).await.unwrap_err(),
        RuntimeError::StartFailed { .. }
    ));
    let outside = spec("../d-1", house.folder(), &["python3", "-V"]);
    assert!(matches!(
        house.start(&outside).await.unwrap_err(),
        RuntimeError::InvalidSpec { .. }
    ));

    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    let mut taken = spec("d-1", house.folder(), &["python3", "-V"]);
    taken.port = Some(port);
    let RuntimeError::PortTaken { port: told, owner } = house.start(&taken).await.unwrap_err()
    else {
        panic!("another failure")
    };
    assert_eq!(told, port);
    assert!(
        owner.contains(&std::process::id().to_string()),
        "{owner} is not this test"
    );

    assert!(house.runtime.list().await.unwrap().is_empty());
    assert_eq!(
        std::fs::read_dir(house.home().join("instances"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_instances_start_at_once_on_ports_of_their_own() {
    let house = House::new().await;
    let specs: Vec<_> = (0..20)
        .map(|number| house.spec(&format!("d-{number}"), SERVER))
        .collect();
    let started = futures::future::join_all(specs.iter().map(|spec| house.start(spec))).await;
    for (number, instance) in started.into_iter().enumerate() {
        let answer = answered(instance.unwrap().address.unwrap()).await;
        assert!(
            answer.ends_with(&format!("hello from d-{number}")),
            "{answer}"
        );
    }
}
