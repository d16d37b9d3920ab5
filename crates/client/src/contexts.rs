//! The contexts that are written down in a data directory: `contexts.json`, owned by its user alone.
//!
//! [`LOCAL`](crate::context::LOCAL) is the control plane of that directory itself. It is always there, is never written
//! down, and is what counts where the file cannot be read: that is told by [`Contexts::trouble`], and the file stays as it
//! is until something is written, which sets it aside under another name.

mod reach;
mod typed;

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nasiko_contract::{ErrorCode, Fault};
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::{
    context::{Color, Context, ContextChange, ContextList, ContextName, NewContext, Place},
    private,
};

use typed::{name_of, place_of};

pub use reach::{look, reach, reach_or_start};

/// The file in the data directory.
const FILE: &str = "contexts.json";
/// The lock that whoever writes holds.
const LOCK: &str = "contexts.lock";
/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 256 << 10;
/// Contexts beside `local`.
const MOST: usize = 64;
/// The longest address, in bytes.
const LONGEST_URL: usize = 2_048;
/// The version of the file's form. A newer one is neither understood nor overwritten.
const VERSION: u32 = 1;
/// How long another writer is waited for; each needs milliseconds.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
const LOCK_STEP: Duration = Duration::from_millis(5);

/// The contexts of a data directory, as they were read last.
#[derive(Debug, Clone)]
pub struct Contexts {
    home: PathBuf,
    list: ContextList,
    trouble: Option<Fault>,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    current: ContextName,
    contexts: Vec<Context>,
}

/// What the file begins with in every version.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

impl Contexts {
    /// Reads the contexts of the data directory `home`, which need not be there yet.
    ///
    /// A file of a newer version is `store.newer_data`. One that makes no sense or cannot be opened leaves `local` alone,
    /// with [`Contexts::trouble`].
    pub fn read(home: &Path) -> Result<Self, Fault> {
        let mut contexts = Self {
            home: home.to_owned(),
            list: ContextList {
                current: ContextName::local(),
                all: vec![local(home)],
            },
            trouble: None,
        };
        match read_file(&home.join(FILE)) {
            Ok(None) => {}
            Ok(Some(written)) => {
                contexts.list.all.extend(written.contexts);
                let is_there = contexts.get(written.current.as_str()).is_ok();
                if is_there {
                    contexts.list.current = written.current;
                }
            }
            Err(Unread::Newer(fault)) => return Err(fault),
            Err(Unread::Broken(fault)) => contexts.trouble = Some(fault),
        }
        Ok(contexts)
    }

    /// All of them and which one is meant, for a page.
    pub fn list(&self) -> &ContextList {
        &self.list
    }

    /// All of them, `local` first.
    pub fn all(&self) -> &[Context] {
        &self.list.all
    }

    /// The one that is meant where none is named.
    pub fn current(&self) -> &Context {
        self.list.current().unwrap_or(&self.list.all[0])
    }

    /// Why the file could not be read: then only `local` is known.
    pub fn trouble(&self) -> Option<&Fault> {
        self.trouble.as_ref()
    }

