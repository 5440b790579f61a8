//! A file that appears whole or not at all, and stays after a loss of power.

use std::fs::File;
use std::io;
use std::path::Path;

use super::error::ResultError;
use crate::data::files;

/// Lets `write` make a file beside `path`, brings it to the disk, then renames it.
///
/// Whoever reads `path` meanwhile meets the old file or the new one. After a failure nothing is
/// left of the new one.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), ResultError>,
) -> Result<(), ResultError> {
    let refuse = |source| ResultError::write(path, source);
    files::replace(path, refuse, |partial| {
        // Tried first, so that an unwritable folder is reported as such whatever the encoder says.
        File::create(partial).map_err(refuse)?;
        write(partial)?;
        let whole = File::open(partial).and_then(|file| file.sync_all());
        whole.map_err(refuse)
    })?;
    sync_folder(path).map_err(refuse)
}

/// Brings the new name to the disk, which is a matter of the folder on Unix alone.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
