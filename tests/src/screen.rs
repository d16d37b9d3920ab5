//! The display that tests open windows on: what it shows, keys and pointer, files dropped as the X server tells them.

mod drag;
mod hand;

use x11rb::{
    CURRENT_TIME, atom_manager,
    connection::Connection,
    protocol::xproto::{
        AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, EventMask, MapState,
        PropMode, Window,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

pub use drag::Drag;
pub use hand::{CONTROL, ENTER};

use crate::wait::eventually;

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
        _NET_WM_STATE,
        _NET_WM_STATE_MAXIMIZED_VERT,
        _NET_WM_STATE_MAXIMIZED_HORZ,
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
        self.shown(|window| {
            let of = self.property(window, self.atoms._NET_WM_PID, AtomEnum::CARDINAL);
            of == [pid] && self.takes_drops(window)
        })
    }

    /// The lowest window on the screen that `is_it`.
    fn shown(&self, is_it: impl Fn(Window) -> bool) -> Option<Shown> {
        let tree = self.server.query_tree(self.root).ok()?.reply().ok()?;
        let is_shown = |window: Window| {
            let asked = self.server.get_window_attributes(window).ok();
            asked
                .and_then(|asked| asked.reply().ok())
                .is_some_and(|window| window.map_state == MapState::VIEWABLE)
        };
        let mut windows = tree.children.into_iter();
        windows
            .find(|window| is_shown(*window) && is_it(*window))
            .map(Shown)
    }

    /// The values of a window's property; none where it has none.
    fn property(&self, window: Window, name: u32, of: AtomEnum) -> Vec<u32> {
        const MOST: u32 = 64;
        let asked = self
            .server
            .get_property(false, window, name, of, 0, MOST)
            .ok();
        // A window may be gone by now.
        asked
            .and_then(|asked| asked.reply().ok())
            .and_then(|answer| answer.value32().map(Iterator::collect))
            .unwrap_or_default()
    }

    fn takes_drops(&self, window: Window) -> bool {
        !self
            .property(window, self.atoms.XdndAware, AtomEnum::ATOM)
            .is_empty()
    }

    /// Makes a window fill the screen, as a window manager does; there is none on this display.
    pub fn maximize(&self, window: Shown) {
        let atoms = &self.atoms;
        let both = [
            atoms._NET_WM_STATE_MAXIMIZED_VERT,
            atoms._NET_WM_STATE_MAXIMIZED_HORZ,
        ];
        self.server
            .change_property32(
                PropMode::REPLACE,
                window.0,
                atoms._NET_WM_STATE,
                AtomEnum::ATOM,
                &both,
            )
            .expect("a display");
        let (.., width, height) = self.place(Shown(self.root));
        let whole = ConfigureWindowAux::new()
            .x(0)
            .y(0)
            .width(u32::from(width))
            .height(u32::from(height));
        self.server
            .configure_window(window.0, &whole)
            .expect("a display");
        self.server.sync().expect("a display");
    }

    /// Whether a window is said to fill the screen, or asks for it.
    pub fn is_maximized(&self, window: Shown) -> bool {
        let atoms = &self.atoms;
        let states = self.property(window.0, atoms._NET_WM_STATE, AtomEnum::ATOM);
        states.contains(&atoms._NET_WM_STATE_MAXIMIZED_VERT)
            && states.contains(&atoms._NET_WM_STATE_MAXIMIZED_HORZ)
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
}
