//! What outlives the window's process: its place, its zoom, and where the person was in the page. One small file in the data
//! directory, for its owner alone.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use nasiko_client::{
    private,
    window::{PageState, Zoom},
};
use nasiko_contract::{ErrorCode, Fault};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tauri::State;
use tokio::sync::Notify;

use crate::{environment, place::Place};

/// The file.
const FILE: &str = "window.json";
/// A longer file is none of ours.
const LONGEST_FILE: u64 = 2 * PageState::LONGEST as u64;
/// What changes meanwhile is written at once; the last of it when the window closes.
const SETTLE: Duration = Duration::from_millis(250);
/// The zooms of the window, in percent.
const ZOOMS: [u16; 14] = [
    50, 67, 75, 80, 90, 100, 110, 125, 150, 175, 200, 250, 300, 400,
];
const NO_ZOOM: u16 = 100;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    place: Option<Place>,
    /// Percent.
    zoom: u16,
    page: Option<PageState>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            place: None,
            zoom: NO_ZOOM,
            page: None,
        }
    }
}

/// Keeps it, in memory and in its file.
pub(crate) struct Keeper {
    file: PathBuf,
    kept: Mutex<Kept>,
    changed: Notify,
    /// What the file holds; held while it is written.
    written: Mutex<Kept>,
}

impl Keeper {
    /// What an earlier window left in `home`. A file that cannot be read is as good as none: nothing in it is worth a
    /// window that does not open.
    pub(crate) fn of(home: &Path) -> Self {
        let file = home.join(FILE);
        let kept = read(&file).unwrap_or_default();
        Self {
            file,
            written: Mutex::new(kept.clone()),
            kept: Mutex::new(kept),
            changed: Notify::new(),
        }
    }

    /// Where the window was.
    pub(crate) fn place(&self) -> Option<Place> {
        self.kept.lock().place
    }

    /// The path of the page that was shown last.
    pub(crate) fn page(&self) -> Option<String> {
        self.kept.lock().page.as_ref().map(|page| page.path.clone())
    }

    /// The zoom as a factor.
    pub(crate) fn zoom(&self) -> f64 {
        f64::from(self.kept.lock().zoom) / 100.0
    }

    /// Changes the window's place.
    pub(crate) fn put_place(&self, change: impl FnOnce(Option<Place>) -> Place) {
        let mut kept = self.kept.lock();
        kept.place = Some(change(kept.place));
        self.changed.notify_one();
    }

    /// Changes the zoom; gives it in percent.
    pub(crate) fn put_zoom(&self, change: Zoom) -> u16 {
        let mut kept = self.kept.lock();
        kept.zoom = zoomed(kept.zoom, change);
        self.changed.notify_one();
        kept.zoom
    }

    /// Writes what changes, for as long as the process lives.
    pub(crate) async fn keep_up(&self) {
        loop {
            self.changed.notified().await;
            tokio::time::sleep(SETTLE).await;
            tokio::task::block_in_place(|| self.write());
        }
    }

    /// Writes what has changed.
    pub(crate) fn write(&self) {
        let mut written = self.written.lock();
        let kept = self.kept.lock().clone();
        if *written == kept {
            return;
        }
        let outcome = serde_json::to_vec(&kept)
            .map_err(std::io::Error::from)
            .and_then(|text| private::write(&self.file, &text));
        match outcome {
            Ok(()) => *written = kept,
            // Said once for each change; the window itself goes on.
            Err(error) => {
                environment::complain(&format!("The window's state is not kept: {error}"));
            }
        }
    }
}

fn read(file: &Path) -> Option<Kept> {
    if fs_err::metadata(file).ok()?.len() > LONGEST_FILE {
        return None;
    }
    let mut kept: Kept = serde_json::from_slice(&fs_err::read(file).ok()?).ok()?;
    kept.zoom = kept.zoom.clamp(ZOOMS[0], ZOOMS[ZOOMS.len() - 1]);
    kept.page = kept.page.filter(is_ours);
    Some(kept)
}

