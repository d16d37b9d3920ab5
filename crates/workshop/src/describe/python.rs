//! The entry of a Python folder: scripts, `__main__.py`, `main.py`, or an application object for a server.

mod options;

use std::path::PathBuf;

use indexmap::IndexMap;

pub(super) use options::with_port_options;

use super::Entry;
use super::entry::join;
use super::folder::Folder;
use super::project::Project;
use super::source::SourceFacts;

/// File names that start an agent, best first.
const STARTERS: [&str; 3] = ["__main__.py", "main.py", "app.py"];
/// File names that do when they hold a main guard or an application object.
const MAYBE_STARTERS: [&str; 4] = ["server.py", "agent.py", "run.py", "serve.py"];
/// Folders that are no package of the agent.
const NOT_PACKAGES: [&str; 6] = ["tests", "test", "docs", "examples", "scripts", "migrations"];

/// Finds it.
pub(super) fn entry(
    folder: &Folder<'_>,
    project: &Project,
    sources: &SourceFacts,
) -> Option<Entry> {
    of_script(folder, project)
        .or_else(|| in_directory(folder, "", sources))
        .or_else(|| in_directory(folder, "src", sources))
        .or_else(|| in_package(folder, ""))
        .or_else(|| in_package(folder, "src"))
}

/// `[project.scripts]`, run without installing the project.
fn of_script(folder: &Folder<'_>, project: &Project) -> Option<Entry> {
    let scripts = &project.python_scripts;
    let own = folder.name();
    let preferred =
        |name: &str| matches!(name, "start" | "serve" | "main" | "agent" | "app") || name == own;
    let (name, target) = scripts
        .iter()
        .find(|(name, _)| preferred(name))
        .or_else(|| scripts.first())?;
    let (module, function) = target.split_once(':')?;
    let path = module.replace('.', "/");
    let (base, file) = ["", "src"].into_iter().find_map(|base| {
        let candidates = [
            join(base, &format!("{path}.py")),
            join(base, &format!("{path}/__init__.py")),
        ];
        candidates
            .into_iter()
            .find(|file| folder.has(file))
            .map(|file| (base, file))
    })?;
    let why = format!("the script {name} in pyproject.toml");
    let command = if module.ends_with(".__main__") || module == "__main__" {
        python(&["-m", module.trim_end_matches(".__main__")])
    } else {
        python(&[
            "-c",
            &format!("import sys; from {module} import {function}; sys.exit({function}())"),
        ])
    };
    Some(options::with_options(
        folder,
        &file,
        started(command, why, file.clone(), base),
    ))
}

/// A starter in a directory that is itself on the path.
fn in_directory(folder: &Folder<'_>, directory: &str, sources: &SourceFacts) -> Option<Entry> {
    let found = STARTERS
        .iter()
        .map(|name| (join(directory, name), false))
        .chain(
            MAYBE_STARTERS
                .iter()
                .map(|name| (join(directory, name), true)),
        );
    for (file, unsure) in found {
        let Some(text) = folder
            .snapshot()
            .file(&file)
            .and_then(|_| folder.read(&file))
        else {
            continue;
        };
        if unsure && !has_guard(&text) && application(&text).is_none() {
            continue;
        }
        if let Some(entry) = served(&file, &text, directory, sources) {
            return Some(entry);
        }
        let main = file.ends_with("__main__.py");
        // A package runs as one; a folder of modules is put on the path by naming it.
        let as_package = main && !directory.is_empty() && is_package(folder, directory, &text);
        let command = match (main, directory) {
            (true, "") => python(&["."]),
            (true, directory) if as_package => python(&["-m", directory]),
            (true, directory) => python(&[directory]),
            (false, _) if imports_as(&text, directory) => {
                python(&["-m", &file.trim_end_matches(".py").replace('/', ".")])
            }
            (false, _) => python(&[&file]),
        };
        return Some(options::with_options(
            folder,
            &file,
            started(command, file.clone(), file.clone(), ""),
        ));
    }
    None
}

