//! A live campaign in its folder: begun or taken up again, run to its end, and what it came to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use beacon_kernel::{Candidates, Pixel};

use super::admission::{beginning, resumption};
use super::first_overview::reach_overview;
use super::fold::{Beyond, fold};
use super::station::{Log, Station};
use super::taken_up::resumed;
use super::{LiveError, TakenUp};
use crate::campaign::drive::{Drive, World as _, further_targets};
use crate::campaign::{
    Begun, CampaignConfig, CampaignError, Ended, Event, FurtherTarget, Given, LiveConfig,
    MeasuredPoint, Monitor, Observer, Outcome, Overview, Patches, Record, Reduce, State, Use,
    watched,
};
use crate::control::Control;
use crate::controller::{Controller, ControllerError, OnHandOver};
use crate::data::{Behaviour, Channels, Map};
use crate::experiment::Experiment;
use crate::journal::{Found, Journal, JournalError, Place, RunFolder, now_ms};
use crate::microscope::{Interrupt, Microscope};
use crate::scalarizer::Scalarizer;
use crate::spaces::{Cache, LatentConfig, Spaces, SpacesError};
use crate::train::Pace;

/// A campaign on an instrument.
pub struct Session<'a> {
    station: Station<'a>,
    /// Before the campaign runs: its state after the first overview. Afterwards: that at its end.
    state: State,
    /// The first overview and what came with it.
    overview: Arc<Overview>,
    beyond: Beyond,
    /// Of a campaign that was taken up: bytes of a torn record that were moved aside.
    torn: Option<u64>,
    /// Of a campaign that was taken up: why it ended at once, by the settings of now.
    again: Option<Ended>,
    truth: Option<Map>,
}

