//! What lies outside a campaign that is asked and told: the caller, and the journal.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use beacon_kernel::Candidate;

use super::AskTellError;
use crate::campaign::drive::{Failure, Kept, World};
use crate::campaign::{
    Ended, Event, Expose, Exposure, Given, Measured, MeasuredPoint, Posterior, Record, Series,
    State,
};
use crate::controller::BeamPort;
use crate::data::{Behaviour, Map};
use crate::journal::{Journal, LearnedFile, Moment, ROOM as VIEWS, RunFolder, View, now_ms};
use crate::scalarizer::Scalarizer;

/// A journal in a folder that nobody else works in, and what is shown of the campaign.
pub(super) struct Folder {
    journal: Journal,
    learned: LearnedFile,
    view: View,
    _claim: RunFolder,
}

impl Folder {
    /// Keeps what was learned by the end of the journal.
    pub(super) fn keep(&mut self, kept: &dyn Fn() -> Kept) {
        self.learned.write(self.journal.end(), kept);
    }

    /// Shows the surrogate by the end of the journal, and where it has the candidates in its plane.
    pub(super) fn show(
        &self,
        state: &State,
        series: &Series,
        surrogates: &[Posterior],
        plane: Option<Vec<[f32; 2]>>,
    ) {
        let moment = Moment::after(self.journal.last(), state);
        self.view.show(moment, series, surrogates, plane);
    }
}

/// The caller and the journal.
pub(super) struct Told {
    begun: Instant,
    /// How long the campaign had been running before.
    before: Duration,
    /// Everything that happened so far.
    pub(super) records: Vec<Record>,
    /// Commands that are to be carried out.
    pub(super) waiting: VecDeque<Given>,
    folder: Option<Folder>,
}

impl Told {
    pub(super) fn new(records: Vec<Record>) -> Self {
        Self {
            begun: Instant::now(),
            before: Duration::ZERO,
            records,
            waiting: VecDeque::new(),
            folder: None,
        }
    }

    /// Goes on from what happened since the beginning.
    pub(super) fn take_up(&mut self, rest: Vec<Record>) {
        let last = rest.last().map_or(0, |last| last.elapsed_ms);
        (self.before, self.begun) = (Duration::from_millis(last), Instant::now());
        self.records.extend(rest);
    }

    /// Keeps everything from here on in a journal, and what happened so far.
    pub(super) fn keep_in(&mut self, folder: &Path) -> Result<&Folder, AskTellError> {
        let written = self.written(folder)?;
        Ok(self.folder.insert(written))
    }

    /// Another folder with what happened so far; nothing where it is the one that has it already.
    pub(super) fn copied(&self, folder: &Path) -> Result<Option<Folder>, AskTellError> {
        if let Some(own) = &self.folder
            && same_file(own.journal.path(), &folder.join("journal"))
        {
            return Ok(None);
        }
        self.written(folder).map(Some)
    }

    /// A folder with a journal of what happened so far; one that holds less of it takes the rest.
    fn written(&self, path: &Path) -> Result<Folder, AskTellError> {
        let Some((first, rest)) = self.records.split_first() else {
            return Err(AskTellError::Another(path.to_owned()));
        };
        let (claim, mut journal, done) = if path.join("journal").is_file() {
            let claim = RunFolder::resume(path)?;
            let mut found = Journal::inspect(&claim.journal())?;
            // By their bytes: a measurement that failed is NaN, which equals nothing.
            let bytes = |record: &Record| postcard::to_allocvec(record).ok();
            let there = found.records.iter().map(|(_, record)| bytes(record));
            let ours = self.records.iter().take(found.records.len()).map(bytes);
            if found.records.is_empty() || !there.eq(ours) {
                claim.leave();
                return Err(AskTellError::Another(path.to_owned()));
            }
            found.mend()?;
            (claim, found.journal, found.records.len() - 1)
        } else {
            let claim = RunFolder::begin(path)?;
            let journal = Journal::begin(&claim.journal(), first)?;
            (claim, journal, 0)
        };
        for record in &rest[done..] {
            journal.append(record)?;
        }
        Ok(Folder {
            journal,
            learned: LearnedFile::new(path),
            view: View::new(path, VIEWS),
            _claim: claim,
        })
    }

