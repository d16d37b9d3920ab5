use clap::{Command, CommandFactory, Parser};

use super::Arguments;

/// Every command with its sub-commands, by its whole name.
fn every_command() -> Vec<(String, Command)> {
    let mut open = vec![("nasiko".to_owned(), Arguments::command().term_width(100))];
    let mut commands = Vec::new();
    while let Some((name, mut command)) = open.pop() {
        command.build();
        let below: Vec<Command> = command.get_subcommands().cloned().collect();
        for sub in below.into_iter().rev() {
            open.push((format!("{name} {}", sub.get_name()), sub.term_width(100)));
        }
        commands.push((name, command));
    }
    commands
}

#[test]
fn the_help_of_every_command() {
    let mut text = String::new();
    for (name, mut command) in every_command() {
        let help = command.render_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        text.extend(["$ ", name.as_str(), " --help\n", &lines.join("\n"), "\n\n"]);
    }
    insta::assert_snapshot!("help", text);
}

#[test]
fn every_command_that_is_shown_has_examples_that_are_commands() {
    for (name, command) in every_command() {
        if command.is_hide_set()
            || name.starts_with("nasiko local")
            || name.starts_with("nasiko observability")
        {
            continue;
        }
        let below_a_group = name.matches(' ').count() > 1;
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(
            below_a_group || help.contains("Examples:"),
            "{name} has no examples"
        );
        for line in help
            .lines()
            .filter(|line| line.trim_start().starts_with("nasiko "))
        {
            for example in line.split(" && ") {
                let words = words(example);
                let parsed = Arguments::try_parse_from(&words);
                assert!(parsed.is_ok(), "`{example}`: {}", parsed.unwrap_err());
            }
        }
    }
}

/// The words of an example, as a shell would see them.
fn words(example: &str) -> Vec<String> {
    let example = example.split([';', '<', '>', '|']).next().unwrap();
    let mut words = Vec::new();
    for (index, part) in example.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn the_words_that_scripts_use_are_understood() {
    for line in [
        "validate .",
        "upload-directory . --name x",
        "upload-zip a.zip --name x --runtime docker",
        "clone octo/agent -b main",
        "local up",
        "up --file a.yml --profile core --profile traces",
        "down --volumes --yes",
        "stack logs redis -f --json",
        "local down",
        "local status",
        "local logs agent -f",
        "chat send agent hello",
        "observability traces --agent x",
        "observability trace 1",
        "registry-list",
        "registry-get --name x",
        "registry-update x --description y",
        "--json ps",
        "ps --json --context local",
        "list-clusters",
        "context add work /data --color blue",
        "serve --no-tray --api-port 0",
        "deploy . -e A=1 -e B=2 -n x -r process --force",
    ] {
        let words = std::iter::once("nasiko").chain(line.split(' '));
        let parsed = Arguments::try_parse_from(words);
        assert!(parsed.is_ok(), "`{line}`: {}", parsed.unwrap_err());
    }
}
