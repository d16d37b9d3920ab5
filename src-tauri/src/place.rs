//! Where the window is, and how it is brought back to where it can be seen.

use serde::{Deserialize, Serialize};

/// How much of the window's upper edge must be on a screen for a hand to find it, in pixels.
const HANDLE: (i32, i32) = (120, 32);

/// A window's place, in the screens' pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// It fills its screen; the rest is where it goes when it no longer does.
    pub(crate) maximized: bool,
}

/// The part of a screen that windows may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Place {
    /// The place on screens as they are now: unchanged where the window can be seen and moved, else in the middle of the
    /// first screen, and no larger than a screen. The first of `screens` is the main one; without any, nothing is changed.
    pub(crate) fn within(self, screens: &[Screen]) -> Self {
        let Some(first) = screens.first() else {
            return self;
        };
        let home = screens.iter().find(|screen| self.is_found_on(screen));
        let screen = home.unwrap_or(first);
        let (width, height) = (self.width.min(screen.width), self.height.min(screen.height));
        let (x, y) = if home.is_some() {
            (self.x, self.y)
        } else {
            let middle = |start: i32, room: u32, taken: u32| {
                start.saturating_add_unsigned((room - taken) / 2)
            };
            (
                middle(screen.x, screen.width, width),
                middle(screen.y, screen.height, height),
            )
        };
        Self {
            x,
            y,
            width,
            height,
            ..self
        }
    }

    fn is_found_on(&self, screen: &Screen) -> bool {
        let shared = |start: i32, length: u32, screen_start: i32, screen_length: u32| {
            let end = start.saturating_add_unsigned(length);
            let screen_end = screen_start.saturating_add_unsigned(screen_length);
            end.min(screen_end).saturating_sub(start.max(screen_start))
        };
        let (wide, high) = HANDLE;
        // Above the screen's edge the bar that a window is moved by is out of reach.
        self.y >= screen.y
            && shared(self.x, self.width, screen.x, screen.width) >= wide
            && shared(self.y, self.height, screen.y, screen.height) >= high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: Screen = Screen {
        x: 0,
        y: 30,
        width: 1920,
        height: 1050,
    };
    const LEFT: Screen = Screen {
        x: -1280,
        y: 0,
        width: 1280,
        height: 1024,
    };

    fn at(x: i32, y: i32, width: u32, height: u32) -> Place {
        Place {
            x,
            y,
            width,
            height,
            maximized: false,
        }
    }

    #[test]
    fn a_window_that_can_be_found_stays() {
        for place in [
            at(0, 30, 800, 600),
            at(1_700, 900, 800, 600),
            at(-600, 30, 800, 600),
        ] {
            assert_eq!(place.within(&[MAIN]), place);
        }
        let place = at(-1_200, 10, 800, 600);
        assert_eq!(place.within(&[MAIN, LEFT]), place);
    }

    #[test]
    fn a_window_outside_of_all_screens_is_brought_to_the_main_one() {
        for place in [
            at(-1_200, 10, 800, 600),
            at(1_910, 100, 800, 600),
            at(100, 1_070, 800, 600),
            at(100, -500, 800, 600),
            at(i32::MAX, i32::MIN, 800, 600),
        ] {
            assert_eq!(place.within(&[MAIN]), at(560, 255, 800, 600), "{place:?}");
        }
    }

    #[test]
    fn a_window_is_no_larger_than_its_screen() {
        assert_eq!(
            at(0, 30, 9_000, 9_000).within(&[MAIN]),
            at(0, 30, 1_920, 1_050)
        );
        assert_eq!(
            at(5_000, 5_000, u32::MAX, u32::MAX).within(&[LEFT]),
            at(-1_280, 0, 1_280, 1_024)
        );
        assert_eq!(
            at(7, 7, 7, 7).within(&[]),
            at(7, 7, 7, 7),
            "no screen is known"
        );
    }
}
