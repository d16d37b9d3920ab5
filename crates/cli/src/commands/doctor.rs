//! What may be wrong, why, and what to do about it: asked of the control plane, or looked for here where none answers.

use std::{collections::HashMap, sync::Arc};

use nasiko_client::Client;
use nasiko_contract::{
    AgentName, Check, CheckGroup, CheckState, Checkup, ErrorCode, Fault, FixCheck, Fixed,
    ReportDoctor, RunDoctor,
};
use nasiko_server::doctor::{self, Surroundings};

use super::serve;
use crate::{
    arguments::DoctorArguments,
    documents::{CheckDocument, ReportDocument},
    failure::Failure,
    output::Look,
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
    let mut checkup = doctor.look(words.agent.clone()).await?;
    let mut done = HashMap::new();
    if words.fix {
        done = fix_all(session, &doctor, &checkup).await;
        if !done.is_empty() {
            checkup = doctor.look(words.agent).await?;
        }
    }
    show(session, checkup, done, words.all)
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
    async fn look(&self, agent: Option<AgentName>) -> Result<Checkup, Fault> {
        match self {
            Self::Resident(client) => client.call(RunDoctor { agent }).await,
            Self::Here(surroundings) => Ok(doctor::examine(surroundings).await),
        }
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
            doctor::report(&doctor::examine(surroundings).await, surroundings)
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

fn show(
    session: &Session,
    checkup: Checkup,
    mut done: HashMap<Key, String>,
    all: bool,
) -> Result<(), Failure> {
    let count = |state: CheckState| {
        let of_state = checkup.checks.iter().filter(|check| check.state == state);
        of_state.count()
    };
    let (failed, warnings, ok) = (
        count(CheckState::Failed),
        count(CheckState::Warning),
        count(CheckState::Ok),
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
        for group in CheckGroup::ALL {
            let of_group = checkup.checks.iter().filter(|check| check.group == group);
            let told: Vec<&Check> = of_group
                .filter(|check| all || check.state < CheckState::Skipped)
                .collect();
            if !told.is_empty() {
                output.line(output.look(Look::Bold, group.title()))?;
            }
            told.into_iter()
                .try_for_each(|check| tell(session, check))?;
        }
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

fn tell(session: &Session, check: &Check) -> Result<(), Failure> {
    let output = session.output;
    let (mark, look) = match check.state {
        CheckState::Failed => ("✗", Look::Bad),
        CheckState::Warning => ("!", Look::Busy),
        CheckState::Skipped => ("-", Look::Dim),
        CheckState::Ok => ("✓", Look::Good),
    };
    let agent = check
        .agent
        .as_ref()
        .map_or_else(String::new, |agent| format!(" {agent}:"));
    output.line(format!(
        "  {}{agent} {}: {} {}",
        output.look(look, mark),
        check.title,
        check.cause,
        output.look(Look::Dim, &format!("[{}]", check.check))
    ))?;
    if check.state == CheckState::Ok {
        return Ok(());
    }
    for line in &check.evidence {
        output.line(format!("    {} {line}", output.look(Look::Dim, "│")))?;
    }
    if let Some(hint) = &check.hint {
        output.line(format!("    {} {hint}", output.look(Look::Bold, "→")))?;
    }
    if let Some(command) = &check.command {
        output.line(format!("    {} {command}", output.look(Look::Dim, "$")))?;
    }
    if let Some(fix) = &check.fix {
        output.line(format!(
            "    {} {}: `nasiko doctor --fix`",
            output.look(Look::Bold, "→"),
            fix.label
        ))?;
    }
    Ok(())
}
