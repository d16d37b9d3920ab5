//! Sockets of the rooms below: gateway, admin, OTLP over loopback; the gateway alone on the container network.

use std::{net::SocketAddr, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use nasiko_contract::{ErrorCode, Fault};
use nasiko_gateway::{Exposure, OtlpReply, OtlpRequest, OtlpSink};
use nasiko_telemetry::OtlpIntake;
use tokio::net::TcpListener;

use crate::plane::{Listeners, Shared, internal};

/// Hands exports that containers send through the gateway to the intake.
pub(crate) struct ContainerExports {
    pub(crate) intake: OtlpIntake,
}

impl OtlpSink for ContainerExports {
    fn export(&self, request: OtlpRequest) -> BoxFuture<'static, OtlpReply> {
        let intake = self.intake.clone();
        async move {
            let reply = intake
                .handle_http(
                    &request.path,
                    &request.content_type,
                    &request.content_encoding,
                    request.body,
                    Some(&request.agent),
                )
                .await;
            OtlpReply {
                status: reply.status,
                content_type: reply.content_type,
                body: reply.body,
            }
        }
        .boxed()
    }
}

/// Begins to answer on all sockets that are open from the start.
pub(crate) fn start(shared: &Arc<Shared>, listeners: Listeners) -> Result<(), Fault> {
    let adopt = |listener: std::net::TcpListener| {
        listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener))
            .map_err(|error| internal("a socket could not be taken over", &error))
    };
    let (gateway, stop) = (shared.gateway.clone(), shared.stop.clone());
    let listener = adopt(listeners.gateway)?;
    shared.tasks.spawn(async move {
        report(
            "gateway",
            gateway.serve(listener, Exposure::Loopback, stop).await,
        );
    });

    let (gateway, stop) = (shared.gateway.clone(), shared.stop.clone());
    let listener = adopt(listeners.admin)?;
    shared
        .tasks
        .spawn(async move { report("gateway admin", gateway.serve_admin(listener, stop).await) });

    let (intake, stop) = (shared.intake.clone(), shared.stop.clone());
    let listener = adopt(listeners.otlp_http)?;
    shared
        .tasks
        .spawn(async move { report("OTLP over HTTP", intake.serve_http(listener, stop).await) });

    let (intake, stop) = (shared.intake.clone(), shared.stop.clone());
    let listener = adopt(listeners.otlp_grpc)?;
    shared
        .tasks
        .spawn(async move { report("OTLP over gRPC", intake.serve_grpc(listener, stop).await) });
    Ok(())
}

fn report(what: &str, ended: Result<(), impl std::fmt::Display>) {
    if let Err(error) = ended {
        tracing::error!(%error, what, "a listener ended");
    }
}

/// Opens the gateway to containers, on the container network's own gateway address and nowhere else. The port stays the
/// same over restarts, because running containers know it.
pub(crate) async fn on_container_network(shared: &Shared) -> Result<SocketAddr, Fault> {
    let ip = shared.docker.network_gateway().await?.ok_or_else(|| {
        Fault::new(
            ErrorCode::EngineFailed,
            "The container network has no gateway address",
        )
        .hint("Remove the network `nasiko-network` and try again: it is made anew")
    })?;
    let remembered = shared.home.network_port();
    let listener = match TcpListener::bind((ip, remembered.unwrap_or(0))).await {
        Ok(listener) => listener,
        Err(_) if remembered.is_some() => TcpListener::bind((ip, 0))
            .await
            .map_err(|error| not_bound(ip, &error))?,
        Err(error) => return Err(not_bound(ip, &error)),
    };
    let address = listener
        .local_addr()
        .map_err(|error| internal("a socket has no address", &error))?;
    shared.home.remember_network_port(address.port())?;
    let exposure = Exposure::Network {
        credentials: shared.credentials.clone(),
    };
    let (gateway, stop) = (shared.gateway.clone(), shared.stop.clone());
    shared.tasks.spawn(async move {
        report(
            "gateway for containers",
            gateway.serve(listener, exposure, stop).await,
        );
    });
    Ok(address)
}

fn not_bound(ip: std::net::IpAddr, error: &std::io::Error) -> Fault {
    Fault::new(ErrorCode::EngineFailed, format!("The gateway could not listen for containers on {ip}"))
        .hint("With an engine in a virtual machine that address is not of this machine: run the agent as a process")
        .evidence([error.to_string()])
}
