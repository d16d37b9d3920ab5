//! What the services write, interleaved, each in a colour of its own.

use std::collections::HashMap;

use futures::StreamExt;
use nasiko_client::Client;
use nasiko_contract::{FollowStackLogs, GetStack, LogStream, ServiceLogLine, ServiceState};

use crate::{
    arguments::StackLogsArguments,
    documents::ServiceLogDocument,
    failure::Failure,
    output::{Look, Output},
    session::Session,
};

/// How wide the names' column is at most.
const WIDEST: usize = 24;

pub(super) async fn show(
    session: &Session,
    client: &Client,
    words: StackLogsArguments,
) -> Result<(), Failure> {
    let mut paper = Paper {
        output: session.output,
        timestamps: words.timestamps,
        width: 0,
        looks: HashMap::new(),
    };
    if !session.output.json {
        // Asked first, so that the names' column stays as wide as it is at the beginning.
        let stack = client.call(GetStack {}).await?;
        let there = stack
            .services
            .into_iter()
            .filter(|service| service.state != ServiceState::Absent)
            .map(|service| service.service)
            .filter(|name| words.services.is_empty() || words.services.contains(name));
        for name in there {
            paper.look_of(&name);
        }
    }
    let request = FollowStackLogs {
        service: (!words.services.is_empty()).then(|| words.services.join(",")),
        tail: Some(words.tail),
        since: words.since.map(jiff::Timestamp::as_millisecond),
        follow: words.follow,
    };
    let mut lines = client.stream(request).await?;
    while let Some(line) = lines.next().await {
        paper.print(line?.item)?;
    }
    Ok(())
}

/// What lines are written on.
struct Paper {
    output: Output,
    timestamps: bool,
    /// Of the longest name so far.
    width: usize,
    /// Services take turns with the tints.
    looks: HashMap<String, Look>,
}

impl Paper {
    fn look_of(&mut self, service: &str) -> Look {
        let length = service.chars().count().min(WIDEST);
        self.width = self.width.max(length);
        let next = self.looks.len();
        *self
            .looks
            .entry(service.to_owned())
            .or_insert(Look::Tint(next))
    }

    fn print(&mut self, line: ServiceLogLine) -> Result<(), Failure> {
        if self.output.json {
            return self.output.item(&ServiceLogDocument::from(line));
        }
        let look = self.look_of(&line.service);
        let name = format!("{:width$} |", line.service, width = self.width);
        let name = self.output.look(look, &name);
        let text = match line.stream {
            LogStream::Stderr => self.output.look(Look::Busy, &line.text),
            LogStream::Stdout | LogStream::System => line.text,
        };
        match jiff::Timestamp::from_millisecond(line.at) {
            Ok(at) if self.timestamps => self.output.line(format!("{name} {at:.3} {text}")),
            _ => self.output.line(format!("{name} {text}")),
        }
    }
}
