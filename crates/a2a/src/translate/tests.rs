use proptest::prelude::*;

use super::*;
use crate::message::read_event;

const OLD: &str = r#"{"jsonrpc":"2.0","id":"s-1","method":"message/stream","params":{"message":{"kind":"message",
    "messageId":"m","role":"user","contextId":"c","x-own":1,"parts":[{"kind":"text","text":"hi","metadata":{"a":1}},
    {"kind":"file","file":{"name":"n","mimeType":"a/b","uri":"http://u"}},{"kind":"hologram","light":2}]},
    "configuration":{"blocking":false,"historyLength":3},"metadata":{"session_id":"s"}}}"#;
const NEW: &str = r#"{"jsonrpc":"2.0","id":"s-1","method":"SendStreamingMessage","params":{"message":{
    "messageId":"m","role":"ROLE_USER","contextId":"c","x-own":1,"parts":[{"text":"hi","metadata":{"a":1}},
    {"filename":"n","mediaType":"a/b","url":"http://u"},{"kind":"hologram","light":2}]},
    "configuration":{"returnImmediately":true,"historyLength":3},"metadata":{"session_id":"s"}}}"#;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_call_is_turned_both_ways() {
    let (old, new) = (value(OLD), value(NEW));
    assert_eq!(request(&old, Spelling::V1), Some(new.clone()));
    assert_eq!(request(&new, Spelling::V0), Some(old.clone()));
    assert_eq!(request(&old, Spelling::V0), Some(old.clone()), "already so");
    assert_eq!(request(&new, Spelling::V1), Some(new));
}

#[test]
fn what_cannot_be_turned_is_told() {
    for call in [
        json!({}),
        json!({"method": 7}),
        json!({"method": "x"}),
        json!({"method": "tasks/pushNotificationConfig/set"}),
    ] {
        assert_eq!(request(&call, Spelling::V1), None, "{call}");
    }
}

#[test]
fn a_new_caller_waits_for_an_old_agent() {
    let call =
        json!({"method": "SendMessage", "params": {"message": {"parts": []}, "configuration": {}}});
    assert_eq!(
        request(&call, Spelling::V0).unwrap()["params"]["configuration"],
        json!({"blocking": true})
    );
}

#[test]
fn answers_are_turned_both_ways() {
    let status = |state: &str| json!({"state": state, "timestamp": "2026-01-01T00:00:00Z"});
    let cases = [
        (
            Method::Stream,
            json!({"kind": "status-update", "taskId": "t", "contextId": "c", "status": status("input-required"), "final": true}),
            json!({"statusUpdate": {"taskId": "t", "contextId": "c", "status": status("TASK_STATE_INPUT_REQUIRED")}}),
        ),
        (
            Method::Stream,
            json!({"kind": "artifact-update", "taskId": "t", "artifact": {"artifactId": "a", "parts": [{"kind": "text", "text": "x"}]}, "append": true}),
            json!({"artifactUpdate": {"taskId": "t", "artifact": {"artifactId": "a", "parts": [{"text": "x"}]}, "append": true}}),
        ),
        (
            Method::Send,
            json!({"kind": "message", "messageId": "m", "role": "agent", "parts": [{"kind": "data", "data": {"n": 1}}]}),
            json!({"message": {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"data": {"n": 1}, "mediaType": "application/json"}]}}),
        ),
        (
            Method::Send,
            json!({"kind": "task", "id": "t", "status": status("completed"), "history": [
                {"kind": "message", "messageId": "m", "role": "user", "parts": []}]}),
            json!({"task": {"id": "t", "status": status("TASK_STATE_COMPLETED"), "history": [
                {"messageId": "m", "role": "ROLE_USER", "parts": []}]}}),
        ),
        (
            Method::GetTask,
            json!({"kind": "task", "id": "t", "status": status("working")}),
            json!({"id": "t", "status": status("TASK_STATE_WORKING")}),
        ),
    ];
    for (method, old, new) in cases {
        let envelope = |result: &Value| json!({"jsonrpc": "2.0", "id": 1, "result": result});
        assert_eq!(
            response(&envelope(&old), method, Spelling::V1),
            envelope(&new)
        );
        assert_eq!(
            response(&envelope(&new), method, Spelling::V0),
            envelope(&old)
        );
        assert_eq!(
            response(&envelope(&old), method, Spelling::V0),
            envelope(&old),
            "already so"
        );
        assert_eq!(
            response(&envelope(&new), method, Spelling::V1),
            envelope(&new),
            "already so"
        );
    }
    let error =
        json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32001, "message": "Task not found"}});
    assert_eq!(response(&error, Method::GetTask, Spelling::V1), error);
}

proptest! {
    #[test]
    fn an_answer_means_the_same_afterwards(text in ".{0,12}", state in prop::sample::select(vec!["working", "completed", "failed"]), last: bool) {
        let update = json!({"kind": "artifact-update", "taskId": "t", "artifact": {"artifactId": "a", "parts": [{"kind": "text", "text": text}]}, "lastChunk": last});
        let task = json!({"kind": "task", "id": "t", "status": {"state": state}});
        for old in [update, task] {
            let envelope = json!({"result": old});
            let turned = response(&envelope, Method::Stream, Spelling::V1);
            prop_assert_eq!(read_event(&turned["result"]), read_event(&old));
            prop_assert_eq!(response(&turned, Method::Stream, Spelling::V0), envelope);
        }
    }
}
