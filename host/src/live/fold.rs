//! Folding the events of a journal.

use super::station::Station;
use crate::campaign::drive::{Drive, World as _};
use crate::campaign::{CampaignError, Record};
use crate::journal::Place;

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
