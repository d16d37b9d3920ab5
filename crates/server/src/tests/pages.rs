use reqwest::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};

use super::Scene;

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
            "default-src 'self'",
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
