//! `nasiko new`: a folder that is an agent from its first minute.

use std::path::Path;

use nasiko_contract::{ErrorCode, Fault};

use crate::{
    arguments::{NewArguments, Template},
    documents::ScaffoldDocument,
    failure::{Failure, local, usage},
    output::Look,
    session::Session,
    source::absolute,
};

/// A file of a scaffold: its name and content. `__NAME__` stands for the agent's name.
type File = (&'static str, &'static str);

const PYTHON: &[File] = &[
    ("main.py", include_str!("../../templates/python/main.py")),
    (
        "AgentCard.json",
        include_str!("../../templates/python/AgentCard.json"),
    ),
    (
        "README.md",
        include_str!("../../templates/python/README.md"),
    ),
    (
        "Dockerfile",
        include_str!("../../templates/python/Dockerfile"),
    ),
];
const PYTHON_STREAM: &[File] = &[
    (
        "main.py",
        include_str!("../../templates/python-stream/main.py"),
    ),
    (
        "AgentCard.json",
        include_str!("../../templates/python-stream/AgentCard.json"),
    ),
    (
        "README.md",
        include_str!("../../templates/python/README.md"),
    ),
    (
        "Dockerfile",
        include_str!("../../templates/python/Dockerfile"),
    ),
];
const NODE: &[File] = &[
    ("server.js", include_str!("../../templates/node/server.js")),
    (
        "package.json",
        include_str!("../../templates/node/package.json"),
    ),
    (
        "AgentCard.json",
        include_str!("../../templates/python/AgentCard.json"),
    ),
    ("README.md", include_str!("../../templates/node/README.md")),
    (
        "Dockerfile",
        include_str!("../../templates/node/Dockerfile"),
    ),
];

pub(crate) fn new(session: &Session, words: &NewArguments) -> Result<(), Failure> {
    let name = words.name.as_str();
    if !is_name(name) {
        return Err(usage(
            format!("`{name}` is not a name for an agent"),
            "Take small letters, digits and dashes, at most 63 of them",
        ));
    }
    let folder = Path::new(name);
    make_folder(folder, name)?;
    let files = match words.template {
        Template::Python => PYTHON,
        Template::PythonStream => PYTHON_STREAM,
        Template::Node => NODE,
    };
    for (file, content) in files {
        fs_err::write(folder.join(file), content.replace("__NAME__", name))
            .map_err(|error| local("The folder cannot be filled", &error))?;
    }
    let output = session.output;
    let files: Vec<&str> = files.iter().map(|(file, _)| *file).collect();
    if output.json {
        let path = absolute(folder)?;
        let path = path.as_str();
        return output.document(&ScaffoldDocument { name, path, files });
    }
    output.line(format!(
        "{} holds {}",
        output.look(Look::Bold, name),
        files.join(", ")
    ))?;
    output.say(format!("Deploy it with `nasiko deploy {name}`"));
    Ok(())
}

/// What is there is never written over.
fn make_folder(folder: &Path, name: &str) -> Result<(), Failure> {
    fs_err::create_dir(folder).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let fault = Fault::new(ErrorCode::Conflict, format!("`{name}` is there already"));
            Failure::Work(fault.hint("Take another name, or remove it first"))
        } else {
            local("The folder cannot be made", &error)
        }
    })
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
