//! The network that agents share.

use std::collections::HashMap;
use std::net::IpAddr;

use bollard::Docker;
use bollard::models::{NetworkCreateRequest, NetworkInspect};
use nasiko_engine::{CONFLICT, NOT_FOUND, status};

use super::{Shared, label};
use crate::error::RuntimeError;

/// Makes the network unless it is there.
pub(super) async fn ensure(shared: &Shared) -> Result<NetworkInspect, RuntimeError> {
    let client = shared.engine.client().await?;
    // The engine would make two networks of one name.
    let _alone = shared.network.lock().await;
    if let Some(found) = find(shared, &client).await? {
        return Ok(found);
    }
    let request = NetworkCreateRequest {
        name: shared.config.network.clone(),
        driver: Some("bridge".to_owned()),
        labels: Some(HashMap::from([(
            label::INSTALLATION.to_owned(),
            shared.config.installation.clone(),
        )])),
        ..NetworkCreateRequest::default()
    };
    match client.create_network(request).await {
        Err(error) if status(&error) != Some(CONFLICT) => {
            return Err(shared.failed("making the network", error));
        }
        _ => {}
    }
    find(shared, &client).await?.ok_or_else(|| {
        RuntimeError::Internal(format!(
            "the network {} is not there after it was made",
            shared.config.network
        ))
    })
}

async fn find(shared: &Shared, client: &Docker) -> Result<Option<NetworkInspect>, RuntimeError> {
    match client.inspect_network(&shared.config.network, None).await {
        Ok(network) => Ok(Some(network)),
        Err(error) if status(&error) == Some(NOT_FOUND) => Ok(None),
        Err(error) => Err(shared.failed("looking for the network", error)),
    }
}

/// Where this machine is, seen from the network.
pub(super) async fn gateway(shared: &Shared) -> Result<Option<IpAddr>, RuntimeError> {
    let network = ensure(shared).await?;
    let configs = network
        .ipam
        .and_then(|ipam| ipam.config)
        .unwrap_or_default();
    Ok(configs
        .into_iter()
        .find_map(|config| config.gateway?.parse().ok()))
}
