//! Running checks: all at once, each within its time, told as they end.

use std::{collections::BTreeMap, future::Future, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use nasiko_contract::{Check, CheckGroup, Checkup, CheckupProgress};

use super::finding::{Finding, Spec};

/// How long looking at one thing may take, where nothing else is said.
const LIMIT: Duration = Duration::from_secs(5);
/// How long whoever has to be asked may take: an engine, a tool, a directory with much in it.
pub(super) const ASKING_LIMIT: Duration = Duration::from_secs(10);

/// Is told how far a look is. Must not wait.
pub type Tell<'a> = dyn FnMut(CheckupProgress) + Send + 'a;

/// A look at one thing, which settles one check or several.
pub(super) struct Examination<'a> {
    specs: Vec<&'static Spec>,
    limit: Duration,
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
            limit: LIMIT,
            looking: looking.boxed(),
        }
    }

    /// It may take that long.
    pub(super) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whether it settles the check of this id.
    pub(super) fn settles(&self, check: &str) -> bool {
        self.specs.iter().any(|spec| spec.id == check)
    }

    /// Whether it settles a check of one of these groups.
    pub(super) fn is_about(&self, groups: &[CheckGroup]) -> bool {
        self.specs.iter().any(|spec| groups.contains(&spec.group))
    }

    /// The ids of what it settles.
    pub(super) fn ids(&self) -> impl Iterator<Item = &'static str> {
        self.specs.iter().map(|spec| spec.id)
    }

    async fn end(self) -> Vec<Check> {
        match tokio::time::timeout(self.limit, self.looking).await {
            Ok(checks) => checks,
            Err(_) => {
                let skipped = |spec: &&'static Spec| too_slow(self.limit).of(spec, None);
                self.specs.iter().map(skipped).collect()
            }
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

/// All of them at once, the worst first, then by group. `tell` hears at first what there is to look at, then of each that
/// ended.
pub(super) async fn all(examinations: Vec<Examination<'_>>, tell: &mut Tell<'_>) -> Checkup {
    let mut open: BTreeMap<usize, Vec<&'static Spec>> = examinations
        .iter()
        .enumerate()
        .map(|(number, examination)| (number, examination.specs.clone()))
        .collect();
    let total = count(&open);
    let mut looks: FuturesUnordered<_> = examinations
        .into_iter()
        .enumerate()
        .map(|(number, examination)| examination.end().map(move |checks| (number, checks)))
        .collect();
    let progress = |open: &BTreeMap<usize, Vec<&'static Spec>>, checks| CheckupProgress {
        done: total - count(open),
        total,
        looking: named(open),
        checks,
        checkup: None,
    };
    tell(progress(&open, Vec::new()));
    let mut found = Vec::new();
    while let Some((number, checks)) = looks.next().await {
        open.remove(&number);
        found.extend(checks.iter().cloned());
        tell(progress(&open, checks));
    }
    order(&mut found);
    Checkup {
        at: crate::time::now_ms(),
        checks: found,
    }
}

/// Nobody is told how far it is.
pub(super) fn quietly(_: CheckupProgress) {}

/// The worst first, then by group.
pub(super) fn order(checks: &mut [Check]) {
    checks.sort_by(|one, other| {
        let rank = |check: &Check| (check.state, check.group);
        rank(one)
            .cmp(&rank(other))
            .then_with(|| (&one.agent, &one.check).cmp(&(&other.agent, &other.check)))
    });
}

fn count(open: &BTreeMap<usize, Vec<&'static Spec>>) -> u32 {
    let many = open.values().map(Vec::len).sum::<usize>();
    u32::try_from(many).unwrap_or(u32::MAX)
}

fn named(open: &BTreeMap<usize, Vec<&'static Spec>>) -> Vec<String> {
    let firsts = open.values().filter_map(|specs| specs.first());
    let titles = firsts.map(|spec| spec.title.to_owned());
    titles.take(CheckupProgress::NAMED).collect()
}

fn too_slow(limit: Duration) -> Finding {
    Finding::skipped(format!(
        "It took too long: no answer within {} s",
        limit.as_secs()
    ))
    .hint("Look again; if it stays so, something that it waits for hangs")
}
