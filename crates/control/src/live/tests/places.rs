//! Agents that insist on a port, so that only one of them can run.

use std::net::TcpListener;

use nasiko_contract::{AgentState, RestartAgent, UpdateState};

use super::harness::{AGENT, Edited};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_on_a_port_of_its_own_is_replaced_in_place_and_callers_wait() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let program = AGENT.replace("int(os.environ[\"PORT\"])", &port.to_string());
    let edited = Edited::deploy_program(&program).await;
    edited.says("one").await;
    edited.say("two");
    edited.says("two").await;
    let update = edited.update(0).await;
    assert_eq!(update.state, UpdateState::Live, "{update:#?}");

    // Nobody is refused while it is replaced once more.
    edited.say("three");
    while let Some(answer) = edited.answer().await {
        if answer == "three" {
            break;
        }
    }
    assert_eq!(edited.answer().await.as_deref(), Some("three"));

    let restart = RestartAgent {
        agent: edited.name.clone(),
    };
    edited.job(restart).await;
    assert_eq!(edited.answer().await.as_deref(), Some("three"));

    // There is no way back from a version that fails, and that is said.
    edited.write("words.py", "SAID = (\n");
    let failed = edited.update(2).await;
    assert_eq!(failed.state, UpdateState::Failed);
    assert_eq!(edited.agent().await.state, AgentState::Failed);
    edited.say("four");
    edited.says("four").await;
    edited.end().await;
}
