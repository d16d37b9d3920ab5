//! The container engine: whether one is found, answers, may be used, is the one that is meant, and fits.

use std::{sync::Arc, time::Duration};

use nasiko_contract::{Check, CheckGroup};
use nasiko_engine::{
    About, Candidate, Engine, EngineConfig, EngineError, Particulars, Source, Verdict,
};

use super::{
    finding::{Finding, Spec},
    run::Examination,
    surroundings::Surroundings,
    tools::version_in,
};

const fn spec(id: &'static str, title: &'static str) -> Spec {
    Spec {
        id,
        title,
        group: CheckGroup::Engine,
    }
}

pub(super) const FOUND: Spec = spec("engine.found", "A container engine is there");
pub(super) const RUNNING: Spec = spec("engine.running", "It runs");
pub(super) const ACCESS: Spec = spec("engine.access", "This account may use it");
pub(super) const ADDRESS: Spec = spec("engine.address", "DOCKER_HOST and Docker's context");
pub(super) const CHOICE: Spec = spec("engine.choice", "There is one, or one was chosen");
pub(super) const API: Spec = spec("engine.api", "It is new enough");
pub(super) const ARCHITECTURE: Spec =
    spec("engine.architecture", "It computes as this machine does");
pub(super) const CLOCK: Spec = spec("engine.clock", "Its clock");

/// The oldest API that all that is done with an engine needs: that of Docker 20.10.
const OLDEST_API: (u32, u32) = (1, 41);
/// How far its clock may be from ours. Tokens and certificates bear this much.
const SKEW: Duration = Duration::from_secs(10);
/// How long an engine that is not used may take to say what it is.
const OTHER_LIMIT: Duration = Duration::from_secs(2);
/// Why what only an engine can tell is not looked at.
const NOBODY: &str = "No engine answers";
/// Engines that are not used and asked what they are.
const MAX_OTHERS: usize = 3;

/// What was seen of the engines of this machine.
struct View {
    /// The one that is used, or why there is none.
    used: Result<Particulars, EngineError>,
    chosen: Option<Candidate>,
    /// Where one was looked for, with what was found there.
    places: Vec<Candidate>,
    /// Engines that answer elsewhere, while what is used does not.
    others: Vec<(Candidate, About)>,
    /// `DOCKER_HOST` or a Docker context names a place.
    is_named: bool,
    /// Agents need one.
    is_needed: bool,
}

/// The checks of the engine, by one look at it.
pub(super) fn examination<'a>(
    surroundings: Arc<Surroundings>,
    engine: Arc<Engine>,
) -> Examination<'a> {
    type Judge = fn(&View) -> Finding;
    const CHECKS: [(&Spec, Judge); 8] = [
        (&FOUND, found),
        (&RUNNING, running),
        (&ACCESS, access),
        (&ADDRESS, address),
        (&CHOICE, choice),
        (&API, api),
        (&ARCHITECTURE, architecture),
        (&CLOCK, clock),
    ];
    let looking = async move {
        let view = look(&surroundings, &engine).await;
        let checks = CHECKS
            .iter()
            .map(|(spec, judge)| judge(&view).of(spec, None));
        checks.collect::<Vec<Check>>()
    };
    Examination::new(CHECKS.iter().map(|(spec, _)| *spec), looking)
}

async fn look(surroundings: &Surroundings, engine: &Engine) -> View {
    let used = engine.particulars().await;
    let places = engine.places().await;
    let chosen = engine.chosen();
    let is_named = surroundings.engine.host.is_some() || surroundings.engine.context.is_some();
    let others = match &used {
        Ok(_) => Vec::new(),
        // Whoever asks the doctor wants to know, even if opening a socket starts an engine.
        Err(_) => others(&places).await,
    };
    View {
        used,
        chosen,
        places,
        others,
        is_named,
        is_needed: surroundings.needs.engine,
    }
}

