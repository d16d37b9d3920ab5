use std::{net::TcpListener, path::Path, process::Command};

use nasiko_contract::CheckState;
use tempfile::TempDir;

use super::fixtures::{around, assert_state, check, look, shows, with};
use crate::doctor::ExpectedPort;

#[test]
fn a_proxy_without_an_exception_for_this_machine_is_told_without_its_password() {
    let home = TempDir::new().unwrap();
    let proxied = || {
        with(
            around(home.path()),
            "HTTPS_PROXY",
            "http://me:s3cret@proxy:3128",
        )
    };
    assert_state(&look(&around(home.path()), "network.proxy"), CheckState::Ok);
    let found = look(&proxied(), "network.proxy");
    assert_state(&found, CheckState::Warning);
    assert!(shows(&found, "proxy:3128"), "{found:#?}");
    assert!(!format!("{found:?}").contains("s3cret"), "{found:#?}");

    let half = look(
        &with(proxied(), "no_proxy", "example.org, localhost"),
        "network.proxy",
    );
    assert_state(&half, CheckState::Warning);
    let command = "export NO_PROXY=example.org,localhost,127.0.0.1";
    assert_eq!(half.command.as_deref(), Some(command));
    for enough in ["localhost,127.0.0.1", "*"] {
        let found = look(&with(proxied(), "NO_PROXY", enough), "network.proxy");
        assert_state(&found, CheckState::Ok);
    }
}

#[tokio::test]
async fn localhost_is_this_machine() {
    let home = TempDir::new().unwrap();
    let found = check(around(home.path()), "network.localhost").await;
    assert_state(&found, CheckState::Ok);
}

#[cfg(target_os = "linux")]
#[test]
fn name_servers_are_looked_for_where_the_system_has_them() {
    let under = |resolv: Option<&str>, behind: Option<&str>| {
        let root = TempDir::new().unwrap();
        for (path, text) in [("etc", resolv), ("run/systemd/resolve", behind)] {
            let folder = root.path().join(path);
            fs_err::create_dir_all(&folder).unwrap();
            if let Some(text) = text {
                fs_err::write(folder.join("resolv.conf"), text).unwrap();
            }
        }
        let mut surroundings = around(Path::new("/"));
        root.path().clone_into(&mut surroundings.root);
        let state = |check| look(&surroundings, check).state;
        (state("network.resolver"), state("network.container-names"))
    };
    let (ok, warning) = (CheckState::Ok, CheckState::Warning);
    let stub = Some("# a stub\nnameserver 127.0.0.53\nsearch example.org\n");
    assert_eq!(under(Some("nameserver 10.0.0.1\n"), None), (ok, ok));
    assert_eq!(under(None, None), (warning, ok));
    assert_eq!(under(Some("search example.org\n"), None), (warning, ok));
    assert_eq!(under(stub, Some("nameserver 10.0.0.1\n")), (ok, ok));
    assert_eq!(under(stub, None), (ok, warning));
}

#[test]
fn a_port_that_is_taken_is_told_with_who_holds_it() {
    let home = TempDir::new().unwrap();
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = held.local_addr().unwrap().port();
    let mut surroundings = around(home.path());
    surroundings.ports = vec![ExpectedPort {
        purpose: "the gateway".to_owned(),
        number,
        explicit: false,
    }];
    let found = look(&surroundings, "network.ports");
    assert_state(&found, CheckState::Warning);
    assert!(
        shows(&found, &format!("port {number} for the gateway")),
        "{found:#?}"
    );
    if cfg!(target_os = "linux") {
        assert!(shows(&found, &std::process::id().to_string()), "{found:#?}");
    }
    surroundings.ports[0].explicit = true;
    assert_state(&look(&surroundings, "network.ports"), CheckState::Failed);
    drop(held);
    assert_state(&look(&surroundings, "network.ports"), CheckState::Ok);
}

