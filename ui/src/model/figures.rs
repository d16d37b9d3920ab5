//! Figures as pages show them: what is known of a window of time, and the plots that are drawn of it.

use std::collections::BTreeMap;

use nasiko_contract::{AgentName, AgentUsage, FigureSums, Figures, FiguresWindow};

use crate::{
    model::format,
    words::{common, plots as words},
};

/// Measurements that the courses of CPU and memory show.
const MEASURED: usize = 60;
/// Milliseconds of a minute.
const MINUTE: f64 = 60_000.0;

/// What is known of a window.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct FigureBoard {
    /// The figures have been read.
    pub(crate) read: bool,
    bucket_ms: u64,
    buckets: BTreeMap<i64, FigureSums>,
    total: FigureSums,
    agents: BTreeMap<AgentName, FigureSums>,
    usage: BTreeMap<AgentName, AgentUsage>,
    /// What all agents used together: when, percent of a core, bytes. Oldest first.
    measured: Vec<(i64, f64, u64)>,
}

/// How the values of a plot are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A line, broken where there is no value.
    Line,
    /// A bar each.
    Bars,
}

/// One value of a plot.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// When, Unix milliseconds.
    pub(crate) at: i64,
    /// The value; none where nothing happened that it could be of.
    pub(crate) value: Option<f64>,
    /// The same in words, e.g. `412 ms`.
    pub(crate) words: String,
}

/// A figure with its course.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    /// What it is.
    pub(crate) label: &'static str,
    /// The number.
    pub(crate) number: String,
    /// Its unit, and the sample that it is of.
    pub(crate) unit: String,
    /// Which of the series' colours, from 1.
    pub(crate) series: u8,
    /// How it is drawn.
    pub(crate) shape: Shape,
    /// Its course, oldest first.
    pub(crate) points: Vec<Point>,
}

impl FigureBoard {
    /// Takes in what the control plane tells.
    pub(crate) fn put(&mut self, told: Figures) {
        if told.whole {
            self.buckets.clear();
            self.agents.clear();
        }
        self.read = true;
        self.bucket_ms = told.bucket_ms;
        self.total = told.total;
        self.buckets
            .extend(told.buckets.iter().map(|bucket| (bucket.at, bucket.sums)));
        while self.buckets.len() > FiguresWindow::BUCKETS {
            self.buckets.pop_first();
        }
        self.agents.extend(
            told.agents
                .into_iter()
                .map(|agent| (agent.agent, agent.sums)),
        );
        if !told.usage.is_empty() {
            let cpu = told.usage.iter().map(|usage| usage.cpu_percent).sum();
            let memory = told.usage.iter().map(|usage| usage.memory_bytes).sum();
            self.measured.push((told.at, cpu, memory));
            let surplus = self.measured.len().saturating_sub(MEASURED);
            self.measured.drain(..surplus);
            let by_agent = told
                .usage
                .into_iter()
                .map(|usage| (usage.agent.clone(), usage));
            self.usage = by_agent.collect();
        }
    }

    /// What happened to an agent in the window.
    pub(crate) fn of(&self, agent: &AgentName) -> FigureSums {
        self.agents.get(agent).copied().unwrap_or_default()
    }

    /// What an agent uses, if it was measured.
    pub(crate) fn usage_of(&self, agent: &AgentName) -> Option<&AgentUsage> {
        self.usage.get(agent)
    }

    /// The buckets, oldest first.
    pub(crate) fn buckets(&self) -> impl DoubleEndedIterator<Item = (i64, &FigureSums)> {
        self.buckets.iter().map(|(at, sums)| (*at, sums))
    }

