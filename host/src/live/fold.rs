//! Folding the events of a journal.

use beacon_kernel::Candidate;

use super::station::Station;
use crate::campaign::drive::{Drive, World as _};
use crate::campaign::{CampaignError, Event, Record, State};
use crate::journal::Place;

/// What the journal of a campaign holds beyond the first overview.
#[derive(Default)]
pub(super) struct Beyond {
    pub(super) records: Vec<(Place, Record)>,
    /// Number of the first of them in the journal.
    pub(super) first: usize,
}

/// Folds the events of the journal. Up to where a matching file of what was learned reaches, nothing
/// is trained anew.
pub(super) fn fold(
    drive: &mut Drive<'_>,
    station: &mut Station<'_>,
    Beyond { records, first }: &Beyond,
) -> Result<(), CampaignError> {
    let places: Vec<Place> = records.iter().map(|(place, _)| *place).collect();
    let end = station.journal.borrow().end();
    let mut done = 0;
    if let Some((count, kept)) = station.learned.read(&places, end)
        && count > *first
    {
        done = (count - *first).min(records.len());
        for (place, record) in &records[..done] {
            drive.pass(record)?;
            // A command may have changed the dwell on the way.
            let dwell = drive.state().settings().dwell;
            station.note(*place, &record.event, dwell);
        }
        drive.go_on_from(kept, station)?;
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

/// The state at the end of the journal, by its events alone. `beacon ctl` is answered by it while the
/// kernel still takes the journal in.
pub(super) fn state_after(state: &State, records: &[(Place, Record)]) -> State {
    let mut state = state.clone();
    for (_, record) in records {
        // An event that does not fit is refused when the kernel takes the journal in.
        if let Event::Exposing(exposing) = &record.event {
            state.expect(Candidate(exposing.candidate));
        }
        let _ = state.apply(&record.event);
    }
    state
}
