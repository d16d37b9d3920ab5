use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use leptos::prelude::*;
use nasiko_contract::{FollowStackStats, InstanceStats};

use crate::{
    desk::{Followed, follow},
    model::stack,
    pages::stack::view::StackView,
};

/// For how long rows that come into sight are gathered before what they use is asked for.
const GATHER: Duration = Duration::from_millis(250);

/// What services use. The engine is asked only about those that run and are in sight.
#[derive(Clone, Copy)]
pub(super) struct Usage {
    known: RwSignal<HashMap<String, InstanceStats>>,
    in_sight: RwSignal<BTreeSet<String>>,
}

impl Usage {
    /// Follows what is in sight until the calling component goes.
    pub(super) fn follow(page: StackView) -> Self {
        let usage = Self {
            known: RwSignal::default(),
            in_sight: RwSignal::default(),
        };
        // Of a service that was started again the figures are others', so when it started is part of it.
        let runs = Memo::new(move |_| {
            let running = page.stack.with(|stack| {
                let services = stack.iter().flat_map(|stack| &stack.services);
                let running = services.filter(|service| stack::runs(service));
                running
                    .map(|service| (service.service.clone(), service.started))
                    .collect::<Vec<_>>()
            });
            usage.in_sight.with(|seen| {
                let wanted = running.into_iter();
                wanted
                    .filter(|(name, _)| seen.contains(name))
                    .collect::<Vec<_>>()
            })
        });
        let wanted = RwSignal::new(Vec::new());
        Effect::new(move || {
            let runs = runs.get();
            let gather = set_timeout_with_handle(
                move || {
                    let _gone = wanted.try_set(runs);
                },
                GATHER,
            );
            if let Ok(gather) = gather {
                on_cleanup(move || gather.clear());
            }
        });
        let wanted = Memo::new(move |_| wanted.get());
        Effect::new(move || {
            let names: Vec<String> = wanted.get().into_iter().map(|(name, _)| name).collect();
            if names.is_empty() {
                return;
            }
            let services = Some(names.join(","));
            follow(page.desk, FollowStackStats { services }, move |learnt| {
                if let Followed::Items(items) = learnt {
                    usage.known.update(|known| {
                        known.extend(items.into_iter().map(|row| (row.service, row.stats)));
                    });
                }
            });
        });
        usage
    }

    /// A service's row came into sight, or went out of it.
    pub(super) fn see(self, service: &str, seen: bool) {
        self.in_sight.update(|in_sight| {
            if seen {
                in_sight.insert(service.to_owned());
            } else {
                in_sight.remove(service);
            }
        });
    }

    /// What a service used last.
    pub(super) fn of(self, service: &str) -> Option<InstanceStats> {
        self.known.with(|known| known.get(service).copied())
    }
}
