//! The inbox: a bounded list of notices in the store.

use nasiko_contract::{
    ClearNotices, ErrorCode, Fault, ListNotices, Notice, NoticeId, NoticesChanged, Page,
    ReadNotices, RestoreNotices,
};
use nasiko_store::{Batch, Expected, Query, Record, StoreError, Versioned};
use serde::{Deserialize, Serialize};

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
};

/// Notices kept; the oldest go.
pub(super) const KEPT: usize = 500;
/// Notices beyond [`KEPT`] until the oldest go, so that not every one asks how many there are.
const SLACK: usize = 50;
/// Notices changed in one batch, each with its event.
const AT_ONCE: usize = 200;
/// How often a change is tried again when somebody else changed a notice meanwhile.
const CHANGE_TRIES: usize = 16;

/// The topic of a new notice; its data is the `Notice`.
const ADDED: &str = "notice.added";
/// The topic of a notice that was read, or came back to the inbox; its data is the `Notice`.
const CHANGED: &str = "notice.changed";
/// The topic of a notice that was cleared.
const REMOVED: &str = "notice.removed";

/// A notice of the inbox, or one that was cleared and can come back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct NoticeRecord {
    pub(super) notice: Notice,
    /// What is told at most once a minute.
    pub(super) cause: String,
    /// When it was cleared, Unix milliseconds.
    #[serde(default)]
    pub(super) cleared: Option<i64>,
}

impl Record for NoticeRecord {
    const KIND: &'static str = "notice";

    fn id(&self) -> &str {
        self.notice.id.as_str()
    }
}

/// What becomes of a notice.
enum Change {
    Keep,
    Put(NoticeRecord),
    Forget,
}

impl Shared {
    /// Adds a notice; nothing to do where another control plane has done it.
    pub(super) async fn add_notice(&self, cause: String, notice: Notice) -> Result<(), Fault> {
        let mut batch = Batch::new();
        batch.event(ADDED, notice.id.as_str(), &notice);
        let record = NoticeRecord {
            notice,
            cause,
            cleared: None,
        };
        batch.put(&record, Expected::New);
        match self.store.commit(batch).await {
            Ok(_) => self.trim_notices().await,
            Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// When each cause was told last.
    pub(super) async fn last_told(&self) -> Result<Vec<(String, i64)>, Fault> {
        let records = self.notice_records().await?.into_iter();
        Ok(records
            .map(|found| (found.value.cause, found.value.notice.at))
            .collect())
    }

    /// All that are kept, newest first.
    async fn notice_records(&self) -> Result<Vec<Versioned<NoticeRecord>>, Fault> {
        let query = Query {
            limit: Query::MAX_LIMIT,
            descending: true,
            ..Query::default()
        };
        Ok(self.store.list::<NoticeRecord>(query).await?.items)
    }

    async fn trim_notices(&self) -> Result<(), Fault> {
        let records = self.notice_records().await?;
        if records.len() <= KEPT + SLACK {
            return Ok(());
        }
        let mut batch = Batch::new();
        for old in records.into_iter().skip(KEPT) {
            let id = old.value.notice.id;
            if old.value.cleared.is_none() {
                batch.event(REMOVED, id.as_str(), serde_json::Value::Null);
            }
            batch.delete::<NoticeRecord>(id.as_str(), Expected::Any);
        }
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Changes notices, each with its event, and says how many came to be something else. What somebody else changes
    /// meanwhile is looked at again.
    async fn change_notices(
        &self,
        change: impl Fn(&NoticeRecord, &[Versioned<NoticeRecord>]) -> Change,
    ) -> Result<NoticesChanged, Fault> {
        let mut done = NoticesChanged::default();
        'again: for _ in 0..CHANGE_TRIES {
            let records = self.notice_records().await?;
            let changes: Vec<_> = records
                .iter()
                .map(|found| (found, change(&found.value, &records)))
                .filter(|(_, change)| !matches!(change, Change::Keep))
                .collect();
            for some in changes.chunks(AT_ONCE) {
                let mut batch = Batch::new();
                for (found, change) in some {
                    add(&mut batch, found, change);
                }
                match self.store.commit(batch).await {
                    Ok(_) => {}
                    Err(StoreError::Conflict { .. }) => continue 'again,
                    Err(error) => return Err(error.into()),
                }
                let put = some.iter().filter(|(_, c)| matches!(c, Change::Put(_)));
                done.changed = done
                    .changed
                    .saturating_add(u32::try_from(put.count()).unwrap_or(u32::MAX));
            }
            return Ok(done);
        }
        let busy = Fault::new(
            ErrorCode::Conflict,
            "The inbox is being changed by too many at once",
        );
        Err(busy.retryable())
    }

    /// Refuses a notice that is not in the inbox.
    async fn in_inbox(&self, id: Option<&NoticeId>) -> Result<(), Fault> {
        let Some(id) = id else {
            return Ok(());
        };
        let found = self.store.get::<NoticeRecord>(id.as_str()).await?;
        if found.is_some_and(|found| found.value.cleared.is_none()) {
            return Ok(());
        }
        Err(Fault::new(
            ErrorCode::NotFound,
            format!("There is no notice `{id}` in the inbox"),
        )
        .hint("`nasiko notices` lists those there are"))
    }
}

fn add(batch: &mut Batch, found: &Versioned<NoticeRecord>, change: &Change) {
    let id = found.value.notice.id.as_str();
    let expected = Expected::Exactly(found.version);
    match change {
        Change::Keep => {}
        Change::Forget => {
            batch.delete::<NoticeRecord>(id, expected);
        }
        Change::Put(record) => {
            if record.cleared.is_some() {
                batch.event(REMOVED, id, serde_json::Value::Null);
            } else {
                batch.event(CHANGED, id, &record.notice);
            }
            batch.put(record, expected);
        }
    }
}

impl Serve<ListNotices> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListNotices) -> Result<Page<Notice>, Fault> {
        let limit = request.limit.unwrap_or(100).clamp(1, 500) as usize;
        let mut records = self.shared.notice_records().await?;
        // What was held back came to the store later than it happened.
        records.sort_by(|a, b| b.value.notice.id.cmp(&a.value.notice.id));
        let mut wanted = records
            .into_iter()
            .map(|found| found.value)
            .filter(|record| record.cleared.is_none())
            .map(|record| record.notice)
            .filter(|notice| !(request.unread && notice.read))
            .filter(|notice| {
                let before = request.cursor.as_deref();
                before.is_none_or(|before| notice.id.as_str() < before)
            });
        let items: Vec<Notice> = wanted.by_ref().take(limit).collect();
        let more = wanted.next().is_some();
        let last = items.last().map(|notice| notice.id.0.clone());
        Ok(Page {
            items,
            next_cursor: last.filter(|_| more),
        })
    }
}

