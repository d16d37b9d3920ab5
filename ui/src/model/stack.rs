//! The local stack in the words, states and groups of its page.

use nasiko_contract::{
    Fault, Job, JobKind, JobState, ServiceHealth, ServicePhase, ServiceProgress, ServiceState,
    Stack, StackService,
};

use crate::{
    model::{format, tone::Tone},
    words::stack_states::{self as words, phase, service},
};

/// Exit codes of containers that were asked to end: the signals that stop one.
const STOPPED: [i64; 2] = [128 + 9, 128 + 15];
/// The product's own Compose file among those of a stack.
const PRODUCT_FILE: &str = "stack.yml";

/// Services that are brought up together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// The profile; none for the services of a person's files that always belong to the stack.
    pub(crate) profile: Option<String>,
    /// It was brought up, and not taken down since.
    pub(crate) on: bool,
    /// Its services, in the order of the files.
    pub(crate) services: Vec<String>,
}

/// The services by profile; a service of several is in the first of them.
pub(crate) fn groups(stack: &Stack) -> Vec<Group> {
    let of = |profile: Option<&str>| -> Vec<String> {
        let services = stack.services.iter();
        services
            .filter(|service| service.profiles.first().map(String::as_str) == profile)
            .map(|service| service.service.clone())
            .collect()
    };
    let always = Group {
        profile: None,
        on: stack.on,
        services: of(None),
    };
    let profiles = stack.profiles.iter().map(|profile| Group {
        profile: Some(profile.name.clone()),
        on: profile.enabled,
        services: of(Some(&profile.name)),
    });
    std::iter::once(always)
        .chain(profiles)
        .filter(|group| !group.services.is_empty())
        .collect()
}

/// What a profile of the product is for.
pub(crate) fn purpose(profile: &str) -> &'static str {
    match profile {
        "core" => words::CORE,
        "traces" => words::TRACES,
        "gateway-kong" => words::GATEWAY,
        _ => "",
    }
}

/// The person's own Compose files.
pub(crate) fn own_files(stack: &Stack) -> Vec<String> {
    let files = stack.files.iter();
    files
        .filter(|file| *file != PRODUCT_FILE)
        .cloned()
        .collect()
}

/// A service's state: what a job is doing with it wins over what it is.
pub(crate) fn state(service: &StackService, doing: Option<&ServiceProgress>) -> (Tone, String) {
    if let Some((tone, words)) = doing.and_then(phase) {
        return (tone, words);
    }
    let (tone, word) = match (service.state, service.health, service.exit_code) {
        (ServiceState::Absent, ..) => (Tone::Idle, service::NOT_RUNNING),
        (ServiceState::Created, ..) => (Tone::Idle, service::CREATED),
        (ServiceState::Running, ServiceHealth::None, _) => (Tone::Ok, service::RUNNING),
        (ServiceState::Running, ServiceHealth::Starting, _) => (Tone::Busy, service::STARTING),
        (ServiceState::Running, ServiceHealth::Healthy, _) => (Tone::Ok, service::HEALTHY),
        (ServiceState::Running, ServiceHealth::Unhealthy, _) => (Tone::Bad, service::UNHEALTHY),
        (ServiceState::Restarting, ..) => (Tone::Bad, service::RESTARTING),
        (ServiceState::Paused, ..) => (Tone::Idle, service::PAUSED),
        (ServiceState::Exited, _, Some(0)) => (Tone::Idle, service::ENDED_WELL),
        (ServiceState::Exited, _, Some(code)) if STOPPED.contains(&code) => {
            (Tone::Idle, service::STOPPED)
        }
        (ServiceState::Exited, _, Some(code)) => {
            return (Tone::Bad, service::exited(code));
        }
        (ServiceState::Exited, _, None) => (Tone::Bad, service::DEAD),
    };
    (tone, word.to_owned())
}

/// What a job is doing with a service; nothing once it has done it.
fn phase(doing: &ServiceProgress) -> Option<(Tone, String)> {
    let word = match doing.phase {
        ServicePhase::Waiting => {
            return Some((Tone::Busy, capitalised(&doing.note, phase::WAITING)));
        }
        ServicePhase::Pulling => match (doing.bytes, doing.total_bytes) {
            (Some(bytes), Some(total)) if total > 0 => {
                return Some((
                    Tone::Busy,
                    phase::pulling(&format::bytes(bytes), &format::bytes(total)),
                ));
            }
            _ => phase::PULLING,
        },
        ServicePhase::Building => phase::BUILDING,
        ServicePhase::Creating => phase::CREATING,
        ServicePhase::Stopping => phase::STOPPING,
        ServicePhase::Starting => phase::STARTING,
        ServicePhase::Checking => phase::CHECKING,
        ServicePhase::Failed => return Some((Tone::Bad, phase::FAILED.to_owned())),
        ServicePhase::Ready | ServicePhase::Removed => return None,
    };
    Some((Tone::Busy, word.to_owned()))
}

/// `words` as the beginning of a sentence, or `instead` where there are none.
fn capitalised(words: &str, instead: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => instead.to_owned(),
    }
}

