//! Moving house: everything that a store holds, copied into an empty one of another kind, counted and compared.
//!
//! [`copy`] reads the source page by page and never writes to it. Each page goes into the target together with a
//! *marker*, which says whose copy this is and how far it is. A target with a marker is an unfinished copy and nothing
//! else: [`copy`] goes on with it if it is of the same source and the source did not move on meanwhile, and begins anew
//! otherwise. A target that holds anything and has no marker is refused. Only when counts and checksums of every kind
//! agree is the marker taken away; until then the source is the truth. A finished copy of the same source with which
//! nobody has worked yet is made anew as well: whoever made it died before it was put to use.
//!
//! Whoever copies keeps workers and other writers from the source meanwhile ([`Store::freeze`]): what is written there
//! behind the copy's back is found by the comparison, and the copy then fails. After a copy the target is opened anew.

mod item;

use std::collections::BTreeMap;

use async_trait::async_trait;
use nasiko_contract::{ErrorCode, Fault};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

pub use self::item::{Item, Page, Place, Section, Tally};
use crate::{Store, StoreError};

/// Says whose copy a target is, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The source's [`Endpoint::identity`].
    pub source: String,
    /// The source's last event when the copy began.
    pub last_seq: u64,
    /// Where the copy goes on.
    pub place: Place,
}

impl Marker {
    /// Of a copy that is being thrown away.
    pub(crate) const NOBODYS: Self = Self {
        source: String::new(),
        last_seq: 0,
        place: Place::START,
    };
}

/// What is in a store, as far as a copy has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Empty,
    /// An unfinished copy.
    Unfinished(Marker),
    /// A finished copy with which nobody has worked yet. Whoever made it may have died before the move was done.
    Untouched(Marker),
    /// A store of its own.
    InUse,
}

/// A store that can be moved. Implemented by each backend; a person copies with [`copy`].
#[async_trait]
pub trait Endpoint: Send + Sync {
    /// Names this store among all stores, the same at each start.
    fn identity(&self) -> String;

    /// What is in it.
    async fn standing(&self) -> Result<Standing, StoreError>;

    /// How many items there are, about.
    async fn count(&self) -> Result<u64, StoreError>;

    /// The items from a place on, bounded in number and bytes; see [`Page`].
    async fn read(&self, from: &Place) -> Result<Page, StoreError>;

    /// Adds items and sets the marker. Items that are there already are left as they are. Only for an empty store or an
    /// unfinished copy.
    async fn write(&self, items: Vec<Item>, marker: &Marker) -> Result<(), StoreError>;

    /// Removes everything. Only for an unfinished copy, or a finished one with which nobody has worked yet.
    async fn wipe(&self) -> Result<(), StoreError>;

    /// Makes an unfinished copy with this marker a store of its own.
    async fn finish(&self, contents: &Contents, marker: &Marker) -> Result<(), StoreError>;
}

/// What was found in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Count and checksum by kind: each kind of record by its name, then `job`, `job log` and `event`.
    pub kinds: BTreeMap<String, Tally>,
    /// The last place in the listing of each kind of record.
    pub positions: BTreeMap<String, i64>,
    /// The last job's number.
    pub last_number: i64,
    /// The last place in the queue.
    pub last_position: i64,
    /// The first event that is kept; 1 when there is none.
    pub first_seq: u64,
    /// The last event; 0 when there is none.
    pub last_seq: u64,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Items done of this step.
    pub done: u64,
    /// Items there are, about.
    pub total: u64,
}

/// A step of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reading from the one and writing into the other.
    Copying,
    /// Reading both and comparing.
    Comparing,
}

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What both stores now hold.
    pub contents: Contents,
    /// Items written by this call.
    pub copied: u64,
    /// Whether it went on with an unfinished copy.
    pub resumed: bool,
}

