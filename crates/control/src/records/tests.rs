use nasiko_contract::ErrorCode;

use super::*;

fn folder(path: &str) -> Source {
    Source::Folder { path: path.into() }
}

fn git(url: &str, branch: Option<&str>) -> Source {
    Source::Git {
        url: url.to_owned(),
        branch: branch.map(str::to_owned),
    }
}

pub(crate) fn agent(state: AgentState, fault: Option<Fault>) -> AgentRecord {
    let source = folder("/agents/greeter");
    AgentRecord {
        state,
        fault,
        ..AgentRecord::new("greeter".into(), source, RuntimeKind::Process, 0)
    }
}

#[test]
fn a_source_updates_what_came_from_the_same_place() {
    let archive = Source::Archive {
        path: "/a.zip".into(),
    };
    let upload = Source::Upload {
        path: "/uploads/1/b.zip".into(),
        name: "b.zip".to_owned(),
    };
    for (present, other, updates) in [
        (folder("/a"), folder("/a"), true),
        (folder("/a"), folder("/b"), false),
        (
            git("https://x/y", None),
            git("https://x/y", Some("next")),
            true,
        ),
        (git("https://x/y", None), git("https://x/z", None), false),
        (archive.clone(), upload.clone(), true),
        (upload.clone(), archive.clone(), true),
        (folder("/a"), upload, false),
        (archive, folder("/a"), false),
    ] {
        assert_eq!(
            present.is_updated_by(&other),
            updates,
            "{present:?} by {other:?}"
        );
    }
}

#[test]
fn an_agent_that_is_worked_on_always_comes_to_rest() {
    let broken = || Fault::new(ErrorCode::ImportError, "It imports what is not there");
    let cancelled = || Fault::new(ErrorCode::Cancelled, "Cancelled");
    for (before, noted, because, after) in [
        (AgentState::SettingUp, None, broken(), AgentState::Failed),
        (
            AgentState::SettingUp,
            None,
            cancelled(),
            AgentState::Stopped,
        ),
        (
            AgentState::Failed,
            Some(broken()),
            cancelled(),
            AgentState::Failed,
        ),
        (AgentState::Stopped, None, cancelled(), AgentState::Stopped),
        (AgentState::Stopped, None, broken(), AgentState::Failed),
        (AgentState::Active, None, broken(), AgentState::Active),
        (AgentState::Active, None, cancelled(), AgentState::Active),
    ] {
        let mut record = agent(before, noted);
        record.be_at("Starting");
        assert_eq!(record.activity, "Starting");
        record.come_to_rest(&because);
        assert_eq!(
            record.state, after,
            "from {before:?} because of {because:?}"
        );
        assert_eq!(record.activity, "");
        let shows = record
            .fault
            .is_some_and(|fault| fault.code == ErrorCode::Cancelled);
        assert!(!shows, "that somebody cancelled is no fault of the agent");
    }
}
