//! Folding the events of a journal, of either version.

use beacon_kernel::Candidate;

use super::station::Station;
use crate::campaign::drive::{Drive, World as _};
use crate::campaign::{CampaignError, Ended, Event, Record, State};
use crate::journal::{Journal, JournalError, Place, now_ms};

/// Folds the events of the journal. Up to where a matching file of what was learned reaches, nothing
/// is trained anew.
pub(super) fn fold(
    drive: &mut Drive<'_>,
    station: &mut Station<'_>,
    records: &[(Place, Record)],
    first: usize,
) -> Result<(), CampaignError> {
    let places: Vec<Place> = records.iter().map(|(place, _)| *place).collect();
    let end = station.journal.borrow().end();
    let mut done = 0;
    if let Some((count, kept)) = station.learned.read(&places, end)
        && count > first
    {
        done = (count - first).min(records.len());
        let past: Vec<Record> = records[..done].iter().map(|(_, r)| r.clone()).collect();
        drive.fold_learned(&past, kept, station)?;
        for (place, record) in &records[..done] {
            let dwell = drive.state().settings().dwell;
            station.note(*place, &record.event, dwell);
        }
    }
    for (place, record) in &records[done..] {
        if station.is_interrupted() {
            return Err(CampaignError::Unread);
        }
        drive.fold(record, station)?;
        let dwell = drive.state().settings().dwell;
        station.note(*place, &record.event, dwell);
    }
    Ok(())
}

/// Folds the events of a journal of version 1, derives those that it lacks, and replaces it by a
/// journal of the present version.
pub(super) fn fold_version_1(
    drive: &mut Drive<'_>,
    station: &mut Station<'_>,
    records: &[(Place, Record)],
    first: usize,
) -> Result<(), CampaignError> {
    let path_error = |error: JournalError| CampaignError::Ended(Ended::Disk(error.to_string()));
    let mut all = head_of_journal(drive.state());
    debug_assert_eq!(all.len(), first);
    for (place, record) in records {
        if station.is_interrupted() {
            return Err(CampaignError::Unread);
        }
        let missing = drive.derive(&record.event, station)?;
        all.extend(missing.into_iter().map(|event| Record {
            event,
            ..record.clone()
        }));
        drive.fold(record, station)?;
        let dwell = drive.state().settings().dwell;
        station.note(*place, &record.event, dwell);
        all.push(record.clone());
    }
    station.replace_journal(&all).map_err(path_error)
}

/// The first records of a journal of the present version, for one of version 1.
fn head_of_journal(state: &State) -> Vec<Record> {
    let record = |event| Record {
        at_ms: now_ms(),
        elapsed_ms: 0,
        event,
    };
    let mut head = vec![record(Event::Begun(Box::new(state.begun().clone())))];
    if let Some(overview) = state.overview() {
        head.push(record(Event::Surveying {
            electrons: state.ledger().total(),
        }));
        head.push(record(Event::Overview(Box::new((**overview).clone()))));
    }
    head
}

impl Station<'_> {
    /// Replaces a journal of version 1.
    fn replace_journal(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let path = self.journal.borrow().path().to_owned();
        let old = Journal::open(&path)?.journal;
        let (journal, places) = old.replace(records)?;
        self.journal = journal.into();
        for (place, record) in places.into_iter().zip(records) {
            if let Event::Measured(measured) = &record.event {
                self.set_place(Candidate(measured.candidate), place);
            }
        }
        Ok(())
    }
}
