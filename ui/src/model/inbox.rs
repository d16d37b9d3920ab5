//! The inbox: what happened while nobody looked, newest first.

use std::{collections::BTreeMap, ops::Bound};

use nasiko_contract::{Event, Notice, NoticeId, NoticeKind};

use crate::{
    model::{tone::Tone, world},
    words::states::notice as words,
};

/// Notices that are kept here; the control plane keeps no more either.
const KEPT: usize = 600;

/// The notices. Their ids are in the order of time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Inbox {
    /// `None` before the first list has arrived.
    notices: Option<BTreeMap<NoticeId, Notice>>,
}

impl Inbox {
    /// Takes in the whole list.
    pub(crate) fn set(&mut self, notices: Vec<Notice>) {
        let notices = notices.into_iter();
        self.notices = Some(notices.map(|notice| (notice.id.clone(), notice)).collect());
    }

    /// Takes in an event; whether anything changed by it.
    pub(crate) fn apply(&mut self, event: &Event) -> bool {
        let Some(notices) = &mut self.notices else {
            return false;
        };
        match event.topic.as_str() {
            "notice.added" | "notice.changed" => {
                let Some(notice) = world::record::<Notice>(&event.data) else {
                    return false;
                };
                let before = notices.insert(notice.id.clone(), notice.clone());
                if notices.len() > KEPT {
                    notices.pop_first();
                }
                before.as_ref() != Some(&notice)
            }
            "notice.removed" => notices.remove(&NoticeId(event.subject.clone())).is_some(),
            _ => false,
        }
    }

    /// Whether the list has arrived.
    pub(crate) fn is_known(&self) -> bool {
        self.notices.is_some()
    }

    /// How many nobody has read.
    pub(crate) fn unread(&self) -> usize {
        let notices = self.notices.iter().flat_map(BTreeMap::values);
        notices.filter(|notice| !notice.read).count()
    }

    /// The newest first.
    pub(crate) fn newest(&self) -> Vec<NoticeId> {
        let ids = self.notices.iter().flat_map(BTreeMap::keys).rev();
        ids.cloned().collect()
    }

    /// The one below a notice, else the one above it.
    pub(crate) fn beside(&self, id: &NoticeId) -> Option<NoticeId> {
        let notices = self.notices.as_ref()?;
        let below = notices.range::<NoticeId, _>(..id).next_back();
        let mut above = notices.range::<NoticeId, _>((Bound::Excluded(id), Bound::Unbounded));
        let (beside, _) = below.or_else(|| above.next())?;
        Some(beside.clone())
    }

    /// One of them.
    pub(crate) fn get(&self, id: &NoticeId) -> Option<&Notice> {
        self.notices.as_ref()?.get(id)
    }
}

/// What is said in passing of a new notice. Agents that come to answer are told of by themselves.
pub(crate) fn said(event: &Event) -> Option<String> {
    if event.topic != "notice.added" {
        return None;
    }
    let notice: Notice = world::record(&event.data)?;
    let is_told = matches!(
        notice.kind,
        NoticeKind::DeployDone | NoticeKind::AgentRecovered
    );
    (!is_told).then_some(notice.title)
}

/// The tone of a notice, and its kind in a word.
pub(crate) fn tone(kind: NoticeKind) -> (Tone, &'static str) {
    match kind {
        NoticeKind::AgentCrashed => (Tone::Bad, words::CRASHED),
        NoticeKind::AgentRecovered => (Tone::Ok, words::RECOVERED),
        NoticeKind::DeployDone => (Tone::Ok, words::DEPLOYED),
        NoticeKind::DeployFailed => (Tone::Bad, words::DEPLOY_FAILED),
        NoticeKind::StackDegraded => (Tone::Bad, words::STACK),
        NoticeKind::StackRecovered => (Tone::Ok, words::STACK),
        NoticeKind::UpdateReady => (Tone::Idle, words::UPDATE),
        NoticeKind::DoctorFinding => (Tone::Bad, words::DOCTOR),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(topic: &str, id: &str, read: bool) -> Event {
        let notice = json!({
            "id": id, "at": 0, "kind": "agent-crashed", "title": format!("{id} crashed"), "target": "/agents/a", "read": read
        });
        Event {
            seq: 1,
            at: 0,
            topic: topic.to_owned(),
            subject: id.to_owned(),
            data: if topic == "notice.removed" {
                Value::Null
            } else {
                notice
            },
        }
    }

    #[test]
    fn notices_come_are_read_and_go() {
        let mut inbox = Inbox::default();
        assert!(
            !inbox.apply(&event("notice.added", "01", false)),
            "the list brings it"
        );
        inbox.set(Vec::new());
        for id in ["01", "03", "02"] {
            assert!(inbox.apply(&event("notice.added", id, false)));
        }
        assert!(
            !inbox.apply(&event("notice.added", "02", false)),
            "it is known"
        );
        let newest: Vec<String> = inbox.newest().into_iter().map(|id| id.0).collect();
        assert_eq!(newest, ["03", "02", "01"]);
        for (of, beside) in [("03", "02"), ("02", "01"), ("01", "02")] {
            let found = inbox.beside(&NoticeId(of.to_owned()));
            assert_eq!(found, Some(NoticeId(beside.to_owned())), "{of}");
        }
        assert_eq!(inbox.unread(), 3);
        assert!(inbox.apply(&event("notice.changed", "02", true)));
        assert_eq!(inbox.unread(), 2);
        assert!(inbox.apply(&event("notice.removed", "03", false)));
        assert_eq!((inbox.unread(), inbox.newest().len()), (1, 2));
        assert!(inbox.apply(&event("notice.removed", "02", false)));
        assert_eq!(inbox.beside(&NoticeId("01".to_owned())), None);
    }

    #[test]
    fn a_new_notice_is_said_once_and_not_beside_what_is_said_anyway() {
        let mut told = event("notice.added", "01", false);
        assert_eq!(said(&told).as_deref(), Some("01 crashed"));
        assert_eq!(said(&event("notice.changed", "01", true)), None);
        told.data["kind"] = json!("deploy-done");
        assert_eq!(said(&told), None);
    }
}
