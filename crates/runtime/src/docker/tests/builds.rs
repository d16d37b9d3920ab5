//! Images: what a build tells, why it fails, that it can be left.

use super::*;

async fn failure(corner: &Corner, dockerfile: &str) -> RuntimeError {
    let plan = corner.plan("broken", dockerfile, &[]);
    corner.build(&plan).await.expect_err("the build fails")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_built_with_its_steps_told_and_then_reused() {
    let Some(corner) = Corner::new("an_image_is_built_with_its_steps_told_and_then_reused").await
    else {
        return;
    };
    let dockerfile = "FROM BASE\nARG WORD\nCOPY page /index.html\nRUN echo built with $WORD\nEXPOSE 8000\n\
        CMD [\"/bin/sh\", \"-c\", \"exec httpd -f -p $PORT -h /\"]\n";
    let mut plan = corner.plan("1.0.0", dockerfile, &[("page", "from the image")]);
    plan.build_args.insert("WORD".to_owned(), "care".to_owned());
    let (prepared, told) = corner.build(&plan).await.unwrap();
    assert!(!prepared.reused);
    let steps: Vec<_> = told
        .iter()
        .filter_map(|progress| match progress {
            Progress::Step { index, total, text } => {
                Some((*index, *total, text.split(' ').next().unwrap()))
            }
            Progress::Line(_) => None,
        })
        .collect();
    assert_eq!(steps[..3], [(1, 7, "FROM"), (2, 7, "ARG"), (3, 7, "COPY")]);
    assert!(told.iter().any(
        |progress| matches!(progress, Progress::Line(line) if line.text == "built with care")
    ));

    let (again, told) = corner.build(&plan).await.unwrap();
    assert!(
        again.reused && told.is_empty(),
        "an unchanged image is not built again"
    );
    assert_eq!(
        corner.runtime.images().await.unwrap(),
        [corner.tag("1.0.0")]
    );

    let mut spec = corner.spec("d-1", &[]);
    spec.artifact = prepared.artifact;
    let instance = corner.start(&spec).await.unwrap();
    let address = instance.address.unwrap();
    assert!(
        eventually("an answer", async || get(address))
            .await
            .contains("from the image")
    );
    corner.runtime.remove(&instance.id).await.unwrap();
    corner
        .runtime
        .remove_image(&corner.tag("1.0.0"))
        .await
        .unwrap();
    corner
        .runtime
        .remove_image(&corner.tag("1.0.0"))
        .await
        .expect("removing twice is fine");
    assert!(corner.runtime.images().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_dockerfile_travels_beside_the_folder() {
    let Some(corner) = Corner::new("a_generated_dockerfile_travels_beside_the_folder").await else {
        return;
    };
    let mut plan = corner.plan("1.0.0", "this one is not read", &[("page", "x")]);
    plan.generated_dockerfile = Some(format!("FROM {}\nCOPY page /page\n", corner.base()));
    assert!(!corner.build(&plan).await.unwrap().0.reused);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_name_their_cause() {
    let Some(corner) = Corner::new("failures_name_their_cause").await else {
        return;
    };
    let failed = failure(
        &corner,
        "FROM BASE\nRUN echo before; echo the reason >&2; exit 7\n",
    )
    .await;
    let RuntimeError::BuildStepFailed {
        step,
        total,
        instruction,
        lines,
    } = &failed
    else {
        panic!("{failed:?}")
    };
    assert_eq!((*step, *total), (2, 3));
    assert!(instruction.starts_with("RUN echo before"), "{instruction}");
    assert!(lines.iter().any(|line| line == "the reason"), "{lines:?}");
    assert!(lines.last().unwrap().contains('7'), "{lines:?}");

    for (dockerfile, code) in [
        ("FROM BASE\nCOPY absent /absent\n", ErrorCode::CopyMissing),
        (
            "FROM localhost:1/no/such:image\n",
            ErrorCode::BaseImageMissing,
        ),
        ("FRM BASE\n", ErrorCode::DockerfileBroken),
        ("\n", ErrorCode::DockerfileBroken),
    ] {
        let failed = failure(&corner, dockerfile).await;
        assert_eq!(failed.code(), code, "{dockerfile}: {failed:?}");
        assert!(
            nasiko_contract::Fault::from(failed).hint.is_some(),
            "{dockerfile}"
        );
    }

    let mut elsewhere = corner.plan("broken", "FROM BASE\n", &[]);
    elsewhere.dockerfile = Some("deploy/Dockerfile".into());
    let failed = corner.build(&elsewhere).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::DockerfileBroken, "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_that_cannot_be_written_is_told_as_such() {
    let Some(corner) = Corner::new("a_context_that_cannot_be_written_is_told_as_such").await else {
        return;
    };
    let mut plan = corner.plan("1.0.0", "", &[]);
    plan.context = Arc::new(|out: &mut dyn std::io::Write| {
        out.write_all(&vec![0; 100_000])?;
        Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
    });
    let failed = corner.build(&plan).await.unwrap_err();
    assert_eq!(failed.code(), ErrorCode::DiskFull, "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_build_ends_in_the_engine_too() {
    let Some(corner) = Corner::new("a_cancelled_build_ends_in_the_engine_too").await else {
        return;
    };
    let plan = corner.plan("1.0.0", "FROM BASE\nRUN echo waiting; sleep 600\n", &[]);
    let cancel = CancellationToken::new();
    let sink = |progress: Progress| {
        if matches!(&progress, Progress::Line(line) if line.text == "waiting") {
            cancel.cancel();
        }
    };
    let building = corner.runtime.prepare(&plan, &sink, &cancel);
    let cancelled = tokio::time::timeout(PATIENCE, building)
        .await
        .expect("it ends in time")
        .unwrap_err();
    assert!(
        matches!(cancelled, RuntimeError::Cancelled { .. }),
        "{cancelled}"
    );
    let of_the_build = HashMap::from([("ancestor".to_owned(), vec![corner.base()])]);
    eventually("the end of the build's container", async || {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&of_the_build)
            .build();
        corner
            .docker
            .list_containers(Some(options))
            .await
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
}
