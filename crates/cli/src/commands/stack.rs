//! The local stack: up, down, and its services.

use std::{
    collections::HashMap,
    io::{self, IsTerminal, Write},
    path::Path,
};

use futures::StreamExt;
use nasiko_client::Client;
use nasiko_contract::{
    ErrorCode, ExecInService, ExecResult, Fault, FollowStackLogs, GetStack, LogStream,
    RestartService, ServiceHealth, ServiceLogLine, ServiceState, Stack, StackDown, StackService,
    StackUp, StartService, StopService,
};

use crate::{
    arguments::{StackArguments, StackCommand, StackLogsArguments, UpArguments},
    documents::{ExecDocument, ServiceLogDocument, StackDocument},
    failure::{Failure, local, usage},
    follow,
    output::{Look, Output},
    session::Session,
    table::{Table, ago},
};

/// The looks that services' names take turns in.
const LOOKS: [Look; 4] = [Look::Good, Look::Busy, Look::Bold, Look::Bad];

/// Brings the stack up where something of it was asked for, or it is on already.
pub(super) async fn up(
    session: &Session,
    client: &Client,
    words: UpArguments,
) -> Result<(), Failure> {
    let UpArguments {
        files,
        profiles,
        remove_orphans,
        force,
    } = words;
    let asked = !files.is_empty() || !profiles.is_empty();
    if !asked && !client.call(GetStack {}).await?.on {
        if remove_orphans || force {
            session
                .output
                .say("No stack is on: name a profile (`--profile core`) or a file (`-f`)");
        }
        return Ok(());
    }
    let files = if files.is_empty() {
        None
    } else {
        let absolute = files.iter().map(|file| absolute(file));
        Some(absolute.collect::<Result<Vec<String>, Failure>>()?)
    };
    let request = StackUp {
        profiles,
        files,
        remove_orphans,
        force,
    };
    let job = client.call(request).await?;
    follow::to_the_end(session, client.clone(), job).await?;
    Ok(())
}

/// The control plane does not know where we are.
fn absolute(file: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(file)
        .map_err(|error| local(&format!("{} cannot be found", file.display()), &error))?;
    path.into_os_string().into_string().map_err(|path| {
        usage(
            format!("{} is not spelled in Unicode", path.display()),
            "Rename it",
        )
    })
}

/// Takes the stack down where there is something of it.
pub(super) async fn down(session: &Session, client: &Client, volumes: bool) -> Result<(), Failure> {
    let stack = client.call(GetStack {}).await?;
    let there = stack
        .services
        .iter()
        .any(|service| service.state != ServiceState::Absent);
    if !volumes && !stack.on && !there && stack.orphans.is_empty() {
        return Ok(());
    }
    // Who cannot reach the engine must be able to end the control plane all the same.
    let away = stack.fault.filter(|fault| {
        matches!(
            fault.code,
            ErrorCode::EngineAbsent | ErrorCode::EngineStopped | ErrorCode::EngineRefused
        )
    });
    if let Some(fault) = away.filter(|_| !volumes) {
        session
            .output
            .say(format!("The stack is left as it is: {}", fault.message));
        return Ok(());
    }
    let request = StackDown {
        volumes,
        remove_orphans: false,
    };
    let job = client.call(request).await?;
    follow::to_the_end(session, client.clone(), job).await?;
    Ok(())
}

/// Asks at a terminal; where nobody can be asked, `--yes` must have been said.
pub(super) fn agreed_to_lose_volumes(session: &Session) -> Result<bool, Failure> {
    if !session.output.is_watched() || !io::stdin().is_terminal() {
        return Err(usage(
            "Removing the stack's volumes needs --yes where nobody can be asked",
            "Add --yes",
        ));
    }
    let mut stderr = io::stderr();
    write!(
        stderr,
        "Remove the stack's volumes, and with them all that its services stored? [y/N] "
    )?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes"))
}

