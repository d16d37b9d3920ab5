//! `dev`: deploy a folder, keep it live, and show in one place what each save did, what the agent writes, and how the
//! pinned questions come out.

use std::{io::IsTerminal, time::Duration};

use console::{Key, Term};
use futures::{StreamExt, stream::BoxStream};
use nasiko_client::Client;
use nasiko_contract::{
    AgentName, DeployDirectory, Event, Fault, FollowAgentLogs, FollowEvents, GetWatch, LogLine,
    LogStream, Pin, PinState, RebuildAgent, RestartAgent, RunPins, StopWatch, Update, UpdateState,
    WatchMode,
};
use tokio::sync::mpsc;

use super::{agents, deploy, live, pins, plane};
use crate::{
    arguments::DevArguments,
    documents::{DevDocument, LogDocument},
    failure::{Failure, usage},
    output::{Look, Output},
    session::{COMES_BACK, Session},
    source::absolute,
};

/// Keys that may wait to be acted upon.
const WAITING_KEYS: usize = 16;
/// The pause before a broken stream is taken up again.
const PAUSE: Duration = Duration::from_millis(200);

pub(crate) async fn dev(session: &Session, words: DevArguments) -> Result<(), Failure> {
    session.shares_files()?;
    let directory_path = absolute(&words.path)?;
    if !fs_err::metadata(&directory_path).is_ok_and(|found| found.is_dir()) {
        return Err(usage(
            format!("`{}` is no folder", words.path.display()),
            "`nasiko deploy` takes archives and repositories; only a folder can be watched",
        ));
    }
    let mut options = words.options.read()?;
    options.watch = Some(true);
    let client = session.attach_or_start().await?;
    let known = agents::all(&client).await?;
    let was_watched = known
        .iter()
        .any(|agent| agent.watched && agent.source == directory_path);
    let request = DeployDirectory {
        directory_path,
        options,
    };
    let accepted = client.call(request).await.map_err(deploy::refused)?;
    // From before the deploy's end on, so that no save falls in between.
    let events = client.stream(FollowEvents { after: None }).await?;
    let (agent, document) = deploy::made(session, &client, accepted).await?;
    let watch = client
        .call(GetWatch {
            agent: agent.clone(),
        })
        .await?;
    let output = session.output;
    let url = document.url.clone();
    if output.json {
        output.item(&DevDocument::Ready(document))?;
    } else {
        output.line(format!(
            "{} answers at {}",
            output.look(Look::Bold, agent.as_str()),
            document.url
        ))?;
        output.line(live::sentence(&watch))?;
    }
    let view = Dev {
        session,
        agent,
        url,
        logs: !words.no_logs,
        was_watched,
    };
    view.run(client, events.boxed()).await
}

struct Dev<'a> {
    session: &'a Session,
    agent: AgentName,
    url: String,
    logs: bool,
    /// Then it stays so when we leave.
    was_watched: bool,
}

/// What is shown next.
enum Shown {
    Event(Box<Event>),
    Line(LogLine),
    Broken(Fault),
}

