//! The instrument, the disk, the clock and people, as a campaign sees them.

mod world;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use beacon_kernel::Candidate;

use super::beam::BeamSettings;
use crate::campaign::drive::{Failure, World as _};
use crate::campaign::{Ended, Event, LiveConfig, Otherwise, Record, State, TimeOut};
use crate::control::{Control, Proposal};
use crate::controller::{BeamPort, OnHandOver};
use crate::journal::{
    Journal, JournalError, LearnedFile, Place, ROOM as VIEWS, Reserve, View, now_ms,
};
use crate::microscope::{Microscope, MicroscopeError, Past};
use crate::units::Seconds;

/// Where a campaign logs what a person should know at once: a line at a time.
pub type Log = Box<dyn FnMut(&str)>;

/// First pause before an instrument that failed is tried again; every further one is twice as
/// long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a pause looks for signals and commands.
const SLICE: Duration = Duration::from_millis(20);

/// What lies outside a live campaign.
pub(super) struct Station<'a> {
    pub(super) microscope: &'a mut dyn Microscope,
    pub(super) config: LiveConfig,
    pub(super) journal: RefCell<Journal>,
    /// Where the spectra of the measured candidates are in the journal.
    places: HashMap<Candidate, Place>,
    pub(super) learned: LearnedFile,
    pub(super) control: Option<Control>,
    reserve: Reserve,
    pub(super) view: View,
    beam: BeamSettings,
    interrupted: Arc<AtomicBool>,
    log: Log,
    /// Who watches hand-overs to the controller.
    pub(super) watch: Option<OnHandOver>,
    /// Whether only results are still to be made: a `stop` does not concern them.
    pub(super) has_ended: Rc<Cell<bool>>,
    /// When this program took the campaign up, and how long it had been running by then.
    pub(super) clock: (Instant, Duration),
    /// Since when the instrument has been failing, and the pause before the next attempt.
    failing: Option<(Instant, Duration)>,
    /// Whether the instrument blanked its beam at the last request.
    pub(super) blanked: bool,
    /// Exposures that a simulated instrument has to make up for when the campaign goes on.
    past: Vec<Past>,
}

impl<'a> Station<'a> {
    pub(super) fn new(
        microscope: &'a mut dyn Microscope,
        config: LiveConfig,
        journal: Journal,
        folder: &std::path::Path,
        interrupted: Arc<AtomicBool>,
        elapsed: Duration,
    ) -> Self {
        // A spectrum and its detectors, with room to spare.
        let bytes = 16 * microscope.channels().coordinates.len() + (64 << 10);
        Self {
            microscope,
            config,
            journal: RefCell::new(journal),
            places: HashMap::new(),
            learned: LearnedFile::new(folder),
            control: None,
            reserve: Reserve::new(folder, bytes),
            view: View::new(folder, VIEWS),
            beam: BeamSettings::default(),
            interrupted,
            log: Box::new(|_| ()),
            watch: None,
            has_ended: Rc::default(),
            clock: (Instant::now(), elapsed),
            failing: None,
            blanked: true,
            past: Vec::new(),
        }
    }

    /// The proposal that waits for approval, and how a person answers.
    fn asking(&self, state: &State) -> String {
        let proposal = Proposal::waiting(state).map_or_else(String::new, |waits| {
            let (_, units) = self.target(state);
            format!(" of {}", waits.described(&units))
        });
        let folder = self.control.as_ref().map(Control::folder);
        let folder = folder.unwrap_or(Path::new("DIR")).display();
        let time_out = state.settings().time_out;
        let then = time_out.map_or_else(String::new, |TimeOut { seconds, then }| {
            let then = match then {
                Otherwise::Go => "it is measured",
                Otherwise::Pause => "the campaign pauses",
            };
            format!("; without an answer {then} after {seconds} s")
        });
        format!(
            "the proposal{proposal} waits for approval, with the beam blanked: `beacon ctl {folder} \
             accept`, `reject` or `suggest ROW,COLUMN`{then}"
        )
    }

    pub(super) fn set_log(&mut self, log: Log) {
        self.log = log;
    }

