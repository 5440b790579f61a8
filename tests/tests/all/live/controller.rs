//! Controllers that fail, fits and maps that somebody breaks off, and campaigns without anything to learn
//! from: whatever ends a campaign, it has its results.

use std::cell::Cell;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::Arc;

use beacon_host::Session;
use beacon_host::campaign::{Ended, Event};
use beacon_host::controller::{BeamPort, Controller, ControllerError, InProcess, Memory, Setup};
use beacon_host::internal::journal::{Follower, RunFolder};
use beacon_kernel::link::message::Settings;
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::{Acquisition, Candidate, Capacity, Model, Proposal, Responses, Surrogate};
use beacon_tests::live::{Ran, begin, go, resume, settings};
use beacon_tests::unreliable::{Mishap, Unreliable};

use super::{column, folder, say, undisturbed};

/// A kernel in this process that fails at a proposal, counted from 1, and at the end of its campaign.
struct Failing<'m> {
    kernel: InProcess<'m>,
    proposals: usize,
    fails_at: usize,
}

fn failed() -> ControllerError {
    ControllerError::State("it has lost its head".to_owned())
}

impl BeamPort for Failing<'_> {
    fn expose(&mut self, candidate: Candidate) -> Result<(), ControllerError> {
        self.kernel.expose(candidate)
    }

    fn blank(&mut self) -> Result<(), ControllerError> {
        self.kernel.blank()
    }

    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError> {
        self.kernel.configure(settings)
    }

    fn settings(&self) -> Option<Settings> {
        self.kernel.settings()
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        self.kernel.dose_us()
    }
}

impl Controller for Failing<'_> {
    fn room(&self) -> usize {
        self.kernel.room()
    }

    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.kernel.begin(setup)
    }

    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError> {
        self.kernel.choose(acquisition)
    }

    fn load_model(&mut self, model: &Model<'_>, version: u32) -> Result<(), ControllerError> {
        self.kernel.load_model(model, version)
    }

    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError> {
        self.kernel.measure(candidate, response)
    }

    fn reduce_with(
        &mut self,
        scalarizer: Option<Scalarizer>,
        origin: f64,
    ) -> Result<(), ControllerError> {
        self.kernel.reduce_with(scalarizer, origin)
    }

    fn measure_spectrum_all(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<Responses, ControllerError> {
        self.kernel.measure_spectrum_all(candidate, spectrum)
    }

    fn exclude(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<(), ControllerError> {
        self.kernel.exclude(rows, columns)
    }

    fn propose(&mut self, expose: bool) -> Result<Proposal, ControllerError> {
        self.proposals += 1;
        if self.proposals == self.fails_at {
            return Err(failed());
        }
        self.kernel.propose(expose)
    }

    fn look_at_surrogate(
        &mut self,
        look: &mut dyn FnMut(&Surrogate<'_>),
    ) -> Result<(), ControllerError> {
        self.kernel.look_at_surrogate(look)
    }

    fn end(&mut self) -> Result<(), ControllerError> {
        self.kernel.end()?;
        Err(failed())
    }
}

/// The map to publish, as text: NaN equals nothing.
fn map_of(ran: &Ran) -> String {
    let map = ran.outcome.map.as_ref().expect("a map");
    format!("{map:?}")
}

const SHORT: &str = "--microscope specimen --budget 16";

/// The campaign with a controller that fails at a proposal and at the end.
fn with_failing(fails_at: usize) -> Ran {
    let (_kept, path) = folder();
    let mut config = settings(SHORT);
    let mut microscope = column(&mut config);
    let folder = RunFolder::begin(&path).unwrap();
    let session = Session::begin(&mut microscope, config, None, &folder, Arc::default()).unwrap();
    let capacity = Capacity::for_candidates(session.candidates().unwrap(), 32);
    let mut memory = Memory::new(capacity);
    let mut controller = Failing {
        kernel: InProcess::new(&mut memory).unwrap(),
        proposals: 0,
        fails_at,
    };
    go(session, Some(&mut controller)).unwrap()
}

#[test]
fn an_error_of_the_controller_at_the_end_costs_no_result() {
    let whole = undisturbed(SHORT);
    let ran = with_failing(usize::MAX);
    assert_eq!(ran.outcome.ended, Ended::Budget);
    assert_eq!(ran.trajectory(), whole.trajectory());
    assert_eq!(map_of(&ran), map_of(&whole));
    let warnings = ran.outcome.warnings.join("\n");
    let said =
        "the controller did not end its campaign: the controller's state is not this campaign's";
    assert!(warnings.contains(said), "{warnings}");
}

#[test]
fn one_on_the_way_ends_the_campaign_with_what_was_measured() {
    let whole = undisturbed(SHORT);
    // Ten seeds by chance, then two points of the strategy.
    let ran = with_failing(13);
    assert!(matches!(&ran.outcome.ended, Ended::Controller(why) if why.contains("lost its head")));
    assert_eq!(ran.trajectory(), whole.trajectory()[..12]);
    assert!(ran.outcome.map.is_some());
    assert_eq!(ran.summary.positions.len(), 12);
}

/// Seeds that were all in vain leave nothing to train on: the strategy begins without a model.
#[test]
fn a_campaign_whose_seeds_cannot_be_used_goes_on() {
    let (_kept, path) = folder();
    let mut config = settings("--microscope specimen --budget 8");
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        (at <= 3).then_some(Mishap::Length(7))
    });
    let folder = RunFolder::begin(&path).unwrap();
    let seeds = Some(vec![100, 900, 2000]);
    let session = Session::begin(&mut microscope, config, seeds, &folder, Arc::default());
    let ran = go(session.unwrap(), None).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Budget);
    assert_eq!(ran.trajectory().len(), 8);
    assert_eq!(microscope.asked, 11);
}

