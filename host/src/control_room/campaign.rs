//! A campaign that is watched: its journal, followed, and how it is doing.

mod past;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Builder;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::watch;

pub(super) use past::PastMap;

use super::live_map::LiveMap;
use super::story::Story;
use crate::campaign::{Event, Record, Series, Targets};
use crate::control;
use crate::data::Map;
use crate::journal::{Follower, Head, Place, now_ms, read_at, read_head, read_view, view_file};
use crate::scalarizer::Scalarizer;

/// How often the journal is looked at.
const LOOK: Duration = Duration::from_millis(40);
/// How often a campaign is asked how it is doing, while somebody watches.
const ASK: Duration = Duration::from_millis(500);
/// Least time between two maps to publish.
const PAUSE: Duration = Duration::from_millis(200);
/// Most bytes of messages that a client is sent at a time.
const PIECE: usize = 1 << 18;

/// A campaign that is watched. Its journal and its control socket are all that is known of it.
#[derive(Debug)]
pub(super) struct Campaign {
    folder: PathBuf,
    told: Mutex<Sent>,
    news: watch::Sender<()>,
    /// Whether it is followed: from the first request on.
    followed: Mutex<bool>,
}

/// A map as it is served.
#[derive(Clone, Debug)]
struct Served {
    /// Counts what it has been.
    version: u64,
    /// Points that were measured when it was made.
    points: usize,
    bytes: Bytes,
}

/// What was told of a campaign so far.
#[derive(Debug, Default)]
struct Sent {
    /// Counts the journals that this one took the place of.
    journal: u64,
    /// Version of its format.
    format: u8,
    /// A message a record, as the stream sends it.
    messages: Vec<Bytes>,
    /// Where the journal has the measured points.
    measured: Vec<(usize, Place)>,
    overview: Option<Bytes>,
    /// The figures of every step, and how often they have changed.
    figures: Option<(Head, u64)>,
    /// The maps by their names, and how often any has changed.
    maps: BTreeMap<String, Served>,
    maps_version: u64,
    /// Maps to publish of the past.
    asked: past::Asked,
    story: Story,
    /// Why the journal cannot be read on.
    problem: Option<String>,
    /// The last answer of the control socket, null where no program runs; nothing before it was asked.
    status: Option<Value>,
    /// Counts what `status` and `problem` have been.
    version: u64,
}

impl Sent {
    /// Takes a map, if it is another than before.
    pub(super) fn set_map(&mut self, name: &str, points: usize, bytes: Vec<u8>) -> bool {
        let before = self.maps.get(name);
        if before.is_some_and(|before| before.points == points && before.bytes == bytes) {
            return false;
        }
        self.maps_version += 1;
        let served = Served {
            version: self.maps_version,
            points,
            bytes: bytes.into(),
        };
        self.maps.insert(name.to_owned(), served);
        true
    }

    fn set_status(&mut self, status: Value) -> bool {
        let changed = self.status.as_ref() != Some(&status);
        if changed {
            self.status = Some(status);
            self.version += 1;
        }
        changed
    }
}

/// How far a client has been told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    /// The journal, and records of it.
    journal: Option<u64>,
    records: usize,
    version: u64,
    /// The figures, and steps whose figures were told.
    figures: u64,
    steps: usize,
    maps: u64,
}

impl Cursor {
    /// Of a client that has the records up to one of this number.
    pub(super) fn after(record: usize) -> Self {
        Self {
            records: record + 1,
            ..Self::default()
        }
    }
}

impl Campaign {
    /// The campaign in a folder.
    pub(super) fn new(folder: &Path) -> Arc<Self> {
        Arc::new(Self {
            folder: folder.to_owned(),
            told: Mutex::default(),
            news: watch::channel(()).0,
            followed: Mutex::default(),
        })
    }

