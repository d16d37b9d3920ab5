//! Addresses of other programs, as people write them into settings.

use nasiko_contract::{ErrorCode, Fault};
use reqwest::Url;

/// An HTTP address without a slash at its end; none for an empty text. The error says what is wrong with it.
pub(crate) fn checked(text: &str) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("it is no HTTP address".to_owned());
    }
    // Settings are not sealed.
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a password".to_owned());
    }
    Ok(Some(text.trim_end_matches('/').to_owned()))
}

/// The fault of a setting that cannot be what was given.
pub(crate) fn refused(setting: &str, why: &str, hint: &str) -> Fault {
    Fault::new(
        ErrorCode::InvalidRequest,
        format!("`{setting}` cannot be that: {why}"),
    )
    .hint(hint)
}
