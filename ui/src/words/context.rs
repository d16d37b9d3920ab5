//! Which control plane the pages are of.

/// The one of this computer is called as the product is.
pub(crate) const OWN: &str = "Nasiko";
pub(crate) const THIS_COMPUTER: &str = "This computer";
pub(crate) const CONTEXT: &str = "Context";
