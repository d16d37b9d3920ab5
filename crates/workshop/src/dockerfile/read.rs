//! From the text of a Dockerfile to [`DockerfileFacts`].

use indexmap::IndexMap;
use parse_dockerfile::{Command, Flag, HealthcheckArguments, Instruction, RunInstruction, Source};

use super::step;
use super::words::split_words;
use super::{CommandForm, CopyFact, DockerfileFacts, PortFact, RunFact, StageFact, WorkdirFact};
use crate::compose::interpolate;
use crate::error::WorkshopError;
use crate::text::{line_at, line_text};

/// What a stage hands on to the stages built upon it.
#[derive(Debug, Clone, Default)]
struct Stage {
    names: IndexMap<String, String>,
    env: IndexMap<String, String>,
    ports: Vec<PortFact>,
    workdir: Option<String>,
    /// Whether `workdir` begins at `/` and not at the base image's own working directory.
    workdir_is_whole: bool,
    foreign_shell: bool,
    volumes: Vec<String>,
    entrypoint: Option<CommandForm>,
    cmd: Option<CommandForm>,
    cmd_is_inherited: bool,
    user: Option<String>,
    healthcheck: Option<CommandForm>,
}

struct Reader<'a> {
    text: &'a str,
    facts: DockerfileFacts,
    build_args: &'a IndexMap<String, String>,
    globals: IndexMap<String, String>,
    finished: Vec<Stage>,
    stage: Stage,
    /// The number of the instruction being read.
    order: usize,
}

/// Reads a Dockerfile; `path` is its place in the folder, for findings.
pub fn parse(path: &str, text: &str) -> Result<DockerfileFacts, WorkshopError> {
    parse_with(path, text, &IndexMap::new())
}

/// Reads a Dockerfile that is built with these build arguments.
pub fn parse_with(
    path: &str,
    text: &str,
    build_args: &IndexMap<String, String>,
) -> Result<DockerfileFacts, WorkshopError> {
    // The parser knows line feeds alone.
    let text = text.replace("\r\n", "\n");
    let document = parse_dockerfile::parse(&text).map_err(|error| {
        let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
        let reason = error.to_string();
        // The place is told apart from the reason.
        let reason = reason
            .rsplit_once(" at line ")
            .map_or(reason.as_str(), |(reason, _)| reason);
        WorkshopError::DockerfileBroken {
            file: path.to_owned(),
            line,
            reason: reason.to_owned(),
            text: line_text(&text, line).to_owned(),
        }
    })?;
    let mut reader = Reader {
        text: &text,
        facts: DockerfileFacts {
            path: path.to_owned(),
            frontend: document
                .parser_directives
                .syntax
                .as_ref()
                .map(|directive| directive.value.value.to_owned()),
            ..DockerfileFacts::default()
        },
        build_args,
        globals: IndexMap::new(),
        finished: Vec::new(),
        stage: Stage::default(),
        order: 0,
    };
    for (order, instruction) in document.instructions.iter().enumerate() {
        reader.order = order;
        reader.instruction(instruction);
    }
    Ok(reader.finish())
}

