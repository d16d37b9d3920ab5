//! Moving the store while the control plane works: whoever writes waits, everything else goes on.
//!
//! The order is what makes it safe to be killed anywhere: copy, compare, finish the copy, open it, write the choice
//! down, exchange the backend. Until the choice is written the old store is the truth, and the next attempt goes on or
//! begins anew; from then on the new one is, and it is complete.

use std::sync::Arc;

use futures::StreamExt;
use nasiko_contract::{
    ErrorCode, Fault, LastMove, MoveProgress, MoveReport, MoveStep, MoveStore, StorePlace,
};
use nasiko_store::{
    Backend, Batch, Store, SystemClock, Vault,
    transfer::{self, Progress, Step, TransferError},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use super::{
    Choice, State,
    place::{Database, Place},
};
use crate::{
    api::{Caller, Items, Numbered, ServeStream},
    home,
    plane::{ControlPlane, Shared, cancelled},
};

/// The topic of the store's move; its data is the new [`StorePlace`].
const MOVED: &str = "store.moved";
/// Progress that nobody has read yet; what comes meanwhile is left out.
const UNREAD: usize = 16;

impl ServeStream<MoveStore> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: MoveStore,
    ) -> Result<Items<MoveProgress>, Fault> {
        let shared = &self.shared;
        let one_at_a_time = shared.may_move()?;
        let to = shared.wanted(&request).await?;
        let (tell, told) = mpsc::channel(UNREAD);
        let cancel = shared.stop.child_token();
        let given_up = cancel.clone().drop_guard();
        let mover = Mover {
            shared: Arc::clone(shared),
            to,
            join: request.join,
            tell,
            cancel,
            _one_at_a_time: one_at_a_time,
        };
        // A task of its own: given up at any moment, it still lets writers go on.
        shared.tasks.spawn(mover.run());
        let items = ReceiverStream::new(told).map(move |item| {
            let _ends_with_the_stream = &given_up;
            item
        });
        Ok(items.boxed())
    }
}

/// One move.
struct Mover {
    shared: Arc<Shared>,
    to: Place,
    join: bool,
    tell: mpsc::Sender<Result<Numbered<MoveProgress>, Fault>>,
    cancel: CancellationToken,
    _one_at_a_time: OwnedSemaphorePermit,
}

/// What became of copying.
enum Copied {
    /// Everything is there.
    All(transfer::Report),
    /// It is the same database, and another Redis beside it.
    Same,
    /// Others work with it.
    InUse,
}

impl Mover {
    async fn run(self) {
        let outcome = Box::pin(self.move_house()).await;
        if let Err(fault) = &outcome {
            tracing::warn!(%fault, "the store was not moved");
            let failed = self.ended(Some(fault.clone()));
            let state = &self.shared.house.state;
            // Nobody has to go over for it.
            state.send_if_modified(|state| {
                state.last_move = Some(failed);
                false
            });
        }
        let last = outcome.map(|report| {
            MoveProgress {
                step: MoveStep::Switching,
                done: 1,
                total: 1,
                report: Some(report),
            }
            .into()
        });
        // Whoever went away finds it in the store's status.
        let _ = self.tell.send(last).await;
    }

    async fn move_house(&self) -> Result<MoveReport, Fault> {
        self.say(MoveStep::Preparing, 0, 0);
        self.shared.check_nobody_else_works()?;
        let old = self.shared.house.state.borrow().clone();
        let is_same_file = old.place.is_same_file(&self.to);
        let files = old.files + u32::from(!is_same_file && !self.to.is_shared());
        // While nobody waits: the key of what is sealed may have to be asked for.
        let mut choice =
            Choice::new(&self.to, old.place.shown(), files, &self.shared.vault).await?;
        if is_same_file {
            choice.before.clone_from(&old.before);
            choice.write(&self.shared.home).await?;
            return Ok(self.settle(&old, choice, None));
        }
        // Of an attempt that did not come to its end: no choice ever named it.
        self.discard_file().await;
        let moved = self.copy_and_switch(&old, choice).await;
        if moved.is_err() {
            self.discard_file().await;
        }
        moved
    }

