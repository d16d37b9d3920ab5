//! What a `RUN` reads and changes, told from its text: enough to know which ones a copied file cannot matter to. Whatever is not
//! understood may read anything.

mod install;
mod shell;

pub(crate) use install::names_a_package;

use super::read::absolute;
use super::{CommandForm, RunFact};

/// What one command of a `RUN` does with the files of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It may read any file.
    Anything,
    /// It installs what files name. It reads these and no others, as far as their texts allow.
    Installs(Install),
    /// It writes or removes these, absolute; wildcards as written.
    Writes(Vec<String>),
    /// It makes directories, absolute.
    Creates(Vec<String>),
    /// It gives files to somebody, as `chown` spells it.
    Owner {
        /// `user`, `user:group`, `user:`.
        owner: String,
        /// What.
        paths: Paths,
    },
    /// It changes permissions, as `chmod` spells them.
    Mode {
        /// `755`, `+x`, `u=rwx,go=rx`.
        mode: String,
        /// What.
        paths: Paths,
    },
}

/// The paths a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths {
    /// Absolute; wildcards as written.
    pub(crate) paths: Vec<String>,
    /// Whether everything below belongs to them.
    pub(crate) recursive: bool,
}

/// An installer and what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Install {
    /// Files and directories, absolute.
    pub(crate) reads: Vec<String>,
    /// What decides whether these are all.
    pub(crate) provided: Provided,
}

/// What must hold so that an installer reads nothing but the files it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provided {
    /// Nothing: it never reads others.
    Always,
    /// That the requirements it reads name packages alone. Files that these include are read as well.
    RequirementsNamePackages,
    /// That the `pyproject.toml` describes no package of its own, or that it is left out; and names no local path.
    ProjectIsNoPackage {
        /// Whose settings say so.
        tool: ProjectTool,
        /// It is left out.
        left_out: bool,
    },
    /// That the `package.json` has no script that runs on installation, and names no local path.
    NoInstallScripts,
}

/// Who installs from a `pyproject.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProjectTool {
    Uv,
    Poetry,
}

/// The effects of a `RUN`, in order. Commands that touch none of the files that matter have none.
pub(crate) fn effects(run: &RunFact) -> Vec<Effect> {
    if run.foreign_shell {
        return vec![Effect::Anything];
    }
    let commands = match &run.command {
        CommandForm::Exec(words) => Some(vec![shell::Command {
            words: words.clone(),
            writes: Vec::new(),
        }]),
        CommandForm::Shell(script) => shell::commands(script),
    };
    let Some(commands) = commands else {
        // What it does is not understood, but what it is for shows.
        let text = match &run.command {
            CommandForm::Shell(script) => script.as_str(),
            CommandForm::Exec(_) => "",
        };
        let installs = (text.contains("install") || text.contains("uv sync")).then(|| {
            Effect::Installs(Install {
                reads: Vec::new(),
                provided: Provided::Always,
            })
        });
        return installs.into_iter().chain([Effect::Anything]).collect();
    };
    let mut reader = Reader {
        workdir: run.workdir.clone(),
        effects: Vec::new(),
    };
    for command in &commands {
        reader.command(command, 0);
    }
    reader.effects
}

/// How deep `sh -c "sh -c …"` is followed.
const MAX_DEPTH: usize = 3;

struct Reader {
    workdir: Option<String>,
    effects: Vec<Effect>,
}

impl Reader {
    fn command(&mut self, command: &shell::Command, depth: usize) {
        if !command.writes.is_empty() {
            self.writes(command.writes.iter().map(String::as_str));
        }
        let words = without_prefix(&command.words);
        let Some((program, arguments)) = words.split_first() else {
            return;
        };
        let name = program.rsplit('/').next().unwrap_or(program);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match name {
            "sh" | "bash" | "ash" | "dash" => self.inner(&arguments, depth),
            "cd" => match arguments.as_slice() {
                [directory] if !directory.contains(['$', '*', '~']) => {
                    let base = self.workdir.as_deref();
                    self.workdir = (base.is_some() || directory.starts_with('/'))
                        .then(|| absolute(base, directory))
                        .map(|path| without_slash(&path));
                }
                _ => self.workdir = None,
            },
            "mkdir" => {
                if let Some(paths) = self.paths(plain(&arguments, &["-m", "--mode"])) {
                    self.effects.push(Effect::Creates(paths));
                }
            }
            "rm" | "rmdir" | "touch" | "tee" | "truncate" => {
                self.writes(plain(&arguments, &["-r", "-d", "-t", "-s"]));
            }
            "ln" => match plain(&arguments, &["-t"]).last() {
                Some(link) => self.writes([*link]),
                None => self.effects.push(Effect::Anything),
            },
            "curl" | "wget" => self.download(name, &arguments),
            "chown" | "chmod" | "chgrp" => self.ownership(name, &arguments),
            _ => match install::effect(name, &arguments, self.workdir.as_deref()) {
                Some(effect) => self.effects.extend(effect),
                None if is_harmless(name, &arguments) => {}
                None => self.effects.push(Effect::Anything),
            },
        }
    }

    /// `sh -c "…"`.
    fn inner(&mut self, arguments: &[&str], depth: usize) {
        let script = match arguments {
            [flags, script] if flags.starts_with('-') && flags.ends_with('c') => Some(script),
            _ => None,
        };
        match script.and_then(|script| shell::commands(script)) {
            Some(commands) if depth < MAX_DEPTH => {
                for command in &commands {
                    self.command(command, depth + 1);
                }
            }
            _ => self.effects.push(Effect::Anything),
        }
    }

