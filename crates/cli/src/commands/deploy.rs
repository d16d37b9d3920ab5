//! From a source to an agent that answers; and what a source holds.

use std::path::Path;

use nasiko_client::{Client, UploadFile};
use nasiko_contract::{
    AgentDescription, AgentName, AgentState, DeployArchive, DeployDirectory, DeployGit,
    DeployOptions, DeployResult, ErrorCode, Fault, GetAgent, Inspect, Job, Severity,
};

use crate::{
    arguments::{
        CloneArguments, DeployArguments, InspectArguments, UploadDirectoryArguments,
        UploadZipArguments,
    },
    documents::{DeployDocument, InspectDocument, command_line},
    failure::Failure,
    follow,
    output::{Look, Output},
    session::Session,
    source::{Source, absolute},
};

pub(crate) async fn deploy(session: &Session, words: DeployArguments) -> Result<(), Failure> {
    let source = Source::read(&words.source)?;
    begin(session, source, words.branch, words.options.read()?).await
}

pub(crate) async fn directory(
    session: &Session,
    words: UploadDirectoryArguments,
) -> Result<(), Failure> {
    let source = Source::Path(absolute(&words.path)?);
    begin(session, source, None, words.options.read()?).await
}

pub(crate) async fn clone(session: &Session, words: CloneArguments) -> Result<(), Failure> {
    let source = Source::repository(&words.repository);
    begin(session, source, words.branch, words.options.read()?).await
}

pub(crate) async fn upload(session: &Session, words: UploadZipArguments) -> Result<(), Failure> {
    let options = words.options.read()?;
    let file = read_archive(&words.file)?;
    let client = session.attach_or_start().await?;
    let job = client
        .upload(DeployArchive { options }, file)
        .await
        .map_err(Failure::Work)?;
    finish(session, client, job).await
}

async fn begin(
    session: &Session,
    source: Source,
    branch: Option<String>,
    options: DeployOptions,
) -> Result<(), Failure> {
    if matches!(source, Source::Path(_)) {
        session.shares_files()?;
    }
    let client = session.attach_or_start().await?;
    let git = |repository_full_name, url, options| DeployGit {
        repository_full_name,
        url,
        branch,
        options,
    };
    let accepted = match source {
        Source::Path(directory_path) => {
            let request = DeployDirectory {
                directory_path,
                options,
            };
            client.call(request).await
        }
        Source::Repository(name) => client.call(git(Some(name), None, options)).await,
        Source::Url(url) => client.call(git(None, Some(url), options)).await,
    };
    finish(session, client, accepted.map_err(refused)?).await
}

/// A deploy that is refused has failed like one that goes wrong later; only who could not be asked is another matter.
pub(super) fn refused(fault: Fault) -> Failure {
    match fault.code {
        ErrorCode::Unreachable | ErrorCode::Unauthenticated | ErrorCode::Forbidden => {
            Failure::Fault(fault)
        }
        _ => Failure::Work(fault),
    }
}

fn read_archive(path: &Path) -> Result<UploadFile, Failure> {
    let bytes = fs_err::read(path).map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorCode::PathNotFound,
            _ => ErrorCode::PathUnreadable,
        };
        let sentence = format!("`{}` cannot be read", path.display());
        Failure::Work(Fault::new(code, sentence).evidence([error.to_string()]))
    })?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok(UploadFile {
        name: name.to_string_lossy().into_owned(),
        bytes: bytes.into(),
    })
}

async fn finish(session: &Session, client: Client, job: Job) -> Result<(), Failure> {
    let job = follow::to_the_end(session, client.clone(), job).await?;
    show(session, &client, &job).await
}

/// Waits for a deploy and answers what it made.
pub(super) async fn made(
    session: &Session,
    client: &Client,
    job: Job,
) -> Result<(AgentName, DeployDocument), Failure> {
    let job = follow::to_the_end(session, client.clone(), job).await?;
    let document = document(client, &job).await?;
    Ok((AgentName(document.agent.clone()), document))
}

