//! What an inspected folder is, in the few lines shown before it is deployed.

use nasiko_contract::{AgentDescription, RuntimeKind, Severity};

use crate::{model::tone, words::facts as words};

/// The facts worth a line: label and value.
pub(crate) fn facts(description: &AgentDescription) -> Vec<(&'static str, String)> {
    let language = match &description.framework {
        Some(framework) => words::with_framework(&description.language, framework),
        None => description.language.clone(),
    };
    let mut facts = vec![(words::LANGUAGE, language)];
    if let Some(entry) = &description.entry {
        facts.push((
            words::STARTS_WITH,
            format!("{} ({})", entry.command.join(" "), entry.why),
        ));
    }
    if let Some(port) = description.port {
        facts.push((words::PORT, port.to_string()));
    }
    facts.push((
        words::SPEAKS,
        tone::protocol(description.protocol).to_owned(),
    ));
    facts.push((
        words::CARD,
        match (&description.card, description.card_generated) {
            (Some(_), false) => words::FROM_FOLDER,
            (Some(_), true) => words::GENERATED,
            (None, _) => words::FETCHED_LATER,
        }
        .to_owned(),
    ));
    facts.push((
        words::FILES,
        words::files(description.files, description.bytes),
    ));
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

/// The variables that are needed and not at hand.
pub(crate) fn missing(description: &AgentDescription) -> Vec<String> {
    description
        .env
        .iter()
        .filter(|need| need.required && !need.satisfied)
        .map(|need| need.name.clone())
        .collect()
}

/// Whether a deploy would be refused.
pub(crate) fn is_refused(description: &AgentDescription) -> bool {
    description
        .findings
        .iter()
        .any(|finding| finding.severity == Severity::Error)
}

/// A path as typed or pasted, ready to be sent: quotes and a `file://` in front are what file managers add, which then
/// write what is special in addresses as `%20`.
pub(crate) fn clean_path(typed: &str) -> String {
    let trimmed = typed.trim();
    let unquoted = ['"', '\'']
        .iter()
        .find_map(|quote| trimmed.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(trimmed);
    let Some(address) = unquoted.strip_prefix("file://") else {
        return unquoted.to_owned();
    };
    let path = address.strip_prefix("localhost").unwrap_or(address);
    percent_encoding::percent_decode_str(path)
        .decode_utf8_lossy()
        .into_owned()
}

/// Whether a path says where it starts; anything else would be read from the control plane's own folder.
pub(crate) fn is_absolute(path: &str) -> bool {
    let mut letters = path.chars();
    let drive = letters
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic())
        && letters.next() == Some(':');
    path.starts_with('/') || path.starts_with("\\\\") || path.starts_with("~/") || drive
}

/// Whether a path names an archive: what is unpacked from it has no folder to be kept in step with.
pub(crate) fn is_archive(path: &str) -> bool {
    const ENDINGS: [&str; 9] = [
        ".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2",
    ];
    let name = path.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The runtimes to choose from; `None` leaves it to the folder and the settings.
pub(crate) const RUNTIMES: [(&str, Option<RuntimeKind>); 3] = [
    ("auto", None),
    ("process", Some(RuntimeKind::Process)),
    ("docker", Some(RuntimeKind::Docker)),
];

#[cfg(test)]
mod tests {
    use nasiko_contract::{EntryPoint, EnvNeed, Finding};

    use super::*;

    #[test]
    fn a_description_is_told_in_a_few_facts() {
        let description = AgentDescription {
            language: "python".to_owned(),
            framework: Some("a2a-sdk".to_owned()),
            entry: Some(EntryPoint {
                command: vec!["python".to_owned(), "main.py".to_owned()],
                workdir: String::new(),
                why: "main.py".to_owned(),
            }),
            files: 1_204,
            bytes: 24_300_000,
            ..AgentDescription::default()
        };
        let facts = facts(&description);
        assert!(facts.contains(&("Language", "python with a2a-sdk".to_owned())));
        assert!(facts.contains(&("Starts with", "python main.py (main.py)".to_owned())));
        assert!(facts.contains(&("Files", "1,204, 24 MB".to_owned())));
        assert!(
            facts.iter().all(|(label, _)| *label != "Port"),
            "unknown facts are left out"
        );
    }

    #[test]
    fn only_required_variables_without_a_value_are_missing() {
        let need = |name: &str, required, satisfied| EnvNeed {
            name: name.to_owned(),
            required,
            source: "main.py:3".to_owned(),
            satisfied,
        };
        let description = AgentDescription {
            env: vec![
                need("A", true, false),
                need("B", true, true),
                need("C", false, false),
            ],
            ..AgentDescription::default()
        };
        assert_eq!(missing(&description), ["A"]);
    }

    #[test]
    fn an_error_among_the_findings_refuses() {
        let finding = |severity| Finding {
            code: "x".to_owned(),
            severity,
            file: None,
            line: None,
            message: String::new(),
            hint: None,
        };
        let with = |severity| AgentDescription {
            findings: vec![finding(severity)],
            ..AgentDescription::default()
        };
        assert!(is_refused(&with(Severity::Error)));
        assert!(!is_refused(&with(Severity::Warning)));
    }

    #[test]
    fn archives_are_told_from_folders() {
        for path in ["/a/greeter.zip", "/a/Greeter.TAR.GZ", "C:\\a.tgz"] {
            assert!(is_archive(path), "{path}");
        }
        for path in ["/a/greeter", "/a/zip", "/a.zip/greeter", ""] {
            assert!(!is_archive(path), "{path}");
        }
    }

    #[test]
    fn pasted_paths_are_cleaned() {
        assert_eq!(clean_path(" \"/a b/c\" "), "/a b/c");
        assert_eq!(clean_path("file:///a%20b"), "/a b");
        assert_eq!(clean_path("file://localhost/a"), "/a");
        assert_eq!(clean_path("/a%20b"), "/a%20b", "a path is no address");
        assert_eq!(clean_path("'"), "'");
        for path in ["/a", "C:\\a", "~/a", "\\\\host\\a"] {
            assert!(is_absolute(path), "{path}");
        }
        for path in ["a/b", "./a", "", "1:"] {
            assert!(!is_absolute(path), "{path}");
        }
    }
}
