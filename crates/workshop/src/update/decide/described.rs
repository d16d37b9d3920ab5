//! Files that count for what the description takes from them.

use nasiko_contract::{RuntimeKind, UpdateAction};

use super::{Decision, Judge, dockerfile_path, nothing};
use crate::compose::COMPOSE_FILES;
use crate::describe::Description;
use crate::dockerfile::placement::below;
use crate::manifest::MANIFEST_FILE;
use crate::update::Decide;

impl Judge<'_> {
    /// Files that have a meaning of their own, wherever they are copied to.
    pub(super) fn described(&self, path: &str) -> Option<Decision> {
        let Decide {
            description,
            newer,
            runtime,
            ..
        } = *self.input;
        let docker = runtime == RuntimeKind::Docker;
        if path == dockerfile_path(description) || path == dockerfile_path(newer) {
            return Some(if docker {
                (
                    UpdateAction::Rebuild,
                    format!("{path} says how the image is built"),
                )
            } else {
                self.as_described("the command and the environment in it")
            });
        }
        let own_rules = format!("{}.dockerignore", dockerfile_path(newer));
        let context = newer.manifest.build.context_path();
        if path == ".dockerignore"
            || path == own_rules
            || below(path, context) == Some(".dockerignore")
        {
            return Some(if docker {
                (
                    UpdateAction::Rebuild,
                    format!("{path} says what the image is built from"),
                )
            } else {
                nothing("only an image is built by it")
            });
        }
        if path == MANIFEST_FILE {
            return Some(manifest(description, newer, docker));
        }
        if path == ".env" || is_env_file(description, path) {
            return Some((
                UpdateAction::Restart,
                "its values are given at the start".to_owned(),
            ));
        }
        if COMPOSE_FILES.contains(&path) {
            return Some(self.as_described("what it says of the agent"));
        }
        let is_card = [description, newer].iter().any(|description| {
            description
                .card
                .as_ref()
                .is_some_and(|card| card.path == path)
        });
        if is_card {
            let name = path.rsplit('/').next().unwrap_or(path);
            return Some(match self.mentions.of(name) {
                Some(source) if self.is_there(path) => {
                    (UpdateAction::Restart, format!("{source} reads the card"))
                }
                _ => (
                    UpdateAction::Card,
                    "the card is read again, the program goes on".to_owned(),
                ),
            });
        }
        None
    }

    /// A file that counts for what the description takes from it alone.
    fn as_described(&self, what: &str) -> Decision {
        let Decide {
            description, newer, ..
        } = *self.input;
        let same = description.entry == newer.entry
            && description.env == newer.env
            && description.port == newer.port
            && description.port_candidates == newer.port_candidates;
        let installed = |description: &Description| {
            description
                .requirements
                .as_ref()
                .map(|requirements| requirements.hash.clone())
        };
        if self.input.runtime == RuntimeKind::Process && installed(description) != installed(newer)
        {
            return (
                UpdateAction::Environment,
                "what has to be installed changed".to_owned(),
            );
        }
        if same {
            nothing(&format!("{what} did not change"))
        } else {
            (UpdateAction::Restart, format!("{what} changed"))
        }
    }
}

fn is_env_file(description: &Description, path: &str) -> bool {
    // Which ones the Compose file names is not kept: any of them may be.
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".env.")
        && !matches!(name, ".env.example" | ".env.sample" | ".env.template")
        && !description.env.is_empty()
}

fn manifest(before: &Description, newer: &Description, docker: bool) -> Decision {
    if newer
        .findings
        .iter()
        .any(|finding| finding.code == "manifest.broken")
    {
        return (UpdateAction::Restart, "it cannot be read".to_owned());
    }
    let (before, now) = (&before.manifest, &newer.manifest);
    if before.build != now.build && docker {
        return (
            UpdateAction::Rebuild,
            "[build] says how the image is built".to_owned(),
        );
    }
    if before.agent.runtime != now.agent.runtime {
        return (
            UpdateAction::Rebuild,
            "[agent] says where it runs".to_owned(),
        );
    }
    let sections = [
        (before.run != now.run, "[run]"),
        (before.env != now.env, "[env]"),
        (before.agent != now.agent, "[agent]"),
        (before.build != now.build, "[build]"),
    ];
    match sections.iter().find(|(changed, _)| *changed) {
        Some((_, section)) => (
            UpdateAction::Restart,
            format!("{section} counts at the start"),
        ),
        None if before.dev != now.dev => nothing("[dev] counts from now on"),
        None => nothing("it says the same as before"),
    }
}
