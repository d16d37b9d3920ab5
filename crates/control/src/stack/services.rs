//! One service at a time: started, stopped, asked to run a command, its output and figures followed.

use std::sync::Arc;

use futures::StreamExt;
use nasiko_contract::{
    ErrorCode, ExecInService, ExecResult, Fault, FollowServiceStats, FollowStackLogs,
    FollowStackStats, InstanceStats, LogStream, RestartService, ServiceLogLine, ServiceStats,
    StackService, StartService, StopService,
};
use nasiko_stack::{Exec, LogQuery, StackError, Stats};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::view::AtWork;
use crate::{
    api::{Caller, Items, Numbered, Serve, ServeStream},
    logs::{DEFAULT_TAIL, MOST_TAIL},
    plane::{ControlPlane, Shared},
};

/// Bytes of each output of a command that are answered.
const OUTPUT_LIMIT: usize = 1 << 20;

/// What is done to a service's container.
#[derive(Clone, Copy)]
enum Switch {
    Start,
    Stop,
    Restart,
}

impl Shared {
    async fn set_service(
        self: &Arc<Self>,
        name: &str,
        switch: Switch,
    ) -> Result<StackService, Fault> {
        let _watched = AtWork::begin(self);
        let stack = self.engine_stack().await?;
        let project = &self.stack.project;
        match switch {
            Switch::Start => stack.start(project, name).await,
            Switch::Stop => stack.stop(project, name).await,
            Switch::Restart => stack.restart(project, name).await,
        }
        .map_err(explained)?;
        let now = self.look_at_stack().await?;
        now.services
            .into_iter()
            .find(|service| service.service == name)
            .ok_or_else(|| Fault::new(ErrorCode::NotFound, format!("There is no service `{name}`")))
    }

    /// That a service is neither declared nor there is said instead of answering nothing.
    async fn check_service(&self, name: &str) -> Result<(), Fault> {
        let stack = self.look_at_stack().await?;
        let names: Vec<&str> = stack
            .services
            .iter()
            .map(|service| service.service.as_str())
            .collect();
        if names.contains(&name) {
            return Ok(());
        }
        Err(
            Fault::new(ErrorCode::NotFound, format!("There is no service `{name}`"))
                .hint(format!("There are {}", names.join(", "))),
        )
    }
}

fn explained(error: StackError) -> Fault {
    let unknown = matches!(error, StackError::ServiceUnknown { .. });
    let fault = Fault::from(error);
    if unknown {
        return fault.hint("`nasiko stack` lists the services; `nasiko up` makes their containers");
    }
    fault
}

impl Serve<StartService> for ControlPlane {
    async fn serve(&self, _: &Caller, request: StartService) -> Result<StackService, Fault> {
        self.shared
            .set_service(&request.service, Switch::Start)
            .await
    }
}

impl Serve<StopService> for ControlPlane {
    async fn serve(&self, _: &Caller, request: StopService) -> Result<StackService, Fault> {
        self.shared
            .set_service(&request.service, Switch::Stop)
            .await
    }
}

impl Serve<RestartService> for ControlPlane {
    async fn serve(&self, _: &Caller, request: RestartService) -> Result<StackService, Fault> {
        self.shared
            .set_service(&request.service, Switch::Restart)
            .await
    }
}

/// What a command wrote, up to the limit.
#[derive(Default)]
struct Written {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Serve<ExecInService> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ExecInService) -> Result<ExecResult, Fault> {
        let ExecInService {
            service,
            command,
            user,
            working_dir,
        } = request;
        if command.is_empty() {
            return Err(Fault::new(
                ErrorCode::InvalidRequest,
                "No command was given",
            ));
        }
        let shared = &self.shared;
        let stack = shared.engine_stack().await?;
        let written = Mutex::new(Written::default());
        let exec = Exec {
            command,
            user,
            working_dir,
        };
        let keep = |output: nasiko_stack::ExecOutput| {
            let mut written = written.lock();
            let kept = match output.stream {
                nasiko_stack::LogStream::Stdout => &mut written.stdout,
                nasiko_stack::LogStream::Stderr => &mut written.stderr,
            };
            let room = OUTPUT_LIMIT.saturating_sub(kept.len());
            kept.extend(output.bytes.iter().take(room));
        };
        // Whoever goes away drops this call, and with it the listening.
        let never = CancellationToken::new();
        let exit_code = stack
            .exec(&shared.stack.project, &service, exec, &keep, &never)
            .await
            .map_err(explained)?;
        let Written { stdout, stderr } = written.into_inner();
        Ok(ExecResult {
            exit_code,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })
    }
}

impl ServeStream<FollowStackLogs> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowStackLogs,
    ) -> Result<Items<ServiceLogLine>, Fault> {
        let shared = &self.shared;
        let named = request.service.unwrap_or_default();
        let named = named.split(',').map(str::trim);
        let services: Vec<String> = named
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        for service in &services {
            shared.check_service(service).await?;
        }
        let since = request.since.and_then(|since| u64::try_from(since).ok());
        let query = LogQuery {
            services,
            since: since
                .map(|since| std::time::UNIX_EPOCH + std::time::Duration::from_millis(since)),
            tail: Some(request.tail.unwrap_or(DEFAULT_TAIL).min(MOST_TAIL)),
            follow: request.follow,
        };
        let stack = shared.engine_stack().await?;
        let lines = stack.logs(&shared.stack.project, query).await?;
        Ok(lines
            .map(|line| {
                Ok(Numbered::from(ServiceLogLine {
                    service: line.service,
                    at: crate::time::millis(line.at),
                    stream: match line.stream {
                        nasiko_stack::LogStream::Stdout => LogStream::Stdout,
                        nasiko_stack::LogStream::Stderr => LogStream::Stderr,
                    },
                    text: line.text,
                }))
            })
            .boxed())
    }
}

impl ServeStream<FollowServiceStats> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowServiceStats,
    ) -> Result<Items<InstanceStats>, Fault> {
        let stack = self.shared.engine_stack().await?;
        let rows = stack
            .stats(&self.shared.stack.project, &request.service)
            .await
            .map_err(explained)?;
        Ok(rows.map(|row| Ok(Numbered::from(figures(row?)))).boxed())
    }
}

impl ServeStream<FollowStackStats> for ControlPlane {
    async fn serve_stream(
        &self,
        _: &Caller,
        request: FollowStackStats,
    ) -> Result<Items<ServiceStats>, Fault> {
        let names = request.services.iter().flat_map(|names| names.split(','));
        let services: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
        let stack = self.shared.engine_stack().await?;
        let rows = stack
            .all_stats(&self.shared.stack.project, &services)
            .await?;
        Ok(rows
            .map(|row| {
                let (service, row) = row?;
                Ok(Numbered::from(ServiceStats {
                    service,
                    stats: figures(row),
                    tasks: row.tasks,
                    received_bytes: row.received_bytes,
                    sent_bytes: row.sent_bytes,
                }))
            })
            .boxed())
    }
}

fn figures(row: Stats) -> InstanceStats {
    InstanceStats {
        at: crate::time::now_ms(),
        cpu_percent: row.cpu_percent,
        memory_bytes: row.memory_bytes,
        memory_limit_bytes: row.memory_limit,
    }
}
