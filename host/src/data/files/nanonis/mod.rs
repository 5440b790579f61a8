//! SPECS Nanonis: images of a scan, and grids of sweeps.

pub(super) mod grid;
pub(super) mod scan;

use std::fs::File;
use std::io::Read as _;

use super::error::DatasetError;
use super::latin;

/// Bytes of a header, more than any file of the field has.
const MOST_HEADER: u64 = 1 << 22;

/// The text of a header, and the byte after the line that ends it.
///
/// # Errors
/// When the file has no such line among its first bytes.
fn header(file: &str, format: &'static str, end: &str) -> Result<(String, u64), DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, format, &e);
    let mut bytes = Vec::new();
    let open = File::open(file).map_err(unreadable)?;
    open.take(MOST_HEADER)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let at = bytes
        .windows(end.len())
        .position(|window| window == end.as_bytes())
        .ok_or_else(|| {
            let reason = format!("no line `{end}` ends its header");
            DatasetError::unreadable(file, format, &reason)
        })?;
    let line = bytes[at..].iter().position(|&byte| byte == b'\n');
    let after = line.map_or(bytes.len(), |line| at + line + 1);
    Ok((latin::text(&bytes[..at]), after as u64))
}

/// A name and its units, as in `Bias (V)`.
fn with_units(text: &str) -> (&str, &str) {
    let text = text.trim();
    match text.rsplit_once('(') {
        Some((name, units)) if units.ends_with(')') => (name.trim(), units.trim_end_matches(')')),
        _ => (text, ""),
    }
}
