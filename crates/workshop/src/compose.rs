//! What a Compose file says about the agent in its folder: name, ports, environment. Read tolerantly, since most of a
//! Compose file is no business of ours.

use indexmap::IndexMap;
use serde_json::Value;

use crate::envfile::is_variable;

/// The names a Compose file goes by, in order.
pub const COMPOSE_FILES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// The service that is the agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComposeFacts {
    /// The service's key.
    pub service: String,
    /// Its `container_name`.
    pub container_name: Option<String>,
    /// Container ports of `ports`, then of `expose`, in order.
    pub ports: Vec<u16>,
    /// `environment`, not yet interpolated; `None` means taken over from the shell.
    pub environment: IndexMap<String, Option<String>>,
    /// `env_file` paths, relative to the Compose file.
    pub env_files: Vec<String>,
    /// Names of the other services: databases and the like that the agent may need.
    pub other_services: Vec<String>,
}

/// Reads a Compose file. The error is the parser's sentence.
pub fn parse(text: &str) -> Result<ComposeFacts, String> {
    let document: Value = serde_saphyr::from_str(text).map_err(|error| {
        error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    })?;
    let Some(services) = document.get("services").and_then(Value::as_object) else {
        return Err("it has no services".to_owned());
    };
    // The agent is what is built from the folder; a database beside it is an image.
    let chosen = services
        .iter()
        .find(|(_, service)| service.get("build").is_some())
        .or_else(|| services.iter().next());
    let Some((name, service)) = chosen else {
        return Ok(ComposeFacts::default());
    };
    let mut ports = ports(service.get("ports"));
    ports.extend(self::ports(service.get("expose")));
    Ok(ComposeFacts {
        service: name.clone(),
        container_name: service
            .get("container_name")
            .and_then(Value::as_str)
            .map(str::to_owned),
        ports,
        environment: environment(service.get("environment")),
        env_files: env_files(service.get("env_file")),
        other_services: services
            .keys()
            .filter(|key| *key != name)
            .cloned()
            .collect(),
    })
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}` and `${NAME:?message}`; `$$` is one dollar.
/// The error is the name of a variable that has neither a value nor a default.
pub fn interpolate<'a>(
    text: &str,
    value_of: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from) = rest.split_at(dollar);
        result.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((expression, after)) = after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            result.push_str(&expand(expression, value_of)?);
            rest = after;
        } else {
            let end = after
                .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
                .unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            match (is_variable(name), value_of(name)) {
                (true, Some(value)) => result.push_str(value),
                (true, None) => return Err(name.to_owned()),
                (false, _) => {
                    result.push('$');
                    result.push_str(name);
                }
            }
            rest = after;
        }
    }
    result.push_str(rest);
    Ok(result)
}

fn expand<'a>(
    expression: &str,
    value_of: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<String, String> {
    let end = expression
        .find([':', '-', '?', '+'])
        .unwrap_or(expression.len());
    let (name, operator) = expression.split_at(end);
    let value = value_of(name);
    let filled = value.filter(|value| !value.is_empty());
    let result = if let Some(default) = operator.strip_prefix(":-") {
        Some(filled.unwrap_or(default))
    } else if let Some(default) = operator.strip_prefix('-') {
        Some(value.unwrap_or(default))
    } else if let Some(alternative) = operator.strip_prefix(":+") {
        Some(if filled.is_some() { alternative } else { "" })
    } else if operator.starts_with(":?") {
        filled
    } else {
        value
    };
    result.map(str::to_owned).ok_or_else(|| name.to_owned())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn environment(value: Option<&Value>) -> IndexMap<String, Option<String>> {
    match value {
        Some(Value::Object(map)) => map
            .iter()
            .map(|(name, value)| (name.clone(), scalar(value)))
            .collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(|line| match line.split_once('=') {
                Some((name, value)) => (name.trim().to_owned(), Some(value.to_owned())),
                None => (line.trim().to_owned(), None),
            })
            .collect(),
        _ => IndexMap::new(),
    }
}

fn env_files(value: Option<&Value>) -> Vec<String> {
    let path = |value: &Value| {
        value
            .as_str()
            .or_else(|| value.get("path")?.as_str())
            .map(str::to_owned)
    };
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(path).collect(),
        Some(value) => path(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn ports(value: Option<&Value>) -> Vec<u16> {
    let Some(list) = value.and_then(Value::as_array) else {
        return Vec::new();
    };
    list.iter()
        .filter_map(|port| match port {
            Value::Object(long) => scalar(long.get("target")?)?.parse().ok(),
            short => {
                let text = scalar(short)?;
                // [[address:]host:]container[/protocol]; a variable with a default has colons of its own.
                let text = interpolate(&text, &|_| None).ok()?;
                let text = text.split('/').next()?.to_owned();
                text.rsplit(':').next()?.split('-').next()?.parse().ok()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
