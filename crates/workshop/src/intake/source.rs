//! What a person typed or dropped, told apart: folder, archive or repository.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::error::WorkshopError;
use crate::name;

/// Where an agent comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A folder, used where it is.
    Folder(PathBuf),
    /// A zip, tar or gzipped tar file.
    Archive(PathBuf),
    /// A git repository.
    Git {
        /// Its address.
        url: String,
        /// A branch or tag; the default branch without it.
        branch: Option<String>,
    },
}

/// What the first bytes of a file say it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArchiveKind {
    Zip,
    Tar,
    TarGz,
}

impl Source {
    /// Tells what the text names: an existing folder or archive, a git address (`https://`, `ssh://`, `git@`, `file://`,
    /// optionally `#branch`), or `owner/repo` of GitHub. Reads the first bytes of a file.
    pub fn parse(text: &str) -> Result<Self, WorkshopError> {
        let text = text.trim();
        if let Some(source) = git_address(text)? {
            return Ok(source);
        }
        let path = Path::new(text);
        match fs_err::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self::Folder(path.to_path_buf())),
            Ok(metadata) if metadata.is_file() => match archive_kind(path)? {
                Some(_) => Ok(Self::Archive(path.to_path_buf())),
                None => Err(not_a_source(text, "the file is no zip or tar archive")),
            },
            Ok(_) => Err(not_a_source(text, "it is a device or a socket")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if text.is_empty() {
                    return Err(not_a_source(text, "nothing was given"));
                }
                match github_shorthand(text) {
                    Some(url) => Ok(Self::Git { url, branch: None }),
                    None => Err(WorkshopError::PathNotFound {
                        path: path.to_path_buf(),
                        nearest: nearest_sibling(path),
                    }),
                }
            }
            Err(error) => Err(WorkshopError::io("Opening", path, error)),
        }
    }

    /// A folder name for what comes out of it: the folder's own, the archive's without its ending, the repository's.
    pub fn suggested_name(&self) -> String {
        let name = match self {
            Self::Folder(path) => path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned()),
            Self::Archive(path) => path.file_name().map(|name| {
                let name = name.to_string_lossy();
                let stem = [".tar.gz", ".tgz", ".tar", ".zip"]
                    .iter()
                    .find_map(|ending| name.strip_suffix(ending));
                stem.unwrap_or(&name).to_owned()
            }),
            Self::Git { url, .. } => {
                let last = url.trim_end_matches('/').rsplit(['/', ':']).next();
                last.map(|name| name.trim_end_matches(".git").to_owned())
            }
        };
        name.and_then(|name| name::normalise(&name))
            .unwrap_or_else(|| "agent".to_owned())
    }
}

fn not_a_source(given: &str, reason: &str) -> WorkshopError {
    WorkshopError::NotAnAgentSource {
        given: git_display(given),
        reason: reason.to_owned(),
    }
}

/// Reads the first bytes; the name's ending means nothing.
pub(super) fn archive_kind(path: &Path) -> Result<Option<ArchiveKind>, WorkshopError> {
    let mut head = Vec::with_capacity(512);
    fs_err::File::open(path)
        .and_then(|file| file.take(512).read_to_end(&mut head))
        .map_err(|error| WorkshopError::io("Reading", path, error))?;
    Ok(match head.as_slice() {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(ArchiveKind::Zip),
        [0x1f, 0x8b, ..] => Some(ArchiveKind::TarGz),
        head if head.get(257..262) == Some(b"ustar") => Some(ArchiveKind::Tar),
        _ => None,
    })
}

fn git_address(text: &str) -> Result<Option<Source>, WorkshopError> {
    let secure_shell = text.split_once('@').is_some_and(|(user, rest)| {
        !user.is_empty()
            && !user.contains(['/', '\\'])
            && !text.contains("://")
            && rest.contains(':')
    });
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("https" | "ssh" | "git" | "file") => {}
        Some("http") => return Err(not_a_source(text, "http is not encrypted; use https")),
        Some(_) => {
            return Err(not_a_source(
                text,
                "only https, ssh, git and file addresses are cloned",
            ));
        }
        None if secure_shell => {}
        None => return Ok(None),
    }
    let (address, branch) = match text.split_once('#') {
        Some((address, branch)) if !branch.is_empty() => (address, Some(branch)),
        _ => (text, None),
    };
    // The address of a page of a branch, as copied from the browser.
    let (address, branch) = match address.split_once("/tree/") {
        Some((repository, tree)) if branch.is_none() => {
            (repository, Some(tree.trim_end_matches('/')))
        }
        _ => (address, branch),
    };
    Ok(Some(Source::Git {
        url: address.to_owned(),
        branch: branch.map(str::to_owned),
    }))
}

/// `owner/repo`, unless a folder `owner` is here: then it is a path with a mistake in it.
fn github_shorthand(text: &str) -> Option<String> {
    let (owner, repository) = text.split_once('/')?;
    let plain = |part: &str| {
        !part.is_empty()
            && part.starts_with(|character: char| character.is_ascii_alphanumeric())
            && part.chars().all(|character| {
                character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.')
            })
    };
    let repository = repository.strip_suffix(".git").unwrap_or(repository);
    let is_path = Path::new(owner).is_dir();
    (plain(owner) && plain(repository) && !is_path)
        .then(|| format!("https://github.com/{owner}/{repository}.git"))
}

fn nearest_sibling(path: &Path) -> Option<PathBuf> {
    let wanted = path.file_name()?.to_str()?;
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return None,
    };
    let names: Vec<String> = fs_err::read_dir(parent)
        .ok()?
        .take(1000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let nearest = name::nearest(wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(nearest))
}

/// The address without a password or token in it.
pub(super) fn git_display(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest
                .split_once('/')
                .map_or((rest, None), |(authority, path)| (authority, Some(path)));
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            path.map_or_else(
                || format!("{scheme}://{host}"),
                |path| format!("{scheme}://{host}/{path}"),
            )
        }
        None => url.to_owned(),
    }
}
