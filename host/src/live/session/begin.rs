//! How a session begins, and how it is taken up again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use beacon_kernel::{Acquisition, Candidate, Candidates};

use super::{Asleep, Session, now_ms};
use crate::campaign::ALGORITHM;
use crate::data::Channels;
use crate::live::aim::{self, Aim};
use crate::live::closed::Closed;
use crate::live::control::Accepted;
use crate::live::control::Control;
use crate::live::dose::Ledger;
use crate::live::event::{Begun, Event, Record};
use crate::live::journal::{Journal, Place};
use crate::live::points::Points;
use crate::live::reserve::Reserve;
use crate::live::status::Board;
use crate::live::status::Status;
use crate::live::{LiveConfig, LiveError};
use crate::live::{RunFolder, check_alone, check_with, default_target, dose};
use crate::microscope::{Microscope, Past};

/// What a session starts with, once everything is checked.
struct Ready {
    config: LiveConfig,
    begun: Begun,
    points: Points,
    candidates: Candidates,
    ledger: Ledger,
    stretch: f64,
    acquisition: Acquisition,
}

impl Ready {
    fn new(config: LiveConfig, begun: Begun, stretch: f64) -> Result<Self, LiveError> {
        let image = &begun.image;
        let (scalarizers, target) = config.scalarizers(&default_target(&config.microscope));
        let points = Points::new(scalarizers, target, &begun.channels)?;
        let window = config.campaign.window;
        let candidates = Candidates::new(image.height(), image.width(), window)?;
        let area = dose::pixel_area(image);
        let current = config.current.or(begun.beam.current_pa);
        check_with(&config, current, area)?;
        let mut ledger = Ledger::new(config.limits(), area);
        ledger
            .admit_overview(begun.electrons, image.values.len())
            .map_err(LiveError::Overview)?;
        ledger.spend_on_overview(begun.electrons, image.values.len());
        let longest = config.dwell().as_secs_f64() * stretch;
        let electrons = dose::electrons(current.unwrap_or(0.0), longest);
        ledger
            .admit(Candidate(0), electrons)
            .map_err(LiveError::FirstPoint)?;
        Ok(Self {
            acquisition: config.campaign.acquisition().unwrap_or_default(),
            config,
            begun,
            points,
            candidates,
            ledger,
            stretch,
        })
    }
}

impl<'a> Session<'a> {
    /// Begins a campaign: takes the overview and begins the journal in a folder that is new.
    ///
    /// # Errors
    /// When the instrument gives no overview, a setting does not fit it, or the journal cannot be
    /// written.
    pub fn begin(
        microscope: &'a mut dyn Microscope,
        config: LiveConfig,
        seeds: Option<Vec<u32>>,
        folder: &RunFolder,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, LiveError> {
        let settings = to_toml(&config)?;
        // What can be told without the overview is told before the sample is exposed for it.
        let (scalarizers, target) = config.scalarizers(&default_target(&config.microscope));
        let points = Points::new(scalarizers, target, microscope.channels())?;
        check_alone(&config, &points)?;
        let image = microscope.overview()?;
        // Some instruments know their beam once they have used it.
        let beam = microscope.beam();
        let pixels = image.values.len() as f64;
        let current = config.current.or(beam.current_pa);
        let electrons = current
            .zip(beam.overview_dwell_seconds)
            .map_or(0.0, |(current, dwell)| {
                dose::electrons(current, dwell * pixels)
            });
        let begun = Begun {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            algorithm: ALGORITHM,
            id: now_ms() ^ (u64::from(std::process::id()) << 44),
            settings,
            instrument: microscope.description(),
            image,
            channels: microscope.channels().clone(),
            beam,
            seeds,
            electrons,
        };
        let record = Record {
            at_ms: now_ms(),
            elapsed_ms: 0,
            event: Event::Begun(Box::new(begun.clone())),
        };
        let ready = Ready::new(config, begun, microscope.longest_stretch())?;
        let journal = Journal::begin(&folder.journal(), &record)?;
        let mut session = Self::new(microscope, ready, journal, folder, interrupted);
        session.listen(folder, 0)?;
        Ok(session)
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
            journal,
            begun,
            records,
            config,
            torn,
        } = taken_up;
        if *microscope.channels() != begun.channels {
            return Err(LiveError::OtherInstrument {
                began: begun.instrument,
                channels: describe(&begun.channels),
                found: microscope.description(),
                found_channels: describe(microscope.channels()),
            });
        }
        let elapsed = records.last().map_or(0, |(_, record)| record.elapsed_ms);
        let measured = |(_, record): &&(Place, Record)| matches!(record.event, Event::Measured(_));
        let points = records.iter().filter(measured).count();
        let taken = records.iter().filter(|(_, r)| r.event.takes_command());
        let taken = taken.count();
        if config.budget < points {
            return Err(LiveError::Setting {
                name: "budget",
                value: config.budget.to_string(),
                accepted: format!("at least the {points} points that are measured"),
            });
        }
        let ready = Ready::new(config, begun, microscope.longest_stretch())?;
        let mut session = Self::new(microscope, ready, journal, folder, interrupted);
        session.clock.1 = Duration::from_millis(elapsed);
        let last = records.last().map(|(_, record)| &record.event);
        session.asleep = Some(Asleep {
            exposures: vec![Past::Overview],
            had_ended: matches!(last, Some(Event::Ended { .. })),
        });
        for (_, record) in &records {
            session.closed.foresee(&record.event);
        }
        session.past = records.into();
        session.found = Some((points, torn));
        session.listen(folder, taken)?;
        Ok(session)
    }

