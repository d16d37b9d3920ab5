//! A hand at the display that tests open windows on: keys pressed and files dropped as the X server tells them.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use x11rb::{
    COPY_FROM_PARENT, CURRENT_TIME, atom_manager,
    connection::Connection,
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask,
            InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, PropMode,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window,
            WindowClass,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::wait::{PATIENCE, eventually};

/// How long the X server is left alone between two looks.
const STEP: Duration = Duration::from_millis(10);
/// The version of the drag and drop protocol, and the flag of a target that would take what is dragged.
const XDND_VERSION: u32 = 5;
const XDND_TAKES: u32 = 1;

atom_manager! {
    Atoms: AtomsCookie {
        XdndAware,
        XdndSelection,
        XdndEnter,
        XdndPosition,
        XdndStatus,
        XdndLeave,
        XdndDrop,
        XdndFinished,
        XdndActionCopy,
        URI_LIST: b"text/uri-list",
        _NET_WM_PID,
        WM_PROTOCOLS,
        WM_DELETE_WINDOW,
    }
}

/// The display of the environment.
pub struct Screen {
    server: RustConnection,
    atoms: Atoms,
    root: Window,
}

/// A window of another program.
#[derive(Debug, Clone, Copy)]
pub struct Shown(Window);

/// A drag of files that is on its way over a window.
pub struct Drag<'a> {
    screen: &'a Screen,
    source: Window,
    target: Window,
    uris: String,
}

impl Screen {
    /// Comes to the display that `DISPLAY` names.
    pub fn connect() -> Self {
        let (server, number) = RustConnection::connect(None).expect("a display");
        let atoms = Atoms::new(&server)
            .expect("a display")
            .reply()
            .expect("atoms");
        let root = server.setup().roots[number].root;
        Self {
            server,
            atoms,
            root,
        }
    }

    /// The window that a process shows, once it does.
    pub fn window_of(&self, pid: u32) -> Shown {
        eventually(&format!("process {pid} shows a window"), || {
            self.shown_by(pid).ok_or_else(|| "it does not".to_owned())
        })
    }

    /// The window that a process shows now.
    pub fn shown_by(&self, pid: u32) -> Option<Shown> {
        let children = self
            .server
            .query_tree(self.root)
            .ok()?
            .reply()
            .ok()?
            .children;
        let is_its = |window: &Window| {
            let of = self
                .server
                .get_property(
                    false,
                    *window,
                    self.atoms._NET_WM_PID,
                    AtomEnum::CARDINAL,
                    0,
                    1,
                )
                .ok()?
                .reply()
                .ok()?
                .value32()?
                .next()?;
            let attributes = self
                .server
                .get_window_attributes(*window)
                .ok()?
                .reply()
                .ok()?;
            (of == pid && attributes.map_state == MapState::VIEWABLE && self.takes_drops(*window))
                .then_some(())
        };
        children
            .into_iter()
            .find(|window| is_its(window).is_some())
            .map(Shown)
    }

    fn takes_drops(&self, window: Window) -> bool {
        let property =
            self.server
                .get_property(false, window, self.atoms.XdndAware, AtomEnum::ATOM, 0, 1);
        property
            .ok()
            .and_then(|asked| asked.reply().ok())
            .is_some_and(|property| property.type_ != u32::from(AtomEnum::NONE))
    }

    /// Where a window is, and how large.
    pub fn place(&self, window: Shown) -> (i16, i16, u16, u16) {
        let inside = self
            .server
            .get_geometry(window.0)
            .expect("a display")
            .reply()
            .expect("a window");
        let outside = self
            .server
            .translate_coordinates(window.0, self.root, 0, 0)
            .expect("a display")
            .reply()
            .expect("a window");
        (outside.dst_x, outside.dst_y, inside.width, inside.height)
    }

    /// Presses keys one after another while those before them are held, in a window: `[CONTROL, '='.into()]`.
    pub fn press(&self, window: Shown, keysyms: &[u32]) {
        self.server
            .set_input_focus(InputFocus::PARENT, window.0, CURRENT_TIME)
            .expect("a display");
        let codes: Vec<u8> = keysyms.iter().map(|keysym| self.key(*keysym)).collect();
        let down = codes.iter().map(|code| (KEY_PRESS_EVENT, *code));
        let up = codes.iter().rev().map(|code| (KEY_RELEASE_EVENT, *code));
        for (kind, code) in down.chain(up) {
            self.server
                .xtest_fake_input(kind, code, CURRENT_TIME, self.root, 0, 0, 0)
                .expect("a display");
        }
        self.server.sync().expect("a display");
    }

    /// Asks a window to close, as the cross in its corner does.
    pub fn close(&self, window: Shown) {
        let atoms = &self.atoms;
        let data = [atoms.WM_DELETE_WINDOW, CURRENT_TIME, 0, 0, 0];
        let event = ClientMessageEvent::new(32, window.0, atoms.WM_PROTOCOLS, data);
        self.server
            .send_event(false, window.0, EventMask::NO_EVENT, event)
            .expect("a display");
        self.server.sync().expect("a display");
    }

