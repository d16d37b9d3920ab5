use leptos::prelude::*;

use crate::{
    actions::Actions,
    kit::{Button, Look, Modal},
    words::common,
};

/// What is asked before something is destroyed that has no page of its own in sight.
#[derive(Clone)]
pub(crate) struct Question {
    /// The question.
    pub(crate) title: String,
    /// What it means.
    pub(crate) text: &'static str,
    /// The words of the button that does it.
    pub(crate) action: &'static str,
    /// What is done.
    pub(crate) confirm: Callback<()>,
}

/// Shows the question that is asked, if there is one.
#[component]
pub(crate) fn QuestionDialog() -> impl IntoView {
    let actions = Actions::get();
    let asked = actions.question;
    let read = move |read: fn(&Question) -> String| {
        Signal::derive(move || asked.with(|asked| asked.as_ref().map(read).unwrap_or_default()))
    };
    let title = read(|question| question.title.clone());
    let decide = move |()| {
        let question = asked.get_untracked();
        asked.set(None);
        if let Some(question) = question {
            question.confirm.run(());
        }
    };
    let open = Signal::derive(move || asked.with(Option::is_some));
    view! {
        <Modal open=open close=move |()| asked.set(None) label=title>
            <h2>{title}</h2>
            <div class="dialog-text">{read(|question| question.text.to_owned())}</div>
            <div class="actions end">
                <Button press=move |()| asked.set(None)>{common::KEEP}</Button>
                <Button look=Look::Danger id="confirm" press=decide>
                    {read(|question| question.action.to_owned())}
                </Button>
            </div>
        </Modal>
    }
}
