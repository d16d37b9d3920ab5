//! What scripts rely on: the documents of `--json`, field by field.

use nasiko_contract::{
    AgentDescription, ChatSession, CreateBrowserCode, DeployArchive, DeployDirectory, DeployGit,
    FollowAgentLogs, FollowJobLog, GetAgent, GetTrace, Inspect, Job, ListAgents, ListDeadLetters,
    ListJobs, ListRegistry, ListSecrets, ListSessions, ListTraces, LogLine, RegistryEntry,
    RestartAgent, SecretInfo, Trace, TraceSummary,
};
use nasiko_server::testing::{Reply, filled_example_of};
use serde_json::{Value, json};

use crate::scene::{Scene, agent, deployed, job, page};

fn scene() -> Scene {
    let scene = Scene::new();
    let plane = scene.plane();
    plane.reply::<ListAgents>(page(&[agent()]));
    plane.reply::<GetAgent>(Reply::Document(agent()));
    plane.reply::<Inspect>(Reply::Document(filled_example_of::<AgentDescription>()));
    plane.reply::<DeployDirectory>(Reply::Document(job("queued", &json!({}))));
    plane.reply::<DeployGit>(Reply::Document(job("queued", &json!({}))));
    plane.reply::<RestartAgent>(Reply::Document(job("queued", &json!({"kind": "restart"}))));
    plane.reply::<FollowJobLog>(Reply::Items(vec![
        json!({"line": "Step 1"}),
        json!({"job": job("running", &json!({}))}),
        json!({"job": deployed()}),
    ]));
    plane.reply::<FollowAgentLogs>(Reply::Items(vec![filled_example_of::<LogLine>(); 2]));
    plane.reply::<ListJobs>(page(&[filled_example_of::<Job>()]));
    plane.reply::<ListDeadLetters>(page(&[filled_example_of::<Job>()]));
    plane.reply::<ListTraces>(page(&[filled_example_of::<TraceSummary>()]));
    plane.reply::<GetTrace>(Reply::Document(filled_example_of::<Trace>()));
    plane.reply::<ListSessions>(page(&[filled_example_of::<ChatSession>()]));
    plane.reply::<ListSecrets>(page(&[filled_example_of::<SecretInfo>()]));
    plane.reply::<ListRegistry>(page(&[filled_example_of::<RegistryEntry>()]));
    plane.reply::<CreateBrowserCode>(Reply::Document(
        json!({"url": "http://127.0.0.1:8000/enter?code=c"}),
    ));
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_of_every_command() {
    let scene = scene();
    let mut text = String::new();
    for line in [
        "status",
        "inspect agent",
        "deploy agent",
        "clone octo/agent",
        "ps",
        "restart greeter",
        "rebuild greeter",
        "rm greeter --yes",
        "logs greeter",
        "sessions",
        "traces",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "registry list",
        "registry get greeter",
        "registry-update greeter --description Words",
        "secret set greeter KEY value",
        "secret list",
        "secret rm greeter KEY",
        "jobs",
        "jobs get job-1",
        "jobs log job-1",
        "dead-letters",
        "settings",
        "open",
    ] {
        scene.folder();
        let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
        let ran = scene.run(&words).await;
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        assert_eq!(ran.stderr, "", "{line} must not talk");
        let documents: Vec<Value> = ran
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        text.extend(["$ nasiko ", line, " --json\n"]);
        for document in documents {
            text.push_str(&serde_json::to_string_pretty(&document).unwrap());
            text.push('\n');
        }
        text.push('\n');
    }
    insta::with_settings!({ filters => [(r#""pid": \d+"#, r#""pid": PID"#)] }, {
        insta::assert_snapshot!("documents", text);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_every_command() {
    let scene = scene();
    let mut text = String::new();
    for line in [
        "deploy agent",
        "inspect agent",
        "ps",
        "restart greeter",
        "rm greeter --yes",
        "logs greeter --timestamps",
        "registry get greeter",
        "secret list",
        "jobs get job-1",
        "jobs log job-1",
        "settings",
        "open --print",
    ] {
        scene.folder();
        let words: Vec<&str> = line.split(' ').collect();
        let ran = scene.run(&words).await;
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
        text.extend([
            "$ nasiko ",
            line,
            "\n",
            &ran.stdout,
            "--\n",
            &ran.stderr,
            "\n",
        ]);
    }
    insta::with_settings!({ filters => [(r"  \d+d  ", "  AGE  ")] }, {
        insta::assert_snapshot!("words", text);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_asks_for_what_was_said() {
    let scene = scene();
    let folder = scene.folder();
    let mut command = scene.program(&[
        "deploy",
        "./agent/../agent",
        "--name",
        "x",
        "--runtime",
        "docker",
        "--env",
        "A=1=2",
        "-e",
        "TAKEN",
        "--force",
    ]);
    command.env("TAKEN", "from outside");
    let ran = crate::scene::finish(command, None).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let request = scene.plane().calls_of::<DeployDirectory>()[0]
        .request
        .clone();
    let expected = json!({
        "directory_path": folder.to_str().unwrap(), "agent_name": "x", "runtime": "docker",
        "env": {"A": "1=2", "TAKEN": "from outside"}, "force": true,
    });
    assert_eq!(request, expected);

    scene.run(&["deploy", "octo/agent", "-b", "dev"]).await;
    scene.run(&["clone", "https://example.org/a.git"]).await;
    let git = scene.plane().calls_of::<DeployGit>();
    assert_eq!(
        git[0].request,
        json!({"repository_full_name": "octo/agent", "branch": "dev"})
    );
    assert_eq!(git[1].request, json!({"url": "https://example.org/a.git"}));

    std::fs::write(folder.join("a.zip"), "zipped").unwrap();
    scene
        .plane()
        .reply::<DeployArchive>(Reply::Document(job("queued", &json!({}))));
    let ran = scene
        .run(&["upload-zip", "agent/a.zip", "--name", "x", "-e", "A=1"])
        .await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let upload = scene.plane().calls_of::<DeployArchive>()[0].clone();
    assert_eq!(
        upload.request,
        json!({"agent_name": "x", "env": {"A": "1"}})
    );
    assert_eq!(upload.file, Some(("a.zip".to_owned(), b"zipped".to_vec())));
}
