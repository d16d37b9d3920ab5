//! How a container of somebody else looks as an agent.

use std::net::SocketAddr;

use nasiko_a2a::{Dialect, card};
use nasiko_contract::{AgentName, AgentState, DeploymentId, Finding, RuntimeKind, Severity};
use nasiko_runtime::Instance;
use serde_json::Value;

use super::look::Found;
use crate::{
    peers::PlaneId,
    records::{AgentRecord, Source},
};

/// What is known of a container.
pub(super) struct Seen<'a> {
    pub(super) instance: &'a Instance,
    pub(super) findings: &'a [Finding],
    pub(super) found: Option<&'a Found>,
    /// Its address behind the gateway.
    pub(super) url: &'a str,
}

impl Seen<'_> {
    /// An agent that is seen for the first time.
    pub(super) fn agent(&self, name: &AgentName) -> AgentRecord {
        let source = source(self.instance);
        let description = format!("The {}", source.shown());
        let card = card::generate(card::GenerateCard {
            name: name.to_string(),
            description: description.clone(),
            version: self.instance.version.clone(),
            url: self.url.to_owned(),
            skills: Vec::new(),
            streaming: false,
            dialect: Dialect::V1,
        });
        let now = crate::time::now_ms();
        AgentRecord {
            card,
            card_generated: true,
            description,
            ..AgentRecord::new(name.clone(), source, RuntimeKind::Docker, now)
        }
    }

    /// Brings a record to what is known now, here at `plane`.
    pub(super) fn apply(&self, agent: &mut AgentRecord, plane: &PlaneId) {
        let Self {
            instance,
            findings,
            found,
            ..
        } = self;
        agent.source = source(instance);
        agent.current = Some(DeploymentId(instance.id.to_string()));
        agent.plane = Some(plane.clone());
        agent.address = found.map(|found| found.address).or(instance.address);
        agent.findings = findings.to_vec();
        agent.fault = None;
        if !instance.version.is_empty() {
            agent.version.clone_from(&instance.version);
        }
        let Some(found) = found else {
            if agent.state != AgentState::Active {
                agent.state = AgentState::SettingUp;
                "Waiting for its answer".clone_into(&mut agent.activity);
            }
            return;
        };
        agent.state = AgentState::Active;
        agent.activity.clear();
        agent.protocol = found.protocol;
        let Some(card) = &found.card else {
            return;
        };
        let text = |name: &str| {
            let text = card.get(name).and_then(Value::as_str).unwrap_or_default();
            (!text.is_empty()).then(|| text.to_owned())
        };
        if let Some(description) = text("description") {
            agent.description = description;
        }
        if let (true, Some(version)) = (instance.version.is_empty(), text("version")) {
            agent.version = version;
        }
        agent.card = card.clone();
        agent.card_generated = false;
    }
}

/// Where a container's agent comes from.
fn source(instance: &Instance) -> Source {
    let foreign = instance.foreign.as_ref();
    Source::Container {
        id: instance.id.to_string(),
        container: foreign
            .map(|foreign| foreign.container.clone())
            .unwrap_or_default(),
        project: foreign.and_then(|foreign| foreign.project.clone()),
        group: foreign.and_then(|foreign| foreign.group.clone()),
    }
}

/// Whether a container belongs to the agent from `source`: it is that one, or another of the same purpose.
pub(super) fn is_one_of(source: &Source, instance: &Instance) -> bool {
    let Source::Container { id, group, .. } = source else {
        return false;
    };
    let theirs = instance
        .foreign
        .as_ref()
        .and_then(|foreign| foreign.group.as_ref());
    *id == instance.id.as_str() || (group.is_some() && group.as_ref() == theirs)
}

/// Where a container may be reached.
pub(super) fn addresses(instance: &Instance) -> &[SocketAddr] {
    instance
        .foreign
        .as_ref()
        .map(|foreign| foreign.addresses.as_slice())
        .unwrap_or_default()
}

/// The name that a container asks for is no agent's name.
pub(super) fn renamed(given: &str, shown: &str) -> Finding {
    Finding {
        code: "container.name_changed".to_owned(),
        severity: Severity::Info,
        file: None,
        line: None,
        message: format!("`{given}` cannot be the name of an agent: it is shown as `{shown}`"),
        hint: Some(
            "Names are lower-case letters, digits and dashes, at most 63: label it nasiko.name=…"
                .to_owned(),
        ),
    }
}

/// The name that a container asks for belongs to another agent.
pub(super) fn taken(wanted: &str, shown: &AgentName, holder: Option<&str>) -> Finding {
    let holder = holder.map_or_else(
        || "another agent".to_owned(),
        |holder| format!("the agent from {holder}"),
    );
    Finding {
        code: "container.name_taken".to_owned(),
        severity: Severity::Warning,
        file: None,
        line: None,
        message: format!("`{wanted}` is {holder}: this container is shown as `{shown}`"),
        hint: Some("Start it with another name, e.g. the label nasiko.name=…".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use nasiko_contract::Protocol;
    use nasiko_runtime::{Foreign, InstanceId, InstanceState};
    use serde_json::json;

    use super::*;

    fn container(id: &str, group: Option<&str>) -> Instance {
        Instance {
            id: InstanceId::new(id),
            agent: "greeter".to_owned(),
            owner: String::new(),
            version: String::new(),
            deployment_id: String::new(),
            kind: nasiko_runtime::RuntimeKind::Docker,
            state: InstanceState::Running,
            address: None,
            started_at: std::time::SystemTime::UNIX_EPOCH,
            handle: id.to_owned(),
            foreign: Some(Box::new(Foreign {
                container: "agent-greeter".to_owned(),
                addresses: Vec::new(),
                direct: None,
                project: None,
                installation: None,
                group: group.map(str::to_owned),
            })),
        }
    }

    #[test]
    fn containers_of_one_purpose_are_one_agent() {
        for (one, other, same) in [
            (("a", None), ("a", None), true),
            (("a", None), ("b", None), false),
            (("a", Some("x")), ("b", Some("x")), true),
            (("a", Some("x")), ("b", Some("y")), false),
            (("a", Some("x")), ("b", None), false),
        ] {
            let source = source(&container(one.0, one.1));
            assert_eq!(
                is_one_of(&source, &container(other.0, other.1)),
                same,
                "{one:?} {other:?}"
            );
        }
    }

    #[test]
    fn what_a_container_says_itself_wins_over_what_was_guessed() {
        let mut instance = container("a", None);
        instance.version = "2.0.0".to_owned();
        let found = Found {
            address: ([127, 0, 0, 1], 1).into(),
            card: Some(json!({ "name": "Greeter", "description": "Greets", "version": "1.0.0" })),
            protocol: Protocol::A2aV1,
        };
        let mut seen = Seen {
            instance: &instance,
            findings: &[],
            found: None,
            url: "http://127.0.0.1:1/greeter",
        };
        let mut agent = seen.agent(&"greeter".into());
        let here = PlaneId("here".to_owned());
        seen.apply(&mut agent, &here);
        assert_eq!(agent.state, AgentState::SettingUp);
        assert_eq!(agent.description, "The container agent-greeter");
        assert!(agent.card_generated);
        seen.found = Some(&found);
        seen.apply(&mut agent, &here);
        assert_eq!(agent.state, AgentState::Active);
        assert_eq!(
            (agent.description.as_str(), agent.version.as_str()),
            ("Greets", "2.0.0")
        );
        assert!(!agent.card_generated && agent.activity.is_empty());
    }
}