    async fn copy_and_switch(&self, old: &State, mut choice: Choice) -> Result<MoveReport, Fault> {
        let store = &self.shared.store;
        let target = self.unless_cancelled(self.to.open()).await??;
        let target = Store::with_backend(target, Arc::new(SystemClock));
        let frozen = match self.unless_cancelled(store.freeze()).await {
            Ok(Ok(frozen)) => frozen,
            Ok(Err(error)) => {
                target.close().await;
                return Err(error.into());
            }
            Err(fault) => {
                target.close().await;
                return Err(fault);
            }
        };
        let copied = self.copy(&target).await;
        target.close().await;
        let report = match copied {
            Ok(Copied::InUse) if self.join => {
                frozen.thaw().await;
                return self.join(choice).await;
            }
            Ok(Copied::InUse) => Err(in_use()),
            Ok(Copied::Same) => {
                choice.before.clone_from(&old.before);
                Ok(None)
            }
            Ok(Copied::All(report)) => Ok(Some(report)),
            Err(fault) => Err(fault),
        };
        let ready = match report {
            Ok(report) => self.make_ready(&choice).await.map(|ready| (ready, report)),
            Err(fault) => Err(fault),
        };
        match ready {
            Ok((backend, report)) => {
                frozen.move_to(backend).await;
                let report = self.settle(old, choice, report);
                self.shared.tell_of_move(&report.place).await;
                if self.to.is_shared()
                    && let Err(fault) = crate::peers::share(&self.shared).await
                {
                    tracing::warn!(%fault, "other control planes are not followed before the next start");
                }
                Ok(report)
            }
            Err(fault) => {
                frozen.thaw().await;
                Err(fault)
            }
        }
    }

    async fn copy(&self, target: &Store) -> Result<Copied, Fault> {
        let mut say = |progress: Progress| {
            let step = match progress.step {
                Step::Copying => MoveStep::Copying,
                Step::Comparing => MoveStep::Comparing,
            };
            self.say(step, progress.done, progress.total);
        };
        match transfer::copy(&self.shared.store, target, &mut say, &self.cancel).await {
            Ok(report) => Ok(Copied::All(report)),
            Err(TransferError::Same) => Ok(Copied::Same),
            Err(TransferError::NotEmpty) => Ok(Copied::InUse),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the finished copy to be worked with and writes down that it counts from now on.
    async fn make_ready(&self, choice: &Choice) -> Result<Arc<dyn Backend>, Fault> {
        self.say(MoveStep::Switching, 0, 1);
        let backend = self.unless_cancelled(self.to.open()).await??;
        match choice.write(&self.shared.home).await {
            Ok(()) => Ok(backend),
            Err(fault) => {
                backend.close().await;
                Err(fault)
            }
        }
    }

    /// Nothing is copied; the next start opens what is there, for which it needs the key of what is sealed there.
    async fn join(&self, choice: Choice) -> Result<MoveReport, Fault> {
        let store = Store::with_backend(self.to.open().await?, Arc::new(SystemClock));
        let vault = Vault::new(store.clone(), self.shared.keeper.clone());
        let opens = vault.check_key().await;
        store.close().await;
        opens.map_err(|error| {
            Fault::from(error).hint(
                "Copy `vault.key` from the data directory of a control plane that uses this database",
            )
        })?;
        choice.write(&self.shared.home).await?;
        let place = self.to.shown();
        self.shared.house.state.send_if_modified(|state| {
            state.next = Some(place.clone());
            false
        });
        Ok(MoveReport {
            place,
            before: choice.before.unwrap_or_default(),
            restart: true,
            ..MoveReport::default()
        })
    }

    /// Takes down where the store is now.
    fn settle(&self, old: &State, choice: Choice, copied: Option<transfer::Report>) -> MoveReport {
        let state = State {
            place: self.to.clone(),
            before: choice.before,
            next: None,
            last_move: Some(self.ended(None)),
            files: choice.files,
        };
        self.shared.house.state.send_replace(state);
        let (kinds, resumed) = copied.map_or_else(Default::default, |report| {
            (report.contents.kinds, report.resumed)
        });
        let counts = kinds.into_iter().map(|(kind, tally)| (kind, tally.count));
        MoveReport {
            place: self.to.shown(),
            before: old.place.shown(),
            counts: counts.collect(),
            resumed,
            restart: false,
        }
    }

    fn ended(&self, fault: Option<Fault>) -> LastMove {
        LastMove {
            at: crate::time::now_ms(),
            to: self.to.shown(),
            fault,
        }
    }

    /// The file that is being moved into.
    async fn discard_file(&self) {
        let Database::File(file) = &self.to.database else {
            return;
        };
        for more in ["", "-wal", "-shm"] {
            let mut path = file.clone().into_os_string();
            path.push(more);
            home::discard(path.as_ref()).await;
        }
    }

    fn say(&self, step: MoveStep, done: u64, total: u64) {
        let item = MoveProgress {
            step,
            done,
            total,
            report: None,
        };
        // Nobody has to have seen each of them.
        let _ = self.tell.try_send(Ok(item.into()));
    }

    async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Fault> {
        let done = self.cancel.run_until_cancelled(work).await;
        done.ok_or_else(cancelled)
    }
}

impl Shared {
    async fn tell_of_move(&self, place: &StorePlace) {
        let mut batch = Batch::new();
        batch.event(MOVED, "store", place);
        if let Err(error) = self.store.commit(batch).await {
            tracing::warn!(%error, "the store's move was not told");
        }
    }
}

fn in_use() -> Fault {
    Fault::new(ErrorCode::WrongState, "The database is not empty").hint(
        "Choose another one, by its name at the end of the address; or work with what is there, leaving behind what \
         is here, with `--join`",
    )
}
