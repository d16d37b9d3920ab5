//! Starting at login: this control plane's entry in the system's own list of what it starts.
//!
//! The list is the truth. It is read for every answer, so what people did to the entry with a tool of their desktop counts,
//! and an entry that is not of this data directory is never touched. What is started is `nasiko up`, which leaves a control
//! plane in the background and ends; where one runs already it does nothing.

#[cfg(all(unix, not(target_os = "macos")))]
mod autostart;
#[cfg(any(target_os = "macos", test))]
mod launch_agent;
#[cfg(windows)]
mod run_key;

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use nasiko_contract::{ErrorCode, Fault, GetLoginStart, LoginStart, SetLoginStart};
use parking_lot::Mutex;

#[cfg(all(unix, not(target_os = "macos")))]
use self::autostart::Autostart as List;
#[cfg(target_os = "macos")]
use self::launch_agent::LaunchAgents as List;
#[cfg(windows)]
use self::run_key::RunKey as List;
use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, internal},
};

/// Hexadecimal digits that tell the entries of several data directories apart.
const TAG: usize = 12;

/// What is started.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Start {
    /// The program, or the AppImage that it came in.
    program: String,
    /// The data directory.
    home: String,
}

/// An entry of this data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Where it is, for people.
    place: String,
    /// The system follows it: nobody switched it off.
    on: bool,
    /// The program that it starts.
    program: PathBuf,
}

/// The entry of one data directory, there or not.
pub(crate) struct LoginItem {
    /// The list; none where the person has no home folder.
    list: Option<List>,
    /// None where a path cannot be written down as text.
    start: Option<Start>,
    /// Held while the list is changed.
    changing: Mutex<()>,
}

impl LoginItem {
    /// That of this program, for the data directory `home`. Asked at the start: once its file was replaced by an update, a
    /// program does not know its path any more.
    pub(crate) fn of(home: &Path, environment: &[(OsString, OsString)]) -> Self {
        let named = |name: &str| {
            let found = environment.iter().find(|(variable, _)| variable == name);
            found
                .map(|(_, value)| PathBuf::from(value))
                .filter(|path| path.is_absolute())
        };
        Self {
            list: List::of(&named),
            start: program(&named).and_then(|program| Start::new(&program, home)),
            changing: Mutex::default(),
        }
    }

    fn state(&self) -> Result<LoginStart, Fault> {
        let (Some(list), Some(start)) = (&self.list, &self.start) else {
            return Ok(LoginStart {
                on: false,
                entry: None,
            });
        };
        let entry = list.entry(start).map_err(|error| unwritable(&error))?;
        Ok(LoginStart {
            on: entry.as_ref().is_some_and(|entry| entry.on),
            entry: entry.map(|entry| entry.place),
        })
    }

    fn set(&self, on: bool) -> Result<LoginStart, Fault> {
        let refused = |hint: &str| {
            Fault::new(
                ErrorCode::InvalidRequest,
                "The system's list of what starts at login cannot hold this control plane",
            )
            .hint(hint)
        };
        let list = self.list.as_ref();
        let list = list.ok_or_else(|| refused("It is kept in the home folder: set HOME"))?;
        let start = self.start.as_ref().ok_or_else(|| {
            refused("Program and data directory need paths of plain text: move them")
        })?;
        {
            let _alone = self.changing.lock();
            let changed = if on {
                list.put(start)
            } else {
                list.remove(start)
            };
            changed.map_err(|error| unwritable(&error))?;
        }
        self.state()
    }

    /// Writes an entry anew whose program is gone: an AppImage that was moved. One that was switched off stays so.
    fn renew(&self) -> io::Result<()> {
        let (Some(list), Some(start)) = (&self.list, &self.start) else {
            return Ok(());
        };
        let _alone = self.changing.lock();
        match list.entry(start)? {
            Some(entry) if entry.on && !entry.program.is_file() => list.put(start),
            _ => Ok(()),
        }
    }
}

/// Lets the entry follow this program, in the background.
pub(crate) fn at_start(item: Arc<LoginItem>) {
    // Nobody waits for it: it has ended long before this control plane does.
    drop(tokio::task::spawn_blocking(move || {
        if let Err(error) = item.renew() {
            tracing::warn!(%error, "whether this program starts at login could not be seen");
        }
    }));
}

impl Start {
    /// None where a path is no text of one line.
    fn new(program: &Path, home: &Path) -> Option<Self> {
        let text = |path: &Path| {
            let text = path.to_str()?;
            (!text.chars().any(char::is_control)).then(|| text.to_owned())
        };
        Some(Self {
            program: text(program)?,
            home: text(home)?,
        })
    }

    /// The command, its program first. It names the data directory, whichever that is, and the context in which that is
    /// meant: what a person chooses later is for their commands.
    fn words(&self) -> [&str; 6] {
        [
            &self.program,
            "up",
            "--context",
            "local",
            "--home",
            &self.home,
        ]
    }

    /// Tells this data directory from others, in letters that every name of a file takes.
    fn tag(&self) -> String {
        let mut hash = blake3::hash(self.home.as_bytes()).to_hex().to_string();
        hash.truncate(TAG);
        hash
    }
}

/// What is to be started again: the AppImage that this program was unpacked from, else this program itself.
fn program(named: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    // A terminal that is an AppImage hands its own variables to all that is started in it.
    let is_ours = named("APPDIR")
        .and_then(|folder| fs_err::canonicalize(folder).ok())
        .is_some_and(|folder| own.starts_with(folder));
    let image = named("APPIMAGE").filter(|image| is_ours && image.is_file());
    Some(image.unwrap_or(own))
}

fn unwritable(error: &io::Error) -> Fault {
    Fault::new(
        ErrorCode::Internal,
        "The system's list of what starts at login cannot be read or written",
    )
    .hint("Look at the permissions of what is named below")
    .evidence([error.to_string()])
}

async fn blocking(
    plane: &ControlPlane,
    work: impl FnOnce(&LoginItem) -> Result<LoginStart, Fault> + Send + 'static,
) -> Result<LoginStart, Fault> {
    let item = Arc::clone(&plane.shared.login);
    tokio::task::spawn_blocking(move || work(&item))
        .await
        .map_err(|error| internal("the list of what starts at login", &error))?
}

impl Serve<GetLoginStart> for ControlPlane {
    async fn serve(&self, _: &Caller, _: GetLoginStart) -> Result<LoginStart, Fault> {
        blocking(self, LoginItem::state).await
    }
}

impl Serve<SetLoginStart> for ControlPlane {
    async fn serve(&self, _: &Caller, request: SetLoginStart) -> Result<LoginStart, Fault> {
        blocking(self, move |item| item.set(request.on)).await
    }
}

#[cfg(test)]
mod tests;
