//! What of a folder counts: `.dockerignore`, the caller's patterns, and what hardly ever belongs to an agent.

use std::path::Path;

use super::SnapshotOptions;
use crate::ignore::{DockerIgnore, ParentMatches};

/// The rules of one folder, as of when they were read.
#[derive(Debug)]
pub(crate) struct Rules {
    patterns: DockerIgnore,
    use_defaults: bool,
    from_file: bool,
}

/// What the rules say of one entry.
pub(super) struct Verdict {
    pub(super) excluded: bool,
    /// Whether a directory is walked; an excluded one is where something below it is re-included.
    pub(super) entered: bool,
    /// Whether no pattern says anything of it.
    unsaid: bool,
    /// Whether a file in a directory is why that is left out.
    pub(super) marked: bool,
    pub(super) matches: ParentMatches,
}

impl Rules {
    /// Reads the folder's `.dockerignore`, if the options ask for it and it can be read.
    pub(crate) fn read(root: &Path, options: &SnapshotOptions) -> Self {
        let text = if options.use_dockerignore {
            fs_err::read(root.join(".dockerignore")).unwrap_or_default()
        } else {
            Vec::new()
        };
        let text = String::from_utf8_lossy(&text);
        Self {
            patterns: DockerIgnore::parse(&text)
                .with_patterns(options.ignore.iter().map(String::as_str)),
            use_defaults: options.use_defaults,
            from_file: options.use_dockerignore,
        }
    }

    /// Whether these rules were read from the file of that path.
    pub(crate) fn come_from(&self, path: &str) -> bool {
        self.from_file && path == ".dockerignore"
    }

    /// Judges an entry of a directory that gave `parent`; `disk` is where it is.
    pub(super) fn judge(
        &self,
        path: &str,
        is_directory: bool,
        disk: &Path,
        parent: &ParentMatches,
    ) -> Verdict {
        if !is_directory {
            return self.verdict(path, parent, is_leftover);
        }
        let verdict = self.verdict(path, parent, is_foreign_directory);
        let by_default = self.use_defaults && verdict.unsaid && !verdict.excluded;
        let marked = by_default && is_marked_directory(name_of(path), disk);
        Verdict {
            excluded: verdict.excluded || marked,
            entered: verdict.entered && !marked,
            marked,
            ..verdict
        }
    }

    /// Whether an entry is left out, as far as its path alone can tell; as whatever it may be, if that is not known.
    pub(crate) fn leave_out(&self, path: &str, is_directory: Option<bool>) -> bool {
        let mut parent = ParentMatches::default();
        for (end, _) in path.match_indices('/') {
            let above = path.get(..end).unwrap_or(path);
            let verdict = self.verdict(above, &parent, is_foreign_directory);
            if !verdict.entered {
                return true;
            }
            parent = verdict.matches;
        }
        let as_file = || self.verdict(path, &parent, is_leftover).excluded;
        let as_directory = || !self.verdict(path, &parent, is_foreign_directory).entered;
        match is_directory {
            Some(true) => as_directory(),
            Some(false) => as_file(),
            None => as_file() && as_directory(),
        }
    }

    fn verdict(
        &self,
        path: &str,
        parent: &ParentMatches,
        left_out: impl FnOnce(&str) -> bool,
    ) -> Verdict {
        let (said, matches) = self.patterns.verdict(path, parent);
        let by_default = said.is_none() && self.use_defaults && left_out(name_of(path));
        let excluded = by_default || said.unwrap_or(false);
        Verdict {
            excluded,
            entered: !excluded || (!by_default && self.patterns.may_reinclude_below(path)),
            unsaid: said.is_none(),
            marked: false,
            matches,
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Files that editors and systems leave behind.
fn is_leftover(name: &str) -> bool {
    let swap = name.starts_with('.')
        && name
            .rsplit_once('.')
            .is_some_and(|(_, end)| matches!(end, "swp" | "swo" | "swx"));
    swap || matches!(name, ".DS_Store" | "4913")
        || name.ends_with('~')
        || name.starts_with(".#")
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || name.starts_with(".goutputstream-")
        || name.ends_with("___jb_tmp___")
        || name.ends_with("___jb_old___")
}

/// Directories that belong to a tool, by their names.
fn is_foreign_directory(name: &str) -> bool {
    matches!(
        name,
        ".git"
            | ".hg"
            | ".svn"
            | "__pycache__"
            | "node_modules"
            | ".pytest_cache"
            | ".mypy_cache"
            | ".ruff_cache"
    )
}

/// Directories that belong to a tool, by what is in them.
fn is_marked_directory(name: &str, disk: &Path) -> bool {
    let has = |marker: &str| disk.join(marker).symlink_metadata().is_ok();
    // Cargo marks its own; a folder of that name in another project is content.
    has("pyvenv.cfg") || (name == "target" && (has("CACHEDIR.TAG") || has(".rustc_info.json")))
}

/// Whether a file of that name decides whether its directory is content.
pub(crate) fn is_marker(name: &str) -> bool {
    matches!(name, "pyvenv.cfg" | "CACHEDIR.TAG" | ".rustc_info.json")
}