async fn document(client: &Client, job: &Job) -> Result<DeployDocument, Failure> {
    let result: DeployResult = serde_json::from_value(job.result.clone()).map_err(|error| {
        Fault::new(ErrorCode::Internal, "The job does not say what it made")
            .evidence([error.to_string()])
    })?;
    let agent = GetAgent {
        agent: result.agent.clone(),
    };
    // The job is done, whatever has become of its agent since.
    let state = client
        .call(agent)
        .await
        .map_or(AgentState::Active, |agent| agent.summary.state);
    Ok(DeployDocument::new(job, result, state))
}

/// Shows what a deploy made.
pub(crate) async fn show(session: &Session, client: &Client, job: &Job) -> Result<(), Failure> {
    let output = session.output;
    let document = document(client, job).await?;
    if output.json {
        return output.document(&document);
    }
    let what = if document.unchanged {
        "was up to date"
    } else {
        "is ready"
    };
    output.line(format!(
        "{} {} {what} at {}",
        output.look(Look::Bold, &document.agent),
        document.version,
        document.url
    ))?;
    let seconds = document.seconds;
    output.say(output.talk_look(
        Look::Dim,
        &format!(
            "{:.2} s: read {:.2}, prepare {:.2}, start {:.2}; {} runtime",
            seconds.total,
            seconds.read,
            seconds.prepare,
            seconds.start,
            document.runtime.as_str()
        ),
    ));
    if output.is_watched() {
        output.say(format!("Talk to it with `nasiko chat {}`", document.agent));
    }
    Ok(())
}

pub(crate) async fn inspect(session: &Session, words: &InspectArguments) -> Result<(), Failure> {
    session.shares_files()?;
    let directory_path = absolute(&words.path)?;
    let client = session.attach_or_start().await?;
    let request = Inspect {
        directory_path,
        preview: false,
    };
    let description = client.call(request).await.map_err(refused)?;
    if session.output.json {
        return session.output.document(&InspectDocument::from(description));
    }
    describe(session.output, &description)
}

fn describe(output: Output, agent: &AgentDescription) -> Result<(), Failure> {
    output.line(format!(
        "{} {}  {}",
        output.look(Look::Bold, agent.name.as_str()),
        agent.version,
        agent.description
    ))?;
    let mut language = agent.language.clone();
    if let Some(framework) = &agent.framework {
        language = format!("{language}, {framework}");
    }
    let mut rows = vec![("Language", language)];
    if let Some(entry) = &agent.entry {
        let command = command_line(&entry.command);
        rows.push(("Entry", format!("{command}  ({})", entry.why)));
    }
    if let Some(port) = agent.port {
        rows.push(("Port", port.to_string()));
    }
    let card = match (&agent.card, agent.card_generated) {
        (None, _) => "none",
        (Some(_), true) => "generated",
        (Some(_), false) => "from the folder",
    };
    rows.push(("Card", card.to_owned()));
    rows.push((
        "Content",
        format!("{} files, {} bytes", agent.files, agent.bytes),
    ));
    for (name, value) in rows {
        output.line(format!("  {name:9} {value}"))?;
    }
    for need in &agent.env {
        let state = match (need.satisfied, need.required) {
            (true, _) => "set",
            (false, true) => "needed",
            (false, false) => "optional",
        };
        output.line(format!(
            "  Reads     {} ({state}, {})",
            need.name, need.source
        ))?;
    }
    for folder in &agent.agents {
        output.line(format!("  Holds     {folder}"))?;
    }
    for finding in &agent.findings {
        let (look, word) = match finding.severity {
            Severity::Error => (Look::Bad, "error"),
            Severity::Warning => (Look::Busy, "warning"),
            Severity::Info => (Look::Dim, "info"),
        };
        let place = match (&finding.file, finding.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            _ => String::new(),
        };
        output.line(format!(
            "{} {place}{} [{}]",
            output.look(look, word),
            finding.message,
            finding.code
        ))?;
        if let Some(hint) = &finding.hint {
            output.line(format!("  → {hint}"))?;
        }
    }
    Ok(())
}