    /// Requests, latency, errors, tokens and saves.
    pub(crate) fn plots(&self, window: FiguresWindow) -> Vec<Plot> {
        let total = &self.total;
        let spoken = window_words(window);
        let minutes = (self.bucket_ms * FiguresWindow::BUCKETS as u64) as f64 / MINUTE;
        let cost = total.cost.map(format::dollars);
        let (latency, latency_unit) = apart(&or_dash(total.p95_ms));
        let (tokens, tokens_unit) = apart(&format::short_count(tokens(total)));
        let (save, save_unit) = apart(&or_dash(total.save_ms));
        vec![
            Plot {
                label: words::REQUESTS,
                number: rate(total.requests as f64 / minutes.max(1.0)),
                unit: words::per_minute(total.requests, spoken),
                series: 1,
                shape: Shape::Line,
                points: self
                    .points(|sums| (Some(sums.requests as f64), words::requests(sums.requests))),
            },
            Plot {
                label: words::LATENCY,
                number: latency,
                unit: total.p50_ms.map_or(latency_unit.clone(), |half| {
                    words::beside_median(&latency_unit, &milliseconds(half))
                }),
                series: 3,
                shape: Shape::Line,
                points: self.points(|sums| (sums.p95_ms, or_dash(sums.p95_ms))),
            },
            Plot {
                label: words::ERRORS,
                number: error_rate(total).map_or("–".to_owned(), rate),
                unit: error_rate(total).map_or(String::new(), |_| {
                    words::percent_of(total.errors, total.requests)
                }),
                series: 4,
                shape: Shape::Line,
                points: self.points(|sums| {
                    (
                        Some(error_rate(sums).unwrap_or(0.0)),
                        words::errors_of(sums.errors, sums.requests),
                    )
                }),
            },
            Plot {
                label: words::TOKENS,
                number: tokens,
                unit: words::tokens_in(&tokens_unit, spoken, cost.as_deref()),
                series: 2,
                shape: Shape::Line,
                points: self.points(|sums| {
                    (
                        Some(self::tokens(sums) as f64),
                        words::tokens(sums.tokens_in, sums.tokens_out),
                    )
                }),
            },
            Plot {
                label: words::SAVE_TO_ANSWER,
                number: save,
                unit: if total.saves == 0 {
                    words::no_save(spoken)
                } else {
                    words::median_of(&save_unit, total.saves)
                },
                series: 1,
                shape: Shape::Bars,
                points: self.points(|sums| (sums.save_ms, or_dash(sums.save_ms))),
            },
        ]
    }

    /// CPU and memory of all agents together, for as long as somebody has been looking.
    pub(crate) fn usage_plots(&self) -> Vec<Plot> {
        let last = self.measured.last();
        let (memory, memory_unit) =
            apart(&last.map_or("–".to_owned(), |(_, _, memory)| format::bytes(*memory)));
        let agents = self.usage.len();
        let course = |read: &dyn Fn(f64, u64) -> (f64, String)| {
            let points = self.measured.iter().map(|(at, cpu, memory)| {
                let (value, words) = read(*cpu, *memory);
                Point {
                    at: *at,
                    value: Some(value),
                    words,
                }
            });
            points.collect()
        };
        vec![
            Plot {
                label: common::CPU,
                number: last.map_or("–".to_owned(), |(_, cpu, _)| rate(*cpu)),
                unit: words::core_of(agents),
                series: 5,
                shape: Shape::Line,
                points: course(&|cpu, _| (cpu, format!("{} %", rate(cpu)))),
            },
            Plot {
                label: common::MEMORY,
                number: memory,
                unit: words::memory_of(&memory_unit, agents),
                series: 6,
                shape: Shape::Line,
                points: course(&|_, memory| (memory as f64, format::bytes(memory))),
            },
        ]
    }

    fn points(&self, read: impl Fn(&FigureSums) -> (Option<f64>, String)) -> Vec<Point> {
        let points = self.buckets.iter().map(|(at, sums)| {
            let (value, words) = read(sums);
            Point {
                at: *at,
                value,
                words,
            }
        });
        points.collect()
    }
}

