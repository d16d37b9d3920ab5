//! From files to a project: their variables, the project's name, the merged tree, and what it means.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;

use super::interpolate::Interpolation;
use super::problem::{ComposeError, Problem, Problems, Reason};
use super::span::{Source, Span};
use super::yaml::{self, Node};
use super::{Environment, Project, Request, assemble, check, dotenv, read, values};

/// A file that is longer is no Compose file.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Reads a project. All that is wrong is told at once, as far as reading goes on after it.
pub(super) fn load(request: &Request) -> Result<Project, ComposeError> {
    let absolute = |path: &PathBuf| {
        values::normal(&std::path::absolute(path).unwrap_or_else(|_| path.clone()))
    };
    let files: Vec<PathBuf> = request.files.iter().map(absolute).collect();
    let parent = |file: &PathBuf| file.parent().map(Path::to_owned);
    let directory = request
        .directory
        .as_ref()
        .map(absolute)
        .or_else(|| files.first().and_then(parent))
        .unwrap_or_default();
    if files.is_empty() {
        let problem = Problem {
            span: Span::whole(&directory, &Arc::default()),
            key: String::new(),
            reason: Reason::InvalidValue("no Compose file is given".to_owned()),
            hint: None,
        };
        return Err(problem.into());
    }
    let given = Arc::new(request.environment.clone());
    let environment = with_files(&given, request.env_files.as_deref(), &directory)?;
    let name = named(request, &files, &directory, &Arc::new(environment.clone()))?;
    let named = [(NAME_VARIABLE.to_owned(), name.clone())];
    let environment = Arc::new(
        environment
            .into_iter()
            .chain(named)
            .collect::<Environment>(),
    );
    let (root, warnings) = assemble::project(&files, &directory, &environment, request.unset)?;
    let problems = Problems::default();
    let project = read::project(&root, &name, directory, files, warnings, &problems);
    if let Some(project) = &project {
        check::project(project, &problems);
    }
    problems.unless_any(project)
}

/// The text of a file that is not too long. What is no file, like a pipe, might never end and never begin.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        let text = "it is no regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let too_long = || {
        let text = format!("it is longer than {} MiB", MAX_FILE_BYTES >> 20);
        io::Error::new(io::ErrorKind::FileTooLarge, text)
    };
    if metadata.len() > MAX_FILE_BYTES {
        return Err(too_long());
    }
    let mut text = String::new();
    // It may have grown meanwhile, and some files do not say how long they are.
    let read = fs::File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(too_long());
    }
    Ok(text)
}

/// `environment` over what its files of variables say: those given, or `.env` if there is one.
pub(super) fn with_files(
    environment: &Arc<Environment>,
    files: Option<&[PathBuf]>,
    directory: &Path,
) -> Result<Environment, ComposeError> {
    let usual = [directory.join(".env")];
    let mut result = Environment::clone(environment);
    let mut read = Environment::new();
    for path in files.unwrap_or(&usual) {
        let path = values::normal(&directory.join(path));
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) if files.is_none() && error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(unreadable(Span::whole(&path, environment), path, &error)),
        };
        let variables = dotenv::parse(&text, &result).map_err(|broken| Problem {
            span: Span::whole(&path, environment).in_line(broken.line),
            key: String::new(),
            reason: Reason::InvalidValue(broken.message),
            hint: None,
        })?;
        // The later file wins.
        read.extend(
            variables
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    }
    for (name, value) in read {
        result.entry(name).or_insert(value);
    }
    Ok(result)
}

/// The documents of a file; each is a mapping.
pub(super) fn parse(
    path: &Path,
    base: &Path,
    environment: &Arc<Environment>,
) -> Result<Vec<Node>, ComposeError> {
    let source = Arc::new(Source {
        path: path.to_owned(),
        base: base.to_owned(),
        environment: Arc::clone(environment),
    });
    let start = Span::start(&source);
    let text =
        read_text(path).map_err(|error| unreadable(start.clone(), path.to_owned(), &error))?;
    let documents = yaml::parse(&text, &source)?;
    for document in &documents {
        if document.as_mapping().is_none() {
            return Err(Problem {
                span: document.span.clone(),
                key: String::new(),
                reason: Reason::WrongType {
                    expected: "a mapping",
                    found: document.what(),
                },
                hint: Some("a Compose file begins with `services:`".to_owned()),
            }
            .into());
        }
    }
    if documents.is_empty() {
        return Err(Problem {
            span: start,
            key: String::new(),
            reason: Reason::InvalidValue("the file is empty".to_owned()),
            hint: Some("a Compose file begins with `services:`".to_owned()),
        }
        .into());
    }
    Ok(documents)
}

fn unreadable(span: Span, path: PathBuf, error: &io::Error) -> ComposeError {
    // The library's sentence names the file once more; the system's own does not.
    let message =
        std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    ComposeError::from(Problem {
        span,
        key: String::new(),
        reason: Reason::Unreadable { path, message },
        hint: None,
    })
}

const NAME_VARIABLE: &str = "COMPOSE_PROJECT_NAME";

/// The project's name: given, of the environment, of the last file that has one, or of the folder.
fn named(
    request: &Request,
    files: &[PathBuf],
    directory: &Path,
    environment: &Arc<Environment>,
) -> Result<String, ComposeError> {
    let of_environment = environment
        .get(NAME_VARIABLE)
        .filter(|name| !name.is_empty());
    let first = files.first().map_or(directory, PathBuf::as_path);
    let mut place = Span::whole(first, environment);
    let name = match request.name.as_ref().or(of_environment) {
        Some(name) => name.clone(),
        None => {
            let mut documents = Vec::new();
            for file in files {
                documents.extend(parse(file, directory, environment)?);
            }
            let mut found = documents.iter().filter_map(|document| document.get("name"));
            match found.next_back() {
                Some(node) => {
                    let mut node = node.clone();
                    place = node.span.clone();
                    Interpolation::new(request.unset, &mut Vec::new()).node(&mut node, "name")?;
                    node.as_text().unwrap_or_default().to_owned()
                }
                None => usable_name(&directory.file_name().unwrap_or_default().to_string_lossy()),
            }
        }
    };
    if !name.is_empty() && usable_name(&name) == name {
        return Ok(name);
    }
    Err(Problem {
        span: place,
        key: "name".to_owned(),
        reason: Reason::InvalidValue(format!("`{name}` is no name of a project")),
        hint: Some("use a-z, 0-9, `-` and `_`, beginning with a letter or digit".to_owned()),
    }
    .into())
}

fn usable_name(text: &str) -> String {
    let fits = |character: &char| character.is_ascii_alphanumeric() || "-_".contains(*character);
    let text: String = text.to_lowercase().chars().filter(fits).collect();
    text.trim_start_matches(['-', '_']).to_owned()
}
