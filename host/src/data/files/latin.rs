//! Text of programs that say nothing of its letters.

/// UTF-8, or what is none as Latin-1, in which the field writes µ, Å and °.
pub(super) fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}
