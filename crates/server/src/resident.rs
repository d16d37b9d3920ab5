//! The resident: a control plane with everything that it listens on, from its start to its end.

use std::{ffi::OsString, path::PathBuf, sync::Arc, time::Duration};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_control::{
    Addresses, Config as PlaneConfig, ControlPlane, EngineConfig, Listeners,
    doctor::{ExpectedPort, Surroundings},
};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    Access, Limits, ServerConfig,
    ports::{self, BoundPort, WantedPort},
    router, serve,
    sessions::random_secret,
};

/// With what a resident starts.
#[derive(Debug)]
pub struct Config {
    /// The data directory.
    pub home: PathBuf,
    /// Where it listens, on loopback.
    pub ports: Ports,
    /// Where the container engine is looked for.
    pub engine: EngineConfig,
    /// The Docker network of the agents.
    pub docker_network: String,
    /// This process's environment; agents get a few of these, package tools a few more.
    pub environment: Vec<(OsString, OsString)>,
    /// How long ports and data directory are waited for while another control plane holds them: nothing, but for one that
    /// takes over from it.
    pub patience: Duration,
}

impl Config {
    /// What a look finds around a resident of this configuration that does not run.
    pub fn surroundings(&self) -> Surroundings {
        let Ports {
            api,
            gateway,
            admin,
            otlp_grpc,
            otlp_http,
        } = self.ports;
        let ports = [
            ("the API", api),
            ("the gateway", gateway),
            ("the gateway's admin address", admin),
            ("OTLP over gRPC", otlp_grpc),
            ("OTLP over HTTP", otlp_http),
        ];
        let ports = ports.map(|(purpose, port)| ExpectedPort {
            purpose: purpose.to_owned(),
            number: port.number,
            explicit: port.explicit,
        });
        Surroundings::new(
            self.home.clone(),
            self.environment.clone(),
            self.engine.clone(),
            ports.into(),
        )
    }
}

/// The ports of a resident.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// API and web UI.
    pub api: WantedPort,
    /// What agents and people call.
    pub gateway: WantedPort,
    /// The gateway's routes and status.
    pub admin: WantedPort,
    /// OTLP over gRPC.
    pub otlp_grpc: WantedPort,
    /// OTLP over HTTP.
    pub otlp_http: WantedPort,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            api: WantedPort::usual(8000),
            gateway: WantedPort::usual(9100),
            admin: WantedPort::usual(9101),
            otlp_grpc: WantedPort::usual(4317),
            otlp_http: WantedPort::usual(4318),
        }
    }
}

/// A resident that answers.
pub struct Resident {
    plane: ControlPlane,
    addresses: Addresses,
    token: String,
    notices: Vec<String>,
    closing: CancellationToken,
    serving: JoinHandle<()>,
}

impl Resident {
    /// Binds the ports, opens the control plane and answers; `control.data_directory_owned` where another one does.
    pub async fn start(config: Config) -> Result<Self, Fault> {
        let wanted = config.ports;
        let mut notices = Vec::new();
        let mut bind = async |purpose: &str, port| -> Result<BoundPort, Fault> {
            let mut bound = ports::bind_within(purpose, port, config.patience).await?;
            notices.extend(bound.notice.take());
            Ok(bound)
        };
        let api = bind("the API", wanted.api).await?;
        let gateway = bind("the gateway", wanted.gateway).await?;
        let admin = bind("the gateway's admin address", wanted.admin).await?;
        let otlp_grpc = bind("OTLP over gRPC", wanted.otlp_grpc).await?;
        let otlp_http = bind("OTLP over HTTP", wanted.otlp_http).await?;
        let addresses = Addresses {
            api: url(&api),
            gateway: url(&gateway),
            admin: url(&admin),
            otlp_http: url(&otlp_http),
            otlp_grpc: url(&otlp_grpc),
        };
        let listeners = Listeners {
            gateway: gateway.listener,
            admin: admin.listener,
            otlp_grpc: otlp_grpc.listener,
            otlp_http: otlp_http.listener,
        };
        let plane = ControlPlane::open(PlaneConfig {
            home: config.home.clone(),
            listeners,
            api: api.address,
            notices: notices.clone(),
            engine: config.engine,
            docker_network: config.docker_network,
            environment: config.environment,
            patience: config.patience,
        })
        .await?;
        let token = random_secret();
        let closing = CancellationToken::new();
        let codes = plane.browser_codes().clone();
        // The plane is open, and so ready, before anything is answered.
        let (_, ready) = watch::channel(true);
        let server = ServerConfig {
            access: Arc::new(Access::loopback(api.address.port(), &token, codes)),
            uploads: arriving(config.home).await,
            ready,
            closing: closing.clone(),
            limits: Limits::default(),
        };
        let listener = tokio::net::TcpListener::from_std(api.listener).map_err(|error| {
            Fault::new(
                ErrorCode::StartFailed,
                "The API's port cannot be listened on",
            )
            .evidence([error.to_string()])
        })?;
        let router = router(Arc::new(plane.clone()), server);
        let serving = tokio::spawn(serve(listener, router, closing.clone()));
        Ok(Self {
            plane,
            addresses,
            token,
            notices,
            closing,
            serving,
        })
    }

    /// Where it listens, as URLs.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The bearer token of this run.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Ports that were taken, and what was chosen instead.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Completes when somebody asked over the API that this process ends.
    pub async fn shutdown_wanted(&self) {
        self.plane.shutdown_wanted().await;
    }

    /// Ends it: answers under way are given, streams are told, agents go on running.
    pub async fn end(self) {
        self.closing.cancel();
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the server failed");
        }
        self.plane.close().await;
    }
}

fn url(port: &BoundPort) -> String {
    format!("http://{}", port.address)
}

/// A folder for uploads while they arrive, without what a crash left there. Only the owner of the data directory may
/// come here.
async fn arriving(home: PathBuf) -> PathBuf {
    let folder = home.join("arriving");
    if let Err(error) = tokio::fs::remove_dir_all(&folder).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "uploads of an earlier run stay where they are");
    }
    folder
}
