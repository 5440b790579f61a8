//! A live campaign in its folder: begun or taken up again, run to its end, and what it came to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use beacon_kernel::{Candidate, Candidates, Pixel};

use super::check::{check_frame, check_pixel_limit, describe};
use super::fold::fold;
use super::station::{Log, Station};
use super::taken_up::{from_toml, to_toml};
use super::{LiveError, TakenUp};
use crate::campaign::drive::{Drive, Failure, World as _, further_targets};
use crate::campaign::{
    ALGORITHM, Action, Begun, CampaignConfig, CampaignError, Ended, Event, Given, LiveConfig,
    MeasuredPoint, Monitor, Now, Observer, Outcome, Overview, Patches, Record, Reduce, Resumed,
    SettingError, Settings, State, Use,
};
use crate::control::Control;
use crate::controller::{Controller, ControllerError, OnHandOver};
use crate::data::{Axis, Behaviour, Channels, Map};
use crate::experiment::Experiment;
use crate::journal::{Found, Journal, JournalError, Place, RunFolder, now_ms};
use crate::microscope::{Interrupt, Microscope, MicroscopeChoice};
use crate::scalarizer::Scalarizer;
use crate::spaces::Spaces;
use crate::units::Seconds;

/// A campaign on an instrument.
pub struct Session<'a> {
    station: Station<'a>,
    /// Before the campaign runs: its state after the first overview. Afterwards: that at its end.
    state: State,
    /// The first overview and what came with it.
    overview: Arc<Overview>,
    /// What the journal holds beyond that.
    records: Vec<(Place, Record)>,
    /// Number of the first of them in the journal.
    first: usize,
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
        let TakenUp { found, config, .. } = taken_up;
        let Found {
            journal,
            mut records,
            torn,
            ..
        } = found;
        let elapsed = elapsed_by(&records);
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
        mut records: Vec<(Place, Record)>,
        torn: Option<u64>,
    ) -> Result<Self, LiveError> {
        let mut first = 1;
        let is_overview =
            |(_, record): &(Place, Record)| matches!(record.event, Event::Overview(_));
        let before = match records.iter().position(is_overview) {
            Some(at) => at + 1,
            None => records.len(),
        };
        let rest = records.split_off(before);
        first += records.len();
        for (place, record) in &records {
            state.apply(&record.event)?;
            station.note(*place, &record.event, Seconds::ZERO);
        }
        let fresh = state.overview().is_none();
        if fresh && torn.is_some() {
            let resumed = resumed(&station.config, &*station.microscope)?;
            station
                .record(&resumed, &mut ())
                .map_err(LiveError::Ended)?;
            state.apply(&resumed)?;
            first += 1;
        }
        let listening = Control::open(folder, state_after(&state, &rest), station.clock.1);
        station.control = Some(listening?);
        while state.overview().is_none() {
            let now = Now {
                elapsed: station.elapsed(),
                ..Now::default()
            };
            let electrons = match state.next(&now) {
                Action::Survey { electrons } => electrons,
                Action::End(why) => return Err(no_overview(why)),
                _ => return Err(LiveError::Overview("a person has paused it".to_owned())),
            };
            let taken = record(&mut station, &mut state, &Event::Surveying { electrons })
                .and_then(|()| survey_first(&mut station, &mut state));
            first += 2;
            taken?;
        }
        let Some(overview) = state.overview().cloned() else {
            return Err(LiveError::Overview("there is none".to_owned()));
        };
        if fresh {
            check_pixel_limit(state.settings(), &state)?;
            let (image, settings) = (&overview.image, state.settings());
            let seeds = state.begun().seeds.as_deref();
            check_frame((image.height(), image.width()), settings, seeds)?;
        }
        if state.free_at_first() == 0 {
            let accepted = "an overview and responses with numbers at some candidate";
            return Err(
                SettingError::new("the number of candidates with data", &0, accepted).into(),
            );
        }
        let truth = station.microscope.truth(state.settings().target());
        Ok(Self {
            station,
            state,
            overview,
            records: rest,
            first,
            torn,
            again: None,
            truth,
        })
    }

    /// Sets where the session logs what a person should know at once; without it, nowhere.
    pub fn set_log(&mut self, log: Log) {
        self.station.set_log(log);
    }

    /// Sets what gives an exposure under way up when a person says `stop now`; without it that is `stop`.
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
        let records = self.records.iter();
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
        Ok(Patches::with_edges(&self.overview.image, window, edges)?)
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
        self.station.view.show_truth(self.truth.as_ref());
        // Truth is for judging: one that cannot judge keeps nobody from measuring.
        let candidates = patches.candidates();
        let further = further_targets(&self.state, &self.station);
        let truth = self.truth.as_ref();
        let (mut monitor, unjudged) = match Monitor::of_several(truth, &further, candidates) {
            Ok(monitor) => (monitor, None),
            Err(error) => (Monitor::new(None, candidates)?, Some(error)),
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
        let room = controller.room();
        if let Some(control) = &self.station.control {
            control.set_room(room);
        }
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
        let records = std::mem::take(&mut self.records);
        match fold(&mut drive, station, &records, self.first) {
            Err(CampaignError::Controller(ControllerError::BrokenOff)) => {
                return Err(CampaignError::Unread);
            }
            folded => folded?,
        }
        drive.controller().set_watch(station.watching());
        drive.set_room(room);
        let most = drive.controller().room_for_responses();
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
        self.truth = station.microscope.truth(state.settings().target());
        self.state = state;
        Ok(outcome)
    }
}

