//! From files to one merged tree: each is parsed, its variables are filled in, what its services extend is laid under them,
//! what it includes is brought in, and the whole is laid over the files before.

mod extend;
mod include;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::interpolate::Interpolation;
use super::load::parse;
use super::problem::{ComposeError, Problem, Reason};
use super::span::Span;
use super::yaml::Node;
use super::{Environment, Unset, canonical, merge};

/// Files within files.
const MAX_DEPTH: usize = 16;

/// The merged tree, and what is worth saying about it.
pub(super) fn project(
    files: &[PathBuf],
    directory: &Path,
    environment: &Arc<Environment>,
    unset: Unset,
) -> Result<(Node, Vec<Problem>), ComposeError> {
    let mut assembly = Assembly {
        unset,
        warnings: Vec::new(),
        open: Vec::new(),
    };
    let mut documents = Vec::new();
    for file in files {
        documents.extend(parse(file, directory, environment)?);
    }
    let root = match assembly.merged(documents)? {
        Some(root) => root,
        // `load` is given at least one file.
        None => Node::null(Span::whole(directory, environment)),
    };
    Ok((root, assembly.warnings))
}

struct Assembly {
    unset: Unset,
    warnings: Vec<Problem>,
    /// Files that are being read, each because of the one before.
    open: Vec<PathBuf>,
}

impl Assembly {
    /// Documents laid over each other.
    fn merged(&mut self, documents: Vec<Node>) -> Result<Option<Node>, ComposeError> {
        let mut merged: Option<Node> = None;
        for document in documents {
            let document = self.document(document)?;
            merged = Some(match merged {
                Some(base) => merge::merge(base, document),
                None => document,
            });
        }
        if let Some(root) = &mut merged {
            merge::settle(root);
        }
        Ok(merged)
    }

    /// One document, ready to be merged.
    fn document(&mut self, document: Node) -> Result<Node, ComposeError> {
        let path = document.span.file().to_owned();
        self.enter(&path, &document.span)?;
        let mut document = self.prepared(document)?;
        self.extend_services(&mut document, &path)?;
        let included = document
            .as_mapping_mut()
            .and_then(|top| top.shift_remove("include"));
        if let Some(entry) = included {
            self.include(&mut document, &entry.node)?;
        }
        self.open.pop();
        Ok(document)
    }

    fn prepared(&mut self, mut document: Node) -> Result<Node, ComposeError> {
        Interpolation::new(self.unset, &mut self.warnings).document(&mut document)?;
        canonical::document(&mut document);
        Ok(document)
    }

    /// Notes that a file is being read, which must not need itself.
    fn enter(&mut self, path: &Path, span: &Span) -> Result<(), ComposeError> {
        let problem = |reason| {
            ComposeError::from(Problem {
                span: span.clone(),
                key: "include".to_owned(),
                reason,
                hint: None,
            })
        };
        if let Some(first) = self.open.iter().position(|open| open == path) {
            let circle = self.open.iter().skip(first).map(PathBuf::as_path);
            let names = circle.chain([path]).map(|path| path.display().to_string());
            return Err(problem(Reason::Cycle {
                kind: "include",
                names: names.collect(),
            }));
        }
        if self.open.len() >= MAX_DEPTH {
            let text = format!("files lie more than {MAX_DEPTH} deep in each other");
            return Err(problem(Reason::InvalidValue(text)));
        }
        self.open.push(path.to_owned());
        Ok(())
    }
}

/// A file that cannot be read is the fault of the line that names it.
fn at_reference(mut error: ComposeError, span: &Span) -> ComposeError {
    for problem in &mut error.problems {
        if matches!(problem.reason, Reason::Unreadable { .. }) {
            problem.span = span.clone();
        }
    }
    error
}
