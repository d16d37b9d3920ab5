//! A person at a page who has a keyboard and no mouse: where the keyboard is, and that it can be seen.

use nasiko_tests::web_driver::{Web, until};

use crate::{browser::TAB, conversation::ENTER};

pub(crate) const ESCAPE: &str = "\u{e00c}";
/// A focus that does not come to its goal within so many steps never does.
const MOST_TABS: usize = 90;

/// Who has the keyboard: name, whether that can be seen and its turn is that of its place, whether that is nobody, what it
/// is, and its id.
const FOCUS: &str = "const one = document.activeElement, style = getComputedStyle(one);
    const label = one.labels && one.labels.length ? one.labels[0].innerText : '';
    const name = one.getAttribute('aria-label') || label || one.innerText || one.title || one.id || '';
    const ringed = one.matches(':focus-visible') && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    const box = one.getBoundingClientRect();
    const inSight = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
    const seen = one.tabIndex < 0 || one.tabIndex === 0 && ringed && inSight;
    return [name, one === document.body || seen, one === document.body, one.outerHTML.slice(0, 200), one.id]";

/// Goes on with the Tab key until what is called `name` (or has that id) has the keyboard. On the way whoever has it
/// shows it.
pub(crate) async fn tab_to(web: &Web, name: &str) {
    let mut passed = Vec::new();
    for _ in 0..MOST_TABS {
        let focus = web.script(FOCUS).await;
        assert_eq!(focus[1], true, "who has the keyboard shows it: {focus}");
        let called = focus[0].as_str().unwrap_or_default();
        if called.starts_with(name) || focus[4] == name {
            return;
        }
        passed.push(called.chars().take(30).collect::<String>());
        web.keys(TAB).await;
    }
    panic!("the Tab key does not come to `{name}`; it passed {passed:?}");
}

/// The keyboard is somewhere: what was pressed did not take it along.
pub(crate) async fn has_keyboard(web: &Web) {
    until("somebody has the keyboard", async || {
        let focus = web.script(FOCUS).await;
        if focus[2] == true {
            Err(focus.to_string())
        } else {
            Ok(())
        }
    })
    .await;
}

/// The element of that id has the keyboard, or comes to have it.
pub(crate) async fn focus_is(web: &Web, id: &str) {
    until(&format!("the keyboard is at {id}"), async || {
        let focus = web.script(FOCUS).await;
        if focus[4] == id {
            Ok(())
        } else {
            Err(focus.to_string())
        }
    })
    .await;
}

/// Does something by the palette.
pub(crate) async fn run(web: &Web, words: &str) {
    web.control('k').await;
    focus_is(web, "palette-input").await;
    web.keys(words).await;
    web.read(".palette [aria-selected='true']", words).await;
    web.keys(ENTER).await;
    web.gone("dialog.palette[open]").await;
    has_keyboard(web).await;
}

/// What is called `name` has the keyboard, or comes to have it.
pub(crate) async fn focus_named(web: &Web, name: &str) {
    until(&format!("the keyboard is at {name}"), async || {
        let focus = web.script(FOCUS).await;
        let called = focus[0].as_str().unwrap_or_default();
        if called.starts_with(name) {
            Ok(())
        } else {
            Err(focus.to_string())
        }
    })
    .await;
}

/// Goes on to what is called `name`, or has that id, and presses Enter there.
pub(crate) async fn press(web: &Web, name: &str) {
    tab_to(web, name).await;
    web.keys(ENTER).await;
}
