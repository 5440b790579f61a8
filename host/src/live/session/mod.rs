//! A campaign on an instrument, as an experiment: what stands between the loop and the beam.
//!
//! Everything that happens is in the [journal](super::journal) before anything follows from it. A
//! campaign that goes on after a kill runs from its beginning once more, and the session answers
//! from the journal until that is used up: the kernel and the trainer, which are deterministic,
//! come to be where they were, and every later decision is the one that would have been made.

mod begin;
mod expose;
mod orders;
mod relive;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use beacon_kernel::link::message::DoseLimits;
use beacon_kernel::{Acquisition, Candidates, Pixel};

use super::LiveConfig;
use super::aim::Aim;
use super::closed::Closed;
use super::control::Control;
use super::dose::Ledger;
use super::event::{Begun, Command, Event, Record};
use super::journal::{Journal, JournalError, Place};
use super::points::{LivePoint, Points};
use super::reserve::Reserve;
use super::status::Board;
use crate::controller::BeamPort;
use crate::data::{Behaviour, Channels, Map};
use crate::experiment::{Ended, Experiment, ExperimentError, Order, Point, Unreduced};
use crate::microscope::{Microscope, Past};
use crate::scalarizer::Scalarizer;

pub use begin::TakenUp;

/// What a session has to say to whoever watches: a line at a time.
pub type Voice = Box<dyn FnMut(&str)>;

/// A campaign on an instrument.
pub struct Session<'a> {
    microscope: &'a mut dyn Microscope,
    config: LiveConfig,
    begun: Begun,
    journal: RefCell<Journal>,
    /// What happened before and is still to be lived through again, with its places.
    past: VecDeque<(Place, Record)>,
    /// How many points the journal held when the campaign was taken up, and how many bytes of a
    /// torn record were moved aside.
    found: Option<(usize, u64)>,
    /// Electrons that were announced for an exposure and not yet accounted for.
    announced: f64,
    /// What has to be done before the instrument answers; nothing once it does.
    asleep: Option<Asleep>,
    /// Whether the controller's beam has yet to be told what it may do.
    unset: bool,
    /// The limits that it was told last, which it does not let anybody raise.
    told: Option<DoseLimits>,
    points: Points,
    /// The last spectrum, where the controller is to reduce it.
    unreduced: Option<Vec<f32>>,
    truth: Option<Map>,
    ledger: Ledger,
    current_pa: Option<f64>,
    /// Longest time with the beam on, relative to the live time, by the instrument's word.
    stretch: f64,
    /// Resets of the controller that it was restored after.
    resets: u32,
    /// What somebody wanted otherwise, and the points measured by then.
    commands: Vec<(usize, Command)>,
    /// Times that another target was sought.
    retargets: Arc<AtomicUsize>,
    /// Whether the instrument obeyed when it was told to blank last.
    blanked: bool,
    reserve: Reserve,
    aim: Aim,
    /// Points measured when drift was looked for last.
    surveyed: usize,
    /// Overviews in a row that told no drift.
    uncertain: u32,
    candidates: Candidates,
    /// Where nothing is to be measured any more.
    closed: Closed,
    acquisition: Acquisition,
    control: Option<Control>,
    board: Board,
    interrupted: Arc<AtomicBool>,
    voice: Voice,
    /// When this program took the campaign up, and how long it had been running by then.
    clock: (Instant, Duration),
}

/// A session that still lives through its journal.
struct Asleep {
    /// What a simulated instrument has to live through again.
    exposures: Vec<Past>,
    /// Whether the journal ends with an end, from which the campaign goes on because somebody
    /// said so.
    had_ended: bool,
}

