//! What the surrogate predicts now and how the campaign is doing, for whoever watches: the file `view`
//! beside the journal.
//!
//! | bytes | what |
//! |---|---|
//! | 12 | `BEACON view` and a line feed |
//! | 4 | length of the head, the lowest byte first |
//! | length | the head, [`Head`] as JSON |
//! | 4 a number | the maps of the head, one after another, f32 |
//!
//! | map | a number a |
//! |---|---|
//! | `mean`, `sigma` | candidate: what the surrogate predicts, in the units of the response |
//! | `plane_x`, `plane_y` | candidate: where it lies in the plane that the surrogate has learned |
//! | `score` | candidate: what the last proposal was chosen by, in the strategy's own terms |
//! | `truth` | pixel: the true response of a simulated sample |
//!
//! Where several responses are sought, `mean_2`, `sigma_2` and `truth_2` are those of the second, and so on.
//!
//! A thread of its own replaces the file as a whole, so that neither the disk nor a reader delays a
//! campaign. Only the newest state counts; the file may be lost at any time. States that another takes the
//! place of go to the [past](super::past).

use std::collections::BTreeMap;
#[cfg(feature = "page")]
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use beacon_kernel::MOST_RESPONSES;
use serde::{Deserialize, Serialize};

use super::past::Past;
use crate::campaign::{Posterior, Series, State};
use crate::data::Map;

/// Names of the maps of each response that is sought.
const MEANS: [&str; MOST_RESPONSES] = ["mean", "mean_2", "mean_3", "mean_4"];
const SIGMAS: [&str; MOST_RESPONSES] = ["sigma", "sigma_2", "sigma_3", "sigma_4"];
const TRUTHS: [&str; MOST_RESPONSES] = ["truth", "truth_2", "truth_3", "truth_4"];
/// Names of the maps that there is one of.
const OTHERS: [&str; 3] = ["plane_x", "plane_y", "score"];

const MAGIC: &[u8; 12] = b"BEACON view\n";
/// Time between two files.
const PAUSE: Duration = Duration::from_millis(100);
/// Most bytes of states that wait for the disk: those of a campaign that is faster than it are not kept.
const WAITING: usize = 16 << 20;
/// How long the end of a campaign waits for the last file.
const FAREWELL: Duration = Duration::from_millis(500);

/// What a view is of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Number of the last record of the journal by then; `None` in files of older programs.
    #[serde(default)]
    pub(crate) record: Option<usize>,
    /// Points measured by then.
    pub(crate) points: usize,
    /// Of them those that came before the strategy had a say.
    pub(crate) seeds: usize,
    /// Standard deviation of the noise of a measurement, in the units of the response.
    pub(crate) noise_sigma: f64,
    /// The figures of every step.
    pub(crate) series: Series,
    /// The maps that follow.
    pub(crate) maps: Vec<MapHead>,
}

/// What a map is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MapHead {
    /// Its name.
    pub(crate) name: String,
    /// Points that were measured when it was made.
    pub(crate) points: usize,
    /// Numbers of it.
    pub(crate) count: usize,
}

/// A view that was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    /// The bytes of each map of the head.
    pub(crate) maps: Vec<Vec<u8>>,
}

/// Reads the view in a folder; `None` where there is none, or none that is whole.
pub(crate) fn read(folder: &Path) -> Option<Seen> {
    read_file(&file(folder))
}

/// Reads a view; `None` where there is none, or none that is whole.
pub(crate) fn read_file(file: &Path) -> Option<Seen> {
    let bytes = std::fs::read(file).ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?);
    let (head, mut rest) = rest.split_at_checked(length as usize)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let mut maps = Vec::new();
    for map in &head.maps {
        let (bytes, further) = rest.split_at_checked(map.count.checked_mul(4)?)?;
        maps.push(bytes.to_vec());
        rest = further;
    }
    rest.is_empty().then_some(Seen { head, maps })
}

/// Reads the head of the view in a folder; `None` where there is none.
#[cfg(feature = "page")]
pub(crate) fn read_head(folder: &Path) -> Option<Head> {
    let mut file = std::fs::File::open(file(folder)).ok()?;
    let (mut magic, mut length) = ([0; MAGIC.len()], [0; 4]);
    file.read_exact(&mut magic).ok()?;
    file.read_exact(&mut length).ok()?;
    let mut head = Vec::new();
    let length = u32::from_le_bytes(length).into();
    file.take(length).read_to_end(&mut head).ok()?;
    let head = serde_json::from_slice(&head).ok()?;
    (magic == *MAGIC).then_some(head)
}

/// Where the view of a folder is.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("view")
}

/// A map, and the points that were measured when it was made.
type Shown = (usize, Arc<[f32]>);

