//! Of what is shown to who is not let in.

pub(crate) const TITLE: &str = "Not signed in";
pub(crate) const HOW_TO: &str = "Run `nasiko open`: it opens these pages with a link that works once. The desktop window needs none.";
