//! Which agents a list shows, and in which order. The order is made when it is asked for and when agents come or go, not
//! whenever a figure changes: rows do not move under the hand.

use std::cmp::Reverse;

use nasiko_contract::{AgentName, AgentState, AgentSummary};

use crate::model::{figures::FigureBoard, world::World};

/// What a list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Column {
    /// From a to z.
    #[default]
    Name,
    /// What needs somebody first.
    State,
    /// Where it runs.
    Runtime,
    /// The most first.
    Requests,
    /// The slowest first.
    Latency,
    /// The largest first.
    Memory,
    /// The latest first.
    Change,
}

/// An order: by a column, or the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Order {
    /// By what.
    pub(crate) column: Column,
    /// The other way round.
    pub(crate) reversed: bool,
}

impl Order {
    /// The order after its column's head was pressed.
    pub(crate) fn pressed(self, column: Column) -> Self {
        Self {
            column,
            reversed: self.column == column && !self.reversed,
        }
    }

    /// What the head of a column says of it (`aria-sort`).
    pub(crate) fn said(self, column: Column) -> &'static str {
        let falls = matches!(
            column,
            Column::Requests | Column::Latency | Column::Memory | Column::Change
        );
        match (self.column == column, falls == self.reversed) {
            (false, _) => "none",
            (true, true) => "ascending",
            (true, false) => "descending",
        }
    }
}

/// What is wanted of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Wanted {
    /// Words that must occur in the name, the description or where it came from.
    pub(crate) text: String,
    /// Only in this state.
    pub(crate) state: Option<AgentState>,
}

impl Wanted {
    fn wants(&self, agent: &AgentSummary, words: &[String]) -> bool {
        let in_state = self.state.is_none_or(|state| state == agent.state);
        let has = |word: &String| {
            [agent.name.as_str(), &agent.description, &agent.source]
                .iter()
                .any(|text| text.to_lowercase().contains(word.as_str()))
        };
        in_state && words.iter().all(has)
    }
}

/// The agents that are wanted, in order; those that are alike are in the order of their names.
pub(crate) fn roster(
    world: &World,
    board: &FigureBoard,
    wanted: &Wanted,
    order: Order,
) -> Vec<AgentName> {
    let words: Vec<String> = wanted
        .text
        .to_lowercase()
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    let agents = world.agents.iter().flat_map(|agents| agents.values());
    // Already in the order of their names.
    let mut shown: Vec<&AgentSummary> =
        agents.filter(|agent| wanted.wants(agent, &words)).collect();
    match order.column {
        Column::Name => {}
        Column::State => shown.sort_by_key(|agent| urgency(agent.state)),
        Column::Runtime => shown.sort_by_key(|agent| agent.runtime.as_str()),
        Column::Requests => {
            shown.sort_by_cached_key(|agent| Reverse(board.of(&agent.name).requests));
        }
        Column::Latency => shown
            .sort_by_cached_key(|agent| Reverse(board.of(&agent.name).p95_ms.map(f64::to_bits))),
        Column::Memory => shown.sort_by_cached_key(|agent| {
            Reverse(board.usage_of(&agent.name).map(|usage| usage.memory_bytes))
        }),
        Column::Change => shown.sort_by_key(|agent| Reverse(agent.since)),
    }
    if order.reversed {
        shown.reverse();
    }
    shown.into_iter().map(|agent| agent.name.clone()).collect()
}

fn urgency(state: AgentState) -> u8 {
    match state {
        AgentState::Failed => 0,
        AgentState::SettingUp => 1,
        AgentState::Active => 2,
        AgentState::Stopped => 3,
    }
}

#[cfg(test)]
mod tests {
    use nasiko_contract::{AgentFigures, FigureSums, Figures};
    use serde_json::json;

    use super::*;

    fn world(agents: &[(&str, &str)]) -> World {
        let mut world = World::default();
        let summary = |(name, state): &(&str, &str)| {
            serde_json::from_value(json!({
                "name": name, "description": "Reads Invoices", "state": state, "runtime": "process", "version": "1.0.0",
                "url": "", "restarts": 0, "since": 0, "created": 0,
            }))
            .unwrap()
        };
        world.set_agents(agents.iter().map(summary).collect());
        world
    }

    fn names(world: &World, wanted: &Wanted, column: Column, reversed: bool) -> Vec<String> {
        let mut board = FigureBoard::default();
        board.put(Figures {
            agents: vec![AgentFigures {
                agent: "b".into(),
                sums: FigureSums {
                    requests: 9,
                    ..FigureSums::default()
                },
            }],
            ..Figures::default()
        });
        let order = Order { column, reversed };
        roster(world, &board, wanted, order)
            .into_iter()
            .map(|name| name.0)
            .collect()
    }

    #[test]
    fn a_column_orders_and_names_decide_between_equals() {
        let world = world(&[
            ("c", "failed"),
            ("a", "active"),
            ("b", "active"),
            ("d", "stopped"),
        ]);
        let all = Wanted::default();
        assert_eq!(
            names(&world, &all, Column::Name, false),
            ["a", "b", "c", "d"]
        );
        assert_eq!(
            names(&world, &all, Column::Name, true),
            ["d", "c", "b", "a"]
        );
        assert_eq!(
            names(&world, &all, Column::State, false),
            ["c", "a", "b", "d"]
        );
        assert_eq!(
            names(&world, &all, Column::Requests, false),
            ["b", "a", "c", "d"]
        );
    }

    #[test]
    fn words_and_state_narrow_the_list() {
        let world = world(&[("invoice-reader", "active"), ("weather", "failed")]);
        let wanted = |text: &str, state| Wanted {
            text: text.to_owned(),
            state,
        };
        assert_eq!(
            names(&world, &wanted("READ wea", None), Column::Name, false),
            ["weather"]
        );
        let failed = wanted("", Some(AgentState::Failed));
        assert_eq!(names(&world, &failed, Column::Name, false), ["weather"]);
        assert!(names(&world, &wanted("nothing", None), Column::Name, false).is_empty());
    }

    #[test]
    fn a_head_pressed_twice_turns_the_order() {
        let order = Order::default().pressed(Column::Requests);
        assert_eq!(
            (order.said(Column::Requests), order.said(Column::Name)),
            ("descending", "none")
        );
        assert_eq!(
            order.pressed(Column::Requests).said(Column::Requests),
            "ascending"
        );
        assert_eq!(Order::default().said(Column::Name), "ascending");
    }
}
