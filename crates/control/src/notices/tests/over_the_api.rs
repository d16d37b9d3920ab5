//! The inbox of a whole control plane.

use nasiko_contract::{
    ClearNotices, ErrorCode, ListNotices, Notice, NoticeId, NoticeKind, PatchSettings, ReadNotices,
    RestoreNotices,
};
use nasiko_store::Batch;
use serde_json::json;
use tempfile::TempDir;

use super::super::{FINDING, inbox::KEPT};
use crate::{
    ControlPlane,
    api::{self, Caller},
    tests::{open, until},
};

async fn inbox(plane: &ControlPlane, unread: bool) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut cursor = None;
    loop {
        let request = ListNotices {
            unread,
            cursor,
            limit: Some(200),
        };
        let page = api::call(plane, &Caller::owner(), request).await.unwrap();
        notices.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return notices;
        }
    }
}

/// Lets the doctor find something, and waits until it is told.
async fn find(plane: &ControlPlane, code: &str) {
    let title = format!("{code} is wrong");
    let mut batch = Batch::new();
    batch.event(FINDING, code, json!({ "code": code, "title": title }));
    plane.shared.store.commit(batch).await.unwrap();
    until(&plane.shared, "the finding is told", async || {
        let notices = inbox(plane, false).await;
        notices.iter().any(|notice| notice.title == title)
    })
    .await;
}

#[tokio::test]
async fn notices_are_read_cleared_and_brought_back() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let owner = Caller::owner();
    for code in ["disk", "clock", "proxy"] {
        find(&plane, code).await;
    }
    let notices = inbox(&plane, false).await;
    let titles: Vec<&str> = notices.iter().map(|notice| notice.title.as_str()).collect();
    assert_eq!(
        titles,
        ["proxy is wrong", "clock is wrong", "disk is wrong"]
    );
    assert_eq!(notices[0].kind, NoticeKind::DoctorFinding);
    assert_eq!(notices[0].target, "/doctor");
    assert!(notices.iter().all(|notice| notice.shown && !notice.read));

    let one = ReadNotices {
        notice: Some(notices[1].id.clone()),
    };
    assert_eq!(
        api::call(&plane, &owner, one.clone())
            .await
            .unwrap()
            .changed,
        1
    );
    assert_eq!(
        api::call(&plane, &owner, one).await.unwrap().changed,
        0,
        "it is read already"
    );
    assert_eq!(inbox(&plane, true).await.len(), 2);

    let all = api::call(&plane, &owner, ClearNotices::default())
        .await
        .unwrap();
    assert_eq!(all.changed, 3);
    assert_eq!(inbox(&plane, false).await, []);
    let absent = ReadNotices {
        notice: Some(NoticeId::from("absent")),
    };
    let fault = api::call(&plane, &owner, absent).await.unwrap_err();
    assert_eq!(fault.code, ErrorCode::NotFound);

    let restored = api::call(&plane, &owner, RestoreNotices {}).await.unwrap();
    assert_eq!(restored.changed, 3);
    let back = inbox(&plane, false).await;
    assert_eq!(back.len(), 3);
    assert!(back[1].read, "as it was");
    assert_eq!(
        api::call(&plane, &owner, RestoreNotices {})
            .await
            .unwrap()
            .changed,
        0
    );
    plane.close().await;
}

#[tokio::test]
async fn what_comes_while_notices_are_off_is_kept_and_not_shown() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let owner = Caller::owner();
    let off = PatchSettings {
        notifications: Some(false),
        ..PatchSettings::default()
    };
    api::call(&plane, &owner, off).await.unwrap();
    find(&plane, "disk").await;
    // Two halves of the day: one of them is now.
    for hours in ["00:00-12:00", "12:00-00:00"] {
        let quiet = PatchSettings {
            notifications: Some(true),
            quiet_hours: Some(hours.to_owned()),
            ..PatchSettings::default()
        };
        api::call(&plane, &owner, quiet).await.unwrap();
        find(&plane, hours).await;
    }
    let shown: Vec<bool> = inbox(&plane, false)
        .await
        .iter()
        .map(|notice| notice.shown)
        .collect();
    assert!(!shown[2], "notifications were off");
    assert_eq!(
        shown[..2].iter().filter(|shown| **shown).count(),
        1,
        "{shown:?}"
    );
    let wrong = PatchSettings {
        quiet_hours: Some("at night".to_owned()),
        ..PatchSettings::default()
    };
    let fault = api::call(&plane, &owner, wrong).await.unwrap_err();
    assert_eq!(fault.code, ErrorCode::InvalidRequest);
    plane.close().await;
}

#[tokio::test]
async fn the_inbox_is_bounded() {
    let home = TempDir::new().unwrap();
    let plane = open(home.path()).await;
    let mut batch = Batch::new();
    for number in 0..KEPT + 150 {
        let data = json!({ "code": number.to_string(), "title": number.to_string() });
        batch.event(FINDING, number.to_string(), data);
    }
    plane.shared.store.commit(batch).await.unwrap();
    find(&plane, "last").await;
    let notices = inbox(&plane, false).await;
    assert!(
        (KEPT..KEPT + 100).contains(&notices.len()),
        "{}",
        notices.len()
    );
    assert_eq!(notices[0].title, "last is wrong");
    plane.close().await;
}
