//! The list of contexts, as the page changes it. A context's token stays in its file: no command gives it away.

use nasiko_client::{
    context::{ContextChange, ContextList, ContextName, NewContext, Standing},
    contexts::{self as known, Contexts},
};
use nasiko_contract::{ErrorCode, Fault};
use tauri::State;

use super::Bridge;
use crate::environment;

impl Bridge {
    async fn add(&self, mut typed: NewContext) -> Result<ContextList, Fault> {
        let folder = environment::user_home().ok_or_else(|| {
            Fault::new(
                ErrorCode::InvalidRequest,
                "There is no home folder to begin paths at",
            )
        })?;
        typed.place = without_tilde(&typed.place).to_owned();
        typed.token_file = typed.token_file.map(|file| without_tilde(&file).to_owned());
        Contexts::read(&self.home)?.add_typed(&typed, &folder)?;
        self.contexts().await
    }

    async fn edit(&self, name: &ContextName, change: &ContextChange) -> Result<ContextList, Fault> {
        {
            let mut connection = self.connection.lock().await;
            let own = connection.choose(&self.home)?;
            let edited = Contexts::read(&self.home)?.edit(name.as_str(), change)?;
            if own.name == *name {
                connection.context = Some(edited.name.to_string());
            }
        }
        self.contexts().await
    }

    async fn remove(&self, name: &ContextName) -> Result<ContextList, Fault> {
        {
            let mut connection = self.connection.lock().await;
            if connection.choose(&self.home)?.name == *name {
                return Err(Fault::new(
                    ErrorCode::Conflict,
                    format!("This window works in `{name}`"),
                )
                .hint("Use another context first"));
            }
            Contexts::read(&self.home)?.remove(name.as_str())?;
        }
        self.contexts().await
    }

    async fn look(&self, name: &ContextName) -> Result<Standing, Fault> {
        let context = Contexts::read(&self.home)?.get(name.as_str())?.clone();
        known::look(&context).await
    }
}

/// Paths of a page begin at the person's home folder, with the sign for it or without.
fn without_tilde(path: &str) -> &str {
    let path = path.trim();
    path.strip_prefix("~/").unwrap_or(path)
}

/// Adds a context; gives all of them.
#[tauri::command]
pub(crate) async fn add_context(
    bridge: State<'_, Bridge>,
    context: NewContext,
) -> Result<ContextList, Fault> {
    bridge.add(context).await
}

/// Gives a context another name or colour; gives all of them.
#[tauri::command]
pub(crate) async fn edit_context(
    bridge: State<'_, Bridge>,
    name: ContextName,
    change: ContextChange,
) -> Result<ContextList, Fault> {
    bridge.edit(&name, &change).await
}

/// Forgets a context that this window does not work in; gives the others.
#[tauri::command]
pub(crate) async fn remove_context(
    bridge: State<'_, Bridge>,
    name: ContextName,
) -> Result<ContextList, Fault> {
    bridge.remove(&name).await
}

/// Looks whether a context can be gone to.
#[tauri::command]
pub(crate) async fn look_at_context(
    bridge: State<'_, Bridge>,
    name: ContextName,
) -> Result<Standing, Fault> {
    bridge.look(&name).await
}
