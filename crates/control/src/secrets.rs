//! Secrets: the operations (write-only), and the other values that are sealed like secrets.

use indexmap::IndexMap;
use nasiko_contract::{
    AgentName, Done, ErrorCode, Fault, ListSecrets, Page, RemoveSecret, RemoveSharedSecret,
    SecretInfo, SetSecret, SetSharedSecret,
};
use nasiko_store::{Batch, ExposeSecret, Scope, SecretString, StoreError, Vault};

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
    records::RunPlan,
};

/// What sealed values belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Belongs<'a> {
    /// An agent: its secrets.
    Agent(&'a AgentName),
    /// An agent: what was given with its deploys.
    Deploy(&'a AgentName),
    /// An agent: its credentials at the gateway.
    Gateway(&'a AgentName),
    /// An agent: the values that its folder brings.
    Folder(&'a AgentName),
    /// A job that will hand them on.
    Job(&'a str),
    /// The local stack: passwords of its services.
    Stack,
    /// The control plane itself.
    Ourselves,
}

/// The jobs among what sealed values belong to.
pub(crate) fn jobs_of(belongings: &[String]) -> impl Iterator<Item = &str> {
    belongings
        .iter()
        .filter_map(|belongs| belongs.strip_prefix("job/"))
}

impl Belongs<'_> {
    /// Agents' names have no slash: the others can never be taken for an agent.
    fn scope(self) -> Scope {
        Scope::Agent(match self {
            Self::Agent(agent) => agent.to_string(),
            Self::Deploy(agent) => format!("deploy/{agent}"),
            Self::Gateway(agent) => format!("gateway/{agent}"),
            Self::Folder(agent) => format!("folder/{agent}"),
            Self::Job(job) => format!("job/{job}"),
            Self::Stack => "stack/".to_owned(),
            Self::Ourselves => "control/".to_owned(),
        })
    }
}

impl Shared {
    /// Seals a value.
    pub(crate) async fn seal(
        &self,
        belongs: Belongs<'_>,
        name: &str,
        value: SecretString,
    ) -> Result<(), Fault> {
        Ok(self
            .vault
            .put_secret(&belongs.scope(), name, &value)
            .await?)
    }

    /// Seals a value unless just this one is sealed there already, so that nothing changes when nothing changed.
    pub(crate) async fn seal_if_new(
        &self,
        belongs: Belongs<'_>,
        name: &str,
        value: SecretString,
    ) -> Result<(), Fault> {
        match self.reveal_one(belongs, name).await? {
            Some(present) if present.expose_secret() == value.expose_secret() => Ok(()),
            _ => self.seal(belongs, name, value).await,
        }
    }

    /// Opens one value, if it is there.
    pub(crate) async fn reveal_one(
        &self,
        belongs: Belongs<'_>,
        name: &str,
    ) -> Result<Option<SecretString>, Fault> {
        match self.vault.reveal(&belongs.scope(), name).await {
            Ok(value) => Ok(Some(value)),
            Err(StoreError::SecretNotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets one value.
    pub(crate) async fn unseal(&self, belongs: Belongs<'_>, name: &str) -> Result<(), Fault> {
        Ok(self.vault.remove(&belongs.scope(), name).await?)
    }

    /// Opens everything that belongs to something, by name.
    pub(crate) async fn reveal(
        &self,
        belongs: Belongs<'_>,
    ) -> Result<Vec<(String, SecretString)>, Fault> {
        let scope = belongs.scope();
        let mut values = Vec::new();
        for name in self.vault.list(&scope).await? {
            let value = self.vault.reveal(&scope, &name).await?;
            values.push((name, value));
        }
        Ok(values)
    }

    /// Forgets everything that belongs to something.
    pub(crate) async fn forget_all(&self, belongs: Belongs<'_>) -> Result<(), Fault> {
        let scope = belongs.scope();
        if self.vault.list(&scope).await?.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        Vault::remove_all(&scope, &mut batch);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// What waits on standby was started without what is shared now.
    async fn outdate_all_standbys(&self) -> Result<(), Fault> {
        for agent in self.all_agents().await? {
            self.outdate_standby(&agent.name).await;
        }
        Ok(())
    }

    /// What an agent's environment gets from the vault: shared secrets, its own, what was given with its deploys; later
    /// ones win.
    pub(crate) async fn sealed_environment(
        &self,
        agent: &AgentName,
    ) -> Result<Vec<(String, SecretString)>, Fault> {
        let mut values = self.vault.reveal_for(agent.as_str()).await?;
        values.extend(self.reveal(Belongs::Deploy(agent)).await?);
        Ok(values)
    }

    /// Names of what an agent gets from the vault.
    pub(crate) async fn secrets_of(&self, agent: &AgentName) -> Result<Vec<SecretInfo>, Fault> {
        let mut names = self.vault.list(&Belongs::Agent(agent).scope()).await?;
        names.extend(self.vault.list(&Belongs::Deploy(agent).scope()).await?);
        names.sort_unstable();
        names.dedup();
        Ok(names
            .into_iter()
            .map(|name| SecretInfo {
                name,
                agent: Some(agent.clone()),
            })
            .collect())
    }

    /// Seals the values that a folder brings, under a name that is made of the id of who does so; gives that name, or none
    /// where there are no values.
    pub(crate) async fn seal_folder_env(
        &self,
        agent: &AgentName,
        key: &str,
        env: &IndexMap<String, String>,
    ) -> Result<Option<String>, Fault> {
        if env.is_empty() {
            return Ok(None);
        }
        let name = format!("env_{}", key.replace('-', "_"));
        let text = serde_json::to_string(env)
            .map_err(|error| crate::plane::internal("values were not written down", &error))?;
        self.seal(Belongs::Folder(agent), &name, SecretString::from(text))
            .await?;
        Ok(Some(name))
    }

    /// The values that the folder of a plan brings.
    pub(crate) async fn folder_env(
        &self,
        agent: &AgentName,
        plan: &RunPlan,
    ) -> Result<IndexMap<String, String>, Fault> {
        let Some(name) = &plan.folder_env else {
            return Ok(IndexMap::new());
        };
        let text = self
            .vault
            .reveal(&Belongs::Folder(agent).scope(), name)
            .await?;
        serde_json::from_str(text.expose_secret())
            .map_err(|error| crate::plane::internal("sealed values were not understood", &error))
    }

    /// Forgets the values of folders that the agent's plan does not name: of earlier versions, and of deploys that
    /// failed before.
    pub(crate) async fn forget_folder_envs(&self, agent: &AgentName) -> Result<(), Fault> {
        let named = self
            .agent(agent)
            .await?
            .value
            .plan
            .and_then(|plan| plan.folder_env);
        for name in self.vault.list(&Belongs::Folder(agent).scope()).await? {
            if named.as_ref() != Some(&name) {
                self.unseal(Belongs::Folder(agent), &name).await?;
            }
        }
        Ok(())
    }

    /// Tells whether two starts get the same environment, without telling anything about the values: a hash under a key
    /// that is itself sealed.
    pub(crate) async fn env_fingerprint(
        &self,
        agent: &AgentName,
        folder_env: &IndexMap<String, String>,
    ) -> Result<String, Fault> {
        let mut hasher = blake3::Hasher::new_keyed(self.fingerprint_key().await?);
        let mut add = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        for (name, value) in folder_env {
            add(name);
            add(value);
        }
        for (name, value) in self.sealed_environment(agent).await? {
            add(&name);
            add(value.expose_secret());
        }
        Ok(hasher.finalize().to_hex()[..32].to_owned())
    }

    /// A key of this data directory, for hashes that tell nothing about what is hashed.
    pub(crate) async fn fingerprint_key(&self) -> Result<&[u8; 32], Fault> {
        self.fingerprint_key
            .get_or_try_init(|| self.sealed_fingerprint_key())
            .await
    }

    async fn sealed_fingerprint_key(&self) -> Result<[u8; 32], Fault> {
        const NAME: &str = "fingerprint";
        let text = match self.reveal_one(Belongs::Ourselves, NAME).await? {
            Some(key) => key,
            None => {
                let made: [u8; 32] = rand::random();
                let key = SecretString::from(blake3::Hash::from_bytes(made).to_hex().to_string());
                let scope = Belongs::Ourselves.scope();
                match self.vault.put_new_secret(&scope, NAME, &key).await {
                    Ok(()) => key,
                    // Another control plane on the store was quicker.
                    Err(StoreError::Conflict { .. }) => self.vault.reveal(&scope, NAME).await?,
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(*blake3::hash(text.expose_secret().as_bytes()).as_bytes())
    }
}

impl Serve<ListSecrets> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListSecrets) -> Result<Page<SecretInfo>, Fault> {
        let items = match request.agent {
            Some(agent) => {
                self.shared.agent(&agent).await?;
                self.shared.secrets_of(&agent).await?
            }
            None => {
                let shared = self.shared.vault.list(&Scope::Global).await?;
                let mut all: Vec<SecretInfo> = shared
                    .into_iter()
                    .map(|name| SecretInfo { name, agent: None })
                    .collect();
                for agent in self.shared.all_agents().await? {
                    all.extend(self.shared.secrets_of(&agent.name).await?);
                }
                all
            }
        };
        Ok(Page {
            items,
            next_cursor: None,
        })
    }
}

impl Serve<SetSecret> for ControlPlane {
    async fn serve(&self, _: &Caller, request: SetSecret) -> Result<SecretInfo, Fault> {
        check_variable(&request.name)?;
        self.shared.agent(&request.agent).await?;
        self.shared
            .seal(
                Belongs::Agent(&request.agent),
                &request.name,
                SecretString::from(request.value),
            )
            .await?;
        self.shared.outdate_standby(&request.agent).await;
        // A value that was given with a deploy would win over the one that was set now.
        let given = Belongs::Deploy(&request.agent);
        if self
            .shared
            .reveal_one(given, &request.name)
            .await?
            .is_some()
        {
            self.shared.unseal(given, &request.name).await?;
        }
        Ok(SecretInfo {
            name: request.name,
            agent: Some(request.agent),
        })
    }
}

impl Serve<RemoveSecret> for ControlPlane {
    async fn serve(&self, _: &Caller, request: RemoveSecret) -> Result<Done, Fault> {
        self.shared.agent(&request.agent).await?;
        self.shared.outdate_standby(&request.agent).await;
        let own = self
            .shared
            .vault
            .remove(&Belongs::Agent(&request.agent).scope(), &request.name)
            .await;
        let given = self
            .shared
            .vault
            .remove(&Belongs::Deploy(&request.agent).scope(), &request.name)
            .await;
        match (own, given) {
            (Err(StoreError::SecretNotFound { .. }), Err(StoreError::SecretNotFound { .. })) => {
                Err(Fault::new(
                    ErrorCode::SecretNotFound,
                    format!("`{}` has no secret named `{}`", request.agent, request.name),
                )
                .hint(format!(
                    "`nasiko secret list {}` names those there are",
                    request.agent
                )))
            }
            (
                Err(StoreError::SecretNotFound { .. }) | Ok(()),
                Err(StoreError::SecretNotFound { .. }) | Ok(()),
            ) => Ok(Done {}),
            (Err(error), _) | (_, Err(error)) => Err(error.into()),
        }
    }
}

impl Serve<SetSharedSecret> for ControlPlane {
    async fn serve(&self, _: &Caller, request: SetSharedSecret) -> Result<SecretInfo, Fault> {
        let SetSharedSecret { name, value } = request;
        check_variable(&name)?;
        let value = SecretString::from(value);
        self.shared
            .vault
            .put_secret(&Scope::Global, &name, &value)
            .await?;
        self.shared.outdate_all_standbys().await?;
        Ok(SecretInfo { name, agent: None })
    }
}

impl Serve<RemoveSharedSecret> for ControlPlane {
    async fn serve(&self, _: &Caller, request: RemoveSharedSecret) -> Result<Done, Fault> {
        let removed = self.shared.vault.remove(&Scope::Global, &request.name);
        match removed.await {
            Ok(()) => {}
            Err(StoreError::SecretNotFound { .. }) => {
                return Err(Fault::new(
                    ErrorCode::SecretNotFound,
                    format!("There is no shared secret named `{}`", request.name),
                )
                .hint("`nasiko secret list` names those there are"));
            }
            Err(error) => return Err(error.into()),
        }
        self.shared.outdate_all_standbys().await?;
        Ok(Done {})
    }
}

/// Refuses what a program's environment cannot carry.
pub(crate) fn check_variable(name: &str) -> Result<(), Fault> {
    if is_variable(name) {
        return Ok(());
    }
    Err(Fault::new(
        ErrorCode::InvalidRequest,
        format!("`{name}` cannot be the name of a variable"),
    )
    .hint("Letters, digits and underscores, not beginning with a digit"))
}

fn is_variable(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_environment_can_carry_is_a_variable() {
        for name in ["KEY", "_key2", "x"] {
            assert!(check_variable(name).is_ok(), "{name:?}");
        }
        for name in ["", "2KEY", "A-B", "A.B", "A B", "ÄB", "A=B"] {
            assert!(check_variable(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_waits_for_a_job_is_told_from_what_agents_have() {
        let agent: AgentName = "job".into();
        let belongings: Vec<String> = [
            Belongs::Agent(&agent),
            Belongs::Deploy(&agent),
            Belongs::Gateway(&agent),
            Belongs::Job("one"),
            Belongs::Stack,
            Belongs::Ourselves,
        ]
        .into_iter()
        .map(|belongs| match belongs.scope() {
            Scope::Agent(name) => name,
            Scope::Global => panic!("nothing of an agent is everybody's"),
        })
        .collect();
        assert_eq!(jobs_of(&belongings).collect::<Vec<_>>(), ["one"]);
    }
}
