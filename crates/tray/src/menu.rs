//! The menu: everything that can be done from the tray, since clicks on the icon do not arrive on every desktop.

use nasiko_contract::{AgentName, AgentState, JobKind};

use crate::{
    deed::{Deed, Quit},
    picture::{Agent, Link, Picture, Work},
};

/// Agents in the menu; the others are in the window.
const MOST_AGENTS: usize = 25;
/// Jobs in the menu.
const MOST_JOBS: usize = 10;
/// Letters of a line at most; menus do not wrap.
const LONGEST: usize = 80;

/// An item of the menu.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// Only to be read.
    Line(String),
    /// Does something.
    Act(String, Deed),
    /// One of several, the chosen one marked.
    Choice(String, bool, Deed),
    /// Opens further items.
    Group(String, Vec<Item>),
    Separator,
}

/// What the desktop can do with an agent's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// A program is there that puts it on the clipboard.
    Copied,
    /// It is only opened in a browser.
    Opened,
}

/// The menu of a picture.
pub(crate) fn of(picture: &Picture, address: Address) -> Vec<Item> {
    let mut items = vec![line(&picture.words())];
    items.extend(picture.refusal.as_deref().map(line));
    items.push(Item::Separator);
    items.push(act("Open Nasiko", open("/")));
    if picture.link == Link::Live {
        items.push(Item::Separator);
        items.push(stack(picture));
        items.push(agents(picture, address));
        if !picture.jobs.is_empty() {
            items.push(jobs(picture));
        }
        items.push(notices(picture));
    }
    items.push(Item::Separator);
    items.push(contexts(picture));
    items.push(act("Doctor", open("/doctor")));
    items.push(Item::Separator);
    items.push(group(
        "Quit",
        vec![
            act("Quit and keep agents running", Deed::Quit(Quit::KeepAgents)),
            act("Quit and stop agents", Deed::Quit(Quit::StopAgents)),
        ],
    ));
    items
}

fn stack(picture: &Picture) -> Item {
    let stack = &picture.stack;
    let working = |work: &Work| matches!(work.kind, JobKind::StackUp | JobKind::StackDown);
    let runs = stack.services.iter().filter(|service| service.runs).count();
    let title = match (picture.jobs.values().find(|work| working(work)), runs) {
        (Some(work), _) => format!("Stack: {} %", work.percent),
        (None, 0) => "Stack: off".to_owned(),
        (None, runs) => format!("Stack: {runs} of {} run", stack.services.len()),
    };
    let mut items = Vec::new();
    items.extend(stack.failed.as_deref().map(line));
    items.extend(stack.fault.as_deref().map(line));
    if stack.on || stack.has_plain {
        items.push(act("Start the stack", Deed::StartStack(None)));
    }
    for (profile, _) in stack.profiles.iter().filter(|(_, on)| !on) {
        let deed = Deed::StartStack(Some(profile.clone()));
        items.push(act(&format!("Start {profile}"), deed));
    }
    if stack.on || runs > 0 {
        items.push(act("Stop the stack", Deed::StopStack));
    }
    items.push(Item::Separator);
    for service in &stack.services {
        let label = format!("{}: {}", service.name, service.words);
        items.push(act(&label, open("/stack")));
    }
    if stack.services.is_empty() {
        items.push(act("Open the stack", open("/stack")));
    }
    group(&title, items)
}

fn agents(picture: &Picture, address: Address) -> Item {
    let mut items: Vec<Item> = picture
        .agents
        .iter()
        .take(MOST_AGENTS)
        .map(|(name, seen)| agent(name, seen, address))
        .collect();
    if picture.agents.len() > MOST_AGENTS {
        items.push(Item::Separator);
        items.push(act("All agents…", open("/agents")));
    }
    if items.is_empty() {
        items.push(act("Deploy your first agent…", open("/agents")));
    }
    group(&format!("Agents: {}", picture.agents.len()), items)
}

