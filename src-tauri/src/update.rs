//! Newer versions of the product: looked for once a day and whenever a person asks, fetched and checked while the window is
//! open, put in place when it closes. Agents notice nothing: they outlive the control plane, which hands over to the new version.
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

use nasiko_client::{resident, window::NewerVersion};
use nasiko_contract::{AnnounceUpdate, ErrorCode, Fault};
use parking_lot::Mutex;
use tauri::State;

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
    /// Where newer versions are published; none in a build that names no place.
    source: Option<Source>,
    /// The AppImage that runs, if one does that may be replaced.
    image: Option<PathBuf>,
    ready: Mutex<Option<Ready>>,
    /// The version that the control plane was told of.
    told: Mutex<Option<String>>,
    /// Held by whoever looks: two would fetch into the same file.
    looking: tokio::sync::Mutex<()>,
}

impl Updates {
    /// Those for the data directory `home`.
    pub(crate) fn new(home: &Path) -> Self {
        let image = environment::app_image().filter(|image| place::is_replaceable(image));
        Self::from(home, Source::built_in(), image)
    }

    fn from(home: &Path, source: Option<Source>, image: Option<PathBuf>) -> Self {
        Self {
            home: home.to_owned(),
            source,
            image,
            ready: Mutex::default(),
            told: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// Looks once a day, for as long as the window lives. Does nothing in a build that names no place to look at.
    pub(crate) async fn keep_up(&self) {
        while self.source.is_some() {
            tokio::time::sleep(self.until_next_look()).await;
            if let Err(fault) = self.look().await {
                // Without a network there is no update, and nothing that a person should do.
                environment::complain(&format!("No newer version was looked for: {fault}"));
            }
            self.looked();
            if self.until_next_look().is_zero() {
                // That could not be noted: the next look is not due at once for that.
                tokio::time::sleep(DAILY).await;
            }
        }
    }

    /// Looks now. What can be put in place is fetched and checked, and is put there by [`Updates::install`]. The control plane is
    /// told of each version once.
    async fn look(&self) -> Result<NewerVersion, Fault> {
        let Some(source) = &self.source else {
            return Ok(NewerVersion::NotConfigured {
                version: offer::present().to_string(),
            });
        };
        let _alone = self.looking.lock().await;
        let Some((version, ready)) = self.find(source.clone()).await? else {
            return Ok(NewerVersion::None {
                version: offer::present().to_string(),
            });
        };
        let managed = ready.is_none();
        *self.ready.lock() = ready;
        self.tell(&version, managed).await;
        Ok(if managed {
            NewerVersion::Managed { version }
        } else {
            NewerVersion::Ready { version }
        })
    }

    /// The newer version that is published, and what was fetched of it.
    async fn find(&self, source: Source) -> Result<Option<(String, Option<Ready>)>, Fault> {
        let folder = self.image.as_ref().map(|_| self.home.join(FOLDER));
        let find = move || -> Result<_, Fault> {
            let Some(offer) = source.newer_than(&offer::present())? else {
                return Ok(None);
            };
            let ready = match folder {
                Some(folder) => Some(fetch::fetch(&source, &offer, &folder)?),
                None => None,
            };
            Ok(Some((offer.version.to_string(), ready)))
        };
        let found = tokio::task::spawn_blocking(find).await;
        found.map_err(|error| Fault::new(ErrorCode::Internal, error.to_string()))?
    }

    async fn tell(&self, version: &str, managed: bool) {
        if self.told.lock().as_deref() == Some(version) {
            return;
        }
        let update = AnnounceUpdate {
            version: version.to_owned(),
            managed,
        };
        match self.announce(update).await {
            Ok(()) => *self.told.lock() = Some(version.to_owned()),
            // The next look tries again.
            Err(fault) => environment::complain(&format!("Nobody was told of {version}: {fault}")),
        }
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

/// Looks for a newer version now.
#[tauri::command]
pub(crate) async fn look_for_update(updates: State<'_, Updates>) -> Result<NewerVersion, Fault> {
    updates.look().await
}

#[cfg(test)]
mod tests;
