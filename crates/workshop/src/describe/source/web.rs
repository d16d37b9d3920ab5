//! What a source file shows of its web server: routes and ports.

use super::variables::literal;
use crate::describe::PortClaim;

/// Routes that are kept of one file.
const MOST_ROUTES: usize = 100;
/// Ports that are kept of one file.
const MOST_PORTS: usize = 3;
/// How far behind its mark a port number may stand: `port: int = Field(default=8000)`.
const REACH: usize = 40;

/// What stands before the paths of a route.
const ROUTE_MARKS: [&str; 14] = [
    ".get(",
    ".post(",
    ".put(",
    ".route(",
    ".websocket(",
    "Route(",
    "HandleFunc(",
    ".Handle(",
    "add_route(",
    "add_api_route(",
    "path == ",
    "path === ",
    "path in (",
    "url === ",
];

/// Paths in route declarations, and in comparisons of a plain server's path.
pub(super) fn routes(text: &str) -> Vec<String> {
    let mut routes: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| line.contains('/')) {
        let after = ROUTE_MARKS
            .into_iter()
            .find_map(|mark| line.split_once(mark));
        let Some((_, mut rest)) = after else { continue };
        while let Some((path, after)) = next_literal(rest) {
            if path.starts_with('/') && routes.len() < MOST_ROUTES {
                routes.push(path.to_owned());
            }
            rest = after;
        }
    }
    routes
}

fn next_literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.find(['"', '\'', '`'])?;
    literal(text.get(quote..)?)
}

/// Numbers that stand right behind the word port, and what Node and Go listen on.
pub(super) fn ports(path: &str, text: &str) -> Vec<PortClaim> {
    let mut claims: Vec<PortClaim> = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let code = line.trim_start();
        if code.starts_with('#')
            || code.starts_with("//")
            || !code.contains(|digit: char| digit.is_ascii_digit())
        {
            continue;
        }
        let port = behind_marks(code).find_map(port_number);
        if let Some(port) = port.filter(|port| !claims.iter().any(|claim| claim.port == *port)) {
            claims.push(PortClaim {
                port,
                source: format!("{path}:{number}"),
            });
        }
        if claims.len() == MOST_PORTS {
            break;
        }
    }
    claims
}

/// What follows each word `port` (not `import` or `support`), `.listen(` and `ListenAndServe(`.
fn behind_marks(line: &str) -> impl Iterator<Item = &str> {
    let words = ["port", "Port", "PORT"].into_iter().flat_map(move |word| {
        line.match_indices(word).filter_map(move |(place, _)| {
            let before = line.get(..place)?.chars().next_back();
            let own = before.is_none_or(|before| {
                !before.is_alphabetic() || (word == "Port" && before.is_lowercase())
            });
            own.then(|| line.get(place + word.len()..)).flatten()
        })
    });
    let calls = [".listen(", "ListenAndServe("]
        .into_iter()
        .filter_map(move |call| Some(line.split_once(call)?.1));
    words.chain(calls)
}

fn port_number(text: &str) -> Option<u16> {
    let start = text
        .find(|character: char| character.is_ascii_digit())
        .filter(|start| *start <= REACH)?;
    let digits = text.get(start..)?;
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    digits
        .get(..end)
        .filter(|digits| digits.len() >= 4)?
        .parse()
        .ok()
}