/// The state of a campaign before anything was exposed, with every setting checked that can be.
fn beginning(
    microscope: &dyn Microscope,
    config: &LiveConfig,
    seeds: Option<Vec<u32>>,
) -> Result<State, LiveError> {
    let settings = Settings::live(config, microscope.channels())?;
    let begun = Begun {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        algorithm: ALGORITHM,
        id: now_ms() ^ (u64::from(std::process::id()) << 44),
        settings: to_toml(config)?,
        instrument: microscope.description(),
        channels: microscope.channels().clone(),
        beam: microscope.beam(),
        frame: microscope.frame(),
        overview_time: microscope.overview_time(),
        real_to_live: microscope.longest_real_to_live(),
        seeds,
    };
    let dwell = settings.dwell;
    let state = State::new(begun, settings);
    admit_beginning(&state, dwell, Duration::ZERO)?;
    Ok(state)
}

/// The state at the beginning of a campaign that is taken up again, with every setting checked that
/// can be before anything is recorded. `dwell` is another live time from here on.
fn resumption(
    microscope: &dyn Microscope,
    taken_up: &TakenUp,
    dwell: Option<f64>,
) -> Result<State, LiveError> {
    let TakenUp {
        found,
        begun,
        config,
        before,
    } = taken_up;
    let records = &found.records;
    let same = same_instrument(&before.microscope, &config.microscope);
    if !same || *microscope.channels() != begun.channels {
        return Err(LiveError::OtherInstrument {
            began: begun.instrument.clone(),
            channels: describe(&begun.channels),
            found: microscope.description(),
            found_channels: describe(microscope.channels()),
        });
    }
    // The same check as at the beginning, of the settings from here on and from the beginning.
    let asked = LiveConfig {
        dwell: dwell.or(config.dwell),
        ..config.clone()
    };
    let settings = Settings::live(&asked, &begun.channels)?;
    let original: LiveConfig = from_toml(&begun.settings)?;
    let original = Settings::live(&original, &begun.channels)?;
    let mut current = begun.beam.current;
    check_size(begun.frame.as_ref().map(size_of), microscope)?;
    for (_, record) in records {
        if let Event::Overview(overview) = &record.event {
            let size = (overview.image.height(), overview.image.width());
            check_size(Some(size), microscope)?;
            check_frame(size, &settings, None)?;
            current = overview.beam.current.or(current);
        }
    }
    settings.check_with(current)?;
    let elapsed = elapsed_by(records);
    let current = current.or(settings.current);
    let state = State::new((**begun).clone(), original);
    let mut at_end = state_after(&state, records);
    // A point that could not be used does not count against the budget.
    let points = at_end.points().len();
    if settings.budget < points {
        let accepted = format!("at least the {points} points that are measured");
        return Err(SettingError::new("budget", &settings.budget, &accepted).into());
    }
    // A campaign may have spent more than was announced: its own limits it keeps.
    if config.dose_limit != before.dose_limit
        && let (Some(limit), Some(_)) = (settings.limits.total, current)
        && limit < at_end.ledger().total()
    {
        let spent = at_end.ledger().total_in_words();
        let accepted = format!("at least the {spent} electrons that are spent");
        return Err(SettingError::new("dose-limit", &limit, &accepted).into());
    }
    if config.pixel_dose_limit != before.pixel_dose_limit && at_end.overview().is_some() {
        check_pixel_limit(&settings, &at_end)?;
    }
    if config.time_limit != before.time_limit
        && let Some(limit) = settings.time_limit
        && limit <= elapsed.into()
    {
        let accepted = format!(
            "more than the {} s that the campaign has been running",
            elapsed.as_secs_f64()
        );
        return Err(SettingError::new("time-limit", &limit, &accepted).into());
    }
    if at_end.overview().is_none() {
        at_end.apply(&resumed(config, microscope)?)?;
        let kept = at_end.settings().dwell;
        admit_beginning(&at_end, dwell.map_or(kept, |_| settings.dwell), elapsed)?;
    }
    Ok(state)
}

