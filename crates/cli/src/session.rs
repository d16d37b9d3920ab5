//! What every command works with: the context it is about, the way to its control plane, the output.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use nasiko_client::{
    Client,
    context::{Context, ContextName, Place},
    contexts::{self, Contexts},
    resident::{self, Endpoint},
};
use nasiko_contract::{ErrorCode, Fault};

use crate::{arguments::Arguments, failure::Failure, failure::local, output::Output};

/// How long a broken stream is taken up again for: a control plane that was restarted is back by then.
pub(crate) const COMES_BACK: Duration = Duration::from_secs(30);

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    /// The data directory that the contexts are written down in, which is the home of `local`.
    pub(crate) contexts_home: PathBuf,
    /// Which control plane is meant.
    pub(crate) context: Context,
    /// How it speaks.
    pub(crate) output: Output,
}

impl Session {
    pub(crate) fn new(arguments: &Arguments, output: Output) -> Result<Self, Failure> {
        let home = arguments.home.clone().map(PathBuf::into_os_string);
        let contexts_home = resident::home(home, std::env::home_dir())?;
        let named = arguments.context.as_deref().filter(|name| !name.is_empty());
        let context = if arguments.command.is_about_contexts() {
            meant(&contexts_home, Some(ContextName::local().as_str()), output)?
        } else {
            meant(&contexts_home, named, output)?
        };
        Ok(Self {
            contexts_home,
            context,
            output,
        })
    }

    /// The data directory of the context; refused where that is on another machine.
    pub(crate) fn home(&self) -> Result<&Path, Failure> {
        match &self.context.place {
            Place::Local { home } => Ok(home),
            Place::Remote { .. } => {
                Err(self.elsewhere("the control plane of a context on this machine"))
            }
        }
    }

    /// Refused where the control plane cannot read what lies on this machine.
    pub(crate) fn shares_files(&self) -> Result<(), Failure> {
        match &self.context.place {
            Place::Local { .. } => Ok(()),
            Place::Remote { .. } => Err(self.elsewhere("a folder of this machine")),
        }
    }

    fn elsewhere(&self, needed: &str) -> Failure {
        Fault::new(
            ErrorCode::InvalidRequest,
            format!(
                "This is about {needed}, and `{}` is elsewhere",
                self.context.name
            ),
        )
        .hint("Add `--context local`")
        .evidence([self.context.place.to_string()])
        .into()
    }

    /// A client of the context's control plane; `control.unreachable` where none answers.
    pub(crate) async fn attach(&self) -> Result<Client, Failure> {
        Ok(Client::new(contexts::reach(&self.context).await?))
    }

    /// A client of the context's control plane, which is started where it is on this machine and does not run. An older
    /// version that runs there makes way for this one.
    pub(crate) async fn attach_or_start(&self) -> Result<Client, Failure> {
        let older = self.older();
        if older.is_none()
            && let Ok(client) = self.attach().await
        {
            return Ok(client);
        }
        if self.output.is_watched() && self.home().is_ok() {
            self.output.say(older.map_or_else(
                || "Starting the control plane…".to_owned(),
                |version| {
                    format!("The control plane is of version {version}: this one takes over…")
                },
            ));
        }
        let program = std::env::current_exe()
            .map_err(|error| local("This program does not find itself", &error))?;
        Ok(Client::new(
            contexts::reach_or_start(&self.context, &program, &[]).await?,
        ))
    }

    /// The version of the context's control plane, if it is on this machine and older than this program.
    fn older(&self) -> Option<String> {
        let endpoint = Endpoint::read(self.home().ok()?)?;
        endpoint.is_older().then_some(endpoint.version)
    }
}

/// The context of that name, else the one that was chosen.
fn meant(home: &Path, named: Option<&str>, output: Output) -> Result<Context, Failure> {
    if named.is_some_and(|name| ContextName::local().as_str() == name) {
        // Whatever is written down: a control plane has to start beside a list that cannot be read.
        return Ok(contexts::local(home));
    }
    let contexts = Contexts::read(home)?;
    if let Some(trouble) = contexts.trouble() {
        output.warning(trouble);
    }
    Ok(match named {
        Some(name) => contexts.get(name)?.clone(),
        None => contexts.current().clone(),
    })
}
