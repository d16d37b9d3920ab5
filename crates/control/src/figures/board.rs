//! Slots of time, what was counted in each, and which of it has not been told yet.

use std::collections::{BTreeMap, BTreeSet};

use nasiko_contract::{
    AgentFigures, FigureBucket, FigureSums, Figures, FiguresWindow, Update, UpdateId, UpdateState,
};
use nasiko_telemetry::{FigureRow, Histogram, RequestFigures};

const NANOS_PER_MILLI: u64 = 1_000_000;
const MICROS_PER_SECOND: f64 = 1e6;
const MICROS_PER_MILLI: f64 = 1e3;

/// What was counted in some time.
#[derive(Clone, Default)]
struct Cell {
    requests: RequestFigures,
    saves: Histogram,
}

/// One slot: all together, and by agent.
#[derive(Default)]
struct Slot {
    total: Cell,
    agents: BTreeMap<String, Cell>,
}

/// The slots of a window, the newest of which is open.
pub(super) struct Board {
    window: FiguresWindow,
    now: i64,
    /// When the newest slot begins, in Unix milliseconds.
    newest: u64,
    slots: BTreeMap<u64, Slot>,
    /// The saves that are counted, by the slot they are counted in: each counts once, however often it is told.
    saves: BTreeMap<UpdateId, u64>,
    changed_slots: BTreeSet<u64>,
    changed_agents: BTreeSet<String>,
}

impl Board {
    /// An empty board at `now` (Unix milliseconds).
    pub(super) fn new(window: FiguresWindow, now: i64) -> Self {
        let mut board = Self {
            window,
            now,
            newest: 0,
            slots: BTreeMap::new(),
            saves: BTreeMap::new(),
            changed_slots: BTreeSet::new(),
            changed_agents: BTreeSet::new(),
        };
        board.advance(now);
        board
    }

    /// When the oldest slot begins, in Unix milliseconds.
    pub(super) fn since(&self) -> u64 {
        let before = FiguresWindow::BUCKETS as u64 - 1;
        self.newest.saturating_sub(before * self.window.bucket_ms())
    }

    /// Milliseconds until the newest slot ends.
    pub(super) fn left_of_slot(&self, now: i64) -> u64 {
        (self.newest + self.window.bucket_ms()).saturating_sub(unsigned(now))
    }

    /// Opens the slot that `now` is in, and forgets those that are too old.
    pub(super) fn advance(&mut self, now: i64) {
        self.now = now;
        let length = self.window.bucket_ms();
        let slot = unsigned(now) / length * length;
        if slot <= self.newest {
            return;
        }
        let first_new = (self.newest + length)
            .max(slot.saturating_sub(length * (FiguresWindow::BUCKETS as u64 - 1)));
        self.newest = slot;
        let opened = (first_new..=slot).step_by(usize::try_from(length).unwrap_or(usize::MAX));
        self.changed_slots.extend(opened);
        let since = self.since();
        let kept = self.slots.split_off(&since);
        for old in std::mem::replace(&mut self.slots, kept).into_values() {
            self.changed_agents.extend(old.agents.into_keys());
        }
        self.changed_slots = self.changed_slots.split_off(&since);
        self.saves.retain(|_, slot| *slot >= since);
    }

    /// Counts what the trace store counted.
    pub(super) fn put_rows(&mut self, rows: Vec<FigureRow>) {
        for row in rows {
            self.count(row.slot_ns / NANOS_PER_MILLI, &row.agent, |cell| {
                cell.requests.merge(&row.figures);
            });
        }
    }

