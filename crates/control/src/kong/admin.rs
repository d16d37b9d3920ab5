//! Kong's Admin API, as far as it is needed: one declarative document for a node without a database, else services and
//! routes one by one.

use std::{collections::BTreeSet, time::Duration};

use nasiko_contract::AgentName;
use nasiko_store::ExposeSecret;
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

use super::{Table, Upstream};

/// How long one request may take; a large document needs its time.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// Marks what is ours among the services of a database.
const TAG: &str = "nasiko";
/// Rows asked for at once.
const PAGE: &str = "1000";
/// Pages of services looked through.
const MOST_PAGES: usize = 100;
/// Bytes of a refusal that are shown.
const SHOWN: usize = 400;
/// An agent may think for this long before its first byte.
const READ_TIMEOUT_MS: u64 = 3_600_000;

/// How a Kong stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// It keeps its configuration in memory.
    without_database: bool,
    /// Of the Kong itself.
    major_version: u32,
    /// Names what a node without a database has; empty where it does not tell.
    configuration_hash: String,
}

/// An Admin API.
pub(super) struct Admin {
    http: reqwest::Client,
    pub(super) url: Url,
}

impl Admin {
    pub(super) fn new(http: reqwest::Client, address: &str) -> Result<Self, String> {
        let url = Url::parse(address).map_err(|error| error.to_string())?;
        Ok(Self { http, url })
    }

    /// Asks what it is and what it has.
    pub(super) async fn node(&self) -> Result<Node, String> {
        let about = self.call(Method::GET, &[], &[], None).await?;
        let status = self.call(Method::GET, &["status"], &[], None).await?;
        let database = about["configuration"]["database"].as_str();
        let database = database.ok_or("what answers is no Admin API of Kong")?;
        let version = about["version"].as_str().unwrap_or_default();
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse().ok());
        Ok(Node {
            without_database: database == "off",
            major_version: major.unwrap_or(3),
            configuration_hash: status["configuration_hash"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        })
    }

    /// Makes a node have these routes, and of ours no others.
    pub(super) async fn push(&self, node: &Node, table: &Table) -> Result<(), String> {
        if node.without_database {
            let document = document(node, table);
            self.call(Method::POST, &["config"], &[], Some(document))
                .await?;
            return Ok(());
        }
        for agent in &table.agents {
            self.put(agent, &table.upstream).await?;
        }
        let wanted: BTreeSet<String> = table.agents.iter().map(service_name).collect();
        for stale in self.services().await?.difference(&wanted) {
            self.remove(stale).await?;
        }
        Ok(())
    }

    async fn put(&self, agent: &AgentName, upstream: &Upstream) -> Result<(), String> {
        let name = service_name(agent);
        let place = ["services", &name];
        self.call(Method::PUT, &place, &[], Some(service(agent, upstream)))
            .await?;
        let place = ["services", &name, "routes", &name];
        self.call(Method::PUT, &place, &[], Some(route(agent, upstream)))
            .await?;
        if let Some(mut plugin) = plugin(upstream) {
            let id = plugin_id(&name);
            plugin["service"] = json!({ "name": name });
            self.call(Method::PUT, &["plugins", &id], &[], Some(plugin))
                .await?;
        }
        Ok(())
    }

    /// Takes a service away, with the route that keeps it from going.
    async fn remove(&self, name: &str) -> Result<(), String> {
        self.call(Method::DELETE, &["routes", name], &[], None)
            .await?;
        self.call(Method::DELETE, &["services", name], &[], None)
            .await?;
        Ok(())
    }

    /// The names of all services of ours.
    async fn services(&self) -> Result<BTreeSet<String>, String> {
        let mut names = BTreeSet::new();
        let mut offset: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let mut query = vec![("tags", TAG), ("size", PAGE)];
            query.extend(offset.as_deref().map(|offset| ("offset", offset)));
            let page = self.call(Method::GET, &["services"], &query, None).await?;
            let rows = page["data"].as_array().map(Vec::as_slice);
            let name = |row: &Value| row["name"].as_str().map(str::to_owned);
            names.extend(rows.unwrap_or_default().iter().filter_map(name));
            offset = page["offset"].as_str().map(str::to_owned);
            if offset.is_none() {
                break;
            }
        }
        Ok(names)
    }

    /// One request: its document, or why not. What is to be deleted may be gone already.
    async fn call(
        &self,
        method: Method,
        place: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Value, String> {
        let url = at(&self.url, place)?;
        let is_removal = method == Method::DELETE;
        let mut request = self
            .http
            .request(method, url)
            .query(query)
            .timeout(REQUEST_LIMIT);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| format!("it does not answer: {}", error.without_url()))?;
        let status = response.status();
        if is_removal && status == StatusCode::NOT_FOUND {
            return Ok(Value::Null);
        }
        let text = response
            .text()
            .await
            .map_err(|error| format!("its answer broke off: {}", error.without_url()))?;
        if status.is_success() {
            return Ok(serde_json::from_str(&text).unwrap_or_default());
        }
        let shown: String = text.chars().take(SHOWN).collect();
        Err(format!("it answers {status}: {shown}"))
    }
}

