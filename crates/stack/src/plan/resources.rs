//! What is done with networks, volumes and images.

use std::collections::HashMap;

use super::{ImageAction, ImageStep, PlanOptions, ResourceAction, ResourceStep};
use crate::compose::{
    ComposeError, MountSource, Problem, Project, PullPolicy, Reason, Service, Span,
};
use crate::observed::{Observed, Resource};
use crate::spec::{self, HashKey};

pub(super) struct Resources<'a> {
    pub(super) project: &'a Project,
    pub(super) selected: &'a [&'a Service],
    pub(super) observed: &'a Observed,
    pub(super) key: &'a HashKey,
}

impl<'a> Resources<'a> {
    /// Those that selected services are on.
    pub(super) fn networks(
        &self,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<ResourceStep>, ComposeError> {
        let mut steps = Vec::new();
        for (key, network) in &self.project.networks {
            let mut users = self.selected.iter();
            let used = users.find_map(|service| Some(&service.networks.get(key)?.span));
            let Some(span) = used else { continue };
            let found = self.observed.networks.get(&network.name);
            let action = match found {
                None if network.external => {
                    return Err(missing("network", key, &network.name, span));
                }
                None => ResourceAction::Create,
                Some(_) if network.external => ResourceAction::Keep,
                Some(found) => {
                    let hash = spec::network(self.project, key, network, self.key).1;
                    let changed = found
                        .config_hash
                        .as_ref()
                        .is_some_and(|before| *before != hash);
                    if self.is_foreign(found) {
                        warnings.push(foreign("network", &network.name));
                        ResourceAction::Keep
                    } else if changed {
                        ResourceAction::Recreate
                    } else {
                        ResourceAction::Keep
                    }
                }
            };
            steps.push(step(key, &network.name, action));
        }
        Ok(steps)
    }

    /// Those that selected services mount.
    pub(super) fn volumes(
        &self,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<ResourceStep>, ComposeError> {
        let mut steps = Vec::new();
        for (key, volume) in &self.project.volumes {
            let Some(span) = self.mounted(key) else {
                continue;
            };
            let action = match self.observed.volumes.get(&volume.name) {
                None if volume.external => {
                    return Err(missing("volume", key, &volume.name, span));
                }
                None => ResourceAction::Create,
                Some(found) => {
                    let hash = spec::volume(self.project, key, volume, self.key).1;
                    let changed = found
                        .config_hash
                        .as_ref()
                        .is_some_and(|before| *before != hash);
                    if !volume.external && self.is_foreign(found) {
                        warnings.push(foreign("volume", &volume.name));
                    } else if !volume.external && changed {
                        warnings.push(format!(
                            "the volume {} was made from other settings and keeps them, since it holds data; remove it to \
                             have it made anew",
                            volume.name
                        ));
                    }
                    ResourceAction::Keep
                }
            };
            steps.push(step(key, &volume.name, action));
        }
        Ok(steps)
    }

    fn mounted(&self, volume: &str) -> Option<&'a Span> {
        let mounts = self.selected.iter().flat_map(|service| &service.mounts);
        let is_it = |source: &MountSource| matches!(source, MountSource::Volume { name: Some(name), .. } if name == volume);
        mounts
            .filter(|mount| is_it(&mount.source))
            .map(|mount| &mount.span)
            .next()
    }

    fn is_foreign(&self, found: &Resource) -> bool {
        found.project.as_ref() != Some(&self.project.name)
    }

    pub(super) fn images(&self, options: &PlanOptions) -> Result<Vec<ImageStep>, ComposeError> {
        let mut steps: Vec<ImageStep> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for service in self.selected {
            let reference = spec::image_of(self.project, service);
            let action = self.image_action(service, &reference, options)?;
            let place = places
                .get(&reference)
                .and_then(|place| steps.get_mut(*place));
            if let Some(step) = place {
                step.services.push(service.name.clone());
                // One that is built is what the others run too.
                let builds = |action: &ImageAction| matches!(action, ImageAction::Build { .. });
                if step.action == ImageAction::Keep || (builds(&action) && !builds(&step.action)) {
                    step.action = action;
                }
                continue;
            }
            places.insert(reference.clone(), steps.len());
            steps.push(ImageStep {
                reference,
                services: vec![service.name.clone()],
                action,
            });
        }
        Ok(steps)
    }

    fn image_action(
        &self,
        service: &Service,
        reference: &str,
        options: &PlanOptions,
    ) -> Result<ImageAction, ComposeError> {
        let here = self.observed.images.contains_key(reference);
        let policy = service.pull_policy;
        if service.build.is_some() {
            let wanted = options.build || policy == PullPolicy::Build || !here;
            let service = service.name.clone();
            return Ok(if wanted {
                ImageAction::Build { service }
            } else {
                ImageAction::Keep
            });
        }
        let platform = service.platform.clone();
        Ok(match policy {
            PullPolicy::Never | PullPolicy::Build if !here => {
                let text = format!(
                    "the image {reference} is not here, and its pull policy forbids to fetch it"
                );
                let span = service
                    .image
                    .as_ref()
                    .map_or(&service.span, |image| &image.span);
                return Err(Problem {
                    span: span.clone(),
                    key: format!("services.{}.image", service.name),
                    reason: Reason::Conflict(text),
                    hint: Some("load the image, or take pull_policy out".to_owned()),
                }
                .into());
            }
            PullPolicy::Always => ImageAction::Pull { platform },
            PullPolicy::Missing if !here || options.pull => ImageAction::Pull { platform },
            _ => ImageAction::Keep,
        })
    }
}

fn step(key: &str, name: &str, action: ResourceAction) -> ResourceStep {
    ResourceStep {
        key: key.to_owned(),
        name: name.to_owned(),
        action,
    }
}

fn foreign(kind: &str, name: &str) -> String {
    format!(
        "the {kind} {name} is there already and not of this project; it is used as it is (say `external: true`)"
    )
}

fn missing(kind: &'static str, key: &str, name: &str, span: &Span) -> ComposeError {
    Problem {
        span: span.clone(),
        key: format!("{kind}s.{key}"),
        reason: Reason::Undeclared {
            kind,
            name: name.to_owned(),
        },
        hint: Some(format!(
            "it is external, so it must be there before: docker {kind} create {name}"
        )),
    }
    .into()
}
