//! What a file is by its name alone.

use crate::text::has_extension;

/// Endings of what programs write while they run, and what it is.
const WRITTEN: [(&str, &str); 11] = [
    (".log", "a log"),
    (".pid", "the number of a process"),
    (".sock", "a socket"),
    (".tmp", "a temporary file"),
    (".pyc", "compiled code"),
    (".lock-journal", "the journal of a database"),
    ("-journal", "the journal of a database"),
    ("-wal", "the journal of a database"),
    ("-shm", "the shared memory of a database"),
    (".coverage", "a measurement"),
    (".swp", "an editor's own"),
];
/// Directories that tools fill.
const WRITTEN_DIRECTORIES: [&str; 6] = [
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
    "logs",
];
const DATABASES: [&str; 5] = ["db", "sqlite", "sqlite3", "db3", "duckdb"];

const STATIC_DIRECTORIES: [&str; 4] = ["static", "public", "assets", "wwwroot"];
const STATIC_ENDINGS: [&str; 22] = [
    "css",
    "js",
    "mjs",
    "map",
    "html",
    "htm",
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "avif",
    "ico",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "mp4",
    "webmanifest",
    "pdf",
];

/// Directories of people and their tools, not of the agent.
const ASIDE_DIRECTORIES: [&str; 9] = [
    "docs",
    "doc",
    "tests",
    "test",
    ".github",
    ".gitlab",
    ".vscode",
    ".idea",
    ".devcontainer",
];
const ASIDE_NAMES: [&str; 12] = [
    "readme",
    "license",
    "licence",
    "copying",
    "notice",
    "changelog",
    "contributing",
    "code_of_conduct",
    "authors",
    "security",
    "codeowners",
    "maintainers",
];
const ASIDE_FILES: [&str; 13] = [
    ".editorconfig",
    ".gitignore",
    ".gitattributes",
    ".gitlab-ci.yml",
    ".pre-commit-config.yaml",
    ".flake8",
    ".pylintrc",
    ".prettierrc",
    ".prettierignore",
    "mypy.ini",
    "pytest.ini",
    "ruff.toml",
    "tox.ini",
];

/// What is written by a running program, or by a tool, and never read as a part of the agent.
pub(super) fn written(path: &str) -> Option<&'static str> {
    let name = name(path);
    let within = path
        .split('/')
        .rev()
        .skip(1)
        .any(|part| WRITTEN_DIRECTORIES.contains(&part));
    if within && (!path.split('/').any(|part| part == "logs") || !has_extension(path, "py")) {
        return Some("what tools write there");
    }
    let ending = WRITTEN.iter().find(|(ending, _)| name.ends_with(ending));
    // app.log.2 and the like.
    let rotated = name.contains(".log.");
    ending
        .map(|(_, what)| *what)
        .or_else(|| rotated.then_some("a log"))
}

/// A database, which the agent itself may write.
pub(super) fn is_database(path: &str) -> bool {
    DATABASES.iter().any(|ending| has_extension(path, ending))
}

/// A file that web servers read for each request.
pub(super) fn is_static(path: &str) -> bool {
    let ending = path
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let within = path
        .split('/')
        .rev()
        .skip(1)
        .any(|part| STATIC_DIRECTORIES.contains(&part));
    within && STATIC_ENDINGS.contains(&ending.as_str())
}

/// What is there for people and their tools, unless a source says otherwise; and the word by which a source would name it: the
/// directory, or the file's name.
pub(super) fn aside(path: &str) -> Option<&str> {
    let first = path.split('/').next().unwrap_or(path);
    if first.len() < path.len() {
        return ASIDE_DIRECTORIES.contains(&first).then_some(first);
    }
    let stem = path.split('.').next().unwrap_or(path).to_ascii_lowercase();
    let is_aside = ASIDE_FILES.contains(&path)
        || has_extension(path, "md")
        || ASIDE_NAMES.contains(&stem.as_str()) && !is_code(path);
    is_aside.then_some(path)
}

/// Whether the file is text for people, which an agent might gather by walking over its folder.
pub(super) fn is_prose(path: &str) -> bool {
    [
        "md", "txt", "rst", "pdf", "html", "csv", "json", "yaml", "yml",
    ]
    .iter()
    .any(|ending| has_extension(path, ending))
}

fn is_code(path: &str) -> bool {
    ["py", "js", "ts", "mjs", "cjs", "go", "rs", "java", "sh"]
        .iter()
        .any(|ending| has_extension(path, ending))
}

/// Files that say what is to be installed, by their names.
pub(super) fn is_requirements(path: &str) -> bool {
    const NAMES: [&str; 23] = [
        "pyproject.toml",
        "uv.lock",
        "poetry.lock",
        "pdm.lock",
        "Pipfile",
        "Pipfile.lock",
        "setup.py",
        "setup.cfg",
        "package.json",
        "package-lock.json",
        "npm-shrinkwrap.json",
        "yarn.lock",
        "pnpm-lock.yaml",
        "bun.lock",
        "bun.lockb",
        ".npmrc",
        "go.mod",
        "go.sum",
        "Cargo.toml",
        "Cargo.lock",
        "pom.xml",
        "build.gradle",
        "environment.yml",
    ];
    let name = name(path);
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&name)
        || (lower.contains("requirements") || lower.contains("constraints"))
            && (has_extension(&lower, "txt") || has_extension(&lower, "in"))
        || path.starts_with("requirements/") && has_extension(path, "txt")
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
