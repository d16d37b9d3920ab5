//! How the pages look: themes, how close rows stand, the zoom of the window.

pub(crate) const SYSTEM: &str = "System";
pub(crate) const LIGHT: &str = "Light";
pub(crate) const DARK: &str = "Dark";
pub(crate) const CONTRAST_LIGHT: &str = "High contrast, light";
pub(crate) const CONTRAST_DARK: &str = "High contrast, dark";

pub(crate) const ROOMY: &str = "Roomy";
pub(crate) const COMPACT: &str = "Compact";

pub(crate) const ZOOM_IN: &str = "Zoom in";
pub(crate) const ZOOM_OUT: &str = "Zoom out";
pub(crate) const ZOOM_RESET: &str = "Zoom to 100 %";

pub(crate) fn zoom(percent: f64) -> String {
    format!("Zoom {percent} %")
}
