//! What may be wrong, why, and what to do about it: asked of the control plane, or looked for here where none answers.

use std::{collections::HashMap, sync::Arc};

use futures::StreamExt;
use indicatif::ProgressBar;
use nasiko_client::Client;
use nasiko_contract::{
    AgentName, Check, CheckState, Checkup, CheckupProgress, ErrorCode, Examine, Fault, FixCheck,
    Fixed, ReportDoctor,
};
use nasiko_server::doctor::{self, Surroundings, Tell};

use super::serve;
use crate::{
    arguments::DoctorArguments,
    documents::{CheckDocument, ReportDocument},
    failure::Failure,
    output::{Look, Output},
    session::Session,
};

/// Exit code of a look that found something that failed.
const SOMETHING_FAILED: u8 = 1;

/// Who looks.
enum Doctor {
    /// A control plane that answers.
    Resident(Client),
    /// This program: no control plane answers, and its surroundings can be looked at all the same.
    Here(Arc<Surroundings>),
}

/// What a check is known by: its id, and the agent it is about.
type Key = (String, Option<AgentName>);

pub(crate) async fn doctor(session: &Session, words: DoctorArguments) -> Result<(), Failure> {
    let doctor = find(session, words.agent.is_some()).await?;
    if words.report {
        return report(session, &doctor).await;
    }
    let mut done = HashMap::new();
    if words.fix {
        let view = View::new(session.output);
        let mut show = |progress: CheckupProgress| view.move_bar(&progress);
        let checkup = doctor.look(words.agent.clone(), &mut show).await?;
        view.bar.finish_and_clear();
        done = fix_all(session, &doctor, &checkup).await;
    }
    let view = View::new(session.output);
    let mut told = Ok(());
    let mut show = |progress: CheckupProgress| {
        view.move_bar(&progress);
        for check in &progress.checks {
            if told.is_ok() && (words.all || check.state < CheckState::Skipped) {
                told = view.tell(check);
            }
        }
    };
    let checkup = doctor.look(words.agent, &mut show).await?;
    view.bar.finish_and_clear();
    told?;
    conclude(session, checkup, done, words.all)
}

/// An agent is known to a control plane alone.
async fn find(session: &Session, is_about_agent: bool) -> Result<Doctor, Failure> {
    match session.attach().await {
        Ok(client) => Ok(Doctor::Resident(client)),
        Err(Failure::Fault(fault))
            if fault.code == ErrorCode::Unreachable
                && !is_about_agent
                && session.home().is_ok() =>
        {
            session
                .output
                .say("No control plane answers: this is what can be seen without one");
            Ok(Doctor::Here(Arc::new(serve::surroundings(session)?)))
        }
        Err(failure) => Err(failure),
    }
}

impl Doctor {
    async fn look(
        &self,
        agent: Option<AgentName>,
        tell: &mut Tell<'_>,
    ) -> Result<Checkup, Failure> {
        let client = match self {
            Self::Resident(client) => client,
            Self::Here(surroundings) => return Ok(doctor::examine(surroundings, tell).await),
        };
        let mut items = client.stream(Examine { agent }).await?;
        while let Some(item) = items.next().await {
            let progress = item?.item;
            if let Some(checkup) = progress.checkup {
                return Ok(checkup);
            }
            tell(progress);
        }
        let broken = Fault::new(
            ErrorCode::Unreachable,
            "The control plane ended before it had looked at everything",
        );
        Err(broken.hint("Ask again").into())
    }

    async fn fix(&self, check: &Check) -> Result<Fixed, Fault> {
        match self {
            Self::Resident(client) => {
                let request = FixCheck {
                    check: check.check.clone(),
                    agent: check.agent.clone(),
                };
                client.call(request).await
            }
            Self::Here(surroundings) => doctor::fix(surroundings, &check.check).await,
        }
    }
}

async fn report(session: &Session, doctor: &Doctor) -> Result<(), Failure> {
    let text = match doctor {
        Doctor::Resident(client) => client.call(ReportDoctor {}).await?.text,
        Doctor::Here(surroundings) => {
            let checkup = doctor::examine(surroundings, &mut |_| {}).await;
            doctor::report(&checkup, surroundings)
        }
    };
    if session.output.json {
        return session.output.document(&ReportDocument { report: text });
    }
    session.output.piece(&text)
}

