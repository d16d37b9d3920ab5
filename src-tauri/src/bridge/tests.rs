use std::sync::mpsc;

use serde_json::json;
use tauri::{
    WebviewWindow, WebviewWindowBuilder,
    ipc::{CallbackFn, InvokeBody},
    test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder},
    webview::InvokeRequest,
};

use super::*;
use crate::window::{MAIN, with_bridge};

fn call(operation: &str, target: &str) -> BridgeCall {
    BridgeCall {
        operation: operation.to_owned(),
        target: target.to_owned(),
        body: None,
    }
}

#[test]
fn an_operation_with_its_own_target_passes() {
    for (operation, target) in [
        ("agents.list", "/api/v1/agents?limit=5"),
        ("agents.get", "/api/v1/agents/greeter"),
        ("agents.stop", "/api/v1/agents/a%20b/stop"),
    ] {
        assert!(
            checked(call(operation, target), Shape::Json).is_ok(),
            "{operation} {target}"
        );
    }
}

#[test]
fn everything_else_is_refused() {
    for (operation, target) in [
        ("agents.shout", "/api/v1/agents"),
        ("agents.list", "/api/v1/settings"),
        ("agents.get", "/api/v1/agents/.."),
        ("agents.get", "/api/v1/agents/a/stop"),
        ("agents.get", "/api/v1/agents/"),
        ("agents.list", "/enter?code=1"),
        ("agents.list", "http://elsewhere.example/api/v1/agents"),
        ("agents.list", "/api/v1/agents?a=b c"),
        ("events.follow", "/api/v1/events"),
    ] {
        let refused = checked(call(operation, target), Shape::Json);
        assert!(
            refused.is_err_and(|fault| fault.code == ErrorCode::Forbidden),
            "{operation} {target}"
        );
    }
}

/// An application with the real commands, capabilities and policy, and windows that are not drawn.
struct Mock {
    app: tauri::App<MockRuntime>,
    home: tempfile::TempDir,
}

impl Mock {
    #[expect(clippy::exit, reason = "as in the program")]
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let app = with_bridge(mock_builder(), home.path())
            .build(tauri::generate_context!(test = true))
            .unwrap();
        Self { app, home }
    }

    fn window(&self, label: &str) -> WebviewWindow<MockRuntime> {
        WebviewWindowBuilder::new(&self.app, label, tauri::WebviewUrl::default())
            .build()
            .unwrap()
    }
}

/// What a page at `address` in `window` gets for a command.
fn ask(
    window: &WebviewWindow<MockRuntime>,
    address: &str,
    command: &str,
    arguments: Value,
) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: address.parse().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: tauri::http::HeaderMap::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}

const OURS: &str = if cfg!(windows) {
    "http://tauri.localhost"
} else {
    "tauri://localhost"
};

#[test]
fn the_one_window_is_answered_and_no_other_page_or_window() {
    let mock = Mock::new();
    let (main, other) = (mock.window(MAIN), mock.window("other"));
    assert_eq!(ask(&main, OURS, "remembered", json!({})), Ok(Value::Null));
    for (window, address) in [
        (&main, "https://elsewhere.example"),
        (&main, "http://127.0.0.1:8000"),
        (&main, "about:blank"),
        (&main, "data:text/html,x"),
        (&other, OURS),
    ] {
        for (command, arguments) in commands() {
            let refused = ask(window, address, command, arguments);
            let why = refused.expect_err(&format!("{command} at {address} in {}", window.label()));
            let why = why.to_string();
            assert!(why.contains("not allowed"), "{command} at {address}: {why}");
        }
    }
}

/// Every command there is, with arguments that would do.
fn commands() -> Vec<(&'static str, Value)> {
    let call = json!({ "operation": "agents.list", "target": "/api/v1/agents", "body": null });
    vec![
        ("rpc", json!({ "call": call })),
        (
            "rpc_stream",
            json!({ "call": call, "channel": "__CHANNEL__:1" }),
        ),
        ("rpc_cancel", json!({ "stream": 1 })),
        ("contexts", json!({})),
        ("use_context", json!({ "name": "local" })),
        (
            "add_context",
            json!({ "context": { "name": "work", "place": "/tmp/work" } }),
        ),
        (
            "edit_context",
            json!({ "name": "work", "change": { "color": "rose" } }),
        ),
        ("remove_context", json!({ "name": "work" })),
        ("look_at_context", json!({ "name": "local" })),
        ("remember", json!({ "state": { "path": "/" } })),
        ("remembered", json!({})),
        ("opened", json!({ "channel": "__CHANNEL__:1" })),
        ("first_frame", json!({ "dark": true })),
        ("painted", json!({})),
        ("pick", json!({ "folder": true })),
        ("look_for_update", json!({})),
        ("zoom", json!({ "change": "in" })),
    ]
}

