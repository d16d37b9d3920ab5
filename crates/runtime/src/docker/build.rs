//! Makes images: a context uploaded while it is written, the engine's lines as progress, failures by their step.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use bollard::errors::Error;
use bollard::models::BuildInfo;
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder};
use futures::StreamExt as _;
use nasiko_engine::{BAD_REQUEST, NOT_FOUND, status};
use tokio_util::sync::CancellationToken;

use super::steps::Steps;
use super::{Shared, context, label};
use crate::error::RuntimeError;
use crate::instance::{LogLine, LogStream};
use crate::spec::{Artifact, PreparePlan, Prepared, Progress, ProgressSink};

/// No build takes longer.
const BUILD_LIMIT: Duration = Duration::from_secs(60 * 60);
/// How long the context may take before the engine's first word.
const UPLOAD_LIMIT: Duration = Duration::from_secs(30 * 60);

/// What the engine puts around lines of the error output.
const ENGINES_COLOURS: [&str; 2] = ["\u{1b}[91m", "\u{1b}[0m"];

pub(super) async fn prepare(
    shared: &Shared,
    plan: &PreparePlan,
    progress: &dyn ProgressSink,
    cancel: &CancellationToken,
) -> Result<Prepared, RuntimeError> {
    let client = shared.engine.client().await?;
    let artifact = Artifact::Image {
        reference: plan.image_tag.clone(),
    };
    match client.inspect_image(&plan.image_tag).await {
        Ok(_) => {
            return Ok(Prepared {
                reused: true,
                artifact,
            });
        }
        Err(error) if status(&error) == Some(NOT_FOUND) => {}
        Err(error) => return Err(shared.failed("looking for an image", error)),
    }
    // Dropping the build's answer is what ends it: the engine aborts when its caller hangs up.
    tokio::select! {
        built = build(shared, plan, progress) => built?,
        () = cancel.cancelled() => return Err(RuntimeError::Cancelled { what: "the build" }),
        () = tokio::time::sleep(BUILD_LIMIT) => {
            return Err(RuntimeError::TimedOut { what: "the build", limit: BUILD_LIMIT });
        }
    }
    Ok(Prepared {
        reused: false,
        artifact,
    })
}

async fn build(
    shared: &Shared,
    plan: &PreparePlan,
    progress: &dyn ProgressSink,
) -> Result<(), RuntimeError> {
    let client = shared.engine.client().await?.with_timeout(UPLOAD_LIMIT);
    let (chunks, writing) = context::send(plan);
    let mut answers = Box::pin(client.build_image(
        options(shared, plan),
        None,
        Some(bollard::body_try_stream(chunks)),
    ));
    let mut reader = AnswerReader {
        steps: Steps::default(),
        progress,
        partial: String::new(),
    };
    let mut failed = None;
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(info) => reader.take(info),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    drop(answers);
    let Some(error) = failed else { return Ok(()) };
    // A context that could not be written is the cause of whatever the engine said about it.
    if let Ok(Err(source)) = writing.await {
        return Err(RuntimeError::File {
            what: "reading the build context of",
            path: plan.root.clone(),
            source,
        });
    }
    Err(match error {
        // An engine that is ending breaks its steps off with whatever error they meet; then it is gone.
        Error::DockerStreamError { error } => match shared.engine.about().await {
            Ok(_) => reader.steps.failure(&error),
            Err(_) => shared.engine.broke_off(error).into(),
        },
        Error::DockerResponseServerError {
            status_code: BAD_REQUEST,
            message,
        } => RuntimeError::DockerfileBroken { message },
        // The engine tells of a Dockerfile that is not in the context, or is empty, as a fault of its own.
        Error::DockerResponseServerError { message, .. } if message.contains("ockerfile") => {
            RuntimeError::DockerfileBroken { message }
        }
        other => shared.failed("the build", other),
    })
}

fn options(shared: &Shared, plan: &PreparePlan) -> BuildImageOptions {
    let dockerfile = match (&plan.generated_dockerfile, &plan.dockerfile) {
        (Some(_), _) => context::GENERATED_NAME.to_owned(),
        (None, Some(path)) => path.to_string_lossy().into_owned(),
        (None, None) => "Dockerfile".to_owned(),
    };
    // One label alone: the engine makes a step of each, and the name tells the rest.
    let labels = HashMap::from([(label::INSTALLATION, shared.config.installation.as_str())]);
    let arguments: HashMap<String, String> = plan.build_args.clone().into_iter().collect();
    BuildImageOptionsBuilder::default()
        .dockerfile(&dockerfile)
        .t(&plan.image_tag)
        .labels(&labels)
        .buildargs(&arguments)
        .rm(true)
        .forcerm(true)
        .build()
}

/// Turns the engine's answers into lines and steps.
struct AnswerReader<'a> {
    steps: Steps,
    progress: &'a dyn ProgressSink,
    partial: String,
}

impl AnswerReader<'_> {
    fn take(&mut self, info: BuildInfo) {
        if let Some(text) = info.stream {
            self.partial.push_str(
                &ENGINES_COLOURS
                    .iter()
                    .fold(text, |text, colour| text.replace(colour, "")),
            );
            while let Some(end) = self.partial.find('\n') {
                let line: String = self.partial.drain(..=end).collect();
                self.line(line.trim_end());
            }
        }
        // Of a pull only its stages are told, not each percent of each layer.
        let is_percent = info
            .progress_detail
            .is_some_and(|detail| detail.total.is_some());
        if let Some(status) = info.status.filter(|_| !is_percent) {
            match info.id {
                Some(id) => self.line(&format!("{id}: {status}")),
                None => self.line(&status),
            }
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        if let Some(step) = self.steps.line(line) {
            self.progress.report(Progress::Step {
                index: step.index,
                total: step.total,
                text: step.text,
            });
        }
        self.progress.report(Progress::Line(LogLine {
            at: SystemTime::now(),
            stream: LogStream::Build,
            text: line.to_owned(),
        }));
    }
}
