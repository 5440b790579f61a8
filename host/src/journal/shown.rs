//! What a page shows of a campaign without a journal of its own: a journal that nothing depends on, and a
//! view beside it.

use std::path::Path;
use std::time::Instant;

use super::past::LITTLE_ROOM;
use super::view::Moment;
use super::{Journal, JournalError, View, now_ms};
use crate::campaign::{Event, Posterior, Record, Series, State, Witness};
use crate::data::Map;

/// A campaign that is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    path: std::path::PathBuf,
    journal: Option<Journal>,
    view: View,
    begun: Instant,
}

impl Shown {
    /// Shows a campaign in a folder, which is made.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn new(folder: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            path: folder.join("journal"),
            journal: None,
            view: View::new(folder, LITTLE_ROOM),
            begun: Instant::now(),
        })
    }

    fn keep(&mut self, event: &Event) -> Result<(), JournalError> {
        let record = Record {
            at_ms: now_ms(),
            elapsed_ms: self.begun.elapsed().as_millis() as u64,
            event: event.clone(),
        };
        match &mut self.journal {
            Some(journal) => {
                journal.append(&record)?;
            }
            None => self.journal = Some(Journal::begin_to_show(&self.path, &record)?),
        }
        Ok(())
    }
}

impl Witness for Shown {
    fn happened(&mut self, event: &Event) {
        // The campaign does not depend on what is shown of it.
        let _ = self.keep(event);
    }

    fn shows_scores(&self) -> bool {
        self.view.wants_scores()
    }

    fn show_figures(
        &mut self,
        state: &State,
        series: &Series,
        surrogates: &[Posterior],
        plane: Option<Vec<[f32; 2]>>,
    ) {
        let journal = self.journal.as_ref();
        let record = journal.and_then(Journal::last);
        let moment = Moment::after(record, state);
        self.view.show(moment, series, surrogates, plane);
    }

    fn show_scores(&mut self, state: &State, scores: Vec<f32>) {
        self.view.show_scores(state.points().len(), scores);
    }

    fn show_truths(&mut self, truths: &[Option<&Map>]) {
        self.view.show_truths(truths);
    }
}