    fn writes<'a>(&mut self, paths: impl IntoIterator<Item = &'a str>) {
        let effect = match self.paths(paths) {
            Some(paths) if paths.is_empty() => return,
            Some(paths) => Effect::Writes(paths),
            None => Effect::Anything,
        };
        self.effects.push(effect);
    }

    /// What is downloaded is written where `-o` says, else beside.
    fn download(&mut self, name: &str, arguments: &[&str]) {
        const SENDS: [&str; 9] = [
            "-T",
            "--upload-file",
            "-d",
            "--data",
            "--data-binary",
            "-F",
            "--form",
            "-K",
            "--config",
        ];
        const OUTPUTS: [&str; 5] = ["-o", "-O", "--output", "--output-document", "-P"];
        let reads = |word: &&str| SENDS.contains(word) || word.starts_with("--post-file");
        if arguments.iter().any(reads) || arguments.contains(&"-i") && name == "wget" {
            return self.effects.push(Effect::Anything);
        }
        let mut written = Vec::new();
        for (index, word) in arguments.iter().enumerate() {
            let takes_name = OUTPUTS.contains(word) && !(name == "curl" && *word == "-O");
            if takes_name {
                written.extend(arguments.get(index + 1).copied());
            } else if word.contains("://") {
                // Under its own name, where no other is given.
                written.extend(word.rsplit('/').next().filter(|name| !name.is_empty()));
            }
        }
        written.retain(|path| *path != "-");
        self.writes(written);
    }

    fn ownership(&mut self, name: &str, arguments: &[&str]) {
        let known = |flag: &&str| {
            matches!(
                *flag,
                "-R" | "--recursive"
                    | "-v"
                    | "-f"
                    | "-h"
                    | "-c"
                    | "--no-dereference"
                    | "-Rf"
                    | "-fR"
                    | "-vR"
                    | "-Rv"
            )
        };
        // `-x` takes a permission away, it is no option.
        let is_flag = |word: &str| {
            word.starts_with('-')
                && !(name == "chmod"
                    && word
                        .trim_start_matches('-')
                        .chars()
                        .all(|c| "rwxXst".contains(c)))
        };
        let flags: Vec<&str> = arguments
            .iter()
            .copied()
            .filter(|word| is_flag(word))
            .collect();
        let mut rest = arguments.iter().copied().filter(|word| !is_flag(word));
        let what = rest.next();
        let paths = self.paths(rest);
        let effect = match (what, paths) {
            (Some(what), Some(paths)) if flags.iter().all(known) && !what.contains('$') => {
                let paths = Paths {
                    paths,
                    recursive: flags
                        .iter()
                        .any(|flag| flag.contains('R') || *flag == "--recursive"),
                };
                match name {
                    "chown" => Effect::Owner {
                        owner: what.to_owned(),
                        paths,
                    },
                    "chmod" => Effect::Mode {
                        mode: what.to_owned(),
                        paths,
                    },
                    _ => Effect::Owner {
                        owner: format!(":{what}"),
                        paths,
                    },
                }
            }
            _ => Effect::Anything,
        };
        self.effects.push(effect);
    }

    /// The paths made absolute; `None` when one of them is not known.
    fn paths<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Option<Vec<String>> {
        paths
            .into_iter()
            .map(|path| at(self.workdir.as_deref(), path))
            .collect()
    }
}

/// A path of the image made absolute; `None` when it depends on what is not known.
fn at(workdir: Option<&str>, path: &str) -> Option<String> {
    let unknown = path.contains('$')
        || path.starts_with('~')
        || (!path.starts_with('/') && workdir.is_none());
    (!unknown).then(|| without_slash(&absolute(workdir, path)))
}

fn without_slash(path: &str) -> String {
    path.trim_end_matches('/').to_owned()
}

/// The arguments that are no options, nor the values of those that take one.
fn plain<'a>(arguments: &[&'a str], with_value: &[&str]) -> Vec<&'a str> {
    let mut plain = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            plain.push(*word);
        } else if with_value.contains(word) && !matches!(*word, "-r" | "-d" | "-t" | "-s") {
            words.next();
        }
    }
    plain
}

/// Takes off what only prepares a command: assignments, `exec`, `sudo`, `env`.
fn without_prefix(words: &[String]) -> &[String] {
    let is_prefix = |word: &&String| {
        let assigns = word
            .split_once('=')
            .is_some_and(|(name, value)| crate::envfile::is_variable(name) && !value.contains('$'));
        assigns
            || matches!(
                word.as_str(),
                "exec" | "sudo" | "env" | "time" | "command" | "!"
            )
    };
    let skip = words.iter().take_while(is_prefix).count();
    words.get(skip..).unwrap_or_default()
}

/// Programs that neither read nor change a file which a folder may bring.
fn is_harmless(name: &str, arguments: &[&str]) -> bool {
    match name {
        "useradd"
        | "groupadd"
        | "adduser"
        | "addgroup"
        | "usermod"
        | "groupmod"
        | "userdel"
        | "groupdel"
        | "deluser"
        | "delgroup"
        | "true"
        | ":"
        | "set"
        | "umask"
        | "pwd"
        | "date"
        | "whoami"
        | "id"
        | "uname"
        | "locale-gen"
        | "update-locale"
        | "update-ca-certificates"
        | "ldconfig"
        | "dpkg-reconfigure"
        | "sleep"
        | "export"
        | "echo"
        | "printf"
        | "corepack" => true,
        // A package may be a file of the folder.
        "apt-get" | "apt" | "apk" | "yum" | "dnf" | "microdnf" | "tdnf" | "zypper" => {
            !arguments.iter().any(|word| {
                let option = word.starts_with('-');
                !option
                    && (word.contains('/')
                        || word.contains('$')
                        || word.contains(".deb")
                        || word.contains(".rpm"))
            })
        }
        "playwright" => arguments
            .first()
            .is_some_and(|word| word.starts_with("install")),
        _ => false,
    }
}
