//! Maps of the past: those that were kept of the surrogate, and the map to publish, which is made again
//! of the points that counted then.

use std::collections::VecDeque;
use std::path::Path;

use axum::body::Bytes;
use serde_json::{Map, Value, json};

use super::{Campaign, Sent};
use crate::campaign::{Folded, State};
use crate::control_room::live_map::{Due, LiveMap};
use crate::journal::{Follower, Seen, kept_views, read_view_at};

/// Moments whose map to publish waits to be made, and those whose map is kept.
const WAITING: usize = 16;
const MADE: usize = 4;

/// The map to publish, mean and standard deviation; `None` where too few points give none.
type Published = Option<[Bytes; 2]>;

/// Maps to publish of the past, by the number of the last record of their moment.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: VecDeque<usize>,
    made: VecDeque<(usize, Published)>,
}

/// A map of the past as far as there is one.
pub(in crate::control_room) enum PastMap {
    /// Its numbers.
    Made(Bytes),
    /// It is being made; whoever asks again gets it.
    Making,
    /// There is none.
    None,
}

impl Campaign {
    /// The newest view of a moment up to a record: what it is of, the last record it stands for, and its
    /// maps with the points that they were made after. `None` where none was kept.
    pub(in crate::control_room) fn past(&self, record: usize) -> Option<Value> {
        let kept = kept_views(self.folder());
        let after = kept.partition_point(|kept| kept.record <= record);
        let now = self.record_of_view();
        let until = kept.get(after).map(|kept| kept.record).or(now);
        let until = until.filter(|until| *until > record).map(|until| until - 1);
        let (of, points, maps) = if now.is_some_and(|now| now <= record) {
            let told = self.lock();
            let maps = told.maps.iter().filter(|(name, _)| !is_made_here(name));
            let maps: Map<String, Value> = maps
                .map(|(name, map)| (name.clone(), map.points.into()))
                .collect();
            let points = told.figures.as_ref().map(|(head, _)| head.points);
            (now, points?, maps)
        } else {
            let seen = read_view_at(&kept.get(after.checked_sub(1)?)?.path)?;
            let maps = seen.head.maps.into_iter();
            let maps = maps.map(|map| (map.name, map.points.into())).collect();
            (seen.head.record, seen.head.points, maps)
        };
        Some(json!({ "record": of, "until": until, "points": points, "maps": maps }))
    }

    /// A map of the newest view of a moment up to a record, or the map to publish of just that moment.
    pub(in crate::control_room) fn past_map(&self, record: usize, name: &str) -> PastMap {
        if is_made_here(name) {
            return self.published(record, usize::from(name == SIGMA));
        }
        if self.record_of_view().is_some_and(|now| now <= record) {
            return self.map(name).map_or(PastMap::None, PastMap::Made);
        }
        let kept = kept_views(self.folder());
        let after = kept.partition_point(|kept| kept.record <= record);
        let kept = after.checked_sub(1).and_then(|last| kept.get(last));
        let seen = kept.and_then(|kept| read_view_at(&kept.path));
        let map = seen.and_then(|Seen { head, maps }| {
            let at = head.maps.iter().position(|map| map.name == name)?;
            maps.into_iter().nth(at)
        });
        map.map_or(PastMap::None, |map| PastMap::Made(map.into()))
    }

    /// Number of the last record by the time of the newest view.
    fn record_of_view(&self) -> Option<usize> {
        self.lock().figures.as_ref()?.0.record
    }

    /// The map to publish of a moment, which is asked for where it was not made yet.
    fn published(&self, record: usize, part: usize) -> PastMap {
        let mut told = self.lock();
        let Sent {
            asked, messages, ..
        } = &mut *told;
        if record >= messages.len() {
            return PastMap::None;
        }
        if let Some((_, made)) = asked.made.iter().find(|(of, _)| *of == record) {
            let map = made.as_ref().map(|maps| maps[part].clone());
            return map.map_or(PastMap::None, PastMap::Made);
        }
        if !asked.waiting.contains(&record) {
            // Who has moved on does not ask again.
            if asked.waiting.len() == WAITING {
                asked.waiting.pop_front();
            }
            asked.waiting.push_back(record);
        }
        PastMap::Making
    }

    /// Makes the map to publish that was asked for first; whether one was.
    pub(super) fn make_past(&self, map: &mut LiveMap) -> bool {
        let (journal, record) = {
            let told = self.lock();
            let Some(record) = told.asked.waiting.front() else {
                return false;
            };
            (told.journal, *record)
        };
        let state = state_after(&self.journal(), record);
        let due = state.and_then(|state| Due::of(journal, &state));
        let made = due.and_then(|due| map.make(due));
        let made = made.map(|maps| maps.map(Bytes::from));
        let mut told = self.lock();
        if told.journal == journal {
            let asked = &mut told.asked;
            asked.waiting.retain(|waiting| *waiting != record);
            if asked.made.len() == MADE {
                asked.made.pop_front();
            }
            asked.made.push_back((record, made));
        }
        true
    }
}

const SIGMA: &str = "map_sigma";

/// Whether the page's server makes this map itself.
pub(super) fn is_made_here(name: &str) -> bool {
    ["map_mean", SIGMA].contains(&name)
}

/// The campaign after a record of its journal, which is read up to there.
fn state_after(journal: &Path, record: usize) -> Option<State> {
    let (mut follower, mut folded) = (Follower::new(journal), Folded::default());
    let mut left = record + 1;
    while left > 0 {
        let news = follower.poll().ok()?;
        if news.records.is_empty() {
            return None;
        }
        for (_, record) in news.records.iter().take(left) {
            // As when it was told: an event that contradicts the others changes nothing.
            let _ = folded.take(&record.event);
        }
        left = left.saturating_sub(news.records.len());
    }
    folded.into_state()
}
