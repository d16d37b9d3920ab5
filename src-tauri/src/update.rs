//! Newer versions of the product: looked for once a day, fetched and checked while the window is open, put in place when it
//! closes. Agents notice nothing: they outlive the control plane, which hands over to the new version.
//!
//! An AppImage is replaced by us. What a package manager installed is its own to replace: then the person is only told, as
//! on systems whose installers have to be run.

mod fetch;
mod offer;
mod place;

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use nasiko_client::resident;
use nasiko_contract::{AnnounceUpdate, ErrorCode, Fault};
use parking_lot::Mutex;

use self::{fetch::Ready, offer::Source};
use crate::environment;

/// How often it is looked for.
const DAILY: Duration = Duration::from_hours(24);
/// The folder of the data directory with what was fetched, and with the file that says when it was looked.
const FOLDER: &str = "updates";
const LOOKED: &str = "looked";

/// The updates of one window.
pub(crate) struct Updates {
    home: PathBuf,
    /// The AppImage that runs, if one does that may be replaced.
    image: Option<PathBuf>,
    ready: Mutex<Option<Ready>>,
}

impl Updates {
    /// Those for the data directory `home`.
    pub(crate) fn new(home: &Path) -> Self {
        Self {
            home: home.to_owned(),
            image: environment::app_image().filter(|image| place::is_replaceable(image)),
            ready: Mutex::default(),
        }
    }

    /// Looks once a day, for as long as the window lives. Does nothing in a build that names no place to look at.
    pub(crate) async fn keep_up(&self) {
        let Some(source) = Source::built_in() else {
            return;
        };
        loop {
            tokio::time::sleep(self.until_next_look()).await;
            if let Err(fault) = self.look(&source).await {
                // Without a network there is no update, and nothing that a person should do.
                environment::complain(&format!("No newer version was looked for: {fault}"));
            }
            self.looked();
        }
    }

    /// Looks now. What can be put in place is fetched and checked, and is put there by [`Updates::install`].
    async fn look(&self, source: &Source) -> Result<(), Fault> {
        let folder = self.image.as_ref().map(|_| self.home.join(FOLDER));
        let source = source.clone();
        let look = move || -> Result<_, Fault> {
            let Some(offer) = source.newer_than(&offer::present())? else {
                return Ok(None);
            };
            let ready = match folder {
                Some(folder) => Some(fetch::fetch(&source, &offer, &folder)?),
                None => None,
            };
            Ok(Some((offer.version, ready)))
        };
        let found = tokio::task::spawn_blocking(look).await;
        let found = found.map_err(|error| Fault::new(ErrorCode::Internal, error.to_string()))?;
        let Some((version, ready)) = found? else {
            return Ok(());
        };
        let managed = ready.is_none();
        *self.ready.lock() = ready;
        let version = version.to_string();
        self.announce(AnnounceUpdate { version, managed }).await
    }

    async fn announce(&self, update: AnnounceUpdate) -> Result<(), Fault> {
        let (client, _) = resident::attach(&self.home).await?;
        client.call(update).await.map(drop)
    }

    /// Puts in place what is ready, and lets a control plane that runs hand over to it. Called when the window has closed.
    pub(crate) async fn install(&self) -> Result<(), Fault> {
        let (Some(image), Some(ready)) = (&self.image, self.ready.lock().take()) else {
            return Ok(());
        };
        place::replace(image, &ready)?;
        place::hand_over(&self.home, image).await
    }

    fn until_next_look(&self) -> Duration {
        let looked = fs_err::metadata(self.home.join(FOLDER).join(LOOKED))
            .and_then(|meta| meta.modified())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        // A look in the future: the clock was set back.
        let since = looked.elapsed().unwrap_or(DAILY);
        DAILY.saturating_sub(since)
    }

    fn looked(&self) {
        let folder = self.home.join(FOLDER);
        let noted =
            fs_err::create_dir_all(&folder).and_then(|()| fs_err::write(folder.join(LOOKED), ""));
        if let Err(error) = noted {
            environment::complain(&error.to_string());
        }
    }
}

#[cfg(test)]
mod tests;