/// Why a copy failed. The source is as it was.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransferError {
    /// The target holds something that is no unfinished copy.
    #[error("the target store is not empty")]
    NotEmpty,
    /// The source is itself an unfinished copy.
    #[error("the source store is an unfinished copy of another one")]
    Unfinished,
    /// Both are the same.
    #[error("source and target are the same store")]
    Same,
    /// Counts or checksums differ: somebody wrote into one of them meanwhile.
    #[error("after the copy the stores differ in {kind}")]
    Differs {
        /// The first kind that differs.
        kind: String,
    },
    /// It was cancelled. The next call goes on.
    #[error("the copy was cancelled")]
    Cancelled,
    /// One of the stores failed. The next call goes on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TransferError> for Fault {
    fn from(error: TransferError) -> Self {
        let hint = match &error {
            TransferError::Store(error) => return error.clone().into(),
            TransferError::NotEmpty => "Choose an empty database or file",
            TransferError::Unfinished => "Finish or discard that copy first",
            TransferError::Same => "Choose another database or file",
            TransferError::Differs { .. } => "Copy again while nothing else writes into the stores",
            TransferError::Cancelled => "Copy again: it goes on where it was",
        };
        let code = match &error {
            TransferError::Cancelled => ErrorCode::Cancelled,
            TransferError::Differs { .. } => ErrorCode::StoreFailed,
            _ => ErrorCode::WrongState,
        };
        Self::of_error(code, &error).hint(hint)
    }
}

/// Copies everything from one store into another; see the module. Dropping the future is as good as cancelling it.
pub async fn copy(
    from: &Store,
    to: &Store,
    progress: &mut (dyn FnMut(Progress) + Send),
    cancel: &CancellationToken,
) -> Result<Report, TransferError> {
    let (source, target) = (from.backend(), to.backend());
    let (source, target) = (source.endpoint(), target.endpoint());
    if source.identity() == target.identity() {
        return Err(TransferError::Same);
    }
    if let Standing::Unfinished(_) = source.standing().await? {
        return Err(TransferError::Unfinished);
    }
    let mut marker = Marker {
        source: source.identity(),
        last_seq: from.last_seq(),
        place: Place::START,
    };
    let resumed = match target.standing().await? {
        Standing::Empty => false,
        Standing::InUse => return Err(TransferError::NotEmpty),
        Standing::Unfinished(found) if goes_on(&found, &marker) => {
            marker.place = found.place;
            true
        }
        Standing::Untouched(found) if found.source != marker.source => {
            return Err(TransferError::NotEmpty);
        }
        Standing::Unfinished(_) | Standing::Untouched(_) => {
            target.wipe().await?;
            false
        }
    };
    let total = source.count().await?;
    let mut copied = 0;
    loop {
        let page = unless(cancel, source.read(&marker.place)).await?;
        copied += page.items.len() as u64;
        let next = page.next;
        marker.place = next.clone().unwrap_or(Place::END);
        unless(cancel, target.write(page.items, &marker)).await?;
        progress(Progress {
            step: Step::Copying,
            done: copied,
            total,
        });
        if next.is_none() {
            break;
        }
    }
    let mut compared = 0;
    let mut note = |items| {
        compared += items;
        progress(Progress {
            step: Step::Comparing,
            done: compared,
            total: 2 * total,
        });
    };
    let wanted = contents(source, &mut note, cancel).await?;
    let found = contents(target, &mut note, cancel).await?;
    if let Some(kind) = wanted.difference(&found) {
        // Not to be gone on with: what is in it is not what the source holds.
        target.wipe().await?;
        return Err(TransferError::Differs { kind });
    }
    target.finish(&found, &marker).await?;
    Ok(Report {
        contents: found,
        copied,
        resumed,
    })
}

/// Whether a store is an unfinished copy, and thus not one to work with.
pub async fn is_unfinished(store: &Store) -> Result<bool, StoreError> {
    let standing = store.backend().endpoint().standing().await?;
    Ok(matches!(standing, Standing::Unfinished(_)))
}

/// Counts and checks everything in a store.
pub async fn take_stock(store: &Store) -> Result<Contents, TransferError> {
    let backend = store.backend();
    contents(backend.endpoint(), &mut |_| {}, &CancellationToken::new()).await
}

/// Whether an unfinished copy can be gone on with: the source must be where it was.
fn goes_on(found: &Marker, wanted: &Marker) -> bool {
    found.source == wanted.source && found.last_seq == wanted.last_seq
}

async fn contents(
    endpoint: &dyn Endpoint,
    note: &mut (dyn FnMut(u64) + Send),
    cancel: &CancellationToken,
) -> Result<Contents, TransferError> {
    let mut contents = Contents {
        first_seq: 1,
        ..Contents::default()
    };
    let mut place = Some(Place::START);
    while let Some(from) = place {
        let page = unless(cancel, endpoint.read(&from)).await?;
        for item in &page.items {
            contents.add(item)?;
        }
        note(page.items.len() as u64);
        place = page.next;
    }
    Ok(contents)
}

async fn unless<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, TransferError> {
    match cancel.run_until_cancelled(work).await {
        Some(outcome) => Ok(outcome?),
        None => Err(TransferError::Cancelled),
    }
}
