use nasiko_client::context::ContextName;
use nasiko_contract::{
    JobState, NoticeId, ServiceHealth, ServiceState, StackProfile, StackService,
};

use super::*;
use crate::picture::tests::{agent, job, stack, with_agents};

/// The menu as lines, deeper ones indented.
fn lines(items: &[Item]) -> Vec<String> {
    let mut lines = Vec::new();
    write(items, 0, &mut lines);
    lines
}

fn write(items: &[Item], depth: usize, lines: &mut Vec<String>) {
    for item in items {
        let mut put = |text: &str| lines.push(format!("{}{text}", "  ".repeat(depth)));
        match item {
            Item::Separator => put("-"),
            Item::Line(text) => put(&format!("({text})")),
            Item::Act(text, _) => put(text),
            Item::Choice(text, chosen, _) => {
                put(&format!("{} {text}", if *chosen { "x" } else { "o" }));
            }
            Item::Group(text, items) => {
                put(&format!("{text} >"));
                write(items, depth + 1, lines);
            }
        }
    }
}

/// The items of a group whose label begins so.
fn group<'a>(items: &'a [Item], label: &str) -> &'a [Item] {
    let found = items.iter().find_map(|item| match item {
        Item::Group(text, items) if text.starts_with(label) => Some(items),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no {label} in {:?}", lines(items)))
}

fn deed<'a>(items: &'a [Item], label: &str) -> &'a Deed {
    let found = items.iter().find_map(|item| match item {
        Item::Act(text, deed) | Item::Choice(text, _, deed) if text == label => Some(deed),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no {label} in {:?}", lines(items)))
}

#[test]
fn the_menu_of_a_control_plane_that_is_at_work() {
    let mut picture = with_agents(&[("weather", AgentState::Active)]);
    let mut broken = agent("notes", AgentState::Failed);
    broken.error = Some("It ended with code 3\nand more".to_owned());
    picture.agents.insert(AgentName::from("notes"), broken);
    picture.put_job(job(JobKind::Deploy, JobState::Running, 0.62));
    let mut stack = stack(&[
        ("mongo", ServiceState::Absent, ServiceHealth::None),
        ("redis", ServiceState::Running, ServiceHealth::Healthy),
    ]);
    let profile = |name: &str, enabled| StackProfile {
        name: name.to_owned(),
        enabled,
    };
    stack.profiles = vec![profile("core", true), profile("traces", false)];
    stack
        .services
        .extend(["redis-exporter", "jaeger"].map(|name| StackService {
            service: name.to_owned(),
            profiles: vec!["traces".to_owned()],
            container: if name == "jaeger" {
                String::new()
            } else {
                "c0ffee".to_owned()
            },
            ..StackService::default()
        }));
    picture.put_stack(stack);
    picture.unread.insert(NoticeId::from("1"));
    picture.contexts = vec![ContextName::local(), ContextName::new("team").unwrap()];
    picture.context = Some(ContextName::local());
    assert_eq!(
        lines(&of(&picture, Address::Copied)),
        [
            "(Failing: 1 agent failed, 1 agent answers)",
            "-",
            "Open Nasiko",
            "-",
            "Stack: 1 of 3 run >",
            "  Start the stack",
            "  Start traces",
            "  Stop the stack",
            "  -",
            "  mongo: not running",
            "  redis: healthy",
            "  redis-exporter: not running",
            "Agents: 2 >",
            "  notes: failed >",
            "    (It ended with code 3)",
            "    -",
            "    Open chat",
            "    Show",
            "    Copy URL",
            "    -",
            "    Start",
            "  weather: active >",
            "    Open chat",
            "    Show",
            "    Copy URL",
            "    -",
            "    Restart",
            "    Stop",
            "1 job under way >",
            "  Deploying weather 62 % >",
            "    Cancel",
            "    Show",
            "Notices: 1 unread >",
            "  Open the inbox",
            "  Mark all as read",
            "-",
            "Context: local >",
            "  x local",
            "  o team",
            "  -",
            "  Contexts…",
            "Doctor",
            "-",
            "Quit >",
            "  Quit and keep agents running",
            "  Quit and stop agents",
        ]
    );
}

#[test]
fn without_a_control_plane_there_is_a_way_out_and_to_other_contexts() {
    let mut picture = with_agents(&[("weather", AgentState::Active)]);
    picture.link = Link::Lost("The control plane does not answer".to_owned());
    assert_eq!(
        lines(&of(&picture, Address::Copied)),
        [
            "(The control plane does not answer)",
            "-",
            "Open Nasiko",
            "-",
            "Context: none >",
            "  -",
            "  Contexts…",
            "Doctor",
            "-",
            "Quit >",
            "  Quit and keep agents running",
            "  Quit and stop agents",
        ]
    );
}

#[test]
fn items_do_what_they_say() {
    let picture = with_agents(&[("weather", AgentState::Active)]);
    let menu = of(&picture, Address::Opened);
    assert_eq!(*deed(&menu, "Doctor"), Deed::Open("/doctor".to_owned()));
    let agent = group(group(&menu, "Agents"), "weather");
    let name = AgentName::from("weather");
    for (label, expected) in [
        ("Open chat", Deed::Open("/agents/weather/chat".to_owned())),
        ("Restart", Deed::Restart(name.clone())),
        ("Stop", Deed::Stop(name)),
        (
            "Open URL in the browser",
            Deed::Browse("http://127.0.0.1:9100/weather".to_owned()),
        ),
    ] {
        assert_eq!(*deed(agent, label), expected);
    }
    let quit = group(&menu, "Quit");
    assert_eq!(
        *deed(quit, "Quit and stop agents"),
        Deed::Quit(Quit::StopAgents)
    );
}

#[test]
fn more_agents_than_a_menu_holds_are_in_the_window() {
    let names: Vec<String> = (0..1_000)
        .map(|number| format!("agent-{number:04}"))
        .collect();
    let agents: Vec<(&str, AgentState)> = names
        .iter()
        .map(|name| (name.as_str(), AgentState::Active))
        .collect();
    let menu = of(&with_agents(&agents), Address::Copied);
    let agents = group(&menu, "Agents: 1000");
    assert_eq!(agents.len(), MOST_AGENTS + 2);
    assert_eq!(
        *deed(agents, "All agents…"),
        Deed::Open("/agents".to_owned())
    );
}

#[test]
fn what_was_refused_is_said_in_one_line() {
    let mut picture = with_agents(&[]);
    picture.refusal = Some(format!("{}\nmore", "x".repeat(500)));
    let menu = of(&picture, Address::Copied);
    let Item::Line(text) = &menu[1] else {
        panic!("it is the second line");
    };
    assert_eq!(text.chars().count(), LONGEST);
    assert!(text.ends_with('…'));
}
