//! What is to be told of a campaign besides its figures.

use serde::{Deserialize, Serialize};

/// What went wrong without ending the campaign.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Warnings {
    /// Measured when it happened.
    points: usize,
    notes: Vec<String>,
}

impl Warnings {
    /// Points measured by now.
    pub(super) fn set_points(&mut self, points: usize) {
        self.points = points;
    }

    /// Notes what went wrong, once: what goes wrong at every step shall not fill the summary.
    pub(super) fn note(&mut self, what: &str) {
        if !self.notes.iter().any(|note| note.ends_with(what)) {
            let points = self.points;
            self.notes.push(format!("after {points} points: {what}"));
        }
    }

    /// Notes of how many points so far something is true, in one note that keeps the latest count.
    pub(super) fn note_count(&mut self, what: &str, count: usize) {
        let points = self.points;
        let noun = if count == 1 {
            "point was"
        } else {
            "points were"
        };
        let note = format!("after {points} points: {count} {noun} {what}");
        match self.notes.iter_mut().find(|note| note.ends_with(what)) {
            Some(before) => *before = note,
            None => self.notes.push(note),
        }
    }

    /// Notes what is to be said before anything is measured.
    pub(super) fn note_first(&mut self, what: &str) {
        if !self.notes.iter().any(|note| note == what) {
            self.notes.push(what.to_owned());
        }
    }

    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes
    }
}
