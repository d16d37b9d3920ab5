use leptos::prelude::*;

use crate::{
    kit::{Controls, Panel},
    model::stack::{self, Group},
    pages::stack::{
        files::OwnFiles, group::GroupHead, row::ServiceRow, usage::Usage, view::StackView,
    },
    words::{common, stack::services as words},
};

/// Columns of the table.
pub(super) const COLUMNS: &str = "9";

/// Every service, by what it is brought up with.
#[component]
pub(super) fn ServiceTable(page: StackView) -> impl IntoView {
    let usage = Usage::follow(page);
    let groups = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().map(stack::groups))
            .unwrap_or_default()
    });
    let draw = move |group: Group| {
        let services = group.services.clone();
        view! {
            <tbody>
                <GroupHead page=page group=group />
                <For
                    each=move || services.clone()
                    key=String::clone
                    children=move |name| view! { <ServiceRow page=page usage=usage name=name /> }
                />
            </tbody>
        }
    };
    view! {
        <Show when=move || groups.with(|groups| !groups.is_empty())>
            <Panel title=common::SERVICES class="bare stack">
                <Controls class="table-scroll" follow=move || groups.track()>
                    <table class="rows">
                        <thead>
                            <tr>
                                <th scope="col">{words::SERVICE}</th>
                                <th scope="col" class="state-column">{common::STATE}</th>
                                <th scope="col" class="wide">{words::IMAGE}</th>
                                <th scope="col" class="ports-column">{words::PORTS}</th>
                                <th scope="col" class="figure narrow-hides">{words::UP_FOR}</th>
                                <th scope="col" class="figure wide">{words::RESTARTS}</th>
                                <th scope="col" class="figure narrow-hides">{common::CPU}</th>
                                <th scope="col" class="figure narrow-hides">{common::MEMORY}</th>
                                <th scope="col" class="actions-column"><span class="unseen">{common::ACTIONS}</span></th>
                            </tr>
                        </thead>
                        <For
                            each=move || groups.get()
                            key=|group| (group.profile.clone(), group.on, group.services.clone())
                            children=draw
                        />
                    </table>
                </Controls>
            </Panel>
        </Show>
        <OwnFiles page=page />
    }
}
