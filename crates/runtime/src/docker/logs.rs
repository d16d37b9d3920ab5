//! The output of containers as lines.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::container::LogOutput;
use bollard::query_parameters::{LogsOptions, LogsOptionsBuilder};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::observe::time;
use super::{Shared, gate};
use crate::error::RuntimeError;
use crate::instance::{LogLine, LogQuery, LogStream};

/// Lines a reader may be behind before the engine has to wait.
const LINE_QUEUE: usize = 256;
const LAST_LINES: usize = 40;
const LAST_LINES_LIMIT: Duration = Duration::from_secs(5);

/// The lines of a container. Breaks off when the engine does.
pub(super) async fn read(
    shared: &Shared,
    id: &str,
    query: LogQuery,
) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
    let client = shared.engine.client().await?;
    let (lines, received) = mpsc::channel(LINE_QUEUE);
    let (id, closed) = (id.to_owned(), shared.closed.clone());
    tokio::spawn(async move {
        let mut outputs = Box::pin(client.logs(&id, Some(options(query))));
        loop {
            let output = tokio::select! {
                output = outputs.next() => output,
                () = lines.closed() => return,
                () = closed.cancelled() => return,
            };
            let output = match output {
                Some(Ok(output)) => output,
                Some(Err(error)) => {
                    tracing::debug!(container = %id, %error, "reading logs ended");
                    return;
                }
                None => return,
            };
            for line in split(&output) {
                let wanted = query.since.is_none_or(|since| line.at >= since);
                if wanted && lines.send(line).await.is_err() {
                    return;
                }
            }
        }
    });
    Ok(ReceiverStream::new(received).boxed())
}

fn options(query: LogQuery) -> LogsOptions {
    let tail = query
        .tail
        .map_or_else(|| "all".to_owned(), |tail| tail.to_string());
    // In whole seconds; what is between is sorted out line by line.
    let since = query
        .since
        .and_then(|since| since.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default()
        .as_secs();
    LogsOptionsBuilder::default()
        .follow(query.follow)
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .since(i32::try_from(since).unwrap_or(i32::MAX))
        .tail(&tail)
        .build()
}

/// Each line begins with the time at which the engine got it. A terminal's output does not tell its two streams apart.
fn split(output: &LogOutput) -> Vec<LogLine> {
    let (stream, bytes) = match output {
        LogOutput::StdErr { message } => (LogStream::Stderr, message),
        LogOutput::StdOut { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => (LogStream::Stdout, message),
    };
    let text = String::from_utf8_lossy(bytes);
    text.lines()
        .filter_map(|line| {
            let stamped = line.split_once(' ').unwrap_or((line, ""));
            let (at, text) = match time(stamped.0) {
                Some(at) => (at, stamped.1),
                None => (SystemTime::now(), line),
            };
            let text = text.trim_end_matches('\r');
            // What the gate says to us may stand behind a line that was not ended.
            let text = match text.strip_suffix(gate::LET_GO) {
                Some("") => return None,
                Some(before) => before,
                None => text,
            };
            Some(LogLine {
                at,
                stream,
                text: text.to_owned(),
            })
        })
        .collect()
}

/// The last lines of the error output, or of the output when that is empty. Empty when the engine does not tell in time.
pub(super) async fn last_lines(shared: &Shared, id: &str) -> Vec<String> {
    let query = LogQuery {
        tail: Some(LAST_LINES * 4),
        follow: false,
        since: None,
    };
    let reading = async {
        Ok::<_, RuntimeError>(
            read(shared, id, query)
                .await?
                .collect::<Vec<LogLine>>()
                .await,
        )
    };
    let Ok(Ok(lines)) = tokio::time::timeout(LAST_LINES_LIMIT, reading).await else {
        return Vec::new();
    };
    let of = |stream| {
        let texts: Vec<String> = lines
            .iter()
            .filter(|line| line.stream == stream)
            .map(|line| line.text.clone())
            .collect();
        let surplus = texts.len().saturating_sub(LAST_LINES);
        texts.into_iter().skip(surplus).collect::<Vec<_>>()
    };
    let errors = of(LogStream::Stderr);
    if errors.iter().any(|line| !line.trim().is_empty()) {
        errors
    } else {
        of(LogStream::Stdout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamped_line_is_taken_apart() {
        let message = "2026-11-20T10:00:00.5Z hello world\r\n".into();
        let lines = split(&LogOutput::StdErr { message });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].text, "hello world");
        assert_eq!(lines[0].stream, LogStream::Stderr);
        assert_eq!(lines[0].at, time("2026-11-20T10:00:00.5Z").unwrap());
    }

    #[test]
    fn what_the_gate_says_is_no_line() {
        let at = "2026-11-20T10:00:00Z";
        let message = format!("{at} {word}\n{at} before{word}\n", word = gate::LET_GO).into();
        let lines = split(&LogOutput::StdOut { message });
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["before"]);
    }

    #[test]
    fn an_empty_line_stays_a_line() {
        let lines = split(&LogOutput::StdOut {
            message: "2026-11-20T10:00:00Z \n".into(),
        });
        assert_eq!(lines[0].text, "");
    }
}
