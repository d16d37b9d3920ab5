//! The live route table: which upstream answers for which agent, switched in one step.
//!
//! A request leases its upstream before it is sent. The order of steps closes the race between a lease and a switch:
//! a lease counts itself and then looks whether the upstream was retired; a switch retires it and then looks at the
//! count. Both are sequentially consistent, so at least one of them sees the other, and an upstream that has drained
//! never gets another request.

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
    Stopped,
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
    /// Known, but nothing of it runs.
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

    /// Like [`RouteTable::suspend`], but only while `instance` is the one that answers: another one goes on.
    pub fn suspend_instance(&self, agent: &str, instance: &str) -> Drain {
        self.replace(|table| match table.get(agent) {
            Some(Route::Live(backend)) if *backend.instance == *instance => {
                table.insert(agent.into(), Route::Stopped)
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

    /// Counts a request in on the current upstream of `agent`. The one place where a later hold would wait.
    pub(crate) fn lease(&self, agent: &str) -> Result<Lease, Refusal> {
        loop {
            let table = self.inner.table.load();
            let Some((name, route)) = table.get_key_value(agent) else {
                let nearest = nearest(agent, table.keys().map(AsRef::as_ref)).map(Into::into);
                return Err(Refusal {
                    agent: None,
                    error: GatewayError::UnknownAgent {
                        agent: agent.into(),
                        nearest,
                    },
                });
            };
            let refuse = |error| {
                Err(Refusal {
                    agent: Some(Arc::clone(name)),
                    error,
                })
            };
            let Route::Live(backend) = route else {
                return refuse(GatewayError::NotRunning {
                    agent: agent.into(),
                });
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
                Drain {
                    backend: Some(backend),
                }
            }
            Some(Route::Stopped) | None => Drain { backend: None },
        }
    }
}

fn row((agent, route): (&Arc<str>, &Route)) -> RouteInfo {
    let state = match route {
        Route::Live(backend) => RouteState::Live {
            upstream: backend.upstream.clone(),
            in_flight: backend.in_flight.load(SeqCst),
        },
        Route::Stopped => RouteState::Stopped,
    };
    RouteInfo {
        agent: agent.to_string(),
        state,
    }
}

/// What is left of a replaced upstream. Dropping it changes nothing: open requests finish all the same.
#[must_use = "an instance that is stopped before its drain finished breaks the requests it still serves"]
pub struct Drain {
    backend: Option<Arc<Backend>>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Nothing is open on the old upstream, and nothing ever will be.
    Empty,
    /// The limit came first.
    TimedOut {
        /// Requests still open.
        in_flight: usize,
    },
}

impl Drain {
    /// Requests still open on the old upstream; a streamed answer counts until its last byte.
    pub fn in_flight(&self) -> usize {
        self.backend
            .as_ref()
            .map_or(0, |backend| backend.in_flight.load(SeqCst))
    }

    /// Waits until nothing is open any more, or for `limit`. Can be dropped and called again.
    pub async fn finished(&self, limit: Duration) -> Drained {
        let Some(backend) = &self.backend else {
            return Drained::Empty;
        };
        let empty = async {
            loop {
                let notified = backend.emptied.notified();
                let mut notified = std::pin::pin!(notified);
                notified.as_mut().enable();
                if backend.in_flight.load(SeqCst) == 0 {
                    return;
                }
                notified.await;
            }
        };
        match tokio::time::timeout(limit, empty).await {
            Ok(()) => Drained::Empty,
            Err(_) => Drained::TimedOut {
                in_flight: self.in_flight(),
            },
        }
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

/// Why there is no lease, and the agent if it is at least known.
pub(crate) struct Refusal {
    pub(crate) agent: Option<Arc<str>>,
    pub(crate) error: GatewayError,
}
