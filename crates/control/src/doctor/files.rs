//! Small files of the data directory that people and programs write.

use nasiko_contract::{CheckGroup, CheckState, Fault};
use serde_json::Value;

use super::{
    finding::{Finding, Spec},
    surroundings::Surroundings,
};
use crate::home::Home;

pub(super) const STORE_PLACE: Spec = Spec {
    id: "data.store-place",
    title: "What says where the store is (store.json)",
    group: CheckGroup::Data,
};
pub(super) const CONTEXTS: Spec = Spec {
    id: "data.contexts",
    title: "Known control planes (contexts.json)",
    group: CheckGroup::Data,
};

pub(super) fn store_place(surroundings: &Surroundings) -> Finding {
    match crate::house::is_chosen(&Home::existing(surroundings.home.clone())) {
        Ok(true) => Finding::ok("It says where the store is"),
        Ok(false) => Finding::ok("The store is where it is unless said otherwise"),
        // Without the file another store would count: nothing that the doctor may decide.
        Err(fault) => Finding::of_fault(CheckState::Failed, fault),
    }
}

/// Its form is the clients' business; that it is none at all is seen from here as well.
pub(super) fn contexts(surroundings: &Surroundings) -> Finding {
    let path = surroundings.home.join("contexts.json");
    let text = match fs_err::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::ok("This computer is the only one that is known");
        }
        Err(error) => return Finding::unreadable("contexts.json", &error),
    };
    let broken = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(content)) if content.contains_key("version") => {
            return Finding::ok("It can be read");
        }
        Ok(_) => "it names no version".to_owned(),
        Err(error) => error.to_string(),
    };
    Finding::failed("The list of known control planes cannot be read: only this computer is known")
        .evidence([path.display().to_string(), broken])
        .hint("Put it back from a copy, or begin a new one with `nasiko context add`")
        .fix(
            "Put it aside",
            "Gives the file the name contexts.json.broken, so that a new one can begin",
        )
}

pub(super) fn put_contexts_aside(surroundings: &Surroundings) -> Result<String, Fault> {
    let path = surroundings.home.join("contexts.json");
    let aside = surroundings.home.join("contexts.json.broken");
    fs_err::rename(&path, &aside).map_err(|error| crate::home::unwritable(&path, &error))?;
    Ok(format!("The file is {} now", aside.display()))
}
