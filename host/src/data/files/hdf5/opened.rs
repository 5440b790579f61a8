//! An HDF5 file that is read: what lies at a path, behind links or not.

use hdf5_pure::{Dataset, Error, File, Source as _};

use super::{FORMAT, unreadable};
use crate::data::Values;
use crate::data::files::error::DatasetError;
use crate::data::files::filters;
use crate::data::files::links::Linkless;
use crate::data::files::members::{Lead, Members, Walked};
use crate::data::files::number::values;

/// A file that is read.
pub(in crate::data::files) struct Opened<'a> {
    pub(in crate::data::files) file: &'a str,
    pub(in crate::data::files) open: File,
    pub(in crate::data::files) source: Linkless,
    pub(super) members: Members,
}

impl<'a> Opened<'a> {
    /// # Errors
    /// When the file is missing or is not HDF5.
    pub(super) fn new(file: &'a str) -> Result<Self, DatasetError> {
        let (open, source) = open_with_source(file)?;
        let members = Members::of(&open, source.clone());
        Ok(Self {
            file,
            open,
            source,
            members,
        })
    }

    /// The path without links to what lies at a path; nothing where there is none.
    ///
    /// # Errors
    /// When a link leads out of the file, nowhere, or in a circle.
    pub(in crate::data::files) fn follow(
        &self,
        path: &str,
        walked: &Walked,
    ) -> Result<Option<String>, DatasetError> {
        match self.members.follow(path, walked) {
            Lead::Path(target) => Ok(Some(target)),
            Lead::Absent => Ok(None),
            Lead::Astray(reason) => Err(self.astray(path, reason)),
            Lead::Unread(target) => {
                let here = self.open.dataset(&target).is_ok() || self.open.group(&target).is_ok();
                let reason = "its group keeps it as a link in a form that is not read, or lacks it";
                here.then_some(Some(target))
                    .ok_or_else(|| self.astray(path, reason.to_owned()))
            }
        }
    }

    pub(super) fn astray(&self, path: &str, reason: String) -> DatasetError {
        DatasetError::Link {
            location: format!("{}#{path}", self.file),
            file: self.file.to_owned(),
            reason,
        }
    }

    /// A dataset, behind links or not; nothing where there is none.
    ///
    /// # Errors
    /// As [`Self::follow`], and when something else lies there.
    pub(in crate::data::files) fn dataset(
        &self,
        path: &str,
        walked: &Walked,
    ) -> Result<Option<Dataset>, DatasetError> {
        let opened = |target: String| self.open.dataset(&target);
        let dataset = self.follow(path, walked)?.map(opened).transpose();
        dataset.map_err(|e| unreadable(self.file, &e))
    }

    /// Bytes of the file.
    pub(in crate::data::files) fn length(&self) -> u64 {
        self.source.len()
    }

    /// What reads the values of a dataset later.
    ///
    /// # Errors
    /// When it was packed in a way that is not read.
    pub(in crate::data::files) fn load(
        &self,
        dataset: &Dataset,
        location: &str,
    ) -> Result<impl FnOnce() -> Result<Values, DatasetError> + use<>, DatasetError> {
        let pipeline = dataset.filter_pipeline();
        filters::require(&pipeline, location)?;
        filters::require_chunk(dataset, location)?;
        let (read, source, told) = (dataset.clone(), self.source.clone(), location.to_owned());
        Ok(move || {
            if filters::has_own(&pipeline) {
                filters::values(&read, &pipeline, &source, &told)
            } else {
                values(&read).map_err(|e| unreadable(&told, &e))
            }
        })
    }
}

/// A file and its bytes, of which chunks are taken that `hdf5-pure` cannot unpack.
fn open_with_source(file: &str) -> Result<(File, Linkless), DatasetError> {
    let source = Linkless::open(file).map_err(|e| unreadable(file, &Error::Io(e)))?;
    let length = source.len();
    let opened = File::from_source(source.clone()).map_err(|e| unreadable(file, &e))?;
    // A copy that broke off may still hold some datasets whole, and hide the others.
    let whole = opened.superblock().eof_address;
    if length < whole {
        let reason = format!("cut off after {length} of {whole} bytes; copy it again");
        return Err(DatasetError::unreadable(file, FORMAT, &reason));
    }
    Ok((opened, source))
}
