//! What a person means by a source: a path of this machine, a repository's address, or its `owner/repo`.

use std::path::Path;

use nasiko_contract::{ErrorCode, Fault};

use crate::failure::Failure;

/// Where an agent comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A folder or archive: its absolute path.
    Path(String),
    /// `owner/repo`
    Repository(String),
    /// The address of a git repository.
    Url(String),
}

const SCHEMES: [&str; 5] = ["https://", "http://", "ssh://", "git://", "file://"];

impl Source {
    /// Reads a source. What exists here is a path, whatever else it looks like.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        if is_there(text) {
            return absolute(Path::new(text)).map(Self::Path);
        }
        if SCHEMES.iter().any(|scheme| text.starts_with(scheme)) || is_ssh(text) {
            return Ok(Self::Url(text.to_owned()));
        }
        if is_repository(text) {
            return Ok(Self::Repository(text.to_owned()));
        }
        absolute(Path::new(text)).map(Self::Path)
    }

    /// Reads what `clone` takes: never a path.
    pub(crate) fn repository(text: &str) -> Self {
        if is_repository(text) {
            Self::Repository(text.to_owned())
        } else {
            Self::Url(text.to_owned())
        }
    }
}

/// The absolute path, without `..` and links where it exists.
pub(crate) fn absolute(path: &Path) -> Result<String, Failure> {
    let unfit = |error: std::io::Error| {
        Failure::Fault(
            Fault::new(
                ErrorCode::PathNotFound,
                format!("`{}` is not a path", path.display()),
            )
            .evidence([error.to_string()]),
        )
    };
    let whole = match fs_err::canonicalize(path) {
        Ok(path) => path,
        Err(_) => std::path::absolute(path).map_err(unfit)?,
    };
    whole.into_os_string().into_string().map_err(|path| {
        Failure::Fault(Fault::new(
            ErrorCode::PathUnreadable,
            format!("`{}` is not UTF-8", path.display()),
        ))
    })
}

fn is_there(text: &str) -> bool {
    fs_err::metadata(text).is_ok()
}

/// `git@host:owner/repo`
fn is_ssh(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(host, path)| host.contains('@') && !host.contains('/') && !path.is_empty())
}

fn is_repository(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| word(owner) && word(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_a_person_means_it() {
        let check = |text: &str, expected: Source| {
            assert_eq!(Source::read(text).unwrap(), expected, "{text}");
        };
        check("octo/agent", Source::Repository("octo/agent".into()));
        for url in ["https://h/o/r", "git@h:o/r.git", "file:///tmp/r"] {
            check(url, Source::Url(url.into()));
        }
        let here = std::env::current_dir().unwrap();
        let path = |rest: &str| Source::Path(here.join(rest).to_str().unwrap().to_owned());
        check("src", path("src"));
        check("src/../src", path("src"));
        check("./absent/folder", path("absent/folder"));
        check("absent", path("absent"));
        check("absent.zip", path("absent.zip"));
    }
}
