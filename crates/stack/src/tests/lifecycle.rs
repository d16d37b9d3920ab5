use super::*;

/// Eight services: two that become healthy, one that ends, and five that wait for them in different ways.
fn eight(port: u16) -> String {
    format!(
        "
x-usual: &usual {{image: busybox, stop_signal: SIGKILL}}
x-slow: &slow
  <<: *usual
  command: sh -c 'sleep 0.3; touch /ready; exec sleep 1000'
  healthcheck: {{test: [CMD, test, -f, /ready], interval: 100ms, retries: 100}}
services:
  db:
    <<: *slow
    volumes: ['data:/data', /nameless]
    secrets: [{{source: password, mode: 0400}}]
  cache: *slow
  migrate:
    <<: *usual
    command: sh -c 'echo migrating; sleep 0.2; echo migrated'
    depends_on: {{db: {{condition: service_healthy}}}}
  api:
    <<: *usual
    command: sleep 1000
    environment: {{VALUE: one}}
    depends_on:
      migrate: {{condition: service_completed_successfully}}
      cache: {{condition: service_healthy}}
  worker: {{<<: *usual, command: sleep 1000, depends_on: [api]}}
  web:
    <<: *usual
    command: httpd -f -p 8000 -h /etc
    ports: ['127.0.0.1:{port}:8000']
    configs: [{{source: page, target: /etc/page.txt}}]
    networks: [default, back]
    depends_on: [api]
  trace: {{<<: *usual, command: sleep 1000}}
  side: {{<<: *usual, command: sleep 1000, network_mode: 'service:web'}}
networks: {{back: {{}}}}
volumes: {{data: {{}}}}
configs: {{page: {{content: hello from a config}}}}
secrets: {{password: {{content: hunter2}}}}
"
    )
}

