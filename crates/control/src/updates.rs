//! Tells of newer versions of the product. Which there are, and how they come, is the window's work.

use nasiko_contract::{AnnounceUpdate, Done, ErrorCode, Fault};
use nasiko_store::Batch;

use crate::{
    api::{Caller, Serve},
    notices::{UPDATE_READY, UpdateReady},
    plane::ControlPlane,
};

/// The longest version that is told, in bytes.
const LONGEST: usize = 40;

impl Serve<AnnounceUpdate> for ControlPlane {
    async fn serve(&self, _: &Caller, request: AnnounceUpdate) -> Result<Done, Fault> {
        let AnnounceUpdate { version, managed } = request;
        if !is_version(&version) {
            return Err(Fault::new(
                ErrorCode::InvalidRequest,
                "`version` is no version",
            ));
        }
        let mut batch = Batch::new();
        batch.event(UPDATE_READY, "update", &UpdateReady { version, managed });
        self.shared.store.commit(batch).await?;
        Ok(Done {})
    }
}

/// Digits and what may follow them; a notice shows it.
fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    text.len() <= LONGEST
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn a_version_is_short_and_plain() {
        for version in ["0.2.0", "1.0.0-rc.1", "2.0.0+build.5"] {
            assert!(is_version(version), "{version}");
        }
        for other in ["", "v1", "1.0 <b>", "1.0\n", &"1".repeat(41)] {
            assert!(!is_version(other), "{other:?}");
        }
    }
}
