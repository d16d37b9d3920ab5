//! Keeps the routes of a Kong in step with the agents, as long as the setting names its Admin API. Must never know where
//! an agent runs: Kong calls our gateway, so that streaming, waiting for an update and traces stay as they are.
//!
//! Agents are followed by the event log, in bursts of [`DEBOUNCE`]. That a Kong went away is noticed by a connection to
//! it that stays open and unused; one that forgot its routes (a node without a database that was started anew) gets all
//! of them again.

mod admin;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use nasiko_contract::{AgentName, Fault};
use nasiko_store::{EventFeed, ExposeSecret, FeedItem, SecretString};
use parking_lot::Mutex;
use reqwest::Url;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use self::admin::{Admin, Node};
use crate::{
    agents::{CHANGED, REMOVED},
    peers::PLANE_CHANGED,
    plane::Shared,
};

/// Changes that come within this time of the first are told together.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// The wait before a Kong that did not take its routes is tried again; it doubles with each try.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Whom our gateway sees calling when it is Kong. No agent can have this name.
const CALLER: &str = "(kong)";
/// The topic of a change of the settings.
const SETTING_CHANGED: &str = "setting.changed";

/// How a Kong stands, for people; nothing while there is none.
#[derive(Default)]
pub(crate) struct Standing(Mutex<Option<String>>);

impl Standing {
    pub(crate) fn notice(&self) -> Option<String> {
        self.0.lock().clone()
    }

    fn say(&self, notice: impl Into<Option<String>>) {
        *self.0.lock() = notice.into();
    }
}

/// The address of an Admin API as a person wrote it; none for an empty text.
pub(crate) fn checked_address(text: &str) -> Result<Option<String>, Fault> {
    let hint =
        "It is the address of Kong's Admin API, e.g. http://127.0.0.1:8001; empty for no Kong";
    let checked = crate::address::checked(text);
    checked.map_err(|why| crate::address::refused("kongAdminUrl", &why, hint))
}

/// Begins to follow the setting, until the control plane ends.
pub(crate) fn start(shared: &Arc<Shared>) {
    let feed = shared.store.subscribe(None);
    let follower = Follower {
        shared: Arc::clone(shared),
        feed,
        credential: None,
    };
    shared.spawn(follower.run());
}

struct Follower {
    shared: Arc<Shared>,
    feed: EventFeed,
    /// What lets Kong in where our gateway lets in only those it knows.
    credential: Option<SecretString>,
}

/// What a Kong is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    agents: BTreeSet<AgentName>,
    upstream: Upstream,
}

/// Our gateway as a Kong reaches it.
#[derive(Debug, Clone)]
struct Upstream {
    host: String,
    port: u16,
    /// Needed where Kong comes in over the containers' network. Agents' cards then name Kong's own address.
    credential: Option<SecretString>,
}

impl PartialEq for Upstream {
    fn eq(&self, other: &Self) -> bool {
        let exposed = |upstream: &Self| {
            let credential = upstream.credential.as_ref();
            credential.map(|credential| credential.expose_secret().to_owned())
        };
        (&self.host, self.port, exposed(self)) == (&other.host, other.port, exposed(other))
    }
}

impl Eq for Upstream {}

/// Why the waiting is over.
enum Woken {
    /// Agents or settings may have changed.
    Changed,
    /// Kong closed the connection that was kept open.
    Closed,
}

