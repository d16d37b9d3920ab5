//! `extends`: a service over another, of the same file or of another file.

use std::path::{Path, PathBuf};

use super::super::at::At;
use super::super::merge;
use super::super::problem::{ComposeError, Problem, Problems, Reason, did_you_mean};
use super::super::yaml::{Mapping, Node};
use super::{Assembly, at_reference, parse};

/// The services among which a name is looked for.
struct Scope<'a> {
    services: &'a Mapping,
    file: &'a Path,
}

impl Assembly {
    /// Lays what services extend under them.
    pub(super) fn extend_services(
        &mut self,
        document: &mut Node,
        file: &Path,
    ) -> Result<(), ComposeError> {
        let Some(services) = document.get("services").and_then(Node::as_mapping).cloned() else {
            return Ok(());
        };
        for (name, entry) in &services {
            if entry.node.get("extends").is_none() {
                continue;
            }
            let mut chain = Vec::new();
            let scope = Scope {
                services: &services,
                file,
            };
            let extended = self.extended(&scope, name, entry.node.clone(), &mut chain)?;
            let place = document.as_mapping_mut().and_then(|top| {
                top.get_mut("services")?
                    .node
                    .as_mapping_mut()?
                    .get_mut(name)
            });
            if let Some(place) = place {
                place.node = extended;
            }
        }
        Ok(())
    }

    /// `service` over what it extends, which may extend something itself. `chain` is what led here.
    fn extended(
        &mut self,
        scope: &Scope<'_>,
        name: &str,
        mut service: Node,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Result<Node, ComposeError> {
        let extends = service
            .as_mapping_mut()
            .and_then(|fields| fields.shift_remove("extends"));
        let Some(extends) = extends else {
            return Ok(service);
        };
        let key = format!("services.{name}.extends");
        let here = (scope.file.to_owned(), name.to_owned());
        if let Some(first) = chain.iter().position(|step| *step == here) {
            let names = chain
                .iter()
                .skip(first)
                .chain([&here])
                .map(|(_, name)| name.clone());
            return Err(Problem {
                span: extends.key,
                key,
                reason: Reason::Cycle {
                    kind: "extends",
                    names: names.collect(),
                },
                hint: None,
            }
            .into());
        }
        chain.push(here);
        let problems = Problems::default();
        let at = At::new(&extends.node, key.clone(), &problems);
        let wanted = at.fields("services.*.extends").and_then(|fields| {
            let service = fields.required("service")?;
            let span = service.span().clone();
            let file = fields.get("file").map(|at| at.path());
            Some((service.text()?, span, file))
        });
        let (wanted, span, other) = problems.unless_any(wanted)?;
        let undeclared = |known: &Mapping| Problem {
            span: span.clone(),
            key: format!("{key}.service"),
            reason: Reason::Undeclared {
                kind: "service",
                name: wanted.clone(),
            },
            hint: did_you_mean(&wanted, known.keys().map(String::as_str)),
        };
        let base = match other.flatten() {
            None => {
                let base = scope.services.get(&wanted);
                let base = base.ok_or_else(|| undeclared(scope.services))?;
                self.extended(scope, &wanted, base.node.clone(), chain)?
            }
            Some(path) => {
                let folder = path.parent().unwrap_or(Path::new("/"));
                let documents = parse(&path, folder, span.environment())
                    .map_err(|problem| at_reference(problem, &span))?;
                let mut services = Mapping::new();
                for document in documents {
                    let document = self.prepared(document)?;
                    let found = document.get("services").and_then(Node::as_mapping);
                    services.extend(found.cloned().unwrap_or_default());
                }
                let base = services.get(&wanted).ok_or_else(|| undeclared(&services))?;
                let node = base.node.clone();
                let other = Scope {
                    services: &services,
                    file: &path,
                };
                self.extended(&other, &wanted, node, chain)?
            }
        };
        chain.pop();
        Ok(merge::merge_service(base, service))
    }
}