/// The moment that a view is of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    /// Number of the last record of the journal by then.
    record: Option<usize>,
    points: usize,
    seeds: usize,
    /// Counts the targets.
    revision: u32,
}

impl Moment {
    /// The moment after a record that brought a campaign to this state.
    pub(crate) fn after(record: Option<usize>, state: &State) -> Self {
        Self {
            record,
            points: state.points().len(),
            seeds: state.seeds(),
            revision: state.revision(),
        }
    }
}

type Maps = BTreeMap<&'static str, Shown>;

/// What the campaign hands over: the newest state takes the place of one that was not written yet.
#[derive(Debug, Default)]
struct Slot {
    head: Head,
    /// Counts the targets that the states belong to.
    revision: u32,
    maps: Maps,
    /// States of the past that are to be kept.
    past: Vec<(Head, Maps)>,
    /// Points and revision of the last of them, and points from one to the next.
    kept: Option<(usize, u32)>,
    every: usize,
    /// Whether there is anything that the file has not.
    fresh: bool,
    closing: bool,
    /// When scores were shown last.
    scored: Option<Instant>,
}

impl Slot {
    /// Whether this state is far enough from the last one of the past to be kept there.
    fn is_due(&self) -> bool {
        let (points, revision) = (self.head.points, self.revision);
        self.kept
            .is_none_or(|(last, of)| of != revision || points >= last + self.every)
    }

    /// Another state takes the place of this one, which goes to the past where it is due there.
    fn retire(&mut self) {
        let numbers: usize = self.maps.values().map(|(_, numbers)| numbers.len()).sum();
        let room = (self.past.len() + 1) * 4 * numbers <= WAITING;
        if !(self.is_due() && room && self.maps.contains_key("mean")) {
            return;
        }
        let mut maps = self.maps.clone();
        maps.retain(|name, _| !TRUTHS.contains(name));
        let head = Head {
            series: Series::default(),
            ..self.head.clone()
        };
        self.past.push((head, maps));
        self.kept = Some((self.head.points, self.revision));
    }
}

impl From<Seen> for Slot {
    fn from(Seen { head, maps }: Seen) -> Self {
        let names = [MEANS, SIGMAS, TRUTHS].concat();
        let names = [&names[..], &OTHERS].concat();
        let maps = head.maps.iter().zip(maps).filter_map(|(map, bytes)| {
            let name = names.iter().find(|name| **name == map.name)?;
            let numbers = bytes.as_chunks().0.iter().map(|&of| f32::from_le_bytes(of));
            Some((*name, (map.points, numbers.collect())))
        });
        Self {
            maps: maps.collect(),
            head,
            ..Self::default()
        }
    }
}

