use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn engine_one_that_fails_keeps_back_only_those_that_need_it() {
    let Some(corner) =
        Corner::new("engine_one_that_fails_keeps_back_only_those_that_need_it").await
    else {
        return;
    };
    let text = "
x-usual: &usual {image: busybox, stop_signal: SIGKILL, command: sleep 1000}
services:
  sick:
    <<: *usual
    healthcheck: {test: 'echo the reason is this; exit 1', interval: 100ms, retries: 2}
  needs: {<<: *usual, depends_on: {sick: {condition: service_healthy}}}
  needs_needs: {<<: *usual, depends_on: [needs]}
  likes: {<<: *usual, depends_on: {sick: {condition: service_healthy, required: false}}}
  task: {<<: *usual, command: sh -c 'echo it broke here; exit 3'}
  after: {<<: *usual, depends_on: {task: {condition: service_completed_successfully}}}
  brief: {<<: *usual, command: sh -c 'echo it ends at once; exit 4'}
  free: *usual
  unchecked: *usual
  hopes: {<<: *usual, depends_on: {unchecked: {condition: service_healthy}}}
";
    let error = corner.up(text).await.unwrap_err();
    let StackError::Several { failures } = &error else {
        panic!("{error}");
    };
    let told =
        |wanted: fn(&StackError) -> bool| failures.iter().filter(|found| wanted(found)).count();
    assert_eq!(
        told(
            |found| matches!(found, StackError::Unhealthy { service, output } if service == "sick" && output[0].contains("the reason is this"))
        ),
        1,
        "{failures:#?}"
    );
    assert_eq!(
        told(
            |found| matches!(found, StackError::Exited { service, code: 3, lines } if service == "task" && lines == &["it broke here"])
        ),
        1,
        "{failures:#?}"
    );
    assert_eq!(
        told(
            |found| matches!(found, StackError::NoHealthcheck { service } if service == "unchecked")
        ),
        1
    );
    assert_eq!(
        told(|found| matches!(found, StackError::DependencyFailed { .. })),
        4,
        "{failures:#?}"
    );
    assert_eq!(
        told(
            |found| matches!(found, StackError::Exited { service, code: 4, .. } if service == "brief")
        ),
        1
    );
    assert_eq!(failures.len(), 8);

    let running = corner.status().await;
    let running: Vec<&str> = running
        .iter()
        .filter(|found| found.state == State::Running)
        .map(|found| found.service.as_str())
        .collect();
    assert_eq!(running, ["free", "likes", "sick", "unchecked"]);
    let fault = Fault::from(error);
    assert_eq!(fault.code, ErrorCode::StartFailed);
    assert!(
        fault
            .evidence
            .iter()
            .any(|line| line.contains("the reason is this")),
        "{fault:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_an_image_that_does_not_exist_is_told_by_the_registry() {
    let Some(corner) =
        Corner::new("engine_an_image_that_does_not_exist_is_told_by_the_registry").await
    else {
        return;
    };
    // A registry that is not there answers as fast as one that knows no such image.
    let text = "services: {a: {image: '127.0.0.1:9/nobody/nothing:1'}}\n";
    let error = corner.up(text).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BaseImageMissing, "{error}");
    assert!(error.to_string().contains("127.0.0.1:9"), "{error}");
    assert!(corner.status().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_a_port_that_is_held_is_told_before_anything_is_done() {
    let Some(corner) =
        Corner::new("engine_a_port_that_is_held_is_told_before_anything_is_done").await
    else {
        return;
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = format!(
        "services: {{a: {{image: busybox, command: sleep 1000, stop_signal: SIGKILL, ports: ['127.0.0.1:{port}:80']}}}}\n"
    );
    let options = UpOptions {
        port_owner: Some(Arc::new(|port, _| Some(format!("this very test ({port})")))),
        ..UpOptions::default()
    };
    let error = corner.up_with(&text, &options).await.unwrap_err();
    let StackError::PortTaken {
        service,
        owner,
        other,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (service.as_str(), owner),
        ("a", &format!("this very test ({port})"))
    );
    assert!(other.free.is_some_and(|free| free > port));
    assert!(corner.status().await.is_empty());
    drop(listener);
    corner.up(&text).await.unwrap();
    // Its own port is no obstacle to being made anew.
    corner
        .up(&text.replace("sleep 1000", "sleep 999"))
        .await
        .unwrap();

    let other = Corner::new("").await.unwrap();
    let error = other.up(&text).await.unwrap_err();
    assert!(
        error.to_string().contains(&format!("{}-a-1", corner.name)),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains(&format!("of the project {}", corner.name)),
        "{error}"
    );
    // So does one of the same project that no file declares any more, until it is removed.
    let moved = text.replace("{a:", "{b:");
    let error = corner.up(&moved).await.unwrap_err();
    assert!(error.to_string().contains("a-1"), "{error}");
    let removing = UpOptions {
        remove_orphans: true,
        ..UpOptions::default()
    };
    corner.up_with(&moved, &removing).await.unwrap();
    assert_eq!(corner.status().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_every_port_that_is_held_is_told_with_the_way_to_another() {
    let Some(corner) =
        Corner::new("engine_every_port_that_is_held_is_told_with_the_way_to_another").await
    else {
        return;
    };
    let held: Vec<_> = (0..2)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let ports: Vec<u16> = held
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect();
    let text = format!(
        "services:\n  a:\n    image: busybox\n    ports:\n      - \"127.0.0.1:${{A_PORT:-{}}}:80\"\n      \
         - {{host_ip: 127.0.0.1, target: 81, published: {}}}\n",
        ports[0], ports[1]
    );
    let error = corner.up(&text).await.unwrap_err();
    let StackError::Several { failures } = &error else {
        panic!("{error}");
    };
    let hints: Vec<String> = failures
        .iter()
        .map(|failure| match failure {
            StackError::PortTaken { other, .. } => {
                format!("{:?} {}", other.variable, other.free.is_some())
            }
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(hints, [r#"Some("A_PORT") true"#, "None true"]);
    let fault = Fault::from(error);
    assert_eq!(fault.code, ErrorCode::PortTaken);
    let hint = fault.hint.unwrap();
    let file = corner.folder.path().join(".env");
    assert!(
        hint.contains("A_PORT=") && hint.contains(&file.display().to_string()),
        "{hint}"
    );
    let lines = fault.evidence.join("\n");
    assert!(
        lines.contains("compose.yml:5") && lines.contains("compose.yml:6"),
        "{lines}"
    );
    assert!(corner.status().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_what_others_use_is_not_taken_away() {
    let Some(corner) = Corner::new("engine_what_others_use_is_not_taken_away").await else {
        return;
    };
    let other = Corner::new("").await.unwrap();
    let text = "services: {a: {image: busybox, command: sleep 1000, stop_signal: SIGKILL, volumes: ['v:/v']}}\nvolumes: {v: {}}\n";
    corner.up(text).await.unwrap();
    let (volume, network) = (
        format!("{}_v", corner.name),
        format!("{}_default", corner.name),
    );
    let guest = format!(
        "services: {{guest: {{image: busybox, command: sleep 1000, stop_signal: SIGKILL, volumes: ['v:/v'], networks: [n]}}}}\n\
         volumes: {{v: {{external: true, name: {volume}}}}}\nnetworks: {{n: {{external: true, name: {network}}}}}\n"
    );
    other.up(&guest).await.unwrap();
    let error = corner.down(true).await.unwrap_err();
    let StackError::InUse { users, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(users, &[format!("{}-guest-1", other.name)]);

    // A name that is somebody else's.
    let named = format!(
        "services: {{a: {{image: busybox, container_name: {}-guest-1}}}}\n",
        other.name
    );
    let error = corner.up(&named).await.unwrap_err();
    assert!(matches!(error, StackError::NameTaken { .. }), "{error}");
    other.down(true).await.unwrap();
    corner.down(true).await.unwrap();
    let error = other.up(&guest).await.unwrap_err();
    assert!(error.to_string().contains("it is external"), "{error}");
}
