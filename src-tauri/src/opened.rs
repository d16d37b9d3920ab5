//! What comes to the window from outside of its page: drags, dropped files, arguments, links. All of it goes to the page
//! over one channel; what comes before the page listens waits for it.

use std::collections::VecDeque;

use nasiko_client::window::{Opened, Position};
use parking_lot::Mutex;
use tauri::{DragDropEvent, State, ipc::Channel};

/// What waits for a page at most; the oldest gives way.
const MOST_WAITING: usize = 64;

/// The way to the page.
#[derive(Default)]
pub(crate) struct Arrivals(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    page: Option<Channel<Opened>>,
    waiting: VecDeque<Opened>,
}

impl Arrivals {
    /// Tells the page, now or when it listens.
    pub(crate) fn put(&self, opened: Opened) {
        let mut inner = self.0.lock();
        if let Some(page) = &inner.page {
            if page.send(opened.clone()).is_ok() {
                return;
            }
            inner.page = None;
        }
        // A drag is over by the time that another page listens.
        if matches!(opened, Opened::Enter | Opened::Over | Opened::Leave) {
            return;
        }
        if inner.waiting.len() == MOST_WAITING {
            inner.waiting.pop_front();
        }
        inner.waiting.push_back(opened);
    }

    /// The page that listened is gone.
    pub(crate) fn page_is_gone(&self) {
        self.0.lock().page = None;
    }

    fn listen(&self, page: Channel<Opened>) {
        let mut inner = self.0.lock();
        // One that cannot be told is gone already; the next one hears it.
        while let Some(opened) = inner.waiting.front() {
            if page.send(opened.clone()).is_err() {
                return;
            }
            inner.waiting.pop_front();
        }
        inner.page = Some(page);
    }
}

/// A drag as the page is told of it; `scale` is how many of the event's pixels make one of the page's.
pub(crate) fn of_drag(event: &DragDropEvent, scale: f64) -> Vec<Opened> {
    match event {
        DragDropEvent::Enter { .. } => vec![Opened::Enter],
        DragDropEvent::Drop {
            paths,
            position: at,
        } => {
            let (paths, others) = readable(paths);
            let mut all = vec![Opened::Drop {
                paths,
                position: Position {
                    x: at.x / scale,
                    y: at.y / scale,
                },
            }];
            if others > 0 {
                all.push(Opened::Refused {
                    message: format!(
                        "{others} of the dropped files are left out: their names are not plain text"
                    ),
                });
            }
            all
        }
        DragDropEvent::Leave => vec![Opened::Leave],
        // The whole window is the target: where a drag is on its way changes nothing.
        _ => Vec::new(),
    }
}

/// The paths that can be said to the page, and how many cannot.
fn readable(paths: &[std::path::PathBuf]) -> (Vec<String>, usize) {
    let readable: Vec<String> = paths
        .iter()
        .filter_map(|path| path.to_str().map(str::to_owned))
        .collect();
    let others = paths.len() - readable.len();
    (readable, others)
}

/// From now on the page hears what comes, and first what waited.
#[tauri::command]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a command's state is handed over"
)]
pub(crate) fn opened(arrivals: State<'_, Arrivals>, channel: Channel<Opened>) {
    arrivals.listen(channel);
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use serde_json::{Value, json};
    use tauri::ipc::InvokeResponseBody;

    use super::*;

    fn page(heard: &Arc<Mutex<Vec<Value>>>) -> Channel<Opened> {
        let heard = Arc::clone(heard);
        Channel::new(move |body| {
            let InvokeResponseBody::Json(text) = body else {
                panic!("messages are JSON");
            };
            heard.lock().push(serde_json::from_str(&text)?);
            Ok(())
        })
    }

    fn go(path: &str) -> Opened {
        Opened::Go {
            path: path.to_owned(),
        }
    }

    #[test]
    fn what_came_early_waits_for_the_page_and_comes_first() {
        let arrivals = Arrivals::default();
        let heard = Arc::default();
        arrivals.put(go("/a"));
        arrivals.put(Opened::Leave);
        arrivals.listen(page(&heard));
        arrivals.put(go("/b"));
        arrivals.page_is_gone();
        arrivals.put(go("/c"));
        assert_eq!(
            *heard.lock(),
            [
                json!({"kind": "go", "path": "/a"}),
                json!({"kind": "go", "path": "/b"})
            ],
            "a drag that is over is not told"
        );
        arrivals.listen(page(&heard));
        assert_eq!(heard.lock()[2..], [json!({"kind": "go", "path": "/c"})]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let arrivals = Arrivals::default();
        for number in 0..MOST_WAITING + 3 {
            arrivals.put(go(&format!("/{number}")));
        }
        let heard = Arc::default();
        arrivals.listen(page(&heard));
        assert_eq!(heard.lock().len(), MOST_WAITING);
        assert_eq!(heard.lock()[0]["path"], "/3", "the oldest gave way");
    }

    #[test]
    fn drags_are_told_in_the_pages_pixels() {
        let position = tauri::PhysicalPosition::new(300.0, 80.0);
        let paths = vec![PathBuf::from("/a b")];
        let told = of_drag(&DragDropEvent::Drop { paths, position }, 2.0);
        assert_eq!(
            serde_json::to_value(told).unwrap(),
            json!([{"kind": "drop", "paths": ["/a b"], "position": {"x": 150.0, "y": 40.0}}])
        );
        assert_eq!(of_drag(&DragDropEvent::Leave, 1.0), [Opened::Leave]);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_told() {
        use std::os::unix::ffi::OsStringExt;
        let paths = vec![PathBuf::from(std::ffi::OsString::from_vec(vec![
            b'/', 0xff,
        ]))];
        let position = tauri::PhysicalPosition::new(0.0, 0.0);
        let told = of_drag(&DragDropEvent::Drop { paths, position }, 1.0);
        assert!(
            matches!(&told[..], [Opened::Drop { paths, .. }, Opened::Refused { .. }] if paths.is_empty()),
            "{told:?}"
        );
    }
}