/// One after another: what one fix changes may be what another looks at. One that fails is told and keeps none from the rest.
async fn fix_all(session: &Session, doctor: &Doctor, checkup: &Checkup) -> HashMap<Key, String> {
    let mut done = HashMap::new();
    for check in checkup.checks.iter().filter(|check| check.fix.is_some()) {
        let said = match doctor.fix(check).await {
            Ok(fixed) if fixed.changed => fixed.did,
            Ok(_) => continue,
            Err(fault) => format!("Not fixed: {fault}"),
        };
        if !session.output.json {
            session.output.say(format!("{}: {said}", check.title));
        }
        done.insert((check.check.clone(), check.agent.clone()), said);
    }
    done
}

/// What was found, for a program; for a person, who was told of each check, how many there were.
fn conclude(
    session: &Session,
    checkup: Checkup,
    mut done: HashMap<Key, String>,
    all: bool,
) -> Result<(), Failure> {
    let (failed, warnings, ok) = (
        checkup.count(CheckState::Failed),
        checkup.count(CheckState::Warning),
        checkup.count(CheckState::Ok),
    );
    let output = session.output;
    if output.json {
        let documents: Vec<CheckDocument> = checkup
            .checks
            .into_iter()
            .map(|check| {
                let did = done.remove(&(check.check.clone(), check.agent.clone()));
                CheckDocument::new(check, did)
            })
            .collect();
        output.document(&documents)?;
    } else {
        let warnings = match warnings {
            1 => "1 warning".to_owned(),
            many => format!("{many} warnings"),
        };
        let more = if all || ok == 0 {
            ""
        } else {
            "; --all shows all"
        };
        output.line(format!("{failed} failed, {warnings}, {ok} ok{more}"))?;
    }
    if failed > 0 {
        return Err(Failure::Ended(SOMETHING_FAILED));
    }
    Ok(())
}

/// How far a look is, where a person watches, and each check as it ends.
struct View {
    output: Output,
    bar: ProgressBar,
}

impl View {
    fn new(output: Output) -> Self {
        Self {
            output,
            bar: output.bar(),
        }
    }

    fn move_bar(&self, progress: &CheckupProgress) {
        self.bar.set_length(progress.total.into());
        self.bar.set_position(progress.done.into());
        self.bar.set_message(progress.looking.join(", "));
    }

    /// A program is told of all at the end.
    fn tell(&self, check: &Check) -> Result<(), Failure> {
        if self.output.json {
            return Ok(());
        }
        self.bar.suspend(|| tell(self.output, check))
    }
}

fn tell(output: Output, check: &Check) -> Result<(), Failure> {
    let (mark, look) = match check.state {
        CheckState::Failed => ("✗", Look::Bad),
        CheckState::Warning => ("!", Look::Busy),
        CheckState::Skipped => ("-", Look::Dim),
        CheckState::Ok => ("✓", Look::Good),
    };
    let about = match &check.agent {
        Some(agent) => agent.as_str(),
        None => check.group.title(),
    };
    output.line(format!(
        "{} {} · {}: {} {}",
        output.look(look, mark),
        output.look(Look::Bold, about),
        check.title,
        check.cause,
        output.look(Look::Dim, &format!("[{}]", check.check))
    ))?;
    if check.state == CheckState::Ok {
        return Ok(());
    }
    for line in &check.evidence {
        output.line(format!("  {} {line}", output.look(Look::Dim, "│")))?;
    }
    if let Some(hint) = &check.hint {
        output.line(format!("  {} {hint}", output.look(Look::Bold, "→")))?;
    }
    if let Some(command) = &check.command {
        output.line(format!("  {} {command}", output.look(Look::Dim, "$")))?;
    }
    if let Some(fix) = &check.fix {
        output.line(format!(
            "  {} {}: `nasiko doctor --fix`",
            output.look(Look::Bold, "→"),
            fix.label
        ))?;
    }
    Ok(())
}
