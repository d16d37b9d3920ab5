//! What a request for a move means, and whether it may be followed.

use std::{path::PathBuf, sync::Arc};

use nasiko_contract::{ErrorCode, Fault, MoveStore, PeerState};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    REDIS_URL, STORE_URL, State,
    place::{Database, Place, Url},
};
use crate::plane::Shared;

impl Shared {
    /// Whether the store may be moved now; nobody else may as long as the permit is held.
    pub(super) fn may_move(&self) -> Result<OwnedSemaphorePermit, Fault> {
        if self.house.environment.store {
            return Err(Fault::new(
                ErrorCode::WrongState,
                format!("{STORE_URL} says where the store is"),
            )
            .hint("Start the control plane without it, then move the store"));
        }
        let moving = Arc::clone(&self.house.moving);
        moving.try_acquire_owned().map_err(|_| {
            Fault::new(ErrorCode::WrongState, "The store is being moved already")
                .hint("Wait until that is done")
        })
    }

    /// The place that a request means.
    pub(super) async fn wanted(&self, request: &MoveStore) -> Result<Place, Fault> {
        let decided = &self.house.environment.redis;
        if request.redis.is_some() && decided.is_some() {
            return Err(Fault::new(
                ErrorCode::WrongState,
                format!("{REDIS_URL} says which Redis server to use"),
            )
            .hint("Start the control plane without it, or leave the address out"));
        }
        let redis = request.redis.as_deref().map(Url::of_redis).transpose()?;
        let state = self.house.state.borrow().clone();
        let mut place = match request.to.as_str() {
            "sqlite" => match &state.place.database {
                Database::File(path) => Place::file(path.clone()),
                Database::Mongo(_) => Place::file(self.next_file(&state)),
            },
            "stack" => self.place_in_stack().await?,
            url => Place::mongo(Url::mongo(url)?, None),
        };
        place.redis = redis.or_else(|| decided.clone()).or(place.redis);
        Ok(place)
    }

    /// Each move to a file makes a new one, so that the one of before stays as it was.
    fn next_file(&self, state: &State) -> PathBuf {
        let name = format!("nasiko-{}.db", state.files + 1);
        self.home.root().join(name)
    }

    /// MongoDB and Redis of the local stack as they run now, with their own passwords.
    async fn place_in_stack(&self) -> Result<Place, Fault> {
        let [redis, mongo] = self.stack_databases().await?;
        Ok(Place {
            in_stack: true,
            ..Place::mongo(Url::new(mongo), Some(Url::new(redis)))
        })
    }

    /// What others write meanwhile would be left behind.
    pub(super) fn check_nobody_else_works(&self) -> Result<(), Fault> {
        let others = self.peers.shown().into_iter();
        let here = others.filter(|peer| peer.state == PeerState::Here);
        let names: Vec<String> = here
            .map(|peer| format!("{} ({})", peer.host, peer.api))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(Fault::new(
            ErrorCode::WrongState,
            "Other control planes work on the same store",
        )
        .hint("End them with `nasiko down` first")
        .evidence(names))
    }
}