impl<'a> Session<'a> {
    /// Begins a campaign: begins the journal in a folder that is new, and takes the overview.
    ///
    /// # Errors
    /// Before the journal is there: when a setting does not fit, or the overview or the first
    /// point alone would pass a limit. Then nothing was exposed. Afterwards, with the dose on
    /// record: when the instrument gives no overview, or it does not suit the settings.
    pub fn begin(
        microscope: &'a mut dyn Microscope,
        config: LiveConfig,
        seeds: Option<Vec<u32>>,
        folder: &RunFolder,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, LiveError> {
        let state = beginning(microscope, &config, seeds)?;
        let record = Record {
            at_ms: now_ms(),
            elapsed_ms: 0,
            event: Event::Begun(Box::new(state.begun().clone())),
        };
        let journal = Journal::begin(&folder.journal(), &record)?;
        let elapsed = Duration::ZERO;
        let path = folder.path();
        let station = Station::new(microscope, config, journal, path, interrupted, elapsed);
        Self::with_overview(station, state, folder, Vec::new(), None)
    }

    /// Checks everything that [`Self::begin`] refuses before it exposes or writes anything.
    ///
    /// # Errors
    /// The first that it would refuse.
    pub fn check(
        microscope: &dyn Microscope,
        config: &LiveConfig,
        seeds: Option<Vec<u32>>,
    ) -> Result<(), LiveError> {
        beginning(microscope, config, seeds).map(|_| ())
    }

    /// Checks everything that [`Self::resume`] refuses before it exposes or records anything, where
    /// spectra have this live time from here on.
    ///
    /// # Errors
    /// When the instrument is another than that of the journal, or a setting does not fit.
    pub fn check_resumed(
        microscope: &dyn Microscope,
        taken_up: &TakenUp,
        dwell: Option<f64>,
    ) -> Result<(), LiveError> {
        resumption(microscope, taken_up, dwell).map(|_| ())
    }

    /// Takes a campaign up again where its journal ends, with the settings that it has had last.
    ///
    /// # Errors
    /// As [`Self::check_resumed`], before anything is exposed or recorded; afterwards as
    /// [`Self::begin`], where the journal ends before the first overview.
    pub fn resume(
        microscope: &'a mut dyn Microscope,
        taken_up: TakenUp,
        folder: &RunFolder,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, LiveError> {
        let state = resumption(&*microscope, &taken_up, None)?;
        let elapsed = taken_up.elapsed();
        let TakenUp { found, config, .. } = taken_up;
        let Found {
            journal,
            mut records,
            torn,
            ..
        } = found;
        let path = folder.path();
        let station = Station::new(microscope, config, journal, path, interrupted, elapsed);
        records.remove(0);
        Self::with_overview(station, state, folder, records, Some(torn))
    }

    /// Comes as far as the first overview: that of the journal, else a fresh one.
    fn with_overview(
        mut station: Station<'a>,
        mut state: State,
        folder: &RunFolder,
        records: Vec<(Place, Record)>,
        torn: Option<u64>,
    ) -> Result<Self, LiveError> {
        let is_taken_up = torn.is_some();
        let (overview, beyond) =
            reach_overview(&mut station, &mut state, folder, records, is_taken_up)?;
        let truth = station.truth(state.settings().target());
        Ok(Self {
            station,
            state,
            overview,
            beyond,
            torn,
            again: None,
            truth,
        })
    }

    /// Sets where the session logs what a person should know at once; without it, nowhere.
    pub fn set_log(&mut self, log: Log) {
        self.station.set_log(log);
    }

    /// Sets what gives an exposure under way up when a person says `stop now`; without it, that of the
    /// instrument.
    pub fn set_interrupt(&mut self, interrupt: Interrupt) {
        if let Some(control) = &self.station.control {
            control.set_interrupt(interrupt);
        }
    }

    /// Has the commands that were answered so far taken before a point that was broken off is exposed again,
    /// which comes before any command otherwise.
    pub fn take_commands_first(&self) {
        if let Some(control) = &self.station.control {
            control.take_first();
        }
    }

    /// Whether commands were answered that are not on record yet.
    pub fn commands_wait(&self) -> bool {
        self.station.control.as_ref().is_some_and(Control::waits)
    }

    /// Who watches hand-overs to the controller, and may break them off, beside whoever interrupts
    /// the campaign or tells it to stop.
    pub fn set_watch(&mut self, watch: OnHandOver) {
        self.station.watch = Some(watch);
    }

    /// The settings that the campaign was begun or resumed with.
    pub fn config(&self) -> &LiveConfig {
        &self.station.config
    }

    /// Of a campaign that was taken up: points in its journal, and bytes of a torn record that were
    /// moved to `journal.torn`.
    pub fn found(&self) -> Option<(usize, u64)> {
        let torn = self.torn?;
        let records = self.beyond.records.iter();
        let points = records.filter(|(_, record)| matches!(record.event, Event::Measured(_)));
        Some((points.count(), torn))
    }

    /// The state of the campaign: after the first overview, and at its end once it ran.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the campaign began with.
    pub fn begun(&self) -> &Begun {
        self.state.begun()
    }

    /// Energy of the instrument's beam, in keV; `None` where it does not tell.
    pub fn beam_energy(&self) -> Option<f64> {
        self.station.microscope.beam_energy()
    }

    /// The measured points, in order.
    pub fn points(&self) -> &[MeasuredPoint] {
        self.state.points()
    }

    /// The scalarizers, in the order of a point's responses.
    pub fn scalarizers(&self) -> &[Scalarizer] {
        &self.state.settings().scalarizers
    }

    /// The geometry of the overview and its candidates.
    ///
    /// # Errors
    /// When the window does not fit, which the beginning has excluded.
    pub fn candidates(&self) -> Result<Candidates, beacon_kernel::Error> {
        let image = &self.overview.image;
        let campaign = &self.state.settings().campaign;
        campaign.candidates(image.height(), image.width())
    }

    /// How long the campaign has been running.
    pub fn elapsed(&self) -> Duration {
        self.station.elapsed()
    }

    /// Whether the instrument blanked its beam at the last request.
    pub fn is_blanked(&self) -> bool {
        self.station.blanked
    }

    /// The commands that held, each with the points measured by then.
    pub fn commands(&self) -> &[(usize, Given)] {
        self.state.commands()
    }

    /// Why a campaign that was taken up ended at once, by the settings that it was taken up with: its
    /// journal has those of before.
    pub fn ended_again(&self) -> Option<&Ended> {
        self.again.as_ref()
    }

    /// The journal.
    pub(super) fn journal_path(&self) -> std::path::PathBuf {
        self.station.journal.borrow().path().to_owned()
    }

    /// SHA-256 of the journal, in hexadecimal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn journal_hash(&self) -> Result<String, JournalError> {
        self.station.journal.borrow_mut().hash()
    }

    /// The spectrum of a measured point, from the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn spectrum_of(&self, point: &MeasuredPoint) -> Result<Vec<f64>, JournalError> {
        let spectrum = self.station.spectrum(point.candidate);
        spectrum.unwrap_or_else(|| Ok(Vec::new()))
    }

    /// The image as the network sees it.
    ///
    /// # Errors
    /// When the window does not fit.
    pub fn patches(&self) -> Result<Patches, CampaignError> {
        let CampaignConfig { window, edges, .. } = self.state.settings().campaign;
        Ok(self.overview.image.patches_with_edges(window, edges)?)
    }

    /// The spaces that the campaign on these patches is judged in, where an interrupt or a `stop` breaks off what takes long.
    ///
    /// # Errors
    /// As [`Spaces::new`], and when it was broken off.
    pub fn spaces(
        &self,
        patches: &Patches,
        latent: Option<LatentConfig>,
        cache: &Cache,
        controller: &mut dyn Controller,
    ) -> Result<Spaces, SpacesError> {
        self.tell_room(controller);
        controller.set_watch(self.station.heeding());
        let work = |pace: &Pace| Spaces::watched(patches, latent, cache, pace);
        watched(controller, "learning the latent space", |_| (), work).1
    }

    /// Tells those who give commands what the controller's kernel holds.
    fn tell_room(&self, controller: &dyn Controller) {
        if let Some(control) = &self.station.control {
            control.set_room(controller.room());
            control.set_most_targets(controller.room_for_responses());
        }
    }