    /// The context of that name; `not_found` with a hint where there is none.
    pub fn get(&self, name: &str) -> Result<&Context, Fault> {
        let found = self
            .all()
            .iter()
            .find(|context| context.name.as_str() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self
                .all()
                .iter()
                .map(|context| context.name.as_str())
                .collect();
            Fault::new(ErrorCode::NotFound, format!("There is no context `{name}`"))
                .hint(format!("There is {}", names.join(", ")))
        })
    }

    /// The next colour that no context has, as long as there is one.
    pub fn free_color(&self) -> Color {
        let is_free = |color: &Color| self.all().iter().all(|context| context.color != *color);
        let places = Color::ALL.len();
        let next = Color::ALL[self.all().len() % places];
        Color::ALL.into_iter().find(is_free).unwrap_or(next)
    }

    /// From now on `name` is meant where none is named.
    pub fn use_context(&mut self, name: &str) -> Result<&Context, Fault> {
        self.change(|list| {
            list.current = known(list, name)?;
            Ok(())
        })?;
        Ok(self.current())
    }

    /// Writes a context down. Its name is new, its data directory no other context's, its address one of HTTPS, or of
    /// HTTP on this machine.
    pub fn add(&mut self, context: Context) -> Result<(), Fault> {
        let context = checked(context)?;
        self.change(|list| {
            if list.all.len() > MOST {
                return Err(Fault::new(
                    ErrorCode::LimitReached,
                    format!("There are {MOST} contexts beside `local` already"),
                )
                .hint("Remove one: `nasiko context rm NAME`"));
            }
            if list.all.iter().any(|there| there.name == context.name) {
                return Err(Fault::new(
                    ErrorCode::Conflict,
                    format!("There is a context `{}` already", context.name),
                )
                .hint("Remove it first, or choose another name"));
            }
            if let Some(same) = list
                .all
                .iter()
                .find(|there| is_same(&there.place, &context.place))
            {
                return Err(Fault::new(
                    ErrorCode::Conflict,
                    format!("The context `{}` is there already", same.name),
                )
                .hint(format!("Use it: `nasiko context use {}`", same.name)));
            }
            list.all.push(context);
            Ok(())
        })
    }

    /// Adds a context as a person typed it; relative paths are meant from `folder`.
    pub fn add_typed(&mut self, typed: &NewContext, folder: &Path) -> Result<&Context, Fault> {
        let name = name_of(&typed.name)?;
        let context = Context {
            name: name.clone(),
            place: place_of(&typed.place, typed.token_file.as_deref(), folder)?,
            color: typed.color.unwrap_or_else(|| self.free_color()),
        };
        self.add(context)?;
        self.get(name.as_str())
    }

    /// Gives a context another name or colour.
    pub fn edit(&mut self, name: &str, change: &ContextChange) -> Result<Context, Fault> {
        let other = change.name.as_deref().map(name_of).transpose()?;
        self.change(|list| {
            let name = known(list, name)?;
            if name.is_local() {
                return Err(always_there());
            }
            let other = other.unwrap_or_else(|| name.clone());
            if other != name && known(list, other.as_str()).is_ok() {
                return Err(Fault::new(
                    ErrorCode::Conflict,
                    format!("There is a context `{other}` already"),
                )
                .hint("Choose another name"));
            }
            if list.current == name {
                list.current = other.clone();
            }
            let mut all = list.all.iter_mut();
            let context = all.find(|context| context.name == name);
            let context = context.ok_or_else(|| gone(&name))?;
            context.name = other;
            context.color = change.color.unwrap_or(context.color);
            Ok(context.clone())
        })
    }

    /// Forgets a context; what is at its place stays. Where it was the one that is meant, `local` is from now on.
    pub fn remove(&mut self, name: &str) -> Result<Context, Fault> {
        self.change(|list| {
            let name = known(list, name)?;
            if name.is_local() {
                return Err(always_there());
            }
            if list.current == name {
                list.current = ContextName::local();
            }
            let place = list.all.iter().position(|context| context.name == name);
            place
                .map(|place| list.all.remove(place))
                .ok_or_else(|| gone(&name))
        })
    }

    /// Applies a change to what is written down at that moment, and writes the result. After an error nothing is changed.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut ContextList) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let failed = |error: std::io::Error| unwritable(&self.home, &error);
        fs_err::create_dir_all(&self.home).map_err(failed)?;
        let _lock = lock(&self.home).map_err(failed)?;
        let mut now = Self::read(&self.home)?;
        let changed = change(&mut now.list)?;
        let file = self.home.join(FILE);
        if now.trouble.take().is_some() {
            set_aside(&file).map_err(failed)?;
        }
        let written = Written {
            version: VERSION,
            current: now.list.current.clone(),
            contexts: now.list.all[1..].to_vec(),
        };
        let text = serde_json::to_vec_pretty(&written)
            .map_err(|error| Fault::of_error(ErrorCode::Internal, &error))?;
        private::write(&file, &text).map_err(failed)?;
        *self = now;
        Ok(changed)
    }
}

/// The context that is always there, for the data directory `home`.
pub fn local(home: &Path) -> Context {
    Context {
        name: ContextName::local(),
        place: Place::Local {
            home: home.to_owned(),
        },
        color: Color::Pine,
    }
}

fn always_there() -> Fault {
    Fault::new(
        ErrorCode::InvalidRequest,
        "The context `local` is always there, as it is",
    )
}

fn gone(name: &ContextName) -> Fault {
    Fault::new(ErrorCode::NotFound, format!("`{name}` is gone already"))
}

fn known(list: &ContextList, name: &str) -> Result<ContextName, Fault> {
    let mut names = list.all.iter().map(|context| &context.name);
    let found = names.find(|known| known.as_str() == name).cloned();
    found.ok_or_else(|| {
        Fault::new(ErrorCode::NotFound, format!("There is no context `{name}`"))
            .hint("`nasiko context list` names all")
    })
}

/// Why a file was not taken.
enum Unread {
    Newer(Fault),
    Broken(Fault),
}

