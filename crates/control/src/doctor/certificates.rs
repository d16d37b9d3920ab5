//! The certificates that programs trust.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nasiko_contract::CheckGroup;
use x509_cert::{Certificate, der::DecodePem};

use super::{
    finding::{Finding, Spec},
    machine::moment,
    surroundings::Surroundings,
};

pub(super) const CERTIFICATES: Spec = Spec {
    id: "network.certificates",
    title: "Trusted certificates",
    group: CheckGroup::Network,
};

/// What names a file of trusted certificates, for programs of many kinds.
const NAMED: [&str; 8] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "UV_SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
    "NPM_CONFIG_CAFILE",
];
/// Where systems have them.
const USUAL: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];
/// Files that are longer hold something else.
const MAX_BYTES: u64 = 8 << 20;
/// In a list as short as this, whoever wrote it wanted each of its entries.
const FEW: usize = 10;

pub(super) fn certificates(surroundings: &Surroundings) -> Finding {
    let named = NAMED.iter().filter_map(|name| {
        let file = surroundings.variable(name)?;
        Some((*name, file.to_string_lossy().into_owned()))
    });
    let named: Vec<(&str, String)> = named.collect();
    let troubles: Vec<String> = named
        .iter()
        .filter_map(|(name, file)| Some(format!("{name}={file}: {}", trouble_with(file)?)))
        .collect();
    if !troubles.is_empty() {
        return Finding::failed(
            "Trusted certificates that the environment names cannot be used: what is fetched by HTTPS fails",
        )
        .evidence(troubles)
        .hint("Name a file that is there and up to date, or unset the variable");
    }
    let has_usual = USUAL
        .iter()
        .any(|path| surroundings.system(path).try_exists().unwrap_or_default());
    if !cfg!(target_os = "linux") || has_usual || !named.is_empty() {
        return Finding::ok("They are there, and none that is named has expired")
            .evidence(named.iter().map(|(name, file)| format!("{name}={file}")));
    }
    Finding::warning(
        "This system has no list of trusted certificates: what is fetched by HTTPS fails",
    )
    .evidence(USUAL.map(|path| format!("{path} is not there")))
    .hint("Install the system's certificates")
    .command("sudo apt install ca-certificates")
}

/// What is wrong with a file of certificates.
fn trouble_with(file: &str) -> Option<String> {
    let about = match fs_err::metadata(file) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some("there is no such file".to_owned());
        }
        Err(error) => return Some(error.to_string()),
    };
    // Some of these variables also take a folder.
    if about.is_dir() || about.len() > MAX_BYTES {
        return None;
    }
    let text = match fs_err::read(file) {
        Ok(text) => text,
        Err(error) => return Some(error.to_string()),
    };
    let ends = ends_of(&String::from_utf8_lossy(&text));
    let expired: Vec<SystemTime> = ends
        .iter()
        .filter(|end| **end < SystemTime::now())
        .copied()
        .collect();
    if ends.is_empty() {
        return Some("no certificate is in it".to_owned());
    }
    let last = expired.iter().max()?;
    (ends.len() <= FEW || expired.len() == ends.len()).then(|| {
        format!(
            "{} of {} certificates expired, the last one at {}",
            expired.len(),
            ends.len(),
            moment(*last)
        )
    })
}

/// When the certificates in a text end. What lies between them is for people.
fn ends_of(text: &str) -> Vec<SystemTime> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let certificates = text.match_indices(BEGIN).filter_map(|(start, _)| {
        let rest = text.get(start..)?;
        let end = rest.find("-----END CERTIFICATE-----")? + "-----END CERTIFICATE-----".len();
        Certificate::from_pem(rest.get(..end)?).ok()
    });
    certificates
        .map(|certificate| {
            let end: Duration = certificate
                .tbs_certificate()
                .validity()
                .not_after
                .to_unix_duration();
            UNIX_EPOCH + end
        })
        .collect()
}