    /// The key that has this keysym without another one held.
    fn key(&self, keysym: u32) -> u8 {
        let setup = self.server.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = self
            .server
            .get_keyboard_mapping(first, last - first + 1)
            .expect("a display")
            .reply()
            .expect("a keyboard");
        let columns = usize::from(map.keysyms_per_keycode);
        let at = map.keysyms.chunks(columns).position(|key| key[0] == keysym);
        first + u8::try_from(at.expect("the keyboard has that key")).expect("a keycode")
    }

    /// Drags files over a window, to its middle.
    pub fn drag(&self, window: Shown, files: &[&Path]) -> Drag<'_> {
        let source = self.server.generate_id().expect("a display");
        self.server
            .create_window(
                0,
                source,
                self.root,
                -10,
                -10,
                1,
                1,
                0,
                WindowClass::INPUT_ONLY,
                COPY_FROM_PARENT,
                &CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE),
            )
            .expect("a window");
        self.server
            .set_selection_owner(source, self.atoms.XdndSelection, CURRENT_TIME)
            .expect("a selection");
        let uris: Vec<String> = files
            .iter()
            .map(|file| file.to_str().expect("a plain name").replace(' ', "%20"))
            .map(|path| format!("file://{path}\r\n"))
            .collect();
        let uris = uris.concat();
        let drag = Drag {
            screen: self,
            source,
            target: window.0,
            uris,
        };
        drag.say(
            self.atoms.XdndEnter,
            [XDND_VERSION << 24, self.atoms.URI_LIST, 0, 0],
        );
        drag.hover();
        drag
    }
}

impl Drag<'_> {
    /// Stays where it is until the window says that it would take the files.
    fn hover(&self) {
        let (x, y, width, height) = self.screen.place(Shown(self.target));
        let at = |start: i16, length: u16| u32::from(start.unsigned_abs() + length / 2);
        let place = at(x, width) << 16 | at(y, height);
        let atoms = &self.screen.atoms;
        let position = || {
            self.say(
                atoms.XdndPosition,
                [0, place, CURRENT_TIME, atoms.XdndActionCopy],
            );
        };
        position();
        self.until("the window takes the drag", |message| {
            if message.type_ != atoms.XdndStatus {
                return false;
            }
            let takes = message.data.as_data32()[1] & XDND_TAKES != 0;
            if !takes {
                // Whoever drags moves on; a window that still looked at what it is says otherwise then.
                std::thread::park_timeout(STEP);
                position();
            }
            takes
        });
    }

    /// Takes the files away again.
    pub fn leave(self) {
        self.say(self.screen.atoms.XdndLeave, [0; 4]);
        self.screen.server.sync().expect("a display");
    }

    /// Lets the files fall, and waits until the window has taken them.
    pub fn drop_files(self) {
        let atoms = &self.screen.atoms;
        self.say(atoms.XdndDrop, [0, CURRENT_TIME, 0, 0]);
        self.until("the window takes the files", |message| {
            message.type_ == atoms.XdndFinished
        });
    }

    fn say(&self, message: Atom, [one, two, three, four]: [u32; 4]) {
        let data = [self.source, one, two, three, four];
        let event = ClientMessageEvent::new(32, self.target, message, data);
        let server = &self.screen.server;
        server
            .send_event(false, self.target, EventMask::NO_EVENT, event)
            .expect("a display");
        server.flush().expect("a display");
    }

    /// Answers what the window asks until it says what is waited for.
    fn until(&self, what: &str, mut is_it: impl FnMut(&ClientMessageEvent) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.screen.server.poll_for_event().expect("a display") {
                Some(Event::ClientMessage(message)) if is_it(&message) => return,
                Some(Event::SelectionRequest(request)) => self.hand_over(&request),
                Some(_) => {}
                None => std::thread::park_timeout(STEP),
            }
        }
        panic!("{what}: it does not");
    }

    fn hand_over(&self, request: &SelectionRequestEvent) {
        let server = &self.screen.server;
        let is_ours = request.target == self.screen.atoms.URI_LIST;
        if is_ours {
            server
                .change_property8(
                    PropMode::REPLACE,
                    request.requestor,
                    request.property,
                    request.target,
                    self.uris.as_bytes(),
                )
                .expect("a display");
        }
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if is_ours {
                request.property
            } else {
                AtomEnum::NONE.into()
            },
        };
        server
            .send_event(false, request.requestor, EventMask::NO_EVENT, answer)
            .expect("a display");
        server.flush().expect("a display");
    }
}

impl Drop for Drag<'_> {
    fn drop(&mut self) {
        // The connection ends it too.
        let _ = self.screen.server.destroy_window(self.source);
        let _ = self.screen.server.flush();
    }
}