    /// What was told of a measured point.
    pub(super) fn spectrum(&self, candidate: Candidate) -> Option<&[f64]> {
        let mut newest_first = self.records.iter().rev();
        newest_first.find_map(|record| match &record.event {
            Event::Measured(measured) if measured.candidate == candidate.0 => {
                Some(&measured.acquired.spectrum[..])
            }
            _ => None,
        })
    }

    /// Name and units of each target.
    pub(super) fn quantities(state: &State) -> Vec<(String, String)> {
        let (channels, settings) = (&state.begun().channels, state.settings());
        if channels.coordinates.len() == 1 && settings.targets.len() == 1 {
            return vec![(channels.quantity.clone(), channels.units.clone())];
        }
        let named = |target: &Scalarizer| (target.to_string(), String::new());
        settings.sought().map(named).collect()
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| std::fs::canonicalize(path).ok();
    resolved(one).is_some_and(|one| Some(one) == resolved(other))
}

impl World for Told {
    fn elapsed(&self) -> Duration {
        self.before + self.begun.elapsed()
    }

    fn is_interrupted(&self) -> bool {
        false
    }

    fn command(&mut self) -> Option<Given> {
        self.waiting.pop_front()
    }

    fn record(&mut self, event: &Event, _: &mut dyn BeamPort) -> Result<(), Ended> {
        let record = Record {
            at_ms: now_ms(),
            elapsed_ms: self.elapsed().as_millis() as u64,
            event: event.clone(),
        };
        if let Some(folder) = &mut self.folder {
            let kept = folder.journal.append(&record);
            kept.map_err(|error| Ended::Disk(error.to_string()))?;
        }
        self.records.push(record);
        Ok(())
    }

    fn keep_learned(&mut self, kept: &dyn Fn() -> Kept) {
        if let Some(folder) = &mut self.folder {
            folder.keep(kept);
        }
    }

    fn shows_maps(&self) -> bool {
        self.folder.is_some()
    }

    fn shows_scores(&self) -> bool {
        let folder = self.folder.as_ref();
        folder.is_some_and(|folder| folder.view.wants_scores())
    }

    fn show_figures(
        &mut self,
        state: &State,
        series: &Series,
        surrogates: &[Posterior],
        plane: Option<Vec<[f32; 2]>>,
    ) {
        if let Some(folder) = &self.folder {
            folder.show(state, series, surrogates, plane);
        }
    }

    fn show_scores(&mut self, state: &State, scores: Vec<f32>) {
        if let Some(folder) = &self.folder {
            folder.view.show_scores(state.points().len(), scores);
        }
    }

    fn survey(&mut self, _: &State) -> Result<Event, Failure> {
        Err(Failure::Final("there is one image alone".to_owned()))
    }

    fn prepare(&mut self, _: &State, _: &Expose, _: &mut dyn BeamPort) -> Result<(), Failure> {
        Ok(())
    }

    fn expose(
        &mut self,
        _: &State,
        _: &Expose,
        _: &mut dyn BeamPort,
    ) -> Result<(Measured, Exposure), Failure> {
        Err(Failure::Final("the caller measures".to_owned()))
    }

    fn spectrum(&self, point: &MeasuredPoint) -> Option<Vec<f64>> {
        self.spectrum(point.candidate).map(<[f64]>::to_vec)
    }

    fn truth(&self, _: &Scalarizer) -> Option<Map> {
        None
    }

    fn target(&self, state: &State) -> (String, String) {
        Self::quantities(state).swap_remove(0)
    }

    fn targets(&self, state: &State) -> Vec<(String, String)> {
        Self::quantities(state)
    }

    fn behaviours(&self) -> &[Behaviour] {
        &[]
    }
}