    /// Counts saves that are live.
    pub(super) fn put_saves(&mut self, updates: impl IntoIterator<Item = Update>) {
        for update in updates {
            let seconds = update.seconds.answered;
            if update.state != UpdateState::Live
                || seconds <= 0.0
                || self.saves.contains_key(&update.id)
            {
                continue;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the cast saturates"
            )]
            let micros = (seconds * MICROS_PER_SECOND) as u64;
            let length = self.window.bucket_ms();
            let answered = unsigned(update.at) + micros / 1_000;
            let slot = (answered / length * length).min(self.newest);
            if self.count(slot, update.agent.as_str(), |cell| cell.saves.add(micros)) {
                self.saves.insert(update.id, slot);
            }
        }
    }

    /// Whether the slot is part of the window. What comes from a clock that is ahead counts as of now.
    fn count(&mut self, slot: u64, agent: &str, change: impl Fn(&mut Cell)) -> bool {
        let at = slot.min(self.newest);
        if at < self.since() {
            return false;
        }
        let slot = self.slots.entry(at).or_default();
        change(&mut slot.total);
        change(slot.agents.entry(agent.to_owned()).or_default());
        self.changed_slots.insert(at);
        self.changed_agents.insert(agent.to_owned());
        true
    }

    /// Whether there is something that has not been told.
    pub(super) fn has_news(&self) -> bool {
        !self.changed_slots.is_empty() || !self.changed_agents.is_empty()
    }

    /// What has not been told.
    pub(super) fn news(&mut self) -> Figures {
        let slots = std::mem::take(&mut self.changed_slots);
        let agents = std::mem::take(&mut self.changed_agents);
        Figures {
            buckets: slots.into_iter().map(|slot| self.bucket(slot)).collect(),
            agents: agents.iter().map(|agent| self.of_agent(agent)).collect(),
            ..self.frame()
        }
    }

    /// Everything.
    pub(super) fn whole(&mut self) -> Figures {
        self.changed_slots.clear();
        self.changed_agents.clear();
        let length = usize::try_from(self.window.bucket_ms()).unwrap_or(usize::MAX);
        let slots = (self.since()..=self.newest).step_by(length);
        let agents: BTreeSet<&String> = self
            .slots
            .values()
            .flat_map(|slot| slot.agents.keys())
            .collect();
        Figures {
            whole: true,
            buckets: slots.map(|slot| self.bucket(slot)).collect(),
            agents: agents
                .into_iter()
                .map(|agent| self.of_agent(agent))
                .collect(),
            ..self.frame()
        }
    }

    fn frame(&self) -> Figures {
        let mut total = Cell::default();
        for slot in self.slots.values() {
            total.merge(&slot.total);
        }
        Figures {
            at: self.now,
            bucket_ms: self.window.bucket_ms(),
            total: total.sums(),
            ..Figures::default()
        }
    }

    fn bucket(&self, slot: u64) -> FigureBucket {
        FigureBucket {
            at: i64::try_from(slot).unwrap_or(i64::MAX),
            sums: self
                .slots
                .get(&slot)
                .map(|slot| slot.total.sums())
                .unwrap_or_default(),
        }
    }

    fn of_agent(&self, agent: &str) -> AgentFigures {
        let mut sum = Cell::default();
        for cell in self
            .slots
            .values()
            .filter_map(|slot| slot.agents.get(agent))
        {
            sum.merge(cell);
        }
        AgentFigures {
            agent: agent.into(),
            sums: sum.sums(),
        }
    }
}

impl Cell {
    fn merge(&mut self, other: &Self) {
        self.requests.merge(&other.requests);
        self.saves.merge(&other.saves);
    }

    fn sums(&self) -> FigureSums {
        let RequestFigures {
            requests,
            errors,
            durations,
            tokens_in,
            tokens_out,
            cost,
        } = &self.requests;
        FigureSums {
            requests: *requests,
            errors: *errors,
            p50_ms: durations.percentile(50).map(millis),
            p95_ms: durations.percentile(95).map(millis),
            tokens_in: *tokens_in,
            tokens_out: *tokens_out,
            cost: *cost,
            saves: self.saves.count(),
            save_ms: self.saves.percentile(50).map(millis),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a duration of 285 years is exact enough"
)]
fn millis(micros: u64) -> f64 {
    micros as f64 / MICROS_PER_MILLI
}

fn unsigned(at: i64) -> u64 {
    u64::try_from(at).unwrap_or(0)
}
