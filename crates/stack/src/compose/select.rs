//! Which services of a project are meant: those of the chosen profiles, or those that are named.

use std::collections::HashSet;

use super::check;
use super::model::{Project, Service};
use super::problem::{ComposeError, Problem, Problems, Reason, did_you_mean};

/// Stands for all profiles.
const EVERY_PROFILE: &str = "*";

impl Project {
    /// All profiles that services name, in the files' order.
    pub fn profiles(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for profile in self.services.values().flat_map(|service| &service.profiles) {
            if !found.contains(&profile.as_str()) {
                found.push(profile.as_str());
            }
        }
        found
    }

    /// The services without a profile and those of `profiles` (`*` is all). Where `services` are named, only these and
    /// what they need; their own profiles count as chosen.
    pub fn select(
        &self,
        profiles: &[String],
        services: &[String],
    ) -> Result<Vec<&Service>, ComposeError> {
        let problems = Problems::default();
        let known = self.profiles();
        for profile in profiles {
            if profile != EVERY_PROFILE && !known.contains(&profile.as_str()) {
                self.unknown(&problems, "profile", profile, known.iter().copied());
            }
        }
        let mut chosen: HashSet<&str> = profiles.iter().map(String::as_str).collect();
        for name in services {
            match self.services.get(name) {
                Some(service) => chosen.extend(service.profiles.iter().map(String::as_str)),
                None => {
                    let names = self.services.keys().map(String::as_str);
                    self.unknown(&problems, "service", name, names);
                }
            }
        }
        let enabled = |service: &Service| {
            service.profiles.is_empty()
                || chosen.contains(EVERY_PROFILE)
                || service
                    .profiles
                    .iter()
                    .any(|profile| chosen.contains(profile.as_str()))
        };
        let mut wanted: HashSet<&str> = if services.is_empty() {
            let all = self.services.values().filter(|service| enabled(service));
            all.map(|service| service.name.as_str()).collect()
        } else {
            services.iter().map(String::as_str).collect()
        };
        let mut open: Vec<&str> = wanted.iter().copied().collect();
        while let Some(name) = open.pop() {
            let Some(service) = self.services.get(name) else {
                continue;
            };
            for (other, span) in check::needs(service) {
                match self.services.get_key_value(other) {
                    Some((key, needed)) if enabled(needed) => {
                        open.extend(wanted.insert(key).then_some(key.as_str()));
                    }
                    Some((_, needed)) if is_required(service, other) => {
                        let profiles = needed.profiles.join(", ");
                        let text = format!("{other} is only there with the profile {profiles}");
                        let key = format!("services.{name}.depends_on.{other}");
                        let hint = Some(format!("choose that profile too, or take it off {other}"));
                        problems.add(span, &key, Reason::Conflict(text), hint);
                    }
                    _ => {}
                }
            }
        }
        let selected: Vec<&Service> = self
            .services
            .values()
            .filter(|service| wanted.contains(service.name.as_str()))
            .collect();
        for Problem {
            span,
            key,
            reason,
            hint,
        } in check::duplicate_ports(selected.iter().copied())
        {
            problems.add(&span, &key, reason, hint);
        }
        problems.unless_any(Some(selected))
    }

    fn unknown<'a>(
        &self,
        problems: &Problems,
        kind: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) {
        let hint = did_you_mean(name, known);
        let name = name.to_owned();
        problems.add(&self.span, "", Reason::Undeclared { kind, name }, hint);
    }
}

fn is_required(service: &Service, other: &str) -> bool {
    service
        .depends_on
        .get(other)
        .is_none_or(|dependency| dependency.required)
}
