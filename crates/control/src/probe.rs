//! Waiting until an instance answers: any HTTP answer on its port, or a success on the path the manifest names.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::StreamExt;
use nasiko_a2a::{AgentClient, Card, Dialect, Hints, card::MAX_CARD_BYTES};
use nasiko_contract::{Culprit, ErrorCode, Fault, Protocol, RuntimeKind};
use nasiko_runtime::{Exit, Instance, LogQuery, Runtime, diagnose, port_owner};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    plane::{Shared, cancelled},
    records::RunPlan,
};

/// The wait between two tries at first, when what waited warm is about to answer.
const FASTEST: Duration = Duration::from_millis(2);
/// For how long they come that fast; then the waits grow with the time that the start has taken.
const AT_FIRST: Duration = Duration::from_millis(100);
/// The longest wait between two tries: an answer is noticed this late at most.
const SLOWEST: Duration = Duration::from_millis(50);
/// How long one try may take.
const ONE_TRY: Duration = Duration::from_secs(2);
/// After this long without an answer it is looked at which ports the program listens on instead.
const LOOK_ELSEWHERE: Duration = Duration::from_millis(1_500);
/// How long until that is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long an agent that answers may take to serve its card.
const CARD_LIMIT: Duration = Duration::from_secs(5);
/// Lines of its log shown when it never listened.
const LAST_LINES: usize = 20;

/// An instance that answers.
pub(crate) struct Answering {
    pub(crate) address: SocketAddr,
    /// The card it serves.
    pub(crate) card: Option<Value>,
    pub(crate) protocol: Protocol,
}

/// What came of waiting.
pub(crate) enum Outcome {
    Answers(Answering),
    /// It listens inside of its container on a port that is not published.
    ListensElsewhere(u16),
}

/// Waits until `instance` answers; `published` is the port of a container that can be reached. Ends early when it exits, when `cancel` is cancelled, and after the plan's limit.
pub(crate) async fn until_it_answers(
    shared: &Shared,
    runtime: &dyn Runtime,
    instance: &Instance,
    plan: &RunPlan,
    published: Option<u16>,
    cancel: &CancellationToken,
) -> Result<Outcome, Fault> {
    let limit = plan.start_timeout(&shared.settings.load());
    let stop_waiting = CancellationToken::new();
    let _stop = stop_waiting.clone().drop_guard();
    tokio::select! {
        () = cancel.cancelled() => Err(cancelled()),
        exit = runtime.wait_exit(&instance.id, &stop_waiting) => Err(ended(&exit?, plan.runtime).await),
        outcome = answers(shared, runtime, instance, plan, published) => outcome,
        () = tokio::time::sleep(limit) => Err(never_listened(runtime, instance, limit).await),
    }
}

async fn answers(
    shared: &Shared,
    runtime: &dyn Runtime,
    instance: &Instance,
    plan: &RunPlan,
    published: Option<u16>,
) -> Result<Outcome, Fault> {
    let Some(mut address) = instance.address else {
        // It ended before it was asked where it is; how it ended is what will be told.
        return std::future::pending().await;
    };
    let expected = published.unwrap_or(address.port());
    let begun = Instant::now();
    let mut look_elsewhere = begun + LOOK_ELSEWHERE;
    loop {
        if let Some(said) = answer_of(shared, address, plan.ready.as_deref()).await {
            let (card, protocol) = match said {
                Some(card) => {
                    let protocol = protocol(&card.dialect());
                    (Some(card.into_value()), protocol)
                }
                None => look_at(shared, address).await,
            };
            return Ok(Outcome::Answers(Answering {
                address,
                card,
                protocol,
            }));
        }
        if Instant::now() > look_elsewhere {
            look_elsewhere = Instant::now() + LOOK_AGAIN;
            let ports = runtime.listening(&instance.id).await;
            let elsewhere = best(&ports, &plan.ports).filter(|_| !ports.contains(&expected));
            match (plan.runtime, elsewhere) {
                // A program that does not care for PORT: where it listens is where it is called.
                (RuntimeKind::Process, elsewhere) => {
                    address.set_port(elsewhere.unwrap_or(expected));
                }
                (RuntimeKind::Docker, Some(port)) => return Ok(Outcome::ListensElsewhere(port)),
                (RuntimeKind::Docker, None) => {}
            }
        }
        tokio::time::sleep(wait_after(begun.elapsed())).await;
    }
}

/// The wait until the next try of a start that has taken so long.
fn wait_after(taken: Duration) -> Duration {
    if taken < AT_FIRST {
        FASTEST
    } else {
        (taken / 16).clamp(FASTEST, SLOWEST)
    }
}

/// Of the ports a program listens on: one that the folder names, else the lowest.
pub(crate) fn best(listening: &[u16], named: &[u16]) -> Option<u16> {
    named
        .iter()
        .find(|port| listening.contains(port))
        .or(listening.first())
        .copied()
}

/// Whether `address` answers HTTP; on the path `ready`, with a success.
pub(crate) async fn answers_once(
    shared: &Shared,
    address: SocketAddr,
    ready: Option<&str>,
) -> bool {
    answer_of(shared, address, ready).await.is_some()
}

