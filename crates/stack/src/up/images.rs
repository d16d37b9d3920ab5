//! Fetches images: pulled with bytes and layers, or built.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{
    BuildImageOptions, BuildImageOptionsBuilder, CreateImageOptionsBuilder,
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use nasiko_engine::{NOT_FOUND, status, tar_entry, written};

use super::{Job, fetches};
use crate::StackError;
use crate::compose::{Build, Service};
use crate::plan::{ImageAction, ImageStep, Plan};
use crate::progress::{ImageProgress, Progress};

/// Images fetched at the same time; the engine itself pulls several layers of each.
const PARALLEL_IMAGES: usize = 3;
/// How long one step of a build may say nothing.
const BUILD_SILENCE: Duration = Duration::from_secs(30 * 60);
/// Lines of a failed build that are shown.
const BUILD_LINES: usize = 20;
/// The name under which a Dockerfile of the Compose file travels.
const INLINE_NAME: &str = ".nasiko.Dockerfile";

impl Job<'_> {
    /// Fetches what the plan says; answers whether there was anything.
    pub(super) async fn images(&self, plan: &Plan) -> Result<bool, StackError> {
        // Gathered first: a stream that makes them from references could not be told to be `Send`.
        let steps: Vec<_> = plan.images.iter().map(|step| self.image(step)).collect();
        stream::iter(steps)
            .buffer_unordered(PARALLEL_IMAGES)
            .try_collect::<()>()
            .await?;
        Ok(fetches(plan))
    }

    async fn image(&self, step: &ImageStep) -> Result<(), StackError> {
        match &step.action {
            ImageAction::Keep => return Ok(()),
            ImageAction::Pull { platform } => {
                self.pull(&step.reference, platform.as_deref()).await?;
            }
            ImageAction::Build { service } => {
                let service = self.service(service)?;
                if let Some(build) = &service.build {
                    self.build(&step.reference, service, build).await?;
                }
            }
        }
        self.tell_image(&step.reference, ImageProgress::Done);
        Ok(())
    }

    fn tell_image(&self, reference: &str, state: ImageProgress) {
        self.progress.report(Progress::Image {
            reference: reference.to_owned(),
            state,
        });
    }

    async fn pull(&self, reference: &str, platform: Option<&str>) -> Result<(), StackError> {
        let client = self.stack.engine.client().await?;
        let (image, tag) = split(reference);
        let mut options = CreateImageOptionsBuilder::default().from_image(image);
        if let Some(tag) = tag {
            options = options.tag(tag);
        }
        if let Some(platform) = platform {
            options = options.platform(platform);
        }
        let mut answers = Box::pin(client.create_image(Some(options.build()), None, None));
        let mut layers = Layers::default();
        let limit = self.options.registry_silence;
        loop {
            let answer = tokio::time::timeout(limit, answers.next()).await;
            let Ok(answer) = answer else {
                return Err(StackError::TimedOut {
                    what: format!("the registry's answer about {reference}"),
                    limit,
                });
            };
            match answer {
                None => return Ok(()),
                Some(Ok(info)) => {
                    layers.take(info);
                    self.tell_image(reference, layers.progress());
                }
                Some(Err(error)) => return Err(self.pull_failure(reference, error)),
            }
        }
    }

    fn pull_failure(&self, reference: &str, error: Error) -> StackError {
        let message = match error {
            Error::DockerStreamError { error } => error,
            Error::DockerResponseServerError { message, .. } => message,
            other => return self.stack.engine.failed("a pull", other).into(),
        };
        StackError::ImageMissing {
            reference: reference.to_owned(),
            message,
        }
    }

    async fn build(
        &self,
        reference: &str,
        service: &Service,
        build: &Build,
    ) -> Result<(), StackError> {
        let failed = |message: String, lines: VecDeque<String>| StackError::BuildFailed {
            service: service.name.clone(),
            message,
            lines: lines.into(),
        };
        let Some(write_context) = self.options.write_context.clone() else {
            let message = "images cannot be built here".to_owned();
            return Err(failed(message, VecDeque::new()));
        };
        let client = self.stack.engine.client().await?;
        let client = client.with_timeout(BUILD_SILENCE);
        let described = build.clone();
        let (chunks, writing) = written(move |out| {
            if let Some(text) = &described.dockerfile_inline {
                tar_entry(out, INLINE_NAME, text.as_bytes())?;
            }
            write_context(&described, out)
        });
        let options = build_options(reference, service, build);
        let body = bollard::body_try_stream(chunks);
        let mut answers = Box::pin(client.build_image(options, None, Some(body)));
        let mut lines = VecDeque::new();
        while let Some(answer) = answers.next().await {
            let text = match answer {
                Ok(info) => info.stream.or(info.status).unwrap_or_default(),
                Err(error) => {
                    drop(answers);
                    // A context that could not be written is the cause of whatever the engine said about it.
                    if let Ok(Err(cause)) = writing.await {
                        return Err(StackError::File {
                            path: build.context.clone(),
                            source: cause,
                        });
                    }
                    return Err(match error {
                        Error::DockerStreamError { error } => failed(error, lines),
                        Error::DockerResponseServerError { message, .. } => failed(message, lines),
                        other => self.stack.engine.failed("a build", other).into(),
                    });
                }
            };
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                if lines.len() == BUILD_LINES {
                    lines.pop_front();
                }
                lines.push_back(line.to_owned());
                let line = line.to_owned();
                self.tell_image(reference, ImageProgress::Building { line });
            }
        }
        // The engine answers what it likes to a context that broke off; the image tells.
        match client.inspect_image(reference).await {
            Ok(_) => Ok(()),
            Err(error) if status(&error) == Some(NOT_FOUND) => {
                Err(failed("the engine made no image".to_owned(), lines))
            }
            Err(error) => Err(self
                .stack
                .engine
                .failed("looking for an image", error)
                .into()),
        }
    }
}