fn read_file(path: &Path) -> Result<Option<Written>, Unread> {
    let broken = |why: String| {
        Unread::Broken(
            Fault::new(
                ErrorCode::StoreFailed,
                "The list of contexts cannot be read: only `local` is known",
            )
            .hint(format!(
                "Mend {}, or begin anew with `nasiko context use local`, which keeps it under another name",
                path.display()
            ))
            .evidence([why]),
        )
    };
    let file = match fs_err::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(error.to_string())),
    };
    let mut text = Vec::new();
    file.take(LONGEST_FILE + 1)
        .read_to_end(&mut text)
        .map_err(|error| broken(error.to_string()))?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(broken(format!("it is longer than {LONGEST_FILE} bytes")));
    }
    if let Ok(Head { version }) = serde_json::from_slice(&text)
        && version > VERSION
    {
        return Err(Unread::Newer(
            Fault::new(
                ErrorCode::NewerData,
                "The list of contexts was written by a newer version",
            )
            .hint("Update this program, or use the newer one")
            .evidence([path.display().to_string()]),
        ));
    }
    let written: Written =
        serde_json::from_slice(&text).map_err(|error| broken(error.to_string()))?;
    if written.contexts.len() > MOST {
        return Err(broken(format!("it names more than {MOST} contexts")));
    }
    let mut seen = std::collections::HashSet::from([ContextName::local()]);
    for context in &written.contexts {
        checked(context.clone()).map_err(|fault| broken(fault.message))?;
        if !seen.insert(context.name.clone()) {
            return Err(broken(format!("it names `{}` twice", context.name)));
        }
    }
    Ok(Some(written))
}

/// A context that may be written down, in its normal form.
fn checked(context: Context) -> Result<Context, Fault> {
    let refused =
        |message: String, hint: &str| Fault::new(ErrorCode::InvalidRequest, message).hint(hint);
    let Context { name, place, color } = context;
    let name = ContextName::new(name.as_str()).ok_or_else(|| {
        refused(
            format!("`{name}` is no name of a context"),
            "Lower-case letters, digits and hyphens, 40 at most",
        )
    })?;
    let absolute = |path: &Path| {
        path.is_absolute().then_some(()).ok_or_else(|| {
            refused(
                format!("`{}` is no whole path", path.display()),
                "Begin it at the root",
            )
        })
    };
    let place = match place {
        Place::Local { home } => {
            absolute(&home)?;
            Place::Local { home }
        }
        Place::Remote { url, token_file } => {
            if let Some(file) = &token_file {
                absolute(file)?;
            }
            let url = checked_url(&url)?;
            Place::Remote { url, token_file }
        }
    };
    Ok(Context { name, place, color })
}

fn checked_url(text: &str) -> Result<String, Fault> {
    // What was given is not repeated: a person may have put a password into it.
    let refused = |hint: &str| {
        Fault::new(
            ErrorCode::InvalidRequest,
            "That is no address of a control plane",
        )
        .hint(hint)
    };
    if text.len() > LONGEST_URL {
        return Err(refused("It is too long"));
    }
    let url = Url::parse(text).map_err(|_| refused("Write it as https://nasiko.example"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "Leave name and password out of it: a token says who you are",
        ));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("Give host and port alone, without a path"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(refused("Use https: the token would travel in clear")),
        _ => return Err(refused("Write it as https://nasiko.example")),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether an address is on this machine whatever a name server says.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

/// Whether two places are the same control plane.
fn is_same(one: &Place, other: &Place) -> bool {
    match (one, other) {
        (Place::Local { home: one }, Place::Local { home: other }) => {
            let real = |path: &Path| fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            real(one) == real(other)
        }
        (Place::Remote { url: one, .. }, Place::Remote { url: other, .. }) => one == other,
        _ => false,
    }
}

/// Makes this process the only one that writes, until the file is dropped.
fn lock(home: &Path) -> std::io::Result<std::fs::File> {
    let deadline = Instant::now() + LOCK_LIMIT;
    loop {
        match private::try_lock(&home.join(LOCK))? {
            Some(lock) => return Ok(lock),
            None if Instant::now() < deadline => std::thread::sleep(LOCK_STEP),
            None => {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    "another program has been writing the contexts for too long",
                ));
            }
        }
    }
}

/// Gives a broken file another name, which no earlier one has.
fn set_aside(file: &Path) -> std::io::Result<()> {
    for number in 1..=u32::MAX {
        let aside = file.with_extension(format!("json.broken-{number}"));
        if !aside.try_exists()? {
            return match fs_err::rename(file, aside) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
    }
    Ok(())
}

fn unwritable(home: &Path, error: &std::io::Error) -> Fault {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorCode::DiskFull,
        _ => ErrorCode::StoreFailed,
    };
    Fault::new(code, "The list of contexts cannot be written")
        .hint("Free space, or change the permissions of the data directory")
        .evidence([home.display().to_string(), error.to_string()])
}

#[cfg(test)]
mod tests;