impl Dev<'_> {
    async fn run(
        &self,
        mut client: Client,
        first: BoxStream<'static, Result<nasiko_client::Streamed<Event>, Fault>>,
    ) -> Result<(), Failure> {
        let mut keys = keys(self.session.output);
        if keys.is_some() {
            self.help();
        }
        let mut seen = None;
        let mut shown = self.follow(&client, Some(first), seen).await?;
        loop {
            tokio::select! {
                biased;
                _ = tokio::signal::ctrl_c() => return self.leave(&client).await,
                key = pressed(&mut keys) => {
                    if self.act(&client, key).await {
                        return self.leave(&client).await;
                    }
                }
                next = shown.next() => match next.unwrap_or_else(|| Shown::Broken(gone())) {
                    Shown::Event(event) => {
                        seen = Some(event.seq);
                        self.event(*event)?;
                    }
                    Shown::Line(line) => self.line(line)?,
                    Shown::Broken(fault) => {
                        client = self.come_back(fault).await?;
                        shown = self.follow(&client, None, seen).await?;
                    }
                },
            }
        }
    }

    /// Everything about the agent from here on.
    async fn follow(
        &self,
        client: &Client,
        events: Option<BoxStream<'static, Result<nasiko_client::Streamed<Event>, Fault>>>,
        after: Option<u64>,
    ) -> Result<BoxStream<'static, Shown>, Failure> {
        let events = match events {
            Some(events) => events,
            None => client.stream(FollowEvents { after }).await?.boxed(),
        };
        let events = events.map(|event| match event {
            Ok(event) => Shown::Event(Box::new(event.item)),
            Err(fault) => Shown::Broken(fault),
        });
        if !self.logs {
            return Ok(events.boxed());
        }
        let request = FollowAgentLogs {
            agent: self.agent.clone(),
            tail: Some(0),
            follow: true,
        };
        let lines = client
            .stream(request)
            .await?
            .filter_map(async |line| line.ok().map(|line| Shown::Line(line.item)));
        // The log may end (the agent was removed); the events' end is the control plane's.
        let lines = lines.chain(futures::stream::pending());
        Ok(futures::stream::select(events, lines.boxed()).boxed())
    }

    /// A control plane that was restarted is back soon.
    async fn come_back(&self, fault: Fault) -> Result<Client, Failure> {
        let came_back = async {
            loop {
                tokio::time::sleep(PAUSE).await;
                if let Ok(client) = self.session.attach().await {
                    return client;
                }
            }
        };
        tokio::select! {
            client = tokio::time::timeout(COMES_BACK, came_back) => client.map_err(|_| fault.into()),
            _ = tokio::signal::ctrl_c() => Err(fault.into()),
        }
    }

    fn event(&self, event: Event) -> Result<(), Failure> {
        if event.subject != self.agent.as_str() {
            return Ok(());
        }
        let output = self.session.output;
        match event.topic.as_str() {
            "update.changed" => {
                let Ok(update) = serde_json::from_value::<Update>(event.data) else {
                    return Ok(());
                };
                if output.json {
                    return output.item(&DevDocument::Update(Box::new(update.into())));
                }
                // That it began is worth a line only where it takes long.
                if update.state != UpdateState::Applying || update.job.is_some() {
                    for line in live::lines(output, &update, output.verbose) {
                        output.line(line)?;
                    }
                }
            }
            "pin.changed" => {
                let Ok(pin) = serde_json::from_value::<Pin>(event.data) else {
                    return Ok(());
                };
                if matches!(pin.state, PinState::Waiting | PinState::Asking) {
                    return Ok(());
                }
                if output.json {
                    return output.item(&DevDocument::Pin(Box::new(pin.into())));
                }
                output.line(format!("          {}", pins::line(output, &pin)))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn line(&self, line: LogLine) -> Result<(), Failure> {
        let output = self.session.output;
        if output.json {
            return output.item(&DevDocument::Log(LogDocument::from(line)));
        }
        let look = match line.stream {
            LogStream::Stderr => Look::Busy,
            LogStream::Stdout | LogStream::System => Look::Dim,
        };
        output.line(format!("          {}", output.look(look, &line.text)))
    }

    fn help(&self) {
        self.session.output.say(self.session.output.talk_look(
            Look::Dim,
            "r restart · b rebuild · p ask the pinned questions · o open the agent's card · q leave",
        ));
    }

    /// Does what a key asks for; whether it is to end.
    async fn act(&self, client: &Client, key: Key) -> bool {
        let agent = self.agent.clone();
        let output = self.session.output;
        let (said, asked) = match key {
            Key::Char('q') | Key::Escape | Key::CtrlC => return true,
            Key::Char('r') => (
                "Restarting",
                client.call(RestartAgent { agent }).await.map(drop),
            ),
            Key::Char('b') => (
                "Rebuilding",
                client.call(RebuildAgent { agent }).await.map(drop),
            ),
            Key::Char('p') => (
                "Asking the pinned questions",
                client.call(RunPins { agent }).await.map(drop),
            ),
            Key::Char('o') => {
                let card = format!("{}/.well-known/agent-card.json", self.url);
                if !plane::show_in_browser(&card) {
                    output.say(card);
                }
                return false;
            }
            _ => {
                self.help();
                return false;
            }
        };
        match asked {
            Ok(()) => output.say(output.talk_look(Look::Dim, said)),
            Err(fault) => output.failure(&Failure::Fault(fault)),
        }
        false
    }

    /// Nobody looks any more: the agent goes on running, its folder is left alone.
    async fn leave(&self, client: &Client) -> Result<(), Failure> {
        if self.was_watched {
            return Ok(());
        }
        let agent = self.agent.clone();
        let watch = client.call(StopWatch { agent }).await?;
        if watch.mode == WatchMode::Off && !self.session.output.json {
            self.session.output.say(format!(
                "{0} goes on running, no longer watched: `nasiko stop {0}` ends it",
                self.agent
            ));
        }
        Ok(())
    }
}

fn gone() -> Fault {
    Fault::new(
        nasiko_contract::ErrorCode::Unreachable,
        "The control plane ended",
    )
}

/// The keys a person presses, where one sits at the terminal.
fn keys(output: Output) -> Option<mpsc::Receiver<Key>> {
    if !output.is_watched() || !std::io::stdin().is_terminal() {
        return None;
    }
    let (sender, keys) = mpsc::channel(WAITING_KEYS);
    // Its last read waits for ever: the program's end does not wait for it.
    tokio::task::spawn_blocking(move || {
        let terminal = Term::stderr();
        while let Ok(key) = terminal.read_key() {
            if sender.blocking_send(key).is_err() {
                return;
            }
        }
        let _ = sender.blocking_send(Key::CtrlC);
    });
    Some(keys)
}

async fn pressed(keys: &mut Option<mpsc::Receiver<Key>>) -> Key {
    if let Some(keys) = keys
        && let Some(key) = keys.recv().await
    {
        return key;
    }
    std::future::pending().await
}
