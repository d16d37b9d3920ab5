//! Containers: run, replaced, explained, found again.

use bollard::models::{NetworkConnectRequest, NetworkDisconnectRequest};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_container_runs_answers_is_measured_and_stopped() {
    let Some(corner) = Corner::new("a_container_runs_answers_is_measured_and_stopped").await else {
        return;
    };
    let mut events = corner.runtime.events();
    let mut spec = corner.server("d-1");
    spec.env = vec![(
        "API_KEY".to_owned(),
        SecretString::from("canary-4711").into(),
    )];
    spec.limits = Limits {
        memory_bytes: Some(64 << 20),
        milli_cpus: Some(500),
        pids: Some(50),
        ..Limits::default()
    };
    let instance = corner.start(&spec).await.unwrap();
    assert_eq!(
        (instance.state, instance.deployment_id.as_str()),
        (InstanceState::Running, "d-1")
    );
    let address = instance.address.unwrap();
    assert!(address.ip().is_loopback());
    assert!(
        eventually("an answer", async || get(address))
            .await
            .contains("hello")
    );
    assert_eq!(corner.runtime.listening(&instance.id).await, [8000]);
    assert_eq!(
        corner.runtime.list().await.unwrap(),
        std::slice::from_ref(&instance)
    );
    assert!(corner.runtime.network_gateway().await.unwrap().is_some());

    let stats = corner.runtime.stats(&instance.id).await.unwrap();
    assert_eq!(stats.memory_limit_bytes, Some(64 << 20));
    assert!(stats.memory_bytes > 0 && stats.tasks >= 1, "{stats:?}");

    let container = corner
        .docker
        .inspect_container(&instance.handle, None)
        .await
        .unwrap();
    let mut shown = container.clone();
    shown.config.as_mut().unwrap().env = None;
    assert!(
        !format!("{shown:?}").contains("canary-4711"),
        "a secret is shown beyond the environment"
    );
    assert_eq!(
        container
            .host_config
            .unwrap()
            .restart_policy
            .unwrap()
            .name
            .unwrap()
            .to_string(),
        "no"
    );
    let labels = container.config.unwrap().labels.unwrap();
    assert_eq!(labels[label::NAME], corner.agent());
    assert_eq!(labels[label::TYPE], "agent");

    let query = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let lines = corner.runtime.logs(&instance.id, query).await.unwrap();
    corner
        .runtime
        .stop(&instance.id, Duration::from_secs(5))
        .await
        .unwrap();
    corner
        .runtime
        .stop(&instance.id, Duration::from_secs(5))
        .await
        .expect("stopping twice is fine");
    let lines: Vec<_> = tokio::time::timeout(PATIENCE, lines.collect())
        .await
        .expect("following ends in time");
    let has = |stream, text| {
        lines
            .iter()
            .any(|line| line.stream == stream && line.text == text)
    };
    assert!(
        has(LogStream::Stdout, "serving on 8000") && has(LogStream::Stderr, "to stderr"),
        "{lines:?}"
    );

    event(&mut events, |event| {
        matches!(event, RuntimeEvent::Started { ours: true, .. }).then_some(())
    })
    .await;
    let exit = event(&mut events, |event| match event {
        RuntimeEvent::Exited(exit) => Some(exit),
        _ => None,
    })
    .await;
    assert!(exit.requested && exit.instance == instance.id);
    assert!(matches!(
        corner.runtime.list().await.unwrap()[0].state,
        InstanceState::Exited { .. }
    ));
    corner.runtime.remove(&instance.id).await.unwrap();
    corner
        .runtime
        .remove(&instance.id)
        .await
        .expect("removing twice is fine");
    assert!(corner.runtime.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_starts_beside_the_old_one_and_takes_its_name() {
    let Some(corner) =
        Corner::new("a_new_version_starts_beside_the_old_one_and_takes_its_name").await
    else {
        return;
    };
    let name_of = async |instance: &Instance| {
        corner
            .docker
            .inspect_container(&instance.handle, None)
            .await
            .unwrap()
            .name
            .unwrap()
    };
    let old = corner.start(&corner.server("d-00000001")).await.unwrap();
    let new = corner.start(&corner.server("d-00000002")).await.unwrap();
    let plain = format!("/agent-{}", corner.agent());
    assert_eq!(name_of(&old).await, plain);
    assert_eq!(name_of(&new).await, format!("{plain}-00000002"));
    let again = corner
        .start(&corner.server("d-00000002"))
        .await
        .unwrap_err();
    assert!(matches!(again, RuntimeError::InvalidSpec { .. }), "{again}");

    corner.runtime.promote(&new.id).await.unwrap();
    corner
        .runtime
        .promote(&new.id)
        .await
        .expect("promoting twice is fine");
    assert_eq!(name_of(&new).await, plain);
    assert_eq!(
        name_of(&old).await,
        format!("{plain}-00000001"),
        "the old one made room"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_explained() {
    let Some(corner) = Corner::new("an_end_is_explained").await else {
        return;
    };
    let script = "echo 'Error: DATABASE_URL is not set' >&2; exit 3";
    let crashed = corner
        .start(&corner.spec("d-1", &["/bin/sh", "-c", script]))
        .await
        .unwrap();
    let exit = corner.exit(&crashed).await;
    assert_eq!((exit.code, exit.requested), (Some(3), false));
    assert_eq!(diagnose(&exit).code, ErrorCode::MissingVariable, "{exit:?}");

    let mut hungry = corner.spec("d-2", &["/bin/sh", "-c", "tail /dev/zero"]);
    hungry.limits.memory_bytes = Some(16 << 20);
    let hungry = corner.start(&hungry).await.unwrap();
    let exit = corner.exit(&hungry).await;
    assert!(exit.oom, "{exit:?}");

    let missing = corner
        .start(&corner.spec("d-3", &["/bin/no-such-program"]))
        .await
        .unwrap();
    let exit = corner.exit(&missing).await;
    assert_eq!(diagnose(&exit).code, ErrorCode::ToolMissing, "{exit:?}");

    let plan = corner.plan("nobody", "FROM BASE\nUSER nobody-at-all\n", &[]);
    let mut nobody = corner.server("d-4");
    nobody.artifact = corner.build(&plan).await.unwrap().0.artifact;
    let failed = corner.start(&nobody).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::StartFailed, "{failed:?}");
    assert_eq!(
        corner.runtime.list().await.unwrap().len(),
        3,
        "what could not start is removed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_start_leaves_nothing() {
    let Some(corner) = Corner::new("a_cancelled_start_leaves_nothing").await else {
        return;
    };
    let cancel = CancellationToken::new();
    cancel.cancel();
    let cancelled = corner
        .runtime
        .start(&corner.server("d-1"), &cancel)
        .await
        .unwrap_err();
    assert!(matches!(cancelled, RuntimeError::Cancelled { .. }));
    assert!(corner.runtime.list().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_control_plane_left_is_found() {
    let Some(corner) = Corner::new("what_another_control_plane_left_is_found").await else {
        return;
    };
    let running = corner.start(&corner.server("d-1")).await.unwrap();
    // As a crash between the engine's two steps leaves it.
    let spec = corner.server("d-2");
    super::super::container::create_only(&corner.runtime.shared, &spec)
        .await
        .unwrap();

    let later = runtime(&corner.host, &corner.unique);
    let mut listed = later.list().await.unwrap();
    listed.sort_by(|one, other| one.deployment_id.cmp(&other.deployment_id));
    assert_eq!(listed[0], running);
    assert_eq!(
        (listed[1].deployment_id.as_str(), listed[1].state),
        ("d-2", InstanceState::Created)
    );
    later.remove(&listed[1].id).await.unwrap();
    later.stop(&running.id, Duration::ZERO).await.unwrap();
    assert!(corner.exit(&running).await.signal.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_somebody_else_started_are_discovered() {
    let Some(corner) = Corner::new("agents_that_somebody_else_started_are_discovered").await else {
        return;
    };
    let mut events = corner.runtime.events();
    let other = DockerRuntime::new(DockerConfig {
        engine: EngineConfig::at(&corner.host),
        network: network(&corner.unique),
        ..DockerConfig::new("another installation")
    });
    let started = other
        .start(&corner.server("d-1"), &CancellationToken::new())
        .await
        .unwrap();
    let seen = event(&mut events, |event| match event {
        RuntimeEvent::Started {
            instance,
            ours: false,
        } => Some(instance),
        _ => None,
    })
    .await;
    assert_eq!(
        (&seen.handle, &seen.agent),
        (&started.handle, &started.agent)
    );
    assert_eq!(
        seen.id.as_str(),
        started.handle,
        "ids of others mean nothing"
    );
    let foreign = seen.foreign.as_ref().unwrap();
    assert_eq!(foreign.addresses.first().copied(), started.address);
    assert_eq!(seen.address, started.address);
    assert_eq!(
        foreign.group.as_deref(),
        Some("installation another installation")
    );
    assert_eq!(
        corner.runtime.foreign().await.unwrap(),
        std::slice::from_ref(&seen)
    );
    assert!(corner.runtime.list().await.unwrap().is_empty());
    let gone = async |events: &mut _| {
        event(events, |event| match event {
            RuntimeEvent::Left(id) => Some(id),
            _ => None,
        })
        .await
    };
    let network = network(&corner.unique);
    let disconnect = NetworkDisconnectRequest {
        container: seen.handle.clone(),
        force: Some(false),
    };
    let connect = NetworkConnectRequest {
        container: seen.handle.clone(),
        endpoint_config: None,
    };
    corner
        .docker
        .disconnect_network(&network, disconnect)
        .await
        .unwrap();
    assert_eq!(gone(&mut events).await, seen.id, "it left our network");
    corner
        .docker
        .connect_network(&network, connect)
        .await
        .unwrap();
    let again = event(&mut events, |event| match event {
        RuntimeEvent::Started {
            instance,
            ours: false,
        } => Some(instance),
        _ => None,
    });
    assert_eq!(again.await.id, seen.id);
    other.stop(&started.id, Duration::ZERO).await.unwrap();
    assert_eq!(gone(&mut events).await, seen.id);
}
