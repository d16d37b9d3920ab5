//! Where to ask: declared addresses brought to where the agent really is.

use reqwest::Url;

use crate::card::place;
use crate::error::A2aError;

/// The agent's root. A missing scheme is taken for HTTP.
pub(super) fn parse_base(text: &str) -> Result<Url, A2aError> {
    let trimmed = text.trim();
    let full = if trimmed.contains("://") {
        trimmed.to_owned()
    } else {
        format!("http://{trimmed}")
    };
    Url::parse(&full)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| A2aError::BadAddress(text.to_owned()))
}

/// The address under `base` of what is declared: a path, or an address of which only the path counts.
pub(super) fn resolve(base: &Url, declared: &str) -> Result<Url, A2aError> {
    let address = place(declared, base.as_str());
    Url::parse(&address).map_err(|_| A2aError::BadAddress(address))
}

/// The path on the agent of what is declared.
pub(super) fn path(base: &Url, declared: &str) -> String {
    let root = base.as_str().trim_end_matches('/');
    let address = place(declared, root);
    address.strip_prefix(root).unwrap_or(declared).to_owned()
}

/// `path` below a declared address.
pub(super) fn below(declared: &str, path: &str) -> String {
    format!("{}{path}", declared.trim_end_matches('/'))
}
