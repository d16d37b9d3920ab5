//! How the agent is spoken to, as far as the folder shows it; the running agent's own card decides in the end.

use nasiko_contract::Protocol;
use serde_json::Value;

use super::Description;
use super::project::Project;
use super::source::SourceFacts;

/// The most likely protocol.
pub(super) fn guess(
    description: &Description,
    project: &Project,
    sources: &SourceFacts,
    has_capabilities: bool,
) -> Protocol {
    if let Some(card) = &description.card
        && let Some(protocol) = of_card(&card.json)
    {
        return protocol;
    }
    if let Some(protocol) = project.a2a_version.or(sources.a2a_dialect) {
        return protocol;
    }
    if description.card.is_some() {
        return Protocol::A2aV0;
    }
    if sources.uses_a2a_sdk {
        return Protocol::A2aV1;
    }
    let serves = |path: &str| {
        sources
            .routes
            .iter()
            .any(|route| route.trim_end_matches('/') == path)
    };
    if serves("/v1/chat/completions") || serves("/chat/completions") {
        return Protocol::Openai;
    }
    if has_capabilities
        || ["/chat", "/query", "/invoke", "/run", "/ask"]
            .into_iter()
            .any(serves)
    {
        return Protocol::Rest;
    }
    Protocol::Unknown
}

fn of_card(card: &Value) -> Option<Protocol> {
    let of_version = |value: &Value| {
        let major = value
            .as_str()?
            .trim_start_matches('v')
            .split('.')
            .next()?
            .parse::<u32>()
            .ok()?;
        Some(if major >= 1 {
            Protocol::A2aV1
        } else {
            Protocol::A2aV0
        })
    };
    let interfaces = card.get("supportedInterfaces").and_then(Value::as_array);
    let of_interface = interfaces
        .into_iter()
        .flatten()
        .find_map(|interface| of_version(interface.get("protocolVersion")?));
    of_interface
        .or_else(|| of_version(card.get("protocolVersion")?))
        .or_else(|| interfaces.map(|_| Protocol::A2aV1))
}

/// The dialect that a version requirement of the A2A SDK allows: `<1`, `==0.3.*`, `~=0.3`, `^0.3`, `>=1.0`.
pub(super) fn of_requirement(specifier: &str) -> Option<Protocol> {
    let below_one = specifier.split(',').map(str::trim).any(|part| {
        let (operator, version) = part.split_at(
            part.find(|character: char| character.is_ascii_digit())
                .unwrap_or(part.len()),
        );
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok());
        match operator.trim() {
            "<" => major.is_some_and(|major| major <= 1),
            "<=" | "==" | "===" | "~=" | "^" | "~" | "" => major == Some(0),
            _ => false,
        }
    });
    let mentions = specifier.contains(|character: char| character.is_ascii_digit());
    let at_least_one = specifier.split(',').map(str::trim).any(|part| {
        let version = part.trim_start_matches(|character: char| !character.is_ascii_digit());
        version
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok())
            .is_some_and(|major| major >= 1)
            && !part.starts_with('<')
    });
    if below_one {
        Some(Protocol::A2aV0)
    } else if at_least_one || !mentions || specifier.contains(">=0") {
        Some(Protocol::A2aV1)
    } else {
        None
    }
}