/// A certificate of its own making that ends at a day.
fn certificate(folder: &Path, name: &str, days: &str) -> String {
    let file = folder.join(name).display().to_string();
    let mut command = Command::new("openssl");
    command.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    command.args([
        "-nodes",
        "-keyout",
        "/dev/null",
        "-subj",
        "/CN=test",
        "-out",
        &file,
    ]);
    command.args(["-not_before", "20200101000000Z", "-not_after", days]);
    let made = command.output().unwrap();
    if made.status.success() {
        return file;
    }
    // Before OpenSSL 3.4 the certificate is signed in a step of its own.
    let key = folder.join("key.pem");
    let request = folder.join("request.pem");
    let run = |words: &[&str]| {
        let ran = Command::new("openssl")
            .args(words)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    };
    let (key, request) = (key.to_str().unwrap(), request.to_str().unwrap());
    run(&[
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        key,
        "-subj",
        "/CN=test",
        "-out",
        request,
    ]);
    fs_err::write(folder.join("index.txt"), "").unwrap();
    fs_err::write(folder.join("serial"), "01").unwrap();
    let configuration = "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n";
    fs_err::write(folder.join("ca.conf"), configuration).unwrap();
    run(&[
        "ca",
        "-batch",
        "-selfsign",
        "-config",
        "ca.conf",
        "-in",
        request,
        "-keyfile",
        key,
        "-out",
        &file,
        "-startdate",
        "20200101000000Z",
        "-enddate",
        days,
    ]);
    file
}

#[test]
fn certificates_that_are_named_must_be_there_and_not_expired() {
    let home = TempDir::new().unwrap();
    let naming = |file: &str| {
        look(
            &with(around(home.path()), "REQUESTS_CA_BUNDLE", file),
            "network.certificates",
        )
    };
    let missing = naming("/nowhere/bundle.pem");
    assert_state(&missing, CheckState::Failed);
    assert!(
        shows(&missing, "REQUESTS_CA_BUNDLE=/nowhere/bundle.pem"),
        "{missing:#?}"
    );

    let empty = home.path().join("empty.pem");
    fs_err::write(&empty, "no certificate").unwrap();
    let empty = naming(empty.to_str().unwrap());
    assert!(shows(&empty, "no certificate is in it"), "{empty:#?}");

    let expired = naming(&certificate(home.path(), "expired.pem", "20200201000000Z"));
    assert_state(&expired, CheckState::Failed);
    assert!(shows(&expired, "2020-02-01T00:00:00Z"), "{expired:#?}");

    let valid = naming(&certificate(home.path(), "valid.pem", "20491231235959Z"));
    assert_state(&valid, CheckState::Ok);
}

#[cfg(target_os = "linux")]
#[test]
fn a_system_without_certificates_is_told() {
    let root = TempDir::new().unwrap();
    let mut surroundings = around(Path::new("/"));
    root.path().clone_into(&mut surroundings.root);
    let found = look(&surroundings, "network.certificates");
    assert_state(&found, CheckState::Warning);
    let usual = root.path().join("etc/ssl/certs");
    fs_err::create_dir_all(&usual).unwrap();
    fs_err::write(usual.join("ca-certificates.crt"), "").unwrap();
    assert_state(&look(&surroundings, "network.certificates"), CheckState::Ok);
}

/// A program that says something, in a folder that is the only one programs are looked for in.
#[cfg(unix)]
fn only(programs: &[(&str, &str)]) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    for (name, script) in programs {
        let path = folder.path().join(name);
        fs_err::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[cfg(unix)]
#[tokio::test]
async fn tools_that_are_missing_too_old_or_broken_are_told() {
    let found = async |programs: &[(&str, &str)], name: &str, needed: bool| {
        let home = TempDir::new().unwrap();
        let folder = only(programs);
        let mut surroundings = around(home.path());
        surroundings.environment = vec![("PATH".into(), folder.path().into())];
        surroundings.needs.python = needed;
        surroundings.needs.node = needed;
        check(surroundings, name).await
    };
    let missing = found(&[], "tools.python", false).await;
    assert_state(&missing, CheckState::Warning);
    assert_state(&found(&[], "tools.python", true).await, CheckState::Failed);
    assert_state(&found(&[], "tools.node", true).await, CheckState::Failed);

    let old = found(&[("python3", "echo Python 3.6.9")], "tools.python", true).await;
    assert_state(&old, CheckState::Failed);
    assert!(old.cause.contains("3.6"), "{old:#?}");
    let old = found(&[("node", "echo v14.21.3")], "tools.node", false).await;
    assert_state(&old, CheckState::Warning);
    let broken = [("python3", "echo 'libpython3.so: cannot open' >&2; exit 127")];
    let broken = found(&broken, "tools.python", true).await;
    assert!(shows(&broken, "cannot open"), "{broken:#?}");

    let new = [("python3", "[ \"$1\" = --version ] && echo Python 3.12.1")];
    assert_state(&found(&new, "tools.python", true).await, CheckState::Ok);
    let without_venv = found(&new, "tools.python-packages", true).await;
    assert_state(&without_venv, CheckState::Failed);
    let lone_node = found(&[("node", "echo v20.1.0")], "tools.node", true).await;
    assert!(lone_node.cause.contains("without npm"), "{lone_node:#?}");
}
