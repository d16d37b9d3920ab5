//! `include`: whole projects, each read as if it were alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::at::At;
use super::super::load::with_files;
use super::super::problem::{ComposeError, Problem, Problems, Reason};
use super::super::span::Span;
use super::super::yaml::{Entry, Mapping, Node, Value};
use super::{Assembly, at_reference, parse};

impl Assembly {
    /// Brings in whole projects; each is read as if it were alone, from its own folder.
    pub(super) fn include(
        &mut self,
        document: &mut Node,
        include: &Node,
    ) -> Result<(), ComposeError> {
        let problems = Problems::default();
        let wanted = At::new(include, "include", &problems).items().map(|items| {
            let items = items.iter().filter_map(included);
            items.collect::<Vec<_>>()
        });
        let wanted = problems.unless_any(wanted)?;
        for Included {
            paths,
            directory,
            env_files,
            span,
        } in wanted
        {
            let own = with_files(span.environment(), env_files.as_deref(), &directory)?;
            let own = Arc::new(own);
            let mut documents = Vec::new();
            for path in &paths {
                let read = parse(path, &directory, &own);
                documents.extend(read.map_err(|problem| at_reference(problem, &span))?);
            }
            let Some(part) = self.merged(documents)? else {
                continue;
            };
            import(document, part)?;
        }
        Ok(())
    }
}

struct Included {
    paths: Vec<PathBuf>,
    directory: PathBuf,
    env_files: Option<Vec<PathBuf>>,
    span: Span,
}

fn included(at: &At<'_>) -> Option<Included> {
    let one_or_more = |at: &At<'_>| {
        if at.node.as_scalar().is_some() {
            Some(vec![at.path()?])
        } else {
            at.items()?.iter().map(At::path).collect()
        }
    };
    let folder = |paths: &[PathBuf]| {
        let parent = paths.first().and_then(|path| path.parent());
        parent.map(Path::to_owned).unwrap_or_default()
    };
    let span = at.span().clone();
    if at.node.as_scalar().is_some() {
        let paths = one_or_more(at)?;
        let directory = folder(&paths);
        return Some(Included {
            paths,
            directory,
            env_files: None,
            span,
        });
    }
    let fields = at.fields("include")?;
    let paths = one_or_more(&fields.required("path")?)?;
    let directory = match fields.get("project_directory") {
        Some(at) => at.path()?,
        None => folder(&paths),
    };
    let env_files = match fields.get("env_file") {
        Some(at) => Some(one_or_more(&at)?),
        None => None,
    };
    Some(Included {
        paths,
        directory,
        env_files,
        span,
    })
}

/// Adds what an included project declares. The same name for something else is an error.
fn import(document: &mut Node, part: Node) -> Result<(), ComposeError> {
    let (Some(top), Value::Mapping(sections)) = (document.as_mapping_mut(), part.value) else {
        return Ok(());
    };
    for (section, entry) in sections {
        let Value::Mapping(named) = entry.node.value else {
            continue;
        };
        let place = top.entry(section.clone()).or_insert_with(|| Entry {
            key: entry.key.clone(),
            node: Node::new(entry.node.span.clone(), Value::Mapping(Mapping::new())),
        });
        let Some(declared) = place.node.as_mapping_mut() else {
            continue;
        };
        for (name, entry) in named {
            if let Some(before) = declared.get(&name) {
                if before.node.same(&entry.node) {
                    continue;
                }
                return Err(Problem {
                    span: before.key.clone(),
                    key: format!("{section}.{name}"),
                    reason: Reason::Conflict(format!(
                        "an included file declares it too, at {}",
                        entry.key
                    )),
                    hint: Some(
                        "change it in a second file given beside this one, or rename it".to_owned(),
                    ),
                }
                .into());
            }
            declared.insert(name, entry);
        }
    }
    Ok(())
}
