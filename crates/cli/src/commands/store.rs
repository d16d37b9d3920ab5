//! `nasiko settings set store …`: moving what the control plane remembers.

use std::time::Duration;

use futures::StreamExt;
use indicatif::ProgressBar;
use nasiko_client::{Client, resident};
use nasiko_contract::{
    ErrorCode, Fault, GetStore, MoveProgress, MoveReport, MoveStep, MoveStore, Shutdown,
    StorePlace, StoreStatus,
};

use super::secrets;
use crate::{
    documents::{MoveDocument, PlaceDocument},
    failure::{Failure, usage},
    output::Output,
    session::Session,
};

/// The name among settings.
pub(super) const NAME: &str = "store";
/// Read it from standard input.
const STDIN: &str = "-";
/// How long a control plane may take to end.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Moves the store, or joins a database; then says where it is.
pub(super) async fn set(
    session: &Session,
    to: String,
    redis: Option<String>,
    join: bool,
) -> Result<(), Failure> {
    let (to, redis) = typed(session, to, redis)?;
    // A database that was joined is opened by a control plane that is started anew.
    session.home()?;
    let client = session.attach_or_start().await?;
    let report = follow(session.output, &client, MoveStore { to, redis, join }).await?;
    if report.restart {
        start_anew(session, &client).await?;
    }
    if session.output.json {
        return session.output.document(&MoveDocument::from(report));
    }
    let pieces: u64 = report.counts.values().sum();
    let place = words(&report.place);
    session.output.line(if report.restart {
        format!("The store is {place} from now on; what was there is worked with")
    } else if report.counts.is_empty() {
        format!("The store is {place}")
    } else {
        format!("The store is {place} now; {pieces} pieces copied and compared")
    })?;
    if report.before.location != report.place.location {
        session
            .output
            .say(format!("As it was it stays {}", words(&report.before)));
    }
    Ok(())
}

/// Where the store is.
pub(super) async fn get(client: &Client) -> Result<StoreStatus, Failure> {
    Ok(client.call(GetStore {}).await?)
}

/// A place in words.
pub(super) fn words(place: &StorePlace) -> String {
    let PlaceDocument {
        kind,
        location,
        redis,
        ..
    } = PlaceDocument::from(place.clone());
    match redis {
        Some(redis) => format!("{kind} at {location}, with {redis}"),
        None => format!("{kind} at {location}"),
    }
}

/// Takes from standard input what is not to be seen among the arguments of a process.
fn typed(
    session: &Session,
    to: String,
    redis: Option<String>,
) -> Result<(String, Option<String>), Failure> {
    match (to.as_str(), redis.as_deref()) {
        (STDIN, Some(STDIN)) => Err(usage(
            "Standard input holds one address only",
            "Give one of the two as a word",
        )),
        (STDIN, _) => Ok((secrets::from_stdin(session)?, redis)),
        (_, Some(STDIN)) => Ok((to, Some(secrets::from_stdin(session)?))),
        _ => Ok((to, redis)),
    }
}

async fn follow(
    output: Output,
    client: &Client,
    request: MoveStore,
) -> Result<MoveReport, Failure> {
    let view = View::new(output);
    let mut items = client.stream(request).await?;
    let mut report = None;
    while let Some(item) = items.next().await {
        let progress = item.map_err(Failure::Work)?.item;
        view.show(&progress);
        report = progress.report;
    }
    view.bar.finish_and_clear();
    report.ok_or_else(|| {
        let broken = Fault::new(
            ErrorCode::Unreachable,
            "The control plane ended before the move did",
        );
        broken
            .hint("Where the store is says `nasiko settings`")
            .into()
    })
}

/// The database that was joined is opened by the next control plane.
async fn start_anew(session: &Session, client: &Client) -> Result<(), Failure> {
    if session.output.is_watched() {
        session.output.say("Starting the control plane anew…");
    }
    let stop_agents = false;
    client.call(Shutdown { stop_agents }).await?;
    resident::ended(session.home()?, END_LIMIT).await?;
    session.attach_or_start().await?;
    Ok(())
}

/// A bar where a person watches, lines where not.
struct View {
    output: Output,
    bar: ProgressBar,
    said: std::cell::Cell<Option<MoveStep>>,
}

impl View {
    fn new(output: Output) -> Self {
        Self {
            output,
            bar: output.bar(),
            said: std::cell::Cell::default(),
        }
    }

    fn show(&self, progress: &MoveProgress) {
        let step = match progress.step {
            MoveStep::Preparing => "Reaching the new place",
            MoveStep::Copying => "Copying",
            MoveStep::Comparing => "Comparing",
            MoveStep::Switching => "Going over",
        };
        self.bar.set_length(progress.total.max(progress.done));
        self.bar.set_position(progress.done);
        self.bar.set_message(step);
        let is_news = self.said.replace(Some(progress.step)) != Some(progress.step);
        if is_news && !self.output.is_watched() && !self.output.json {
            self.output.say(step);
        }
    }
}
