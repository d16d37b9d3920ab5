//! What is told in passing, wherever one is.

pub(crate) const PUT_BACK: &str = "Put back";
pub(crate) const PINNED: &str = "Pinned: it is asked again after each update";
pub(crate) const CONNECTION_ENDED: &str = "The control plane ended the connection";

pub(crate) fn is_running(agent: &str) -> String {
    format!("{agent} is running")
}

pub(crate) fn is_stopped(agent: &str) -> String {
    format!("{agent} is stopped")
}

pub(crate) fn cleared(notices: u32) -> String {
    match notices {
        1 => "1 notice cleared".to_owned(),
        notices => format!("{notices} notices cleared"),
    }
}
