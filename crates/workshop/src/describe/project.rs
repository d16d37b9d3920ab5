//! Project files: `pyproject.toml`, `requirements.txt`, `package.json`, `go.mod`, `Cargo.toml`.

use nasiko_contract::Protocol;
use serde_json::Value;
use toml::Table;

use super::folder::Folder;
use super::{Language, protocol};

/// What the project files say together.
#[derive(Debug, Default)]
pub(super) struct Project {
    /// The language of the first project file found.
    pub(super) language: Option<Language>,
    pub(super) version: Option<String>,
    pub(super) description: Option<String>,
    /// The dialect that the required version of the A2A SDK speaks.
    pub(super) a2a_version: Option<Protocol>,
    /// `[project.scripts]`: name and `module:function`.
    pub(super) python_scripts: Vec<(String, String)>,
    /// `scripts.start` of `package.json`.
    pub(super) start_script: Option<String>,
    /// `main` of `package.json`.
    pub(super) node_main: Option<String>,
    /// Whether `pyproject.toml` or `requirements.txt` names packages to install.
    pub(super) has_python_packages: bool,
    /// Whether `package.json` names packages to install.
    pub(super) has_node_packages: bool,
    /// Whether `pyproject.toml` is a project with dependencies, not only tool settings.
    pub(super) has_pyproject: bool,
    /// The `requirements.txt` that counts.
    pub(super) requirements_file: Option<String>,
    /// Names of required packages, in lower case.
    dependencies: Vec<String>,
}

/// Agent and web frameworks by package name, most telling first.
const FRAMEWORKS: [(&str, &str); 18] = [
    ("google-adk", "google-adk"),
    ("langgraph", "langgraph"),
    ("@langchain/langgraph", "langgraph"),
    ("crewai", "crewai"),
    ("autogen-agentchat", "autogen"),
    ("llama-index", "llama-index"),
    ("pydantic-ai", "pydantic-ai"),
    ("semantic-kernel", "semantic-kernel"),
    ("openai-agents", "openai-agents"),
    ("langchain", "langchain"),
    ("a2a-sdk", "a2a-sdk"),
    ("@a2a-js/sdk", "a2a-sdk"),
    ("fastapi", "fastapi"),
    ("flask", "flask"),
    ("starlette", "starlette"),
    ("express", "express"),
    ("fastify", "fastify"),
    ("axum", "axum"),
];

impl Project {
    /// Reads whatever project files there are.
    pub(super) fn read(folder: &Folder<'_>) -> Self {
        let mut project = Self::default();
        project.read_pyproject(folder);
        project.read_requirements(folder);
        project.read_package_json(folder);
        project.read_go(folder);
        project.read_cargo(folder);
        project
    }

    pub(super) fn framework(&self) -> Option<String> {
        let known = FRAMEWORKS.iter().find(|(package, _)| {
            self.dependencies
                .iter()
                .any(|dependency| dependency == package)
        });
        known.map(|(_, framework)| (*framework).to_owned())
    }

