//! What was dropped, pasted or chosen: looked at, and deployed once the person says so.

use std::collections::BTreeMap;

use futures::future::{AbortHandle, abortable};
use leptos::{prelude::*, task::spawn_local};
use nasiko_client::UploadFile;
use nasiko_contract::{
    AgentName, DeployArchive, DeployDirectory, DeployGit, DeployOptions, Fault, Inspect, Job,
};

use crate::{
    browser,
    desk::Desk,
    model::offer::{Offer, Source, State},
};

/// The mark of the moment something was offered, and of the time until all of it was understood.
const OFFERED: &str = "nasiko-offered";
const UNDERSTOOD: &str = "nasiko-understood";

/// A copyable handle to what is offered. One for all pages, handed down as context.
#[derive(Clone, Copy)]
pub(crate) struct Offers {
    desk: Desk,
    /// What is offered.
    pub(crate) offer: RwSignal<Offer>,
    /// Folders are kept in step with what is deployed of them.
    pub(crate) keep_live: RwSignal<bool>,
    /// Files that the browser has, by the number of their item.
    files: StoredValue<BTreeMap<u64, web_sys::File>, LocalStorage>,
    /// Looks that are under way, by the number of their item.
    looks: StoredValue<BTreeMap<u64, AbortHandle>, LocalStorage>,
}

impl Offers {
    /// Sets it up and hands it down.
    pub(crate) fn provide(desk: Desk) -> Self {
        let offers = Self {
            desk,
            offer: RwSignal::default(),
            keep_live: RwSignal::new(true),
            files: StoredValue::default(),
            looks: StoredValue::default(),
        };
        provide_context(offers);
        offers
    }

    /// That of this page.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// Offers sources, with the agent that they were dropped on.
    pub(crate) fn put(self, sources: Vec<Source>, over: Option<&AgentName>) {
        self.put_with(sources.into_iter().map(|source| (source, None)), over);
    }

    /// As [`Offers::put`], with the browser's file for each source that is one.
    pub(crate) fn put_with(
        self,
        sources: impl IntoIterator<Item = (Source, Option<web_sys::File>)>,
        over: Option<&AgentName>,
    ) {
        browser::mark(OFFERED);
        let mut added = Vec::new();
        self.offer.update(|offer| {
            for (source, file) in sources {
                if let Some(number) = offer.add(source, over.cloned()) {
                    added.push((number, file));
                }
            }
        });
        for (number, file) in added {
            if let Some(file) = file {
                self.files
                    .update_value(|files| drop(files.insert(number, file)));
            }
            self.look(number);
        }
    }

    /// Asks the person for a path or an address.
    pub(crate) fn ask(self) {
        self.offer.update(|offer| offer.asking = true);
    }

    /// The person says yes to all that are well.
    pub(crate) fn accept(self) {
        let ready = self.offer.try_update(Offer::accept).unwrap_or_default();
        for number in ready {
            self.deploy(number);
        }
    }

    /// Deploys one once more.
    pub(crate) fn again(self, number: u64) {
        self.offer.update(|offer| offer.again(number));
        self.deploy(number);
    }

    /// Leaves one out.
    pub(crate) fn remove(self, number: u64) {
        self.offer.update(|offer| offer.remove(number));
        self.forget(number);
    }

    /// Gives all of it up; deploys that were asked for go on.
    pub(crate) fn clear(self) {
        self.offer.update(Offer::clear);
        self.files.update_value(BTreeMap::clear);
        self.looks.update_value(|looks| {
            for look in std::mem::take(looks).into_values() {
                look.abort();
            }
        });
    }

    fn forget(self, number: u64) {
        self.files.update_value(|files| drop(files.remove(&number)));
        self.looks.update_value(|looks| {
            if let Some(look) = looks.remove(&number) {
                look.abort();
            }
        });
    }

    /// Looks at one, if it can be looked at.
    fn look(self, number: u64) {
        let path = self.offer.with_untracked(|offer| {
            let item = offer.item(number)?;
            match (&item.state, &item.source) {
                (State::Looking, Source::Path(path)) => Some(path.clone()),
                _ => None,
            }
        });
        let Some(directory_path) = path else {
            return;
        };
        let (look, handle) = abortable(async move {
            let request = Inspect {
                directory_path,
                preview: true,
            };
            let found = self.desk.client().call(request).await;
            self.looks.update_value(|looks| drop(looks.remove(&number)));
            let below = self
                .offer
                .try_update(|offer| offer.found(number, found))
                .unwrap_or_default();
            for number in below {
                self.look(number);
            }
            if self.offer.try_update(|offer| offer.take_wanted(number)) == Some(true) {
                self.deploy(number);
            }
            self.measure();
        });
        self.looks
            .update_value(|looks| drop(looks.insert(number, handle)));
        spawn_local(async move {
            let _given_up = look.await;
        });
    }

    /// Notes how long it took from the drop until everything was understood, for whoever measures.
    fn measure(self) {
        if self.looks.with_value(BTreeMap::is_empty) {
            browser::measure(UNDERSTOOD, OFFERED);
        }
    }

    fn deploy(self, number: u64) {
        let Some(item) = self
            .offer
            .with_untracked(|offer| offer.item(number).cloned())
        else {
            return;
        };
        let replace = item.replace.is_some();
        let options = DeployOptions {
            agent_name: item.replace.map(|agent| agent.0),
            replace,
            watch: (item.source.is_folder() && self.keep_live.get_untracked()).then_some(true),
            ..DeployOptions::default()
        };
        let answered = move |answer: Result<Job, Fault>| {
            let _closed_meanwhile = self
                .offer
                .try_update(|offer| offer.ordered(number, answer.map(|job| job.id)));
        };
        match item.source {
            Source::Path(directory_path) => {
                let operation = DeployDirectory {
                    directory_path,
                    options,
                };
                self.desk.order(operation, answered);
            }
            Source::Repository(url) => {
                let operation = DeployGit {
                    repository_full_name: None,
                    url: Some(url),
                    branch: None,
                    options,
                };
                self.desk.order(operation, answered);
            }
            Source::Upload { name, .. } => {
                let file = self.files.with_value(|files| files.get(&number).cloned());
                spawn_local(async move {
                    answered(self.send(name, file, options).await);
                });
            }
            Source::Nowhere { fault, .. } => answered(Err(fault)),
        }
    }

    /// Sends an archive along.
    async fn send(
        self,
        name: String,
        file: Option<web_sys::File>,
        options: DeployOptions,
    ) -> Result<Job, Fault> {
        let bytes = browser::read(file.as_ref(), &name).await?;
        let file = UploadFile {
            name,
            bytes: bytes.into(),
        };
        let job = self
            .desk
            .client()
            .upload(DeployArchive { options }, file)
            .await?;
        self.desk
            .world
            .update(|world| world.put_jobs([job.clone()]));
        Ok(job)
    }
}
