//! The output of containers as lines.

use std::time::Duration;

use bollard::container::LogOutput;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use nasiko_engine::{log_options, stamped};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

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
        let options = log_options(query.tail, query.since, query.follow);
        let mut outputs = Box::pin(client.logs(&id, Some(options)));
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

/// The lines, without what the gate says to us: that may stand behind a line that was not ended.
fn split(output: &LogOutput) -> Vec<LogLine> {
    let line = |line: nasiko_engine::Line| {
        let text = match line.text.strip_suffix(gate::LET_GO) {
            Some("") => return None,
            Some(before) => before.to_owned(),
            None => line.text,
        };
        Some(LogLine {
            at: line.at,
            stream: if line.is_error {
                LogStream::Stderr
            } else {
                LogStream::Stdout
            },
            text,
        })
    };
    stamped(output).into_iter().filter_map(line).collect()
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
        assert_eq!(
            lines[0].at,
            nasiko_engine::moment("2026-11-20T10:00:00.5Z").unwrap()
        );
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
