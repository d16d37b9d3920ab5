//! A made-up control plane in the page itself, to look at every state without a real one. Compiled with the feature
//! `fixtures` alone, and used by pages opened with `?fixture` in their address.

mod doctor;
mod figures;
mod inbox;
mod live;
mod pins;
mod records;
mod settings;
mod stack;

use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use gloo_timers::future::TimeoutFuture;
use nasiko_client::{BoxFuture, BoxStream, Call, Frame, Transport, UploadFile};
use nasiko_contract::{ErrorCode, Fault};
use serde_json::{Value, json};
pub(crate) use settings::contexts;

/// Between two pieces of an answer.
const PIECE: Duration = Duration::from_millis(60);

/// Milliseconds between two saves, and between two steps of one.
const BETWEEN_SAVES: u32 = 2_500;
const STEP: u32 = 350;

/// Answers every operation that the pages call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixtureTransport {
    /// There is no agent yet.
    empty: bool,
    /// Nor anything that runs the samples.
    bare: bool,
    /// There are ten thousand agents.
    many: bool,
    /// Something is saved again and again.
    saving: bool,
    /// Nobody answers.
    unreachable: bool,
    /// The page is not let in.
    refused: bool,
}

impl FixtureTransport {
    /// What the query of the page's address asks for: `?fixture`, `?fixture=empty`, `=bare`, `=many`, `=saving`,
    /// `=unreachable`, `=refused`.
    pub(crate) fn of_query(query: &str) -> Option<Self> {
        let (_, rest) = query.split_once("fixture")?;
        let kind = rest
            .trim_start_matches('=')
            .split('&')
            .next()
            .unwrap_or_default();
        Some(Self {
            empty: kind == "empty" || kind == "bare",
            bare: kind == "bare",
            many: kind == "many",
            saving: kind == "saving",
            unreachable: kind == "unreachable",
            refused: kind == "refused",
        })
    }

    fn answer(self, call: &Call) -> Result<Value, Fault> {
        let list = |items: Value| json!({ "items": items });
        let parts: Vec<&str> = call.target.split(['/', '?']).collect();
        let part = |at: usize| parts.get(at).copied().unwrap_or_default();
        Ok(match call.info.name {
            "status.get" => records::status(),
            "stack.get" => stack::stack(self.empty),
            "agents.list" | "jobs.list" | "dead_letters.list" if self.empty => list(json!([])),
            "agents.list" if self.many => list(figures::many_agents()),
            "agents.list" => list(records::agents()),
            "agents.get" => records::agent_detail(part(4)).ok_or_else(|| {
                Fault::new(
                    ErrorCode::AgentNotFound,
                    format!("There is no agent {}", part(4)),
                )
                .hint("Did you mean invoice-reader?")
            })?,
            "jobs.list" => {
                let mut jobs = records::jobs();
                if let Some(jobs) = jobs.as_array_mut() {
                    jobs.insert(0, stack::job());
                }
                list(jobs)
            }
            "dead_letters.list" => list(records::dead_letters()),
            "sessions.list" if part(4).contains("invoice") || part(5).contains("invoice") => {
                list(records::sessions())
            }
            "sessions.list" if !call.target.contains("agent=") => {
                list(records::all_sessions(self.many))
            }
            "sessions.list" => list(json!([])),
            "sessions.create" => records::sessions()[0].clone(),
            "messages.list" => list(records::messages()),
            "traces.list" => list(records::traces()),
            "traces.get" => records::trace(part(4)),
            "samples.list" => list(figures::samples(self.bare)),
            "samples.deploy" => records::deploy_job(),
            "inspect.run" => records::inspection(call.body.as_ref())?,
            "watch.get" => live::watch(part(4), None),
            "watch.start" => live::watch(part(4), Some(true)),
            "watch.stop" => live::watch(part(4), Some(false)),
            "updates.list" => live::updates(part(4), parts.last().copied().unwrap_or_default()),
            "pins.list" | "pins.run" => list(pins::of_agent(part(4))),
            "pins.create" => {
                let text = call.body.as_ref().and_then(|body| body["text"].as_str());
                pins::made(text.unwrap_or_default())
            }
            "pins.accept" => pins::of_id(part(6)),
            "pins.answers" => list(pins::answers(part(6))),
            "sessions.delete" | "sessions.cancel" | "pins.delete" => json!({}),
            "intake.directory" => records::deploy_job(),
            "settings.get" | "settings.patch" => settings::settings(call.body.as_ref())?,
            "doctor.run" => doctor::checkup(&call.target),
            "doctor.last" => doctor::last(),
            "doctor.fix" => doctor::fixed(),
            "doctor.report" => doctor::report(),
            "notices.list" => list(inbox::notices(self.empty)),
            "notices.read" | "notices.clear" | "notices.restore" => json!({ "changed": 3 }),
            "login.get" | "login.set" => settings::login(call.body.as_ref()),
            "store.get" => settings::store(),
            "secrets.list" => list(settings::secrets(self.empty)),
            "vault.get" => settings::vault(),
            "registry.list" => list(settings::registry(self.empty)),
            "registry.get" => settings::entry(part(4)),
            _ => {
                return Err(Fault::new(
                    ErrorCode::WrongState,
                    format!("The gallery does not do {}", call.info.name),
                ));
            }
        })
    }

