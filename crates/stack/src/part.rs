//! A part of a project that is taken down by itself.

use std::collections::HashSet;

use crate::compose::{MountSource, Project, Service};

/// Services, and the networks and volumes that are theirs alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// The services.
    pub services: Vec<String>,
    /// Networks that no other service joins, by their names in the engine.
    pub networks: Vec<String>,
    /// Volumes that no other service mounts, by their names in the engine.
    pub volumes: Vec<String>,
}

impl Part {
    /// The part of a project that these services are. What any other service names, brought up or not, is not in it.
    pub fn of(project: &Project, services: &[String]) -> Self {
        let (mine, others): (Vec<&Service>, Vec<&Service>) = project
            .services
            .values()
            .partition(|service| services.contains(&service.name));
        let own = |names: fn(&Service) -> Vec<&str>| -> Vec<String> {
            let theirs: HashSet<&str> = others.iter().flat_map(|service| names(service)).collect();
            let mut own: Vec<String> = mine
                .iter()
                .flat_map(|service| names(service))
                .filter(|name| !theirs.contains(name))
                .map(str::to_owned)
                .collect();
            own.sort();
            own.dedup();
            own
        };
        let networks = own(networks);
        let volumes = own(volumes);
        let named = |key: &String| Some(project.networks.get(key)?.name.clone());
        let stored = |key: &String| Some(project.volumes.get(key)?.name.clone());
        Self {
            services: mine.iter().map(|service| service.name.clone()).collect(),
            networks: networks.iter().filter_map(named).collect(),
            volumes: volumes.iter().filter_map(stored).collect(),
        }
    }
}

fn networks(service: &Service) -> Vec<&str> {
    service.networks.keys().map(String::as_str).collect()
}

fn volumes(service: &Service) -> Vec<&str> {
    let sources = service.mounts.iter().map(|mount| &mount.value.source);
    sources
        .filter_map(|source| match source {
            MountSource::Volume { name, .. } => name.as_deref(),
            _ => None,
        })
        .collect()
}
