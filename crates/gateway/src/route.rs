//! The live route table: which upstream answers for which agent, switched in one step.
//!
//! A request leases its upstream before it is sent. The order of steps closes the race between a lease and a switch:
//! a lease counts itself and then looks whether the upstream was retired; a switch retires it and then looks at the
//! count. Both are sequentially consistent, so at least one of them sees the other, and an upstream that has drained
//! never gets another request.

mod drain;
mod hold;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use http::HeaderValue;
use parking_lot::Mutex;
use tokio::sync::Notify;

pub use self::drain::{Drain, Drained};
pub(crate) use self::hold::Held;
use self::hold::Hold;
use crate::{GatewayConfig, error::GatewayError, nearest::nearest, pool::Pool};

/// Where an instance of an agent listens.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its address.
    pub address: SocketAddr,
    /// Prefix of every path sent to it, without a slash at its end; empty for the root.
    pub base_path: String,
    /// Names the instance in records.
    pub instance: String,
    /// The card to show when the agent serves none.
    pub card: Option<Arc<serde_json::Value>>,
}

impl Upstream {
    /// An instance that serves at the root of `address` and brings its own card.
    pub fn new(address: SocketAddr, instance: impl Into<String>) -> Self {
        Self {
            address,
            base_path: String::new(),
            instance: instance.into(),
            card: None,
        }
    }
}

/// The routes of a gateway. A cheap handle; clones share the same table.
#[derive(Clone)]
pub struct RouteTable {
    inner: Arc<Inner>,
}

struct Inner {
    table: ArcSwap<Table>,
    /// Held by whoever changes the table; requests never take it.
    change: Mutex<()>,
    changed_unix_ms: AtomicU64,
    config: Arc<GatewayConfig>,
}

type Table = HashMap<Arc<str>, Route>;

#[derive(Clone)]
enum Route {
    Live(Arc<Backend>),
    Held {
        hold: Arc<Hold>,
        /// How long a request may wait.
        limit: Duration,
    },
    Stopped,
    /// It may run, but where this gateway does not reach it; the text says where.
    Elsewhere(Arc<str>),
}

/// One row of [`RouteTable::list`].
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// The agent.
    pub agent: String,
    /// Whether it can be called.
    pub state: RouteState,
}

/// Whether an agent can be called.
#[derive(Debug, Clone)]
pub enum RouteState {
    /// Requests go to this upstream.
    Live {
        /// The upstream.
        upstream: Upstream,
        /// Requests open on it now.
        in_flight: usize,
    },
    /// Nothing of it can answer yet: requests wait.
    Held {
        /// Requests that wait now.
        waiting: usize,
    },
    /// Known, but nothing of it can be called from here.
    Stopped,
}

