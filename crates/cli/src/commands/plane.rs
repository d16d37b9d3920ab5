//! The control plane: up, down, status, open; and completions.

use std::{
    io,
    process::{Command as Program, Stdio},
    time::Duration,
};

use clap::CommandFactory;
use nasiko_client::resident;
use nasiko_contract::{
    BrowserCode, CreateBrowserCode, EnginePlace, EngineState, ErrorCode, GetStatus, PeerState,
    Shutdown, Status, TraceForwarding,
};

use super::stack;
use crate::{
    arguments::{Arguments, CompletionsArguments, DownArguments, OpenArguments, UpArguments},
    documents::{LinkDocument, StatusDocument},
    failure::Failure,
    output::{Look, Output},
    session::Session,
};

/// How long a control plane may take to end: its agents may have to be stopped first.
const END_LIMIT: Duration = Duration::from_secs(60);

pub(crate) async fn up(session: &Session, words: UpArguments) -> Result<(), Failure> {
    let client = session.attach_or_start().await?;
    stack::up(session, &client, words).await?;
    // That may have outlived it: one that was started anew has other addresses.
    let client = session.attach().await?;
    show(session, client.call(GetStatus {}).await?)
}

pub(crate) async fn status(session: &Session) -> Result<(), Failure> {
    let client = match session.attach().await {
        Ok(client) => client,
        Err(Failure::Fault(fault)) if fault.code == ErrorCode::Unreachable => {
            if session.output.json {
                return session.output.document(&StatusDocument {
                    context: session.context.name.to_string(),
                    ..StatusDocument::default()
                });
            }
            session.output.line("Not running")?;
            session.output.say("Start it with `nasiko up`");
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    show(session, client.call(GetStatus {}).await?)
}

fn show(session: &Session, status: Status) -> Result<(), Failure> {
    let output = session.output;
    let context = &session.context;
    if output.json {
        return output.document(&StatusDocument {
            context: context.name.to_string(),
            ..StatusDocument::from(status)
        });
    }
    let state = output.look(Look::Good, "Running");
    output.line(format!(
        "{state}, version {}, process {}",
        status.version, status.pid
    ))?;
    let engine = status.engine.as_ref().map_or_else(
        || "none".to_owned(),
        |engine| {
            format!(
                "{} {} at {}, {}",
                engine.kind, engine.version, engine.endpoint, engine.why
            )
        },
    );
    let agents = format!(
        "{} ({} active, {} failed)",
        status.agents.total, status.agents.active, status.agents.failed
    );
    if !context.name.is_local() {
        output.line(format!(
            "  {:15} {} at {}",
            "Context", context.name, context.place
        ))?;
    }
    let rows = [
        ("API and web UI", status.api),
        ("Gateway", status.gateway),
        ("Gateway admin", status.admin),
        ("OTLP over HTTP", status.otlp_http),
        ("OTLP over gRPC", status.otlp_grpc),
        ("Store", status.store),
        ("Secrets", status.secrets),
        ("Engine", engine),
        ("Agents", agents),
        ("Jobs under way", status.jobs.to_string()),
        (
            "Memory",
            format!("{:.1} MB", status.memory_bytes as f64 / 1e6),
        ),
    ];
    for (name, value) in rows {
        output.line(format!("  {name:15} {value}"))?;
    }
    engines(output, &status.engines);
    if let Some(forwarding) = &status.forwarding {
        output.line(format!("  {:15} {}", "Traces go to", forwarded(forwarding)))?;
    }
    for service in status.stack {
        output.line(format!(
            "  {:15} {} {}",
            service.service,
            service.state.as_str(),
            service.health.as_str()
        ))?;
    }
    for peer in status.peers {
        let state = match peer.state {
            PeerState::Here => "here",
            PeerState::Silent => "silent",
            PeerState::Left => "left",
        };
        output.line(format!(
            "  {:15} {} on {}, {state}",
            "Shares the store", peer.api, peer.host
        ))?;
    }
    for notice in status.notices {
        output.say(notice);
    }
    Ok(())
}

/// Places of engines that are not used. Usual places where there is nothing are not worth a line each.
fn engines(output: Output, places: &[EnginePlace]) {
    let absent = |place: &&EnginePlace| place.state == EngineState::Absent;
    let nothing_at = places.iter().filter(absent).count();
    for place in places {
        let is_told = match place.state {
            EngineState::Used => false,
            EngineState::Absent => nothing_at == 1,
            _ => true,
        };
        if is_told {
            output.say(format!(
                "Engine at {} ({}): {}",
                place.endpoint, place.why, place.found
            ));
        }
    }
    if nothing_at > 1 {
        output.say(format!(
            "No engine at {nothing_at} places where one may be: `nasiko status --json` lists them"
        ));
    }
}

/// Where traces are forwarded to, and how that stands.
fn forwarded(forwarding: &TraceForwarding) -> String {
    let target = match (&forwarding.service, &forwarding.target) {
        (Some(service), Some(target)) => format!("{service} at {target}"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    };
    let mut text = format!(
        "{target}, {}: {} spans sent",
        forwarding.state.as_str(),
        forwarding.sent
    );
    let counts = [
        ("waiting", forwarding.waiting),
        ("refused", forwarding.rejected),
        ("dropped", forwarding.dropped),
    ];
    for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        text.extend([", ", &count.to_string(), " ", what]);
    }
    if let Some(error) = &forwarding.last_error {
        text.extend([" (last error: ", error, ")"]);
    }
    text
}

pub(crate) async fn down(session: &Session, words: DownArguments) -> Result<(), Failure> {
    // Whoever ends one elsewhere could not start it again.
    session.home()?;
    let removal = stack::Removal::wanted(session, &words)?;
    let is_part = removal.is_part();
    // Volumes are there without a control plane too, and a part is taken down by one that stays.
    let attached = if words.volumes || is_part {
        session.attach_or_start().await
    } else {
        session.attach().await
    };
    match attached {
        Ok(client) => {
            if !removal.is_agreed_to(session, &client).await? {
                session.output.say("Nothing was removed");
                return Ok(());
            }
            if !words.keep_stack {
                removal.carry_out(session, &client).await?;
            }
            if is_part {
                return show(session, client.call(GetStatus {}).await?);
            }
            let stop_agents = words.stop_agents;
            client.call(Shutdown { stop_agents }).await?;
        }
        // Nothing to end is as good as ended; one that is just starting or ending is waited for.
        Err(Failure::Fault(fault)) if fault.code == ErrorCode::Unreachable => {}
        Err(failure) => return Err(failure),
    }
    resident::ended(session.home()?, END_LIMIT).await?;
    if session.output.json {
        return session.output.document(&StatusDocument {
            context: session.context.name.to_string(),
            ..StatusDocument::default()
        });
    }
    session.output.line(if words.stop_agents {
        "Ended, with its agents"
    } else {
        "Ended; agents go on running until the next start takes them up again"
    })
}

pub(crate) async fn open(session: &Session, words: &OpenArguments) -> Result<(), Failure> {
    let client = session.attach_or_start().await?;
    let BrowserCode { url } = client.call(CreateBrowserCode {}).await?;
    let shown = !words.print && !session.output.json && show_in_browser(&url);
    if session.output.json {
        return session.output.document(&LinkDocument { url: &url });
    }
    session.output.line(&url)?;
    session.output.say(if shown {
        "Opened in your browser"
    } else {
        "Open this address; it is good once and for a minute"
    });
    Ok(())
}

/// Hands the address to the desktop; whether there is one that took it.
pub(super) fn show_in_browser(url: &str) -> bool {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else if ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        "xdg-open"
    } else {
        return false;
    };
    Program::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success() || cfg!(windows))
}

pub(crate) fn completions(session: &Session, words: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        words.shell,
        &mut Arguments::command(),
        "nasiko",
        &mut script,
    );
    let script = String::from_utf8(script).map_err(io::Error::other)?;
    session.output.piece(&script)
}
