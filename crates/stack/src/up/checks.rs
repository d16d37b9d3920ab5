//! Asks a service's own health check sooner than the engine does.
//!
//! An engine asks for the first time once the check's whole interval has passed, 30 s where a file says nothing, although
//! most services are well long before. What waits for a service to be healthy starts as soon as the check has passed,
//! whoever asked; how the service is shown, and what a check that fails means, stays the engine's word.

use std::time::Duration;

use bollard::models::{ContainerConfig, HealthConfig};

use crate::exec::Exec;
use crate::observe;
use crate::stack::Stack;

/// The wait before the first question; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait between two.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long a check may take that says nothing about it, as with the engine.
const USUAL_LIMIT: Duration = Duration::from_secs(30);

/// A check, as it is run.
#[derive(Debug, PartialEq, Eq)]
struct Check {
    command: Vec<String>,
    limit: Duration,
}

impl Stack {
    /// Completes once the health check of a container has passed, asked by us; never if it has none. Dropping it asks no more.
    pub(super) async fn passes_its_check(&self, id: &str) {
        let Some(check) = self.check_of(id).await else {
            return std::future::pending().await;
        };
        let mut wait = FIRST_WAIT;
        loop {
            tokio::time::sleep(wait).await;
            let exec = Exec {
                command: check.command.clone(),
                ..Exec::default()
            };
            let asked = tokio::time::timeout(check.limit, self.run_in(id, exec, &|_| {}));
            // Any failure is the engine's to tell of: it asks as well.
            if matches!(asked.await, Ok(Ok(0))) {
                return;
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn check_of(&self, id: &str) -> Option<Check> {
        let client = self.engine.client().await.ok()?;
        let container = observe::inspect(&client, id).await.ok().flatten()?;
        check(&container.config?)
    }
}

/// The check of a container; what the image says is in its configuration by now.
fn check(config: &ContainerConfig) -> Option<Check> {
    let HealthConfig { test, timeout, .. } = config.healthcheck.as_ref()?;
    let (kind, words) = test.as_ref()?.split_first()?;
    let command = match kind.as_str() {
        "CMD" => words.to_vec(),
        "CMD-SHELL" => {
            let usual = || vec!["/bin/sh".to_owned(), "-c".to_owned()];
            let shell = config.shell.clone().filter(|shell| !shell.is_empty());
            let mut command = shell.unwrap_or_else(usual);
            command.extend_from_slice(words);
            command
        }
        _ => return None,
    };
    let limit = timeout
        .and_then(|nanoseconds| u64::try_from(nanoseconds).ok())
        .filter(|nanoseconds| *nanoseconds > 0)
        .map_or(USUAL_LIMIT, Duration::from_nanos);
    (!command.is_empty()).then_some(Check { command, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(test: &[&str], shell: Option<&[&str]>) -> Option<Vec<String>> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let found = check(&ContainerConfig {
            healthcheck: Some(HealthConfig {
                test: Some(owned(test)),
                ..HealthConfig::default()
            }),
            shell: shell.map(owned),
            ..ContainerConfig::default()
        });
        found.map(|check| check.command)
    }

    #[test]
    fn a_check_is_run_as_the_engine_runs_it() {
        assert_eq!(
            of(&["CMD", "test", "-f", "/x"], None).unwrap(),
            ["test", "-f", "/x"]
        );
        assert_eq!(
            of(&["CMD-SHELL", "curl -f x || exit 1"], None).unwrap(),
            ["/bin/sh", "-c", "curl -f x || exit 1"]
        );
        assert_eq!(
            of(&["CMD-SHELL", "x"], Some(&["/bin/bash", "-lc"])).unwrap(),
            ["/bin/bash", "-lc", "x"]
        );
        for none in [&["NONE"][..], &[], &["CMD"]] {
            assert_eq!(of(none, None), None, "{none:?}");
        }
        assert_eq!(check(&ContainerConfig::default()), None);
    }
}
