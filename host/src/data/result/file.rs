//! A file that appears whole or not at all, and stays after a loss of power.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::error::ResultError;

/// Lets `write` make a file beside `path`, brings it to the disk, then renames it.
///
/// Whoever reads `path` meanwhile meets the old file or the new one. After a failure nothing is
/// left of the new one.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), ResultError>,
) -> Result<(), ResultError> {
    let refuse = |source| ResultError::write(path, source);
    let Some(name) = path.file_name() else {
        let reason = "expected the name of a file";
        return Err(refuse(io::Error::new(io::ErrorKind::InvalidInput, reason)));
    };
    let mut partial = std::ffi::OsString::from(format!(".partial-{}-", std::process::id()));
    partial.push(name);
    let partial = path.with_file_name(partial);
    let settle = || {
        File::open(&partial)?.sync_all()?;
        fs::rename(&partial, path)?;
        sync_folder(path)
    };
    // Tried first, so that an unwritable folder is reported as such whatever the encoder says.
    let result = File::create(&partial)
        .map_err(refuse)
        .and_then(|_| write(&partial))
        .and_then(|()| settle().map_err(refuse));
    if result.is_err() {
        // The first failure is the one worth telling.
        let _ = fs::remove_file(&partial);
    }
    result
}

/// Brings the new name to the disk, which is a matter of the folder on Unix alone.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