    fn admit(self) -> Result<(), Fault> {
        if self.unreachable {
            return Err(Fault::new(
                ErrorCode::Unreachable,
                "The control plane cannot be reached",
            )
            .retryable());
        }
        if self.refused {
            return Err(
                Fault::new(ErrorCode::Unauthenticated, "There is no valid session")
                    .hint("Open the link that the command line prints"),
            );
        }
        Ok(())
    }
}

/// Saves without end, as the event log tells of them.
fn saving() -> BoxStream<Result<Frame, Fault>> {
    stream::iter(0_i64..)
        .flat_map(|number| stream::iter(live::course(number)))
        .enumerate()
        .then(|(at, update)| async move {
            TimeoutFuture::new(if at % 4 == 0 { BETWEEN_SAVES } else { STEP }).await;
            let event = json!({
                "seq": at + 1, "at": update["at"], "topic": "update.changed", "subject": "invoice-reader", "data": update,
            });
            Ok(frame(&event))
        })
        .boxed_local()
}

/// What a stream says.
fn items(call: &Call) -> BoxStream<Result<Frame, Fault>> {
    let replay = |items: Vec<Value>| stream::iter(items).map(|item| Ok(frame(&item)));
    match call.info.name {
        "agents.logs" => replay(records::log_lines())
            .chain(stream::pending())
            .boxed_local(),
        "figures.follow" => figures::course().map(|item| Ok(frame(&item))).boxed_local(),
        "agents.stats" => replay(records::stats())
            .chain(stream::pending())
            .boxed_local(),
        "logs.follow" => replay(records::lines_of_all())
            .chain(stream::pending())
            .boxed_local(),
        "stack.logs" => replay(stack::log_lines())
            .chain(stream::pending())
            .boxed_local(),
        "stack.stats" => replay(stack::stats())
            .chain(stream::pending())
            .boxed_local(),
        "stack.progress" => replay(vec![stack::progress()])
            .chain(stream::pending())
            .boxed_local(),
        "doctor.examine" => replay(doctor::course(&call.target)).boxed_local(),
        "jobs.log" => replay(records::job_log()).boxed_local(),
        "messages.send" => stream::iter(records::answer(call.body.as_ref()))
            .then(|item| async move {
                TimeoutFuture::new(u32::try_from(PIECE.as_millis()).unwrap_or(60)).await;
                Ok(frame(&item))
            })
            .boxed_local(),
        _ => stream::pending().boxed_local(),
    }
}

fn frame(item: &Value) -> Frame {
    Frame {
        id: String::new(),
        event: String::new(),
        data: item.to_string(),
    }
}

impl Transport for FixtureTransport {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        let answer = self
            .admit()
            .and_then(|()| self.answer(&call))
            .map(|answer| answer.to_string().into_bytes());
        async move { answer }.boxed_local()
    }

    fn stream(&self, call: Call) -> BoxFuture<'_, Result<BoxStream<Result<Frame, Fault>>, Fault>> {
        let items = self.admit().map(|()| match call.info.name {
            "events.follow" if self.saving => saving(),
            _ => items(&call),
        });
        async move { items }.boxed_local()
    }

    fn upload(&self, _call: Call, _file: UploadFile) -> BoxFuture<'_, Result<Vec<u8>, Fault>> {
        let fault = Fault::new(ErrorCode::WrongState, "The gallery takes no files");
        async move { Err(fault) }.boxed_local()
    }
}
