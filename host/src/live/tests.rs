//! Campaigns that come no further than their first overview, and folders that somebody moves.

use std::path::Path;
use std::time::Duration;

use super::{LiveError, Session, TakenUp, read_history};
use crate::campaign::{Ended, Event, LiveConfig, Record};
use crate::control::tell;
use crate::journal::{Follower, Journal, RunFolder};
use crate::microscope::{Interrupt, Microscope, SimulatedBeam, SpecimenMicroscope};
use crate::specimen::SpecimenKind;

/// A specimen whose overview takes no time, or hours.
fn microscope(hours: bool) -> SpecimenMicroscope {
    let specimen = SpecimenKind::Nanoparticles.config(1).make().unwrap();
    let beam = SimulatedBeam {
        real_time: hours,
        overview_dwell_us: if hours { 1e6 } else { 1.0 },
        ..SimulatedBeam::default()
    };
    SpecimenMicroscope::new(specimen, beam, None, None).unwrap()
}

fn config() -> LiveConfig {
    LiveConfig::new("specimen".parse().unwrap(), 20)
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The events in a folder.
fn events(folder: &Path) -> Vec<Event> {
    let news = Follower::new(&folder.join("journal")).poll().unwrap();
    news.records.into_iter().map(|(_, r)| r.event).collect()
}

fn resume<'a>(
    microscope: &'a mut SpecimenMicroscope,
    folder: &RunFolder,
) -> Result<Session<'a>, LiveError> {
    Session::resume(
        microscope,
        TakenUp::read(folder)?,
        folder,
        std::sync::Arc::default(),
    )
}

#[test]
fn the_first_overview_is_given_up_for_stop_now_and_a_resume_takes_it() {
    let parent = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&parent.path().join("run")).unwrap();
    let mut slow = microscope(true);
    slow.set_interrupt(Interrupt::default());
    let path = folder.path().to_owned();
    let person = std::thread::spawn(move || {
        while tell(&path, &words("stop now"), "Ada").is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let begun = Session::begin(
        &mut slow,
        config(),
        None,
        &folder,
        std::sync::Arc::default(),
    );
    person.join().unwrap();
    assert!(matches!(begun.err(), Some(LiveError::Aborted(_))));
    let left = events(folder.path());
    let [.., Event::GivenUp { .. }, Event::Commanded(stop)] = &left[..] else {
        panic!("{left:?}");
    };
    assert_eq!(
        (stop.command.to_string(), &*stop.by),
        ("stop".to_owned(), "Ada")
    );
    // It does not stop once more.
    let mut quick = microscope(false);
    assert!(resume(&mut quick, &folder).is_ok());
}

#[test]
fn a_stop_that_waits_is_taken_before_anything_is_exposed() {
    let parent = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&parent.path().join("run")).unwrap();
    let mut quick = microscope(false);
    let state = super::admission::beginning(&quick, &config(), None).unwrap();
    let first = Record {
        at_ms: 0,
        elapsed_ms: 0,
        event: Event::Begun(Box::new(state.begun().clone())),
    };
    Journal::begin(&folder.journal(), &first).unwrap();
    let commands = [
        r#"{"number":1,"command":"Pause"}"#,
        r#"{"number":2,"command":"Stop"}"#,
        "",
    ];
    std::fs::write(folder.commands(), commands.join("\n")).unwrap();
    let stopped = resume(&mut quick, &folder).err();
    assert!(
        matches!(stopped, Some(LiveError::Ended(Ended::Stopped))),
        "{stopped:?}"
    );
    let is_beam = |event: &Event| matches!(event, Event::Surveying { .. });
    assert!(!events(folder.path()).iter().any(is_beam));
    assert!(resume(&mut quick, &folder).is_ok());
}

#[test]
fn a_journal_of_another_revision_stays_as_it_is_with_what_is_torn() {
    let parent = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(parent.path()).unwrap();
    let state = super::admission::beginning(&microscope(false), &config(), None).unwrap();
    let mut begun = state.begun().clone();
    begun.algorithm -= 1;
    let first = Record {
        at_ms: 0,
        elapsed_ms: 0,
        event: Event::Begun(Box::new(begun)),
    };
    Journal::begin(&folder.journal(), &first).unwrap();
    let torn = [std::fs::read(folder.journal()).unwrap(), vec![9; 7]].concat();
    std::fs::write(folder.journal(), &torn).unwrap();
    let refused = TakenUp::read(&folder).unwrap_err();
    assert!(matches!(refused, LiveError::Algorithm { .. }), "{refused}");
    assert_eq!(std::fs::read(folder.journal()).unwrap(), torn);
    assert!(!parent.path().join("journal.torn").exists());
}

#[test]
fn a_folder_that_is_gone_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let gone = parent.path().join("run");
    let error = read_history(&gone.join("journal")).unwrap_err();
    assert!(
        matches!(&error, LiveError::Gone(path) if *path == gone),
        "{error}"
    );
    let error = read_history(&parent.path().join("journal")).unwrap_err();
    assert!(matches!(error, LiveError::NothingBegun(_)), "{error}");
}
