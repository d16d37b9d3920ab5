//! What an agent gets at its start (spec/agents.md section 4): the folder's own values, who it is, where to send its
//! spans, how to find other agents, its secrets; later ones win.

use std::net::SocketAddr;

use nasiko_contract::{AgentName, DeploymentId, Fault, RuntimeKind};
use nasiko_runtime::EnvValue;
use nasiko_store::{ExposeSecret, SecretString};

use crate::{
    plane::Shared,
    records::{AgentRecord, RunPlan},
    secrets::Belongs,
};

/// Whose agents these are, until there are accounts; a platform says it of those that it orders.
pub(crate) const OWNER: &str = "local";
/// The name under which an agent's credential at the gateway is sealed.
const GATEWAY_TOKEN: &str = "token";

impl Shared {
    /// The environment of a deployment's instance.
    pub(crate) async fn environment_of(
        self: &Shared,
        agent: &AgentName,
        deployment: &DeploymentId,
        plan: &RunPlan,
    ) -> Result<Vec<(String, EnvValue)>, Fault> {
        let mut env: Vec<(String, EnvValue)> = self
            .folder_env(agent, plan)
            .await?
            .into_iter()
            .map(|(name, value)| (name, EnvValue::Secret(SecretString::from(value))))
            .collect();
        let owner = self.owner_of(agent).await?;
        let mut plain =
            |name: &str, value: String| env.push((name.to_owned(), EnvValue::Plain(value)));
        plain("AGENT_NAME", agent.to_string());
        plain("AGENT_PROJECT_NAME", agent.to_string());
        plain("OWNER_ID", owner);
        plain("TRACING_ENABLED", "true".to_owned());
        plain("OTEL_SERVICE_NAME", agent.to_string());
        plain(
            "OTEL_RESOURCE_ATTRIBUTES",
            format!(
                "agent.id={agent},service.version={},deployment.id={deployment}",
                plan.version
            ),
        );
        plain(
            "OTEL_SEMCONV_STABILITY_OPT_IN",
            "gen_ai_latest_experimental".to_owned(),
        );
        plain("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf".to_owned());
        let (gateway, otlp) = self.reachable_from(agent, deployment, plan.runtime).await?;
        for (name, value) in [
            ("NASIKO_GATEWAY_URL", gateway.clone()),
            ("A2A_DISCOVERY_URL", gateway),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", otlp),
        ] {
            env.push((name.to_owned(), value));
        }
        for (name, value) in self.sealed_environment(agent).await? {
            env.push((name, EnvValue::Secret(value)));
        }
        Ok(env)
    }

    /// Whose agent it is.
    pub(crate) async fn owner_of(&self, agent: &AgentName) -> Result<String, Fault> {
        let found = self.store.get::<AgentRecord>(agent.as_str()).await?;
        let ordered = found.and_then(|found| found.value.ordered);
        let owner = ordered.and_then(|order| order.owner);
        Ok(owner.unwrap_or_else(|| OWNER.to_owned()))
    }

    /// Gateway and OTLP intake as the instance reaches them: a process over loopback, a container over the network's own
    /// gateway address and with a credential, since more than ours may be on that network.
    async fn reachable_from(
        &self,
        agent: &AgentName,
        deployment: &DeploymentId,
        runtime: RuntimeKind,
    ) -> Result<(EnvValue, EnvValue), Fault> {
        match runtime {
            RuntimeKind::Process => Ok((
                EnvValue::Plain(self.addresses.gateway.clone()),
                EnvValue::Plain(self.addresses.otlp_http.clone()),
            )),
            RuntimeKind::Docker => {
                let address = self.network_gateway().await?;
                let token = self.credentials.issue(agent.as_str());
                // Kept, so that the instance goes on being let in after a restart of the control plane.
                let key = token_name(deployment);
                self.seal(Belongs::Gateway(agent), &key, token.clone())
                    .await?;
                let base = format!("http://{address}/via/{}", token.expose_secret());
                Ok((
                    EnvValue::Secret(SecretString::from(base.clone())),
                    EnvValue::Secret(SecretString::from(format!("{base}/otlp"))),
                ))
            }
        }
    }

    /// Forgets the credential of an instance that is gone, if it had one: processes have none.
    pub(crate) async fn forget_credential(&self, agent: &AgentName, deployment: &DeploymentId) {
        let belongs = Belongs::Gateway(agent);
        let name = token_name(deployment);
        let forgotten = async {
            if let Some(token) = self.reveal_one(belongs, &name).await? {
                self.credentials.withdraw(&token);
                self.unseal(belongs, &name).await?;
            }
            Ok::<_, Fault>(())
        };
        if let Err(fault) = forgotten.await {
            tracing::warn!(%fault, %agent, "a credential of an instance that is gone was not forgotten");
        }
    }

    /// Lets the instances of an earlier run in again.
    pub(crate) async fn admit_earlier_credentials(&self, agent: &AgentName) -> Result<(), Fault> {
        for (_, token) in self.reveal(Belongs::Gateway(agent)).await? {
            self.credentials.admit(agent.as_str(), token);
        }
        Ok(())
    }

    /// Where the gateway listens on the container network; it begins to when this is first asked.
    pub(crate) async fn network_gateway(&self) -> Result<SocketAddr, Fault> {
        self.network_gateway
            .get_or_try_init(|| crate::listen::on_container_network(self))
            .await
            .copied()
    }
}

/// The name under which an instance's credential is sealed.
fn token_name(deployment: &DeploymentId) -> String {
    format!("{GATEWAY_TOKEN}_{}", deployment.as_str().replace('-', "_"))
}