/// Engines that answer where none was looked for.
async fn others(places: &[Candidate]) -> Vec<(Candidate, About)> {
    let untried = places
        .iter()
        .filter(|place| place.verdict == Verdict::NotTried);
    let asked = untried.take(MAX_OTHERS).map(|place| async move {
        let engine = Engine::new(EngineConfig::at(place.address.clone()));
        let about = tokio::time::timeout(OTHER_LIMIT, engine.about()).await;
        Some((place.clone(), about.ok()?.ok()?))
    });
    let answers = futures::future::join_all(asked).await;
    answers.into_iter().flatten().collect()
}

impl View {
    /// The places, one by one but for usual ones where there is nothing.
    fn lines(&self) -> Vec<String> {
        let is_bare = |place: &&Candidate| {
            place.verdict == Verdict::Absent && matches!(place.source, Source::Usual(_))
        };
        let (bare, told): (Vec<&Candidate>, Vec<&Candidate>) =
            self.places.iter().partition(is_bare);
        let mut lines: Vec<String> = told
            .into_iter()
            .map(|place| format!("{} ({}): {}", place.address, place.source, place.verdict))
            .collect();
        if let Some(first) = bare.first() {
            let more = match bare.len() {
                1 => String::new(),
                many => format!(" and {} more usual places", many - 1),
            };
            lines.push(format!("{}{more}: nothing there", first.address));
        }
        lines
    }

    /// What it says of itself; else there is nothing to look at.
    fn particulars(&self) -> Option<&Particulars> {
        self.used.as_ref().ok()
    }

    fn has(&self, wanted: impl Fn(&Verdict) -> bool) -> bool {
        self.places.iter().any(|place| wanted(&place.verdict))
    }
}

fn hint_of(error: &EngineError) -> &'static str {
    error.hint().unwrap_or("Look into the engine's own log")
}

fn found(view: &View) -> Finding {
    match (&view.used, &view.chosen) {
        (Ok(_), Some(chosen)) => {
            Finding::ok(format!("{}, {}", chosen.address, chosen.source))
        }
        (Err(error @ EngineError::Absent { .. }), _) if view.others.is_empty() => Finding::failed_if(
            view.is_needed,
            "No container engine was found: agents run as processes, and neither containers nor the local stack",
        )
        .evidence(view.lines())
        .hint(hint_of(error)),
        _ => Finding::ok("There is one"),
    }
}

fn running(view: &View) -> Finding {
    match &view.used {
        Ok(_) => Finding::ok("It answers"),
        Err(error @ EngineError::Stopped { .. }) => Finding::failed_if(
            view.is_needed,
            "The container engine does not answer: it is stopped, or hangs",
        )
        .evidence(error.evidence())
        .evidence(view.lines())
        .hint(hint_of(error))
        .command("sudo systemctl start docker"),
        Err(error @ EngineError::Failed { .. }) => {
            Finding::failed("The container engine answers with errors")
                .evidence(error.evidence())
                .hint(hint_of(error))
        }
        Err(_) => Finding::skipped("No engine was reached"),
    }
}

fn access(view: &View) -> Finding {
    if let Err(error @ EngineError::Refused { address }) = &view.used {
        return Finding::failed("The container engine is there, and this account may not use it")
            .evidence([address.clone()])
            .evidence(owner_of(address))
            .hint(hint_of(error))
            .command("sudo usermod -aG docker \"$USER\"");
    }
    match &view.used {
        Ok(_) => Finding::ok("It lets this account in"),
        Err(_) if view.has(|verdict| *verdict == Verdict::Refused) => {
            Finding::warning("One of the engines does not let this account in")
                .evidence(view.lines())
        }
        Err(_) => Finding::skipped("No engine was reached"),
    }
}

/// Who may open a socket, as the system has it.
#[cfg(unix)]
fn owner_of(address: &str) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let socket = address.strip_prefix("unix://")?;
    let about = fs_err::metadata(socket).ok()?;
    Some(format!(
        "{socket}: mode {:04o}, user {}, group {}",
        about.mode() & 0o7777,
        about.uid(),
        about.gid()
    ))
}

#[cfg(not(unix))]
fn owner_of(_: &str) -> Option<String> {
    None
}

