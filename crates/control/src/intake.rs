//! Where agents come in: the operations that accept a source, and the one that only looks.

use std::path::{Path, PathBuf};

use nasiko_contract::{
    AgentDescription, AgentName, DeployArchive, DeployDirectory, DeployGit, DeployOptions,
    ErrorCode, Fault, Inspect, Job, JobId,
};
use nasiko_store::SecretString;
use nasiko_workshop::name;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{Caller, Serve, ServeUpload, UploadedFile},
    home,
    jobs::{Work, new_job},
    plane::{ControlPlane, Shared},
    plans,
    platform::Order,
    read,
    records::Source,
    secrets::{Belongs, check_variable},
};

impl Serve<DeployDirectory> for ControlPlane {
    async fn serve(&self, caller: &Caller, request: DeployDirectory) -> Result<Job, Fault> {
        let source = local_source(&request.directory_path).await?;
        self.shared
            .accept_deploy(caller, source, request.options)
            .await
    }
}

impl Serve<DeployGit> for ControlPlane {
    async fn serve(&self, caller: &Caller, request: DeployGit) -> Result<Job, Fault> {
        let address = request
            .url
            .or(request.repository_full_name)
            .ok_or_else(|| {
                Fault::new(ErrorCode::InvalidRequest, "No repository was given")
                    .hint("Give `repository_full_name` (owner/repo) or `url`")
            })?;
        let source = git_source(&address, request.branch)?;
        self.shared
            .accept_deploy(caller, source, request.options)
            .await
    }
}

impl ServeUpload<DeployArchive> for ControlPlane {
    async fn serve_upload(
        &self,
        caller: &Caller,
        request: DeployArchive,
        file: UploadedFile,
    ) -> Result<Job, Fault> {
        // Looked at before it is accepted: what is no archive is refused at once.
        let path = file.path.display().to_string();
        blocking(move || nasiko_workshop::Source::parse(&path)).await??;
        // Under a name made of its own, since an archive without a card is called after its file.
        let stem = nasiko_workshop::Source::Archive(file.name.clone().into()).suggested_name();
        let folder = self
            .shared
            .home
            .uploads()
            .join(uuid::Uuid::now_v7().to_string());
        let kept = folder.join(format!("{stem}.zip"));
        let taken_over = async {
            fs_err::tokio::create_dir_all(&folder).await?;
            fs_err::tokio::rename(&file.path, &kept).await
        };
        taken_over
            .await
            .map_err(|error| home::unwritable(&kept, &error))?;
        let source = Source::Upload {
            path: kept,
            name: file.name,
        };
        self.shared
            .accept_deploy(caller, source, request.options)
            .await
    }
}

impl Serve<Inspect> for ControlPlane {
    async fn serve(&self, _: &Caller, request: Inspect) -> Result<AgentDescription, Fault> {
        let source = local_source(&request.directory_path).await?;
        let into = self
            .shared
            .home
            .unpack(&uuid::Uuid::now_v7().to_string().into());
        let cancel = CancellationToken::new();
        let _ends_with_the_caller = cancel.clone().drop_guard();
        let described = if request.preview {
            read::preview(&source, &into, &cancel).await
        } else {
            let read = read::read(&source, &into, None, &|_| {}, &cancel).await;
            read.map(|read| AgentDescription {
                files: read.snapshot.files.len() as u64,
                bytes: read.snapshot.bytes,
                content_hash: read.snapshot.hash.to_string(),
                ..plans::to_contract(&read.description)
            })
        };
        home::discard(&into).await;
        described
    }
}

impl Shared {
    /// Accepts a deploy: seals the values given with it, then writes the job. What belongs to a job that was not accepted,
    /// or accepted earlier under the same key, goes: nobody will come for it.
    pub(crate) async fn accept_deploy(
        &self,
        caller: &Caller,
        source: Source,
        options: DeployOptions,
    ) -> Result<Job, Fault> {
        let id = JobId(uuid::Uuid::now_v7().to_string());
        self.accept_deploy_as(id, caller.idempotency_key(), source, options, None)
            .await
    }

    /// Like [`Shared::accept_deploy`], as the job `id`, and perhaps ordered by a platform.
    pub(crate) async fn accept_deploy_as(
        &self,
        id: JobId,
        key: Option<&str>,
        source: Source,
        options: DeployOptions,
        order: Option<Order>,
    ) -> Result<Job, Fault> {
        if options.watch == Some(true) {
            crate::live::folder_of(&source)?;
        }
        let mut work = Work::Deploy {
            source,
            name: None,
            runtime: options.runtime,
            force: options.force,
            replace: options.replace,
            watch: options.watch,
            order,
        };
        let accepted = async {
            if let (Work::Deploy { name, .. }, Some(given)) = (&mut work, &options.agent_name) {
                *name = Some(valid_name(given)?);
            }
            for (name, value) in options.env {
                check_variable(&name)?;
                self.seal(Belongs::Job(id.as_str()), &name, SecretString::from(value))
                    .await?;
            }
            let mut job = new_job(&work, key)?;
            job.id.clone_from(&id.0);
            self.enqueue(job).await
        }
        .await;
        if !accepted.as_ref().is_ok_and(|job| job.id == id) {
            self.clean_up(&id, &work).await;
        }
        accepted
    }
}

/// A repository.
pub(crate) fn git_source(address: &str, branch: Option<String>) -> Result<Source, Fault> {
    match nasiko_workshop::Source::parse(address)? {
        nasiko_workshop::Source::Git { url, branch: named } => Ok(Source::Git {
            url,
            branch: branch.or(named),
        }),
        nasiko_workshop::Source::Folder(_) | nasiko_workshop::Source::Archive(_) => {
            Err(Fault::new(
                ErrorCode::NotAnAgentSource,
                format!("`{address}` is not a repository"),
            ))
        }
    }
}

/// A folder or archive of this machine.
pub(crate) async fn local_source(path: &str) -> Result<Source, Fault> {
    if !Path::new(path).is_absolute() {
        return Err(Fault::new(
            ErrorCode::InvalidRequest,
            format!("`{path}` is not an absolute path"),
        )
        .hint("The control plane has no working directory of yours: give the whole path"));
    }
    let text = path.to_owned();
    let source = blocking(move || nasiko_workshop::Source::parse(&text)).await??;
    match source {
        nasiko_workshop::Source::Folder(path) => Ok(Source::Folder {
            path: canonical(path).await,
        }),
        nasiko_workshop::Source::Archive(path) => Ok(Source::Archive {
            path: canonical(path).await,
        }),
        nasiko_workshop::Source::Git { .. } => Err(Fault::new(
            ErrorCode::PathNotFound,
            format!("`{path}` does not exist"),
        )),
    }
}

/// Looks at files away from the async threads.
async fn blocking<T: Send + 'static>(
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(look)
        .await
        .map_err(|error| crate::plane::internal("a path could not be looked at", &error))
}

/// The same folder under two spellings is the same agent.
async fn canonical(path: PathBuf) -> PathBuf {
    fs_err::tokio::canonicalize(&path).await.unwrap_or(path)
}

fn valid_name(given: &str) -> Result<AgentName, Fault> {
    match name::normalise(given) {
        Some(name) if name == given => Ok(name.into()),
        normal => {
            let fault = Fault::new(
                ErrorCode::InvalidName,
                format!("`{given}` cannot be the name of an agent"),
            );
            Err(match normal {
                Some(normal) => fault.hint(format!(
                    "Try `{normal}`: lower-case letters, digits and dashes, at most 63"
                )),
                None => fault
                    .hint("A name is made of lower-case letters, digits and dashes, at most 63"),
            })
        }
    }
}
