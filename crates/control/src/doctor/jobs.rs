//! What the last jobs failed at, where the reason is not the agent: images that are not given out, certificates that are not
//! trusted, jobs that were given up.

use std::collections::HashSet;

use nasiko_contract::{AgentName, CheckGroup, ErrorCode, Fault, Job, JobState};
use nasiko_store::JobQuery;

use super::finding::{Finding, Spec};
use crate::plane::Shared;

pub(super) const DEAD_LETTERS: Spec = Spec {
    id: "jobs.dead-letters",
    title: "Jobs that were given up",
    group: CheckGroup::Agents,
};
pub(super) const PULL: Spec = Spec {
    id: "engine.pull",
    title: "Images are given out",
    group: CheckGroup::Engine,
};
pub(super) const INTERCEPTION: Spec = Spec {
    id: "network.interception",
    title: "Certificates of registries are trusted",
    group: CheckGroup::Network,
};

/// Jobs looked at.
const LAST: usize = 100;
/// What package tools and engines say of a certificate that they do not trust: Python, Node, Go, OpenSSL, Rust.
const NOT_TRUSTED: [&str; 9] = [
    "certificate_verify_failed",
    "certificate verify failed",
    "self-signed certificate",
    "self signed certificate",
    "self_signed_cert",
    "unable to get local issuer",
    "unable_to_get_issuer_cert",
    "signed by unknown authority",
    "invalid peer certificate",
];

/// The last failure of each agent that no later success has made good, newest first.
pub(super) async fn failures(shared: &Shared) -> Result<Vec<(AgentName, Fault)>, Fault> {
    let query = JobQuery {
        states: [
            nasiko_store::JobState::Succeeded,
            nasiko_store::JobState::Failed,
            nasiko_store::JobState::Dead,
        ]
        .into(),
        limit: Some(LAST),
        ..JobQuery::default()
    };
    let jobs = shared.store.jobs().list(&query).await?.items.into_iter();
    let mut settled = HashSet::new();
    let mut failures = Vec::new();
    for job in jobs.map(crate::jobs::shown) {
        let Job {
            agent,
            source,
            state,
            fault,
            ..
        } = job;
        // A deploy that failed early may not know its agent's name.
        if !settled.insert((agent.clone(), source)) {
            continue;
        }
        if let (JobState::Failed | JobState::Dead, Some(fault)) = (state, fault) {
            failures.push((agent, fault));
        }
    }
    Ok(failures)
}

pub(super) fn pull(failures: &[(AgentName, Fault)]) -> Finding {
    let mut refused = failures
        .iter()
        .filter(|(_, fault)| fault.code == ErrorCode::BaseImageMissing)
        .peekable();
    let Some((_, first)) = refused.peek() else {
        return Finding::ok("No job failed at that lately");
    };
    let hint = first.hint.clone().unwrap_or_else(|| {
        "Check the image's name; log in where it is not given out to everybody".to_owned()
    });
    let evidence = refused.flat_map(|(agent, fault)| {
        std::iter::once(format!("{agent}: {}", fault.message)).chain(fault.evidence.iter().cloned())
    });
    Finding::failed("A base image could not be had: the registry refused, or was not reached")
        .evidence(evidence)
        .hint(hint)
        .command("docker login")
}

pub(super) fn interception(failures: &[(AgentName, Fault)]) -> Finding {
    let is_of_it = |line: &&String| {
        let line = line.to_ascii_lowercase();
        NOT_TRUSTED.iter().any(|words| line.contains(words))
    };
    let evidence: Vec<String> = failures
        .iter()
        .flat_map(|(agent, fault)| {
            let lines = fault.evidence.iter().filter(is_of_it);
            lines.map(move |line| format!("{agent}: {line}"))
        })
        .collect();
    if evidence.is_empty() {
        return Finding::ok("No job failed at that lately");
    }
    Finding::failed("A certificate was not trusted: a proxy that looks into HTTPS, or a registry with one of its own")
        .evidence(evidence)
        .hint("Name the file with that authority's certificate in SSL_CERT_FILE and REQUESTS_CA_BUNDLE (Node: NODE_EXTRA_CA_CERTS), then start the control plane anew")
        .command("export SSL_CERT_FILE=/path/to/authority.pem REQUESTS_CA_BUNDLE=/path/to/authority.pem NODE_EXTRA_CA_CERTS=/path/to/authority.pem")
}

pub(super) async fn dead_letters(shared: &Shared) -> Finding {
    let query = JobQuery {
        states: vec![nasiko_store::JobState::Dead],
        limit: Some(LAST),
        ..JobQuery::default()
    };
    let dead = match shared.store.jobs().list(&query).await {
        Ok(page) => page.items,
        Err(error) => return Finding::unreadable("The queue", &error),
    };
    if dead.is_empty() {
        return Finding::ok("There are none");
    }
    let lines = dead
        .iter()
        .take(10)
        .cloned()
        .map(crate::jobs::shown)
        .map(|job| {
            let said = job
                .fault
                .map_or_else(String::new, |fault| format!(": {}", fault.message));
            format!("{} {}{said}", job.id, job.agent)
        });
    let many = match dead.len() {
        1 => "A job was".to_owned(),
        LAST => format!("{LAST} jobs or more were"),
        many => format!("{many} jobs were"),
    };
    Finding::warning(format!("{many} given up after the last try"))
        .evidence(lines)
        .hint("Look at why, then try each again: `nasiko dead-letters requeue ID`")
        .command("nasiko dead-letters")
}
