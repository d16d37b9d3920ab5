//! Updates without a gap: the route is switched only when the new instance answers, and a failed update leaves the old
//! one serving.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use nasiko_tests::{Resident, error_of_deploy, eventually, folder};

/// Says its version, slowly started, with a stream of ten pieces at `/stream`.
fn program(version: u32) -> String {
    format!(
        "import http.server, os, time\n\
         class H(http.server.BaseHTTPRequestHandler):\n    \
             protocol_version = 'HTTP/1.1'\n    \
             def log_message(self, *a): pass\n    \
             def do_GET(self):\n        \
                 self.send_response(200)\n        \
                 if self.path == '/stream':\n            \
                     self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()\n            \
                     for i in range(10):\n                \
                         piece = b'v{version} '\n                \
                         self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(piece), piece)); self.wfile.flush(); time.sleep(0.05)\n            \
                     self.wfile.write(b'0\\r\\n\\r\\n')\n        \
                 else:\n            \
                     body = b'v{version}'\n            \
                     self.send_header('Content-Length', str(len(body))); self.end_headers(); self.wfile.write(body)\n\
         time.sleep(0.3)\n\
         http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n"
    )
}

fn write(folder: &Path, content: &str) {
    std::fs::write(folder.join("main.py"), content).unwrap();
}

fn ask(gateway: &str, path: &str) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .map_err(|error| error.to_string())?;
        let response = client
            .get(format!("{gateway}{path}"))
            .send()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .map_err(|error| format!("cut off: {error:?}"))?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(format!("{status}: {text}"))
        }
    })
}

#[test]
fn no_request_fails_while_versions_change() {
    let resident = Resident::start();
    let agent = folder(&[("main.py", &program(0))]);
    let path = agent.path().to_str().unwrap();
    resident.run(&["deploy", path, "--name", "changing"]).ok();
    let gateway = format!(
        "{}/changing",
        resident.json(&["status"])["gateway"].as_str().unwrap()
    );

    let over = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicU32::new(0));
    let askers: Vec<_> = ["/", "/", "/stream", "/stream"]
        .into_iter()
        .map(|path| {
            let (over, asked, gateway) = (Arc::clone(&over), Arc::clone(&asked), gateway.clone());
            thread::spawn(move || {
                let mut failures = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    asked.fetch_add(1, Ordering::Relaxed);
                    match ask(&gateway, path) {
                        Ok(text) if path == "/stream" && text.split_whitespace().count() != 10 => {
                            failures.push(text);
                        }
                        Ok(_) => {}
                        Err(error) => failures.push(error),
                    }
                }
                failures
            })
        })
        .collect();
    for version in 1..=5 {
        write(agent.path(), &program(version));
        let deployed = resident.json(&["deploy", path, "--name", "changing"]);
        assert_eq!(deployed["unchanged"], false, "{deployed:#}");
        assert_eq!(
            ask(&gateway, "/"),
            Ok(format!("v{version}")),
            "the new version answers once the deploy is done"
        );
    }
    over.store(true, Ordering::Relaxed);
    let failures: Vec<String> = askers
        .into_iter()
        .flat_map(|asker| asker.join().unwrap())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} failed: {failures:?}",
        failures.len(),
        asked.load(Ordering::Relaxed)
    );
    eventually("the old instances end", || {
        let processes = resident.agent_processes();
        if processes.len() == 1 {
            Ok(())
        } else {
            Err(format!("{processes:?}"))
        }
    });
}

#[test]
fn a_failed_update_leaves_the_old_version_serving() {
    let resident = Resident::start();
    let agent = folder(&[("main.py", &program(1))]);
    let path = agent.path().to_str().unwrap();
    resident.run(&["deploy", path, "--name", "steady"]).ok();
    let gateway = format!(
        "{}/steady",
        resident.json(&["status"])["gateway"].as_str().unwrap()
    );

    for broken in [
        "import not_there\n",
        "def broken(:\n",
        "raise SystemExit(1)\n",
    ] {
        write(agent.path(), broken);
        error_of_deploy(&resident, path, "steady");
        assert_eq!(ask(&gateway, "/"), Ok("v1".to_owned()), "after {broken:?}");
        let row = &resident.json(&["ps"])[0];
        assert_eq!(
            row["state"], "active",
            "the last good version answers: {row:#}"
        );
    }
    write(agent.path(), &program(2));
    resident.run(&["deploy", path, "--name", "steady"]).ok();
    assert_eq!(
        ask(&gateway, "/"),
        Ok("v2".to_owned()),
        "the next good one takes over"
    );
}

#[test]
fn a_crashed_agent_is_started_again_and_says_why() {
    let resident = Resident::start();
    let agent = folder(&[("main.py", &program(1))]);
    resident
        .run(&[
            "deploy",
            agent.path().to_str().unwrap(),
            "--name",
            "crashing",
        ])
        .ok();
    let gateway = format!(
        "{}/crashing",
        resident.json(&["status"])["gateway"].as_str().unwrap()
    );
    let before = resident.agent_processes();
    for pid in &before {
        assert!(
            std::process::Command::new("kill")
                .args(["-9", &pid.to_string()])
                .status()
                .unwrap()
                .success()
        );
    }
    eventually("it is started again", || {
        let row = resident.json(&["ps"])[0].clone();
        let answers = ask(&gateway, "/");
        let restarted =
            row["restarts"].as_u64() >= Some(1) && row["state"] == "active" && answers.is_ok();
        if restarted {
            Ok(())
        } else {
            Err(format!("{row:#} {answers:?}"))
        }
    });
    assert!(
        resident
            .agent_processes()
            .iter()
            .all(|pid| !before.contains(pid))
    );
}
