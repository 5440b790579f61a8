//! Files appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Why a file was not written or removed; one line that names it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the file system said.
    pub source: io::Error,
}

/// Lets `write` make a file beside `path` under another name, then renames it.
///
/// A reader, or a kill, never meets half a file; after a failure nothing is left. `refuse` makes an
/// error of what the file system says.
pub(crate) fn replace<E>(
    path: &Path,
    refuse: impl Fn(io::Error) -> E,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let expected = || io::Error::new(io::ErrorKind::InvalidInput, "expected the name of a file");
    let partial = partial_name(path).ok_or_else(|| refuse(expected()))?;
    let renamed = write(&partial).and_then(|()| fs::rename(&partial, path).map_err(&refuse));
    if renamed.is_err() {
        // The first failure is the one worth telling.
        let _ = fs::remove_file(&partial);
    }
    renamed
}

/// Writes a file whole or not at all, as [`replace`] does.
pub(crate) fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let refuse = |source| WriteError {
        path: path.to_owned(),
        source,
    };
    replace(path, refuse, |partial| {
        let mut writer = BufWriter::new(File::create(partial).map_err(refuse)?);
        write(&mut writer).map_err(refuse)?;
        writer.flush().map_err(refuse)
    })
}

/// Writes a whole file.
///
/// # Errors
/// When it cannot be written; nothing half-written is left.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    replace_with(path, |writer| writer.write_all(content))
}

/// Removes a file if there is one.
///
/// # Errors
/// When there is one and it cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(WriteError {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

fn partial_name(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    // Machines that share a folder number their processes alike, but not their clocks.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    let unique = format!("{}-{}", std::process::id(), now.as_nanos());
    Some(path.with_file_name(format!(".partial-{unique}-{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.npy");
        fs::write(&path, "old").unwrap();
        let error = replace_with(&path, |writer| {
            writer.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(
            error
                .unwrap_err()
                .to_string()
                .ends_with("map.npy: the disk is full")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unwritable_folder_is_named_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("map.npy");
        let message = replace_with(&path, |_| Ok(())).unwrap_err().to_string();
        assert!(
            message.starts_with("cannot write ") && message.contains("missing"),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1);
    }
}
