//! `nasiko serve`: the resident in this terminal.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use nasiko_client::resident::{self, Endpoint};
use nasiko_contract::{ErrorCode, Fault, GetStatus, Shutdown};
use nasiko_server::{
    Config, EngineConfig, Ports, Resident, doctor::Surroundings, ports::WantedPort,
};
use tokio::task::JoinHandle;
use tracing::Level;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    arguments::{Arguments, Command, ServeArguments},
    documents::StatusDocument,
    failure::{Failure, local, usage},
    session::Session,
};

/// The watcher's library warns of folders that went away, which is no trouble.
const USUAL_LOG: &str = "info,notify=error";
/// The Docker network that agents share.
const NETWORK: &str = "nasiko-network";

/// Runs until a signal, or until somebody asks over the API.
pub(crate) async fn serve(session: &Session, words: ServeArguments) -> Result<(), Failure> {
    start_log();
    let mut signals = Signals::new()?;
    let mut config = config(session, &words)?;
    if words.take_over {
        take_over(session, &mut config).await?;
    }
    let starting = Resident::start(config);
    let resident = tokio::select! {
        started = Box::pin(starting) => started?,
        () = signals.next() => return Err(Fault::new(ErrorCode::Cancelled, "Ended before it had started").into()),
    };
    let endpoint = Endpoint {
        pid: std::process::id(),
        api: resident.addresses().api.clone(),
        token: resident.token().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    if let Err(error) = endpoint.write(session.home()?) {
        resident.end().await;
        return Err(local("The endpoint file cannot be written", &error));
    }
    announce(session, &resident)?;
    let tray = tray(session, &words)?;
    tokio::select! {
        () = signals.next() => tracing::info!("asked by a signal to end"),
        () = resident.shutdown_wanted() => tracing::info!("asked over the API to end"),
    }
    if let Some(tray) = tray {
        tray.abort();
    }
    tokio::select! {
        () = resident.end() => {}
        () = signals.next() => tracing::warn!("asked twice to end: not waiting for the rest"),
    }
    // Last, so that whoever starts another one meanwhile still finds this one.
    endpoint.remove(session.home()?);
    Ok(())
}

/// Asks the resident that runs to end, and has its ports waited for: what calls it calls the next one at the same addresses.
async fn take_over(session: &Session, config: &mut Config) -> Result<(), Failure> {
    // One that does not answer any more leaves nothing to take over but what each start does.
    let Ok((client, _)) = resident::attach(session.home()?).await else {
        return Ok(());
    };
    let status = client.call(GetStatus {}).await?;
    let ports = &mut config.ports;
    for (port, address) in [
        (&mut ports.api, &status.api),
        (&mut ports.gateway, &status.gateway),
        (&mut ports.admin, &status.admin),
        (&mut ports.otlp_grpc, &status.otlp_grpc),
        (&mut ports.otlp_http, &status.otlp_http),
    ] {
        let number = address
            .rsplit(':')
            .next()
            .and_then(|number| number.parse().ok());
        *port = number.map_or(*port, WantedPort::usual);
    }
    config.patience = resident::END_LIMIT;
    client.call(Shutdown { stop_agents: false }).await?;
    Ok(())
}

/// The tray, where there is a desktop session that could show it; the resident goes on whatever becomes of that session.
fn tray(session: &Session, words: &ServeArguments) -> Result<Option<JoinHandle<()>>, Failure> {
    if words.no_tray {
        return Ok(None);
    }
    let config = nasiko_tray::Config::of_session(session.home()?.to_owned());
    Ok(config.map(|config| tokio::spawn(nasiko_tray::run(config))))
}

fn config(session: &Session, words: &ServeArguments) -> Result<Config, Failure> {
    let usual = Ports::default();
    let wanted = |given: Option<u16>, usual| given.map_or(usual, WantedPort::exactly);
    Ok(Config {
        home: session.home()?.to_owned(),
        ports: Ports {
            api: wanted(words.api_port, usual.api),
            gateway: wanted(words.gateway_port, usual.gateway),
            admin: wanted(words.admin_port, usual.admin),
            otlp_grpc: wanted(words.otlp_grpc_port, usual.otlp_grpc),
            otlp_http: wanted(words.otlp_http_port, usual.otlp_http),
        },
        engine: engine(),
        docker_network: named("NASIKO_DOCKER_NETWORK").unwrap_or_else(|| NETWORK.to_owned()),
        environment: std::env::vars_os().collect(),
        patience: Duration::ZERO,
    })
}

/// What a resident of this session would find around it, for a look without one.
pub(super) fn surroundings(session: &Session) -> Result<Surroundings, Failure> {
    // The ports that the environment asks for are read where they are declared.
    let Ok(Arguments {
        command: Command::Serve(words),
        ..
    }) = Arguments::try_parse_from(["nasiko", "serve"])
    else {
        return Err(usage(
            "The environment asks for a port that is none",
            "Look at NASIKO_API_PORT and the like",
        ));
    };
    Ok(config(session, &words)?.surroundings())
}

/// What the environment says of the engine, with the words of Docker's own tools.
fn engine() -> EngineConfig {
    EngineConfig {
        host: named("DOCKER_HOST"),
        context: named("DOCKER_CONTEXT"),
        config_folder: named("DOCKER_CONFIG").map(PathBuf::from),
        tls: named("DOCKER_TLS_VERIFY").is_some(),
        socket_folders: socket_folders(),
    }
}

/// Where engines without root put their socket.
fn socket_folders() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime.into_iter().chain(std::env::home_dir()).collect()
}

/// A variable of the environment that says something.
fn named(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

fn announce(session: &Session, resident: &Resident) -> Result<(), Failure> {
    let output = session.output;
    let addresses = resident.addresses();
    if output.json {
        return output.document(&StatusDocument {
            running: true,
            context: session.context.name.to_string(),
            pid: Some(std::process::id()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            api: Some(addresses.api.clone()),
            gateway: Some(addresses.gateway.clone()),
            admin: Some(addresses.admin.clone()),
            otlp_http: Some(addresses.otlp_http.clone()),
            otlp_grpc: Some(addresses.otlp_grpc.clone()),
            notices: resident.notices().to_vec(),
            ..StatusDocument::default()
        });
    }
    for notice in resident.notices() {
        output.say(notice);
    }
    output.line(format!("API and web UI  {}", addresses.api))?;
    output.line(format!("Gateway         {}", addresses.gateway))?;
    output.line(format!("Gateway admin   {}", addresses.admin))?;
    output.line(format!("OTLP over HTTP  {}", addresses.otlp_http))?;
    output.line(format!("OTLP over gRPC  {}", addresses.otlp_grpc))?;
    output.say("Open the web UI with `nasiko open`; Ctrl-C ends");
    Ok(())
}

/// The log goes to standard error; `NASIKO_LOG` says how much, e.g. `debug` or `nasiko_gateway=trace`.
fn start_log() {
    let wanted =
        EnvFilter::try_from_env("NASIKO_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL_LOG));
    // The engine's client tells whole requests, and in them what agents get in their environment.
    let no_secrets =
        filter_fn(|event| *event.level() <= Level::INFO || !event.target().starts_with("bollard"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_filter(wanted.and(no_secrets));
    // Only the first of a process counts, and there is one.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// The signals that ask a program to end.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |error: std::io::Error| local("Signals cannot be waited for", &error);
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
