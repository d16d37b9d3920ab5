//! Links `nasiko://…`, as any web page or message may hold one: read by one strict parser.
//!
//! | link | what it does |
//! |---|---|
//! | `nasiko://open/<path>` | shows a page |
//! | `nasiko://deploy?source=<source>` | shows the preview of a folder, an archive or a repository; deploys nothing |
//!
//! Everything else is refused.

use std::path::Path;

/// What links begin with.
const SCHEME: &str = "nasiko://";
/// The longest link, in bytes.
const LONGEST: usize = 4 << 10;
/// The most steps of a page's path.
const MOST_STEPS: usize = 8;

/// A link that may be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    /// Show this page: a path from `/` on, in which nothing leads elsewhere.
    Page(String),
    /// Show the preview of this source: an absolute path, or the `https` address of a repository.
    Preview(String),
}

/// Whether the text means to be one of our links.
pub(crate) fn is_link(text: &str) -> bool {
    text.get(.."nasiko:".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("nasiko:"))
}

/// Reads a link; the error is the sentence's end that tells why it is not followed.
pub(crate) fn parse(text: &str) -> Result<Link, &'static str> {
    if text.len() > LONGEST {
        return Err("it is too long");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('#') {
        return Err("it holds characters that links of ours never do");
    }
    let rest = text
        .split_at_checked(SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .map(|(_, rest)| rest)
        .ok_or("it is no link of ours")?;
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    let (verb, path) = match place.split_once('/') {
        Some((verb, path)) => (verb, path),
        None => (place, ""),
    };
    match (verb, path, query) {
        ("open", path, None) => page(path).map(Link::Page),
        ("open", ..) => Err("a page's link has no query"),
        ("deploy", "", Some(query)) => source(query).map(Link::Preview),
        ("deploy", ..) => Err("it does not say what to deploy"),
        _ => Err("only `open` and `deploy` can be asked for"),
    }
}

/// A page's path: plain steps, each of which stays one when it is decoded.
fn page(path: &str) -> Result<String, &'static str> {
    if path.is_empty() {
        return Ok("/".to_owned());
    }
    let is_step = |step: &str| {
        let is_written = step
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte));
        let is_meant =
            |step: String| !matches!(&*step, "" | "." | "..") && !step.contains(['/', '\\']);
        is_written && decoded(step).is_some_and(is_meant)
    };
    if path.split('/').count() > MOST_STEPS || !path.split('/').all(is_step) {
        return Err("there can be no such page");
    }
    Ok(format!("/{path}"))
}

/// The one source in a query.
fn source(query: &str) -> Result<String, &'static str> {
    let value = query
        .strip_prefix("source=")
        .filter(|value| !value.contains('&'))
        .ok_or("it says other things than what to deploy")?;
    let source = decoded(value).ok_or("what to deploy is not readable")?;
    if let Some(address) = source.strip_prefix("https://") {
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        return if host.is_empty()
            || host.contains(['@', '\\'])
            || source.contains(char::is_whitespace)
        {
            Err("the repository's address is not plain")
        } else {
            Ok(source)
        };
    }
    // Two slashes name another machine on Windows, to which merely looking would send who looks.
    if Path::new(&source).is_absolute() && !source.starts_with(r"\\") && !source.starts_with("//") {
        Ok(source)
    } else {
        Err(
            "only folders and files by their whole path, and repositories over https, are looked at",
        )
    }
}

/// Text with its `%XX` decoded; nothing where one is broken, or what they stand for is no plain text.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16);
        bytes.push(match byte {
            b'%' => u8::try_from(digit()? * 16 + digit()?).ok()?,
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests;
