//! The transport, whole and on real connections, over a plane that records what it is asked.

mod access;
mod documents;
mod idempotency;
mod operations;
mod pages;
mod requests;
mod streams;
mod uploads;

use nasiko_client::{Client, http::HttpTransport};
use nasiko_contract::{ErrorCode, Problem};
use reqwest::{RequestBuilder, Response};

use crate::testing::{OWNER_TOKEN, TestServer};

/// A server and a bare HTTP client that follows no redirects.
struct Scene {
    server: TestServer,
    http: reqwest::Client,
}

impl Scene {
    fn new() -> Self {
        Self::over(TestServer::start().unwrap())
    }

    fn over(server: TestServer) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { server, http }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.address)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(OWNER_TOKEN)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path)).bearer_auth(OWNER_TOKEN)
    }

    fn client(&self) -> Client {
        Client::new(HttpTransport::new(&self.server.address, OWNER_TOKEN).unwrap())
    }
}

/// Sends a request that must fail, and checks that it does as every failure must.
async fn refused(request: RequestBuilder, status: u16, code: ErrorCode) -> Problem {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), status, "{}", response.url());
    problem(response, code).await
}

async fn problem(response: Response, code: ErrorCode) -> Problem {
    let status = response.status().as_u16();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let id = response.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.code, code, "{problem:?}");
    assert_eq!(problem.request_id, id);
    assert_eq!(problem.status, status);
    problem
}
