//! Where the agent listens, in order of trust; what answers in the end wins over all of it.

use nasiko_contract::{Finding, Severity};

use super::card::urls;
use super::folder::Folder;
use super::source::SourceFacts;
use super::{Description, PortClaim};
use crate::compose::ComposeFacts;
use crate::dockerfile::{CommandForm, DockerfileFacts, split_words};
use crate::finding::FindingBuilder as _;

/// Ports that agents usually take.
pub(super) const USUAL_PORTS: [u16; 4] = [8000, 5000, 8080, 3000];

/// Fills in the port, the candidates, and a finding where the card says something else.
pub(super) fn claim(
    folder: &Folder<'_>,
    compose: Option<&ComposeFacts>,
    sources: &SourceFacts,
    description: &mut Description,
) {
    let mut claims = Vec::new();
    let mut add = |port: u16, source: String| claims.push(PortClaim { port, source });
    if let Some(port) = description.manifest.run.port {
        add(port, "nasiko.toml".to_owned());
    }
    if let Some(facts) = &description.dockerfile {
        for fact in &facts.ports {
            add(fact.port, format!("EXPOSE in {}:{}", facts.path, fact.line));
        }
        if let Some(port) = command_port(facts) {
            add(port, format!("the command in {}", facts.path));
        }
    }
    if let Some(port) = folder.read("Procfile").and_then(|text| {
        text.lines()
            .find_map(|line| port_argument(&split_words(line)))
    }) {
        add(port, "Procfile".to_owned());
    }
    for port in compose.into_iter().flat_map(|compose| &compose.ports) {
        add(*port, "the Compose file".to_owned());
    }
    // A program that reads PORT listens where it says, so the values the folder gives it count as well.
    let said =
        |values: &indexmap::IndexMap<String, String>| values.get("PORT")?.trim().parse().ok();
    if let Some(port) = said(&description.env) {
        add(port, "PORT in the folder's environment".to_owned());
    }
    if let Some(port) = description
        .dockerfile
        .as_ref()
        .and_then(|facts| said(&facts.env))
    {
        add(port, "ENV PORT in the Dockerfile".to_owned());
    }
    let card_port = description.card.as_ref().and_then(|card| {
        urls(&card.json)
            .find_map(url_port)
            .map(|port| (port, card.path.clone()))
    });
    if let Some((port, path)) = &card_port {
        add(*port, format!("the url in {path}"));
    }
    for claim in &sources.ports {
        add(claim.port, claim.source.clone());
    }
    if let (Some((port, path)), Some(first)) = (card_port, claims.first())
        && first.port != port
    {
        let message = format!(
            "The card says port {port}, {} says {}",
            first.source, first.port
        );
        description.findings.push(
            Finding::of("port.mismatch", Severity::Warning, message)
                .in_file(path)
                .with_hint(
                    "The port that answers is used; correct the card's url for other clients",
                ),
        );
    }
    for port in claims.iter().map(|claim| claim.port).chain(USUAL_PORTS) {
        if !description.port_candidates.contains(&port) {
            description.port_candidates.push(port);
        }
    }
    description.port = claims.into_iter().next();
}

fn command_port(facts: &DockerfileFacts) -> Option<u16> {
    [&facts.entrypoint, &facts.cmd]
        .into_iter()
        .flatten()
        .find_map(|form| match form {
            CommandForm::Exec(words) => port_argument(words).or_else(|| {
                words
                    .iter()
                    .find_map(|word| port_argument(&split_words(word)))
            }),
            CommandForm::Shell(text) => port_argument(&split_words(text)),
        })
}

/// `--port 8000`, `--port=8000`, `-p 8000`, `-b 0.0.0.0:8000`, `--bind :8000`.
pub(super) fn port_argument(words: &[String]) -> Option<u16> {
    words.iter().enumerate().find_map(|(index, word)| {
        let (flag, attached) = word
            .split_once('=')
            .map_or((word.as_str(), None), |(flag, value)| (flag, Some(value)));
        if !matches!(
            flag,
            "--port" | "-p" | "-b" | "--bind" | "--http-port" | "--listen"
        ) {
            return None;
        }
        let value = attached.or_else(|| words.get(index + 1).map(String::as_str))?;
        value.rsplit(':').next()?.parse().ok()
    })
}

/// The port of an address, when it names one.
fn url_port(url: &str) -> Option<u16> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}