impl RouteTable {
    pub(crate) fn new(config: Arc<GatewayConfig>) -> Self {
        let inner = Inner {
            table: ArcSwap::default(),
            change: Mutex::new(()),
            changed_unix_ms: AtomicU64::new(0),
            config,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Sends every new request for `agent` to `upstream`, in one step, and returns the drain of the one before.
    pub fn set(&self, agent: &str, upstream: Upstream) -> Drain {
        let agent: Arc<str> = agent.into();
        let backend = Arc::new(Backend::new(
            Arc::clone(&agent),
            upstream,
            Arc::clone(&self.inner.config),
        ));
        self.replace(|table| table.insert(agent, Route::Live(backend)))
    }

    /// Keeps `agent` known but answers for it with `agent.not_running`.
    pub fn suspend(&self, agent: &str) -> Drain {
        self.replace(|table| table.insert(agent.into(), Route::Stopped))
    }

    /// Keeps `agent` known but answers for it that it runs out of this gateway's reach; `holder` says to people where.
    pub fn refer(&self, agent: &str, holder: &str) -> Drain {
        self.replace(|table| table.insert(agent.into(), Route::Elsewhere(holder.into())))
    }

    /// Like [`RouteTable::suspend`], but only while `instance` is the one that answers: another one goes on.
    pub fn suspend_instance(&self, agent: &str, instance: &str) -> Drain {
        self.replace(|table| match table.get(agent) {
            Some(Route::Live(backend)) if *backend.instance == *instance => {
                table.insert(agent.into(), Route::Stopped)
            }
            _ => None,
        })
    }

    /// Lets new requests for `agent` wait until it is set (all go on to the new upstream at once), suspended or removed
    /// (all are refused), each for at most `limit` and as many as [`GatewayConfig::max_held_per_agent`]. Of an agent that
    /// is held already those who wait go on waiting, and `limit` counts for those who come. Returns the drain of the
    /// upstream before.
    pub fn hold(&self, agent: &str, limit: Duration) -> Drain {
        self.replace(|table| hold(table, agent, limit))
    }

    /// Like [`RouteTable::hold`], but only while `instance` is the one that answers: another one goes on.
    pub fn hold_instance(&self, agent: &str, instance: &str, limit: Duration) -> Drain {
        self.replace(|table| match table.get(agent) {
            Some(Route::Live(backend)) if *backend.instance == *instance => {
                hold(table, agent, limit)
            }
            _ => None,
        })
    }

    /// Forgets `agent`.
    pub fn remove(&self, agent: &str) -> Drain {
        self.replace(|table| table.remove(agent))
    }

    /// What is known of `agent`.
    pub fn get(&self, agent: &str) -> Option<RouteInfo> {
        self.inner.table.load().get_key_value(agent).map(row)
    }

    /// Every route, by name.
    pub fn list(&self) -> Vec<RouteInfo> {
        let mut rows: Vec<_> = self.inner.table.load().iter().map(row).collect();
        rows.sort_unstable_by(|left, right| left.agent.cmp(&right.agent));
        rows
    }

    /// When the table last changed; none before its first change.
    pub fn changed_at(&self) -> Option<SystemTime> {
        let millis = self.inner.changed_unix_ms.load(SeqCst);
        (millis > 0).then(|| SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
    }

    pub(crate) fn len(&self) -> usize {
        self.inner.table.load().len()
    }

    /// Counts a request in on the current upstream of `agent`, or among those that wait for one.
    pub(crate) fn lease(&self, agent: &str) -> Result<Lease, Unleased> {
        loop {
            let table = self.inner.table.load();
            let Some((name, route)) = table.get_key_value(agent) else {
                let nearest = nearest(agent, table.keys().map(AsRef::as_ref)).map(Into::into);
                return Err(Unleased::Refused {
                    agent: None,
                    error: GatewayError::UnknownAgent {
                        agent: agent.into(),
                        nearest,
                    },
                });
            };
            let refuse = |error| {
                Err(Unleased::Refused {
                    agent: Some(Arc::clone(name)),
                    error,
                })
            };
            let backend = match route {
                Route::Live(backend) => backend,
                Route::Held { hold, limit } => {
                    let places = self.inner.config.max_held_per_agent;
                    return match hold.enter(places, *limit) {
                        Some(held) => Err(Unleased::Held(held)),
                        None => refuse(GatewayError::TooManyHeld {
                            agent: agent.into(),
                            limit: places,
                        }),
                    };
                }
                Route::Stopped => {
                    return refuse(GatewayError::NotRunning {
                        agent: agent.into(),
                    });
                }
                Route::Elsewhere(holder) => {
                    return refuse(GatewayError::Elsewhere {
                        agent: agent.into(),
                        holder: holder.to_string(),
                    });
                }
            };
            let limit = self.inner.config.max_in_flight_per_agent;
            let open = backend.in_flight.fetch_add(1, SeqCst);
            let lease = Lease {
                backend: Arc::clone(backend),
            };
            if open >= limit {
                return refuse(GatewayError::TooManyInFlight {
                    agent: agent.into(),
                    limit,
                });
            }
            if !backend.retired.load(SeqCst) {
                return Ok(lease);
            }
            // Retired between our look at the table and our count: the table has a newer one already.
        }
    }

    fn replace(&self, change: impl FnOnce(&mut Table) -> Option<Route>) -> Drain {
        let _only_writer = self.inner.change.lock();
        let mut table = Table::clone(&self.inner.table.load());
        let before = change(&mut table);
        self.inner.table.store(Arc::new(table));
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.inner
            .changed_unix_ms
            .store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), SeqCst);
        match before {
            Some(Route::Live(backend)) => {
                backend.retired.store(true, SeqCst);
                backend.pool.close();
                Drain::of(backend)
            }
            Some(Route::Held { hold, .. }) => {
                hold.end();
                Drain::nothing()
            }
            Some(Route::Stopped | Route::Elsewhere(_)) | None => Drain::nothing(),
        }
    }
}

/// Puts `agent` on hold and returns the route before, if that is another.
fn hold(table: &mut Table, agent: &str, limit: Duration) -> Option<Route> {
    if let Some(Route::Held { limit: before, .. }) = table.get_mut(agent) {
        *before = limit;
        return None;
    }
    let agent: Arc<str> = agent.into();
    let hold = Hold::new(Arc::clone(&agent));
    table.insert(agent, Route::Held { hold, limit })
}

fn row((agent, route): (&Arc<str>, &Route)) -> RouteInfo {
    let state = match route {
        Route::Live(backend) => RouteState::Live {
            upstream: backend.upstream.clone(),
            in_flight: backend.in_flight.load(SeqCst),
        },
        Route::Held { hold, .. } => RouteState::Held {
            waiting: hold.waiting(),
        },
        Route::Stopped | Route::Elsewhere(_) => RouteState::Stopped,
    };
    RouteInfo {
        agent: agent.to_string(),
        state,
    }
}

/// An upstream with its counters and its idle connections.
pub(crate) struct Backend {
    pub(crate) agent: Arc<str>,
    pub(crate) instance: Arc<str>,
    pub(crate) upstream: Upstream,
    pub(crate) host: HeaderValue,
    pub(crate) pool: Arc<Pool>,
    pub(crate) config: Arc<GatewayConfig>,
    in_flight: AtomicUsize,
    retired: AtomicBool,
    emptied: Notify,
}

impl Backend {
    fn new(agent: Arc<str>, mut upstream: Upstream, config: Arc<GatewayConfig>) -> Self {
        upstream
            .base_path
            .truncate(upstream.base_path.trim_end_matches('/').len());
        let host = HeaderValue::try_from(upstream.address.to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("localhost"));
        Self {
            agent,
            instance: upstream.instance.as_str().into(),
            pool: Arc::new(Pool::new(upstream.address, &config)),
            upstream,
            host,
            config,
            in_flight: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
            emptied: Notify::new(),
        }
    }

    /// Whether another upstream has taken its place.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(SeqCst)
    }
}

/// One request's place on an upstream, given back when dropped.
pub(crate) struct Lease {
    pub(crate) backend: Arc<Backend>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.backend.in_flight.fetch_sub(1, SeqCst) == 1 && self.backend.is_retired() {
            self.backend.emptied.notify_waiters();
        }
    }
}

/// Why there is no lease.
pub(crate) enum Unleased {
    /// There will be one soon.
    Held(Held),
    /// There will be none.
    Refused {
        /// The agent, if it is at least known.
        agent: Option<Arc<str>>,
        error: GatewayError,
    },
}
