//! What differs from an image, kept in the data directory: every later start of a plan lays just this over it.

use std::{
    fmt,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use nasiko_contract::{AgentName, Fault};
use nasiko_runtime::Overlay;
use nasiko_workshop::{
    Description, Snapshot,
    update::{self, ChangedWhilePacked, Layers},
};
use serde::{Deserialize, Serialize};

use super::content::blocking;
use crate::{
    home,
    plane::{Shared, internal},
    records::{OverlayPlan, RunPlan},
};

/// An overlay of more bytes is worth a build.
const MOST_BYTES: u64 = 256 << 20;
/// An overlay of more files is worth a build.
const MOST_FILES: usize = 20_000;
/// The new and changed files.
const FILES: &str = "files.tar";
/// What else there is to do.
const LISTS: &str = "lists.json";

/// Why files were not laid over an image.
#[derive(Debug)]
pub(super) enum NotLaid {
    /// Only a build makes the image what it should be.
    Build(String),
    /// The folder changed meanwhile: it must be compared anew.
    Changed,
    Fault(Fault),
}

/// What to do beside writing files.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Lists {
    empty: bool,
    removed: Vec<String>,
    owners: Vec<(String, String)>,
}

/// An overlay in the data directory.
#[derive(Debug)]
struct Kept {
    folder: PathBuf,
    lists: Lists,
}

impl Overlay for Kept {
    fn is_empty(&self) -> bool {
        self.lists.empty
    }

    fn write_tar(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut files = fs_err::File::open(self.folder.join(FILES))?;
        io::copy(&mut files, out).map(drop)
    }

    fn removed(&self) -> &[String] {
        &self.lists.removed
    }

    fn owners(&self) -> &[(String, String)] {
        &self.lists.owners
    }
}

/// An overlay that is used once.
struct Fresh(Layers);

impl fmt::Debug for Fresh {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fresh")
    }
}

impl Overlay for Fresh {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn write_tar(&self, out: &mut dyn Write) -> io::Result<()> {
        self.0.write_tar(out)
    }

    fn removed(&self) -> &[String] {
        self.0.removed()
    }

    fn owners(&self) -> &[(String, String)] {
        self.0.owners()
    }
}

/// What is needed to say what differs: the folder, what it is, and its content.
#[derive(Clone)]
pub(super) struct Difference {
    pub(super) root: PathBuf,
    pub(super) description: Arc<Description>,
    pub(super) base: Arc<Snapshot>,
    pub(super) now: Arc<Snapshot>,
}

impl Difference {
    fn layers(&self) -> Result<Layers, NotLaid> {
        update::overlay(&self.description, &self.base, &self.now, &self.root)
            .map_err(NotLaid::Build)
    }
}

impl Shared {
    /// What is laid over the image of a plan, where something is.
    pub(crate) async fn overlay_of(
        &self,
        agent: &AgentName,
        plan: &RunPlan,
    ) -> Result<Option<Arc<dyn Overlay>>, Fault> {
        let Some(overlay) = &plan.overlay else {
            return Ok(None);
        };
        let folder = self.home.live(agent).join(&overlay.folder);
        let failed = |error: &dyn std::error::Error| {
            internal("what is laid over an image was not found", error)
        };
        let lists = fs_err::tokio::read(folder.join(LISTS))
            .await
            .map_err(|error| failed(&error))?;
        let lists = serde_json::from_slice(&lists).map_err(|error| failed(&error))?;
        Ok(Some(Arc::new(Kept { folder, lists })))
    }

    /// Writes down what turns the image that was made of a content into one made of the folder as it is now.
    pub(super) async fn keep_overlay(
        &self,
        agent: &AgentName,
        difference: Difference,
    ) -> Result<OverlayPlan, NotLaid> {
        let (base, now) = (&difference.base.hash, &difference.now.hash);
        let plan = OverlayPlan {
            base: base.to_string(),
            folder: format!("overlay-{}-{}", base.short12(), now.short12()),
        };
        let folder = self.home.live(agent).join(&plan.folder);
        blocking(move || keep(&folder, &difference))
            .await
            .map_err(NotLaid::Fault)??;
        Ok(plan)
    }
}

/// What turns what runs into the folder as it is now, to be put into a running instance. Blocks.
pub(super) fn fresh(difference: &Difference) -> Result<Arc<dyn Overlay>, NotLaid> {
    Ok(Arc::new(Fresh(difference.layers()?)))
}

/// Blocks.
fn keep(folder: &Path, difference: &Difference) -> Result<(), NotLaid> {
    let unwritable = |error: io::Error| NotLaid::Fault(home::unwritable(folder, &error));
    if folder.join(LISTS).try_exists().map_err(unwritable)? {
        return Ok(());
    }
    let differ = difference.base.changes(&difference.now).len();
    if differ > MOST_FILES {
        return Err(NotLaid::Build(format!(
            "{differ} files differ from the image, which is worth a build"
        )));
    }
    let layers = difference.layers()?;
    fs_err::create_dir_all(folder).map_err(unwritable)?;
    let mut files = Bounded {
        inner: io::BufWriter::new(fs_err::File::create(folder.join(FILES)).map_err(unwritable)?),
        room: MOST_BYTES,
    };
    let written = layers
        .write_tar(&mut files)
        .and_then(|()| files.inner.flush());
    if let Err(error) = written {
        return Err(if files.room == 0 {
            NotLaid::Build(format!(
                "more than {} MiB differ from the image, which is worth a build",
                MOST_BYTES >> 20
            ))
        } else if is_change(&error) {
            NotLaid::Changed
        } else {
            unwritable(error)
        });
    }
    let lists = Lists {
        empty: layers.is_empty(),
        removed: layers.removed().to_vec(),
        owners: layers.owners().to_vec(),
    };
    let text = serde_json::to_vec(&lists).unwrap_or_default();
    // Last: with it the whole is there.
    fs_err::write(folder.join(LISTS), text).map_err(unwritable)
}

/// Whether a file is not what the snapshot says any more, or not there any more.
fn is_change(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<ChangedWhilePacked>())
            .is_some()
}

/// Takes in no more than there is room for.
struct Bounded<W> {
    inner: W,
    room: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let length = piece.len() as u64;
        if length > self.room {
            self.room = 0;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let written = self.inner.write(piece)?;
        self.room -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
