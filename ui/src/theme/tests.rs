use std::collections::BTreeMap;

use super::*;

/// The one place of all colours.
const TOKENS: &str = include_str!("../../static/styles/tokens.css");
/// What text stands on.
const GROUNDS: [&str; 3] = ["ground", "panel", "sunken"];
/// What text is written in.
const INKS: [&str; 9] = [
    "ink", "ink-2", "ink-3", "accent", "ok", "busy", "bad", "idle", "info",
];

type Colors = BTreeMap<String, [f64; 3]>;

/// The colours of a theme: those of `:root`, and over them its own.
fn colors(theme: &str) -> Colors {
    let mut colors = Colors::new();
    let own = format!("[data-theme=\"{theme}\"]");
    for block in TOKENS.split('}') {
        let Some((selector, tokens)) = block.rsplit_once('{') else {
            continue;
        };
        let selector = selector
            .rsplit(['*', '/', '{', '}'])
            .next()
            .unwrap_or_default()
            .trim();
        if selector != ":root" && selector != own {
            continue;
        }
        for token in tokens.split("--").skip(1) {
            let Some((name, value)) = token.split_once(':') else {
                continue;
            };
            let hex = value.trim().strip_prefix('#').and_then(|hex| hex.get(..6));
            if let Some(hex) = hex {
                let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
                colors.insert(
                    name.to_owned(),
                    [0, 2, 4].map(|at| f64::from(part(at)) / 255.0),
                );
            }
        }
    }
    colors
}

/// The contrast of two colours, as WCAG 2 has it.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |color: [f64; 3]| {
        let [red, green, blue] = color.map(|part| {
            if part <= 0.04045 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[track_caller]
fn check(theme: &str, ink: &str, ground: &str, least: f64) {
    let colors = colors(theme);
    let color = |name: &str| {
        colors
            .get(name)
            .copied()
            .unwrap_or_else(|| panic!("{theme} has no --{name}"))
    };
    let found = contrast(color(ink), color(ground));
    assert!(
        found >= least,
        "{theme}: --{ink} on --{ground} is {found:.2}:1, not {least}:1"
    );
}

#[test]
fn text_is_read_on_every_ground_of_every_theme() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 0.001);
    for (theme, least) in [
        ("light", 4.5),
        ("dark", 4.5),
        ("contrast", 7.0),
        ("contrast-dark", 7.0),
    ] {
        for ink in INKS {
            for ground in GROUNDS {
                check(theme, ink, ground, least);
            }
        }
        // On what is filled with a colour, and on a state's own soft ground.
        check(theme, "accent-ink", "accent", least);
        check(theme, "panel", "bad", least);
        check(theme, "ground", "ink", least);
        for state in ["accent", "ok", "busy", "bad", "idle", "info"] {
            let soft = format!("{state}-soft");
            check(theme, state, &soft, 4.5);
            check(theme, "ink", &soft, least);
            check(theme, "ink-2", &soft, 4.5);
        }
    }
}

#[test]
fn high_contrast_shows_every_edge_and_every_series() {
    for theme in ["contrast", "contrast-dark"] {
        check(theme, "line", "panel", 4.5);
        check(theme, "line-strong", "panel", 7.0);
        for series in ["s1", "s2", "s3", "s4", "s5", "s6"] {
            check(theme, series, "panel", 4.5);
        }
    }
}

#[test]
fn every_theme_has_every_colour() {
    let all: Vec<String> = colors("light").into_keys().collect();
    for theme in ["dark", "contrast", "contrast-dark"] {
        let own = format!("[data-theme=\"{theme}\"]");
        let block = TOKENS
            .split(&own)
            .nth(1)
            .and_then(|rest| rest.split('}').next())
            .unwrap();
        for name in &all {
            assert!(
                block.contains(&format!("--{name}:")),
                "{theme} has no --{name}"
            );
        }
    }
}

#[test]
fn a_choice_is_remembered_by_its_key() {
    for theme in Theme::ALL {
        assert_eq!(Theme::from_key(theme.key()), theme);
    }
    for density in Density::ALL {
        assert_eq!(Density::from_key(density.key()), density);
    }
    assert_eq!(Theme::from_key("gone"), Theme::System);
}

#[test]
fn only_who_leaves_it_to_the_system_gets_what_that_wants() {
    assert_eq!(Theme::System.attribute(true, false), "dark");
    assert_eq!(Theme::System.attribute(false, true), "contrast");
    assert_eq!(Theme::System.attribute(true, true), "contrast-dark");
    assert_eq!(Theme::Light.attribute(true, true), "light");
    assert_eq!(Theme::ContrastDark.attribute(false, false), "contrast-dark");
}
