//! Somebody who asks an agent all the time and notices each answer that fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::api::try_ask;

/// An agent that nobody touches, and somebody who asks it all the time at one address.
pub struct Steady {
    /// Its answer.
    pub says: String,
    over: Arc<AtomicBool>,
    asker: Option<thread::JoinHandle<(u32, Vec<String>)>>,
}

impl Steady {
    /// Begins to ask; every answer has to be what it says now.
    pub fn watch(says: String, address: String) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let expected = says.clone();
        let asker = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let (mut asked, mut failures) = (0, Vec::new());
            while !until.load(Ordering::Relaxed) {
                asked += 1;
                match runtime.block_on(try_ask(&address)) {
                    Ok(text) if text == expected => {}
                    other => failures.push(format!("{other:?}")),
                }
                thread::park_timeout(Duration::from_millis(5));
            }
            (asked, failures)
        });
        Self {
            says,
            over,
            asker: Some(asker),
        }
    }

    /// It answered whenever it was asked.
    pub fn check(mut self) {
        self.over.store(true, Ordering::Relaxed);
        let asker = self.asker.take().expect("it is asked");
        let (asked, failures) = asker.join().expect("the asker ends");
        assert!(asked > 50, "it was asked only {asked} times");
        assert!(
            failures.is_empty(),
            "{} of {asked}: {failures:?}",
            failures.len()
        );
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}