/// A person may discard all points there are.
#[test]
fn so_does_one_whose_points_are_all_discarded() {
    let (_kept, path) = folder();
    let mut config = settings("--microscope specimen --budget 14 --initial 3 --retrain-every 1");
    let at = path.clone();
    let discarded = Cell::new(0);
    let mut microscope = Unreliable::new(column(&mut config), |number| {
        if number == 6 {
            let points = say(&at, "status").unwrap()["points"].as_u64().unwrap();
            assert_eq!(points, 5);
            let news = Follower::new(&at.join("journal")).poll().unwrap();
            for (_, record) in news.records {
                if let Event::Measured(measured) = record.event {
                    let (row, column) = measured.position.nearest_pixel(64, 64).unwrap();
                    say(&at, &format!("discard {row},{column}")).unwrap();
                    discarded.set(discarded.get() + 1);
                }
            }
        }
        None
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(discarded.get(), 5);
    assert_eq!(ran.outcome.ended, Ended::Budget);
    assert_eq!(ran.trajectory().len(), 14);
}

/// The campaign with somebody who breaks off what is called so, for the time of that number.
fn broken_off(arguments: &str, path: &Path, what: &'static str, time: usize) -> Ran {
    let mut config = settings(arguments);
    let mut microscope = column(&mut config);
    let folder = RunFolder::begin(path).unwrap();
    let session = Session::begin(&mut microscope, config, None, &folder, Arc::default());
    let (mut session, mut times) = (session.unwrap(), 0);
    session.set_watch(Box::new(move |handover| {
        // Nothing of it is done yet.
        times += usize::from(handover.what == what && handover.left.is_none());
        if times == time {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }));
    go(session, None).unwrap()
}

#[test]
fn a_map_that_is_broken_off_is_made_when_the_campaign_is_resumed() {
    let whole = undisturbed(SHORT);
    let (_kept, path) = folder();
    let ran = broken_off(SHORT, &path, "making the map", 1);
    assert_eq!(ran.outcome.ended, Ended::Budget);
    assert_eq!(ran.trajectory(), whole.trajectory());
    assert!(ran.outcome.map.is_none() && ran.outcome.maps.is_empty());
    let warnings = ran.outcome.warnings.join("\n");
    assert!(
        warnings.contains("was broken off: `beacon resume` makes it"),
        "{warnings}"
    );
    let again = resume(&mut column(&mut settings(SHORT)), &path).unwrap();
    assert_eq!(map_of(&again), map_of(&whole));
    assert_eq!(again.outcome.maps, whole.outcome.maps);
}

#[test]
fn a_fit_that_is_broken_off_ends_the_campaign_which_goes_on_with_it() {
    let config = "--microscope specimen --budget 16 --retrain-every 2";
    let whole = undisturbed(config);
    let (_kept, path) = folder();
    let ran = broken_off(config, &path, "training", 3);
    assert_eq!(ran.outcome.ended, Ended::Interrupted);
    let points = ran.trajectory().len();
    assert!((10..16).contains(&points), "{points}");
    let again = resume(&mut column(&mut settings(config)), &path).unwrap();
    assert_eq!(again.outcome.ended, Ended::Budget);
    assert_eq!(again.trajectory(), whole.trajectory());
}