    /// Runs the campaign to its end, with the kernel wherever the controller has it, judged in these
    /// spaces as well. A campaign that was taken up goes on where its journal ends; one that had
    /// ended, and would end at once, is as it was.
    ///
    /// # Errors
    /// When the journal does not fit together or cannot be written, the kernel refuses the image, or
    /// the campaign was interrupted before all of its journal was read.
    pub fn run(
        &mut self,
        spaces: Option<&Spaces>,
        controller: &mut dyn Controller,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, CampaignError> {
        let patches = self.patches()?;
        // Truth is for judging: one that cannot judge keeps nobody from measuring.
        let candidates = patches.candidates();
        let further = further_targets(&self.state, &self.station);
        let truth = self.truth.as_ref();
        let truths = further.iter().map(|of| of.truth.as_ref());
        let truths: Vec<_> = std::iter::once(truth).chain(truths).collect();
        self.station.view.show_truths(&truths);
        let (mut monitor, unjudged) = match Monitor::of_several(truth, &further, candidates) {
            Ok(monitor) => (monitor, None),
            Err(error) => {
                let unknown = further.into_iter().map(|target| FurtherTarget {
                    truth: None,
                    ..target
                });
                let unknown: Vec<_> = unknown.collect();
                let monitor = Monitor::of_several(None, &unknown, candidates)?;
                (monitor, Some(error))
            }
        };
        if let Some(spaces) = spaces {
            monitor.judge_in(spaces)?;
        }
        let how = Use {
            reduces: self.station.config.reduce == Reduce::Controller,
            exposes: false,
        };
        controller.set_watch(self.station.interruptible());
        controller.set_silent(true)?;
        let (room, most) = (controller.room(), controller.room_for_responses());
        self.tell_room(controller);
        let state = self.state.clone();
        let mut drive = Drive::new(state, patches, monitor, controller, how)?;
        if let Some(error) = unjudged {
            drive.cannot_judge(&error);
        }
        let station = &mut self.station;
        if let Some(lost) = drive.state().lost_seeds() {
            station.log(&format!("warning: {lost}"));
        }
        if let Some(caution) = station.microscope.caution() {
            let caution = caution.to_owned();
            station.log(&format!("warning: {caution}"));
            drive.caution_first(&caution);
        }
        let beyond = std::mem::take(&mut self.beyond);
        match fold(&mut drive, station, &beyond) {
            Err(CampaignError::Controller(ControllerError::BrokenOff)) => {
                return Err(CampaignError::Unread);
            }
            folded => folded?,
        }
        if station.view.points() != drive.state().points().len() {
            // The file with it was lost, or a kill came before it was written.
            drive.show_folded(station);
        }
        drive.controller().set_watch(station.watching());
        drive.set_room(room);
        drive.set_most_targets(most);
        let resumed = match self.torn {
            Some(_) => {
                let resumed = resumed(&station.config, &*station.microscope);
                Some(resumed.map_err(|error| {
                    let why = error.to_string();
                    CampaignError::Ended(Ended::Disk(why))
                })?)
            }
            None => None,
        };
        // A command may have been accepted just before the campaign ended: it goes on for that.
        let waits = station.control.as_ref().is_some_and(Control::waits);
        let again = resumed.as_ref().filter(|_| !waits);
        let again = again.and_then(|resumed| drive.ends_after(resumed, station));
        let ended = match drive.state().ended().cloned() {
            // The campaign has ended and would end again at once: its journal stays as it is.
            Some(ended) if again.is_some() => ended,
            _ => {
                station.fast_forward();
                match drive.controller().set_silent(false) {
                    // The drive sees for itself what broke it off, and ends the campaign in order.
                    Err(ControllerError::BrokenOff) => {}
                    told => told?,
                }
                if let Some(resumed) = resumed {
                    drive.record(&resumed, station, observer)?;
                }
                drive.run(station, observer)?
            }
        };
        station.has_ended.set(true);
        // From here on `beacon ctl` gets no answer.
        station.control = None;
        let (outcome, state) = drive.outcome(ended, station);
        self.again = again;
        self.truth = station.truth(state.settings().target());
        self.state = state;
        Ok(outcome)
    }
}

impl Experiment for Session<'_> {
    fn image(&self) -> &Map {
        &self.overview.image
    }

    fn truth(&self) -> Option<&Map> {
        self.truth.as_ref()
    }

    fn target(&self) -> (String, String) {
        self.station.target(&self.state)
    }

    fn origin(&self) -> Option<String> {
        Some(self.begun().instrument.clone())
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.station.microscope.behaviours()
    }

    fn channels(&self) -> Option<Channels> {
        let sought = self.scalarizers().iter().flat_map(Scalarizer::elements);
        Some(self.begun().channels.clone().naming(sought))
    }

    fn spectrum(&self, measured: Pixel) -> Option<Vec<f64>> {
        let mut points = self.points().iter();
        let point = points.find(|point| point.pixel == measured)?;
        self.spectrum_of(point).ok()
    }
}
