//! What the surrogate predicts now and how the campaign is doing, for whoever watches: the file `view`
//! beside the journal.
//!
//! | bytes | what |
//! |---|---|
//! | 12 | `BEACON view` and a line feed |
//! | 4 | length of the head, the lowest byte first |
//! | length | the head, [`Head`] as JSON |
//! | 4 a candidate | predicted mean, f32, in the units of the response |
//! | 4 a candidate | predicted standard deviation |
//!
//! A thread of its own replaces the file as a whole, so that neither the disk nor a reader delays a
//! campaign. Only the newest state counts; the file may be lost at any time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::campaign::{Posterior, Series};

const MAGIC: &[u8; 12] = b"BEACON view\n";
/// Time between two files.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the end of a campaign waits for the last file.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a view is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Points measured by then.
    pub(crate) points: usize,
    /// Of them those that came before the strategy had a say.
    pub(crate) seeds: usize,
    /// Candidates of either map.
    pub(crate) candidates: usize,
    /// Standard deviation of the noise of a measurement, in the units of the response.
    pub(crate) noise_sigma: f64,
    /// The figures of every step.
    pub(crate) series: Series,
}

/// A view that was read.
#[cfg(any(test, feature = "page"))]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    /// Means, then standard deviations, as in the file.
    pub(crate) maps: Vec<u8>,
}

/// Reads the view in a folder; `None` where there is none, or none that is whole.
#[cfg(any(test, feature = "page"))]
pub(crate) fn read(folder: &Path) -> Option<Seen> {
    let bytes = std::fs::read(file(folder)).ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?);
    let (head, maps) = rest.split_at_checked(length as usize)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    (maps.len() == 8 * head.candidates).then(|| Seen {
        head,
        maps: maps.to_vec(),
    })
}

/// Where the view of a folder is.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("view")
}

/// What the campaign hands over: the newest state takes the place of one that was not written yet.
#[derive(Debug, Default)]
struct Slot {
    newest: Option<(Head, Posterior)>,
    closing: bool,
}

/// The writer of a view.
#[derive(Debug)]
pub(crate) struct View {
    slot: Arc<(Mutex<Slot>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl View {
    /// Writes views into a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let slot = Arc::<(Mutex<Slot>, Condvar)>::default();
        let (there, file) = (Arc::clone(&slot), file(folder));
        let thread = std::thread::Builder::new().name("view".to_owned());
        let thread = thread.spawn(move || keep_writing(&there, &file));
        Self {
            slot,
            // Without room for a thread there is no view.
            thread: thread.ok(),
        }
    }

    /// Shows a state; the disk is not waited for.
    pub(crate) fn show(&self, points: usize, seeds: usize, series: &Series, posterior: Posterior) {
        let head = Head {
            points,
            seeds,
            candidates: posterior.mean.len(),
            noise_sigma: posterior.noise.sqrt(),
            series: series.clone(),
        };
        let (slot, filled) = &*self.slot;
        slot.lock().unwrap_or_else(PoisonError::into_inner).newest = Some((head, posterior));
        filled.notify_one();
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let (slot, filled) = &*self.slot;
        slot.lock().unwrap_or_else(PoisonError::into_inner).closing = true;
        filled.notify_one();
        let Some(thread) = self.thread.take() else {
            return;
        };
        let begun = Instant::now();
        while !thread.is_finished() && begun.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn keep_writing(slot: &(Mutex<Slot>, Condvar), file: &Path) {
    let (slot, filled) = slot;
    loop {
        let slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = filled.wait_while(slot, |slot| slot.newest.is_none() && !slot.closing);
        let mut slot = waited.unwrap_or_else(PoisonError::into_inner);
        let Some((head, posterior)) = slot.newest.take() else {
            return;
        };
        let last = slot.closing;
        drop(slot);
        // A disk that is full has no room for what nothing depends on.
        let _ = write(file, &head, &posterior);
        if !last {
            std::thread::sleep(PAUSE);
        }
    }
}

fn write(file: &Path, head: &Head, posterior: &Posterior) -> std::io::Result<()> {
    let head = serde_json::to_vec(head)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&(head.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&head);
    for mean in &posterior.mean {
        bytes.extend_from_slice(&(*mean as f32).to_le_bytes());
    }
    for variance in &posterior.variance {
        bytes.extend_from_slice(&(variance.sqrt() as f32).to_le_bytes());
    }
    let new = file.with_file_name(".view.new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_state_is_read_back_as_it_was_shown() {
        let folder = tempfile::tempdir().unwrap();
        let posterior = |mean: f64| Posterior {
            mean: vec![mean, 2.0],
            variance: vec![4.0, 0.25],
            noise: 0.01,
        };
        let mut series = Series::default();
        let view = View::new(folder.path());
        for step in 1..=50 {
            series.seconds.push(0.5);
            series.surrogate_mean.push(f64::NAN);
            view.show(10 + step, 10, &series, posterior(step as f64));
        }
        drop(view);
        let seen = read(folder.path()).unwrap();
        assert_eq!((seen.head.points, seen.head.seeds), (60, 10));
        assert_eq!(seen.head.series.seconds.len(), 50);
        assert!(seen.head.series.surrogate_mean[49].is_nan());
        let numbers: Vec<f32> = seen
            .maps
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        assert_eq!(numbers, [50.0, 2.0, 2.0, 0.5]);
        std::fs::write(file(folder.path()), b"BEACON view\nab").unwrap();
        assert!(read(folder.path()).is_none());
    }
}