/// How much of a service's image is here, 0 to 1, while it is pulled.
pub(crate) fn pulled(doing: &ServiceProgress) -> Option<f64> {
    let (bytes, total) = (doing.bytes?, doing.total_bytes?);
    (doing.phase == ServicePhase::Pulling && total > 0).then(|| bytes as f64 / total as f64)
}

/// Whether its container runs.
pub(crate) fn runs(service: &StackService) -> bool {
    matches!(
        service.state,
        ServiceState::Running | ServiceState::Restarting
    )
}

/// Whether there is anything of it in the engine.
pub(crate) fn is_there(stack: &Stack) -> bool {
    let mut services = stack.services.iter();
    services.any(|service| service.state != ServiceState::Absent) || !stack.orphans.is_empty()
}

/// Whether there is something of it to be taken down.
pub(crate) fn can_go(stack: &Stack) -> bool {
    stack.on || is_there(stack) || !stack.volumes.is_empty()
}

/// Services that are as they should be, of those that have a container.
pub(crate) fn counts<'a>(services: impl IntoIterator<Item = &'a StackService>) -> (usize, usize) {
    let is_there = |service: &&StackService| service.state != ServiceState::Absent;
    let is_well = |service: &StackService| {
        let (tone, _) = state(service, None);
        tone == Tone::Ok || (service.state == ServiceState::Exited && service.exit_code == Some(0))
    };
    let there = services.into_iter().filter(is_there);
    there.fold((0, 0), |(well, all), service| {
        (well + usize::from(is_well(service)), all + 1)
    })
}

/// An address that a service is published at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// As it is reached from this machine: `127.0.0.1:6379`.
    pub(crate) reached: String,
    /// As it is read in a row: `:6379`, with the host where it is not this machine's own.
    pub(crate) shown: String,
    /// Where a browser may open it; none where it does not speak TCP.
    pub(crate) url: Option<String>,
    /// What it leads to in the container: `6379/tcp`.
    pub(crate) target: String,
}

/// Reads `127.0.0.1:6379->6379/tcp`. One address of a port that is published on both families is enough.
pub(crate) fn addresses(ports: &[String]) -> Vec<Address> {
    let mut addresses: Vec<Address> = Vec::new();
    for port in ports {
        let Some((host, target)) = port.split_once("->") else {
            continue;
        };
        let (name, number) = host.rsplit_once(':').unwrap_or(("", host));
        let reached = match name {
            // Published everywhere, so here too.
            "" | "0.0.0.0" | "[::]" => format!("127.0.0.1:{number}"),
            _ => host.to_owned(),
        };
        let address = Address {
            shown: format::short_address(&reached).to_owned(),
            url: (!target.ends_with("/udp")).then(|| format!("http://{reached}")),
            target: target.to_owned(),
            reached,
        };
        // Both loopbacks of one port are one address to a person.
        let is_known =
            |known: &Address| known.shown == address.shown && known.target == address.target;
        if !addresses.iter().any(is_known) {
            addresses.push(address);
        }
    }
    addresses
}

/// The last job on the stack.
pub(crate) fn last_job<'a>(jobs: impl DoubleEndedIterator<Item = &'a Job>) -> Option<&'a Job> {
    jobs.rev()
        .find(|job| matches!(job.kind, JobKind::StackUp | JobKind::StackDown))
}

/// Why the last job on the stack did not come to its end, under what it was to do.
pub(crate) fn failure(job: &Job) -> Option<(&'static str, Fault)> {
    let failed = matches!(job.state, JobState::Failed | JobState::Dead);
    let title = match job.kind {
        JobKind::StackDown => words::DOWN_FAILED,
        _ => words::UP_FAILED,
    };
    Some((title, job.fault.clone().filter(|_| failed)?))
}

/// What is said of a job on the stack that came to its end.
pub(crate) fn ended(job: &Job) -> Option<&'static str> {
    let words = match (job.kind, job.state) {
        (JobKind::StackUp, JobState::Succeeded) => words::IS_UP,
        (JobKind::StackUp, JobState::Cancelled) => words::UP_CANCELLED,
        (JobKind::StackDown, JobState::Succeeded) => words::IS_DOWN,
        (JobKind::StackDown, JobState::Cancelled) => words::DOWN_CANCELLED,
        (JobKind::StackUp | JobKind::StackDown, JobState::Failed | JobState::Dead) => {
            failure(job)?.0
        }
        _ => return None,
    };
    Some(words)
}

/// What taking the stack down means, in one sentence.
pub(crate) fn what_goes(stack: &Stack) -> String {
    let services = stack.services.iter();
    let there = services
        .filter(|service| service.state != ServiceState::Absent)
        .count()
        + stack.orphans.len();
    match there {
        0 => words::NOTHING_LEFT.to_owned(),
        there => words::removed(there),
    }
}

/// The class of a service's colour in logs, by its place among those that write.
pub(crate) fn series(place: usize) -> &'static str {
    const SERIES: [&str; 6] = ["s1", "s2", "s3", "s4", "s5", "s6"];
    SERIES[place % SERIES.len()]
}

#[cfg(test)]
mod tests;