pub(crate) async fn stack(session: &Session, words: StackArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    let service = match words.command {
        None => return show(session.output, client.call(GetStack {}).await?),
        Some(StackCommand::Exec { service, command }) => {
            let done = client.call(ExecInService { service, command }).await?;
            return ended(session.output, done);
        }
        Some(StackCommand::Logs(words)) => {
            return tokio::select! {
                done = logs(session, &client, words) => done,
                // Whoever follows a log ends it this way: nothing was cancelled.
                _ = tokio::signal::ctrl_c() => Ok(()),
            };
        }
        Some(StackCommand::Start { service }) => client.call(StartService { service }).await?,
        Some(StackCommand::Stop { service }) => client.call(StopService { service }).await?,
        Some(StackCommand::Restart { service }) => client.call(RestartService { service }).await?,
    };
    if session.output.json {
        return session.output.document(&service);
    }
    session
        .output
        .line(format!("{}: {}", service.service, state(&service)))
}

fn show(output: Output, stack: Stack) -> Result<(), Failure> {
    if output.json {
        return output.document(&StackDocument::from(stack));
    }
    let mut table = Table::new(&["service", "state", "profiles", "image", "ports", "since"]);
    for service in stack.services {
        table.row([
            service.service.clone(),
            state(&service),
            service.profiles.join(", "),
            service.image,
            service.ports.join(", "),
            service.started.map(ago).unwrap_or_default(),
        ]);
    }
    table.print(output, "No services")?;
    if !stack.orphans.is_empty() {
        output.say(format!(
            "No file declares {} any more: `nasiko up --remove-orphans` removes them",
            stack.orphans.join(", ")
        ));
    }
    if !stack.on {
        let names: Vec<String> = stack.profiles.into_iter().map(|one| one.name).collect();
        output.say(format!(
            "Nothing is on: `nasiko up --profile PROFILE` ({}), or `nasiko up -f FILE`",
            names.join(", ")
        ));
    }
    match stack.fault {
        Some(fault) => Err(fault.into()),
        None => Ok(()),
    }
}

fn state(service: &StackService) -> String {
    let state = service.state.as_str();
    let code = service
        .exit_code
        .map_or_else(String::new, |code| format!(" ({code})"));
    let runs = service.state == ServiceState::Running;
    match service.health {
        health if runs && health != ServiceHealth::None => {
            format!("{state}{code}, {}", health.as_str())
        }
        _ => format!("{state}{code}"),
    }
}

fn ended(output: Output, done: ExecResult) -> Result<(), Failure> {
    let ExecResult {
        exit_code,
        stdout,
        stderr,
    } = done;
    if output.json {
        return output.document(&ExecDocument {
            exit_code,
            stdout,
            stderr,
        });
    }
    output.piece(&stdout)?;
    for line in stderr.lines() {
        output.say(line);
    }
    if exit_code == 0 {
        return Ok(());
    }
    Err(Failure::Work(Fault::new(
        ErrorCode::WrongState,
        format!("The command ended with code {exit_code}"),
    )))
}

async fn logs(
    session: &Session,
    client: &Client,
    words: StackLogsArguments,
) -> Result<(), Failure> {
    let request = FollowStackLogs {
        service: words.service,
        tail: Some(words.tail),
        since: None,
        follow: words.follow,
    };
    let mut lines = client.stream(request).await?;
    let mut looks = HashMap::new();
    while let Some(line) = lines.next().await {
        print(session.output, line?.item, words.timestamps, &mut looks)?;
    }
    Ok(())
}

fn print(
    output: Output,
    line: ServiceLogLine,
    timestamps: bool,
    looks: &mut HashMap<String, Look>,
) -> Result<(), Failure> {
    if output.json {
        return output.item(&ServiceLogDocument::from(line));
    }
    let next = LOOKS.get(looks.len() % LOOKS.len()).copied();
    let look = *looks
        .entry(line.service.clone())
        .or_insert(next.unwrap_or(Look::Bold));
    let text = match line.stream {
        LogStream::Stderr => output.look(Look::Busy, &line.text),
        LogStream::Stdout | LogStream::System => line.text,
    };
    let name = output.look(look, &format!("{:12}", line.service));
    match jiff::Timestamp::from_millisecond(line.at) {
        Ok(at) if timestamps => output.line(format!("{at:.3}  {name} {text}")),
        _ => output.line(format!("{name} {text}")),
    }
}
