//! Waiting for a job: its progress shown, its cancel passed on, its stream taken up again when it breaks.

use std::time::{Duration, Instant};

use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nasiko_client::Client;
use nasiko_contract::{
    CancelJob, ErrorCode, Fault, FollowJobLog, Job, JobId, JobLogItem, JobState,
};

use crate::{
    failure::Failure,
    output::{Look, Output},
    session::{COMES_BACK, Session},
};

/// Steps of the bar.
const BAR: u64 = 1000;
/// The pause before a broken stream is taken up again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a cancelled job may take to end before we stop watching.
const CANCEL_LIMIT: Duration = Duration::from_secs(30);

/// Follows `job` to its end. Interrupted, it asks for the job's cancel and waits for that.
pub(crate) async fn to_the_end(
    session: &Session,
    client: Client,
    job: Job,
) -> Result<Job, Failure> {
    let id = job.id.clone();
    let view = View::new(session.output);
    view.job(&job);
    let watching = watch(session, client.clone(), job, &view);
    tokio::pin!(watching);
    let ended = tokio::select! {
        // The signal first: from here on it no longer ends the program by itself.
        biased;
        interrupted = tokio::signal::ctrl_c() => match interrupted {
            Ok(()) => cancel(&client, &id, &view, watching).await,
            Err(_) => watching.await,
        },
        ended = &mut watching => ended,
    };
    view.finish();
    outcome(ended?)
}

async fn cancel(
    client: &Client,
    id: &JobId,
    view: &View,
    watching: impl Future<Output = Result<Job, Failure>>,
) -> Result<Job, Failure> {
    view.say("Cancelling…");
    client.call(CancelJob { job: id.clone() }).await?;
    let cancelled = || {
        Fault::new(
            ErrorCode::Cancelled,
            "Cancelled; the job ends in the background",
        )
        .hint(format!("See how it ends with `nasiko jobs get {id}`"))
    };
    tokio::select! {
        ended = tokio::time::timeout(CANCEL_LIMIT, watching) => match ended {
            Ok(ended) => ended,
            Err(_) => Err(cancelled().into()),
        },
        _ = tokio::signal::ctrl_c() => Err(cancelled().into()),
    }
}

/// What the end of a job means for a command.
fn outcome(job: Job) -> Result<Job, Failure> {
    match job.state {
        JobState::Succeeded => Ok(job),
        JobState::Cancelled => Err(Failure::Work(Fault::new(ErrorCode::Cancelled, "Cancelled"))),
        _ => Err(Failure::Work(job.fault.unwrap_or_else(|| {
            Fault::new(ErrorCode::Internal, "The job failed and does not say why")
        }))),
    }
}

/// Watches until the job is final. A control plane that ends and comes back takes its jobs up again, and so do we.
async fn watch(
    session: &Session,
    mut client: Client,
    mut job: Job,
    view: &View,
) -> Result<Job, Failure> {
    let mut broken: Option<Instant> = None;
    while !job.state.is_final() {
        let followed = follow_once(&client, &mut job, view).await;
        let fault = match followed {
            Ok(true) => continue,
            Ok(false) => Fault::new(ErrorCode::Unreachable, "The job's log ended before the job"),
            Err(fault) if fault.code == ErrorCode::Unreachable => fault,
            Err(fault) => return Err(fault.into()),
        };
        let since = *broken.get_or_insert_with(Instant::now);
        if since.elapsed() > COMES_BACK {
            return Err(fault.into());
        }
        tokio::time::sleep(PAUSE).await;
        if let Ok(again) = session.attach().await {
            client = again;
        }
    }
    Ok(job)
}

/// Follows one stream; whether it brought the job's end.
async fn follow_once(client: &Client, job: &mut Job, view: &View) -> Result<bool, Fault> {
    let follow = FollowJobLog {
        job: job.id.clone(),
    };
    let mut items = client.stream(follow).await?;
    while let Some(item) = items.next().await {
        let JobLogItem { line, job: changed } = item?.item;
        if let Some(line) = line {
            view.line(&line);
        }
        if let Some(changed) = changed {
            view.job(&changed);
            *job = changed;
        }
        if job.state.is_final() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How a job is shown: a bar where a person watches, lines where not.
struct View {
    output: Output,
    bar: Option<ProgressBar>,
    said: std::cell::RefCell<String>,
}

impl View {
    fn new(output: Output) -> Self {
        let bar = output.is_watched().then(|| {
            let bar = ProgressBar::with_draw_target(Some(BAR), ProgressDrawTarget::stderr());
            if let Ok(style) =
                ProgressStyle::with_template("{spinner} {bar:24} {percent:>3} %  {wide_msg}")
            {
                bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Self {
            output,
            bar,
            said: std::cell::RefCell::default(),
        }
    }

    fn job(&self, job: &Job) {
        match &self.bar {
            Some(bar) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a share between 0 and 1 of a small number"
                )]
                bar.set_position((job.progress.clamp(0.0, 1.0) * BAR as f64) as u64);
                bar.set_message(job.step.clone());
            }
            None if !self.output.json
                && !job.step.is_empty()
                && *self.said.borrow() != job.step =>
            {
                self.output.say(&job.step);
                self.said.replace(job.step.clone());
            }
            None => {}
        }
    }

    fn line(&self, line: &str) {
        if self.output.verbose {
            self.say(&self.output.talk_look(Look::Dim, line));
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.output.say(text)),
            None => self.output.say(text),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
