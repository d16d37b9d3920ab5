//! Sealing and opening one value.

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, KeyInit, Payload},
};
use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use super::key::VaultKey;
use crate::StoreError;

const NONCE_BYTES: usize = 24;

/// Seals `value` so that only the same key and the same `context` open it. Hex of nonce and ciphertext.
pub(super) fn seal(
    key: &VaultKey,
    context: &str,
    value: &SecretString,
) -> Result<String, StoreError> {
    let failed = |_| StoreError::VaultKey {
        reason: "the system gives no random numbers".to_owned(),
    };
    let nonce = XNonce::try_generate().map_err(failed)?;
    let payload = Payload {
        msg: value.expose_secret().as_bytes(),
        aad: context.as_bytes(),
    };
    let sealed = XChaCha20Poly1305::new(key.bytes().into())
        .encrypt(&nonce, payload)
        .map_err(|_| StoreError::VaultKey {
            reason: "the value could not be sealed".to_owned(),
        })?;
    Ok(hex(nonce.iter().chain(&sealed)))
}

/// Opens what [`seal`] gave; `None` for another key, another context, or altered bytes.
pub(super) fn open(key: &VaultKey, context: &str, sealed: &str) -> Option<SecretString> {
    let bytes = unhex(sealed)?;
    let (nonce, ciphertext) = bytes.split_at_checked(NONCE_BYTES)?;
    let nonce = XNonce::try_from(nonce).ok()?;
    let payload = Payload {
        msg: ciphertext,
        aad: context.as_bytes(),
    };
    let plain = Zeroizing::new(
        XChaCha20Poly1305::new(key.bytes().into())
            .decrypt(&nonce, payload)
            .ok()?,
    );
    std::str::from_utf8(&plain).ok().map(SecretString::from)
}

pub(super) fn hex<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    let digit = |nibble: u8| {
        char::from(if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' + nibble - 10
        })
    };
    bytes
        .into_iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            <[u8; 2]>::try_from(pair)
                .ok()
                .and_then(|[high, low]| Some(digit(high)? << 4 | digit(low)?))
        })
        .collect()
}
