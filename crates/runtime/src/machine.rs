//! Which machine this is, so that control planes that share a store know whether they share its loopback too.

/// This machine as other control planes need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its name, for people; empty where the system does not say.
    pub host: String,
    /// Equal for two processes if an address on loopback means the same to both.
    pub loopback: String,
}

impl Machine {
    /// The one this process runs on.
    #[cfg(target_os = "linux")]
    pub fn here() -> Self {
        let word = |path: &str| {
            fs_err::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .unwrap_or_default()
        };
        // Each network namespace has a loopback of its own, and a container may have its host's name.
        let namespace = fs_err::read_link("/proc/self/ns/net").unwrap_or_default();
        Self {
            host: word("/proc/sys/kernel/hostname"),
            loopback: format!(
                "{} {}",
                word("/proc/sys/kernel/random/boot_id"),
                namespace.display()
            ),
        }
    }

    /// The one this process runs on.
    #[cfg(not(target_os = "linux"))]
    pub fn here() -> Self {
        let host = sysinfo::System::host_name().unwrap_or_default();
        Self {
            loopback: format!(
                "{host} {}",
                sysinfo::System::boot_time().unwrap_or_default()
            ),
            host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Machine;

    #[test]
    fn two_looks_see_the_same_machine() {
        let here = Machine::here();
        assert_eq!(here, Machine::here());
        assert!(!here.loopback.trim().is_empty());
    }
}
