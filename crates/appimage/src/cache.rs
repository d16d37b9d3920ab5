//! Where versions are kept unpacked.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::image::Image;

/// The newest versions that are kept: the one that runs, and the one from which a control plane may still run while it
/// hands over.
const KEPT: usize = 2;

/// The folder with the unpacked versions of one person.
pub(crate) struct Cache(PathBuf);

impl Cache {
    /// `nasiko/appimage` in the person's folder for caches.
    pub(crate) fn of_person(cache: Option<OsString>, home: Option<PathBuf>) -> io::Result<Self> {
        let given = cache.map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = given
            .or_else(|| Some(home?.join(".cache")))
            .ok_or_else(|| io::Error::other("there is no home folder"))?;
        Ok(Self(folder.join("nasiko/appimage")))
    }

    /// The folder in which the image is unpacked; unpacks it if this is its first start.
    pub(crate) fn unpacked(&self, image: &Image) -> io::Result<PathBuf> {
        let name = image.name()?;
        let folder = self.0.join(&name);
        if !folder.is_dir() {
            fs::create_dir_all(&self.0)?;
            // Whole or not at all: another start, or a full disk, may come between.
            let draft = self.0.join(format!("{name}.{}", std::process::id()));
            let made = image
                .unpack(&draft)
                .and_then(|()| match fs::rename(&draft, &folder) {
                    Err(error) if !folder.is_dir() => Err(error),
                    _ => Ok(()),
                });
            // After the rename there is none.
            let _ = fs::remove_dir_all(&draft);
            made?;
            self.forget_old(&folder)?;
        }
        Ok(folder)
    }

    fn forget_old(&self, present: &Path) -> io::Result<()> {
        let mut others: Vec<(SystemTime, PathBuf)> = fs::read_dir(&self.0)?
            .flatten()
            .filter(|entry| entry.path() != present)
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        others.sort();
        let surplus = (others.len() + 1).saturating_sub(KEPT);
        for (_, folder) in others.drain(..surplus) {
            // In use by somebody else's start, or gone already: the next version tries again.
            let _ = fs::remove_dir_all(folder);
        }
        Ok(())
    }
}
