use std::process::Command;

use super::*;
use crate::compose::Build;

#[tokio::test(flavor = "multi_thread")]
async fn engine_containers_of_other_tools_are_recognised_and_taken_over() {
    let test = "engine_containers_of_other_tools_are_recognised_and_taken_over";
    let Some(corner) = Corner::new(test).await else {
        return;
    };
    let text = "
version: '3.8'
services:
  db: {image: busybox, command: sleep 1000, stop_signal: SIGKILL, volumes: ['data:/data']}
  web: {image: busybox, command: sleep 1000, stop_signal: SIGKILL, depends_on: [db]}
volumes: {data: {}}
";
    corner.read(text);
    let compose = |arguments: &[&str]| {
        Command::new("docker-compose")
            .args(["-p", &corner.name, "-f", "compose.yml"])
            .args(arguments)
            .env("DOCKER_HOST", &corner.host)
            .current_dir(corner.folder.path())
            .output()
    };
    match compose(&["up", "-d"]) {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => return skip(test, &format!("docker-compose: {error}")),
    }
    let found = corner.status().await;
    let services: Vec<&str> = found.iter().map(|found| found.service.as_str()).collect();
    assert_eq!(services, ["db", "web"]);
    corner
        .run("db", &["sh", "-c", "echo kept > /data/file"])
        .await;

    let outcome = corner.up(text).await.unwrap();
    let db = outcome.plan.container("db").unwrap();
    assert!(
        matches!(
            &db.action,
            Action::Recreate {
                reason: Reason::OtherTool,
                ..
            }
        ),
        "{db:?}"
    );
    assert_eq!(corner.run("db", &["cat", "/data/file"]).await.1, "kept\n");
    assert!(corner.up(text).await.unwrap().plan.is_settled());

    // And the other way round: the other tool sees ours.
    let listed = compose(&["ps", "--services", "--filter", "status=running"]).unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("db") && listed.contains("web"), "{listed}");
}

fn context(build: &Build, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let mut archive = tar::Builder::new(out);
    archive.append_dir_all(".", &build.context)?;
    archive.finish()
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_images_are_built_from_folders_and_from_the_file_itself() {
    let Some(corner) =
        Corner::new("engine_images_are_built_from_folders_and_from_the_file_itself").await
    else {
        return;
    };
    let folder = corner.folder.path().join("app");
    fs_err::create_dir(&folder).unwrap();
    fs_err::write(
        folder.join("Dockerfile"),
        "FROM busybox AS first\nARG WHAT\nRUN echo \"$WHAT\" > /what\n",
    )
    .unwrap();
    let text = "
services:
  folder: {build: {context: app, target: first, args: {WHAT: from an argument}}, command: sleep 1000, stop_signal: SIGKILL}
  inline: {build: {dockerfile_inline: \"FROM busybox\\nRUN echo inline > /what\\n\", context: app}, command: sleep 1000, stop_signal: SIGKILL}
";
    let options = UpOptions {
        write_context: Some(Arc::new(context)),
        ..UpOptions::default()
    };
    corner.up_with(text, &options).await.unwrap();
    assert_eq!(
        corner.run("folder", &["cat", "/what"]).await.1,
        "from an argument\n"
    );
    assert_eq!(corner.run("inline", &["cat", "/what"]).await.1, "inline\n");
    assert!(
        corner
            .up_with(text, &options)
            .await
            .unwrap()
            .plan
            .is_settled()
    );

    let broken = "services: {broken: {build: {dockerfile_inline: \"FROM busybox\\nRUN false\\n\", context: app}}}\n";
    let error = corner.up_with(broken, &options).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::BuildStepFailed, "{error}");

    // Built anew from the same, it is the same image, and nothing is made anew.
    let mut again = options.clone();
    again.plan.build = true;
    let before = corner.container("folder").await.id;
    corner.up_with(text, &again).await.unwrap();
    assert_eq!(corner.container("folder").await.id, before);
    let client = corner.stack.engine.client().await.unwrap();
    corner.down(true).await.unwrap();
    let no_options = None::<bollard::query_parameters::RemoveImageOptions>;
    for service in ["folder", "inline"] {
        let image = format!("{}-{service}", corner.name);
        client
            .remove_image(&image, no_options.clone(), None)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_secrets_reach_services_whose_root_cannot_be_written_to() {
    let Some(corner) =
        Corner::new("engine_secrets_reach_services_whose_root_cannot_be_written_to").await
    else {
        return;
    };
    let text = "
services:
  safe: {image: busybox, command: sleep 1000, stop_signal: SIGKILL, read_only: true, secrets: [password]}
secrets: {password: {content: hunter2}}
";
    corner.up(text).await.unwrap();
    assert_eq!(
        corner.run("safe", &["cat", "/run/secrets/password"]).await,
        (0, "hunter2".to_owned())
    );
    assert_ne!(corner.run("safe", &["touch", "/file"]).await.0, 0);
    let client = corner.stack.engine.client().await.unwrap();
    let found = client
        .inspect_container(&corner.container("safe").await.id, None)
        .await
        .unwrap();
    assert!(!format!("{found:?}").contains("hunter2"));
    // Another value is another container.
    let before = SystemTime::now();
    corner
        .up(&text.replace("hunter2", "hunter3"))
        .await
        .unwrap();
    assert_eq!(
        corner
            .run("safe", &["cat", "/run/secrets/password"])
            .await
            .1,
        "hunter3"
    );
    assert!(corner.container("safe").await.started_at > Some(before));
}
