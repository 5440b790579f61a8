//! A session on its way to the end, and what is left of it.

use super::ShownArgs;
use super::told::{beam, hint, report};
use crate::campaign::{CampaignError, Ended, Outcome, RunFiles, write_run};
use crate::cli::progress::Display;
use crate::cli::{Failure, OrFail as _, log, print, print_json, spaces};
use crate::controller::Controller;
use crate::data::files::Finished;
use crate::journal::RunFolder;
use crate::live::{LiveSummary, Session, write_points, write_results};
use crate::spaces::{LatentConfig, Spaces, SpacesError};

/// Runs a session to its end, and writes what there is, the summary on standard output as well or
/// figures with letters where that is asked for.
pub(super) fn go(
    mut session: Session<'_>,
    controller: &mut dyn Controller,
    folder: &RunFolder,
    display: &Display,
    args: &ShownArgs,
) -> Result<(), Failure> {
    let patches = session.patches().or_input()?;
    let latent = session.config().latent_coverage;
    let latent = latent.then(LatentConfig::default);
    let spaces = spaces::of_campaign(&patches, latent, |cache| {
        session.spaces(&patches, latent, cache, controller)
    });
    let spaces = match spaces {
        // The session sees for itself what broke it off, and ends in order.
        Err(SpacesError::BrokenOff) => None,
        spaces => Some(spaces.or_running()?),
    };
    let config = session.config();
    // The strategy may change on the way.
    let path = folder.path();
    let name = path.file_name().unwrap_or(path.as_os_str());
    let mut progress = display.points(&name.to_string_lossy(), config.budget);
    session.set_log(progress.log());
    session.set_watch(progress.watch());
    session.set_interrupt(display.asked());
    let block = display.block(folder.path());
    let outcome = session.run(spaces.as_ref(), controller, &mut progress);
    drop(block);
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(CampaignError::Unread) => {
            let folder = folder.path().display();
            return Err(Failure::Suspended(format!(
                "the journal was not read to its end, and nothing in {folder} has changed: go on \
                 with `beacon resume {folder}`"
            )));
        }
        Err(error) => {
            let hint = hint(&session, None, folder.path());
            return Err(Failure::Running(format!("{error}; {hint}")));
        }
    };

    // The journal says why it ended first; one that would end again does so by the settings of now.
    let ended = session.ended_again().unwrap_or(&outcome.ended);
    let written = write(&session, &outcome, spaces.as_ref(), folder, args);
    if let Err(Failure::Running(why)) = written {
        let hint = if folder.path().is_dir() {
            hint(&session, None, folder.path())
        } else {
            beam(&session).to_owned()
        };
        return Err(Failure::Running(format!(
            "{why}; the campaign ended: {ended}; {hint}"
        )));
    }
    written?;
    let hint = hint(&session, Some(ended), folder.path());
    match ended {
        Ended::Interrupted => Err(Failure::Suspended(hint)),
        Ended::Budget => Ok(()),
        Ended::Stopped => {
            log(&format!("stopped; {hint}"));
            Ok(())
        }
        ended if ended.is_failure() => Err(Failure::Running(format!("{ended}; {hint}"))),
        ended => Err(Failure::Early(format!("{ended}; {hint}"))),
    }
}

/// Writes the results of a campaign that has ended, and tells of them.
fn write(
    session: &Session<'_>,
    outcome: &Outcome,
    spaces: Option<&Spaces>,
    folder: &RunFolder,
    args: &ShownArgs,
) -> Result<(), Failure> {
    let summary = LiveSummary::new(outcome, session).or_running()?;
    // Results belong to the events and to the program that made something of them.
    let version = env!("CARGO_PKG_VERSION");
    let mut key = format!("{} {version}", summary.journal_sha256);
    if outcome.map.is_none() {
        // One that was broken off is made by the next program.
        key.push_str(" without a map");
    }
    let finished = Finished::of(folder.path(), &key);
    finished
        .once("acquisitions.csv", || {
            write_points(folder.path(), session.state(), &summary.history)
        })
        .or_running()?;
    let files = RunFiles {
        history: Some(&summary.history),
        letters: args.letters,
        ..RunFiles::new(outcome, session, spaces)
    };
    write_run(folder.path(), &files, session.config(), &summary, &finished).or_running()?;
    finished
        .once("campaign.hspy", || {
            write_results(&folder.results(), outcome, session, &summary)
        })
        .or_running()?;
    if args.json {
        print_json(&summary)
    } else {
        print(&report(outcome, &summary, session, folder.path()))
    }
}
