//! Finding out where a container of somebody else answers, and what it is.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use nasiko_contract::{ErrorCode, Fault, Protocol};
use nasiko_runtime::{Instance, InstanceId, Runtime as _};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{plane::Shared, probe};

/// The shortest wait between two tries; it grows with the time that the container has taken.
const FASTEST: Duration = Duration::from_millis(5);
/// The longest wait: one that takes minutes to load is noticed this late at most.
const SLOWEST: Duration = Duration::from_secs(5);
/// After this long without an answer it is looked at which ports the container listens on as well.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(1);

/// What came of looking.
pub(super) enum Look {
    Answers(Found),
    /// It did not answer for as long as an agent may take; it may still come to.
    Late(Fault),
}

/// A container that answers.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) address: SocketAddr,
    /// The card it serves.
    pub(super) card: Option<Value>,
    pub(super) protocol: Protocol,
}

/// Looks in the background until `stop` and says what came of it.
pub(super) fn begin(
    shared: &Arc<Shared>,
    instance: Instance,
    looked: mpsc::Sender<(InstanceId, Look)>,
    stop: CancellationToken,
) {
    let looking = Arc::clone(shared);
    let look = async move {
        let id = instance.id.clone();
        let tell = async |look| drop(looked.send((id.clone(), look)).await);
        let limit = looking.settings.load().start_timeout_seconds;
        let answer = until_it_answers(&looking, &instance);
        let mut answer = std::pin::pin!(answer);
        let in_time =
            tokio::time::timeout(Duration::from_secs(limit.into()), answer.as_mut()).await;
        let found = match in_time {
            Ok(found) => found,
            Err(_) => {
                tell(Look::Late(never_answered(&instance, limit))).await;
                answer.await
            }
        };
        tell(Look::Answers(found)).await;
    };
    shared.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = look => {}
        }
    });
}

/// Tries all places in turn. What serves a card wins over what merely answers, which may be anything.
async fn until_it_answers(shared: &Shared, instance: &Instance) -> Found {
    let begun = Instant::now();
    loop {
        let mut without_card = None;
        for address in places(shared, instance, begun.elapsed()).await {
            if !probe::answers_once(shared, address, None).await {
                continue;
            }
            let (card, protocol) = probe::look_at(shared, address).await;
            let found = Found {
                address,
                card,
                protocol,
            };
            if found.card.is_some() {
                return found;
            }
            without_card.get_or_insert(found);
        }
        if let Some(found) = without_card {
            return found;
        }
        tokio::time::sleep((begun.elapsed() / 8).clamp(FASTEST, SLOWEST)).await;
    }
}

/// Where it may answer: where it says, later also where it listens.
async fn places(shared: &Shared, instance: &Instance, taken: Duration) -> Vec<SocketAddr> {
    let Some(foreign) = &instance.foreign else {
        return Vec::new();
    };
    let mut places = foreign.addresses.clone();
    if let (Some(ip), true) = (foreign.direct, taken > LOOK_ELSEWHERE) {
        for port in shared.docker.listening(&instance.id).await {
            let place = SocketAddr::new(ip, port);
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

fn never_answered(instance: &Instance, seconds: u32) -> Fault {
    let places: Vec<String> = super::show::addresses(instance)
        .iter()
        .map(ToString::to_string)
        .collect();
    if places.is_empty() {
        return Fault::new(
            ErrorCode::AgentUnreachable,
            "Nothing of the container can be reached from this machine",
        )
        .hint("Publish its port on loopback: `docker run --publish 127.0.0.1::8000 …`");
    }
    Fault::new(
        ErrorCode::NeverListened,
        format!("The container runs, but did not answer HTTP within {seconds} s"),
    )
    .hint("Tell its port with the label nasiko.port=…, or publish it")
    .evidence([format!("Tried {}", places.join(", "))])
}
