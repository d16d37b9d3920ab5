//! Reads Linux's table of sockets: this machine's, or one that was printed within a container. Pure.

use std::collections::BTreeSet;

/// The listening ports in the text of `/proc/net/tcp` and its like, ascending.
pub(crate) fn ports_of_table(table: &str) -> Vec<u16> {
    let ports: BTreeSet<u16> = table
        .lines()
        .filter_map(listener)
        .map(|(port, _)| port)
        .collect();
    ports.into_iter().collect()
}

/// Port and inode of a line, if it is of a socket that listens.
pub(crate) fn listener(line: &str) -> Option<(u16, u64)> {
    const LISTEN: &str = "0A";
    // 127.0.0.11, as the kernel writes it: the resolver that an engine puts into each of its containers.
    const ENGINES_RESOLVER: &str = "0B00007F";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (address, port) = fields.get(1)?.rsplit_once(':')?;
    if *fields.get(3)? != LISTEN || address == ENGINES_RESOLVER {
        return None;
    }
    Some((
        u16::from_str_radix(port, 16).ok()?,
        fields.get(9)?.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_sockets_are_told_from_all_others() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1 0\n\
            1: 0B00007F:8D39 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1235 1 0\n\
            2: 0100007F:1F41 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 1236 1 0\n\
            3: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 1237 1 0\n";
        assert_eq!(ports_of_table(table), [3000, 8000]);
    }
}
