//! What people type when they add a context.

use std::path::Path;

use nasiko_contract::{ErrorCode, Fault};

use crate::context::{ContextName, NewContext, Place};

pub(super) fn name_of(text: &str) -> Result<ContextName, Fault> {
    ContextName::new(text).ok_or_else(|| {
        refused(
            format!("`{text}` is no name of a context"),
            "Lower-case letters, digits and hyphens, 40 at most",
        )
    })
}

/// Relative paths are meant from `folder`.
pub(super) fn place_of(
    text: &str,
    token_file: Option<&str>,
    folder: &Path,
) -> Result<Place, Fault> {
    let whole = |path: &str| {
        std::path::absolute(folder.join(path)).map_err(|error| {
            refused(
                format!("`{path}` is no path: {error}"),
                "Name a folder on this machine",
            )
        })
    };
    if text.is_empty() {
        return Err(refused(
            "A context needs a place".to_owned(),
            "Give a folder on this machine, or the address of a control plane elsewhere",
        ));
    }
    if NewContext::is_address(text) {
        return Ok(Place::Remote {
            url: text.to_owned(),
            token_file: token_file.map(whole).transpose()?,
        });
    }
    if token_file.is_some() {
        return Err(refused(
            "A control plane on this machine needs no token".to_owned(),
            "Leave out the token file, or give an address instead of a folder",
        ));
    }
    Ok(Place::Local { home: whole(text)? })
}

fn refused(message: String, hint: &str) -> Fault {
    Fault::new(ErrorCode::InvalidRequest, message).hint(hint)
}