impl Serve<ReadNotices> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ReadNotices) -> Result<NoticesChanged, Fault> {
        self.shared.in_inbox(request.notice.as_ref()).await?;
        let meant = |notice: &Notice| request.notice.as_ref().is_none_or(|id| *id == notice.id);
        let read = |record: &NoticeRecord, _: &[_]| {
            if record.notice.read || record.cleared.is_some() || !meant(&record.notice) {
                return Change::Keep;
            }
            let mut record = record.clone();
            record.notice.read = true;
            Change::Put(record)
        };
        self.shared.change_notices(read).await
    }
}

impl Serve<ClearNotices> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ClearNotices) -> Result<NoticesChanged, Fault> {
        self.shared.in_inbox(request.notice.as_ref()).await?;
        let now = crate::time::now_ms();
        let meant = |notice: &Notice| request.notice.as_ref().is_none_or(|id| *id == notice.id);
        let clear = |record: &NoticeRecord, _: &[_]| match record.cleared {
            // Only the last clearing can be undone.
            Some(cleared) if cleared < now => Change::Forget,
            None if meant(&record.notice) => Change::Put(NoticeRecord {
                cleared: Some(now),
                ..record.clone()
            }),
            _ => Change::Keep,
        };
        self.shared.change_notices(clear).await
    }
}

impl Serve<RestoreNotices> for ControlPlane {
    async fn serve(&self, _: &Caller, _: RestoreNotices) -> Result<NoticesChanged, Fault> {
        let restore = |record: &NoticeRecord, all: &[Versioned<NoticeRecord>]| {
            let last = all.iter().filter_map(|found| found.value.cleared).max();
            if record.cleared.is_none() || record.cleared != last {
                return Change::Keep;
            }
            Change::Put(NoticeRecord {
                cleared: None,
                ..record.clone()
            })
        };
        self.shared.change_notices(restore).await
    }
}