/// None if it does not answer; else its card, if that was the answer.
async fn answer_of(
    shared: &Shared,
    address: SocketAddr,
    ready: Option<&str>,
) -> Option<Option<Card>> {
    // A connect costs less than a request, and most tries end here. It is given up before the request is sent: a
    // program that serves one connection at a time would wait for this one.
    let connected = tokio::time::timeout(ONE_TRY, tokio::net::TcpStream::connect(address)).await;
    match connected {
        Ok(Ok(connection)) => drop(connection),
        Ok(Err(_)) | Err(_) => return None,
    }
    let path = ready.unwrap_or("/.well-known/agent-card.json");
    let url = format!("http://{address}/{}", path.trim_start_matches('/'));
    let response = shared.http.get(url).timeout(ONE_TRY).send().await.ok()?;
    if ready.is_some() {
        return response.status().is_success().then_some(None);
    }
    Some(card_in(response).await)
}

/// The card that an answer holds, if it is one.
async fn card_in(mut response: reqwest::Response) -> Option<Card> {
    if !response.status().is_success() {
        return None;
    }
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > MAX_CARD_BYTES {
            return None;
        }
    }
    // Programs that answer every path with some page or status are looked at more closely.
    Card::parse(&body)
        .ok()
        .filter(|card| card.name().is_some() || !card.interfaces().is_empty())
}

/// The card it serves and what it speaks.
pub(crate) async fn look_at(shared: &Shared, address: SocketAddr) -> (Option<Value>, Protocol) {
    let Ok(client) = AgentClient::new(
        shared.http.clone(),
        &format!("http://{address}"),
        Hints::default(),
    ) else {
        return (None, Protocol::Unknown);
    };
    match tokio::time::timeout(CARD_LIMIT, client.fetch_card()).await {
        Ok(Ok(card)) => {
            let protocol = protocol(&card.dialect());
            (Some(card.into_value()), protocol)
        }
        Ok(Err(_)) | Err(_) => (None, Protocol::Unknown),
    }
}

/// A dialect in the words of the API.
pub(crate) fn protocol(dialect: &Dialect) -> Protocol {
    match dialect {
        Dialect::V1 | Dialect::HttpJson => Protocol::A2aV1,
        Dialect::V0 => Protocol::A2aV0,
        Dialect::RestChat { .. } => Protocol::Rest,
        Dialect::OpenAiChat => Protocol::Openai,
    }
}

/// The fault of an instance that ended before or after it answered.
pub(crate) async fn ended(exit: &Exit, place: RuntimeKind) -> Fault {
    let diagnosis = diagnose(exit);
    let taken = match diagnosis.culprit {
        Some(Culprit::Port { number }) => Some(number),
        _ => None,
    };
    let fault = Fault::from(diagnosis);
    // A container's ports are its own: who holds them here says nothing.
    if let (RuntimeKind::Process, Some(port)) = (place, taken)
        && let Ok(Some(owner)) = tokio::task::spawn_blocking(move || port_owner(port)).await
    {
        return fault.evidence([format!("Port {port} is held by {owner}")]);
    }
    fault
}

async fn never_listened(runtime: &dyn Runtime, instance: &Instance, limit: Duration) -> Fault {
    let ports = runtime.listening(&instance.id).await;
    let expected = instance.address.map_or(0, |address| address.port());
    let seconds = limit.as_secs();
    let mut evidence = vec![match ports.as_slice() {
        [] => "It listens on no port at all".to_owned(),
        ports => format!(
            "It listens on {}",
            ports
                .iter()
                .map(u16::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }];
    evidence.extend(last_lines(runtime, instance).await);
    let message = if ports.is_empty() {
        format!("The program runs, but did not listen on a port within {seconds} s")
    } else {
        format!("The program listens, but did not answer HTTP within {seconds} s")
    };
    Fault::new(ErrorCode::NeverListened, message)
        .hint(format!(
            "It is told its port in the variable PORT (here {expected}): listen there, or name its port in nasiko.toml \
             ([run] port = …)"
        ))
        .evidence(evidence)
}

async fn last_lines(runtime: &dyn Runtime, instance: &Instance) -> Vec<String> {
    let query = LogQuery {
        tail: Some(LAST_LINES),
        follow: false,
        since: None,
    };
    match runtime.logs(&instance.id, query).await {
        Ok(lines) => lines.take(LAST_LINES).map(|line| line.text).collect().await,
        Err(_) => Vec::new(),
    }
}

/// The fault of a program that listens on a port that nothing names.
pub(crate) fn wrong_port(expected: u16, found: u16) -> Fault {
    Fault::new(
        ErrorCode::NeverListened,
        format!("The program was expected on port {expected} and listens on {found}"),
    )
    .hint(
        "Listen on the port in the variable PORT, or name the port in nasiko.toml ([run] port = …)",
    )
}

#[cfg(test)]
mod tests {
    use super::{AT_FIRST, Duration, FASTEST, SLOWEST, best, wait_after};

    #[test]
    fn tries_come_fast_at_first_and_ever_more_slowly() {
        assert_eq!(wait_after(Duration::ZERO), FASTEST);
        assert_eq!(wait_after(AT_FIRST / 2), FASTEST);
        assert!(wait_after(AT_FIRST) < wait_after(AT_FIRST * 2));
        assert_eq!(wait_after(Duration::from_secs(60)), SLOWEST);
    }

    #[test]
    fn a_port_that_the_folder_names_is_better_than_the_lowest() {
        assert_eq!(best(&[3000, 8000, 9000], &[9000, 8000]), Some(9000));
        assert_eq!(best(&[3000, 8000], &[5000]), Some(3000));
        assert_eq!(best(&[3000], &[]), Some(3000));
        assert_eq!(best(&[], &[8000]), None);
    }
}