/// The writer of a view.
#[derive(Debug)]
pub(crate) struct View {
    slot: Arc<(Mutex<Slot>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl View {
    /// Writes views into a folder, where those of the past take so many bytes at most. What its view shows
    /// already stays until another state takes its place.
    pub(crate) fn new(folder: &Path, room: u64) -> Self {
        let slot = read(folder).map(Slot::from).unwrap_or_default();
        let slot = Arc::new((Mutex::new(slot), Condvar::new()));
        let (there, folder) = (Arc::clone(&slot), folder.to_owned());
        let thread = std::thread::Builder::new().name("view".to_owned());
        let thread = thread.spawn(move || keep_writing(&there, &folder, room));
        Self {
            slot,
            // Without room for a thread there is no view.
            thread: thread.ok(),
        }
    }

    /// Points that were measured by the state that is shown.
    pub(crate) fn points(&self) -> usize {
        self.lock().head.points
    }

    /// Whether further scores would be seen: the last ones are as old as a file, or those of this state are
    /// kept with it.
    pub(crate) fn wants_scores(&self) -> bool {
        let slot = self.lock();
        let old = slot.scored.is_none_or(|scored| scored.elapsed() >= PAUSE);
        old || slot.is_due()
    }

    /// Shows what holds at a moment; the disk is not waited for.
    pub(crate) fn show(
        &self,
        moment: Moment,
        series: &Series,
        surrogates: &[Posterior],
        plane: Option<Vec<[f32; 2]>>,
    ) {
        let Moment {
            record,
            points,
            seeds,
            revision,
        } = moment;
        let maps = surrogates.iter().map(|of| -> [Arc<[f32]>; 2] {
            let variances = of.variance.iter();
            [
                of.mean.iter().map(|&mean| mean as f32).collect(),
                variances.map(|variance| variance.sqrt() as f32).collect(),
            ]
        });
        let mut maps = maps.collect::<Vec<_>>().into_iter();
        let mut slot = self.lock();
        slot.retire();
        slot.revision = revision;
        slot.head = Head {
            record,
            points,
            seeds,
            noise_sigma: surrogates.first().map_or(f64::NAN, |of| of.noise.sqrt()),
            series: series.clone(),
            maps: Vec::new(),
        };
        for (mean, sigma) in MEANS.into_iter().zip(SIGMAS) {
            if let Some([means, sigmas]) = maps.next() {
                slot.maps.insert(mean, (points, means));
                slot.maps.insert(sigma, (points, sigmas));
            } else {
                slot.maps.remove(mean);
                slot.maps.remove(sigma);
            }
        }
        if let Some(plane) = plane {
            let axis = |axis: usize| plane.iter().map(|place| place[axis]).collect();
            slot.maps.insert("plane_x", (points, axis(0)));
            slot.maps.insert("plane_y", (points, axis(1)));
        }
        self.fill(slot);
    }

    /// Shows the scores that a proposal was chosen by, after so many points.
    pub(crate) fn show_scores(&self, points: usize, scores: Vec<f32>) {
        let mut slot = self.lock();
        slot.maps.insert("score", (points, scores.into()));
        slot.scored = Some(Instant::now());
        self.fill(slot);
    }

    /// Shows the true response of everything that is sought, where it is known.
    pub(crate) fn show_truths(&self, truths: &[Option<&Map>]) {
        let shown = |map: &Map| -> Shown {
            let values = map.values.iter().map(|&value| value as f32);
            (0, values.collect())
        };
        let truths: Vec<_> = truths.iter().map(|truth| truth.map(shown)).collect();
        let mut truths = truths.into_iter();
        let mut slot = self.lock();
        for name in TRUTHS {
            match truths.next().flatten() {
                Some(truth) => slot.maps.insert(name, truth),
                None => slot.maps.remove(name),
            };
        }
        self.fill(slot);
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has what was put into the slot written.
    fn fill(&self, mut slot: MutexGuard<'_, Slot>) {
        slot.fresh = true;
        drop(slot);
        self.slot.1.notify_one();
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.lock().closing = true;
        self.slot.1.notify_one();
        let Some(thread) = self.thread.take() else {
            return;
        };
        let begun = Instant::now();
        while !thread.is_finished() && begun.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn keep_writing(slot: &(Mutex<Slot>, Condvar), folder: &Path, room: u64) {
    let (mutex, filled) = slot;
    let file = file(folder);
    let mut past = Past::new(folder, room);
    // The last state of a campaign that is taken up again is one of the past.
    if let Some(Seen { mut head, maps }) = read(folder)
        && let Some(record) = head.record.take()
    {
        let mut bytes = Vec::new();
        let heads = std::mem::take(&mut head.maps);
        let kept = heads.into_iter().zip(maps);
        let kept = kept.filter(|(head, _)| !TRUTHS.contains(&head.name.as_str()));
        let (heads, maps): (Vec<MapHead>, Vec<Vec<u8>>) = kept.unzip();
        let head = Head {
            record: Some(record),
            series: Series::default(),
            maps: heads,
            ..head
        };
        if begin(&mut bytes, &head).is_ok() && !maps.is_empty() {
            bytes.extend(maps.concat());
            past.keep(head.points, record, &bytes);
        }
    }
    loop {
        let mut slot = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        slot.every = past.every();
        let waited = filled.wait_while(slot, |slot| !slot.fresh && !slot.closing);
        let mut slot = waited.unwrap_or_else(PoisonError::into_inner);
        if !slot.fresh {
            return;
        }
        slot.fresh = false;
        let (head, maps, last) = (slot.head.clone(), slot.maps.clone(), slot.closing);
        let retired = std::mem::take(&mut slot.past);
        drop(slot);
        for (head, maps) in retired {
            if let (Some(record), Ok(bytes)) = (head.record, bytes_of(&head, &maps)) {
                past.keep(head.points, record, &bytes);
            }
        }
        // A disk that is full has no room for what nothing depends on.
        let _ = bytes_of(&head, &maps).and_then(|bytes| replace(&file, &bytes));
        if !last {
            // Who ends the campaign does not wait for the pause to be over.
            let slot = mutex.lock().unwrap_or_else(PoisonError::into_inner);
            drop(filled.wait_timeout_while(slot, PAUSE, |slot| !slot.closing));
        }
    }
}

/// A file up to its maps.
fn begin(bytes: &mut Vec<u8>, head: &Head) -> std::io::Result<()> {
    let head = serde_json::to_vec(head)?;
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(head.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&head);
    Ok(())
}

/// A file as a whole.
fn bytes_of(head: &Head, maps: &Maps) -> std::io::Result<Vec<u8>> {
    let heads = maps.iter().map(|(name, (points, numbers))| MapHead {
        name: (*name).to_owned(),
        points: *points,
        count: numbers.len(),
    });
    let head = Head {
        maps: heads.collect(),
        ..head.clone()
    };
    let mut bytes = Vec::new();
    begin(&mut bytes, &head)?;
    for (_, numbers) in maps.values() {
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }
    Ok(bytes)
}

fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = file.with_file_name(".view.new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, file)
}

#[cfg(test)]
mod tests {
    use super::super::past::{ROOM, kept};
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
        let view = View::new(folder.path(), ROOM);
        let truth = Map::uncalibrated(1, 3, vec![7.0, 8.0, 9.0], "truth");
        view.show_truths(&[Some(&truth)]);
        for step in 1..=50 {
            series.seconds.push(0.5);
            series.surrogate_mean.push(f64::NAN);
            let plane = (step == 49).then(|| vec![[1.0, 2.0], [3.0, 4.0]]);
            let moment = Moment {
                record: Some(3 * step),
                points: 10 + step,
                seeds: 10,
                revision: u32::from(step > 40),
            };
            view.show(moment, &series, &[posterior(step as f64)], plane);
            view.show_scores(10 + step, vec![0.25, step as f32]);
        }
        drop(view);
        let seen = read(folder.path()).unwrap();
        assert_eq!((seen.head.points, seen.head.seeds), (60, 10));
        assert_eq!(seen.head.series.seconds.len(), 50);
        assert!(seen.head.series.surrogate_mean[49].is_nan());
        let heads = seen.head.maps.iter().zip(&seen.maps);
        let maps: Vec<(&str, usize, Vec<f32>)> = heads
            .map(|(head, bytes)| {
                let numbers = bytes.chunks_exact(4);
                let numbers = numbers.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
                (head.name.as_str(), head.points, numbers.collect())
            })
            .collect();
        assert_eq!(
            maps,
            [
                ("mean", 60, vec![50.0, 2.0]),
                ("plane_x", 59, vec![1.0, 3.0]),
                ("plane_y", 59, vec![2.0, 4.0]),
                ("score", 60, vec![0.25, 50.0]),
                ("sigma", 60, vec![2.0, 0.5]),
                ("truth", 0, vec![7.0, 8.0, 9.0]),
            ]
        );
        // Every state before is one of the past, with its own maps, and without figures and truth.
        let past = kept(folder.path());
        let points: Vec<usize> = past.iter().map(|kept| kept.points).collect();
        assert_eq!(points, (11..60).collect::<Vec<_>>());
        let seen = read_file(&past[19].path).unwrap();
        assert_eq!((seen.head.points, seen.head.record), (30, Some(60)));
        assert_eq!(seen.head.series, Series::default());
        let names: Vec<&str> = seen.head.maps.iter().map(|map| map.name.as_str()).collect();
        assert_eq!(names, ["mean", "score", "sigma"]);
        assert_eq!(seen.maps[0][..4], 20.0_f32.to_le_bytes());
        // Whoever takes the campaign up again finds the last state among them.
        drop(View::new(folder.path(), ROOM));
        assert_eq!(
            kept(folder.path()).last().map(|kept| kept.record),
            Some(150)
        );
        std::fs::write(file(folder.path()), b"BEACON view\nab").unwrap();
        assert!(read(folder.path()).is_none());
    }

    #[test]
    fn maps_of_further_responses_are_there_while_these_are_sought() {
        let folder = tempfile::tempdir().unwrap();
        let posterior = |mean: f64| Posterior {
            mean: vec![mean],
            variance: vec![1.0],
            noise: 0.01,
        };
        let view = View::new(folder.path(), ROOM);
        let truth = Map::uncalibrated(1, 1, vec![7.0], "truth");
        let series = Series::default();
        let names = |view: View| -> Vec<String> {
            drop(view);
            let seen = read(folder.path()).unwrap();
            seen.head.maps.into_iter().map(|map| map.name).collect()
        };
        view.show_truths(&[None, Some(&truth)]);
        let both = [posterior(1.0), posterior(2.0)];
        view.show(Moment::default(), &series, &both, None);
        let several = ["mean", "mean_2", "sigma", "sigma_2", "truth_2"];
        assert_eq!(names(view), several);
        let seen = read(folder.path()).unwrap();
        assert_eq!(seen.maps[1], 2.0_f32.to_le_bytes());

        let view = View::new(folder.path(), ROOM);
        view.show_truths(&[Some(&truth)]);
        view.show(Moment::default(), &series, &[posterior(3.0)], None);
        assert_eq!(names(view), ["mean", "sigma", "truth"]);
    }
}