/// The address of a thing, with whatever its name holds escaped.
fn at(base: &Url, place: &[&str]) -> Result<Url, String> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| "its address cannot have a path".to_owned())?
        .pop_if_empty()
        .extend(place);
    Ok(url)
}

/// All of it, for a node without a database.
fn document(node: &Node, table: &Table) -> Value {
    let services: Vec<Value> = table
        .agents
        .iter()
        .map(|agent| {
            let mut service = service(agent, &table.upstream);
            service["name"] = json!(service_name(agent));
            let mut route = route(agent, &table.upstream);
            route["name"] = service["name"].clone();
            service["routes"] = json!([route]);
            if let Some(plugin) = plugin(&table.upstream) {
                service["plugins"] = json!([plugin]);
            }
            service
        })
        .collect();
    let format = if node.major_version >= 3 {
        "3.0"
    } else {
        "1.1"
    };
    json!({ "_format_version": format, "services": services })
}

fn service_name(agent: &AgentName) -> String {
    format!("nasiko-{agent}")
}

/// Our gateway as the agent's own server.
fn service(agent: &AgentName, upstream: &Upstream) -> Value {
    json!({
        "protocol": "http",
        "host": upstream.host,
        "port": upstream.port,
        "path": format!("/{}", escaped(agent)),
        "read_timeout": READ_TIMEOUT_MS,
        "tags": [TAG],
    })
}

fn route(agent: &AgentName, upstream: &Upstream) -> Value {
    let name = escaped(agent);
    json!({
        "paths": [format!("/agents/{name}"), format!("/{name}")],
        "strip_path": true,
        // On loopback our gateway answers to loopback names only.
        "preserve_host": upstream.credential.is_some(),
        "request_buffering": false,
        "response_buffering": false,
        "tags": [TAG],
    })
}

/// What makes Kong say who it is. An `Authorization` of its own callers ends at Kong then.
fn plugin(upstream: &Upstream) -> Option<Value> {
    let credential = upstream.credential.as_ref()?;
    let header = format!("Authorization:Bearer {}", credential.expose_secret());
    Some(json!({
        "name": "request-transformer",
        "config": { "replace": { "headers": [header] }, "add": { "headers": [header] } },
        "tags": [TAG],
    }))
}

/// The id of a service's plugin: the same each time, so that it is replaced.
fn plugin_id(service: &str) -> String {
    let mut bytes = [0; 16];
    let hash = blake3::hash(service.as_bytes());
    for (byte, hashed) in bytes.iter_mut().zip(hash.as_bytes()) {
        *byte = *hashed;
    }
    uuid::Builder::from_custom_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// A name as one segment of a path.
fn escaped(name: &AgentName) -> String {
    let mut url = Url::parse("http://localhost").ok();
    if let Some(url) = &mut url
        && let Ok(mut segments) = url.path_segments_mut()
    {
        segments.push(name.as_str());
    }
    url.map(|url| url.path().trim_start_matches('/').to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str], credential: Option<&str>) -> Table {
        Table {
            agents: names.iter().map(|name| (*name).into()).collect(),
            upstream: Upstream {
                host: "172.18.0.1".to_owned(),
                port: 9100,
                credential: credential.map(Into::into),
            },
        }
    }

    #[test]
    fn a_node_without_a_database_gets_one_document() {
        let node = Node {
            without_database: true,
            major_version: 3,
            configuration_hash: String::new(),
        };
        let whole = document(&node, &table(&["greeter"], Some("sesame")));
        assert_eq!(whole["_format_version"], "3.0");
        let service = &whole["services"][0];
        assert_eq!(
            (&service["name"], &service["host"], &service["path"]),
            (
                &json!("nasiko-greeter"),
                &json!("172.18.0.1"),
                &json!("/greeter")
            )
        );
        let route = &service["routes"][0];
        assert_eq!(route["paths"], json!(["/agents/greeter", "/greeter"]));
        assert_eq!(
            (&route["strip_path"], &route["preserve_host"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(
            service["plugins"][0]["config"]["add"]["headers"],
            json!(["Authorization:Bearer sesame"])
        );
        let old = Node {
            major_version: 2,
            ..node
        };
        let whole = document(&old, &table(&["greeter"], None));
        assert_eq!(whole["_format_version"], "1.1");
        assert!(whole["services"][0].get("plugins").is_none());
        assert_eq!(whole["services"][0]["routes"][0]["preserve_host"], false);
    }

    #[test]
    fn names_are_one_segment_whatever_they_hold() {
        let base = Url::parse("http://kong:8001/admin/").unwrap();
        for (name, place) in [
            ("greeter", "greeter"),
            ("a b", "a%20b"),
            ("a/b", "a%2Fb"),
            ("a?b#c", "a%3Fb%23c"),
        ] {
            assert_eq!(escaped(&name.into()), place);
            let url = at(&base, &["services", name]).unwrap();
            assert_eq!(url.path(), format!("/admin/services/{place}"));
        }
        assert_eq!(plugin_id("a"), plugin_id("a"));
        assert_ne!(plugin_id("a"), plugin_id("b"));
    }
}
