use axum::{http::HeaderMap, response::Response};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use rust_embed::RustEmbed;

use super::Scene;
use crate::web;

#[tokio::test]
async fn a_visitor_without_a_session_is_told_how_to_get_one() {
    let scene = Scene::new();
    for path in ["/", "/agents/greeter", "/docs"] {
        let response = scene.http.get(scene.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(response.text().await.unwrap().contains("nasiko open"));
    }
}

#[tokio::test]
async fn every_page_forbids_what_is_not_ours() {
    let scene = Scene::new();
    for path in ["/", "/docs"] {
        let response = scene.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        for rule in [
            "default-src 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ] {
            assert!(policy.contains(rule), "{rule} is missing of {policy}");
        }
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        let text = response.text().await.unwrap();
        for remote in ["http://", "https://", "style=", "onclick="] {
            assert!(
                !text.contains(remote),
                "{path} must not say {remote}: the policy forbids it"
            );
        }
    }
}

/// The desktop window shows the same pages under the same policy, but for the way to its own process.
#[test]
fn the_window_forbids_what_the_server_does() {
    let config: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tauri.conf.json")).unwrap();
    let security = &config["app"]["security"];
    let of_window = security["csp"].as_str().unwrap();
    assert_eq!(
        of_window.replace(" ipc: http://ipc.localhost", ""),
        web::POLICY
    );
    assert_eq!(security["freezePrototype"], true);
    for loose in ["'unsafe-inline'", "'unsafe-eval'", "*", "data:", "https:"] {
        assert!(!of_window.contains(loose), "{loose} in {of_window}");
    }
}

#[tokio::test]
async fn files_need_no_session_and_are_not_sent_twice() {
    let scene = Scene::new();
    for (file, kind) in [
        ("docs.js", "text/javascript; charset=utf-8"),
        ("pages.css", "text/css; charset=utf-8"),
    ] {
        let url = scene.url(&format!("/docs/{file}"));
        let first = scene.http.get(&url).send().await.unwrap();
        assert_eq!(first.status(), 200);
        assert_eq!(first.headers()[CONTENT_TYPE], kind);
        let tag = first.headers()[ETAG].clone();
        let again = scene
            .http
            .get(&url)
            .header(IF_NONE_MATCH, tag)
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), 304);
        assert!(again.bytes().await.unwrap().is_empty());
    }
    let absent = scene
        .http
        .get(scene.url("/docs/absent.js"))
        .send()
        .await
        .unwrap();
    assert_eq!(absent.status(), 404);
}

/// A small built site.
#[derive(RustEmbed)]
#[folder = "src/tests/site"]
struct Site;

fn served(path: &str, accept: &str) -> Option<Response> {
    let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accept.parse().unwrap())]);
    web::file::<Site>(path, &headers)
}

async fn bytes(response: Response) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .unwrap()
        .to_vec()
}

#[tokio::test]
async fn a_file_is_sent_packed_to_who_takes_it_so() {
    const APP: &str = "app-0123456789abcdef.js";
    let plain = b"console.log(\"app\");\n";
    for accept in ["gzip, br", "br;q=1.0, gzip;q=0.8"] {
        let packed = served(APP, accept).unwrap();
        assert_eq!(packed.headers()["content-encoding"], "br", "`{accept}`");
        assert_eq!(
            packed.headers()["content-type"],
            "text/javascript; charset=utf-8"
        );
        assert_ne!(bytes(packed).await, plain);
    }
    for accept in ["", "gzip", "br;q=0"] {
        for path in [APP, "packed-only.js"] {
            let response = served(path, accept).unwrap();
            assert!(
                response.headers().get("content-encoding").is_none(),
                "`{accept}`"
            );
            assert_eq!(bytes(response).await, plain, "`{path}`");
        }
    }
    assert!(
        served("index.html", "br")
            .unwrap()
            .headers()
            .get("content-encoding")
            .is_none()
    );
}

#[test]
fn only_what_is_named_by_its_content_is_kept_without_asking() {
    let caching = |path: &str| served(path, "").unwrap().headers()["cache-control"].clone();
    assert!(
        caching("app-0123456789abcdef.js")
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    assert_eq!(caching("index.html"), "no-cache");
}

#[test]
fn nothing_else_is_served() {
    for path in [
        "notes.key",
        "absent.js",
        "",
        ".",
        "../streams.rs",
        "app-0123456789abcdef.js.br",
        "index.html/",
    ] {
        assert!(
            served(path, "br").is_none(),
            "`{path}` is no file for a browser"
        );
    }
}
