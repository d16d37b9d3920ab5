//! Where this control plane's store is ([`place`]), what was chosen ([`choice`]), and moving it elsewhere ([`request`],
//! [`moving`]).

mod choice;
mod moving;
mod place;
mod request;
#[cfg(test)]
mod tests;

use std::{ffi::OsString, sync::Arc};

use nasiko_contract::{ErrorCode, Fault, GetStore, LastMove, StorePlace, StoreServer, StoreStatus};
use nasiko_store::{
    Store, StoreError, SystemClock, streams::RedisAddress, transfer, vault::KeyHolder,
};
use tokio::sync::{Semaphore, watch};

use self::{
    choice::Choice,
    place::{Place, Url},
};
use crate::{
    api::{Caller, Serve},
    home::Home,
    plane::{ControlPlane, Shared},
};

/// A MongoDB that holds the store, as a URL. It wins over what was chosen.
const STORE_URL: &str = "NASIKO_STORE_URL";
/// The Redis beside it, as a URL. It wins over what was chosen.
const REDIS_URL: &str = "NASIKO_REDIS_URL";

/// Where the store is, and was.
pub(crate) struct House {
    environment: Environment,
    state: watch::Sender<State>,
    /// Taken while the store is being moved.
    moving: Arc<Semaphore>,
}

/// What the environment decides.
struct Environment {
    store: bool,
    redis: Option<Url>,
}

/// How things stand.
#[derive(Clone)]
struct State {
    place: Place,
    before: Option<StorePlace>,
    /// A database that was joined, for the next start.
    next: Option<StorePlace>,
    last_move: Option<LastMove>,
    /// See [`Choice::files`].
    files: u32,
}

impl House {
    /// Finds out where the store is: the environment says so, else what was chosen, else it is in the data directory.
    /// The key is asked for if what was chosen has a password in its address.
    pub(crate) async fn find(
        environment: &[(OsString, OsString)],
        home: &Home,
        holder: &impl KeyHolder,
    ) -> Result<Self, Fault> {
        let named = |name: &str| {
            let found = environment.iter().find(|(variable, _)| variable == name);
            found
                .and_then(|(_, value)| value.to_str())
                .filter(|value| !value.is_empty())
                .map(Url::new)
        };
        let (store, redis) = (named(STORE_URL), named(REDIS_URL));
        let decided = Environment {
            store: store.is_some(),
            redis: redis.clone(),
        };
        let choice = match &store {
            Some(_) => None,
            None => Choice::read(home)?,
        };
        let mut state = match (store, choice) {
            (Some(url), _) => State::new(Place::mongo(url, None)),
            (None, None) => State::new(Place::file(home.store_file())),
            (None, Some(choice)) => {
                let opened = choice.place(home, holder).await;
                let place = opened.map_err(|error| not_opened(error.into(), home, &choice))?;
                State {
                    last_move: Some(LastMove {
                        at: choice.since,
                        to: place.shown(),
                        fault: None,
                    }),
                    before: choice.before,
                    files: choice.files,
                    ..State::new(place)
                }
            }
        };
        if redis.is_some() {
            state.place.redis = redis;
        }
        Ok(Self {
            environment: decided,
            state: watch::Sender::new(state),
            moving: Arc::new(Semaphore::new(1)),
        })
    }

    /// Opens the store.
    pub(crate) async fn open(&self, home: &Home) -> Result<Store, Fault> {
        let place = self.state.borrow().place.clone();
        let failed = |fault: Fault| {
            if self.environment.store {
                return fault.evidence([format!("{STORE_URL} says that the store is there")]);
            }
            match Choice::read(home) {
                Ok(Some(choice)) => not_opened(fault, home, &choice),
                _ => fault,
            }
        };
        let opened = async {
            let store = Store::with_backend(place.open().await?, Arc::new(SystemClock));
            let unfinished = transfer::is_unfinished(&store).await?;
            Ok::<_, StoreError>((store, unfinished))
        };
        let (store, unfinished) = opened.await.map_err(|error| failed(error.into()))?;
        if unfinished {
            store.close().await;
            return Err(failed(unfinished_copy()));
        }
        Ok(store)
    }

    /// The Redis server beside the store, which also carries a platform's commands.
    pub(crate) fn redis(&self) -> Option<RedisAddress> {
        self.state.borrow().place.redis.as_ref().map(Url::redis)
    }

    /// Whether other control planes may work on the same store.
    pub(crate) fn is_shared(&self) -> bool {
        self.state.borrow().place.is_shared()
    }

    /// Whether the store is in the local stack, which must then not be taken down.
    pub(crate) fn is_in_stack(&self) -> bool {
        self.state.borrow().place.in_stack
    }

    /// Completes when the store has moved, or another Redis is beside it.
    pub(crate) async fn moved(&self) {
        // The sender is ours.
        let _ = self.state.subscribe().changed().await;
    }
}

/// Whether the data directory says where its store is; the fault of one that says it in a way that cannot be read.
pub(crate) fn is_chosen(home: &Home) -> Result<bool, Fault> {
    Ok(Choice::read(home)?.is_some())
}

impl State {
    fn new(place: Place) -> Self {
        Self {
            place,
            before: None,
            next: None,
            last_move: None,
            files: 1,
        }
    }
}

impl Serve<GetStore> for ControlPlane {
    async fn serve(&self, _: &Caller, _: GetStore) -> Result<StoreStatus, Fault> {
        Ok(self.shared.store_status())
    }
}

impl Shared {
    /// Asks nobody: servers are as the last call met them.
    fn store_status(&self) -> StoreStatus {
        let House {
            environment,
            state,
            moving,
        } = &self.house;
        let state = state.borrow().clone();
        let servers = self.store.health().into_iter();
        StoreStatus {
            place: state.place.shown(),
            servers: servers
                .map(|health| StoreServer {
                    server: health.server,
                    trouble: health.trouble,
                })
                .collect(),
            from_environment: environment.store,
            before: state.before,
            next: state.next,
            moving: moving.available_permits() == 0,
            last_move: state.last_move,
        }
    }

    /// What people should know of the servers behind the store.
    pub(crate) fn store_notices(&self) -> Vec<String> {
        let troubled = self.store.health().into_iter();
        troubled
            .filter_map(|health| {
                let reason = health.trouble?;
                Some(format!("{} does not answer: {reason}", health.server))
            })
            .collect()
    }
}

fn unfinished_copy() -> Fault {
    Fault::new(
        ErrorCode::WrongState,
        "The store is an unfinished copy of another one",
    )
    .hint("Finish the move from where it began, or choose another database")
}

/// A chosen store that cannot be opened: nothing else is opened in its place, but it is said how to get back.
fn not_opened(fault: Fault, home: &Home, choice: &Choice) -> Fault {
    let way_back = choice.before.as_ref().map(|before| {
        format!(
            "Or remove {} to go on with {} as it was before the move",
            Choice::path(home).display(),
            before.location
        )
    });
    let hints: Vec<String> = fault.hint.clone().into_iter().chain(way_back).collect();
    fault.hint(hints.join(". "))
}