fn address(view: &View) -> Finding {
    if !view.is_named {
        return Finding::ok("No place is given; the usual ones are tried");
    }
    match (&view.used, view.others.first()) {
        (Ok(_), _) => Finding::ok("An engine answers where one was said to be"),
        (Err(EngineError::Refused { .. }), _) => {
            Finding::ok("There is an engine where one was said to be")
        }
        (Err(error), Some((other, about))) => Finding::failed(format!(
            "No engine answers where one was said to be, while {} {} does at {}",
            about.kind, about.version, other.address
        ))
        .evidence([error.to_string()])
        .evidence(view.lines())
        .hint("Unset DOCKER_HOST, or choose another context with `docker context use`; the fix holds until the control plane ends")
        .command("docker context ls")
        .fix(
            "Use the one that answers",
            format!("Uses the engine at {} until the control plane ends", other.address),
        ),
        (Err(error), None) => Finding::failed_if(
            view.is_needed,
            "No engine answers where DOCKER_HOST or Docker's context says one is",
        )
        .evidence([error.to_string()])
        .evidence(view.lines())
        .hint("Start that engine, or unset what names it to have the usual places tried")
        .command("docker context ls"),
    }
}

fn choice(view: &View) -> Finding {
    let untried = view
        .places
        .iter()
        .filter(|place| place.verdict == Verdict::NotTried);
    let others = untried.count().max(view.others.len());
    match &view.chosen {
        Some(chosen) if others > 0 && !view.is_named => Finding::warning(format!(
            "There are {} container engines, and nothing says which one is meant: the one at {} is used",
            others + 1,
            chosen.address
        ))
        .evidence(view.lines())
        .hint("Choose one with `docker context use`, or name it in DOCKER_HOST")
        .command("docker context ls"),
        Some(chosen) if others > 0 => Finding::ok(format!(
            "There are {}, and the one at {} was chosen",
            others + 1,
            chosen.address
        ))
        .evidence(view.lines()),
        Some(_) => Finding::ok("There is one"),
        None => Finding::skipped(NOBODY),
    }
}

fn api(view: &View) -> Finding {
    let Some(particulars) = view.particulars() else {
        return Finding::skipped(NOBODY);
    };
    match version_in(&particulars.api) {
        Some(version) if version < OLDEST_API => Finding::failed(format!(
            "The engine speaks version {} of the API, and {}.{} is needed",
            particulars.api, OLDEST_API.0, OLDEST_API.1
        ))
        .hint("Update the engine: Docker 20.10 or Podman 4 will do"),
        Some(_) => Finding::ok(format!("It speaks version {} of the API", particulars.api)),
        None => Finding::skipped("It does not say which version of the API it speaks"),
    }
}

fn architecture(view: &View) -> Finding {
    let Some(particulars) = view.particulars() else {
        return Finding::skipped(NOBODY);
    };
    let own = dockers_word(std::env::consts::ARCH);
    match dockers_word(&particulars.architecture) {
        "" => Finding::skipped("It does not say"),
        theirs if theirs == own => Finding::ok(format!("Both are {own}")),
        theirs => Finding::warning(format!(
            "The engine runs on {theirs} and this program on {own}: one of both is emulated, and slow"
        ))
        .hint("Install the build of this program, or of the engine, that is made for this machine"),
    }
}

/// The engines' word for what a machine computes with.
pub(super) fn dockers_word(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn clock(view: &View) -> Finding {
    let Some(particulars) = view.particulars() else {
        return Finding::skipped(NOBODY);
    };
    let Some(theirs) = particulars.time else {
        return Finding::skipped("It does not tell its time");
    };
    let (skew, direction) = match theirs.duration_since(particulars.asked) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    if skew <= SKEW {
        return Finding::ok("It goes like the one of this machine");
    }
    Finding::warning(format!(
        "The engine's clock is {} s {direction} this machine's: traces are out of order, and tokens and certificates may be refused",
        skew.as_secs()
    ))
    .hint("Restart the engine; its virtual machine loses time while the computer sleeps")
}

/// Uses an engine that answers instead of the one that was named and does not. `none` if there is no such engine.
pub(super) async fn use_another(engine: &Engine) -> Result<Option<String>, EngineError> {
    let places = engine.places().await;
    let Some((other, _)) = others(&places).await.into_iter().next() else {
        return Ok(None);
    };
    engine.use_instead(&other.address).await?;
    Ok(Some(other.address))
}
