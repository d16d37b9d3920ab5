//! Who comes in: this machine's owner with a token, pages of ours, containers of ours with their credential. Nobody else.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use nasiko_contract::{Method, OPERATIONS};
use nasiko_tests::{Api, Resident, api::ask, folder, program, skip};

/// Says exactly these lines to an address, and gives the head of the answer's first line and all of its text.
fn say(address: SocketAddr, lines: &[&str]) -> (u16, String) {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let request = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (
        status.unwrap_or_else(|| panic!("no HTTP: {answer}")),
        answer,
    )
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().unwrap()
}

#[test]
fn nobody_without_a_token() {
    let resident = Resident::start();
    let api = Api::of(&resident);
    let at = address(&api.base);
    let host = format!("Host: {at}");
    let mut looked = 0;
    for operation in OPERATIONS {
        let method = match operation.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        let path = operation.path.replace(['{', '}'], "");
        let line = format!("{method} /api/v1{path} HTTP/1.1");
        let (status, answer) = say(at, &[&line, &host]);
        assert_eq!(status, 401, "{line}: {answer}");
        assert!(answer.contains("auth.unauthenticated"), "{line}: {answer}");
        for wrong in [
            "Bearer wrong",
            "Basic d3Jvbmc6d3Jvbmc=",
            "Bearer ",
            &api.token,
        ] {
            let (status, answer) = say(at, &[&line, &host, &format!("Authorization: {wrong}")]);
            assert_eq!(status, 401, "{line} with `{wrong}`: {answer}");
        }
        looked += 1;
    }
    assert!(looked > 40, "{looked} operations");
    let right = format!("Authorization: Bearer {}", api.token);
    assert_eq!(
        say(at, &["GET /api/v1/status HTTP/1.1", &host, &right]).0,
        200
    );
    let (status, answer) = say(at, &["GET /api/v1/nothing HTTP/1.1", &host]);
    assert!(matches!(status, 401 | 404), "{answer}");
}