impl Session<'_> {
    /// Where the session says what somebody should know at once; until then nowhere.
    pub fn set_voice(&mut self, voice: Voice) {
        self.voice = voice;
    }

    /// The settings of the campaign.
    pub fn config(&self) -> &LiveConfig {
        &self.config
    }

    /// Of a campaign that was taken up: points in its journal, and bytes of a torn record that were
    /// moved to `journal.torn`.
    pub fn found(&self) -> Option<(usize, u64)> {
        self.found
    }

    /// What the campaign began with.
    pub fn begun(&self) -> &Begun {
        &self.begun
    }

    /// The measured points, in order.
    pub fn points(&self) -> &[LivePoint] {
        &self.points.all
    }

    /// The scalarizers, in the order of a point's responses.
    pub fn scalarizers(&self) -> &[Scalarizer] {
        self.points.scalarizers()
    }

    /// What is sought.
    pub fn target(&self) -> &Scalarizer {
        self.points.target()
    }

    /// What the sample has taken.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The geometry of the overview and its candidates.
    pub fn candidates(&self) -> Candidates {
        self.candidates
    }

    /// Whether the instrument obeyed when it was told to blank last.
    pub fn is_blanked(&self) -> bool {
        self.blanked
    }

    /// The candidates to measure first, where they were given.
    pub fn seeds(&self) -> Option<&[u32]> {
        self.begun.seeds.as_deref()
    }

    /// What somebody wanted otherwise, with the points measured by then.
    pub fn commands(&self) -> &[(usize, Command)] {
        &self.commands
    }

    /// Counts the times that another target was sought.
    pub fn retargets(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.retargets)
    }

    /// How far the sample has moved down and to the right by the last overview, in pixels.
    pub fn drift(&self) -> (f64, f64) {
        self.aim.shift
    }

    /// SHA-256 of the journal, in hexadecimal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn journal_hash(&self) -> Result<String, JournalError> {
        self.journal.borrow_mut().hash()
    }

    /// The spectrum of a measured point, from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn spectrum_of(&self, point: &LivePoint) -> Result<Vec<f64>, JournalError> {
        self.journal.borrow_mut().spectrum(point.place)
    }

    /// Blanks the instrument's beam and writes down why the campaign ended. A journal that already
    /// says so, and to which nothing was added since, stays as it is: a campaign that has ended may
    /// be resumed any number of times.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn end(&mut self, why: &Ended) -> Result<(), JournalError> {
        let blanked = self.microscope.blank();
        self.blanked = blanked.is_ok();
        if let Err(error) = blanked {
            self.say(&format!(
                "the beam could not be blanked at the end: {error}"
            ));
        }
        self.board.write(|status| status.state = why.to_string());
        let unchanged = self.asleep.as_ref().is_some_and(|asleep| asleep.had_ended);
        if unchanged || !self.is_live() {
            return Ok(());
        }
        let why = why.to_string();
        let record = self.record(Event::Ended { why });
        self.journal.borrow_mut().append(&record).map(|_| ())
    }

    fn say(&mut self, what: &str) {
        (self.voice)(what);
    }

    /// How long the campaign has been running.
    fn elapsed(&self) -> Duration {
        self.clock.0.elapsed() + self.clock.1
    }

    fn record(&self, event: Event) -> Record {
        Record {
            at_ms: now_ms(),
            elapsed_ms: self.elapsed().as_millis() as u64,
            event,
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Whether everything that was measured by the journal, left out or asked for was lived
    /// through.
    pub fn is_live(&self) -> bool {
        let matters = |(_, record): &(Place, Record)| {
            let event = &record.event;
            matches!(event, Event::Measured(_) | Event::LeftOut { .. }) || event.takes_command()
        };
        !self.past.iter().any(matters)
    }

    /// Tells whoever asks how the campaign is doing.
    fn publish(&self, state: &str) {
        let last = self.points.all.last();
        let response = last.map(|point| point.responses[self.points.target_index()]);
        self.board.write(|status| {
            state.clone_into(&mut status.state);
            status.points = self.points.all.len();
            status.target = self.points.target().to_string();
            self.acquisition
                .strategy
                .name()
                .clone_into(&mut status.strategy);
            status.last = last.map(|point| (point.pixel.row, point.pixel.column));
            status.response = response;
            status.dose_electrons = self.ledger.total();
            status.drift = self.aim.shift;
            status.elapsed_seconds = self.elapsed().as_secs_f64();
        });
    }
}

impl Experiment for Session<'_> {
    fn image(&self) -> &Map {
        &self.begun.image
    }

    fn measure(&mut self, point: Point, beam: &mut dyn BeamPort) -> Result<f64, ExperimentError> {
        if let Some(response) = self.relive(point)? {
            return Ok(response);
        }
        self.measure_live(point, beam)
    }

    fn moves_beam(&self) -> bool {
        true
    }

    fn unreduced(&self) -> Option<Unreduced<'_>> {
        let scalarizer = self.points.on_controller()?;
        let spectrum = self.unreduced.as_deref()?;
        Some(Unreduced {
            scalarizer,
            spectrum,
        })
    }

    fn order(&mut self, beam: &mut dyn BeamPort) -> Result<Option<Order>, ExperimentError> {
        self.next_order(beam)
    }

    fn truth(&self) -> Option<&Map> {
        self.truth.as_ref()
    }

    fn target(&self) -> (String, String) {
        let target = self.points.target();
        let Channels { axis, units, .. } = &self.begun.channels;
        (target.to_string(), target.units(&axis.units, units))
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.microscope.behaviours()
    }

    fn channels(&self) -> Option<Channels> {
        Some(self.begun.channels.clone())
    }

    fn spectrum(&self, measured: Pixel) -> Option<Vec<f64>> {
        let mut points = self.points.all.iter();
        let point = points.find(|point| point.pixel == measured)?;
        self.spectrum_of(point).ok()
    }
}

/// Milliseconds since the beginning of 1970, UTC.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
