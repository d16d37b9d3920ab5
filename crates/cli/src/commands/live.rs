//! Watching an agent's folder, and what its saves did.

use nasiko_contract::{
    AgentName, FileChangeKind, GetWatch, ListUpdates, StartWatch, StopWatch, Update, UpdateState,
    WatchMode, WatchStatus,
};

use crate::{
    arguments::{UpdatesArguments, WatchArguments},
    documents::{UpdateDocument, WatchDocument},
    failure::Failure,
    output::{Look, Output},
    session::Session,
};

pub(crate) async fn watch(session: &Session, words: WatchArguments) -> Result<(), Failure> {
    let WatchArguments { agent, off, status } = words;
    let client = session.attach_or_start().await?;
    let watch = if status {
        client.call(GetWatch { agent }).await?
    } else if off {
        client.call(StopWatch { agent }).await?
    } else {
        client.call(StartWatch { agent }).await?
    };
    if session.output.json {
        return session.output.document(&WatchDocument::from(watch));
    }
    session.output.line(sentence(&watch))
}

/// How a folder is watched, in one sentence.
pub(crate) fn sentence(watch: &WatchStatus) -> String {
    let agent = &watch.agent;
    let why = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!(": {text}")
        }
    };
    match (watch.mode, &watch.fault) {
        (_, Some(fault)) => format!("{agent}'s folder cannot be watched now: {}", fault.message),
        (WatchMode::Off, None) => format!("{agent} is not watched{}", why(&watch.why)),
        (WatchMode::Native, None) => {
            format!(
                "{agent} is watched, {} files: a save is live by itself",
                watch.files
            )
        }
        (WatchMode::Polling, None) => format!(
            "{agent} is watched by looking again and again, {} files{}",
            watch.files,
            why(&watch.why)
        ),
    }
}

pub(crate) async fn updates(session: &Session, words: UpdatesArguments) -> Result<(), Failure> {
    let client = session.attach().await?;
    let updates = list(&client, words.agent.clone(), words.limit).await?;
    let output = session.output;
    if output.json {
        let rows: Vec<UpdateDocument> = updates.into_iter().map(Into::into).collect();
        return output.document(&rows);
    }
    if updates.is_empty() {
        output.say(format!(
            "No saves yet: `nasiko watch {0}` keeps {0} in step with its folder",
            words.agent
        ));
        return Ok(());
    }
    // Newest last, where a terminal's reader looks.
    for update in updates.iter().rev() {
        for line in lines(output, update, words.files) {
            output.line(line)?;
        }
    }
    Ok(())
}

async fn list(
    client: &nasiko_client::Client,
    agent: AgentName,
    limit: u32,
) -> Result<Vec<Update>, Failure> {
    let request = ListUpdates {
        agent,
        cursor: None,
        limit: Some(limit),
    };
    Ok(client.call(request).await?.items)
}

/// What one save did: a line, and below it every file, where they are wanted, and what failed.
pub(crate) fn lines(output: Output, update: &Update, files: bool) -> Vec<String> {
    let (look, result) = match update.state {
        UpdateState::Applying => (Look::Busy, "under way".to_owned()),
        UpdateState::Live => (
            Look::Good,
            format!("live in {}", millis(update.seconds.answered)),
        ),
        UpdateState::Unchanged => (Look::Dim, "nothing to do".to_owned()),
        UpdateState::Failed => (
            Look::Bad,
            "failed; the version before goes on answering".to_owned(),
        ),
        UpdateState::Superseded => (Look::Dim, "overtaken by a newer save".to_owned()),
    };
    let mut lines = vec![format!(
        "{}  {} → {}{}",
        output.look(Look::Dim, &clock(update.at)),
        output.look(Look::Bold, &subject(update)),
        output.look(look, &result),
        output.look(Look::Dim, &reason(update)),
    )];
    if files {
        for file in &update.files {
            let change = match file.change {
                FileChangeKind::Added => "+",
                FileChangeKind::Modified => "~",
                FileChangeKind::Removed => "-",
                FileChangeKind::Mode => "x",
            };
            lines.push(format!(
                "  {change} {}  {}  {}",
                file.path,
                output.look(Look::Busy, file.action.as_str()),
                output.look(Look::Dim, &file.why)
            ));
        }
        let more = update.files_total.saturating_sub(update.files.len() as u64);
        if more > 0 {
            lines.push(output.look(Look::Dim, &format!("  and {more} more")));
        }
    }
    if let Some(fault) = &update.fault {
        lines.push(format!(
            "  {} {}",
            output.look(Look::Bad, &fault.message),
            output.look(Look::Dim, &format!("[{}]", fault.code.as_str()))
        ));
        for line in &fault.evidence {
            lines.push(format!("    {} {line}", output.look(Look::Dim, "│")));
        }
        if let Some(hint) = &fault.hint {
            lines.push(format!("  {} {hint}", output.look(Look::Bold, "→")));
        }
    }
    lines
}

fn subject(update: &Update) -> String {
    // The file that decided comes first, whatever else was saved with it.
    let deciding = update
        .files
        .iter()
        .find(|file| file.action == update.action)
        .or(update.files.first());
    match (deciding, update.files_total) {
        (Some(file), 0..=1) => file.path.clone(),
        (Some(file), total) => format!("{} and {} more", file.path, total - 1),
        (None, _) => "the folder".to_owned(),
    }
}

fn reason(update: &Update) -> String {
    let warm = if update.warm { ", warm" } else { "" };
    let why = if update.why.is_empty() {
        String::new()
    } else {
        format!(", because {}", update.why)
    };
    format!("  ({}{warm}{why})", update.action.as_str())
}

/// The time of day on this machine.
pub(crate) fn clock(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map(|at| {
            at.to_zoned(jiff::tz::TimeZone::system())
                .strftime("%H:%M:%S")
                .to_string()
        })
        .unwrap_or_default()
}

/// Seconds as a person reads them.
pub(crate) fn millis(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

#[cfg(test)]
mod tests;