    /// Follows the campaign until nobody holds it any more.
    ///
    /// # Errors
    /// When the system has no room for another thread.
    pub(super) fn follow(self: &Arc<Self>) -> io::Result<()> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if *followed {
            return Ok(());
        }
        let mut follower = Follower::new(&self.journal());
        let mut viewed = None;
        let weak = Arc::downgrade(self);
        Builder::new()
            .name("page-journal".to_owned())
            .spawn(move || while take_news(&weak, &mut follower, &mut viewed) {})?;
        *followed = true;
        let weak = Arc::downgrade(self);
        Builder::new()
            .name("page-status".to_owned())
            .spawn(move || while ask(&weak) {})?;
        let weak = Arc::downgrade(self);
        let mut map = LiveMap::default();
        Builder::new()
            .name("page-map".to_owned())
            .spawn(move || while make_map(&weak, &mut map) {})?;
        Ok(())
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// What becomes true whenever there is more to tell.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// The next piece of the stream for a client that was told so far, which is brought up to date;
    /// empty where nothing is new.
    pub(super) fn next_piece(&self, cursor: &mut Cursor) -> Vec<u8> {
        let told = self.lock();
        let mut piece = Vec::new();
        if cursor.journal != Some(told.journal) {
            // A client that was told of another journal begins anew.
            if cursor.journal.is_some() || cursor.records > told.messages.len() {
                cursor.records = 0;
            }
            cursor.journal = Some(told.journal);
            let begun = told.story.state().map(|state| state.begun().id);
            let begins = json!({
                "from": cursor.records, "records": told.messages.len(), "now_ms": now_ms(),
                "key": begun.map(|id| format!("{id:016x}-{}", told.format)),
            });
            piece.extend_from_slice(format!("event: journal\ndata: {begins}\n\n").as_bytes());
            (cursor.version, cursor.figures, cursor.steps) = (0, 0, 0);
            cursor.maps = 0;
        }
        while let Some(message) = told.messages.get(cursor.records)
            && (piece.is_empty() || piece.len() + message.len() <= PIECE)
        {
            piece.extend_from_slice(message);
            cursor.records += 1;
        }
        if cursor.records == told.messages.len() && cursor.version != told.version + 1 {
            cursor.version = told.version + 1;
            let mut status = json!({ "problem": told.problem });
            if let Some(running) = &told.status {
                status["running"] = running.clone();
            }
            piece.extend_from_slice(format!("event: status\ndata: {status}\n\n").as_bytes());
        }
        if cursor.records == told.messages.len()
            && let Some((head, version)) = &told.figures
            && cursor.figures != *version
        {
            let Head {
                points,
                seeds,
                noise_sigma,
                ref series,
                ..
            } = *head;
            let steps = series.seconds.len();
            let from = if cursor.steps <= steps {
                cursor.steps
            } else {
                0
            };
            let further = series.further.iter().map(|of| (&of.target, &of.units));
            let figures = json!({
                "points": points, "seeds": seeds, "noise_sigma": noise_sigma,
                "further": further.collect::<Vec<_>>(),
                "from": from, "series": since(series, from),
            });
            (cursor.figures, cursor.steps) = (*version, steps);
            piece.extend_from_slice(format!("event: figures\ndata: {figures}\n\n").as_bytes());
        }
        if cursor.records == told.messages.len() && cursor.maps != told.maps_version {
            cursor.maps = told.maps_version;
            let maps = told.maps.iter().map(|(name, map)| {
                let told = json!({ "version": map.version, "points": map.points });
                (name.clone(), told)
            });
            let maps = Value::Object(maps.collect());
            piece.extend_from_slice(format!("event: maps\ndata: {maps}\n\n").as_bytes());
        }
        piece
    }

    /// What the steps so far have covered; `None` before the first.
    pub(super) fn coverage(&self) -> Option<Value> {
        let Head { seeds, series, .. } = read_head(&self.folder)?;
        let (of, coverage) = match (series.target_coverage, series.observed_coverage) {
            (target, observed) if target.is_empty() => ("responses", observed),
            (target, _) => ("target", target),
        };
        (!coverage.is_empty()).then(|| json!({ "seeds": seeds, "of": of, "coverage": coverage }))
    }

    /// A map by its name: f32.
    pub(super) fn map(&self, name: &str) -> Option<Bytes> {
        let told = self.lock();
        told.maps.get(name).map(|map| map.bytes.clone())
    }

    /// The overview: an f32 a pixel, row by row.
    pub(super) fn overview(&self) -> Option<Bytes> {
        self.lock().overview.clone()
    }

    /// The spectrum that a record measured.
    pub(super) fn spectrum(&self, record: usize) -> Option<Vec<f64>> {
        let place = {
            let told = self.lock();
            let at = told.measured.iter().find(|(number, _)| *number == record)?;
            at.1
        };
        spectrum_at(&self.journal(), place)
    }

