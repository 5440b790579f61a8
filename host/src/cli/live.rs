//! `beacon run` and `beacon resume`: campaigns on an instrument.
//!
//! | file | what |
//! |---|---|
//! | `run`, `resume` | the two commands |
//! | `needs` | what a campaign needs of its kernel, and whether it is there |
//! | `to_its_end`, `told` | a session on its way to the end, what is left of it, and what people are told |

mod needs;
mod resume;
mod run;
mod to_its_end;
mod told;

use clap::Args;

use super::page::{OwnPage, OwnPageArgs};
use super::progress::Display;
use super::{Failure, log, scanner};
use crate::campaign::{Ended, Event, LiveConfig};
use crate::journal::{Follower, RunFolder};
use crate::live::LiveError;
use crate::microscope::{Interrupt, Microscope};

pub(super) use resume::{ResumeArgs, resume};
pub(super) use run::{RunArgs, run};

/// How a campaign is shown.
#[derive(Clone, Debug, Args)]
struct ShownArgs {
    /// Print the summary as JSON on standard output and nothing else.
    #[arg(long)]
    json: bool,
    /// Put letters on the panels of figures: a, b, c …
    #[arg(long)]
    letters: bool,
    #[command(flatten)]
    page: OwnPageArgs,
    /// Keep the page open when the campaign has ended, until this program is interrupted.
    #[arg(long, requires = "page", help_heading = "Page")]
    page_stay: bool,
}

/// Opens the instrument of a campaign, and takes over what it is used to.
fn open<'m>(
    config: &mut LiveConfig,
    scanner: Option<&scanner::Scanner<'m>>,
) -> Result<Box<dyn Microscope + 'm>, LiveError> {
    if let Some(scanner) = scanner {
        return Ok(Box::new(scanner.microscope(config)));
    }
    let (microscope, own_dwell) =
        config
            .microscope
            .open(&config.instrument, config.current, config.own_dwell()?)?;
    config.dwell = config.dwell.or(own_dwell.map(|dwell| dwell.as_secs_f64()));
    Ok(microscope)
}

/// A display whose interrupts the instrument knows of.
fn watched(
    microscope: &mut dyn Microscope,
    config: &LiveConfig,
    quiet: bool,
) -> Result<Display, Failure> {
    let interrupt = Interrupt::default();
    microscope.set_interrupt(interrupt.clone());
    Display::live(quiet, config.dwell(), &interrupt)
}

/// Keeps a page open after a campaign, which ended like this.
fn stay(
    page: Option<OwnPage>,
    done: Result<(), Failure>,
    display: &Display,
) -> Result<(), Failure> {
    if let Some(page) = page {
        if let Err(Failure::Running(said) | Failure::Early(said)) = &done {
            log(said);
        }
        page.stay(display);
    }
    done
}

/// What keeps a campaign from coming as far as its first point.
fn not_begun(error: &LiveError, folder: &RunFolder) -> Failure {
    let next = if is_untouched(folder) {
        "nothing was exposed either".to_owned()
    } else {
        format!("go on with `beacon resume {}`", folder.path().display())
    };
    let said = |why: &dyn std::fmt::Display| format!("nothing was measured: {why}; {next}");
    match error {
        LiveError::Aborted(why) => Failure::Suspended(said(why)),
        LiveError::Ended(why) => match why {
            Ended::Interrupted | Ended::Stopped => Failure::Suspended(said(why)),
            // What failed names itself.
            Ended::Instrument(what) => Failure::Running(said(what)),
            why if why.is_failure() => Failure::Running(said(why)),
            why => Failure::Early(said(why)),
        },
        error => Failure::Input(error.to_string()),
    }
}

/// Whether nothing was exposed for the campaign in a folder: its journal has the beginning at most.
fn is_untouched(folder: &RunFolder) -> bool {
    let journal = folder.journal();
    if !journal.exists() {
        return true;
    }
    let found = Follower::new(&journal).poll();
    found.is_ok_and(|news| {
        let mut records = news.records.iter();
        news.rest == 0 && records.all(|(_, record)| matches!(record.event, Event::Begun(_)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_that_ends_before_its_first_point_says_how_to_go_on() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::begin(&parent.path().join("run")).unwrap();
        let ended = |ended: Ended| not_begun(&LiveError::Ended(ended), &folder);
        let hint = format!("go on with `beacon resume {}`", folder.path().display());
        // What would be removed is nothing to go on with.
        assert!(!ended(Ended::Interrupted).text().contains(&hint));
        std::fs::write(folder.journal(), "more than a beginning").unwrap();
        for why in [Ended::Interrupted, Ended::Stopped] {
            assert!(matches!(ended(why.clone()), Failure::Suspended(_)), "{why}");
            assert!(ended(why).text().ends_with(&hint));
        }
        let failed = "the instrument failed at `overview`".to_owned();
        for why in [Ended::Instrument(failed), Ended::Disk("full".to_owned())] {
            assert!(matches!(ended(why.clone()), Failure::Running(_)), "{why}");
            let said = ended(why).text();
            assert!(said.ends_with(&hint), "{said}");
            assert!(said.matches("the instrument failed").count() < 2, "{said}");
        }
        assert!(matches!(ended(Ended::Time), Failure::Early(_)));
    }
}