    fn read_pyproject(&mut self, folder: &Folder<'_>) {
        let Some(document) = folder
            .read("pyproject.toml")
            .and_then(|text| text.parse::<Table>().ok())
        else {
            return;
        };
        let project = document.get("project").and_then(toml::Value::as_table);
        let poetry = document
            .get("tool")
            .and_then(|tool| tool.get("poetry"))
            .and_then(toml::Value::as_table);
        let Some(table) = project.or(poetry) else {
            return;
        };
        self.language.get_or_insert(Language::Python);
        self.take_text(table);
        self.has_pyproject = true;
        let scripts = table.get("scripts").and_then(toml::Value::as_table);
        for (name, target) in scripts.into_iter().flatten() {
            if let Some(target) = target.as_str() {
                self.python_scripts.push((name.clone(), target.to_owned()));
            }
        }
        for requirement in table
            .get("dependencies")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            self.python_requirement(requirement.as_str().unwrap_or_default());
        }
        for (name, version) in table
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
        {
            let version = version
                .as_str()
                .or_else(|| version.get("version")?.as_str())
                .unwrap_or_default();
            self.dependency(name, version);
            self.has_python_packages = true;
        }
    }

    fn read_requirements(&mut self, folder: &Folder<'_>) {
        let candidates = [
            "requirements.txt",
            "src/requirements.txt",
            "app/requirements.txt",
            "requirements/base.txt",
        ];
        let Some(path) = candidates.into_iter().find(|path| folder.has(path)) else {
            return;
        };
        self.language.get_or_insert(Language::Python);
        self.requirements_file = Some(path.to_owned());
        for line in folder.read(path).unwrap_or_default().lines() {
            self.python_requirement(line);
        }
    }

    fn read_package_json(&mut self, folder: &Folder<'_>) {
        let Some(document) = folder
            .read("package.json")
            .and_then(|text| serde_json::from_str::<Value>(&text).ok())
        else {
            return;
        };
        self.language.get_or_insert(Language::Node);
        let text = |key: &str| {
            document
                .get(key)
                .and_then(Value::as_str)
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned)
        };
        self.version = self.version.take().or_else(|| text("version"));
        self.description = self.description.take().or_else(|| text("description"));
        self.node_main = text("main");
        self.start_script = document
            .get("scripts")
            .and_then(|scripts| scripts.get("start"))
            .and_then(Value::as_str)
            .map(str::to_owned);
        self.has_node_packages = ["dependencies", "devDependencies", "optionalDependencies"]
            .iter()
            .filter_map(|key| document.get(*key)?.as_object())
            .any(|packages| !packages.is_empty());
        for (name, version) in document
            .get("dependencies")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            self.dependency(name, version.as_str().unwrap_or_default());
        }
    }

    fn read_go(&mut self, folder: &Folder<'_>) {
        let Some(text) = folder.read("go.mod") else {
            return;
        };
        self.language.get_or_insert(Language::Go);
        for line in text.lines().map(str::trim) {
            let line = line.strip_prefix("require ").unwrap_or(line);
            if let Some((module, version)) = line.split_once(" v")
                && module.ends_with("a2a-go")
            {
                self.a2a_version = self
                    .a2a_version
                    .or_else(|| protocol::of_requirement(version));
            }
        }
    }

    fn read_cargo(&mut self, folder: &Folder<'_>) {
        let Some(document) = folder
            .read("Cargo.toml")
            .and_then(|text| text.parse::<Table>().ok())
        else {
            return;
        };
        self.language.get_or_insert(Language::Rust);
        if let Some(package) = document.get("package").and_then(toml::Value::as_table) {
            self.take_text(package);
        }
        for (name, _) in document
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
        {
            self.dependencies.push(name.clone());
        }
    }

    fn take_text(&mut self, table: &Table) {
        let text = |key: &str| {
            table
                .get(key)
                .and_then(toml::Value::as_str)
                .filter(|text| !text.trim().is_empty())
                .map(str::to_owned)
        };
        self.version = self.version.take().or_else(|| text("version"));
        self.description = self.description.take().or_else(|| text("description"));
    }

    /// One requirement as pip reads it: `name[extra]>=1,<2; marker # note`.
    fn python_requirement(&mut self, line: &str) {
        let line = line.split(" #").next().unwrap_or_default().trim();
        self.has_python_packages |= !line.is_empty() && !line.starts_with('#');
        let line = line.split(['#', ';']).next().unwrap_or_default().trim();
        let end = line
            .find(|character: char| {
                !(character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.'))
            })
            .unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        if name.is_empty() || line.starts_with('-') {
            return;
        }
        let specifier = match (rest.trim_start().strip_prefix('['), rest.split_once(']')) {
            (Some(_), Some((_, after))) => after,
            _ => rest,
        };
        self.dependency(&name.replace('_', "-"), specifier);
    }

    fn dependency(&mut self, name: &str, specifier: &str) {
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "a2a-sdk" | "@a2a-js/sdk") && self.a2a_version.is_none() {
            self.a2a_version = protocol::of_requirement(&specifier.replace(' ', ""));
        }
        self.dependencies.push(name);
    }
}
