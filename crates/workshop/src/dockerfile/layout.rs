//! Where the files of an image come from: paths of the image made paths of the folder.

use super::DockerfileFacts;
use crate::snapshot::Snapshot;

/// The image's paths as the copies out of the folder lay them out.
pub(super) struct Layout<'a> {
    /// Later copies first.
    mappings: Vec<Mapping>,
    snapshot: &'a Snapshot,
    /// The image's working directory, without a slash at its end.
    image_workdir: String,
    /// Its counterpart in the folder, relative to the root.
    pub(super) workdir: String,
}

/// One path of the image and where its content is in the folder.
struct Mapping {
    image: String,
    folder: String,
    is_directory: bool,
}

impl<'a> Layout<'a> {
    pub(super) fn new(facts: &DockerfileFacts, snapshot: &'a Snapshot) -> Self {
        let image_workdir = facts
            .workdir
            .as_deref()
            .unwrap_or("/")
            .trim_end_matches('/')
            .to_owned();
        let mut layout = Self {
            mappings: mappings(facts, snapshot),
            snapshot,
            image_workdir,
            workdir: String::new(),
        };
        layout.workdir = layout.directory(&layout.image_workdir).unwrap_or_default();
        layout
    }

    /// A word of a command: a path of the image becomes one of the folder, relative to the working directory.
    pub(super) fn word(&self, word: &str) -> String {
        if word.is_empty() || word.starts_with('-') || word == "." || word.contains("://") {
            return word.to_owned();
        }
        let image = if word.starts_with('/') {
            word.to_owned()
        } else {
            format!("{}/{}", self.image_workdir, word.trim_start_matches("./"))
        };
        self.path(image.trim_end_matches('/')).map_or_else(
            || word.to_owned(),
            |folder| relative(&folder, &self.workdir),
        )
    }

    /// A value that may be a directory of the image.
    pub(super) fn value(&self, value: &str) -> String {
        let inside = value
            .starts_with('/')
            .then(|| self.directory(value.trim_end_matches('/')))
            .flatten();
        inside.map_or_else(
            || value.to_owned(),
            |inside| relative(&inside, &self.workdir),
        )
    }

    /// Where a path of the image is in the folder.
    fn path(&self, image: &str) -> Option<String> {
        self.mappings.iter().find_map(|mapping| {
            let rest = image.strip_prefix(mapping.image.as_str())?;
            if !mapping.is_directory {
                return rest.is_empty().then(|| mapping.folder.clone());
            }
            let path = match rest.strip_prefix('/') {
                Some(rest) if mapping.folder.is_empty() => rest.to_owned(),
                Some(rest) => format!("{}/{rest}", mapping.folder),
                None if rest.is_empty() => mapping.folder.clone(),
                None => return None,
            };
            (self.snapshot.file(&path).is_some() || self.snapshot.has_directory(&path))
                .then_some(path)
        })
    }

    /// The folder that stands for a directory of the image; where several copies make it up, the one that keeps their places.
    fn directory(&self, image: &str) -> Option<String> {
        let within = |mapping: &Mapping| {
            let rest = image.strip_prefix(mapping.image.as_str())?;
            if !mapping.is_directory || !(rest.is_empty() || rest.starts_with('/')) {
                return None;
            }
            Some(
                format!("{}{rest}", mapping.folder)
                    .trim_start_matches('/')
                    .to_owned(),
            )
        };
        let keeps_place = |mapping: &Mapping| {
            !mapping.folder.is_empty() && mapping.image == format!("{image}/{}", mapping.folder)
        };
        let found = self.mappings.iter().find_map(within);
        found.or_else(|| self.mappings.iter().any(keeps_place).then(String::new))
    }
}

fn mappings(facts: &DockerfileFacts, snapshot: &Snapshot) -> Vec<Mapping> {
    let mut mappings = Vec::new();
    for copy in facts.image_copies().filter(|copy| copy.from.is_none()) {
        let into_directory = copy.dest.ends_with('/') || copy.sources.len() > 1;
        let dest = copy.dest.trim_end_matches('/');
        for source in &copy.sources {
            let folder = source.trim_start_matches("./").trim_matches('/');
            let folder = if folder == "." { "" } else { folder };
            let is_directory = snapshot.has_directory(folder);
            if !is_directory && snapshot.file(folder).is_none() {
                continue;
            }
            let image = if into_directory && !is_directory {
                format!("{dest}/{}", folder.rsplit('/').next().unwrap_or(folder))
            } else {
                dest.to_owned()
            };
            mappings.push(Mapping {
                image,
                folder: folder.to_owned(),
                is_directory,
            });
        }
    }
    mappings.reverse();
    mappings
}

/// The way from one folder to a path, both relative to the root.
fn relative(path: &str, from: &str) -> String {
    let from: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let shared = from
        .iter()
        .zip(&to)
        .take_while(|(left, right)| left == right)
        .count();
    let up = std::iter::repeat_n("..", from.len() - shared);
    let way: Vec<&str> = up.chain(to.iter().skip(shared).copied()).collect();
    if way.is_empty() {
        ".".to_owned()
    } else {
        way.join("/")
    }
}
