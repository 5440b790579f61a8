//! Views of the past, for whoever moves the slider of a page: the files in the folder `views`.
//!
//! Each has the form of `view`, without figures and without the truth. Its name has the points that were
//! measured and the number of the last record by then: `120-845`. All of them together stay below a size:
//! where the next would pass it, every second one goes, and from then on half as many are kept.

use std::fs;
use std::path::{Path, PathBuf};

/// Most bytes of the views of a campaign that has a folder of its own.
pub(crate) const ROOM: u64 = 64 << 20;
/// Most bytes of those of a campaign that is but shown, among many perhaps.
pub(crate) const LITTLE_ROOM: u64 = 8 << 20;
/// Most views.
const MOST: usize = 256;

/// Where a view is until it is complete.
const UNFINISHED: &str = ".new";

/// A view that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Points that were measured by then.
    pub(crate) points: usize,
    /// Number of the last record by then.
    pub(crate) record: usize,
    /// The file.
    pub(crate) path: PathBuf,
    bytes: u64,
}

/// The views that are kept in a folder, the oldest first.
pub(crate) fn kept(folder: &Path) -> Vec<Kept> {
    let Ok(entries) = fs::read_dir(views(folder)) else {
        return Vec::new();
    };
    let entry = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let (points, record) = name.to_str()?.split_once('-')?;
        Some(Kept {
            points: points.parse().ok()?,
            record: record.parse().ok()?,
            path: entry.path(),
            bytes: entry.metadata().ok()?.len(),
        })
    };
    let mut kept: Vec<Kept> = entries.flatten().filter_map(entry).collect();
    kept.sort_by_key(|kept| kept.record);
    kept
}

/// Removes the views that are kept in a folder, and `views` where nothing else is in it.
pub(super) fn remove_kept(folder: &Path) {
    kept(folder).iter().for_each(remove);
    let _ = fs::remove_file(views(folder).join(UNFINISHED));
    let _ = fs::remove_dir(views(folder));
}

fn views(folder: &Path) -> PathBuf {
    folder.join("views")
}

/// The views of a campaign under way.
#[derive(Debug)]
pub(super) struct Past {
    folder: PathBuf,
    kept: Vec<Kept>,
    /// Points between one view and the next.
    every: usize,
    room: u64,
}

impl Past {
    /// Goes on with the views in a folder, which may take so many bytes.
    pub(super) fn new(folder: &Path, room: u64) -> Self {
        let kept = kept(folder);
        let gaps = kept
            .windows(2)
            .map(|pair| pair[1].points - pair[0].points.min(pair[1].points));
        let every = gaps.filter(|&gap| gap > 0).min().unwrap_or(1);
        Self {
            folder: views(folder),
            kept,
            every,
            room,
        }
    }

    /// Points from one view to the next.
    pub(super) fn every(&self) -> usize {
        self.every
    }

    /// Keeps a view of a state after so many points and this record. A disk that has no room for it has
    /// none for the others either.
    pub(super) fn keep(&mut self, points: usize, record: usize, bytes: &[u8]) {
        let size = bytes.len() as u64;
        if self.kept.iter().any(|kept| kept.record == record) || size > self.room {
            return;
        }
        while !self.kept.is_empty() && !self.has_room_for(size) {
            self.thin();
        }
        let path = self.folder.join(format!("{points}-{record}"));
        let new = self.folder.join(UNFINISHED);
        let written = fs::create_dir_all(&self.folder)
            .and_then(|()| fs::write(&new, bytes))
            .and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
            self.kept.iter().for_each(remove);
            self.kept.clear();
            return;
        }
        self.kept.push(Kept {
            points,
            record,
            path,
            bytes: size,
        });
    }

    fn has_room_for(&self, size: u64) -> bool {
        let taken: u64 = self.kept.iter().map(|kept| kept.bytes).sum();
        self.kept.len() < MOST && taken + size <= self.room
    }

    /// Removes views until those that are left are twice as far apart, or one is left that goes as well.
    fn thin(&mut self) {
        self.every *= 2;
        let mut last: Option<usize> = None;
        let alone = self.kept.len() == 1;
        for kept in std::mem::take(&mut self.kept) {
            let far = last.is_none_or(|last| kept.points >= last + self.every);
            if far && !alone {
                last = Some(kept.points);
                self.kept.push(kept);
            } else {
                remove(&kept);
            }
        }
    }
}

fn remove(kept: &Kept) {
    // One that cannot be removed is looked at by nobody who knows of a later one.
    let _ = fs::remove_file(&kept.path);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(folder: &Path) -> Vec<usize> {
        kept(folder).iter().map(|kept| kept.points).collect()
    }

    #[test]
    fn views_are_thinned_as_the_campaign_grows_and_never_take_more_than_their_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut past = Past::new(folder.path(), 1000);
        let mut last = 0;
        for point in 10..200 {
            if point >= last + past.every() {
                past.keep(point, 3 * point, &[7; 100]);
                last = point;
            }
            let kept = kept(folder.path());
            assert!(kept.iter().map(|kept| kept.bytes).sum::<u64>() <= 1000);
            // The first stays, and the newest is no farther away than one is from the next.
            assert_eq!(kept[0].points, 10);
            assert!(point - kept[kept.len() - 1].points < past.every());
        }
        assert_eq!(points(folder.path()), [10, 42, 74, 106, 138, 170]);
        // Whoever goes on with it keeps them as far apart.
        let mut past = Past::new(folder.path(), 1000);
        assert_eq!(past.every(), 32);
        // What is larger than all the room there is is not kept, and costs no other its place.
        past.keep(300, 900, &[7; 1001]);
        assert_eq!(points(folder.path()).len(), 6);
    }
}
