use leptos::prelude::*;
use nasiko_contract::StackUp;

use crate::{
    kit::{Button, Controls},
    model::stack,
    pages::stack::view::StackView,
    words::stack as words,
};

/// What there is of the stack, and all of it up or down.
#[component]
pub(super) fn Head(
    page: StackView,
    /// Whether to take it down is being asked.
    asking: RwSignal<bool>,
) -> impl IntoView {
    let told = move || {
        page.stack.with(|stack| {
            let stack = stack.as_ref()?;
            Some(match stack::counts(&stack.services) {
                (_, 0) => words::NOTHING_ON.to_owned(),
                (well, there) => words::well(well, there),
            })
        })
    };
    let project = move || {
        page.stack.with(|stack| {
            let stack = stack.as_ref()?;
            Some(view! { <span class="tag wide" title=words::PROJECT>{stack.project.clone()}</span> })
        })
    };
    let can_go = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().is_some_and(stack::can_go))
    });
    let on = Memo::new(move |_| {
        page.stack
            .with(|stack| stack.as_ref().is_some_and(|stack| stack.on))
    });
    let busy = Signal::derive(move || page.job.with(Option::is_some));
    view! {
        <header class="page-head">
            <h1>{words::TITLE}</h1>
            <span class="sub">{told}</span>
            {project}
            <span class="grow"></span>
            <Controls class="actions" follow=move || {
                on.track();
                can_go.track();
            }>
            <Show when=move || on.get()>
                <Button
                    id="stack-up"
                    disabled=busy
                    label=words::BRING_UP_AGAIN_MEANS
                    press=move |()| page.desk.start(StackUp::default())
                >
                    {words::BRING_UP_AGAIN}
                </Button>
            </Show>
            <Show when=move || can_go.get()>
                <Button id="stack-down" disabled=busy press=move |()| asking.set(true)>
                    {words::TAKE_DOWN_ASK}
                </Button>
            </Show>
            </Controls>
        </header>
    }
}
