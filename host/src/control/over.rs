//! The status of a campaign that no program runs, by its journal.

use std::path::Path;
use std::time::Duration;

use super::{ControlError, Status};
use crate::campaign::{Folded, LiveConfig};
use crate::journal::{Follower, has_beginning};
use crate::microscope::MicroscopeChoice;
use crate::units::Seconds;

/// The status of the campaign in a folder as its journal has it, and how it would go on. Nothing in the
/// folder is touched.
///
/// # Errors
/// When there is no journal, or none that can be read.
pub fn status_by_journal(folder: &Path) -> Result<Status, ControlError> {
    let unread = |why: &dyn ToString| ControlError::Unread(why.to_string());
    let journal = folder.join("journal");
    let (mut follower, mut folded) = (Follower::new(&journal), Folded::default());
    let mut last = None;
    loop {
        let news = follower.poll().map_err(|error| unread(&error))?;
        for (_, record) in &news.records {
            folded.take(&record.event).map_err(|error| unread(&error))?;
            last = Some((record.at_ms, record.elapsed_ms));
        }
        if news.records.is_empty() {
            break;
        }
    }
    follower.judge().map_err(|error| unread(&error))?;
    let (Some(state), Some((at_ms, elapsed_ms))) = (folded.state(), last) else {
        return Err(ControlError::NotRunning {
            folder: folder.to_owned(),
        });
    };
    let elapsed = Duration::from_millis(elapsed_ms);
    let begun = toml::from_str::<LiveConfig>(&state.begun().settings);
    let foreign = begun.is_ok_and(|begun| matches!(begun.microscope, MicroscopeChoice::Own(_)));
    let (activity, option) = if let Some(ended) = state.ended() {
        let option = state.option_to_go_on(ended, Seconds::from(elapsed));
        (format!("ended: {ended}"), option)
    } else if foreign {
        // A notebook ends nothing, and listens to nobody while it works.
        let why = "its journal tells no end: the program that began it may go on at any time";
        (why.to_owned(), None)
    } else {
        let why = "no program runs it: it was broken off, and its journal ends without a word";
        (why.to_owned(), None)
    };
    let option = option.map_or_else(String::new, |option| format!(" {option}"));
    let mut status = Status::new(state, &activity, elapsed);
    status.running = false;
    status.ended = state.ended().map(ToString::to_string);
    status.last_event_ms = Some(at_ms);
    status.go_on = Some(if foreign {
        // As a notebook, whose instrument this program does not open.
        "with the program that began it".to_owned()
    } else {
        format!("beacon resume {}{option}", folder.display())
    });
    Ok(status)
}

/// What there is to do with a campaign that does not run, where there is one.
pub(super) fn how_to_go_on(folder: &Path) -> String {
    let journal = folder.join("journal");
    if !journal.is_file() {
        return String::new();
    }
    let folder = folder.display();
    if !has_beginning(&journal) {
        return format!(
            ": `{folder}/journal` ends before the campaign's beginning, and there is nothing to go on with; begin \
             again in another folder"
        );
    }
    format!(
        ": `beacon ctl {folder} status` says how it ended, and `beacon resume {folder}` goes on with it"
    )
}
