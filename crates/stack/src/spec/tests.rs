use std::fmt::Write as _;

use super::*;
use crate::compose::{self, Request};

fn body(service: &str) -> (ContainerSpec, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("compose.yml");
    let text = format!(
        "services:\n  web: {{image: a, {service}}}\n  db: {{image: b}}\nvolumes: {{v: {{}}}}\n\
         networks: {{one: {{}}, two: {{name: own}}}}\nsecrets: {{s: {{content: x}}}}\n"
    );
    fs_err::write(&file, &text).unwrap();
    let request = Request {
        files: vec![file],
        directory: Some("/p".into()),
        name: Some("demo".to_owned()),
        ..Request::default()
    };
    let project = compose::load(&request).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let key = HashKey::new([0; 32]);
    let spec = container(
        &project,
        &project.services["web"],
        &Contents::default(),
        &key,
    );
    let value = json!(spec.body);
    (spec, value)
}

/// Each row: a key of a service, where in the engine's request it arrives, and as what.
#[test]
fn every_key_of_a_service_arrives_where_the_engine_looks_for_it() {
    let rows = [
        ("command: [x, y]", "/Cmd", json!(["x", "y"])),
        ("entrypoint: x y", "/Entrypoint", json!(["x", "y"])),
        ("environment: {A: 1, B: 2}", "/Env", json!(["A=1", "B=2"])),
        ("hostname: h", "/Hostname", json!("h")),
        ("domainname: d", "/Domainname", json!("d")),
        ("user: '1:2'", "/User", json!("1:2")),
        ("working_dir: /w", "/WorkingDir", json!("/w")),
        ("tty: true", "/Tty", json!(true)),
        ("stdin_open: true", "/OpenStdin", json!(true)),
        ("stop_signal: SIGINT", "/StopSignal", json!("SIGINT")),
        ("stop_grace_period: 1500ms", "/StopTimeout", json!(2)),
        ("labels: {a: b}", "/Labels/a", json!("b")),
        (
            "healthcheck: {disable: true}",
            "/Healthcheck/Test",
            json!(["NONE"]),
        ),
        (
            "healthcheck: {test: x, interval: 1s, timeout: 2ms, retries: 3, start_period: 4us}",
            "/Healthcheck",
            json!({"Test": ["CMD-SHELL", "x"], "Interval": 1_000_000_000, "Timeout": 2_000_000, "Retries": 3, "StartPeriod": 4000}),
        ),
        (
            "ports: ['127.0.0.1:8080:80', '81/udp', '1-2:82']",
            "/HostConfig/PortBindings",
            json!({
                "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
                "81/udp": [{"HostPort": ""}],
                "82/tcp": [{"HostPort": "1-2"}],
            }),
        ),
        (
            "volumes: ['./d:/d:ro,z', '/x:/x']",
            "/HostConfig/Binds",
            json!(["/p/d:/d:ro,z", "/x:/x:rw"]),
        ),
        (
            "volumes: ['v:/v:nocopy', /anonymous]",
            "/HostConfig/Mounts",
            json!([
                {"Target": "/v", "Source": "demo_v", "Type": "volume", "VolumeOptions": {"NoCopy": true}},
                {"Target": "/anonymous", "Type": "volume"},
            ]),
        ),
        (
            "volumes: [{type: bind, source: /s, target: /t, read_only: true, bind: {create_host_path: false, propagation: rshared}}]",
            "/HostConfig/Mounts",
            json!([{"Target": "/t", "Source": "/s", "Type": "bind", "ReadOnly": true, "BindOptions": {"Propagation": "rshared"}}]),
        ),
        (
            "volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1k, mode: 0700}}]",
            "/HostConfig/Mounts/0/TmpfsOptions",
            json!({"SizeBytes": 1024, "Mode": 0o700}),
        ),
        (
            "tmpfs: '/t:size=1m'",
            "/HostConfig/Tmpfs",
            json!({"/t": "size=1m"}),
        ),
        (
            "read_only: true, secrets: [s]",
            "/HostConfig/Mounts",
            json!([{"Target": "/run/secrets", "Type": "volume"}]),
        ),
        ("read_only: true", "/HostConfig/ReadonlyRootfs", json!(true)),
        (
            "restart: 'on-failure:3'",
            "/HostConfig/RestartPolicy",
            json!({"Name": "on-failure", "MaximumRetryCount": 3}),
        ),
        ("cpus: 1.5", "/HostConfig/NanoCpus", json!(1_500_000_000)),
        ("cpu_shares: 2", "/HostConfig/CpuShares", json!(2)),
        ("cpuset: '0'", "/HostConfig/CpusetCpus", json!("0")),
        ("mem_limit: 1k", "/HostConfig/Memory", json!(1024)),
        (
            "mem_reservation: 1k",
            "/HostConfig/MemoryReservation",
            json!(1024),
        ),
        ("memswap_limit: -1", "/HostConfig/MemorySwap", json!(-1)),
        ("pids_limit: 5", "/HostConfig/PidsLimit", json!(5)),
        ("oom_score_adj: 5", "/HostConfig/OomScoreAdj", json!(5)),
        (
            "logging: {driver: d, options: {a: 1}}",
            "/HostConfig/LogConfig",
            json!({"Type": "d", "Config": {"a": "1"}}),
        ),
        ("pid: host", "/HostConfig/PidMode", json!("host")),
        (
            "ipc: 'service:db'",
            "/HostConfig/IpcMode",
            json!("service:db"),
        ),
        (
            "network_mode: 'service:db'",
            "/HostConfig/NetworkMode",
            json!("service:db"),
        ),
        (
            "network_mode: none",
            "/HostConfig/NetworkMode",
            json!("none"),
        ),
        ("init: false", "/HostConfig/Init", json!(false)),
        ("privileged: true", "/HostConfig/Privileged", json!(true)),
        ("cap_add: [A]", "/HostConfig/CapAdd", json!(["A"])),
        ("cap_drop: [A]", "/HostConfig/CapDrop", json!(["A"])),
        ("security_opt: [A]", "/HostConfig/SecurityOpt", json!(["A"])),
        ("group_add: [1]", "/HostConfig/GroupAdd", json!(["1"])),
        (
            "devices: ['/dev/a', '/dev/a:/dev/b:r']",
            "/HostConfig/Devices",
            json!([
                {"PathOnHost": "/dev/a", "PathInContainer": "/dev/a", "CgroupPermissions": "rwm"},
                {"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"},
            ]),
        ),
        ("sysctls: {a: 1}", "/HostConfig/Sysctls", json!({"a": "1"})),
        (
            "annotations: {a: b}",
            "/HostConfig/Annotations",
            json!({"a": "b"}),
        ),
        (
            "ulimits: {n: 1}",
            "/HostConfig/Ulimits",
            json!([{"Name": "n", "Soft": 1, "Hard": 1}]),
        ),
        (
            "extra_hosts: ['a:1.1.1.1']",
            "/HostConfig/ExtraHosts",
            json!(["a:1.1.1.1"]),
        ),
        ("dns: 1.1.1.1", "/HostConfig/Dns", json!(["1.1.1.1"])),
        ("dns_search: a", "/HostConfig/DnsSearch", json!(["a"])),
        ("dns_opt: [a]", "/HostConfig/DnsOptions", json!(["a"])),
        ("shm_size: 1k", "/HostConfig/ShmSize", json!(1024)),
        (
            "labels: {}",
            "/HostConfig/NetworkMode",
            json!("demo_default"),
        ),
        (
            "networks: {one: , two: {priority: 5}}",
            "/HostConfig/NetworkMode",
            json!("own"),
        ),
        (
            "networks: {one: {aliases: [x], ipv4_address: 10.0.0.2, mac_address: '02:00:00:00:00:01'}}",
            "/NetworkingConfig/EndpointsConfig/demo_one",
            json!({"Aliases": ["web", "x"], "IPAMConfig": {"IPv4Address": "10.0.0.2"}, "MacAddress": "02:00:00:00:00:01"}),
        ),
    ];
    let mut wrong = String::new();
    for (text, pointer, expected) in rows {
        let (_, body) = body(text);
        let found = body.pointer(pointer);
        if found != Some(&expected) {
            writeln!(
                wrong,
                "{text}: {pointer} is {found:?} in place of {expected}"
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn ports_that_are_published_or_announced_are_exposed() {
    let (spec, _) = body("ports: ['80'], expose: ['1-3/udp', '80']");
    let exposed = spec.body.exposed_ports.unwrap();
    assert_eq!(exposed, ["1/udp", "2/udp", "3/udp", "80/tcp"]);
}

#[test]
fn networks_after_the_first_are_joined_later() {
    let (spec, body) = body("networks: [one, two]");
    let first = body.pointer("/NetworkingConfig/EndpointsConfig/demo_one");
    assert!(first.is_some());
    assert_eq!(spec.further_networks[0].0, "own");
}

#[test]
fn other_tools_know_the_container_by_its_labels() {
    let (spec, _) = body("depends_on: {db: {condition: service_healthy}}");
    let labels = spec.body.labels.unwrap();
    for (name, value) in [
        ("com.docker.compose.project", "demo"),
        ("com.docker.compose.service", "web"),
        ("com.docker.compose.container-number", "1"),
        ("com.docker.compose.oneoff", "False"),
        ("com.docker.compose.project.working_dir", "/p"),
        ("com.docker.compose.depends_on", "db:service_healthy:false"),
        ("com.docker.compose.config-hash", &spec.hash),
        ("nasiko.stack.config-hash", &spec.hash),
    ] {
        assert_eq!(labels.get(name).map(String::as_str), Some(value), "{name}");
    }
}
