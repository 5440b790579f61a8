//! What happened in a campaign, folded from its journal.

use std::path::Path;

use beacon_kernel::Candidate;

use super::LiveError;
use super::taken_up::from_toml;
use crate::campaign::{Event, History, Record, Settings, State};
use crate::journal::Follower;

/// What happened in the campaign of a journal.
///
/// # Errors
/// When the journal cannot be read, or does not fit together.
pub fn read_history(journal: &Path) -> Result<History, LiveError> {
    let mut follower = Follower::new(journal);
    let mut state: Option<State> = None;
    let mut history = History::default();
    loop {
        let news = follower.poll()?;
        if news.records.is_empty() {
            break;
        }
        for (_, record) in news.records {
            take(&mut state, &mut history, &record)?;
        }
    }
    let state = state.ok_or_else(|| match journal.parent() {
        Some(folder) if !folder.is_dir() && folder != Path::new("") => {
            LiveError::Gone(folder.to_owned())
        }
        _ => LiveError::NothingBegun(journal.to_owned()),
    })?;
    history.finish(&state);
    Ok(history)
}

fn take(
    state: &mut Option<State>,
    history: &mut History,
    record: &Record,
) -> Result<(), LiveError> {
    if let Event::Begun(begun) = &record.event {
        let settings = Settings::live(&from_toml(&begun.settings)?, &begun.channels)?;
        *state = Some(State::new((**begun).clone(), settings));
    }
    let Some(state) = state else { return Ok(()) };
    if let Event::Exposing(exposing) = &record.event {
        // Journals of version 1 hold no proposals.
        state.expect(Candidate(exposing.candidate));
    }
    Ok(history.take(state, record)?)
}
