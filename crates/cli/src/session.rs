//! What every command works with: the data directory, the way to its resident, the output.

use std::{path::PathBuf, time::Duration};

use nasiko_client::{Client, resident};
use nasiko_contract::{ErrorCode, Fault};

use crate::{arguments::Arguments, failure::Failure, failure::local, output::Output};

/// The one context there is yet: the resident of the data directory.
const LOCAL: &str = "local";
/// How long a broken stream is taken up again for: a control plane that was restarted is back by then.
pub(crate) const COMES_BACK: Duration = Duration::from_secs(30);

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    /// The data directory.
    pub(crate) home: PathBuf,
    /// How it speaks.
    pub(crate) output: Output,
}

impl Session {
    pub(crate) fn new(arguments: &Arguments, output: Output) -> Result<Self, Failure> {
        if let Some(context) = arguments.context.as_deref().filter(|name| *name != LOCAL) {
            return Err(Fault::new(
                ErrorCode::NotFound,
                format!("There is no context `{context}`"),
            )
            .hint("The context of this machine is called `local`")
            .into());
        }
        let home = arguments.home.clone().map(PathBuf::into_os_string);
        Ok(Self {
            home: resident::home(home, std::env::home_dir())?,
            output,
        })
    }

    /// A client of the resident; `control.unreachable` where none runs.
    pub(crate) async fn attach(&self) -> Result<Client, Failure> {
        Ok(resident::attach(&self.home).await?.0)
    }

    /// A client of the resident, which is started where none runs.
    pub(crate) async fn attach_or_start(&self) -> Result<Client, Failure> {
        if let Ok((client, _)) = resident::attach(&self.home).await {
            return Ok(client);
        }
        if self.output.is_watched() {
            self.output.say("Starting the control plane…");
        }
        let program = std::env::current_exe()
            .map_err(|error| local("This program does not find itself", &error))?;
        let (client, _) = resident::attach_or_start(&self.home, &program, &[]).await?;
        Ok(client)
    }
}
