//! The local stack: up, down, and its services.

mod down;
mod logs;
mod stats;

use std::path::Path;

use nasiko_client::Client;
use nasiko_contract::{
    ErrorCode, ExecInService, ExecResult, Fault, GetStack, Job, RestartService, ServiceHealth,
    ServiceState, Stack, StackService, StackUp, StartService, StopService,
};

pub(super) use down::Removal;

use crate::{
    arguments::{ExecArguments, StackArguments, StackCommand, UpArguments},
    documents::{ExecDocument, StackDocument},
    failure::{Failure, local, usage},
    follow,
    output::Output,
    session::Session,
    table::{Table, ago},
};

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
        no_recreate,
        build,
        pull,
    } = words;
    let asked = !files.is_empty() || !profiles.is_empty();
    if !asked && !client.call(GetStack {}).await?.on {
        if remove_orphans || force || no_recreate || build || pull {
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
        keep: no_recreate,
        build,
        pull,
        // Who asks for nothing new only wants it to be there again, now or as soon as it can be.
        wait: !asked,
    };
    let job = client.call(request).await?;
    let job = follow::to_the_end(session, client.clone(), job).await?;
    if let Some(why) = waits(&job) {
        session.output.say(format!(
            "The stack waits for the engine, and comes up by itself once there is one: {why}"
        ));
    }
    let orphans = job.result["orphans"].as_array().map_or(0, Vec::len);
    if orphans > 0 {
        session.output.say(format!(
            "{orphans} of the stack's containers are declared by no file any more: \
             `nasiko up --remove-orphans` removes them, `nasiko stack` names them"
        ));
    }
    Ok(())
}

/// Why a job on the stack only has what it was to do done later.
fn waits(job: &Job) -> Option<&str> {
    job.result["waiting"].as_str()
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

pub(crate) async fn stack(session: &Session, words: StackArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    match words.command {
        None | Some(StackCommand::Ps) => show(session.output, client.call(GetStack {}).await?),
        Some(StackCommand::Exec(words)) => exec(session.output, &client, words).await,
        Some(StackCommand::Logs(words)) => {
            until_interrupted(logs::show(session, &client, words)).await
        }
        Some(StackCommand::Stats(words)) => {
            until_interrupted(stats::show(session, &client, words)).await
        }
        Some(StackCommand::Start(words)) => {
            let call = async |service| client.call(StartService { service }).await;
            each(session.output, words.services, call).await
        }
        Some(StackCommand::Stop(words)) => {
            let call = async |service| client.call(StopService { service }).await;
            each(session.output, words.services, call).await
        }
        Some(StackCommand::Restart(words)) => {
            let call = async |service| client.call(RestartService { service }).await;
            each(session.output, words.services, call).await
        }
    }
}

/// Whoever follows something ends it with Ctrl-C: nothing was cancelled.
async fn until_interrupted(
    following: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    tokio::select! {
        done = following => done,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// Does something with each service, in the order in which they were named; the first that fails ends it.
async fn each(
    output: Output,
    services: Vec<String>,
    call: impl AsyncFn(String) -> Result<StackService, Fault>,
) -> Result<(), Failure> {
    let mut done = Vec::new();
    for service in services {
        let service = call(service).await?;
        if !output.json {
            output.line(format!("{}: {}", service.service, state(&service)))?;
        }
        done.push(service);
    }
    match done.as_slice() {
        _ if !output.json => Ok(()),
        [one] => output.document(one),
        several => output.document(&several),
    }
}

async fn exec(output: Output, client: &Client, words: ExecArguments) -> Result<(), Failure> {
    let request = ExecInService {
        service: words.service,
        command: words.command,
        user: words.user,
        working_dir: words.workdir,
    };
    ended(output, client.call(request).await?)
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
    if stack.waiting {
        output.say(if stack.on {
            "It waits for the container engine, and comes up by itself once that answers"
        } else {
            "It is off; what is left of it is removed once the container engine answers"
        });
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
    output.talk(&stderr);
    match u8::try_from(exit_code) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Failure::Ended(code)),
        Err(_) => Err(Failure::Work(Fault::new(
            ErrorCode::WrongState,
            format!("The command ended with code {exit_code}"),
        ))),
    }
}