#[test]
fn no_foreign_page_and_no_rebound_name() {
    let resident = Resident::with_greeter();
    let api = Api::of(&resident);
    let status = resident.json(&["status"]);
    let token = format!("Authorization: Bearer {}", api.token);
    let api_address = address(&api.base);
    let at = api_address;
    let gateway = address(status["gateway"].as_str().unwrap());
    let admin = address(status["admin"].as_str().unwrap());
    let places = [
        (at, "/api/v1/status"),
        (at, "/api/v1/events"),
        (at, "/"),
        (at, "/docs"),
        (at, "/agents/greeter"),
        (at, "/enter?code=x"),
        (gateway, "/greeter/.well-known/agent-card.json"),
        (gateway, "/agents/greeter/.well-known/agent-card.json"),
        (gateway, "/nobody/"),
        (admin, "/services"),
    ];
    for (at, path) in places {
        let line = format!("GET {path} HTTP/1.1");
        let own = format!("Host: {at}");
        for foreign in [
            "Host: evil.example".to_owned(),
            format!("Host: evil.example:{}", at.port()),
            format!("Host: 127.0.0.1.evil.example:{}", at.port()),
            format!("Host: 192.168.0.1:{}", at.port()),
        ] {
            let (status, answer) = say(at, &[&line, &foreign, &token]);
            assert_eq!(status, 403, "{line} with {foreign}: {answer}");
        }
        let mut foreign = vec![
            "http://evil.example",
            "null",
            "http://127.0.0.1.evil.example",
        ];
        // A page of another program of this machine may talk to agents, not to us.
        foreign.extend((at == api_address).then_some("http://127.0.0.1:1"));
        for origin in foreign {
            let (status, answer) = say(at, &[&line, &own, &token, &format!("Origin: {origin}")]);
            assert_eq!(status, 403, "{line} from {origin}: {answer}");
        }
    }
    // The same places are open to those who belong here.
    for (at, path, expected) in [
        (at, "/api/v1/status", 200),
        (at, "/docs", 200),
        (gateway, "/greeter/.well-known/agent-card.json", 200),
        (admin, "/services", 200),
    ] {
        for name in ["127.0.0.1", "localhost"] {
            let host = format!("Host: {name}:{}", at.port());
            let line = format!("GET {path} HTTP/1.1");
            let (status, answer) = say(at, &[&line, &host, &token]);
            assert_eq!(status, expected, "{line} with {host}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_browser_link_is_good_once() {
    let resident = Resident::start();
    let link = resident.json(&["open", "--print"])["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let at = address(&Api::of(&resident).base);
    let host = format!("Host: {at}");
    let line = format!(
        "GET {} HTTP/1.1",
        link.trim_start_matches(&format!("http://{at}"))
    );
    assert!(line.contains("/enter?code="), "{link}");
    let (status, answer) = say(at, &[&line, &host]);
    assert_eq!(status, 303, "{answer}");
    let cookie = answer
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .starts_with("set-cookie:")
                .then(|| line["set-cookie:".len()..].trim())
        })
        .expect("it gives a session");
    for word in ["HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let (status, answer) = say(at, &[&line, &host]);
    assert_eq!(status, 403, "a second time it is no way in: {answer}");
    assert!(
        !answer.to_ascii_lowercase().contains("set-cookie"),
        "{answer}"
    );
    assert_eq!(say(at, &["GET /enter?code= HTTP/1.1", &host]).0, 403);

    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    assert_eq!(
        say(at, &["GET /api/v1/status HTTP/1.1", &host, &cookie]).0,
        200,
        "the session is let in"
    );
    let page = format!("Origin: http://{at}");
    assert_eq!(
        say(at, &["GET /api/v1/status HTTP/1.1", &host, &cookie, &page]).0,
        200
    );
    let foreign = "Origin: http://evil.example";
    assert_eq!(
        say(
            at,
            &["GET /api/v1/status HTTP/1.1", &host, &cookie, foreign]
        )
        .0,
        403,
        "not from a foreign page"
    );
    let other = "Origin: http://127.0.0.1:1";
    assert_eq!(
        say(at, &["GET /api/v1/status HTTP/1.1", &host, &cookie, other]).0,
        403,
        "nor from another port"
    );
    let (_, token) = resident.endpoint();
    let (_, answer) = say(at, &["GET / HTTP/1.1", &host, &cookie]);
    assert!(!answer.contains(&token), "no token in a page");
}

/// Sockets on which a process listens: those of `/proc/net/tcp*` whose inode it holds.
fn listening(pid: u32) -> BTreeSet<SocketAddr> {
    let inodes: BTreeSet<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| {
            Some(
                link.to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect();
    ["tcp", "tcp6"]
        .iter()
        .flat_map(|table| {
            let table =
                std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
            table.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields.get(3) == Some(&"0A") && inodes.contains(*fields.get(9)?);
            listens.then(|| socket(fields[1]))
        })
        .collect()
}

/// `0100007F:1F90` is 127.0.0.1:8080: each word of an address is written as the machine holds it.
fn socket(text: &str) -> SocketAddr {
    let (address, port) = text.split_once(':').unwrap();
    let words: Vec<[u8; 4]> = address
        .as_bytes()
        .chunks(8)
        .map(|word| {
            u32::from_str_radix(std::str::from_utf8(word).unwrap(), 16)
                .unwrap()
                .to_ne_bytes()
        })
        .collect();
    let ip = match words.as_slice() {
        [word] => IpAddr::V4(Ipv4Addr::from(*word)),
        words => IpAddr::V6(Ipv6Addr::from(
            <[u8; 16]>::try_from(words.concat()).unwrap(),
        )),
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).unwrap())
}

#[test]
fn it_listens_on_loopback_alone() {
    let resident = Resident::with_greeter();
    let sockets = listening(resident.pid());
    assert_eq!(
        sockets.len(),
        5,
        "API, gateway, admin, OTLP twice: {sockets:?}"
    );
    for socket in &sockets {
        assert!(socket.ip().is_loopback(), "{socket} in {sockets:?}");
    }
    for pid in resident.agent_processes() {
        for socket in listening(pid) {
            assert!(
                socket.ip().is_loopback(),
                "an example agent listens on {socket}"
            );
        }
    }
}

#[tokio::test]
async fn containers_come_in_with_their_credential_alone_in_docker() {
    let Some(engine) =
        skip::engine_or_skip("loopback::containers_come_in_with_their_credential_alone_in_docker")
    else {
        return;
    };
    let resident = Resident::with_engine(&engine);
    let before = listening(resident.pid());
    let source = folder(&[
        ("main.py", &program::saying("inside", "")),
        ("Dockerfile", &program::dockerfile("")),
    ]);
    let path = source.path().to_str().unwrap();
    resident.json(&["deploy", path, "--name", "inside", "--runtime", "docker"]);
    let after = listening(resident.pid());
    let added: Vec<_> = after.difference(&before).copied().collect();
    let [network] = added[..] else {
        panic!("one more socket, not {added:?}");
    };
    let format = "{{(index .IPAM.Config 0).Gateway}}";
    let gateway = resident.docker(&["network", "inspect", resident.network(), "--format", format]);
    assert_eq!(
        network.ip().to_string(),
        gateway.trim(),
        "only the network's own gateway address"
    );

    let container = resident.containers().remove(0);
    let published = resident.docker(&["port", &container]);
    assert!(
        published.lines().all(|line| line.contains("127.0.0.1:")),
        "{published}"
    );

    let environment = resident.docker(&[
        "inspect",
        &container,
        "--format",
        "{{range .Config.Env}}{{println .}}{{end}}",
    ]);
    let given = environment
        .lines()
        .find_map(|line| line.strip_prefix("NASIKO_GATEWAY_URL="))
        .expect("it is told where the gateway is");
    let via = given
        .strip_prefix(&format!("http://{network}"))
        .expect("there");
    let host = format!("Host: {network}");
    let otlp = environment
        .lines()
        .find_map(|line| line.strip_prefix("OTEL_EXPORTER_OTLP_ENDPOINT="))
        .and_then(|address| address.strip_prefix(&format!("http://{network}")))
        .expect("spans go there, too");

    assert_eq!(
        say(network, &[&format!("GET {via}/inside/ HTTP/1.1"), &host]).0,
        200,
        "its credential lets it in"
    );
    let json = "Content-Type: application/json";
    let spans = format!("POST {otlp}/v1/traces HTTP/1.1");
    let (status, answer) = say(network, &[&spans, &host, json, "Content-Length: 0"]);
    assert!(
        status == 200 || status == 400,
        "a credential lets spans in: {answer}"
    );
    for line in [
        "GET /inside/ HTTP/1.1",
        "GET /via/wrong/inside/ HTTP/1.1",
        "GET /via//inside/ HTTP/1.1",
        "GET /agents/inside/ HTTP/1.1",
        "POST /otlp/v1/traces HTTP/1.1",
        "POST /via/wrong/otlp/v1/traces HTTP/1.1",
        "POST /v1/traces HTTP/1.1",
        "GET /routes HTTP/1.1",
        "GET /api/v1/status HTTP/1.1",
    ] {
        let (status, answer) = say(network, &[line, &host, "Content-Length: 0"]);
        assert_eq!(status, 401, "{line}: {answer}");
    }
    // The API is not behind it, whatever is sent along.
    let token = format!("Authorization: Bearer {}", resident.endpoint().1);
    let (status, answer) = say(network, &["GET /api/v1/status HTTP/1.1", &host, &token]);
    assert_eq!(status, 401, "{answer}");

    // Gone with the agent.
    resident.run(&["rm", "inside", "--yes"]).ok();
    let (status, answer) = say(network, &[&format!("GET {via}/inside/ HTTP/1.1"), &host]);
    assert_eq!(status, 401, "a credential ends with its agent: {answer}");

    // A process needs none: it is on this machine.
    resident.json(&["deploy", path, "--name", "outside", "--runtime", "process"]);
    let gateway = resident.json(&["status"])["gateway"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        ask(&format!("{gateway}/outside/"))
            .await
            .starts_with("inside ")
    );
}
