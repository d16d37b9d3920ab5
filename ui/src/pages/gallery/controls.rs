use leptos::prelude::*;

use super::Specimen;
use crate::{
    actions::Actions,
    kit::{Button, CopyButton, Glyph, Icon, Keys, Look, Menu, Segments, Switch, Tab, Tabs},
};

#[component]
pub(super) fn Buttons() -> impl IntoView {
    let looks = [
        (Look::Primary, "Primary"),
        (Look::Plain, "Plain"),
        (Look::Flat, "Flat"),
        (Look::Danger, "Danger"),
    ];
    let states = looks.map(|(look, word)| {
        view! {
            <Button look=look press=|()| ()>{word}</Button>
            <Button look=look disabled=Signal::stored(true) label=format!("{word}, disabled") press=|()| ()>
                {word}
            </Button>
        }
    });
    let actions = Actions::get();
    let shortcuts = ["palette.open", "go.home", "help.keys"].map(|id| {
        let shortcut = Signal::derive(move || actions.shortcut(id));
        view! { <Keys shortcut=shortcut /> }
    });
    let glyphs = [
        Glyph::Home,
        Glyph::Agents,
        Glyph::Chat,
        Glyph::Traces,
        Glyph::Logs,
        Glyph::Stack,
        Glyph::Activity,
        Glyph::Registry,
        Glyph::Settings,
        Glyph::Add,
        Glyph::Chevron,
        Glyph::Close,
        Glyph::Copy,
    ];
    view! {
        <Specimen name="Button">{states.collect_view()}</Specimen>
        <Specimen name="Button with icon">
            <Button press=|()| ()><Icon glyph=Glyph::Add />"Add agent"</Button>
            <Button action="agent.restart" press=|()| ()>"With a shortcut"</Button>
        </Specimen>
        <Specimen name="Copy button">
            <CopyButton text=Signal::stored("http://localhost:9100/greeter".to_owned()) what="address" />
        </Specimen>
        <Specimen name="Link">
            <a class="link" href="/gallery">"trace 7f3a…c1"</a>
            <a class="button" href="/gallery">"A link as a button"</a>
        </Specimen>
        <Specimen name="Icon">{glyphs.map(|glyph| view! { <Icon glyph=glyph /> }).collect_view()}</Specimen>
        <Specimen name="Keys">{shortcuts.collect_view()}</Specimen>
    }
}

#[component]
pub(super) fn Fields() -> impl IntoView {
    view! {
        <Specimen name="Text field">
            <label class="field"><span>"Name"</span><input type="text" value="invoice-reader" /></label>
            <label class="field"><span>"Empty"</span><input type="text" placeholder="A folder or an address" /></label>
            <label class="field"><span>"Disabled"</span><input type="text" value="cannot be changed" disabled /></label>
        </Specimen>
        <Specimen name="Search field">
            <input type="search" aria-label="Filter the gallery's example" placeholder="Filter" />
        </Specimen>
        <Specimen name="Text area">
            <textarea rows="2" aria-label="Message of the gallery's example" placeholder="Message invoice-reader"></textarea>
        </Specimen>
        <Specimen name="Select">
            <label class="field inline"><span>"Runs as"</span><select><option>"Docker"</option><option>"Process"</option></select></label>
            <select aria-label="Disabled choice" disabled><option>"Only one"</option></select>
        </Specimen>
    }
}

#[component]
pub(super) fn Choices() -> impl IntoView {
    let on = RwSignal::new(true);
    let never = Signal::stored(false);
    let span = RwSignal::new(1_u32);
    let list = || {
        ["March invoices", "Overdue since 2025"]
            .map(|word| view! { <a href="/gallery">{word}</a> })
            .collect_view()
    };
    let tabs =
        [("Home", "/"), ("Gallery", "/gallery"), ("Logs", "/logs")].map(|(word, href)| Tab {
            word,
            href: href.to_owned(),
            exact: true,
        });
    view! {
        <Specimen name="Check box">
            <label class="check"><input type="checkbox" checked />"Errors only"</label>
            <label class="check"><input type="checkbox" />"Wrap"</label>
            <label class="check"><input type="checkbox" disabled />"Disabled"</label>
        </Specimen>
        <Specimen name="Switch">
            <Switch word="Live" title="A save is live by itself" on=on disabled=never change=move |now| on.set(now) />
            <Switch word="Off" title="Off" on=never disabled=never change=|_| () />
            <Switch word="Disabled" title="Cannot be changed" on=never disabled=Signal::stored(true) change=|_| () />
        </Specimen>
        <Specimen name="Segments">
            <Segments label="Span of time" name="gallery-span" options=vec![(0, "1 h"), (1, "24 h"), (2, "7 d")] chosen=span />
        </Specimen>
        <Specimen name="Menu">
            <Menu title=Signal::stored("March invoices".to_owned()) label="Choose the gallery's conversation" list=list />
        </Specimen>
        <Specimen name="Tabs">
            <Tabs label="Pages of the gallery's example" tabs=tabs.into() />
        </Specimen>
    }
}
