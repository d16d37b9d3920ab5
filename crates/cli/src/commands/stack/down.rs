//! Taking the stack down, whole or in part.

use std::io::{self, IsTerminal, Write};

use nasiko_client::Client;
use nasiko_contract::{GetStack, PreviewStackDown, ServiceState, StackDown};

use super::{absolute, waits};
use crate::{
    arguments::DownArguments,
    failure::{Failure, usage},
    follow,
    session::Session,
};

/// What of a stack is taken down.
pub(crate) struct Removal {
    profiles: Vec<String>,
    files: Vec<String>,
    volumes: bool,
    /// Nobody is to be asked.
    agreed: bool,
}

impl Removal {
    /// Volumes go only where somebody can be asked, or said so beforehand.
    pub(crate) fn wanted(session: &Session, words: &DownArguments) -> Result<Self, Failure> {
        let nobody_there = !session.output.is_watched() || !io::stdin().is_terminal();
        if words.volumes && !words.yes && nobody_there {
            return Err(usage(
                "Removing the stack's volumes needs --yes where nobody can be asked",
                "Add --yes",
            ));
        }
        let files = words.files.iter().map(|file| absolute(file));
        Ok(Self {
            profiles: words.profiles.clone(),
            files: files.collect::<Result<_, _>>()?,
            volumes: words.volumes,
            agreed: words.yes,
        })
    }

    /// Only a part of the stack is meant.
    pub(crate) fn is_part(&self) -> bool {
        !self.profiles.is_empty() || !self.files.is_empty()
    }

    /// Whether whoever can be asked agrees to lose the volumes; nothing is asked where there are none.
    pub(crate) async fn is_agreed_to(
        &self,
        session: &Session,
        client: &Client,
    ) -> Result<bool, Failure> {
        if !self.volumes || self.agreed {
            return Ok(true);
        }
        let preview = PreviewStackDown {
            profiles: self.profiles.clone(),
            files: self.files.clone(),
        };
        let volumes = client.call(preview).await?.volumes;
        if volumes.is_empty() {
            return Ok(true);
        }
        let mut stderr = io::stderr();
        for volume in &volumes {
            session.output.say(format!("  {volume}"));
        }
        write!(
            stderr,
            "Remove these volumes, and with them all that is stored there? [y/N] "
        )?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
    }

    /// Takes down what there is of it.
    pub(crate) async fn carry_out(self, session: &Session, client: &Client) -> Result<(), Failure> {
        let stack = client.call(GetStack {}).await?;
        let there = stack
            .services
            .iter()
            .any(|service| service.state != ServiceState::Absent);
        let nothing = !stack.on && !there && stack.orphans.is_empty();
        if nothing && !self.volumes && !self.is_part() {
            return Ok(());
        }
        let request = StackDown {
            profiles: self.profiles,
            files: self.files,
            volumes: self.volumes,
            remove_orphans: false,
        };
        let job = client.call(request).await?;
        let job = follow::to_the_end(session, client.clone(), job).await?;
        if let Some(why) = waits(&job) {
            session.output.say(format!(
                "The stack is off. What is left of it is removed once there is an engine: {why}"
            ));
        }
        Ok(())
    }
}
