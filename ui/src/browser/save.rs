//! Saving a text as a file of the person's.

use js_sys::Array;
use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// Hands a text over as a file of that name; whether the browser took it.
pub(crate) fn save(name: &str, text: &str) -> bool {
    offered(name, text).is_some()
}

fn offered(name: &str, text: &str) -> Option<()> {
    let kind = BlobPropertyBag::new();
    kind.set_type("text/plain;charset=utf-8");
    let parts = Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &kind).ok()?;
    let address = Url::create_object_url_with_blob(&blob).ok()?;
    let link = super::document()?.create_element("a").ok()?;
    let link = link.dyn_into::<HtmlAnchorElement>().ok()?;
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // The browser holds the content itself from here on.
    Url::revoke_object_url(&address).ok()
}
