//! A live campaign in its folder: begun or taken up again, run to its end, and what it came to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use beacon_kernel::{Candidate, Candidates, Edges, Pixel};

use super::LiveError;
use super::station::{Log, Station};
use crate::campaign::drive::{Drive, Failure, World as _};
use crate::campaign::{
    ALGORITHM, Action, Begun, CampaignConfig, CampaignError, Command, Ended, Event, Given,
    LiveConfig, MeasuredPoint, Monitor, Now, Observer, Outcome, Overview, Patches, Record, Reduce,
    Resumed, SettingError, Settings, State, Use, check_seeds,
};
use crate::control::Control;
use crate::controller::{Controller, ControllerError, OnHandOver};
use crate::data::{Behaviour, Channels, Map};
use crate::experiment::Experiment;
use crate::journal::{Found, Journal, JournalError, Place, RunFolder, now_ms};
use crate::microscope::Microscope;
use crate::scalarizer::Scalarizer;
use crate::spaces::Spaces;

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
    /// Version of the journal that was read; `None` of a campaign that was begun just now.
    version: Option<u8>,
    /// Bytes of a torn record that were moved aside.
    torn: u64,
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
        let settings = Settings::live(&config, microscope.channels())?;
        let begun = Begun {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            algorithm: ALGORITHM,
            id: now_ms() ^ (u64::from(std::process::id()) << 44),
            settings: to_toml(&config)?,
            instrument: microscope.description(),
            channels: microscope.channels().clone(),
            beam: microscope.beam(),
            frame: microscope.frame(),
            overview_seconds: microscope.overview_seconds(),
            real_to_live: microscope.longest_real_to_live(),
            seeds,
        };
        settings.check_with(begun.beam.current_pa)?;
        if let Some((rows, columns)) = &begun.frame {
            check_frame((rows.size, columns.size), &settings, begun.seeds.as_deref())?;
        }
        let state = State::new(begun.clone(), settings);
        if begun.frame.is_some() {
            check_pixel_limit(&state)?;
        }
        if let Action::End(why) = state.next(&Now::default()) {
            return Err(LiveError::Overview(why.to_string()));
        }
        state
            .admit_first_point()
            .map_err(|error| LiveError::FirstPoint(error.to_string()))?;
        let record = Record {
            at_ms: now_ms(),
            elapsed_ms: 0,
            event: Event::Begun(Box::new(begun)),
        };
        let journal = Journal::begin(&folder.journal(), &record)?;
        let elapsed = Duration::ZERO;
        let path = folder.path();
        let station = Station::new(microscope, config, journal, path, interrupted, elapsed);
        Self::with_overview(station, state, folder, Vec::new(), None, 0)
    }

    /// Takes a campaign up again where its journal ends, with the settings that it has had last.
    ///
    /// # Errors
    /// When the journal is of another campaign than the settings, or the instrument is another.
    pub fn resume(
        microscope: &'a mut dyn Microscope,
        taken_up: TakenUp,
        folder: &RunFolder,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, LiveError> {
        let TakenUp {
            found,
            mut begun,
            config,
        } = taken_up;
        let Found {
            journal,
            mut records,
            torn,
            version,
        } = found;
        if *microscope.channels() != begun.channels {
            return Err(LiveError::OtherInstrument {
                began: begun.instrument,
                channels: describe(&begun.channels),
                found: microscope.description(),
                found_channels: describe(microscope.channels()),
            });
        }
        // The same check as at the beginning, of the settings from here on and from the beginning.
        let settings = Settings::live(&config, &begun.channels)?;
        let original: LiveConfig = from_toml(&begun.settings)?;
        let original = Settings::live(&original, &begun.channels)?;
        if version == 1 {
            begun.real_to_live = microscope.longest_real_to_live();
        }
        let mut told = begun.beam.current_pa;
        for (_, record) in &records {
            if let Event::Overview(overview) = &record.event {
                let size = (overview.image.height(), overview.image.width());
                check_frame(size, &settings, None)?;
                told = overview.beam.current_pa.or(told);
            }
        }
        settings.check_with(told)?;
        let elapsed = records.last().map_or(0, |(_, record)| record.elapsed_ms);
        let elapsed = Duration::from_millis(elapsed);
        let (path, current) = (folder.path(), told.or(config.current));
        let state = State::new(*begun, original);
        // What was measured and could not be used counts for no budget.
        let points = soon(&state, &records).points().len();
        if settings.budget < points {
            let accepted = format!("at least the {points} points that are measured");
            return Err(SettingError::new("budget", &settings.budget, &accepted).into());
        }
        let spent = spent(&records);
        if let (Some(limit), Some(_)) = (settings.limits.total, current)
            && limit < spent
        {
            let accepted = format!("at least the {spent:e} electrons that are spent");
            return Err(SettingError::new("dose-limit", &limit, &accepted).into());
        }
        let station = Station::new(microscope, config, journal, path, interrupted, elapsed);
        records.remove(0);
        Self::with_overview(station, state, folder, records, Some(version), torn)
    }

    /// Comes as far as the first overview: that of the journal, else a fresh one.
    fn with_overview(
        mut station: Station<'a>,
        mut state: State,
        folder: &RunFolder,
        mut records: Vec<(Place, Record)>,
        version: Option<u8>,
        torn: u64,
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
            station.note(*place, &record.event, 0.0);
        }
        let fresh = state.overview().is_none();
        if fresh && version.is_some() {
            let resumed = station.resumed()?;
            station
                .record(&resumed, &mut ())
                .map_err(LiveError::Ended)?;
            state.apply(&resumed)?;
            first += 1;
        }
        let listening = Control::open(folder, soon(&state, &rest), station.clock.1);
        station.control = Some(listening?);
        while state.overview().is_none() {
            let now = Now {
                elapsed: station.elapsed().as_secs_f64(),
                ..Now::default()
            };
            let Action::Survey { electrons } = state.next(&now) else {
                return Err(LiveError::Overview(
                    state
                        .ended()
                        .map_or("it was stopped".to_owned(), Ended::to_string),
                ));
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
            check_pixel_limit(&state)?;
            let (image, settings) = (&overview.image, state.settings());
            let seeds = state.begun().seeds.as_deref();
            check_frame((image.height(), image.width()), settings, seeds)?;
        }
        let truth = station.microscope.truth(state.settings().target());
        Ok(Self {
            station,
            state,
            overview,
            records: rest,
            first,
            version,
            torn,
            truth,
        })
    }

    /// Where the session says what somebody should know at once; until then nowhere.
    pub fn set_log(&mut self, log: Log) {
        self.station.set_log(log);
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
        self.version?;
        let records = self.records.iter();
        let points = records.filter(|(_, record)| matches!(record.event, Event::Measured(_)));
        Some((points.count(), self.torn))
    }

    /// The state of the campaign: after the first overview, and at its end once it ran.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the campaign began with.
    pub fn begun(&self) -> &Begun {
        self.state.begun()
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

    /// Whether the instrument obeyed when it was told to blank last.
    pub fn is_blanked(&self) -> bool {
        self.station.blanked
    }

    /// The commands that held, each with the points measured by then.
    pub fn commands(&self) -> &[(usize, Given)] {
        self.state.commands()
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
        let mut monitor = Monitor::new(self.truth.as_ref(), patches.candidates())?;
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
        let station = &mut self.station;
        let records = std::mem::take(&mut self.records);
        let folded = if self.version == Some(1) {
            fold_version_1(&mut drive, station, &records, self.first)
        } else {
            fold(&mut drive, station, &records, self.first)
        };
        match folded {
            Err(CampaignError::Controller(ControllerError::BrokenOff)) => {
                return Err(CampaignError::Unread);
            }
            folded => folded?,
        }
        drive.controller().set_watch(station.watching());
        drive.set_room(room);
        let resumed = match self.version {
            Some(_) => Some(station.resumed().map_err(|error| {
                let why = error.to_string();
                CampaignError::Ended(Ended::Disk(why))
            })?),
            None => None,
        };
        // A command that was answered when the campaign had just ended is a reason to go on.
        let waits = station.control.as_ref().is_some_and(Control::waits);
        let goes_on = waits
            || resumed
                .as_ref()
                .is_none_or(|resumed| drive.goes_on_after(resumed, station));
        let ended = match drive.state().ended().cloned() {
            // It has ended, and would at once end again: nothing is added to its journal.
            Some(ended) if !goes_on => ended,
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
        // Nobody is answered any more.
        station.control = None;
        let (outcome, state) = drive.outcome(ended, station);
        self.truth = station.microscope.truth(state.settings().target());
        self.state = state;
        Ok(outcome)
    }
}

/// Takes the events of the journal in, from where something was learned that matches.
fn fold(
    drive: &mut Drive<'_>,
    station: &mut Station<'_>,
    records: &[(Place, Record)],
    first: usize,
) -> Result<(), CampaignError> {
    let places: Vec<Place> = records.iter().map(|(place, _)| *place).collect();
    let end = station.journal.borrow().end();
    let mut done = 0;
    if let Some((count, kept)) = station.learned.read(&places, end)
        && count > first
    {
        done = (count - first).min(records.len());
        let past: Vec<Record> = records[..done].iter().map(|(_, r)| r.clone()).collect();
        drive.fold_learned(&past, kept, station)?;
        for (place, record) in &records[..done] {
            let dwell = drive.state().settings().dwell;
            station.note(*place, &record.event, dwell);
        }
    }
    for (place, record) in &records[done..] {
        if station.is_interrupted() {
            return Err(CampaignError::Unread);
        }
        drive.fold(record, station)?;
        let dwell = drive.state().settings().dwell;
        station.note(*place, &record.event, dwell);
    }
    Ok(())
}

/// Takes the events of a journal of version 1 in, derives those that it lacks, and replaces it by one
/// of the present version.
fn fold_version_1(
    drive: &mut Drive<'_>,
    station: &mut Station<'_>,
    records: &[(Place, Record)],
    first: usize,
) -> Result<(), CampaignError> {
    let path_error = |error: JournalError| CampaignError::Ended(Ended::Disk(error.to_string()));
    let mut all = head_of_journal(drive.state());
    debug_assert_eq!(all.len(), first);
    for (place, record) in records {
        if station.is_interrupted() {
            return Err(CampaignError::Unread);
        }
        let missing = drive.derive(&record.event, station)?;
        all.extend(missing.into_iter().map(|event| Record {
            event,
            ..record.clone()
        }));
        drive.fold(record, station)?;
        let dwell = drive.state().settings().dwell;
        station.note(*place, &record.event, dwell);
        all.push(record.clone());
    }
    station.replace_journal(&all).map_err(path_error)
}

/// What a journal of version 1 began with, as one of the present version has it.
fn head_of_journal(state: &State) -> Vec<Record> {
    let record = |event| Record {
        at_ms: now_ms(),
        elapsed_ms: 0,
        event,
    };
    let mut head = vec![record(Event::Begun(Box::new(state.begun().clone())))];
    if let Some(overview) = state.overview() {
        head.push(record(Event::Surveying {
            electrons: state.ledger().total(),
        }));
        head.push(record(Event::Overview(Box::new((**overview).clone()))));
    }
    head
}

impl Station<'_> {
    /// Replaces a journal of version 1.
    fn replace_journal(&mut self, records: &[Record]) -> Result<(), JournalError> {
        let path = self.journal.borrow().path().to_owned();
        let old = Journal::open(&path)?.journal;
        let (journal, places) = old.replace(records)?;
        self.journal = journal.into();
        for (place, record) in places.into_iter().zip(records) {
            if let Event::Measured(measured) = &record.event {
                self.set_place(Candidate(measured.candidate), place);
            }
        }
        Ok(())
    }

    /// The event that a campaign goes on with.
    fn resumed(&self) -> Result<Event, LiveError> {
        Ok(Event::Resumed(Resumed {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: to_toml(&self.config)?,
            real_to_live: self.microscope.longest_real_to_live(),
        }))
    }
}

/// Keeps an event before there is a kernel, and takes it in.
fn record(station: &mut Station<'_>, state: &mut State, event: &Event) -> Result<(), LiveError> {
    station.record(event, &mut ()).map_err(LiveError::Ended)?;
    Ok(state.apply(event)?)
}

/// Takes the first overview, patiently.
fn survey_first(station: &mut Station<'_>, state: &mut State) -> Result<(), LiveError> {
    match station.survey(state) {
        Ok(event) => record(station, state, &event),
        Err(Failure::Passing(why)) => {
            record(station, state, &Event::Failed { why: why.clone() })?;
            station.recover(&why, state).map_err(LiveError::Ended)
        }
        Err(Failure::Aborted(why)) => {
            record(station, state, &Event::Failed { why: why.clone() })?;
            Err(LiveError::Aborted(why))
        }
        Err(Failure::Final(why)) => {
            record(station, state, &Event::Failed { why: why.clone() })?;
            Err(LiveError::Ended(Ended::Instrument(why)))
        }
        Err(failure) => Err(LiveError::Overview(format!("{failure:?}"))),
    }
}

/// Electrons that the journal says were spent.
fn spent(records: &[(Place, Record)]) -> f64 {
    let (mut total, mut announced) = (0.0, 0.0);
    for (_, record) in records {
        match &record.event {
            Event::Surveying { electrons } => total += electrons,
            Event::Exposing(exposing) => {
                announced = exposing.electrons;
                total += announced;
            }
            Event::NotExposed { .. } => total -= announced,
            Event::Measured(measured) => total += measured.electrons - announced,
            _ => {}
        }
    }
    total
}

/// The state as it will be once the journal is read, as far as events alone tell: for whoever gives
/// commands meanwhile.
fn soon(state: &State, records: &[(Place, Record)]) -> State {
    let mut state = state.clone();
    for (_, record) in records {
        // What does not fit is found when the journal is read.
        if let Event::Exposing(exposing) = &record.event {
            state.expect(Candidate(exposing.candidate));
        }
        let _ = state.apply(&record.event);
    }
    state
}

/// Checks that a limit for a pixel is one of pixels whose size is known.
fn check_pixel_limit(state: &State) -> Result<(), LiveError> {
    if state.settings().limits.pixel.is_some() && state.ledger().area().is_none() {
        return Err(SettingError::new(
            "the size of a pixel",
            &"unknown: the overview has no scale in metres",
            "a calibrated overview beside --pixel-dose-limit, or --dose-limit instead",
        )
        .into());
    }
    Ok(())
}

/// Checks settings against the size of the overview.
fn check_frame(
    (height, width): (usize, usize),
    settings: &Settings,
    seeds: Option<&[u32]>,
) -> Result<(), LiveError> {
    let candidates = settings.campaign.candidates(height, width)?;
    let (candidates, window) = (candidates.count(), candidates.window());
    if settings.budget > candidates {
        let accepted = match settings.campaign.edges {
            Edges::Inside => format!(
                "at most {candidates}: so many windows of {window} pixels fit into the overview"
            ),
            Edges::Reflect => format!("at most {candidates}: so many pixels the overview has"),
        };
        return Err(SettingError::new("budget", &settings.budget, &accepted).into());
    }
    if let Some(seeds) = seeds {
        let seeds: Vec<_> = seeds.iter().copied().map(Candidate).collect();
        check_seeds(&seeds, candidates)?;
    }
    Ok(())
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

/// A journal that was read, with what it says of the campaign.
#[derive(Debug)]
pub struct TakenUp {
    found: Found,
    begun: Box<Begun>,
    /// The settings that the campaign has had last. The budget and the limits may be changed,
    /// which decide nothing.
    pub config: LiveConfig,
}

impl TakenUp {
    /// Reads the journal in a folder and moves a torn last record to `journal.torn`.
    ///
    /// # Errors
    /// When it cannot be read, or is of another version of what decides.
    pub fn read(folder: &RunFolder) -> Result<Self, LiveError> {
        let found = Journal::open(&folder.journal())?;
        let Some((_, first)) = found.records.first() else {
            return Err(LiveError::NothingBegun(folder.journal()));
        };
        let Event::Begun(begun) = &first.event else {
            return Err(LiveError::NothingBegun(folder.journal()));
        };
        if begun.algorithm != ALGORITHM {
            return Err(LiveError::Algorithm {
                path: folder.journal(),
                version: begun.version.clone(),
                found: begun.algorithm,
            });
        }
        let begun = begun.clone();
        let mut config: LiveConfig = from_toml(&begun.settings)?;
        for (_, record) in &found.records {
            match &record.event {
                Event::Resumed(resumed) => config = from_toml(&resumed.settings)?,
                // What commands have changed stays changed.
                Event::Commanded(given) => match given.command {
                    Command::Budget(budget) => config.budget = budget,
                    Command::DoseLimit(limit) => config.dose_limit = Some(limit),
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(Self {
            found,
            begun,
            config,
        })
    }
}

fn to_toml(config: &LiveConfig) -> Result<String, LiveError> {
    toml::to_string(config).map_err(|e| LiveError::Settings(e.to_string()))
}

fn from_toml(settings: &str) -> Result<LiveConfig, LiveError> {
    toml::from_str(settings).map_err(|e| LiveError::Settings(e.to_string()))
}

fn describe(channels: &Channels) -> String {
    let axis = &channels.axis;
    let (first, last) = (channels.coordinates.first(), channels.coordinates.last());
    let edge = |value: Option<&f64>| value.map_or(String::new(), f64::to_string);
    format!(
        "{} channels of `{}` from {} to {} {}",
        channels.coordinates.len(),
        axis.name,
        edge(first),
        edge(last),
        axis.units
    )
}
