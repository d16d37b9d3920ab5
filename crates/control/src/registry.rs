//! The registry: agents as others find them, with a person's words over the card's.

use nasiko_a2a::card;
use nasiko_contract::{
    Done, ErrorCode, Fault, GetCard, GetRegistryEntry, ListRegistry, Page, RegistryEntry,
    ResetRegistryEntry, UpdateRegistryEntry,
};
use serde_json::{Value, json};

use crate::{
    api::{Caller, Serve},
    plane::{ControlPlane, Shared},
    records::AgentRecord,
};

/// The longest description, in letters.
const LONGEST_DESCRIPTION: usize = 2_000;
/// The longest tag, in letters.
const LONGEST_TAG: usize = 64;
/// Tags of one entry.
const MOST_TAGS: usize = 32;

impl Shared {
    /// The card as the gateway serves it, with a person's words in it.
    pub(crate) fn public_card(&self, agent: &AgentRecord) -> Value {
        let mut json = agent.card.clone();
        card::rewrite(&mut json, &self.agent_url(&agent.name));
        if let (Some(description), Some(fields)) = (&agent.edited_description, json.as_object_mut())
        {
            fields.insert("description".to_owned(), json!(description));
        }
        json
    }

    fn entry(&self, agent: &AgentRecord) -> RegistryEntry {
        let card = self.public_card(agent);
        let summary = self.summary(agent);
        RegistryEntry {
            id: summary.name.clone(),
            name: summary.name.to_string(),
            description: summary.description,
            url: summary.url,
            state: summary.state,
            tags: agent.edited_tags.clone().unwrap_or_else(|| tags_of(&card)),
            card,
            edited: agent.edited_description.is_some() || agent.edited_tags.is_some(),
        }
    }
}

/// The tags of all skills, each once.
fn tags_of(card: &Value) -> Vec<String> {
    let skills = card
        .get("skills")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut tags: Vec<String> = skills
        .iter()
        .filter_map(|skill| skill.get("tags")?.as_array())
        .flatten()
        .filter_map(|tag| tag.as_str().map(str::to_owned))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

fn matches(entry: &RegistryEntry, words: &str) -> bool {
    let text = format!(
        "{} {} {} {}",
        entry.name,
        entry.description,
        entry.tags.join(" "),
        entry.card["skills"]
    )
    .to_lowercase();
    words
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word))
}

/// Refuses words that would not fit where others read them.
fn check(request: &UpdateRegistryEntry) -> Result<(), Fault> {
    let refused = |message: &str, hint: String| {
        Err(Fault::new(ErrorCode::InvalidRequest, message).hint(hint))
    };
    let letters = |text: &String| text.chars().count();
    if request.description.as_ref().map_or(0, letters) > LONGEST_DESCRIPTION {
        return refused(
            "The description is too long",
            format!("It has at most {LONGEST_DESCRIPTION} letters"),
        );
    }
    let tags = request.tags.as_deref().unwrap_or_default();
    if tags.len() > MOST_TAGS {
        return refused(
            "There are too many tags",
            format!("An entry has at most {MOST_TAGS}"),
        );
    }
    if tags
        .iter()
        .any(|tag| tag.trim().is_empty() || letters(tag) > LONGEST_TAG)
    {
        return refused(
            "A tag is empty or too long",
            format!("Each has at most {LONGEST_TAG} letters"),
        );
    }
    Ok(())
}

impl Serve<ListRegistry> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ListRegistry) -> Result<Page<RegistryEntry>, Fault> {
        let words = request.text.unwrap_or_default();
        let agents = self.shared.all_agents().await?;
        let entries = agents.iter().map(|agent| self.shared.entry(agent));
        Ok(Page {
            items: entries.filter(|entry| matches(entry, &words)).collect(),
            next_cursor: None,
        })
    }
}

impl Serve<GetRegistryEntry> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetRegistryEntry) -> Result<RegistryEntry, Fault> {
        Ok(self
            .shared
            .entry(&self.shared.agent(&request.agent).await?.value))
    }
}

impl Serve<GetCard> for ControlPlane {
    async fn serve(&self, _: &Caller, request: GetCard) -> Result<Value, Fault> {
        Ok(self
            .shared
            .public_card(&self.shared.agent(&request.agent).await?.value))
    }
}

impl Serve<UpdateRegistryEntry> for ControlPlane {
    async fn serve(
        &self,
        _: &Caller,
        request: UpdateRegistryEntry,
    ) -> Result<RegistryEntry, Fault> {
        check(&request)?;
        let changed = self
            .shared
            .change_agent(&request.agent, |agent, _| {
                if let Some(description) = &request.description {
                    agent.edited_description = Some(description.clone());
                }
                if let Some(tags) = &request.tags {
                    agent.edited_tags = Some(tags.clone());
                }
            })
            .await?;
        Ok(self.shared.entry(&changed))
    }
}

impl Serve<ResetRegistryEntry> for ControlPlane {
    async fn serve(&self, _: &Caller, request: ResetRegistryEntry) -> Result<Done, Fault> {
        self.shared
            .change_agent(&request.agent, |agent, _| {
                agent.edited_description = None;
                agent.edited_tags = None;
            })
            .await?;
        Ok(Done {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_from_all_skills_each_once() {
        let card = json!({ "skills": [
            { "tags": ["money", "paper"] },
            { "name": "without" },
            { "tags": ["money", 7, "art"] },
        ] });
        assert_eq!(tags_of(&card), ["art", "money", "paper"]);
        assert!(tags_of(&json!({ "skills": "none" })).is_empty());
        assert!(tags_of(&Value::Null).is_empty());
    }

    #[test]
    fn words_that_do_not_fit_are_refused() {
        let request =
            |description: Option<String>, tags: Option<Vec<String>>| UpdateRegistryEntry {
                agent: "reader".into(),
                description,
                tags,
            };
        let tags = |tags: &[&str]| Some(tags.iter().map(|tag| (*tag).to_owned()).collect());
        assert!(check(&request(None, None)).is_ok());
        assert!(
            check(&request(
                Some("ü".repeat(2_000)),
                tags(&["money", "two words"])
            ))
            .is_ok()
        );
        for refused in [
            request(Some("ü".repeat(2_001)), None),
            request(None, tags(&["money", " "])),
            request(None, tags(&["x".repeat(65).as_str()])),
            request(None, tags(&["x"; 33])),
        ] {
            let fault = check(&refused).unwrap_err();
            assert_eq!(fault.code, ErrorCode::InvalidRequest);
            assert!(fault.hint.is_some());
        }
    }

    #[test]
    fn every_word_must_be_found_somewhere() {
        let entry = RegistryEntry {
            id: "reader".into(),
            name: "reader".to_owned(),
            description: "Reads Invoices".to_owned(),
            url: String::new(),
            state: nasiko_contract::AgentState::Active,
            tags: vec!["money".to_owned()],
            card: json!({ "skills": [{ "name": "Totals" }] }),
            edited: false,
        };
        for (words, found) in [
            ("", true),
            ("invoices", true),
            ("MONEY reader", true),
            ("totals", true),
            ("reader poems", false),
        ] {
            assert_eq!(matches(&entry, words), found, "{words:?}");
        }
    }
}
