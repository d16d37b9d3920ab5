//! Running checks: all at once, each within its time.

use std::{future::Future, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use nasiko_contract::{Check, Checkup};

use super::finding::{Finding, Spec};

/// How long looking at one thing may take.
const LIMIT: Duration = Duration::from_secs(12);

/// A look at one thing, which settles one check or several.
pub(super) struct Examination<'a> {
    specs: Vec<&'static Spec>,
    looking: BoxFuture<'a, Vec<Check>>,
}

impl<'a> Examination<'a> {
    /// `looking` settles all of `specs`; they are what is skipped when it takes too long.
    pub(super) fn new(
        specs: impl IntoIterator<Item = &'static Spec>,
        looking: impl Future<Output = Vec<Check>> + Send + 'a,
    ) -> Self {
        Self {
            specs: specs.into_iter().collect(),
            looking: looking.boxed(),
        }
    }
}

/// One check.
pub(super) fn one<'a>(
    spec: &'static Spec,
    looking: impl Future<Output = Finding> + Send + 'a,
) -> Examination<'a> {
    Examination::new([spec], async move { vec![looking.await.of(spec, None)] })
}

/// One check that waits for the disk. A disk that does not answer keeps a thread, and the check is skipped.
pub(super) fn blocking<'a>(
    spec: &'static Spec,
    look: impl FnOnce() -> Finding + Send + 'static,
) -> Examination<'a> {
    one(spec, async move {
        match tokio::task::spawn_blocking(look).await {
            Ok(finding) => finding,
            Err(error) => Finding::unreadable("This", &error),
        }
    })
}

/// All of them at once, the worst first, then by group.
pub(super) async fn all(examinations: Vec<Examination<'_>>) -> Checkup {
    let looks = examinations.into_iter().map(|examination| async move {
        match tokio::time::timeout(LIMIT, examination.looking).await {
            Ok(checks) => checks,
            Err(_) => {
                let skipped = |spec: &&'static Spec| too_slow().of(spec, None);
                examination.specs.iter().map(skipped).collect()
            }
        }
    });
    let found = futures::future::join_all(looks).await;
    let mut checks: Vec<Check> = found.into_iter().flatten().collect();
    checks.sort_by(|one, other| {
        let rank = |check: &Check| (check.state, check.group);
        rank(one)
            .cmp(&rank(other))
            .then_with(|| (&one.agent, &one.check).cmp(&(&other.agent, &other.check)))
    });
    Checkup {
        at: crate::time::now_ms(),
        checks,
    }
}

fn too_slow() -> Finding {
    Finding::skipped(format!("It gave no answer within {} s", LIMIT.as_secs()))
}
