//! Logs: an agent's, or the control plane's own.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom},
    time::Duration,
};

use futures::StreamExt;
use nasiko_contract::{AgentName, ErrorCode, Fault, FollowAgentLogs, LogLine, LogStream};

use crate::{
    arguments::LogsArguments,
    documents::LogDocument,
    failure::{Failure, local},
    output::{Look, Output},
    session::Session,
};

/// How often the control plane's log is looked at for new lines.
const LOOK: Duration = Duration::from_millis(200);
/// Bytes of the end of the log that its last lines are looked for in.
const TAIL_BYTES: u64 = 1 << 20;

pub(crate) async fn logs(session: &Session, words: LogsArguments) -> Result<(), Failure> {
    let work = async {
        match words.agent.clone() {
            Some(agent) => of_agent(session, agent, &words).await,
            None => of_plane(session, &words).await,
        }
    };
    tokio::select! {
        done = work => done,
        // Whoever follows a log ends it this way: nothing was cancelled.
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

async fn of_agent(
    session: &Session,
    agent: AgentName,
    words: &LogsArguments,
) -> Result<(), Failure> {
    let client = session.attach().await?;
    let request = FollowAgentLogs {
        agent,
        tail: Some(words.tail),
        follow: words.follow,
    };
    let mut lines = client.stream(request).await?;
    while let Some(line) = lines.next().await {
        print(session.output, line?.item, words.timestamps)?;
    }
    Ok(())
}

fn print(output: Output, line: LogLine, timestamps: bool) -> Result<(), Failure> {
    if output.json {
        return output.item(&LogDocument::from(line));
    }
    let text = match line.stream {
        LogStream::Stdout => line.text,
        LogStream::Stderr => output.look(Look::Busy, &line.text),
        LogStream::System => output.look(Look::Dim, &line.text),
    };
    match jiff::Timestamp::from_millisecond(line.at) {
        Ok(at) if timestamps => output.line(format!("{at:.3}  {text}")),
        _ => output.line(text),
    }
}

async fn of_plane(session: &Session, words: &LogsArguments) -> Result<(), Failure> {
    let path = session.home()?.join("resident.log");
    let file = fs_err::File::open(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::Fault(
            Fault::new(ErrorCode::NotFound, "The control plane has no log yet")
                .hint("It is written when `nasiko up` starts it in the background"),
        ),
        _ => local("The control plane's log cannot be read", &error),
    })?;
    let unreadable =
        |error: std::io::Error| local("The control plane's log cannot be read", &error);
    let mut file = BufReader::new(file);
    let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL_BYTES)))
        .map_err(unreadable)?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).map_err(unreadable)?;
    let end = String::from_utf8_lossy(&end).into_owned();
    let lines: Vec<&str> = end.lines().collect();
    let wanted = usize::try_from(words.tail).unwrap_or(usize::MAX);
    for line in lines
        .get(lines.len().saturating_sub(wanted)..)
        .unwrap_or_default()
    {
        plane_line(session.output, line)?;
    }
    if !words.follow {
        return Ok(());
    }
    let mut line = Vec::new();
    loop {
        if file.read_until(b'\n', &mut line).map_err(unreadable)? == 0 || !line.ends_with(b"\n") {
            tokio::time::sleep(LOOK).await;
            continue;
        }
        plane_line(session.output, String::from_utf8_lossy(&line).trim_end())?;
        line.clear();
    }
}

fn plane_line(output: Output, text: &str) -> Result<(), Failure> {
    if output.json {
        output.item(&serde_json::json!({ "text": text }))
    } else {
        output.line(text)
    }
}
