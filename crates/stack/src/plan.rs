//! From what the files say and what the engine has to what is to be done, and why. Pure: nothing is asked and nothing is done
//! here.

mod containers;
mod resources;
#[cfg(test)]
mod tests;

use std::fmt;

use crate::compose::{ComposeError, Condition, Project, Service};
use crate::observed::Observed;
use crate::spec::{Contents, HashKey};

/// What is wanted of a plan.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// The profiles that are chosen; `*` is all.
    pub profiles: Vec<String>,
    /// Only these services and what they need; empty for all of the profiles.
    pub services: Vec<String>,
    /// Which containers are made anew.
    pub recreate: Recreation,
    /// Images that can be built are, even if they are here.
    pub build: bool,
    /// Images that can be pulled are, even if they are here.
    pub pull: bool,
}

/// Which containers are made anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Recreation {
    /// Those of which something changed.
    #[default]
    Changed,
    /// All.
    Always,
    /// None: those that are there stay.
    Never,
}

/// What is to be done. Steps that need each other are in order; the rest may be done at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The project's name.
    pub project: String,
    /// Networks.
    pub networks: Vec<ResourceStep>,
    /// Volumes.
    pub volumes: Vec<ResourceStep>,
    /// Images.
    pub images: Vec<ImageStep>,
    /// Containers, each after those it waits for.
    pub containers: Vec<ContainerStep>,
    /// Containers of the project whose service it no longer has.
    pub orphans: Vec<Orphan>,
    /// What is worth saying and no error.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Whether the engine's state is the file's already.
    pub fn is_settled(&self) -> bool {
        let kept = |step: &ResourceStep| matches!(step.action, ResourceAction::Keep);
        self.networks.iter().chain(&self.volumes).all(kept)
            && self
                .images
                .iter()
                .all(|step| step.action == ImageAction::Keep)
            && self
                .containers
                .iter()
                .all(|step| matches!(step.action, Action::Keep { .. }) && step.surplus.is_empty())
    }

    /// The step of a service.
    pub fn container(&self, service: &str) -> Option<&ContainerStep> {
        self.containers.iter().find(|step| step.service == service)
    }
}

/// A network or a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceStep {
    /// Its key in the project.
    pub key: String,
    /// Its name in the engine.
    pub name: String,
    /// What is done.
    pub action: ResourceAction,
}

/// What is done with a network or a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceAction {
    /// It is there.
    Keep,
    /// It is made.
    Create,
    /// It is removed and made anew, since what is said about it changed. Never done to a volume.
    Recreate,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageStep {
    /// Its reference.
    pub reference: String,
    /// The services that run it.
    pub services: Vec<String>,
    /// What is done.
    pub action: ImageAction,
}

/// What is done with an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageAction {
    /// It is here.
    Keep,
    /// It is pulled, for this platform if one is asked for.
    Pull {
        /// E.g. `linux/arm64`.
        platform: Option<String>,
    },
    /// It is built as this service says.
    Build {
        /// The service.
        service: String,
    },
}

/// The container of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerStep {
    /// The service.
    pub service: String,
    /// Its name in the engine.
    pub name: String,
    /// What is done.
    pub action: Action,
    /// What is waited for before it starts.
    pub waits: Vec<Wait>,
    /// Further containers of the service, left over when something broke off: they are removed.
    pub surplus: Vec<String>,
}

/// What is done with a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is as it should be.
    Keep {
        /// The engine's id.
        id: String,
    },
    /// It is made and started.
    Create,
    /// It is replaced.
    Recreate {
        /// The engine's id of the old one.
        id: String,
        /// Why.
        reason: Reason,
    },
    /// It is started as it is.
    Start {
        /// The engine's id.
        id: String,
    },
    /// It is held, and goes on.
    Resume {
        /// The engine's id.
        id: String,
    },
    /// It is stopped and started, since something it needs was made anew.
    Restart {
        /// The engine's id.
        id: String,
        /// The service that was.
        because: String,
    },
}

impl Action {
    /// Whether the container is a new one afterwards.
    pub fn makes(&self) -> bool {
        matches!(self, Self::Create | Self::Recreate { .. })
    }
}

/// Why a container is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// What the files say about it is not what it was made from.
    Changed,
    /// Its image's name means another image now.
    NewImage,
    /// Another tool made it, and what from cannot be compared.
    OtherTool,
    /// A network that it is on is made anew.
    NetworkRecreated {
        /// The network's key.
        network: String,
    },
    /// It shares a namespace with the container of a service that is made anew.
    SharesWith {
        /// The service.
        service: String,
    },
    /// The engine could not end it properly.
    Broken,
    /// It was asked for.
    Asked,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => formatter.write_str("its configuration changed"),
            Self::NewImage => formatter.write_str("its image is a newer one"),
            Self::OtherTool => formatter.write_str("another tool made it"),
            Self::NetworkRecreated { network } => {
                write!(formatter, "its network {network} is made anew")
            }
            Self::SharesWith { service } => {
                write!(
                    formatter,
                    "{service}, whose namespace it uses, is made anew"
                )
            }
            Self::Broken => formatter.write_str("the engine could not end it properly"),
            Self::Asked => formatter.write_str("it was asked for"),
        }
    }
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The service.
    pub service: String,
    /// Until when.
    pub condition: Condition,
    /// Whether its failure is the failure of who waits.
    pub required: bool,
}

/// A container whose service the project no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// The engine's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The service it was of.
    pub service: String,
}

/// What is to be done to bring the engine from what it has to what the files say. The error is a selection that cannot be, or
/// something that should be there and is not.
pub fn plan(
    project: &Project,
    options: &PlanOptions,
    observed: &Observed,
    contents: &Contents,
    key: &HashKey,
) -> Result<Plan, ComposeError> {
    let selected = in_order(project.select(&options.profiles, &options.services)?);
    let mut warnings = Vec::new();
    let resources = resources::Resources {
        project,
        selected: &selected,
        observed,
        key,
    };
    let networks = resources.networks(&mut warnings)?;
    let volumes = resources.volumes(&mut warnings)?;
    let images = resources.images(options)?;
    let containers = containers::steps(&containers::Situation {
        project,
        selected: &selected,
        options,
        observed,
        contents,
        key,
        networks: &networks,
    });
    let orphans = observed
        .containers
        .iter()
        .filter(|container| !project.services.contains_key(&container.service))
        .map(|container| Orphan {
            id: container.id.clone(),
            name: container.name.clone(),
            service: container.service.clone(),
        });
    Ok(Plan {
        project: project.name.clone(),
        networks,
        volumes,
        images,
        containers,
        orphans: orphans.collect(),
        warnings,
    })
}

/// Each after those it needs, otherwise in the files' order. Circles were refused when the files were read.
fn in_order(services: Vec<&Service>) -> Vec<&Service> {
    let mut ordered: Vec<&Service> = Vec::with_capacity(services.len());
    let mut rest = services;
    while !rest.is_empty() {
        let waiting = |service: &&Service| {
            service
                .needs()
                .any(|name| rest.iter().any(|other| other.name == name))
        };
        let (later, now): (Vec<&Service>, Vec<&Service>) = rest.iter().copied().partition(waiting);
        if now.is_empty() {
            ordered.extend(later);
            break;
        }
        ordered.extend(now);
        rest = later;
    }
    ordered
}
