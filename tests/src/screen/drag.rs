//! Files dragged over a window and dropped on it, as the display's protocol has it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use x11rb::{
    COPY_FROM_PARENT, CURRENT_TIME,
    connection::Connection,
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask,
            PropMode, SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window,
            WindowClass,
        },
    },
    wrapper::ConnectionExt as _,
};

use super::{Screen, Shown};
use crate::wait::PATIENCE;

/// How long the X server is left alone between two looks.
const STEP: Duration = Duration::from_millis(10);
/// The version of the protocol, and the flag of a target that would take what is dragged.
const XDND_VERSION: u32 = 5;
const XDND_TAKES: u32 = 1;

/// A drag of files that is on its way over a window.
pub struct Drag<'a> {
    screen: &'a Screen,
    source: Window,
    target: Window,
    uris: String,
}

impl Screen {
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