impl Reader<'_> {
    fn instruction(&mut self, instruction: &Instruction<'_>) {
        match instruction {
            Instruction::Arg(arg) => self.arg(&arg.arguments.value),
            Instruction::From(from) => self.from(
                &from.image.value,
                from.as_.as_ref().map(|(_, name)| &*name.value),
                from.from.span.start,
            ),
            Instruction::Env(env) => {
                for (name, value) in assignments(&env.arguments.value) {
                    let value = self.expand(&value);
                    self.stage.names.insert(name.clone(), value.clone());
                    self.stage.env.insert(name, value);
                }
            }
            Instruction::Expose(expose) => {
                let line = self.line(expose.expose.span.start);
                for argument in &expose.arguments {
                    let text = self.expand(&argument.value);
                    let (port, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
                    let first = port.split('-').next().unwrap_or(port);
                    if let (Ok(port), "tcp") =
                        (first.parse(), protocol.to_ascii_lowercase().as_str())
                    {
                        self.stage.ports.push(PortFact { port, line });
                    }
                }
            }
            Instruction::Workdir(workdir) => {
                let path = self.expand(&workdir.arguments.value);
                let path = path.trim_matches('"');
                self.stage.workdir_is_whole |= path.starts_with('/');
                let path = absolute(self.stage.workdir.as_deref(), path);
                if self.stage.workdir_is_whole {
                    self.facts.workdirs.push(WorkdirFact {
                        path: path.clone(),
                        stage: self.facts.stages.len().saturating_sub(1),
                        order: self.order,
                    });
                }
                self.stage.workdir = Some(path);
            }
            Instruction::User(user) => self.stage.user = Some(self.expand(&user.arguments.value)),
            Instruction::Entrypoint(entrypoint) => {
                self.stage.entrypoint = Some(command(&entrypoint.arguments));
                if self.stage.cmd_is_inherited {
                    self.stage.cmd = None;
                }
            }
            Instruction::Cmd(cmd) => {
                self.stage.cmd = Some(command(&cmd.arguments));
                self.stage.cmd_is_inherited = false;
            }
            Instruction::Healthcheck(check) => {
                self.stage.healthcheck = match &check.arguments {
                    HealthcheckArguments::Cmd { arguments, .. } => Some(command(arguments)),
                    _ => None,
                };
            }
            Instruction::Run(run) => {
                if let CommandForm::Shell(script) = command(&run.arguments) {
                    self.facts.pip_packages.extend(pip_packages(&script));
                }
                self.run(run);
            }
            Instruction::Copy(copy) => self.copy(
                &copy.src,
                &copy.dest.value,
                &copy.options,
                (copy.copy.span.start, copy.dest.span.end),
                false,
            ),
            Instruction::Add(add) => self.copy(
                &add.src,
                &add.dest.value,
                &add.options,
                (add.add.span.start, add.dest.span.end),
                true,
            ),
            Instruction::Shell(shell) => {
                let program = shell.arguments.first().map(|word| &*word.value);
                self.stage.foreign_shell = !program.is_some_and(step::is_usual_shell);
            }
            Instruction::Volume(volume) => {
                let paths = step::words(&volume.arguments);
                let paths = paths
                    .iter()
                    .map(|path| absolute(self.stage.workdir.as_deref(), &self.expand(path)));
                let paths: Vec<String> = paths.collect();
                self.stage.volumes.extend(paths);
            }
            Instruction::Onbuild(_) => {
                let stage = self.facts.stages.len().saturating_sub(1);
                self.facts.onbuild.push(stage);
            }
            _ => {}
        }
    }

    fn arg(&mut self, arguments: &str) {
        for word in split_words(arguments) {
            let (name, default) = match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(self.expand(default))),
                None => (word, None),
            };
            let given = self.build_args.get(&name).cloned();
            let value = given
                .or(default)
                .or_else(|| self.globals.get(&name).cloned());
            let Some(value) = value else { continue };
            if self.facts.stages.is_empty() {
                self.globals.insert(name, value);
            } else {
                // ENV wins over ARG of the same name.
                self.stage.names.entry(name).or_insert(value);
            }
        }
    }

    fn from(&mut self, image: &str, name: Option<&str>, start: usize) {
        let value_of = |name: &str| self.globals.get(name).map(String::as_str);
        let image = interpolate(image, &value_of).unwrap_or_else(|_| image.to_owned());
        if !self.facts.stages.is_empty() {
            self.finished.push(std::mem::take(&mut self.stage));
        }
        let upon = self.facts.stages.iter().rposition(|stage| {
            stage
                .name
                .as_deref()
                .is_some_and(|stage| stage.eq_ignore_ascii_case(&image))
        });
        self.stage = upon
            .and_then(|index| self.finished.get(index))
            .cloned()
            .unwrap_or_default();
        // ARG does not outlive its stage, ENV does.
        self.stage.names = self.stage.env.clone();
        self.stage.cmd_is_inherited = true;
        let line = self.line(start);
        self.facts.stages.push(StageFact {
            name: name.map(str::to_owned),
            image,
            line,
        });
    }

    fn copy(
        &mut self,
        sources: &[Source<'_>],
        dest: &str,
        flags: &[Flag<'_>],
        (start, end): (usize, usize),
        is_add: bool,
    ) {
        let from = flags.iter().find(|flag| flag.name.value == "from");
        let from = from
            .and_then(|flag| flag.value.as_ref())
            .map(|value| self.expand(&value.value));
        let sources = sources
            .iter()
            .filter_map(|source| match source {
                Source::Path(path) => Some(self.expand(&path.value)),
                _ => None,
            })
            .collect();
        let dest = self.expand(dest);
        let text = self
            .text
            .get(start..end)
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        self.facts.copies.push(CopyFact {
            sources,
            dest: absolute(self.stage.workdir.as_deref(), &dest),
            from,
            is_add,
            options: step::copy_options(flags, |text| self.expand(text)),
            in_base_workdir: !dest.starts_with('/') && !self.stage.workdir_is_whole,
            stage: self.facts.stages.len().saturating_sub(1),
            order: self.order,
            line: self.line(start),
            text,
        });
    }

    fn run(&mut self, run: &RunInstruction<'_>) {
        let workdir = self.stage.workdir.as_deref();
        let command = match step::script(run) {
            CommandForm::Shell(script) => CommandForm::Shell(self.expand(&script)),
            exec @ CommandForm::Exec(_) => exec,
        };
        self.facts.runs.push(RunFact {
            foreign_shell: self.stage.foreign_shell && matches!(command, CommandForm::Shell(_)),
            command,
            workdir: workdir
                .filter(|_| self.stage.workdir_is_whole)
                .map(str::to_owned),
            mounts: step::mounts(&run.options, workdir, |text| self.expand(text)),
            stage: self.facts.stages.len().saturating_sub(1),
            order: self.order,
            line: self.line(run.run.span.start),
        });
    }

    /// Replaces variables whose value is known; text with others stays as written.
    fn expand(&self, text: &str) -> String {
        interpolate(text, &|name| self.stage.names.get(name).map(String::as_str))
            .unwrap_or_else(|_| text.to_owned())
    }

    fn line(&self, offset: usize) -> u32 {
        line_at(self.text, offset)
    }

    fn finish(self) -> DockerfileFacts {
        let stage = self.stage;
        DockerfileFacts {
            ports: stage.ports,
            env: stage.env,
            workdir: stage.workdir,
            entrypoint: stage.entrypoint,
            cmd: stage.cmd,
            user: stage.user,
            healthcheck: stage.healthcheck,
            volumes: stage.volumes,
            ..self.facts
        }
    }
}

/// `A=1 B="two words"`, or the older `A one value`.
fn assignments(text: &str) -> Vec<(String, String)> {
    let words = split_words(text);
    if words.first().is_some_and(|first| !first.contains('=')) {
        return text
            .trim()
            .split_once(char::is_whitespace)
            .map(|(name, value)| vec![(name.to_owned(), value.trim().to_owned())])
            .unwrap_or_default();
    }
    words
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The packages of every `pip install` in a script; files and options are left out.
fn pip_packages(script: &str) -> Vec<String> {
    let mut packages = Vec::new();
    for part in script.split(['&', ';', '|']) {
        let words = split_words(part);
        let install = words.iter().position(|word| word == "install");
        let Some(install) = install.filter(|_| {
            words
                .iter()
                .any(|word| word.starts_with("pip") || word == "uv")
        }) else {
            continue;
        };
        let mut arguments = words.iter().skip(install + 1);
        while let Some(word) = arguments.next() {
            match word.as_str() {
                "-r" | "--requirement" | "-c" | "--constraint" | "-i" | "--index-url"
                | "--extra-index-url" | "-t" | "--target" | "-e" | "--python" => {
                    arguments.next();
                }
                option if option.starts_with('-') => {}
                "pip" | "setuptools" | "wheel" | "uv" | "." => {}
                package if package.contains(['/', '$']) => {}
                package => packages.push(package.to_owned()),
            }
        }
    }
    packages
}

fn command(command: &Command<'_>) -> CommandForm {
    match command {
        Command::Exec(words) => CommandForm::Exec(
            words
                .value
                .iter()
                .map(|word| word.value.clone().into_owned())
                .collect(),
        ),
        Command::Shell(text) => CommandForm::Shell(
            text.value
                .replace("\\\n", " ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        ),
        _ => CommandForm::Shell(String::new()),
    }
}

/// Joins a path to the working directory and cleans it; a trailing slash, or a `.` that means one, is kept as a slash.
pub(crate) fn absolute(workdir: Option<&str>, path: &str) -> String {
    let joined = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", workdir.unwrap_or_default())
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let directory = path.ends_with('/') || path == "." || path.ends_with("/.");
    let slash = if directory && !parts.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{slash}", parts.join("/"))
}
