//! Keys and the pointer, as a person's hand moves them.

use x11rb::{
    CURRENT_TIME,
    connection::Connection,
    protocol::{
        xproto::{
            BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConfigureWindowAux, ConnectionExt as _,
            InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT, StackMode,
        },
        xtest::ConnectionExt as _,
    },
    wrapper::ConnectionExt as _,
};

use super::{Screen, Shown};

/// Keys of the X server. A letter's is its code.
pub const CONTROL: u32 = 0xffe3;
/// As [`CONTROL`].
pub const ENTER: u32 = 0xff0d;
const SHIFT: u32 = 0xffe1;
/// The button that clicks.
const FIRST_BUTTON: u8 = 1;

impl Screen {
    /// Presses keys one after another while those before them are held, in a window: `[CONTROL, '='.into()]`.
    pub fn press(&self, window: Shown, keysyms: &[u32]) {
        self.server
            .set_input_focus(InputFocus::PARENT, window.0, CURRENT_TIME)
            .expect("a display");
        let codes: Vec<u8> = keysyms.iter().map(|keysym| self.key(*keysym).0).collect();
        for code in &codes {
            self.move_by_hand(KEY_PRESS_EVENT, *code, (0, 0));
        }
        for code in codes.iter().rev() {
            self.move_by_hand(KEY_RELEASE_EVENT, *code, (0, 0));
        }
        self.server.sync().expect("a display");
    }

    /// Writes text of ASCII characters in a window.
    pub fn write(&self, window: Shown, text: &str) {
        for letter in text.chars() {
            let keysym = u32::from(letter);
            if self.key(keysym).1 {
                self.press(window, &[SHIFT, keysym]);
            } else {
                self.press(window, &[keysym]);
            }
        }
    }

    /// Clicks into a window, that many pixels from its upper left corner.
    pub fn click(&self, window: Shown, x: i16, y: i16) {
        let above = ConfigureWindowAux::new().stack_mode(StackMode::ABOVE);
        self.server
            .configure_window(window.0, &above)
            .expect("a display");
        let (left, top, ..) = self.place(window);
        self.move_by_hand(MOTION_NOTIFY_EVENT, 0, (left + x, top + y));
        self.move_by_hand(BUTTON_PRESS_EVENT, FIRST_BUTTON, (0, 0));
        self.move_by_hand(BUTTON_RELEASE_EVENT, FIRST_BUTTON, (0, 0));
        self.server.sync().expect("a display");
    }

    fn move_by_hand(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        self.server
            .xtest_fake_input(kind, detail, CURRENT_TIME, self.root, x, y, 0)
            .expect("a display");
    }

    /// The key that has this keysym, and whether it has it only with the shift key held.
    fn key(&self, keysym: u32) -> (u8, bool) {
        let setup = self.server.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self
            .server
            .get_keyboard_mapping(first, last - first + 1)
            .expect("a display")
            .reply()
            .expect("a keyboard");
        let keys = map.keysyms.chunks(usize::from(map.keysyms_per_keycode));
        let mut found = keys.enumerate().flat_map(|(at, key)| {
            let columns = key.iter().take(2).enumerate();
            columns.filter_map(move |(column, has)| (*has == keysym).then_some((at, column == 1)))
        });
        let (at, shifted) = found.next().expect("the keyboard has that key");
        (first + u8::try_from(at).expect("a keycode"), shifted)
    }
}