#[test]
fn no_command_of_the_framework_is_open_to_the_page() {
    let mock = Mock::new();
    let main = mock.window(MAIN);
    for command in [
        "plugin:window|close",
        "plugin:window|set_size",
        "plugin:webview|create_webview_window",
        "plugin:webview|internal_toggle_devtools",
        "plugin:event|emit",
        "plugin:path|resolve_directory",
        "plugin:app|version",
        "plugin:resources|close",
        "plugin:image|from_path",
        "plugin:fs|read_text_file",
        "plugin:shell|execute",
        "plugin:dialog|open",
        "no_such_command",
    ] {
        let refused = ask(&main, OURS, command, json!({}));
        assert!(refused.is_err(), "{command}: {refused:?}");
    }
}

#[test]
fn where_a_person_was_is_given_back_and_bounded() {
    let mock = Mock::new();
    let main = mock.window(MAIN);
    let state = json!({
        "path": "/agents/greeter",
        "scrolls": { "": 120, "Messages": 30 },
        "drafts": "[[\"greeter\",\"Hel\"]]",
    });
    assert_eq!(
        ask(&main, OURS, "remember", json!({ "state": state })),
        Ok(Value::Null)
    );
    assert_eq!(ask(&main, OURS, "remembered", json!({})), Ok(state.clone()));
    for (wrong, code) in [
        (
            json!({ "path": "/", "drafts": "x".repeat(300_000) }),
            "limit",
        ),
        (json!({ "path": "https://elsewhere.example" }), "invalid"),
        (json!({ "path": "//elsewhere.example" }), "invalid"),
    ] {
        let refused = ask(&main, OURS, "remember", json!({ "state": wrong })).unwrap_err();
        assert!(
            refused["code"].as_str().unwrap().contains(code),
            "{refused}"
        );
    }
    assert_eq!(
        ask(&main, OURS, "remembered", json!({})),
        Ok(state),
        "what was refused is not kept"
    );
}

#[test]
fn zoom_is_given_in_percent_and_kept() {
    let mock = Mock::new();
    let main = mock.window(MAIN);
    for (change, percent) in [("in", 110), ("in", 125), ("out", 110), ("reset", 100)] {
        assert_eq!(
            ask(&main, OURS, "zoom", json!({ "change": change })),
            Ok(json!(percent))
        );
    }
    assert!(ask(&main, OURS, "zoom", json!({ "change": "sideways" })).is_err());
}

#[test]
fn a_build_that_names_no_place_for_updates_says_so() {
    let mock = Mock::new();
    let main = mock.window(MAIN);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        ask(&main, OURS, "look_for_update", json!({})),
        Ok(json!({ "kind": "notConfigured", "version": version }))
    );
}

#[test]
fn contexts_are_listed_and_chosen_by_name() {
    let mock = Mock::new();
    let main = mock.window(MAIN);
    let list = ask(&main, OURS, "contexts", json!({})).unwrap();
    assert_eq!(
        (&list["current"], &list["all"][0]["name"]),
        (&json!("local"), &json!("local"))
    );
    let refused = ask(&main, OURS, "use_context", json!({ "name": "nowhere" })).unwrap_err();
    assert_eq!(refused["code"], json!(ErrorCode::NotFound), "{refused}");

    let token = mock.home.path().join("token");
    fs_err::write(&token, "secret-of-far").unwrap();
    let far = Context {
        name: ContextName::new("far").unwrap(),
        place: Place::Remote {
            url: format!("http://127.0.0.1:{}", closed_port()),
            token_file: Some(token),
        },
        color: nasiko_client::context::Color::Rose,
    };
    Contexts::read(mock.home.path()).unwrap().add(far).unwrap();
    assert_eq!(
        ask(&main, OURS, "use_context", json!({ "name": "far" })),
        Ok(Value::Null)
    );
    let list = ask(&main, OURS, "contexts", json!({})).unwrap();
    assert_eq!(list["current"], "far");
    assert!(!list.to_string().contains("secret-of-far"), "{list}");
    assert_eq!(
        Contexts::read(mock.home.path())
            .unwrap()
            .current()
            .name
            .as_str(),
        "far"
    );
}

