//! Under which name a container of somebody else is shown.

use nasiko_contract::{AgentName, ErrorCode, Fault, Finding};
use nasiko_runtime::Instance;
use nasiko_workshop::name;

use super::show;
use crate::{deploy::numbered_name, plane::Shared, records::AgentRecord};

/// How often another suffix is tried for a name that is taken.
const NAME_TRIES: u32 = 100;
/// How much of a container's id names it where nothing better does.
const SHORT_ID: usize = 12;

/// A name that may be used, until the lock is let go at the latest.
pub(super) struct Claim {
    pub(super) name: AgentName,
    pub(super) findings: Vec<Finding>,
    pub(super) one_at_a_time: tokio::sync::OwnedMutexGuard<()>,
}

/// Finds the name under which a container is shown. One that belongs to another agent gets a suffix;
/// `before` is the one it had, if it is known from an earlier run.
pub(super) async fn claim(
    shared: &Shared,
    instance: &Instance,
    before: Option<AgentName>,
) -> Result<Claim, Fault> {
    let short_id = instance.handle.get(..SHORT_ID).unwrap_or_default();
    let wanted = name::normalise(&instance.agent).unwrap_or_else(|| format!("c-{short_id}"));
    let mut findings = Vec::new();
    if wanted != instance.agent {
        findings.push(show::renamed(&instance.agent, &wanted));
    }
    let mut holder = None;
    let before = before.map(|name| name.0);
    let numbered = (1..=NAME_TRIES).map(|number| numbered_name(&wanted, number));
    for name in before.into_iter().chain(numbered) {
        let name = AgentName(name);
        // Whoever is at work on an agent of that name has it, or is about to.
        let Some(one_at_a_time) = shared.try_lock_agent(&name) else {
            continue;
        };
        let found = shared.store.get::<AgentRecord>(name.as_str()).await?;
        match found.map(|found| found.value) {
            Some(agent) if !show::is_one_of(&agent.source, instance) => {
                if agent.name.as_str() == wanted {
                    holder = Some(agent.source.shown());
                }
            }
            _ => {
                if name.as_str() != wanted {
                    findings.push(show::taken(&wanted, &name, holder.as_deref()));
                }
                return Ok(Claim {
                    name,
                    findings,
                    one_at_a_time,
                });
            }
        }
    }
    Err(Fault::new(
        ErrorCode::Conflict,
        format!("`{wanted}` and every name like it is taken"),
    ))
}