impl Follower {
    async fn run(mut self) {
        let mut pushed: Option<(String, Table, Node)> = None;
        let mut wait = FIRST_WAIT;
        loop {
            let address = self.shared.settings.load().kong_admin_url.clone();
            // Of several control planes one is enough: each of their gateways knows all agents.
            let Some(address) = address.filter(|_| self.shared.peers.leads()) else {
                self.shared.kong.say(None);
                pushed = None;
                if !self.changed().await {
                    return;
                }
                continue;
            };
            match self.bring(&address, pushed.take()).await {
                Ok((table, node, watched)) => {
                    wait = FIRST_WAIT;
                    self.shared.kong.say(format!(
                        "Kong at {address} has the routes of {} agents",
                        table.agents.len()
                    ));
                    let woken = tokio::select! {
                        more = self.changed() => if more { Woken::Changed } else { return },
                        () = closed(watched) => Woken::Closed,
                    };
                    if let Woken::Closed = woken {
                        tracing::debug!(address, "Kong closed the connection that watches it");
                    }
                    pushed = Some((address, table, node));
                }
                Err(reason) => {
                    tracing::warn!(address, reason, "Kong does not have the agents' routes");
                    self.shared.kong.say(format!(
                        "Kong at {address} does not have the agents' routes: {reason}"
                    ));
                    tokio::select! {
                        more = self.changed() => if !more { return },
                        () = tokio::time::sleep(wait) => {}
                    }
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Makes Kong have what it is to have, unless it is known to: `pushed` is what it had, and how it stood then.
    async fn bring(
        &mut self,
        address: &str,
        pushed: Option<(String, Table, Node)>,
    ) -> Result<(Table, Node, TcpStream), String> {
        let table = self.table().await?;
        let admin = Admin::new(self.shared.http.clone(), address)?;
        // Before anything is asked: that it goes away from here on is noticed.
        let watched = connect(&admin.url).await?;
        let node = admin.node().await?;
        let has_it = pushed.is_some_and(|(where_to, had, stood)| {
            where_to == address && had == table && stood == node
        });
        if has_it {
            return Ok((table, node, watched));
        }
        admin.push(&node, &table).await?;
        // With the hash of what it has now.
        let node = admin.node().await?;
        tracing::info!(
            address,
            agents = table.agents.len(),
            "Kong has the agents' routes"
        );
        Ok((table, node, watched))
    }

    async fn table(&mut self) -> Result<Table, String> {
        let agents = self.shared.all_agents().await;
        let agents = agents.map_err(|fault| fault.message)?;
        Ok(Table {
            agents: agents.into_iter().map(|agent| agent.name).collect(),
            upstream: self.upstream().await?,
        })
    }

    /// Over the containers' network where there is one: a Kong in a container cannot reach our loopback, and one beside
    /// us reaches that network as well.
    async fn upstream(&mut self) -> Result<Upstream, String> {
        if let Ok(network) = self.shared.network_gateway().await {
            let credential = self
                .credential
                .get_or_insert_with(|| self.shared.credentials.issue(CALLER));
            return Ok(Upstream {
                host: network.ip().to_string(),
                port: network.port(),
                credential: Some(credential.clone()),
            });
        }
        let url = Url::parse(&self.shared.addresses.gateway).map_err(|error| error.to_string())?;
        Ok(Upstream {
            host: url.host_str().unwrap_or_default().to_owned(),
            port: url.port_or_known_default().unwrap_or_default(),
            credential: None,
        })
    }

    /// Waits until agents or settings may have changed, and for what changes right after; `false` once the store ends.
    async fn changed(&mut self) -> bool {
        loop {
            match self.feed.next().await {
                Ok(FeedItem::Gap { .. }) => break,
                Ok(FeedItem::Event(event)) if is_of_interest(&event.topic) => break,
                Ok(FeedItem::Event(_)) => {}
                Err(_) => return false,
            }
        }
        let more = async { while self.feed.next().await.is_ok() {} };
        // An error is met again by whoever waits next.
        let _ended_or_enough = tokio::time::timeout(DEBOUNCE, more).await;
        true
    }
}

fn is_of_interest(topic: &str) -> bool {
    matches!(topic, CHANGED | REMOVED | SETTING_CHANGED | PLANE_CHANGED)
}

async fn connect(url: &Url) -> Result<TcpStream, String> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or_default();
    let connecting = TcpStream::connect((host, port));
    match tokio::time::timeout(CONNECT_LIMIT, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(format!("it cannot be reached: {error}")),
        Err(_) => Err("it cannot be reached in time".to_owned()),
    }
}

/// Completes when the other side closes a connection on which nothing is said.
async fn closed(mut connection: TcpStream) {
    let mut nothing = [0; 16];
    while connection
        .read(&mut nothing)
        .await
        .is_ok_and(|read| read > 0)
    {}
}
