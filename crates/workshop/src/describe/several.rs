//! A folder that holds several agents and is none itself.

use std::collections::BTreeSet;

use super::folder::Folder;

/// Files that make a folder an agent.
const MARKS: [&str; 11] = [
    "Dockerfile",
    "nasiko.toml",
    "AgentCard.json",
    "agent-card.json",
    "Procfile",
    "main.py",
    "app.py",
    "__main__.py",
    "package.json",
    "go.mod",
    "Cargo.toml",
];
/// Folder names that are never agents.
const NOT_AGENTS: [&str; 7] = ["src", "tests", "test", "docs", "scripts", "lib", "tools"];
/// How deep agents are looked for: `agents/weather` is one.
const DEPTH: usize = 3;

/// The sub-folders that look like an agent, not looking below one that does.
pub(super) fn agents(folder: &Folder<'_>) -> Vec<String> {
    let mut found: BTreeSet<&str> = BTreeSet::new();
    for path in folder.files() {
        let Some((parent, file)) = path.rsplit_once('/') else {
            continue;
        };
        let last = parent.rsplit('/').next().unwrap_or(parent);
        if MARKS.contains(&file)
            && parent.split('/').count() <= DEPTH
            && !NOT_AGENTS.contains(&last)
        {
            found.insert(parent);
        } else if let (true, Some((above, "src"))) =
            (MARKS.contains(&file), parent.rsplit_once('/'))
        {
            found.insert(above);
        }
    }
    let below = |path: &str| {
        found.iter().any(|other| {
            path.strip_prefix(other)
                .is_some_and(|rest| rest.starts_with('/'))
        })
    };
    found
        .iter()
        .filter(|path| !below(path))
        .map(|path| (*path).to_owned())
        .collect()
}
