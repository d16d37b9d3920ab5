use super::*;

fn agent(name: &str, state: AgentState) -> AgentFacts {
    AgentFacts {
        name: name.into(),
        description: String::new(),
        state,
        busy: false,
    }
}

fn action(id: &str, words: &str, group: Group) -> Entry {
    Entry::new(
        Subject::Action(id.to_owned()),
        Section::Actions(group),
        words.to_owned(),
        String::new(),
    )
}

fn index() -> Index {
    let agents = vec![
        agent("greeter", AgentState::Active),
        agent("invoice-reader", AgentState::Active),
        agent("weather", AgentState::Stopped),
    ];
    let conversation = Entry::new(
        Subject::Conversation("s1".into()),
        Section::Conversations,
        "March invoices".to_owned(),
        "invoice-reader".to_owned(),
    );
    Index::new(
        agents,
        [
            action("go.home", "Home", Group::Go),
            action("go.stack", "Stack", Group::Go),
            action("stack.up", "Bring the stack up", Group::Stack),
            action("agent.restart", "Restart", Group::Page),
            conversation,
        ],
    )
}

fn found(index: &Index, typed: &str, recent: &Recent) -> Vec<String> {
    let rows = index.find(typed, recent);
    rows.iter()
        .filter_map(|row| match row {
            Row::Item(entry) => Some(entry.words.clone()),
            Row::Head(..) => None,
        })
        .collect()
}

#[test]
fn an_agent_is_found_by_letters_of_its_name() {
    let found = found(&index(), "ivr", &Recent::default());
    assert_eq!(found[0], "invoice-reader");
}

#[test]
fn a_word_for_a_deed_and_letters_of_an_agent_are_a_command() {
    let none = Recent::default();
    assert_eq!(found(&index(), "stop grt", &none)[0], "Stop greeter");
    assert_eq!(
        found(&index(), "grt stop", &none)[0],
        "Stop greeter",
        "in any order"
    );
    assert_eq!(
        found(&index(), "logs inv", &none)[0],
        "Open logs of invoice-reader"
    );
    assert_eq!(found(&index(), "start weather", &none)[0], "Start weather");
    let stops = found(&index(), "stop weather", &none);
    assert!(
        !stops.contains(&"Stop weather".to_owned()),
        "what is stopped cannot be: {stops:?}"
    );
}

#[test]
fn what_is_said_beside_an_entry_finds_it_too() {
    let entry_words = found(&index(), "march reader", &Recent::default());
    assert_eq!(entry_words, ["March invoices"]);
}

#[test]
fn what_was_used_lately_comes_first_among_the_like() {
    let index = Index::new(
        vec![
            agent("reader-a", AgentState::Active),
            agent("reader-b", AgentState::Active),
        ],
        [],
    );
    let mut recent = Recent::default();
    assert_eq!(found(&index, "reader", &recent)[0], "reader-a");
    recent.put(&Subject::Agent("reader-b".into()));
    assert_eq!(found(&index, "reader", &recent)[0], "reader-b");
    assert_eq!(Recent::read(&recent.written()), recent);
}

#[test]
fn nothing_typed_offers_what_was_used_then_the_page_then_agents() {
    let mut recent = Recent::default();
    recent.put(&Subject::Action("go.home".to_owned()));
    let heads: Vec<Section> = index()
        .find("", &recent)
        .into_iter()
        .filter_map(|row| match row {
            Row::Head(section, ..) => Some(section),
            Row::Item(_) => None,
        })
        .collect();
    assert_eq!(
        heads[..3],
        [
            Section::Recent,
            Section::Actions(Group::Page),
            Section::Agents
        ]
    );
}

#[test]
fn a_section_says_how_many_it_has_not_shown() {
    let agents = made_up_names(1_000).map(|name| agent(&name, AgentState::Active));
    let rows = Index::new(agents.collect(), []).find("er", &Recent::default());
    assert!(
        matches!(rows[0], Row::Head(Section::Agents, all, MOST_SHOWN) if all > MOST_SHOWN),
        "{:?}",
        rows[0]
    );
    assert_eq!(rows.len(), MOST_SHOWN + 1);
}

#[test]
fn letters_that_were_typed_are_marked_in_words_and_aside() {
    let entry = Entry::new(
        Subject::Conversation("s".into()),
        Section::Conversations,
        "March".to_owned(),
        "reader".to_owned(),
    );
    let [words, aside] = entry.marked(&Pattern::new("mar read"));
    assert_eq!(words, [(true, "Mar".to_owned()), (false, "ch".to_owned())]);
    assert_eq!(aside, [(true, "read".to_owned()), (false, "er".to_owned())]);
}

#[test]
fn made_up_names_are_all_different() {
    let mut names: Vec<String> = made_up_names(10_000).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 10_000);
}
