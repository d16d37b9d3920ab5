use leptos::prelude::*;
use nasiko_contract::{FollowJobLog, JobId};

use crate::{
    desk::{Desk, Followed, follow},
    words::activity as words,
};

/// Lines of a job's log that are kept on the page.
const LINES_KEPT: usize = 2_000;

/// A job's output, as it comes.
#[component]
pub(crate) fn JobLog(id: JobId) -> impl IntoView {
    let desk = Desk::get();
    let lines = RwSignal::new(Vec::<String>::new());
    let ended = RwSignal::new(false);
    follow(desk, FollowJobLog { job: id }, move |learnt| match learnt {
        Followed::Opened => lines.set(Vec::new()),
        Followed::Items(items) => lines.update(|lines| {
            lines.extend(items.into_iter().filter_map(|item| item.line));
            let surplus = lines.len().saturating_sub(LINES_KEPT);
            lines.drain(..surplus);
        }),
        Followed::Ended(why) => {
            ended.set(true);
            if let Some(fault) = why {
                desk.report(fault);
            }
        }
    });
    let text = move || {
        lines.with(|lines| match (lines.is_empty(), ended.get()) {
            (true, true) => words::NO_OUTPUT.to_owned(),
            (true, false) => words::NO_OUTPUT_YET.to_owned(),
            (false, _) => lines.join("\n"),
        })
    };
    view! {
        <pre class="job-log" tabindex="0" aria-label=words::OUTPUT>
            {text}
        </pre>
    }
}
