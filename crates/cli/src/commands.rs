//! The commands, one file per kind.

mod agents;
mod chat;
mod context;
mod deploy;
mod dev;
mod doctor;
mod jobs;
mod live;
mod logs;
mod notices;
mod pins;
mod plane;
mod registry;
mod scaffold;
mod secrets;
mod serve;
mod settings;
mod stack;
mod store;
mod traces;

use std::{num::NonZero, time::Duration};

use tokio::runtime::{Builder, Runtime};

use crate::{
    arguments::{Command, LocalCommand, ObservabilityCommand},
    failure::{Failure, local},
    session::Session,
};

/// The runtime that a command needs: one thread for a client, a few for the resident.
pub(crate) fn runtime_for(command: &Command) -> Result<Runtime, Failure> {
    let mut builder = match command {
        Command::Serve(_) => {
            let cores = std::thread::available_parallelism().map_or(2, NonZero::get);
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(cores.clamp(2, 4));
            builder
        }
        _ => Builder::new_current_thread(),
    };
    builder
        .enable_all()
        .thread_keep_alive(Duration::from_secs(5))
        .build()
        .map_err(|error| local("No threads could be started", &error))
}

/// Runs a command.
pub(crate) async fn run(session: &Session, command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(words) => Box::pin(serve::serve(session, words)).await,
        Command::Up(words) | Command::Local(LocalCommand::Up(words)) => {
            plane::up(session, words).await
        }
        Command::Down(words) | Command::Local(LocalCommand::Down(words)) => {
            plane::down(session, words).await
        }
        Command::Stack(words) => stack::stack(session, words).await,
        Command::Status | Command::Local(LocalCommand::Status) => plane::status(session).await,
        Command::Doctor(words) => doctor::doctor(session, words).await,
        Command::Open(words) => plane::open(session, &words).await,
        Command::Completions(words) => plane::completions(session, &words),

        Command::Deploy(words) => deploy::deploy(session, words).await,
        Command::UploadDirectory(words) => deploy::directory(session, words).await,
        Command::UploadZip(words) => deploy::upload(session, words).await,
        Command::Clone(words) => deploy::clone(session, words).await,
        Command::Dev(words) => Box::pin(dev::dev(session, words)).await,
        Command::Watch(words) => live::watch(session, words).await,
        Command::Updates(words) => live::updates(session, words).await,
        Command::Pin(command) => pins::run(session, command).await,
        Command::Inspect(words) => deploy::inspect(session, &words).await,
        Command::New(words) => scaffold::new(session, &words),

        Command::Ps => agents::list(session).await,
        Command::Stop(words) => agents::stop(session, words.agent).await,
        Command::Start(words) => agents::start(session, words.agent).await,
        Command::Restart(words) => agents::restart(session, words.agent).await,
        Command::Rebuild(words) => agents::rebuild(session, words.agent).await,
        Command::Rm(words) => agents::remove(session, words).await,
        Command::Logs(words) | Command::Local(LocalCommand::Logs(words)) => {
            logs::logs(session, words).await
        }

        Command::Chat(words) => Box::pin(chat::chat(session, words)).await,
        Command::Sessions(words)
        | Command::Observability(ObservabilityCommand::Sessions(words)) => {
            chat::sessions(session, words).await
        }
        Command::Traces(words) | Command::Observability(ObservabilityCommand::Traces(words)) => {
            traces::list(session, words).await
        }
        Command::Trace(words) | Command::Observability(ObservabilityCommand::Trace(words)) => {
            traces::show(session, words).await
        }

        Command::Registry(command) => registry::run(session, command).await,
        Command::RegistryList => registry::list(session, None).await,
        Command::RegistryGet(words) => registry::get(session, words.name).await,
        Command::RegistryUpdate(words) => registry::update(session, words).await,

        Command::Secret(command) => secrets::run(session, command).await,
        Command::Jobs(words) => jobs::jobs(session, words).await,
        Command::Notices(words) => notices::notices(session, words).await,
        Command::DeadLetters(words) => jobs::dead_letters(session, words).await,
        Command::Settings(words) => settings::settings(session, words).await,
        Command::Context(command) => context::run(session, command),
        Command::ListClusters => context::list(session),
    }
}