fn agent(name: &AgentName, agent: &Agent, address: Address) -> Item {
    let state = match agent.state {
        AgentState::SettingUp => "setting up",
        AgentState::Active => "active",
        AgentState::Stopped => "stopped",
        AgentState::Failed => "failed",
    };
    let page = format!("/agents/{name}");
    let mut items = Vec::new();
    if !agent.activity.is_empty() {
        items.push(line(&agent.activity));
    }
    items.extend(agent.error.as_deref().map(line));
    if !items.is_empty() {
        items.push(Item::Separator);
    }
    items.push(act("Open chat", open(&format!("{page}/chat"))));
    items.push(act("Show", open(&page)));
    let url = agent.url.clone();
    items.push(match address {
        Address::Copied => act("Copy URL", Deed::Copy(url)),
        Address::Opened => act("Open URL in the browser", Deed::Browse(url)),
    });
    items.push(Item::Separator);
    let name = name.clone();
    match agent.state {
        AgentState::Stopped | AgentState::Failed => items.push(act("Start", Deed::Start(name))),
        AgentState::Active => {
            items.push(act("Restart", Deed::Restart(name.clone())));
            items.push(act("Stop", Deed::Stop(name)));
        }
        AgentState::SettingUp => items.push(act("Stop", Deed::Stop(name))),
    }
    let title = page.trim_start_matches("/agents/");
    group(&format!("{title}: {state}"), items)
}

fn jobs(picture: &Picture) -> Item {
    let title = match picture.jobs.len() {
        1 => "1 job under way".to_owned(),
        many => format!("{many} jobs under way"),
    };
    let mut items: Vec<Item> = picture
        .jobs
        .iter()
        .take(MOST_JOBS)
        .map(|(id, work)| {
            let label = format!("{} {} %", doing(work), work.percent);
            let cancel = if work.cancelling {
                line("Being cancelled")
            } else {
                act("Cancel", Deed::Cancel(id.clone()))
            };
            group(&label, vec![cancel, act("Show", open("/activity"))])
        })
        .collect();
    if picture.jobs.len() > MOST_JOBS {
        items.push(act("All jobs…", open("/activity")));
    }
    group(&title, items)
}

fn doing(work: &Work) -> String {
    let verb = match work.kind {
        JobKind::Deploy => "Deploying",
        JobKind::Start => "Starting",
        JobKind::Stop => "Stopping",
        JobKind::Restart => "Restarting",
        JobKind::Rebuild => "Rebuilding",
        JobKind::Delete => "Deleting",
        JobKind::StackUp => "Starting the stack",
        JobKind::StackDown => "Stopping the stack",
    };
    format!("{verb} {}", work.about).trim_end().to_owned()
}

fn notices(picture: &Picture) -> Item {
    match picture.unread.len() {
        0 => act("Notices", open("/inbox")),
        unread => group(
            &format!("Notices: {unread} unread"),
            vec![
                act("Open the inbox", open("/inbox")),
                act("Mark all as read", Deed::ReadNotices),
            ],
        ),
    }
}

fn contexts(picture: &Picture) -> Item {
    let current = picture.context.as_ref();
    let name = current.map_or("none", |name| name.as_str());
    let choices = picture.contexts.iter().map(|context| {
        let chosen = current == Some(context);
        Item::Choice(
            context.to_string(),
            chosen,
            Deed::UseContext(context.clone()),
        )
    });
    let mut items: Vec<Item> = choices.collect();
    items.push(Item::Separator);
    items.push(act("Contexts…", open("/settings/contexts")));
    group(&format!("Context: {name}"), items)
}

fn open(page: &str) -> Deed {
    Deed::Open(page.to_owned())
}

fn act(label: &str, deed: Deed) -> Item {
    Item::Act(short(label), deed)
}

fn group(label: &str, items: Vec<Item>) -> Item {
    Item::Group(short(label), items)
}

fn line(text: &str) -> Item {
    Item::Line(short(text))
}

fn short(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    if first.chars().count() <= LONGEST {
        return first.to_owned();
    }
    first.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests;
