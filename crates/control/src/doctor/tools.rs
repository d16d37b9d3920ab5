//! Programs that agents are made and run with as processes of this machine.

use std::sync::Arc;

use nasiko_contract::CheckGroup;
use nasiko_runtime::{FoundTool, ask_tool};

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};

pub(super) const PYTHON: Spec = Spec {
    id: "tools.python",
    title: "Python",
    group: CheckGroup::Tools,
};
pub(super) const PYTHON_PACKAGES: Spec = Spec {
    id: "tools.python-packages",
    title: "Installing packages of Python (uv, or venv and pip)",
    group: CheckGroup::Tools,
};
pub(super) const NODE: Spec = Spec {
    id: "tools.node",
    title: "Node.js",
    group: CheckGroup::Tools,
};

/// The oldest Python whose packages are still made for.
const OLDEST_PYTHON: (u32, u32) = (3, 9);
/// The oldest Node whose packages are still made for.
const OLDEST_NODE: (u32, u32) = (18, 0);
/// What an agent can do without a tool.
const OR_DOCKER: &str = "or run agents in Docker, where images bring it";

pub(super) async fn python(surroundings: Arc<Surroundings>) -> Finding {
    let found = match ask_tool("python3", &["--version"], &surroundings.environment).await {
        Some(found) => Some(found),
        None => ask_tool("python", &["--version"], &surroundings.environment).await,
    };
    let install =
        format!("Install Python 3 from python.org or with the system's packages, {OR_DOCKER}");
    tool(
        found,
        "Python",
        OLDEST_PYTHON,
        surroundings.needs.python,
        &install,
    )
}

pub(super) async fn python_packages(surroundings: Arc<Surroundings>) -> Finding {
    let environment = &surroundings.environment;
    if let Some(FoundTool {
        path,
        answer: Ok(version),
    }) = ask_tool("uv", &["--version"], environment).await
    {
        return Finding::ok(version).evidence([path.display().to_string()]);
    }
    // Some systems part these from Python.
    let words = ["-I", "-c", "import venv, ensurepip"];
    match ask_tool("python3", &words, environment).await {
        None => Finding::skipped("There is no Python"),
        Some(FoundTool { answer: Ok(_), .. }) => {
            Finding::ok("venv and pip install packages; uv would do it faster")
                .hint("Install uv: see docs.astral.sh/uv")
        }
        Some(FoundTool {
            path,
            answer: Err(error),
        }) => Finding::failed_if(
            surroundings.needs.python,
            "Python has no venv, and there is no uv: requirements of agents cannot be installed",
        )
        .evidence([path.display().to_string(), error])
        .hint(format!(
            "Install uv (see docs.astral.sh/uv), or the system's package with venv, {OR_DOCKER}"
        ))
        .command("sudo apt install python3-venv"),
    }
}

pub(super) async fn node(surroundings: Arc<Surroundings>) -> Finding {
    let found = ask_tool("node", &["--version"], &surroundings.environment).await;
    let install =
        format!("Install Node.js from nodejs.org or with the system's packages, {OR_DOCKER}");
    let is_there = found.is_some();
    let finding = tool(
        found,
        "Node.js",
        OLDEST_NODE,
        surroundings.needs.node,
        &install,
    );
    let npm = ask_tool("npm", &["--version"], &surroundings.environment);
    if finding.state == nasiko_contract::CheckState::Ok && is_there && npm.await.is_none() {
        return Finding::failed_if(
            surroundings.needs.node,
            "Node.js is there without npm: packages of agents cannot be installed",
        )
        .hint("Install npm with the system's packages")
        .command("sudo apt install npm");
    }
    finding
}

/// Missing and too old is a failure for whoever has agents that need it.
fn tool(
    found: Option<FoundTool>,
    name: &str,
    oldest: (u32, u32),
    is_needed: bool,
    install: &str,
) -> Finding {
    let Some(FoundTool { path, answer }) = found else {
        return Finding::failed_if(
            is_needed,
            format!("{name} is not installed: agents that need it cannot run as processes"),
        )
        .hint(install);
    };
    let at = path.display().to_string();
    match answer {
        Err(error) => Finding::failed_if(is_needed, format!("{name} is there and does not start"))
            .evidence([at, error])
            .hint(install),
        Ok(said) => match version_in(&said) {
            Some(version) if version < oldest => Finding::failed_if(
                is_needed,
                format!(
                    "{name} {}.{} is too old: many packages need {}.{} or newer",
                    version.0, version.1, oldest.0, oldest.1
                ),
            )
            .evidence([format!("{at}: {said}")])
            .hint(install),
            _ => Finding::ok(said).evidence([at]),
        },
    }
}

/// The first two numbers of a version within a text: `Python 3.11.2`, `v20.1.0`, `29.1.3 (API 1.52)`.
pub(super) fn version_in(text: &str) -> Option<(u32, u32)> {
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let mut parts = text
        .get(start..)?
        .split(|letter: char| !letter.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
