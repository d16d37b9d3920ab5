//! Python environments: built with `uv` where it is installed, else with `venv` and `pip`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::base_environment::find_program;
use super::environment::Installation;
use super::tool::Tool;
use crate::error::RuntimeError;
use crate::spec::{Progress, RequirementsKind};

/// Prints the dependencies of a `pyproject.toml` as requirement lines: pip alone cannot install just those.
const PRINT_DEPENDENCIES: &str = "import sys, tomllib\n\
    project = tomllib.load(open(sys.argv[1], 'rb')).get('project', {})\n\
    open(sys.argv[2], 'w').write('\\n'.join(project.get('dependencies', [])))\n";

/// The interpreter of an environment.
pub(super) fn interpreter(environment: &Path) -> PathBuf {
    if cfg!(windows) {
        environment.join("Scripts").join("python.exe")
    } else {
        environment.join("bin").join("python")
    }
}

/// The folder of an environment's programs.
pub(super) fn programs(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts" } else { "bin" })
}

/// Finds the machine's interpreter by its usual names.
pub(super) fn find_system_interpreter(path: &std::ffi::OsStr) -> Result<PathBuf, RuntimeError> {
    ["python3", "python"]
        .iter()
        .find_map(|name| find_program(name, path))
        .ok_or_else(|| RuntimeError::ToolMissing {
            tool: "python3".to_owned(),
            hint: super::command::how_to_install("python3"),
        })
}

/// Builds the environment and installs into it.
pub(super) async fn install(installation: Installation<'_>) -> Result<(), RuntimeError> {
    let path = installation
        .environment
        .get(std::ffi::OsStr::new("PATH"))
        .cloned()
        .unwrap_or_default();
    let python = find_system_interpreter(&path)?;
    match find_program("uv", &path) {
        Some(uv) => with_uv(&installation, &uv, &python).await,
        None => with_pip(&installation, &python).await,
    }
}

async fn with_uv(
    installation: &Installation<'_>,
    uv: &Path,
    python: &Path,
) -> Result<(), RuntimeError> {
    step(installation, 1, "uv venv");
    let target = installation.target.as_os_str().to_owned();
    run(
        installation,
        uv,
        vec![
            "venv".into(),
            "--python".into(),
            python.into(),
            "--allow-existing".into(),
            target,
        ],
    )
    .await?;
    step(installation, 2, "uv pip install");
    let mut arguments: Vec<OsString> = vec![
        "pip".into(),
        "install".into(),
        // Agents write no bytecode, so what is not compiled now would be compiled at each start.
        "--compile-bytecode".into(),
        "--python".into(),
        interpreter(installation.target).into(),
    ];
    // `uv` reads the dependencies of a `pyproject.toml` given as requirements.
    arguments.extend(requirement_arguments(&sources(installation)));
    arguments.extend(packages(installation));
    run(installation, uv, arguments).await
}

async fn with_pip(installation: &Installation<'_>, python: &Path) -> Result<(), RuntimeError> {
    step(installation, 1, "python -m venv");
    run(
        installation,
        python,
        vec!["-m".into(), "venv".into(), installation.target.into()],
    )
    .await?;
    step(installation, 2, "pip install");
    let inner = interpreter(installation.target);
    let mut files = sources(installation);
    if installation.requirements.kind == RequirementsKind::Pyproject {
        let listed = installation.target.join("requirements-from-pyproject.txt");
        for file in &files {
            run(
                installation,
                &inner,
                vec![
                    "-c".into(),
                    PRINT_DEPENDENCIES.into(),
                    file.into(),
                    (&listed).into(),
                ],
            )
            .await?;
        }
        files = vec![listed];
    }
    let mut arguments: Vec<OsString> = vec!["-m".into(), "pip".into(), "install".into()];
    arguments.extend(requirement_arguments(&files));
    arguments.extend(packages(installation));
    run(installation, &inner, arguments).await
}

/// Packages named one by one. What looks like an option is none: it came out of somebody's file.
fn packages<'a>(installation: &'a Installation<'_>) -> impl Iterator<Item = OsString> + 'a {
    let packages = &installation.requirements.packages;
    let named = packages.iter().filter(|name| !name.starts_with('-'));
    named.map(OsString::from)
}

fn sources(installation: &Installation<'_>) -> Vec<PathBuf> {
    installation
        .requirements
        .files
        .iter()
        .map(|file| installation.root.join(file))
        .collect()
}

fn requirement_arguments(files: &[PathBuf]) -> impl Iterator<Item = OsString> {
    files
        .iter()
        .flat_map(|file| ["-r".into(), file.clone().into_os_string()])
}

fn step(installation: &Installation<'_>, index: u32, text: &str) {
    installation.progress.report(Progress::Step {
        index,
        total: 2,
        text: text.to_owned(),
    });
}

async fn run(
    installation: &Installation<'_>,
    program: &Path,
    arguments: Vec<OsString>,
) -> Result<(), RuntimeError> {
    let tool = Tool {
        program,
        arguments,
        folder: installation.root,
        environment: installation.environment.clone(),
    };
    let outcome = tool.run(installation.progress, installation.cancel).await?;
    if outcome.success {
        return Ok(());
    }
    let tool = program.file_stem().map_or_else(
        || "pip".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    );
    Err(RuntimeError::RequirementsFailed {
        tool,
        lines: outcome.lines,
    })
}

/// Where the machine's interpreter really is: a wrapper script in front of it costs every start its own time.
pub(super) async fn resolve_interpreter(
    found: &Path,
    environment: std::collections::BTreeMap<OsString, OsString>,
) -> PathBuf {
    let asked = tokio::process::Command::new(found)
        .args(["-I", "-c", "import sys; print(sys.executable)"])
        .env_clear()
        .envs(environment)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let answer = tokio::time::timeout(std::time::Duration::from_secs(10), asked).await;
    let Ok(Ok(output)) = answer else {
        return found.to_owned();
    };
    let resolved = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if resolved.is_absolute() && fs::metadata(&resolved).is_ok() {
        resolved
    } else {
        found.to_owned()
    }
}
