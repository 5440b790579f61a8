//! How a session begins, and how it is taken up again.

use super::*;
use crate::campaign::ALGORITHM;
use crate::live::aim::{self, Aim};
use crate::live::control::Accepted;
use crate::live::status::Status;
use crate::live::{Reduce, RunFolder, check, default_target, dose};

/// What a session starts with, once everything is checked.
struct Ready {
    config: LiveConfig,
    begun: Begun,
    points: Points,
    candidates: Candidates,
    ledger: Ledger,
    acquisition: Acquisition,
}

impl Ready {
    fn new(config: LiveConfig, begun: Begun) -> Result<Self, LiveError> {
        let image = &begun.image;
        let (scalarizers, target) = config.scalarizers(&default_target(&config.microscope));
        let points = Points::new(scalarizers, target, &begun.channels)?;
        let window = config.campaign.window;
        let candidates = Candidates::new(image.height(), image.width(), window)?;
        let area = dose::pixel_area(image);
        if config.reduce == Reduce::Controller && points.on_controller().is_none() {
            return Err(LiveError::Setting {
                name: "reduce",
                value: format!("controller, for `{}`", points.target()),
                accepted: "a target that a controller can reduce: a sum, a window or a line, \
                           without background or above two windows, on a rising axis; or host"
                    .to_owned(),
            });
        }
        check(&config, config.current.or(begun.beam.current_pa), area)?;
        let mut ledger = Ledger::new(config.limits(), area);
        ledger
            .admit_in_all(begun.electrons)
            .map_err(LiveError::Overview)?;
        ledger.spend_on_overview(begun.electrons, image.values.len());
        Ok(Self {
            acquisition: config.campaign.acquisition().unwrap_or_default(),
            config,
            begun,
            points,
            candidates,
            ledger,
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
        folder: &RunFolder,
        interrupted: Arc<AtomicBool>,
    ) -> Result<Self, LiveError> {
        let settings = to_toml(&config)?;
        let beam = microscope.beam();
        let image = microscope.overview()?;
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
            electrons,
        };
        let record = Record {
            at_ms: now_ms(),
            elapsed_ms: 0,
            event: Event::Begun(Box::new(begun.clone())),
        };
        let ready = Ready::new(config, begun)?;
        let journal = Journal::begin(&folder.journal(), &record)?;
        let mut session = Self::new(microscope, ready, journal, interrupted);
        session.awake = true;
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
            settings,
            torn,
        } = taken_up;
        let found_channels = microscope.channels().coordinates.len();
        if found_channels != begun.channels.coordinates.len() {
            return Err(LiveError::OtherInstrument {
                began: begun.instrument,
                channels: begun.channels.coordinates.len(),
                found: microscope.description(),
                found_channels,
            });
        }
        let elapsed = records.last().map_or(0, |(_, record)| record.elapsed_ms);
        let ready = Ready::new(config, begun)?;
        let mut session = Self::new(microscope, ready, journal, interrupted);
        session.clock.1 = Duration::from_millis(elapsed);
        session.relive.push(Past::Overview);
        let measured = |(_, record): &&(Place, Record)| matches!(record.event, Event::Measured(_));
        let points = records.iter().filter(measured).count();
        let taken = records.iter().filter(|(_, r)| r.event.takes_command());
        let taken = taken.count();
        for (_, record) in &records {
            session.closed.foresee(&record.event);
        }
        session.past = records.into();
        let now = to_toml(&session.config)?;
        if now != settings {
            let record = session.record(Event::Resumed {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                settings: now,
            });
            session.journal.borrow_mut().append(&record)?;
        }
        session.found = Some((points, torn));
        session.listen(folder, taken)?;
        Ok(session)
    }

    fn new(
        microscope: &'a mut dyn Microscope,
        ready: Ready,
        journal: Journal,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        let Ready {
            config,
            begun,
            points,
            candidates,
            ledger,
            acquisition,
        } = ready;
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
            relive: Vec::new(),
            awake: false,
            unset: true,
            announced: 0.0,
            told: None,
            points,
            truth,
            unreduced: None,
            ledger,
            stretch: super::expose::FIRST_STRETCH,
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
    /// The same as they stand in the journal.
    settings: String,
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
        let settings = later.unwrap_or(&begun.settings).clone();
        let config = toml::from_str(&settings).map_err(|e| LiveError::Settings(e.to_string()))?;
        Ok(Self {
            journal: found.journal,
            begun: *begun,
            records,
            config,
            settings,
            torn: found.torn,
        })
    }
}

fn to_toml(config: &LiveConfig) -> Result<String, LiveError> {
    toml::to_string(config).map_err(|e| LiveError::Settings(e.to_string()))
}
