//! Settings.

use nasiko_client::Client;
use nasiko_contract::{GetLoginStart, GetSettings, PatchSettings, SetLoginStart, Settings};
use serde_json::{Map, Value};

use super::store;
use crate::{
    arguments::{SettingsArguments, SettingsCommand},
    documents::SettingsDocument,
    failure::{Failure, usage},
    session::Session,
};

/// Its name among settings, though the system keeps it.
const START_AT_LOGIN: &str = "startAtLogin";

pub(crate) async fn settings(session: &Session, words: SettingsArguments) -> Result<(), Failure> {
    match words.command {
        None => {
            let client = session.attach().await?;
            let settings = client.call(GetSettings {}).await?;
            show(session, &client, settings).await
        }
        Some(SettingsCommand::Set {
            name,
            value,
            redis,
            join,
        }) if name == store::NAME => store::set(session, value, redis, join).await,
        Some(SettingsCommand::Set { redis: Some(_), .. }) => Err(only_for_store("--redis")),
        Some(SettingsCommand::Set { join: true, .. }) => Err(only_for_store("--join")),
        Some(SettingsCommand::Set { name, value, .. }) if camel(&name) == START_AT_LOGIN => {
            let on = value.parse().map_err(|_| {
                usage(
                    format!("`{name}` cannot be set to that"),
                    "It is `true` or `false`",
                )
            })?;
            let client = session.attach_or_start().await?;
            client.call(SetLoginStart { on }).await?;
            let settings = client.call(GetSettings {}).await?;
            show(session, &client, settings).await
        }
        Some(SettingsCommand::Set { name, value, .. }) => {
            let change = change(&name, &value)?;
            let client = session.attach_or_start().await?;
            let settings = client.call(change).await?;
            show(session, &client, settings).await
        }
    }
}

fn only_for_store(flag: &str) -> Failure {
    usage(
        format!("`{flag}` goes with the setting `store` only"),
        "See `nasiko settings set --help`",
    )
}

async fn show(session: &Session, client: &Client, settings: Settings) -> Result<(), Failure> {
    let status = store::get(client).await?;
    let place = store::words(&status.place);
    let login = client.call(GetLoginStart {}).await?;
    let document = SettingsDocument::new(settings, &login, status);
    if session.output.json {
        return session.output.document(&document);
    }
    let rows = serde_json::to_value(&document).map_err(std::io::Error::from)?;
    let settings = rows.as_object().into_iter().flatten();
    for (name, value) in settings.filter(|(name, _)| *name != store::NAME) {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        session
            .output
            .line(format!("{:22} {value}", name.replace('_', "-")))?;
    }
    session.output.line(format!("{:22} {place}", store::NAME))
}

/// A change of one setting; names are taken as `a-b`, `a_b` and `aB`.
fn change(name: &str, value: &str) -> Result<PatchSettings, Failure> {
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    let fields = Map::from_iter([(camel(name), value)]);
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        let mut failure = usage(
            format!("`{name}` cannot be set to that"),
            "`nasiko settings` lists all of them",
        );
        if let Failure::Usage(fault) = &mut failure {
            fault.evidence.push(error.to_string());
        }
        failure
    })
}

fn camel(name: &str) -> String {
    let mut words = name.split(['-', '_']);
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_named_as_people_write_them() {
        for name in [
            "trace-retention-days",
            "trace_retention_days",
            "traceRetentionDays",
        ] {
            let change = change(name, "3").unwrap();
            assert_eq!(change.trace_retention_days, Some(3), "{name}");
        }
        assert!(change("trace-retention-days", "soon").is_err());
        assert!(change("absent", "1").is_err());
        let change = change("default-runtime", "docker").unwrap();
        assert_eq!(
            change.default_runtime,
            Some(nasiko_contract::RuntimeKind::Docker)
        );
    }
}
