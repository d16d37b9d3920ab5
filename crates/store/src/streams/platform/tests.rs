use std::collections::BTreeMap;

use super::{BadCommand, PlatformAction, PlatformCommand, UploadType};

fn fields(text: &str) -> BTreeMap<String, String> {
    let pairs = text
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn parse(text: &str) -> Result<PlatformCommand, BadCommand> {
    PlatformCommand::parse(&fields(text))
}

#[test]
fn a_whole_command_is_understood() {
    let command = parse(
        "command=deploy_agent agent_name=greeter agent_path=/app/agents/greeter/v1 base_url=http://backend:8000 \
         timestamp=2025-11-20T10:00:00+00:00 owner_id=42 upload_id=u-1 upload_type=zip version=v1.0.0 webhook=later",
    )
    .unwrap();
    assert_eq!(command.action, PlatformAction::Deploy);
    assert_eq!(command.agent_name, "greeter");
    assert_eq!(
        command.agent_path.as_deref(),
        Some("/app/agents/greeter/v1")
    );
    assert_eq!(command.base_url.as_deref(), Some("http://backend:8000"));
    assert_eq!(command.owner_id.as_deref(), Some("42"));
    assert_eq!(command.upload_type, Some(UploadType::Zip));
    assert_eq!(command.version.as_deref(), Some("v1.0.0"));
    assert_eq!(
        command.other,
        fields("webhook=later"),
        "what is new is not lost"
    );
}

#[test]
fn each_way_of_upload_and_each_action_has_its_word() {
    for (words, upload, action) in [
        (
            "upload_type=directory agent_path=/a",
            UploadType::Directory,
            PlatformAction::Deploy,
        ),
        (
            "upload_type=github git_url=https://g/x.git branch=main",
            UploadType::Github,
            PlatformAction::Deploy,
        ),
        (
            "upload_type=github repository_full_name=o/x action=update_agent",
            UploadType::Github,
            PlatformAction::Update,
        ),
        (
            "upload_type=n8n_register",
            UploadType::N8nRegister,
            PlatformAction::Deploy,
        ),
        (
            "upload_type=zip action=rollback_agent version=v1",
            UploadType::Zip,
            PlatformAction::Rollback,
        ),
        (
            "upload_type=zip action=rebuild_agent",
            UploadType::Zip,
            PlatformAction::Rebuild,
        ),
    ] {
        let command = parse(&format!("command=deploy_agent agent_name=a {words}")).unwrap();
        assert_eq!(
            (command.upload_type, command.action),
            (Some(upload), action),
            "{words}"
        );
    }
    let update = parse(
        "command=deploy_agent agent_name=a action=update_agent upload_type=agent_update new_version=2.0.0 agent_path=/a",
    )
    .unwrap();
    assert_eq!(
        (update.upload_type, update.version.as_deref()),
        (None, Some("2.0.0"))
    );
    let rollback = parse(
        "command=deploy_agent agent_name=a action=rollback_agent upload_type=agent_rollback target_version=1.0.0 \
         current_version=2.0.0",
    )
    .unwrap();
    assert_eq!(rollback.version.as_deref(), Some("1.0.0"));
    let bare = parse("command=rollback_agent agent_name=a").unwrap();
    assert_eq!(
        (bare.action, bare.upload_type),
        (PlatformAction::Rollback, None)
    );
}

#[test]
fn odd_and_missing_fields_have_their_reason() {
    let unknown = |field, value: &str| BadCommand::Unknown {
        field,
        value: value.to_owned(),
    };
    for (text, reason) in [
        ("agent_name=a", BadCommand::Missing("command")),
        ("command=deploy_agent", BadCommand::Missing("agent_name")),
        (
            "command=deploy_agent agent_name=None",
            BadCommand::Missing("agent_name"),
        ),
        (
            "command=deploy_agent agent_name=a",
            BadCommand::Missing("upload_type"),
        ),
        (
            "command=deploy_agent agent_name=a upload_type=zip",
            BadCommand::Missing("agent_path"),
        ),
        (
            "command=deploy_agent agent_name=a upload_type=github",
            BadCommand::Missing("git_url"),
        ),
        (
            "command=deploy_agent agent_name=a upload_type=agent_update",
            BadCommand::Missing("upload_type"),
        ),
        (
            "command=deploy_agent agent_name=a upload_type=fax",
            unknown("upload_type", "fax"),
        ),
        (
            "command=drop_table agent_name=a",
            unknown("command", "drop_table"),
        ),
        (
            "command=drop_table agent_name=a action=update_agent",
            unknown("command", "drop_table"),
        ),
        (
            "command=deploy_agent agent_name=a action=dance",
            unknown("action", "dance"),
        ),
        (
            "command=deploy_agent agent_name=a\u{7}b upload_type=n8n_register",
            BadCommand::OddName,
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), reason, "{text}");
    }
    let long = PlatformCommand::parse(&BTreeMap::from([("branch".to_owned(), "x".repeat(9_000))]));
    assert_eq!(long.unwrap_err(), BadCommand::TooLong("branch".to_owned()));
}