fn ids(containers: &[Container]) -> Vec<(String, String)> {
    let pair = |container: &Container| (container.service.clone(), container.id.clone());
    containers.iter().map(pair).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_eight_services_come_up_in_order_change_and_go_down() {
    let Some(corner) =
        Corner::new("engine_eight_services_come_up_in_order_change_and_go_down").await
    else {
        return;
    };
    let port = free_port();
    let text = eight(port);
    corner.up(&text).await.unwrap();

    // In order: each started after what it waits for was there.
    let containers = corner.status().await;
    assert_eq!(containers.len(), 8, "{containers:#?}");
    let of = |service: &str| {
        containers
            .iter()
            .find(|found| found.service == service)
            .unwrap()
    };
    assert_eq!(of("db").health, Some(Health::Healthy));
    assert_eq!(of("migrate").state, State::Exited(0));
    for running in ["db", "cache", "api", "worker", "web", "trace", "side"] {
        assert_eq!(of(running).state, State::Running, "{running}");
    }
    for (early, late) in [
        ("db", "migrate"),
        ("migrate", "api"),
        ("cache", "api"),
        ("api", "worker"),
        ("api", "web"),
        ("web", "side"),
    ] {
        assert!(
            of(early).started_at < of(late).started_at,
            "{early} before {late}"
        );
    }
    // What waits for nobody is not held back.
    let waited = |phase: &Phase| matches!(phase, Phase::Waiting { .. });
    assert!(!corner.phases("trace").iter().any(waited));
    assert!(corner.phases("api").iter().any(waited));
    assert_eq!(corner.phases("api").last(), Some(&Phase::Ready));

    // What services are given.
    assert_eq!(
        corner.run("db", &["cat", "/run/secrets/password"]).await,
        (0, "hunter2".to_owned())
    );
    let (_, rights) = corner
        .run("db", &["stat", "-c", "%a %u", "/run/secrets/password"])
        .await;
    assert_eq!(rights.trim(), "400 0");
    let (code, page) = corner
        .run("side", &["wget", "-qO-", "http://127.0.0.1:8000/page.txt"])
        .await;
    assert_eq!((code, page.as_str()), (0, "hello from a config"));
    let (code, _) = corner.run("worker", &["ping", "-c1", "-W2", "web"]).await;
    assert_eq!(code, 0);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    corner
        .run(
            "db",
            &[
                "sh",
                "-c",
                "echo kept > /data/file; echo kept > /nameless/file",
            ],
        )
        .await;

    // Nothing to do: nothing is done.
    let outcome = corner.up(&text).await.unwrap();
    assert!(outcome.plan.is_settled());
    assert_eq!(ids(&corner.status().await), ids(&containers));

    // One value changes: one container is another, and nothing else is touched.
    let changed = text.replace("VALUE: one", "VALUE: two");
    corner.up(&changed).await.unwrap();
    for (service, id) in ids(&corner.status().await) {
        assert_eq!(id != of(&service).id, service == "api", "{service}");
    }
    assert_eq!(
        corner
            .run("api", &["sh", "-c", "echo $VALUE"])
            .await
            .1
            .trim(),
        "two"
    );

    // Data outlives its container, with a name and without.
    let changed = changed.replace(
        "secrets: [{source: password",
        "hostname: other\n    secrets: [{source: password",
    );
    corner.up(&changed).await.unwrap();
    assert_ne!(corner.container("db").await.id, of("db").id);
    let (_, kept) = corner
        .run("db", &["cat", "/data/file", "/nameless/file"])
        .await;
    assert_eq!(kept, "kept\nkept\n");

    // Services that are gone are told of, and removed on request.
    let fewer = changed.replace("  trace: {<<: *usual, command: sleep 1000}\n", "");
    let outcome = corner.up(&fewer).await.unwrap();
    assert_eq!(outcome.orphans[0].service, "trace");
    let removing = UpOptions {
        remove_orphans: true,
        ..UpOptions::default()
    };
    let outcome = corner.up_with(&fewer, &removing).await.unwrap();
    assert!(outcome.orphans.is_empty());
    assert_eq!(corner.status().await.len(), 7);

    // Down keeps data, and removes it when that is wanted.
    let kept = corner.container("db").await.nameless_volumes;
    corner.down(false).await.unwrap();
    assert!(corner.status().await.is_empty());
    let client = corner.stack.engine.client().await.unwrap();
    let volume = format!("{}_data", corner.name);
    assert!(client.inspect_volume(&volume).await.is_ok());
    let network = format!("{}_default", corner.name);
    assert!(client.inspect_network(&network, None).await.is_err());
    for name in kept {
        let no_options = None::<bollard::query_parameters::RemoveVolumeOptions>;
        client.remove_volume(&name, no_options).await.unwrap();
    }
    corner.up(&text).await.unwrap();
    let nameless = corner.container("db").await.nameless_volumes;
    assert_eq!(nameless.len(), 1);
    corner.down(true).await.unwrap();
    assert!(client.inspect_volume(&volume).await.is_err());
    assert!(client.inspect_volume(&nameless[0]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_a_cancelled_up_goes_on_where_it_was() {
    let Some(corner) = Corner::new("engine_a_cancelled_up_goes_on_where_it_was").await else {
        return;
    };
    let project = corner.read(&eight(free_port()));
    let options = UpOptions::default();
    // Broken off at one point after another: each time something is there that the next one finds.
    for phase in ["Creating", "Waiting", "Starting", "Checking"] {
        let cancel = CancellationToken::new();
        let (token, wanted) = (cancel.clone(), phase);
        let sink = move |progress: Progress| {
            if let Progress::Service { phase, .. } = &progress
                && format!("{phase:?}").starts_with(wanted)
            {
                token.cancel();
            }
        };
        let up = corner.stack.up(&project, &options, &sink, &cancel);
        let error = tokio::time::timeout(PATIENCE, up)
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::Cancelled, "{phase}: {error}");
    }
    let never = CancellationToken::new();
    corner
        .up_until(&project, &UpOptions::default(), &never)
        .await
        .unwrap();
    assert_eq!(corner.status().await.len(), 8);

    // Broken off while one is replaced: the new one is there, the old one is removed by the next.
    let replaced = eight(free_port());
    let project = corner.read(&replaced);
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    let sink = move |progress: Progress| {
        let replacing = matches!(
            &progress,
            Progress::Service {
                phase: Phase::Recreating { .. },
                ..
            }
        );
        if replacing {
            let token = token.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(30)).await;
                token.cancel();
            });
        }
    };
    let _ = corner
        .stack
        .up(&project, &UpOptions::default(), &sink, &cancel)
        .await;
    corner
        .up_until(&project, &UpOptions::default(), &never)
        .await
        .unwrap();
    let containers = corner.status().await;
    assert_eq!(containers.len(), 8, "{containers:#?}");
    let plan = corner
        .stack
        .plan(&project, &UpOptions::default().plan)
        .await
        .unwrap();
    assert!(plan.is_settled(), "{plan:#?}");
    let names: Vec<String> = containers.into_iter().map(|found| found.name).collect();
    assert!(
        names.contains(&format!("{}-web-1", corner.name)),
        "{names:?}"
    );
}

/// An engine asks for the first time after the whole interval: nobody waits that long for a service that is well.
#[tokio::test(flavor = "multi_thread")]
async fn engine_a_check_is_asked_sooner_than_its_interval() {
    let Some(corner) = Corner::new("engine_a_check_is_asked_sooner_than_its_interval").await else {
        return;
    };
    let text = "
x-usual: &usual {image: busybox, stop_signal: SIGKILL, command: sleep 1000}
services:
  slow:
    <<: *usual
    command: sh -c 'sleep 0.5; touch /ready; exec sleep 1000'
    healthcheck: {test: 'test -f /ready', interval: 1h}
  after: {<<: *usual, depends_on: {slow: {condition: service_healthy}}}
";
    let options = UpOptions {
        wait_healthy: false,
        ..UpOptions::default()
    };
    corner.up_with(text, &options).await.unwrap();
    let containers = corner.status().await;
    let of = |service: &str| {
        let mut found = containers.iter();
        found.find(|found| found.service == service).unwrap()
    };
    assert_eq!(of("after").state, State::Running);
    assert_eq!(
        of("slow").health,
        Some(Health::Starting),
        "as the engine says"
    );
    assert_eq!(corner.run("slow", &["test", "-f", "/ready"]).await.0, 0);
}