/// Checks what the first overview and the first point need, before the beam is used at all: one check for
/// a campaign that begins, and for one that is taken up again before its first overview.
fn admit_beginning(state: &State, dwell: Seconds, elapsed: Duration) -> Result<(), LiveError> {
    let (begun, settings) = (state.begun(), state.settings());
    settings.check_with(begun.beam.current)?;
    let seeds = begun.seeds.as_deref();
    let first = seeds.map_or(settings.campaign.initial, <[u32]>::len);
    if settings.budget <= first {
        let accepted = format!("more than the {first} points measured first, which count");
        return Err(SettingError::new("budget", &settings.budget, &accepted).into());
    }
    if let Some(frame) = &begun.frame {
        check_frame(size_of(frame), settings, seeds)?;
        check_pixel_limit(settings, state)?;
    }
    let now = Now {
        elapsed,
        ..Now::default()
    };
    if let Action::End(why) = state.next(&now) {
        return Err(no_overview(why));
    }
    state
        .admit_first_point(dwell)
        .map_err(|error| LiveError::FirstPoint(error.to_string()))
}

/// What to say of a campaign that ends so before its first overview.
fn no_overview(why: Ended) -> LiveError {
    match why {
        Ended::Dose(why) => LiveError::Overview(why),
        why => LiveError::Ended(why),
    }
}

/// How long a campaign had been running by the end of its journal.
fn elapsed_by(records: &[(Place, Record)]) -> Duration {
    let last = records.last().map_or(0, |(_, record)| record.elapsed_ms);
    Duration::from_millis(last)
}

/// The event that a campaign goes on with.
fn resumed(config: &LiveConfig, microscope: &dyn Microscope) -> Result<Event, LiveError> {
    Ok(Event::Resumed(Resumed {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: to_toml(config)?,
        real_to_live: microscope.longest_real_to_live(),
    }))
}

/// Records an event before there is a kernel, and applies it.
fn record(station: &mut Station<'_>, state: &mut State, event: &Event) -> Result<(), LiveError> {
    station.record(event, &mut ()).map_err(LiveError::Ended)?;
    Ok(state.apply(event)?)
}

/// Takes the first overview, and waits for an instrument that fails for a while.
fn survey_first(station: &mut Station<'_>, state: &mut State) -> Result<(), LiveError> {
    match station.survey(state) {
        Ok(event) => record(station, state, &event),
        Err(Failure::Passing(why)) => {
            record(station, state, &Event::Failed { why: why.clone() })?;
            station.recover(&why, state).map_err(LiveError::Ended)
        }
        Err(Failure::Aborted(why)) => {
            record(station, state, &Event::GivenUp { why: why.clone() })?;
            Err(LiveError::Aborted(why))
        }
        Err(Failure::Final(why)) => {
            record(station, state, &Event::Failed { why: why.clone() })?;
            Err(LiveError::Ended(Ended::Instrument(why)))
        }
        Err(failure) => Err(LiveError::Overview(format!("{failure:?}"))),
    }
}

/// The state at the end of the journal, by its events alone. `beacon ctl` is answered by it while the
/// kernel still takes the journal in.
fn state_after(state: &State, records: &[(Place, Record)]) -> State {
    let mut state = state.clone();
    for (_, record) in records {
        // An event that does not fit is refused when the kernel takes the journal in.
        if let Event::Exposing(exposing) = &record.event {
            state.expect(Candidate(exposing.candidate));
        }
        let _ = state.apply(&record.event);
    }
    state
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
        Some(self.begun().channels.clone())
    }

    fn spectrum(&self, measured: Pixel) -> Option<Vec<f64>> {
        let mut points = self.points().iter();
        let point = points.find(|point| point.pixel == measured)?;
        self.spectrum_of(point).ok()
    }
}

fn size_of((rows, columns): &(Axis, Axis)) -> (usize, usize) {
    (rows.size, columns.size)
}

/// Checks that an instrument that tells the size of its overviews still gives the size that the
/// campaign began with.
fn check_size(
    began: Option<(usize, usize)>,
    microscope: &dyn Microscope,
) -> Result<(), SettingError> {
    let found = microscope.frame().as_ref().map(size_of);
    match (began, found) {
        (Some(began), Some(found)) if began != found => {
            let value = format!("{} x {} pixels", found.0, found.1);
            let accepted = format!("{} x {}, with which the campaign began", began.0, began.1);
            Err(SettingError::new("the overview", &value, &accepted))
        }
        _ => Ok(()),
    }
}

/// Whether two choices may be the same instrument: a real one, or a file, may be at another place.
fn same_instrument(before: &MicroscopeChoice, now: &MicroscopeChoice) -> bool {
    let specimen = |choice: &MicroscopeChoice| matches!(choice, MicroscopeChoice::Specimen(_));
    before == now || !(specimen(before) || specimen(now))
}