impl Plot {
    /// The largest value; at least a little, so that nothing is divided by zero.
    pub(crate) fn most(&self) -> f64 {
        self.points
            .iter()
            .filter_map(|point| point.value)
            .fold(1e-9, f64::max)
    }

    /// Where a point stands on a field of 240 by 40, from left and from above.
    pub(crate) fn place(&self, at: usize, most: f64) -> Option<(f64, f64)> {
        let value = self.points.get(at)?.value?;
        let steps = match self.shape {
            Shape::Line => self.points.len().saturating_sub(1).max(1),
            Shape::Bars => self.points.len().max(1),
        };
        Some((at as f64 / steps as f64 * 240.0, 38.0 - value / most * 34.0))
    }

    /// The line or the bars as an SVG path.
    pub(crate) fn path(&self) -> String {
        let most = self.most();
        let mut path = String::new();
        let mut broken = true;
        for at in 0..self.points.len() {
            let Some((x, y)) = self.place(at, most) else {
                broken = true;
                continue;
            };
            let piece = match self.shape {
                // A lone value is a dot: a line of no length with round ends.
                Shape::Line if broken => format!("M{x:.1} {y:.1}h1.6"),
                Shape::Line => format!("L{x:.1} {y:.1}"),
                Shape::Bars => format!("M{x:.1} 38h2.6V{y:.1}h-2.6z"),
            };
            path.push_str(&piece);
            broken = false;
        }
        path
    }

    /// What the plot shows, for who does not see it.
    pub(crate) fn told(&self) -> String {
        let mut values = self.points.iter().filter(|point| point.value.is_some());
        let by_value = |one: &&Point, other: &&Point| {
            one.value
                .unwrap_or(0.0)
                .total_cmp(&other.value.unwrap_or(0.0))
        };
        let number = format!("{}: {} {}", self.label, self.number, self.unit);
        match (
            values.clone().min_by(by_value),
            values.clone().max_by(by_value),
            values.next_back(),
        ) {
            (Some(least), Some(most), Some(last)) => {
                words::told(&number, &least.words, &most.words, &last.words)
            }
            _ => number,
        }
    }

    /// The point at that part of the plot's width.
    pub(crate) fn nearest(&self, part: f64) -> Option<usize> {
        let last = self.points.len().checked_sub(1)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the last"
        )]
        let at = (part.clamp(0.0, 1.0) * last as f64).round() as usize;
        Some(at)
    }
}

/// A window in words that follow `in`.
pub(crate) fn window_words(window: FiguresWindow) -> &'static str {
    match window {
        FiguresWindow::Quarter => "15 min",
        FiguresWindow::Hour => "1 h",
        FiguresWindow::Day => "24 h",
    }
}

/// Milliseconds with the exactness that is left of them.
pub(crate) fn milliseconds(value: f64) -> String {
    format::duration_seconds(value / 1_000.0)
}

/// Milliseconds, or a dash where there are none.
pub(crate) fn or_dash(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), milliseconds)
}

/// Errors among a hundred requests; none without requests.
fn error_rate(sums: &FigureSums) -> Option<f64> {
    (sums.requests > 0).then(|| sums.errors as f64 / sums.requests as f64 * 100.0)
}

fn tokens(sums: &FigureSums) -> u64 {
    sums.tokens_in.saturating_add(sums.tokens_out)
}

/// `0`, `0.6`, `12`, `1,204`.
fn rate(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and no rate is negative"
    )]
    let whole = value.round() as u64;
    match value {
        0.0 => "0".to_owned(),
        small if small < 0.095 => format!("{small:.2}"),
        small if small < 9.95 => format!("{small:.1}"),
        _ => format::count(whole),
    }
}

/// A number and its unit.
fn apart(text: &str) -> (String, String) {
    match text.rsplit_once(' ') {
        Some((number, unit)) => (number.to_owned(), unit.to_owned()),
        None => (text.to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests;