/// Whether a state names a page of ours.
fn is_ours(page: &PageState) -> bool {
    let path = &page.path;
    path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// The next of [`ZOOMS`].
fn zoomed(now: u16, change: Zoom) -> u16 {
    let next = match change {
        Zoom::In => ZOOMS.iter().find(|zoom| **zoom > now),
        Zoom::Out => ZOOMS.iter().rev().find(|zoom| **zoom < now),
        Zoom::Reset => Some(&NO_ZOOM),
    };
    next.copied().unwrap_or(now)
}

/// Keeps where the person is in the page, for the next window.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command's state is handed over"
)]
pub(crate) fn remember(keeper: State<'_, Keeper>, state: PageState) -> Result<(), Fault> {
    let length = serde_json::to_vec(&state).map_or(usize::MAX, |text| text.len());
    if length > PageState::LONGEST {
        return Err(Fault::new(
            ErrorCode::LimitReached,
            "There is more written than a window keeps",
        ));
    }
    if !is_ours(&state) {
        return Err(Fault::new(
            ErrorCode::InvalidRequest,
            "There is no such page",
        ));
    }
    keeper.kept.lock().page = Some(state);
    keeper.changed.notify_one();
    Ok(())
}

/// Where the person was in the last window's page.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command's state is handed over"
)]
pub(crate) fn remembered(keeper: State<'_, Keeper>) -> Option<PageState> {
    keeper.kept.lock().page.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_there_for_the_next_window() {
        let home = tempfile::tempdir().unwrap();
        let keeper = Keeper::of(home.path());
        assert_eq!(
            (keeper.place(), keeper.page(), keeper.zoom()),
            (None, None, 1.0)
        );
        let place = Place {
            x: 10,
            y: 20,
            width: 900,
            height: 600,
            maximized: false,
        };
        keeper.put_place(|_| place);
        keeper.put_zoom(Zoom::In);
        keeper.kept.lock().page = Some(PageState {
            path: "/agents".to_owned(),
            ..PageState::default()
        });
        keeper.write();
        let next = Keeper::of(home.path());
        assert_eq!(
            (next.place(), next.page(), next.zoom()),
            (Some(place), Some("/agents".to_owned()), 1.1)
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs_err::metadata(home.path().join(FILE))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "drafts are nobody else's business");
        }
    }

    #[test]
    fn a_file_that_makes_no_sense_is_as_good_as_none() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(FILE);
        for text in [
            "",
            "{",
            "[]",
            "{\"zoom\": \"big\"}",
            &format!("{{{}}}", " ".repeat(1 << 20)),
        ] {
            fs_err::write(&file, text).unwrap();
            assert_eq!(
                read(&file).unwrap_or_default(),
                Kept::default(),
                "{text:.20}"
            );
        }
        for path in [
            "https://elsewhere.example",
            "//elsewhere.example",
            "agents",
            "/a b",
            "/\\elsewhere",
        ] {
            let text = serde_json::json!({ "zoom": 9_000, "page": { "path": path } }).to_string();
            fs_err::write(&file, text).unwrap();
            let kept = read(&file).unwrap();
            assert_eq!((kept.page, kept.zoom), (None, 400), "{path}");
        }
    }

    #[test]
    fn zoom_goes_in_steps_and_stays_within_them() {
        let mut zoom = 100;
        let mut seen = Vec::new();
        for _ in 0..20 {
            zoom = zoomed(zoom, Zoom::In);
            seen.push(zoom);
        }
        assert!(seen.contains(&200) && seen.is_sorted() && zoom == 400);
        for _ in 0..20 {
            zoom = zoomed(zoom, Zoom::Out);
        }
        assert_eq!((zoom, zoomed(zoom, Zoom::Reset)), (50, 100));
        assert_eq!(
            zoomed(105, Zoom::Out),
            100,
            "one that is no step goes to the next"
        );
    }
}