    fn new(
        microscope: &'a mut dyn Microscope,
        ready: Ready,
        journal: Journal,
        folder: &RunFolder,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        let Ready {
            config,
            begun,
            points,
            candidates,
            ledger,
            stretch,
            acquisition,
        } = ready;
        // A spectrum and its detectors, with room to spare.
        let bytes = 16 * begun.channels.coordinates.len() + (64 << 10);
        let truth = microscope.truth(points.target());
        let size = (begun.image.height(), begun.image.width());
        let board = Board::default();
        board.write(|status| {
            *status = Status {
                state: "beginning".to_owned(),
                budget: config.budget,
                ..Status::default()
            };
        });
        Self {
            microscope,
            aim: Aim::new(aim::frame(&config), size),
            current_pa: config.current.or(begun.beam.current_pa),
            config,
            begun,
            journal: RefCell::new(journal),
            past: VecDeque::new(),
            found: None,
            asleep: None,
            unset: true,
            announced: 0.0,
            told: None,
            points,
            truth,
            unreduced: None,
            ledger,
            stretch,
            resets: 0,
            commands: Vec::new(),
            retargets: Arc::default(),
            blanked: true,
            reserve: Reserve::new(folder.path(), bytes),
            surveyed: 0,
            uncertain: 0,
            candidates,
            closed: Closed::default(),
            acquisition,
            control: None,
            board,
            interrupted,
            voice: Box::new(|_| ()),
            clock: (Instant::now(), Duration::ZERO),
        }
    }

    /// `taken` is how many commands the campaign has taken so far.
    fn listen(&mut self, folder: &RunFolder, taken: usize) -> Result<(), LiveError> {
        let accepted = Accepted {
            candidates: self.candidates,
            channels: self.begun.channels.clone(),
            closed: self.closed.clone(),
        };
        let control = Control::open(folder, taken, accepted, self.board.clone())?;
        self.control = Some(control);
        self.publish("beginning");
        Ok(())
    }
}

/// A journal that was read, with what it says of the campaign.
#[derive(Debug)]
pub struct TakenUp {
    journal: Journal,
    begun: Begun,
    records: Vec<(Place, Record)>,
    /// The settings that the campaign has had last. The budget and the limits may be changed,
    /// which decide nothing.
    pub config: LiveConfig,
    torn: u64,
}

impl TakenUp {
    /// Reads the journal in a folder and moves a torn last record to `journal.torn`.
    ///
    /// # Errors
    /// When it cannot be read, or is of another version of what decides.
    pub fn read(folder: &RunFolder) -> Result<Self, LiveError> {
        let found = Journal::open(&folder.journal())?;
        let mut records = found.records;
        if records.is_empty() {
            return Err(LiveError::NothingBegun(folder.journal()));
        }
        let Event::Begun(begun) = records.remove(0).1.event else {
            return Err(LiveError::NothingBegun(folder.journal()));
        };
        if begun.algorithm != ALGORITHM {
            return Err(LiveError::Algorithm {
                path: folder.journal(),
                version: begun.version,
                found: begun.algorithm,
            });
        }
        let later = records
            .iter()
            .rev()
            .find_map(|(_, record)| match &record.event {
                Event::Resumed { settings, .. } => Some(settings),
                _ => None,
            });
        let settings = later.unwrap_or(&begun.settings);
        let config = toml::from_str(settings).map_err(|e| LiveError::Settings(e.to_string()))?;
        Ok(Self {
            journal: found.journal,
            begun: *begun,
            records,
            config,
            torn: found.torn,
        })
    }
}

fn to_toml(config: &LiveConfig) -> Result<String, LiveError> {
    toml::to_string(config).map_err(|e| LiveError::Settings(e.to_string()))
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