/// The one package below a directory that has a starter.
fn in_package(folder: &Folder<'_>, base: &str) -> Option<Entry> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let prefix = if base.is_empty() {
        String::new()
    } else {
        format!("{base}/")
    };
    for path in folder.files() {
        let Some((package, name)) = path
            .strip_prefix(&prefix)
            .and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        if STARTERS.contains(&name)
            && !NOT_PACKAGES.contains(&package)
            && !package.starts_with('.')
            && package != "src"
        {
            found.push((package, name));
        }
    }
    let (package, _) = *found.first()?;
    if found.iter().any(|(other, _)| *other != package) {
        return None;
    }
    // A folder with project files of its own is an agent within, not a package of this one.
    let own = [
        "pyproject.toml",
        "requirements.txt",
        "Dockerfile",
        "nasiko.toml",
    ];
    if own
        .iter()
        .any(|file| folder.has(&format!("{prefix}{package}/{file}")))
    {
        return None;
    }
    let name = STARTERS
        .into_iter()
        .find(|starter| found.iter().any(|(_, name)| name == starter))?;
    let file = format!("{prefix}{package}/{name}");
    let module = if name == "__main__.py" {
        package.to_owned()
    } else {
        format!("{package}.{}", name.trim_end_matches(".py"))
    };
    Some(options::with_options(
        folder,
        &file,
        started(python(&["-m", &module]), file.clone(), file.clone(), base),
    ))
}

fn python(arguments: &[&str]) -> Vec<String> {
    std::iter::once("python")
        .chain(arguments.iter().copied())
        .map(str::to_owned)
        .collect()
}

fn started(command: Vec<String>, why: String, file: String, python_path: &str) -> Entry {
    let mut env = IndexMap::new();
    if !python_path.is_empty() {
        env.insert("PYTHONPATH".to_owned(), python_path.to_owned());
    }
    Entry {
        command,
        workdir: PathBuf::new(),
        why,
        file: Some(file),
        env,
    }
}

/// A file that makes an application object but never serves it is handed to a server.
fn served(file: &str, text: &str, directory: &str, sources: &SourceFacts) -> Option<Entry> {
    let serves = has_guard(text)
        || [".run(", "serve(", "run_app(", "serve_forever("]
            .iter()
            .any(|call| text.contains(call));
    let (object, framework) = application(text).filter(|_| !serves)?;
    let module = file
        .trim_end_matches(".py")
        .trim_start_matches("src/")
        .replace('/', ".");
    let command = if framework == "Flask" {
        python(&[
            "-m",
            "flask",
            "--app",
            &format!("{module}:{object}"),
            "run",
            "--host",
            "$HOST",
            "--port",
            "$PORT",
        ])
    } else {
        python(&[
            "-m",
            "uvicorn",
            &format!("{module}:{object}"),
            "--host",
            "$HOST",
            "--port",
            "$PORT",
        ])
    };
    let kind = sources.framework.as_deref().unwrap_or(framework);
    Some(started(
        command,
        format!("{object} in {file}, a {kind} application"),
        file.to_owned(),
        directory,
    ))
}

/// `app = FastAPI(`: the object's name and its class.
fn application(text: &str) -> Option<(&str, &'static str)> {
    text.lines().find_map(|line| {
        let (object, value) = line.split_once('=')?;
        let object = object.split(':').next()?.trim_end();
        let at_top = !object.is_empty()
            && object
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_');
        let class = ["FastAPI", "Flask", "Starlette", "Quart", "Litestar"]
            .into_iter()
            .find(|class| {
                value
                    .trim_start()
                    .strip_prefix(class)
                    .is_some_and(|rest| rest.starts_with('('))
            })?;
        at_top.then_some((object, class))
    })
}

fn has_guard(text: &str) -> bool {
    text.lines().any(|line| {
        line.starts_with("if __name__")
            || line.starts_with("if \"__main__\"")
            || line.starts_with("if '__main__'")
    })
}

fn is_package(folder: &Folder<'_>, directory: &str, text: &str) -> bool {
    folder.has(&format!("{directory}/__init__.py")) || imports_as(text, directory)
}

/// Whether the file imports its neighbours as members of a package: `from .x`, `from src.x`.
fn imports_as(text: &str, package: &str) -> bool {
    !package.is_empty()
        && text.lines().map(str::trim_start).any(|line| {
            let module = line
                .strip_prefix("from ")
                .or_else(|| line.strip_prefix("import "));
            module.is_some_and(|module| {
                module.starts_with('.')
                    || module
                        .strip_prefix(package)
                        .is_some_and(|rest| rest.starts_with(['.', ' ']))
            })
        })
}
