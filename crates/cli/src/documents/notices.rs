//! Documents about the inbox.

use nasiko_contract::{Notice, NoticeKind, NoticesChanged};
use serde::Serialize;

/// A row of `notices`
#[derive(Debug, Serialize)]
pub(crate) struct NoticeDocument {
    id: String,
    at: i64,
    kind: NoticeKind,
    title: String,
    text: String,
    target: String,
    agent: Option<String>,
    read: bool,
    shown: bool,
}

impl From<Notice> for NoticeDocument {
    fn from(notice: Notice) -> Self {
        Self {
            id: notice.id.0,
            at: notice.at,
            kind: notice.kind,
            title: notice.title,
            text: notice.text,
            target: notice.target,
            agent: notice.agent.map(|agent| agent.0),
            read: notice.read,
            shown: notice.shown,
        }
    }
}

/// `notices read`, `notices clear`, `notices restore`
#[derive(Debug, Serialize)]
pub(crate) struct NoticesChangedDocument {
    changed: u32,
}

impl From<NoticesChanged> for NoticesChangedDocument {
    fn from(done: NoticesChanged) -> Self {
        Self {
            changed: done.changed,
        }
    }
}