#[test]
fn contexts_are_added_edited_looked_at_and_removed() {
    let mock = Mock::new();
    let main = mock.window(MAIN);
    let names = |list: &Value| -> Vec<String> {
        let all = list["all"].as_array().unwrap().iter();
        all.map(|context| context["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let place = mock.home.path().join("work");
    let work = json!({ "name": "work", "place": place, "color": "rose" });
    let list = ask(&main, OURS, "add_context", json!({ "context": work })).unwrap();
    assert_eq!(names(&list), ["local", "work"]);
    let standing = ask(&main, OURS, "look_at_context", json!({ "name": "work" }));
    assert_eq!(standing, Ok(json!("notRunning")));
    let edit = |name: &str, change: Value| {
        let change = json!({ "name": name, "change": change });
        ask(&main, OURS, "edit_context", change)
    };
    let list = edit("work", json!({ "name": "job", "color": "amber" })).unwrap();
    assert_eq!(names(&list), ["local", "job"]);
    assert_eq!(list["all"][1]["color"], "amber");

    // A window goes along with the new name of its context, and does not lose it.
    ask(&main, OURS, "use_context", json!({ "name": "job" })).unwrap();
    let list = edit("job", json!({ "name": "task" })).unwrap();
    assert_eq!(list["current"], "task");
    let remove = || ask(&main, OURS, "remove_context", json!({ "name": "task" }));
    let refused = remove().unwrap_err();
    assert_eq!(refused["code"], json!(ErrorCode::Conflict), "{refused}");
    ask(&main, OURS, "use_context", json!({ "name": "local" })).unwrap();
    assert_eq!(names(&remove().unwrap()), ["local"]);

    // What is wrong is told at once.
    let file = mock.home.path().join("file");
    fs_err::write(&file, "").unwrap();
    for (place, what) in [
        (json!(file.join("in-it")), "can hold no data"),
        (
            json!(format!("http://127.0.0.1:{}", closed_port())),
            "token",
        ),
    ] {
        let context = json!({ "name": "wrong", "place": place });
        ask(&main, OURS, "add_context", json!({ "context": context })).unwrap();
        let fault = ask(&main, OURS, "look_at_context", json!({ "name": "wrong" })).unwrap_err();
        assert!(fault["message"].as_str().unwrap().contains(what), "{fault}");
        ask(&main, OURS, "remove_context", json!({ "name": "wrong" })).unwrap();
    }
    for context in [
        json!({ "name": "No name", "place": "/tmp/x" }),
        json!({ "name": "far", "place": "http://far.example" }),
        json!({ "name": "far", "place": "" }),
        json!({ "name": "far", "place": "/tmp/x", "tokenFile": "/tmp/token" }),
    ] {
        let refused = ask(&main, OURS, "add_context", json!({ "context": context })).unwrap_err();
        assert_eq!(
            refused["code"],
            json!(ErrorCode::InvalidRequest),
            "{refused}"
        );
    }
    assert!(edit("local", json!({ "color": "rose" })).is_err());
}

/// Calls go to the control plane of the context that was chosen, with its token.
#[test]
fn calls_go_to_the_chosen_context() {
    use std::io::{Read, Write};
    let mock = Mock::new();
    let main = mock.window(MAIN);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let token = mock.home.path().join("token");
    fs_err::write(&token, "token-of-far").unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs_err::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let far = Context {
        name: ContextName::new("far").unwrap(),
        place: Place::Remote {
            url: format!("http://{}", listener.local_addr().unwrap()),
            token_file: Some(token),
        },
        color: nasiko_client::context::Color::Rose,
    };
    Contexts::read(mock.home.path()).unwrap().add(far).unwrap();
    let (told, asked) = mpsc::sync_channel(8);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = vec![0; 16_384];
            let length = stream.read(&mut head).unwrap_or(0);
            let _ = told.send(String::from_utf8_lossy(&head[..length]).into_owned());
            let body = r#"{"items":[]}"#;
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
        }
    });
    ask(&main, OURS, "use_context", json!({ "name": "far" })).unwrap();
    let call = json!({ "operation": "agents.list", "target": "/api/v1/agents", "body": null });
    let answer = ask(&main, OURS, "rpc", json!({ "call": call })).unwrap();
    assert!(answer.as_str().unwrap().contains("items"), "{answer}");
    let request = asked
        .recv_timeout(std::time::Duration::from_secs(60))
        .unwrap()
        .to_lowercase();
    assert!(request.starts_with("get /api/v1/agents "), "{request}");
    assert!(request.contains("token-of-far"), "{request}");
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
