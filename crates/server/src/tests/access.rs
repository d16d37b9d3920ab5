use nasiko_contract::ErrorCode;
use reqwest::header::{COOKIE, HOST, LOCATION, ORIGIN, SET_COOKIE};

use super::{Scene, refused};

const STATUS: &str = "/api/v1/status";
const EVENTS: &str = "/api/v1/events";

#[tokio::test]
async fn a_wrong_token_is_no_token() {
    let scene = Scene::new();
    for header in [
        "Bearer wrong",
        "Bearer ",
        "Bearer",
        "Basic owner-token",
        "owner-token",
        "",
    ] {
        let request = scene
            .http
            .get(scene.url(STATUS))
            .header("authorization", header);
        let problem = refused(request, 401, ErrorCode::Unauthenticated).await;
        assert!(problem.hint.is_some());
    }
    assert!(scene.server.plane.calls().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused_whatever_it_asks_for() {
    let scene = Scene::new();
    let port = scene.server.port;
    let other_port = format!("127.0.0.1:{}", port.wrapping_add(1));
    let foreign = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.:{port}"),
        "localhost".to_owned(),
        other_port,
    ];
    for host in foreign {
        for path in [
            STATUS,
            EVENTS,
            "/",
            "/health",
            "/ready",
            "/docs",
            "/enter?code=x",
        ] {
            let request = scene.get(path).header(HOST, &host);
            refused(request, 403, ErrorCode::ForeignOrigin).await;
        }
    }
    for host in [
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("[::1]:{port}"),
    ] {
        let response = scene.get(STATUS).header(HOST, &host).send().await.unwrap();
        assert_eq!(response.status(), 200, "{host} is a name of ours");
    }
}

#[tokio::test]
async fn a_page_that_is_not_ours_is_refused_streams_too() {
    let scene = Scene::new();
    let port = scene.server.port;
    let foreign = [
        "http://evil.example".to_owned(),
        "null".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        format!("http://127.0.0.1:{port}.evil.example"),
    ];
    for origin in foreign {
        for path in [STATUS, EVENTS] {
            let request = scene.get(path).header(ORIGIN, &origin);
            refused(request, 403, ErrorCode::ForeignOrigin).await;
        }
    }
    for site in ["cross-site", "same-site"] {
        let request = scene
            .get(STATUS)
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "no-cors");
        refused(request, 403, ErrorCode::ForeignOrigin).await;
    }
    assert!(scene.server.plane.calls().is_empty());
    let ours = format!("http://localhost:{port}");
    let request = scene
        .get(STATUS)
        .header(ORIGIN, ours)
        .header("sec-fetch-site", "same-origin");
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_code_opens_a_browser_session_once() {
    let scene = Scene::new();
    let code = scene.server.codes.issue();
    let enter = scene.url(&format!("/enter?code={code}"));
    let response = scene.http.get(&enter).send().await.unwrap();
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()[LOCATION], "/");
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(
            cookie.contains(attribute),
            "{attribute} is missing of {cookie}"
        );
    }
    let session = cookie.split(';').next().unwrap().to_owned();
    assert!(session.starts_with("nasiko_session="));

    let api = || scene.http.get(scene.url(STATUS));
    let shared_jar = format!("other=1; nasiko_session=of-another-program; {session}");
    assert_eq!(
        api()
            .header(COOKIE, shared_jar)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    refused(
        api().header(COOKIE, format!("{session}0")),
        401,
        ErrorCode::Unauthenticated,
    )
    .await;
    refused(api(), 401, ErrorCode::Unauthenticated).await;

    let again = scene.http.get(&enter).send().await.unwrap();
    assert_eq!(again.status(), 403, "a code is good once");
    assert!(again.headers().get(SET_COOKIE).is_none());
    assert!(again.text().await.unwrap().contains("nasiko open"));
}

#[tokio::test]
async fn health_is_open_and_readiness_is_what_the_plane_says() {
    let scene = Scene::new();
    let status = async |path: &str| {
        scene
            .http
            .get(scene.url(path))
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(status("/health").await, 200);
    assert_eq!(status("/api/v1/healthcheck").await, 200);
    assert_eq!(status("/ready").await, 200);
    scene.server.ready.send_replace(false);
    assert_eq!(status("/ready").await, 503);
    assert_eq!(status("/health").await, 200);
}
