//! Ports: the one that was wanted, or, where it is taken and nobody insists, the next free one and who holds it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    time::{Duration, Instant},
};

use nasiko_contract::{ErrorCode, Fault};
use nasiko_control::port_owner;

/// How many ports after the wanted one are tried before any free one is taken.
const NEXT_PORTS: u16 = 50;

/// How often a port is tried whose holder is about to leave: whoever calls meanwhile is refused.
const HELD_STEP: Duration = Duration::from_millis(1);

/// A port that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WantedPort {
    /// Its number; 0 for any free one.
    pub number: u16,
    /// A person asked for this one: another one would not do.
    pub explicit: bool,
}

impl WantedPort {
    /// The usual port, or another one if it is taken.
    pub const fn usual(number: u16) -> Self {
        Self {
            number,
            explicit: false,
        }
    }

    /// This port and no other; 0 for any free one.
    pub const fn exactly(number: u16) -> Self {
        Self {
            number,
            explicit: true,
        }
    }
}

/// A port that is held.
#[derive(Debug)]
pub struct BoundPort {
    /// The listener, non-blocking.
    pub listener: TcpListener,
    /// Its address.
    pub address: SocketAddr,
    /// What a person should know: the usual port was taken, by whom, and which one it is instead.
    pub notice: Option<String>,
}

/// As [`bind`]; a port that is held is waited for, until `patience` has passed.
pub async fn bind_within(
    purpose: &str,
    wanted: WantedPort,
    patience: Duration,
) -> Result<BoundPort, Fault> {
    let deadline = Instant::now() + patience;
    loop {
        match listen(wanted.number) {
            Ok((listener, address)) => {
                return Ok(BoundPort {
                    listener,
                    address,
                    notice: None,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(HELD_STEP).await;
            }
            // It is said why, or another one is found.
            Err(_) => return bind(purpose, wanted),
        }
    }
}

/// Binds `wanted` on loopback for `purpose`, e.g. `the gateway`.
pub fn bind(purpose: &str, wanted: WantedPort) -> Result<BoundPort, Fault> {
    match listen(wanted.number) {
        Ok((listener, address)) => Ok(BoundPort {
            listener,
            address,
            notice: None,
        }),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let number = wanted.number;
            let holder = port_owner(number)
                .map_or_else(|| "another program".to_owned(), |owner| owner.to_string());
            if wanted.explicit {
                return Err(Fault::new(
                    ErrorCode::PortTaken,
                    format!("Port {number} for {purpose} is held by {holder}"),
                )
                .hint("End that program, or give another port (0 for any free one)"));
            }
            let (listener, address) = next_free(number).map_err(|error| unfit(purpose, &error))?;
            let notice = format!(
                "Port {number} for {purpose} is held by {holder}; it listens on {} instead",
                address.port()
            );
            Ok(BoundPort {
                listener,
                address,
                notice: Some(notice),
            })
        }
        Err(error) => Err(unfit(purpose, &error)),
    }
}

fn next_free(taken: u16) -> io::Result<(TcpListener, SocketAddr)> {
    (1..=NEXT_PORTS)
        .filter_map(|step| taken.checked_add(step))
        .find_map(|number| listen(number).ok())
        .map_or_else(|| listen(0), Ok)
}

fn listen(number: u16) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn unfit(purpose: &str, error: &io::Error) -> Fault {
    Fault::new(
        ErrorCode::StartFailed,
        format!("No port can be opened for {purpose}"),
    )
    .evidence([error.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_port_that_is_taken_is_replaced_and_its_owner_named() {
        let held = bind("the test", WantedPort::exactly(0)).unwrap();
        let number = held.address.port();
        let other = bind("the test", WantedPort::usual(number)).unwrap();
        assert_ne!(other.address.port(), number);
        let notice = other.notice.unwrap();
        assert!(notice.contains(&format!("Port {number} for the test")));
        if cfg!(target_os = "linux") {
            let pid = std::process::id().to_string();
            assert!(notice.contains(&pid), "`{notice}` must name the owner");
        }
    }

    #[tokio::test]
    async fn a_port_whose_holder_leaves_is_waited_for() {
        let held = bind("the test", WantedPort::exactly(0)).unwrap();
        let wanted = WantedPort::usual(held.address.port());
        let patience = Duration::from_secs(60);
        let (bound, ()) = tokio::join!(bind_within("the test", wanted, patience), async {
            tokio::task::yield_now().await;
            drop(held);
        });
        let bound = bound.unwrap();
        assert_eq!(bound.address.port(), wanted.number);
        assert_eq!(bound.notice, None);
        let other = bind_within("the test", wanted, Duration::ZERO)
            .await
            .unwrap();
        assert_ne!(other.address.port(), wanted.number, "nobody is waited for");
    }

    #[test]
    fn a_port_that_was_asked_for_is_not_replaced() {
        let held = bind("the test", WantedPort::exactly(0)).unwrap();
        let fault = bind("the test", WantedPort::exactly(held.address.port())).unwrap_err();
        assert_eq!(fault.code, ErrorCode::PortTaken);
    }
}
