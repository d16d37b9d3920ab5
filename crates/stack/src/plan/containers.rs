//! What is done with each service's container.

use std::collections::HashMap;

use super::{
    Action, ContainerStep, PlanOptions, Reason, Recreation, ResourceAction, ResourceStep, Wait,
};
use crate::compose::{Condition, Project, Restart, Service};
use crate::observed::{Container, Observed, State};
use crate::spec::{self, Contents, HashKey};

pub(super) struct Situation<'a> {
    pub(super) project: &'a Project,
    /// In order.
    pub(super) selected: &'a [&'a Service],
    pub(super) options: &'a PlanOptions,
    pub(super) observed: &'a Observed,
    pub(super) contents: &'a Contents,
    pub(super) key: &'a HashKey,
    pub(super) networks: &'a [ResourceStep],
}

pub(super) fn steps(situation: &Situation<'_>) -> Vec<ContainerStep> {
    let mut steps: Vec<ContainerStep> = Vec::with_capacity(situation.selected.len());
    for service in situation.selected {
        let made: HashMap<&str, bool> = steps
            .iter()
            .map(|step| (step.service.as_str(), step.action.makes()))
            .collect();
        let step = situation.step(service, &made);
        steps.push(step);
    }
    steps
}

impl Situation<'_> {
    /// `made` tells of the services before whether their container is a new one.
    fn step(&self, service: &Service, made: &HashMap<&str, bool>) -> ContainerStep {
        let spec = spec::container(self.project, service, self.contents, self.key);
        let mut found: Vec<&Container> = self
            .observed
            .containers
            .iter()
            .filter(|container| container.service == service.name)
            .collect();
        // The one that is right, then the one that runs, then the newest.
        found.sort_by_key(|container| {
            (
                container.config_hash.as_ref() == Some(&spec.hash),
                container.state == State::Running,
                container.created_at,
            )
        });
        let chosen = found.pop();
        let action = match chosen {
            None => Action::Create,
            Some(container) => self.action(service, container, &spec.hash, made),
        };
        ContainerStep {
            service: service.name.clone(),
            name: spec.name,
            action,
            waits: self.waits(service),
            surplus: found.iter().map(|container| container.id.clone()).collect(),
        }
    }

    fn action(
        &self,
        service: &Service,
        container: &Container,
        hash: &str,
        made: &HashMap<&str, bool>,
    ) -> Action {
        let id = container.id.clone();
        if let Some(reason) = self.reason(service, container, hash, made) {
            return Action::Recreate { id, reason };
        }
        let new = |name: &str| made.get(name) == Some(&true);
        match container.state {
            State::Running | State::Restarting => {
                let because = service
                    .depends_on
                    .iter()
                    .find(|(name, dependency)| dependency.restart && new(name));
                match because {
                    Some((name, _)) => Action::Restart {
                        id,
                        because: name.clone(),
                    },
                    None => Action::Keep { id },
                }
            }
            State::Paused => Action::Resume { id },
            State::Exited(0) if self.is_task(service) && !service.needs().any(new) => {
                Action::Keep { id }
            }
            State::Created | State::Exited(_) | State::Dead => Action::Start { id },
        }
    }

    /// Why a container is replaced, if it is.
    fn reason(
        &self,
        service: &Service,
        container: &Container,
        hash: &str,
        made: &HashMap<&str, bool>,
    ) -> Option<Reason> {
        let recreated = |key: &&String| {
            self.networks
                .iter()
                .any(|step| step.key == **key && step.action != ResourceAction::Keep)
        };
        // These two are no choice: the container could not go on without what it stands on.
        if container.state == State::Dead {
            return Some(Reason::Broken);
        }
        if let Some(network) = service.networks.keys().find(recreated) {
            let network = network.clone();
            return Some(Reason::NetworkRecreated { network });
        }
        let shared = service.shares().find(|name| made.get(name) == Some(&true));
        if let Some(shared) = shared {
            let service = shared.to_owned();
            return Some(Reason::SharesWith { service });
        }
        match self.options.recreate {
            Recreation::Never => return None,
            Recreation::Always => return Some(Reason::Asked),
            Recreation::Changed => {}
        }
        let image = spec::image_of(self.project, service);
        let newer = self.observed.images.get(&image);
        match &container.config_hash {
            None => Some(Reason::OtherTool),
            Some(before) if before != hash => Some(Reason::Changed),
            Some(_) if newer.is_some_and(|id| *id != container.image_id) => Some(Reason::NewImage),
            Some(_) => None,
        }
    }

    /// Whether a service is there to end: others wait for that, and nothing starts it again.
    fn is_task(&self, service: &Service) -> bool {
        let awaited = self.project.services.values().any(|other| {
            other
                .depends_on
                .get(&service.name)
                .is_some_and(|dependency| dependency.condition == Condition::Completed)
        });
        awaited && matches!(service.restart, Restart::No | Restart::OnFailure(_))
    }

    /// What of its needs is selected too.
    fn waits(&self, service: &Service) -> Vec<Wait> {
        let is_selected = |name: &str| self.selected.iter().any(|other| other.name == name);
        let mut waits: Vec<Wait> = service
            .depends_on
            .iter()
            .filter(|(name, _)| is_selected(name))
            .map(|(name, dependency)| Wait {
                service: name.clone(),
                condition: dependency.condition,
                required: dependency.required,
            })
            .collect();
        for name in service.shares() {
            if !waits.iter().any(|wait| wait.service == name) {
                waits.push(Wait {
                    service: name.to_owned(),
                    condition: Condition::Started,
                    required: true,
                });
            }
        }
        waits
    }
}