    /// The response of every measured point by another target, in the order of the journal, and its
    /// units.
    ///
    /// # Errors
    /// Why the target does not suit.
    pub(super) fn reduced(&self, target: &str) -> Result<Value, String> {
        let targets: Targets = target.parse().map_err(|error| format!("{error}"))?;
        let mut scalarizer = targets.first().cloned().unwrap_or(Scalarizer::Sum);
        let (channels, places) = {
            let told = self.lock();
            let state = told.story.state();
            // Components are what the campaign has learnt them to be.
            let mut known = state
                .into_iter()
                .flat_map(|state| &state.settings().scalarizers);
            if let Some(known) = known.find(|known| **known == scalarizer) {
                scalarizer = known.clone();
            }
            if !scalarizer.is_learnt() {
                return Err(format!(
                    "`{scalarizer}` is learnt once it is the target; expected `target {target}`"
                ));
            }
            let channels = state.map(|state| state.begun().channels.clone());
            (channels, told.measured.clone())
        };
        let channels = channels.ok_or("the campaign has not begun")?;
        let (coordinates, axis) = (&channels.coordinates, &channels.axis);
        let nothing = vec![0.0; coordinates.len()];
        let suits = scalarizer.reduce(&nothing, coordinates, axis);
        suits.map_err(|error| error.to_string())?;
        let journal = self.journal();
        let response = |place| {
            let spectrum = spectrum_at(&journal, place)?;
            scalarizer.reduce(&spectrum, coordinates, axis).ok()
        };
        let responses: Vec<_> = places.iter().map(|(_, place)| response(*place)).collect();
        let records: Vec<usize> = places.iter().map(|(record, _)| *record).collect();
        Ok(json!({
            "target": scalarizer.to_string(), "records": records, "responses": responses,
            "units": scalarizer.units(&axis.units, &channels.units),
            "note": scalarizer.cut(coordinates, axis),
            "windows": scalarizer.windows(coordinates, axis),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Sent> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the view in the folder, if it is another than before.
    fn take_view(&self, seen: &mut Option<SystemTime>) -> bool {
        let written = std::fs::metadata(view_file(&self.folder)).and_then(|there| there.modified());
        let written = written.ok();
        if written == *seen {
            return false;
        }
        *seen = written;
        let Some(seen) = read_view(&self.folder) else {
            return false;
        };
        let mut told = self.lock();
        for (head, bytes) in seen.head.maps.iter().zip(seen.maps) {
            told.set_map(&head.name, head.points, bytes);
        }
        // Of another target the truth may not be known, and there may be fewer of them.
        let there = |name: &str| seen.head.maps.iter().any(|head| head.name == name);
        let before = told.maps.len();
        told.maps
            .retain(|name, _| past::is_made_here(name) || there(name));
        if told.maps.len() < before {
            told.maps_version += 1;
        }
        let version = told.figures.as_ref().map_or(0, |(_, version)| *version) + 1;
        told.figures = Some((seen.head, version));
        true
    }

    fn take(&self, follower: &mut Follower) -> bool {
        let gone = follower.format().is_some() && !self.journal().exists();
        if gone {
            let mut told = self.lock();
            let problem = Some(format!(
                "`{}` is no longer there: it was moved or removed; this is what it held last",
                self.folder.display()
            ));
            let changed = told.problem != problem;
            told.problem = problem;
            told.version += u64::from(changed);
            return changed;
        }
        let news = follower.poll();
        let mut told = self.lock();
        let (problem, news) = match news {
            Ok(news) => (news.torn.then(|| torn(news.rest)), Some(news)),
            Err(error) => (Some(error.to_string()), None),
        };
        let mut changed = false;
        if told.problem != problem {
            told.problem = problem;
            told.version += 1;
            changed = true;
        }
        let Some(news) = news else { return changed };
        if news.anew {
            *told = Sent {
                journal: told.journal + 1,
                status: told.status.take(),
                figures: told.figures.take(),
                maps: std::mem::take(&mut told.maps),
                maps_version: told.maps_version,
                version: told.version + 1,
                ..Sent::default()
            };
        }
        told.format = follower.format().unwrap_or_default();
        changed |= news.anew || !news.records.is_empty();
        for (place, record) in news.records {
            let number = told.messages.len();
            let message = told.story.tell(number, &record);
            let message = format!("id: {number}\ndata: {message}\n\n");
            told.messages.push(Bytes::from(message));
            match record.event {
                Event::Overview(overview) => told.overview = Some(raster(&overview.image)),
                Event::Measured(_) => told.measured.push((number, place)),
                _ => {}
            }
        }
        changed
    }
}

/// Takes what has come to the journal; whether anybody still wants to know.
fn take_news(
    campaign: &Weak<Campaign>,
    follower: &mut Follower,
    viewed: &mut Option<SystemTime>,
) -> bool {
    let Some(campaign) = campaign.upgrade() else {
        return false;
    };
    let news = campaign.take(follower);
    if campaign.take_view(viewed) || news {
        campaign.news.send_replace(());
    }
    if !news {
        let pause = if campaign.lock().problem.is_some() {
            ASK
        } else {
            LOOK
        };
        drop(campaign);
        std::thread::sleep(pause);
    }
    true
}

/// Makes the map to publish of the points so far; whether anybody still wants to know. Nothing waits for
/// it, and it takes a quarter of one core at most.
fn make_map(campaign: &Weak<Campaign>, map: &mut LiveMap) -> bool {
    let Some(campaign) = campaign.upgrade() else {
        return false;
    };
    let begun = Instant::now();
    // Who looks at the past waits for it.
    if !campaign.make_past(map) && campaign.news.receiver_count() > 0 {
        let due = {
            let told = campaign.lock();
            told.story
                .state()
                .and_then(|state| map.due(told.journal, state))
        };
        if let Some(due) = due {
            let points = due.points();
            let made = map.make(due);
            let mut told = campaign.lock();
            match made {
                Some([mean, sigma]) => {
                    told.set_map("map_mean", points, mean);
                    told.set_map("map_sigma", points, sigma);
                }
                None => {
                    for name in ["map_mean", "map_sigma"] {
                        told.maps_version += u64::from(told.maps.remove(name).is_some());
                    }
                }
            }
            drop(told);
            campaign.news.send_replace(());
        }
    }
    drop(campaign);
    std::thread::sleep(PAUSE.max(3 * begun.elapsed()));
    true
}

/// Asks the campaign how it is doing; whether anybody still wants to know.
fn ask(campaign: &Weak<Campaign>) -> bool {
    let Some(campaign) = campaign.upgrade() else {
        return false;
    };
    if campaign.news.receiver_count() > 0 {
        let status = control::status(&campaign.folder).ok();
        let status = status.and_then(|status| serde_json::to_value(status).ok());
        let status = status.map_or(Value::Null, |mut status| {
            // These come with the journal, and would make every answer another one.
            for known in ["elapsed_seconds", "last_event_ms", "excluded", "discarded"] {
                status.as_object_mut().map(|status| status.remove(known));
            }
            status
        });
        if campaign.lock().set_status(status) {
            campaign.news.send_replace(());
        }
    }
    drop(campaign);
    std::thread::sleep(ASK);
    true
}

/// What is said of a last record that was torn.
fn torn(bytes: u64) -> String {
    format!(
        "the last record was torn, {bytes} bytes of it: `beacon resume` moves them aside and goes on"
    )
}

/// The figures of the steps from one on.
fn since(series: &Series, from: usize) -> Value {
    let part = |figures: &[f64]| json!(figures.get(from..).unwrap_or_default());
    let mut told = json!({
        "observed_coverage": part(&series.observed_coverage),
        "patch_coverage": part(&series.patch_coverage),
        "latent_coverage": part(&series.latent_coverage),
        "target_coverage": part(&series.target_coverage),
        "response_cluster_coverage": part(&series.response_cluster_coverage),
        "surrogate_mean": part(&series.surrogate_mean),
        "surrogate_sigma": part(&series.surrogate_sigma),
        "noise_sigma": part(&series.noise_sigma),
        "mae": part(&series.mae),
        "nlpd": part(&series.nlpd),
    });
    for of in &series.further {
        told[format!("mae:{}", of.target)] = part(&of.mae);
        told[format!("nlpd:{}", of.target)] = part(&of.nlpd);
    }
    told
}

fn spectrum_at(journal: &Path, place: Place) -> Option<Vec<f64>> {
    match read_at(journal, place).ok()?? {
        Record {
            event: Event::Measured(measured),
            ..
        } => Some(measured.acquired.spectrum),
        _ => None,
    }
}

fn raster(map: &Map) -> Bytes {
    single(map.values.iter().copied())
}

/// Numbers as f32, the lowest byte first.
pub(super) fn single(values: impl Iterator<Item = f64>) -> Bytes {
    let bytes: Vec<u8> = values
        .flat_map(|value| (value as f32).to_le_bytes())
        .collect();
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_that_no_program_runs_before_it_was_asked() {
        let campaign = Campaign::new(Path::new("not there"));
        let mut cursor = Cursor::default();
        let mut told = || String::from_utf8(campaign.next_piece(&mut cursor)).unwrap();
        let first = told();
        assert!(
            first.ends_with("event: status\ndata: {\"problem\":null}\n\n"),
            "{first}"
        );
        assert_eq!(told(), "");
        for running in [Value::Null, json!({ "points": 3 })] {
            assert!(campaign.lock().set_status(running.clone()));
            assert!(!campaign.lock().set_status(running.clone()));
            let status = json!({ "problem": null, "running": running });
            assert_eq!(told(), format!("event: status\ndata: {status}\n\n"));
        }
    }
}
