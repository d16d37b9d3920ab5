use leptos::prelude::*;

/// Tokens of colour: of grounds, of text, of states and of series.
const COLOURS: [&str; 24] = [
    "ground",
    "panel",
    "sunken",
    "line",
    "line-strong",
    "ink",
    "ink-2",
    "ink-3",
    "accent",
    "accent-ink",
    "accent-soft",
    "ok",
    "ok-soft",
    "busy",
    "busy-soft",
    "bad",
    "bad-soft",
    "idle",
    "idle-soft",
    "info",
    "info-soft",
    "s1",
    "s2",
    "s3",
];
/// Tokens of size: letters, corners, rows.
const SIZES: [(&str, &str); 9] = [
    ("t-xs", "11 px text"),
    ("t-s", "12 px text"),
    ("t-m", "13 px text"),
    ("t-l", "15 px text"),
    ("t-xl", "20 px text"),
    ("t-2xl", "28 px text"),
    ("r-s", "small corner"),
    ("r", "corner"),
    ("row", "height of a row"),
];

/// The tokens that all styles are made of.
#[component]
pub(super) fn Tokens() -> impl IntoView {
    let colour = |name: &'static str| {
        view! {
            <li>
                <i class="token-colour" style:background=format!("var(--{name})") aria-hidden="true"></i>
                <code>{format!("--{name}")}</code>
            </li>
        }
    };
    let size = |(name, words): (&'static str, &'static str)| {
        let text = name.starts_with("t-");
        let sample = text.then(|| view! { <span style:font-size=format!("var(--{name})") aria-hidden="true">"Aa"</span> });
        view! {
            <li>
                {sample}
                <code>{format!("--{name}")}</code>
                <span class="dim">{words}</span>
            </li>
        }
    };
    view! {
        <section class="gallery-group" aria-label="Tokens">
            <h2>"Tokens"</h2>
            <ul class="tokens">{COLOURS.map(colour).collect_view()}</ul>
            <ul class="tokens">{SIZES.map(size).collect_view()}</ul>
        </section>
    }
}
