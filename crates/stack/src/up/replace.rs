//! Makes and replaces containers, so that at every moment of it the next `up` can go on.

use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::models::{
    ContainerInspectResponse, HostConfig, Mount, MountType, NetworkConnectRequest,
};
use bollard::query_parameters::{CreateContainerOptionsBuilder, RenameContainerOptionsBuilder};
use nasiko_engine::{CONFLICT, FORBIDDEN, NOT_FOUND, status};

use super::Job;
use crate::StackError;
use crate::compose::Service;
use crate::spec::{ContainerSpec, SERVICE_NAMESPACE};
use crate::{label, observe};

/// How long the engine may take over a container whose name is taken and that is not there yet.
const HALF_MADE: Duration = Duration::from_secs(5);
const NEXT_LOOK: Duration = Duration::from_millis(50);
/// How much of an id tells a container from its successor.
const SHORT_ID: usize = 12;

impl Job<'_> {
    /// Makes a service's container, ready to be started. `id_of` knows the containers of other services.
    pub(super) async fn create(
        &self,
        service: &Service,
        mut spec: ContainerSpec,
        id_of: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<String, StackError> {
        if let Some(host) = &mut spec.body.host_config {
            for namespace in [
                &mut host.network_mode,
                &mut host.pid_mode,
                &mut host.ipc_mode,
            ] {
                let name = namespace
                    .as_deref()
                    .and_then(|text| text.strip_prefix(SERVICE_NAMESPACE));
                if let Some(id) = name.and_then(id_of) {
                    *namespace = Some(format!("container:{id}"));
                }
            }
        }
        let id = self.make(service, &spec).await?;
        self.join_networks(&id, &spec).await?;
        Ok(id)
    }

    /// Joins the networks after the first; those that it is on already are passed over.
    pub(super) async fn join_networks(
        &self,
        id: &str,
        spec: &ContainerSpec,
    ) -> Result<(), StackError> {
        let client = self.stack.engine.client().await?;
        for (network, endpoint) in &spec.further_networks {
            let request = NetworkConnectRequest {
                container: id.to_owned(),
                endpoint_config: Some(endpoint.clone()),
            };
            match client.connect_network(network, request).await {
                Err(error) if status(&error) != Some(FORBIDDEN) => {
                    return Err(self.stack.engine.failed("joining a network", error).into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn make(&self, service: &Service, spec: &ContainerSpec) -> Result<String, StackError> {
        let client = self.stack.engine.client().await?;
        let mut options = CreateContainerOptionsBuilder::default().name(&spec.name);
        if let Some(platform) = &service.platform {
            options = options.platform(platform);
        }
        let options = options.build();
        let deadline = Instant::now() + HALF_MADE;
        loop {
            let (making, options, body) = (client.clone(), options.clone(), spec.body.clone());
            let made = self
                .unbroken(async move { making.create_container(Some(options), body).await })
                .await;
            let error = match made {
                Ok(made) => return Ok(made.id),
                Err(error) => error,
            };
            if status(&error) != Some(CONFLICT) {
                return Err(self.create_failure(spec, error));
            }
            // What an `up` that was killed had just told the engine to make.
            let failed = |error| self.stack.engine.failed("looking at a container", error);
            let found = observe::inspect(&client, &spec.name)
                .await
                .map_err(failed)?;
            match found.as_ref().map(observe::container_of) {
                Some(Some(own)) if own.service == service.name && self.is_own(found.as_ref()) => {
                    if own.config_hash.as_ref() == Some(&spec.hash) {
                        return Ok(own.id);
                    }
                    self.stack.remove_container(&own.id).await?;
                }
                None if Instant::now() < deadline => tokio::time::sleep(NEXT_LOOK).await,
                _ => {
                    return Err(StackError::NameTaken {
                        service: service.name.clone(),
                        name: spec.name.clone(),
                    });
                }
            }
        }
    }

    fn is_own(&self, found: Option<&ContainerInspectResponse>) -> bool {
        let labels = found.and_then(|found| found.config.as_ref()?.labels.as_ref());
        labels.is_some_and(|labels| labels.get(label::PROJECT) == Some(&self.project.name))
    }

    fn create_failure(&self, spec: &ContainerSpec, error: Error) -> StackError {
        match error {
            Error::DockerResponseServerError {
                status_code: NOT_FOUND,
                message,
            } if message.contains("image") => StackError::ImageMissing {
                reference: spec.body.image.clone().unwrap_or_default(),
                message,
            },
            other => self.stack.engine.failed("making a container", other).into(),
        }
    }

    /// Makes the successor of a container, which gets its name and its volumes that have none. Broken off anywhere before the
    /// old one is removed, what is left is a new container that was not started, or an old one under another name: the next
    /// plan starts the one and removes the other.
    pub(super) async fn succeed(
        &self,
        service: &Service,
        old: &str,
        mut spec: ContainerSpec,
        id_of: &(dyn Fn(&str) -> Option<String> + Sync),
    ) -> Result<String, StackError> {
        let client = self.stack.engine.client().await?;
        let failed = |error| self.stack.engine.failed("replacing a container", error);
        let Some(found) = observe::inspect(&client, old).await.map_err(failed)? else {
            return self.create(service, spec, id_of).await;
        };
        if is_named(&found, &spec.name) {
            let short = old.get(..SHORT_ID).unwrap_or(old);
            let aside = format!("{short}_{}", spec.name);
            let options = RenameContainerOptionsBuilder::default()
                .name(&aside)
                .build();
            if let Err(error) = client.rename_container(old, options).await {
                // Another `up` may have done so, or have removed it already.
                let now = observe::inspect(&client, old).await.map_err(failed)?;
                if now.is_some_and(|now| is_named(&now, &spec.name)) {
                    return Err(failed(error).into());
                }
            }
        }
        let host = spec.body.host_config.get_or_insert_default();
        for point in found.mounts.unwrap_or_default() {
            let nameless = point.typ.as_deref() == Some("volume")
                && point.name.as_deref().is_some_and(observe::is_generated);
            if let (true, Some(target)) = (nameless, point.destination) {
                take_over(host, point.name, target);
            }
        }
        self.create(service, spec, id_of).await
    }
}

fn is_named(container: &ContainerInspectResponse, name: &str) -> bool {
    let own = container.name.as_deref().unwrap_or_default();
    own.trim_start_matches('/') == name
}

/// Mounts a volume of the old container where the new one would get an empty one.
fn take_over(host: &mut HostConfig, volume: Option<String>, target: String) {
    let is_there = |path: &str| path == target;
    let mounts = host.mounts.get_or_insert_default();
    let same = mounts
        .iter_mut()
        .find(|mount| mount.target.as_deref().is_some_and(is_there));
    if let Some(mount) = same {
        if mount.typ == Some(MountType::VOLUME) && mount.source.is_none() {
            mount.source = volume;
        }
        return;
    }
    let binds = host.binds.iter().flatten();
    let tmpfs = host.tmpfs.iter().flatten();
    let taken = binds
        .filter_map(|bind| bind.split(':').nth(1))
        .any(is_there)
        || tmpfs.map(|(path, _)| path.as_str()).any(is_there);
    if !taken {
        mounts.push(Mount {
            typ: Some(MountType::VOLUME),
            source: volume,
            target: Some(target),
            ..Mount::default()
        });
    }
}