/// Name and tag; a reference by digest has no tag to give.
fn split(reference: &str) -> (&str, Option<&str>) {
    if reference.contains('@') {
        return (reference, None);
    }
    match reference.rsplit_once(':') {
        // The colon of a registry's port stands before a slash.
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (reference, Some("latest")),
    }
}

fn build_options(reference: &str, service: &Service, build: &Build) -> BuildImageOptions {
    let dockerfile = match (&build.dockerfile_inline, &build.dockerfile) {
        (Some(_), _) => INLINE_NAME,
        (None, Some(path)) => path,
        (None, None) => "Dockerfile",
    };
    let map = |map: &indexmap::IndexMap<String, String>| -> HashMap<String, String> {
        map.clone().into_iter().collect()
    };
    let mut options = BuildImageOptionsBuilder::default()
        .dockerfile(dockerfile)
        .t(reference)
        .buildargs(&map(&build.args))
        .labels(&map(&build.labels))
        .nocache(build.no_cache)
        .rm(true)
        .forcerm(true);
    if build.pull {
        options = options.pull("true");
    }
    if !build.cache_from.is_empty() {
        options = options.cachefrom(&build.cache_from);
    }
    if let Some(target) = &build.target {
        options = options.target(target);
    }
    if let Some(network) = &build.network {
        options = options.networkmode(network);
    }
    if let Some(size) = build.shm_size.and_then(|size| i32::try_from(size).ok()) {
        options = options.shmsize(size);
    }
    if let Some(platform) = &service.platform {
        options = options.platform(platform);
    }
    options.build()
}

/// The layers of an image that is being pulled.
#[derive(Default)]
struct Layers {
    /// Bytes that are here, bytes in all, and whether it is done.
    known: HashMap<String, (u64, u64, bool)>,
}

impl Layers {
    fn take(&mut self, info: CreateImageInfo) {
        let (Some(id), Some(status)) = (info.id, info.status) else {
            return;
        };
        let is_layer = [
            "Pulling fs layer",
            "Waiting",
            "Downloading",
            "Verifying",
            "Download complete",
            "Extracting",
            "Pull complete",
            "Already exists",
        ];
        if !is_layer.iter().any(|known| status.starts_with(known)) {
            return;
        }
        let layer = self.known.entry(id).or_default();
        if status == "Downloading"
            && let Some(detail) = info.progress_detail
        {
            let bytes = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
            layer.0 = bytes(detail.current).unwrap_or(layer.0);
            layer.1 = bytes(detail.total).unwrap_or(layer.1);
        }
        if ["Download complete", "Pull complete", "Already exists"].contains(&status.as_str()) {
            layer.0 = layer.1;
        }
        layer.2 |= status == "Pull complete" || status == "Already exists";
    }

    fn progress(&self) -> ImageProgress {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        ImageProgress::Pulling {
            layers_done: count(self.known.values().filter(|layer| layer.2).count()),
            layers: count(self.known.len()),
            bytes_done: self.known.values().map(|layer| layer.0).sum(),
            bytes: self.known.values().map(|layer| layer.1).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    #[test]
    fn a_reference_is_split_into_name_and_tag() {
        for (reference, expected) in [
            ("redis", ("redis", Some("latest"))),
            ("redis:7", ("redis", Some("7"))),
            ("localhost:5000/a/b", ("localhost:5000/a/b", Some("latest"))),
            ("localhost:5000/a/b:1", ("localhost:5000/a/b", Some("1"))),
            ("redis@sha256:ab", ("redis@sha256:ab", None)),
        ] {
            assert_eq!(split(reference), expected);
        }
    }

    #[test]
    fn layers_and_bytes_are_counted() {
        let mut layers = Layers::default();
        let mut take = |id: &str, status: &str, current, total| {
            layers.take(CreateImageInfo {
                id: Some(id.to_owned()),
                status: Some(status.to_owned()),
                progress_detail: Some(ProgressDetail { current, total }),
                ..CreateImageInfo::default()
            });
        };
        take("latest", "Pulling from library/redis", None, None);
        take("a", "Pulling fs layer", None, None);
        take("b", "Already exists", None, None);
        take("a", "Downloading", Some(10), Some(100));
        take("c", "Downloading", Some(50), Some(60));
        take("c", "Download complete", None, None);
        // The same bytes again, unpacked.
        take("c", "Extracting", Some(5), Some(60));
        let expected = ImageProgress::Pulling {
            layers_done: 1,
            layers: 3,
            bytes_done: 70,
            bytes: 160,
        };
        assert_eq!(layers.progress(), expected);
    }
}