    /// Breaks off hand-overs that take long when the campaign is interrupted.
    pub(super) fn interruptible(&self) -> OnHandOver {
        let interrupted = Arc::clone(&self.interrupted);
        Box::new(move |handover| {
            if handover.is_long() && interrupted.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
    }

    /// As [`Self::heeding`]; who watches as well is told too.
    pub(super) fn watching(&mut self) -> OnHandOver {
        let mut heeding = self.heeding();
        let mut other = self.watch.take();
        Box::new(move |handover| {
            heeding(handover)?;
            other
                .as_mut()
                .map_or(ControlFlow::Continue(()), |watch| watch(handover))
        })
    }

    /// Shows what takes long to whoever asks, and breaks it off when the campaign is interrupted, or told to
    /// stop before it has ended.
    pub(super) fn heeding(&self) -> OnHandOver {
        let mut interruptible = self.interruptible();
        let attend = self.control.as_ref().map(Control::attending);
        let has_ended = Rc::clone(&self.has_ended);
        Box::new(move |handover| {
            let stopped = handover.is_long()
                && attend
                    .as_ref()
                    .is_some_and(|attend| attend(&handover.to_string()));
            if stopped && !has_ended.get() {
                return ControlFlow::Break(());
            }
            interruptible(handover)
        })
    }

    /// Notes where the journal holds an event, and the exposure that a simulated instrument has to
    /// make up for.
    pub(super) fn note(&mut self, place: Place, event: &Event, dwell: Seconds) {
        match event {
            Event::Measured(measured) => {
                self.places.insert(Candidate(measured.candidate), place);
                let past = Past::Acquisition(measured.position, dwell.duration());
                self.past.push(past);
            }
            Event::Overview(_) | Event::Surveyed(_) => self.past.push(Past::Overview),
            _ => {}
        }
    }

    /// Brings a simulated instrument to where the journal ends.
    pub(super) fn fast_forward(&mut self) {
        let past = std::mem::take(&mut self.past);
        // An instrument that has just taken the first overview has nothing to make up for.
        if !past.is_empty() {
            self.microscope.fast_forward(&past);
            // The time that reading the journal took does not count as time of the campaign.
            self.clock.0 = Instant::now();
        }
    }

    /// The spectrum of a measured candidate, from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub(super) fn spectrum(&self, candidate: Candidate) -> Option<Result<Vec<f64>, JournalError>> {
        let place = *self.places.get(&candidate)?;
        Some(self.journal.borrow_mut().spectrum(place))
    }

    fn record_of(&self, event: &Event) -> Record {
        Record {
            at_ms: now_ms(),
            elapsed_ms: self.elapsed().as_millis() as u64,
            event: event.clone(),
        }
    }

    /// Blanks both beams. One that cannot be reached blanks by itself: the controller after its
    /// time-out, the instrument at the end of the exposure.
    fn blank_both(&mut self, beam: &mut dyn BeamPort) -> &'static str {
        self.blank_controller(beam);
        self.blank_instrument()
    }

    fn blank_instrument(&mut self) -> &'static str {
        // An instrument that has just failed often fails at this too. The log has that failure
        // already.
        self.blanked = self.microscope.blank().is_ok();
        self.show_beam(Some(self.blanked));
        if self.blanked {
            "the beam is blanked"
        } else {
            "the beam COULD NOT BE BLANKED: look after it"
        }
    }

    /// Says that an instrument that had failed answers, and where the beam is.
    fn answers_again(&mut self) {
        let Some((since, _)) = self.failing.take() else {
            return;
        };
        // What could not be blanked then can be now.
        let beam = if self.blanked {
            "the beam is blanked"
        } else {
            self.blank_instrument()
        };
        self.log(&format!(
            "the instrument answers again after {:.1} s; {beam}",
            since.elapsed().as_secs_f64()
        ));
    }

    fn show_beam(&self, blanked: Option<bool>) {
        if let Some(control) = &self.control {
            control.show_beam(blanked);
        }
    }

    fn blank_controller(&mut self, beam: &mut dyn BeamPort) {
        if let Err(error) = beam.blank() {
            self.log(&format!("the controller could not blank its beam: {error}"));
        }
    }

    /// Waits, and ends early for a signal, a `stop`, or the time limit.
    fn wait(&self, time: Duration, state: &State) -> Result<(), Ended> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if self.is_interrupted() {
                return Err(Ended::Interrupted);
            }
            if self.control.as_ref().is_some_and(Control::stopped) {
                return Err(Ended::Stopped);
            }
            let limit = state.settings().time_limit;
            if limit.is_some_and(|limit| Seconds::from(self.elapsed()) >= limit) {
                return Err(Ended::Time);
            }
            std::thread::sleep(SLICE.min(time));
        }
        Ok(())
    }

    /// Makes sure that the disk has room for the measurement to come.
    fn hold_room(&mut self, state: &State, beam: &mut dyn BeamPort) -> Result<(), Failure> {
        let mut pause = FIRST_PAUSE;
        let begun = Instant::now();
        while let Err(error) = self.reserve.hold() {
            self.blank_both(beam);
            let why = format!("there is no room on the disk for another spectrum: {error}");
            if begun.elapsed().as_secs_f64() > self.config.patience {
                return Err(Failure::End(Ended::Disk(why)));
            }
            self.show("waiting for the disk");
            self.log(&format!(
                "{why}; the beam is blanked, trying again in {:.1} s",
                pause.as_secs_f64()
            ));
            self.wait(pause, state).map_err(Failure::End)?;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// What an error of the instrument means for a campaign.
    fn failure(error: &MicroscopeError, of_point: bool) -> Failure {
        let why = error.to_string();
        match error {
            MicroscopeError::Aborted { .. } => Failure::Aborted(why),
            error if error.is_passing() => Failure::Passing(why),
            MicroscopeError::Answer { .. }
            | MicroscopeError::NoData { .. }
            | MicroscopeError::Outside { .. }
                if of_point =>
            {
                Failure::Point(why)
            }
            _ => Failure::Final(why),
        }
    }
}
