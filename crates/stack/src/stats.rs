//! What a service uses, for as long as somebody looks.

use std::collections::HashMap;

use bollard::models::{ContainerCpuStats, ContainerStatsResponse};
use bollard::query_parameters::StatsOptionsBuilder;
use futures::stream::{BoxStream, SelectAll};
use futures::{StreamExt as _, TryStreamExt as _};

use crate::StackError;
use crate::observed::State;
use crate::stack::Stack;

/// What a container uses at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Of one core, in percent, since the moment before; may be more than 100.
    pub cpu_percent: f64,
    /// Without what the kernel would give back at once.
    pub memory_bytes: u64,
    /// The limit, or the machine's memory.
    pub memory_limit: Option<u64>,
    /// Processes and threads.
    pub tasks: u64,
    /// Received since it started.
    pub received_bytes: u64,
    /// Sent since it started.
    pub sent_bytes: u64,
}

impl Stack {
    /// What a service's container uses, about once a second. The engine measures only while the stream is held.
    pub async fn stats(
        &self,
        project: &str,
        service: &str,
    ) -> Result<BoxStream<'static, Result<Stats, StackError>>, StackError> {
        let container = self.of_service(project, service).await?;
        self.measure(&container.id).await
    }

    /// What the containers that run now use, each with its service and about once a second. Empty `services` means all.
    pub async fn all_stats(
        &self,
        project: &str,
        services: &[String],
    ) -> Result<BoxStream<'static, Result<(String, Stats), StackError>>, StackError> {
        let mut all = SelectAll::new();
        for container in self.containers(project).await? {
            let wanted = services.is_empty() || services.contains(&container.service);
            if wanted && container.state == State::Running {
                let service = container.service;
                let figures = self.measure(&container.id).await?;
                all.push(figures.map_ok(move |figures| (service.clone(), figures)));
            }
        }
        Ok(all.boxed())
    }

    async fn measure(
        &self,
        id: &str,
    ) -> Result<BoxStream<'static, Result<Stats, StackError>>, StackError> {
        let client = self.engine.client().await?;
        let engine = std::sync::Arc::clone(&self.engine);
        let options = StatsOptionsBuilder::default().stream(true).build();
        let answers = client.stats(id, Some(options));
        Ok(answers
            .map_ok(|answer| stats(&answer))
            .map_err(move |error| engine.failed("reading figures", error).into())
            .boxed())
    }
}

fn stats(answer: &ContainerStatsResponse) -> Stats {
    let memory = answer.memory_stats.clone().unwrap_or_default();
    let networks = answer.networks.iter().flatten();
    let (received_bytes, sent_bytes) = networks.fold((0, 0), |sums, (_, network)| {
        (
            sums.0 + network.rx_bytes.unwrap_or(0),
            sums.1 + network.tx_bytes.unwrap_or(0),
        )
    });
    Stats {
        cpu_percent: cpu_percent(answer.precpu_stats.as_ref(), answer.cpu_stats.as_ref()),
        memory_bytes: memory
            .usage
            .unwrap_or(0)
            .saturating_sub(page_cache(memory.stats.as_ref())),
        memory_limit: memory.limit,
        tasks: answer
            .pids_stats
            .as_ref()
            .and_then(|pids| pids.current)
            .unwrap_or(0),
        received_bytes,
        sent_bytes,
    }
}

fn cpu_percent(before: Option<&ContainerCpuStats>, now: Option<&ContainerCpuStats>) -> f64 {
    let used = |stats: Option<&ContainerCpuStats>| stats?.cpu_usage.as_ref()?.total_usage;
    let passed = |stats: Option<&ContainerCpuStats>| stats?.system_cpu_usage;
    // The first answer has no moment before.
    let (Some(passed_before), Some(passed_now)) = (passed(before), passed(now)) else {
        return 0.0;
    };
    let passed = passed_now.saturating_sub(passed_before);
    let used = used(now)
        .unwrap_or(0)
        .saturating_sub(used(before).unwrap_or(0));
    if passed == 0 {
        return 0.0;
    }
    // The machine's time counts all cores.
    let cores = now.and_then(|stats| stats.online_cpus).unwrap_or(1);
    100.0 * f64::from(cores) * used as f64 / passed as f64
}

/// Memory the kernel would give back at once, named differently by the two generations of control groups.
fn page_cache(figures: Option<&HashMap<String, u64>>) -> u64 {
    let figure = |name| figures.and_then(|figures| figures.get(name)).copied();
    figure("total_inactive_file")
        .or_else(|| figure("inactive_file"))
        .unwrap_or(0)
}
