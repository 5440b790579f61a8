//! What a campaign begins with, or goes on with.

use std::path::Path;

use beacon_kernel::{Candidates, MOST_RESPONSES};

use super::AskTellError;
use super::told::Told;
use crate::campaign::drive::Kept;
use crate::campaign::{
    ALGORITHM, Begun, Campaign, CampaignConfig, CampaignError, Event, FurtherTarget, LiveConfig,
    Monitor, Overview, Patches, Record, Region, Seeds, Settings, State, Targets, check_image,
    check_present,
};
use crate::controller::Memory;
use crate::data::{Axis, Channels, Map};
use crate::experiment::Experiment;
use crate::journal::{Journal, LearnedFile, RunFolder, now_ms};
use crate::microscope::{Beam, MicroscopeChoice};
use crate::scalarizer::Scalarizer;

/// The instrument of such a campaign in its journal.
const INSTRUMENT: &str = "notebook";

/// Settings of a campaign that is asked and told.
#[derive(Clone, Debug)]
pub struct Setup {
    /// How points are chosen. Its steps do not count.
    pub campaign: CampaignConfig,
    /// Points in all, seeds included: what there is memory for.
    pub budget: usize,
    /// What the numbers are that are told of a point.
    pub channels: Channels,
    /// What is made of them; the sum without any.
    pub scalarizers: Vec<Scalarizer>,
    /// What is sought, up to four together; the first of these scalarizers unless said otherwise.
    pub target: Targets,
}

impl Setup {
    /// A campaign of so many points in all that is told one number of each.
    pub fn new(campaign: CampaignConfig, budget: usize) -> Self {
        Self {
            campaign,
            budget,
            channels: Channels::along(Axis::pixels("response", 1), "response", ""),
            scalarizers: Vec::new(),
            target: Targets::default(),
        }
    }
}

/// A campaign that has been checked, or read from a folder.
pub struct Beginning {
    pub(super) state: State,
    pub(super) patches: Patches,
    pub(super) monitor: Monitor,
    /// Its beginning and its overview, which the state has taken.
    pub(super) records: Vec<Record>,
    /// What happened since, where it goes on.
    pub(super) rest: Vec<Record>,
    /// What was learned from so many of those.
    pub(super) learned: Option<(usize, Kept)>,
}

/// An image of which nothing else is known.
struct Image(Map);

impl Experiment for Image {
    fn image(&self) -> &Map {
        &self.0
    }

    fn truth(&self) -> Option<&Map> {
        None
    }
}

impl Beginning {
    /// Checks everything that can be checked before anything is measured. Pixels of which `left_out`,
    /// given row and column, is true are no candidates.
    ///
    /// # Errors
    /// The first setting, seed or property of the image that does not fit.
    pub fn new(
        setup: Setup,
        seeds: Seeds,
        image: Map,
        left_out: impl Fn(usize, usize) -> bool,
    ) -> Result<Self, AskTellError> {
        let Setup {
            mut campaign,
            budget,
            channels,
            scalarizers,
            target,
        } = setup;
        // Who gives no budget has one of all pixels with data.
        check_image(&image)?;
        let first = seeds.count();
        if budget <= first {
            return Err(AskTellError::Campaign(CampaignError::Setting {
                name: "budget",
                value: budget.to_string(),
                accepted: format!("more than the {first} points to begin with"),
            }));
        }
        campaign.steps = budget - first;
        if matches!(seeds, Seeds::Random(_)) {
            campaign.initial = first;
        }
        let absent = Region::covering(image.height(), image.width(), |row, column| {
            left_out(row, column) || !image.is_known(row, column)
        });
        let given: Option<Vec<u32>> = match &seeds {
            Seeds::Given(seeds) => Some(seeds.iter().map(|seed| seed.0).collect()),
            Seeds::Random(_) => None,
        };
        // Those without a number and those that are left out are told together.
        if let Seeds::Given(seeds) = &seeds
            && let Ok(candidates) = campaign.candidates(image.height(), image.width())
        {
            check_present(seeds, candidates, &absent).map_err(CampaignError::from)?;
        }
        let experiment = Image(image);
        // One check for all campaigns; the budget is checked below, where it has its own name.
        let shortest = CampaignConfig {
            steps: 1,
            ..campaign.clone()
        };
        let checked = Campaign::new(shortest, seeds, &experiment)?;
        let candidates = checked.candidates();
        let Image(image) = experiment;
        let config = LiveConfig {
            scalarizers: if scalarizers.is_empty() {
                vec![Scalarizer::Sum]
            } else {
                scalarizers
            },
            target,
            // What fails elsewhere is for the caller to judge.
            most_failures: candidates.count() + 1,
            campaign,
            ..LiveConfig::new(MicroscopeChoice::Own(INSTRUMENT.to_owned()), budget)
        };
        let begun = Begun {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            algorithm: ALGORITHM,
            id: now_ms() ^ (u64::from(std::process::id()) << 44),
            settings: toml::to_string(&config).map_err(|error| {
                // Only a number that TOML has not, as a seed beyond its whole numbers.
                AskTellError::Refused(format!("the settings have no file form: {error}"))
            })?,
            instrument: "points that the caller measures".to_owned(),
            channels,
            beam: Beam::default(),
            frame: Some((image.rows.clone(), image.columns.clone())),
            overview_time: None,
            real_to_live: 1.0,
            seeds: given,
        };
        let overview = Overview {
            image,
            beam: Beam::default(),
            absent,
        };
        let now = |event| Record {
            at_ms: now_ms(),
            elapsed_ms: 0,
            event,
        };
        let records = vec![
            now(Event::Begun(Box::new(begun.clone()))),
            now(Event::Overview(Box::new(overview))),
        ];
        let beginning = Self::of(begun, &config, records)?;
        beginning
            .state
            .settings()
            .check_first(&Seeds::Random(first))?;
        let (free, budget) = (beginning.state.free_at_first(), config.budget);
        if budget > free {
            return Err(AskTellError::Campaign(CampaignError::Setting {
                name: "budget",
                value: budget.to_string(),
                accepted: format!("at most the {free} candidates that can be measured"),
            }));
        }
        Ok(beginning)
    }

    fn of(begun: Begun, config: &LiveConfig, records: Vec<Record>) -> Result<Self, AskTellError> {
        let settings = Settings::live(config, &begun.channels)?;
        let mut state = State::new(begun, settings);
        for record in records.iter().skip(1) {
            state.apply(&record.event)?;
        }
        let CampaignConfig { window, edges, .. } = config.campaign;
        let Some(image) = state.image() else {
            return Err(AskTellError::Refused("there is no image".to_owned()));
        };
        let patches = image.patches_with_edges(window, edges)?;
        let targets = Told::quantities(&state).into_iter().skip(1);
        let further = targets.map(|(name, units)| FurtherTarget {
            name,
            units,
            truth: None,
        });
        let further: Vec<_> = further.collect();
        let monitor = Monitor::of_several(None, &further, patches.candidates());
        let monitor = monitor.map_err(CampaignError::from)?;
        Ok(Self {
            state,
            patches,
            monitor,
            records,
            rest: Vec::new(),
            learned: None,
        })
    }

    /// Reads a campaign from the folder into which it was saved, or where its journal is.
    ///
    /// # Errors
    /// When there is none, another process works in the folder, the campaign is of an instrument, or
    /// another version of the program decides otherwise.
    pub fn load(folder: &Path) -> Result<Self, AskTellError> {
        let claim = RunFolder::resume(folder)?;
        let read = Self::read(folder, &claim);
        claim.leave();
        read
    }

    fn read(folder: &Path, claim: &RunFolder) -> Result<Self, AskTellError> {
        let unreadable = |why: String| AskTellError::Unreadable {
            path: folder.to_owned(),
            why,
        };
        let found = Journal::inspect(&claim.journal())?;
        let (places, mut records): (Vec<_>, Vec<_>) = found.records.into_iter().unzip();
        let Some(Event::Begun(begun)) = records.first().map(|first| &first.event) else {
            return Err(unreadable("no campaign was begun in it".to_owned()));
        };
        if begun.algorithm != ALGORITHM {
            let found = begun.algorithm;
            return Err(unreadable(format!(
                "its algorithm is {found} and that of this version {ALGORITHM}"
            )));
        }
        let begun = (**begun).clone();
        let mut config: LiveConfig =
            toml::from_str(&begun.settings).map_err(|error| unreadable(error.to_string()))?;
        if config.microscope != MicroscopeChoice::Own(INSTRUMENT.to_owned()) {
            return Err(AskTellError::Foreign {
                path: folder.to_owned(),
                instrument: begun.instrument,
            });
        }
        if records.len() < 2 {
            return Err(unreadable("its image is missing".to_owned()));
        }
        let rest = records.split_off(2);
        // Memory is needed for the largest budget; the fold takes the smaller ones first.
        for record in &rest {
            if let Event::Commanded(given) = &record.event
                && let crate::campaign::Command::Budget(budget) = given.command
            {
                config.budget = config.budget.max(budget);
            }
        }
        let learned = LearnedFile::new(folder).read(&places, found.journal.end());
        let learned = learned.and_then(|(count, kept)| {
            let count = count.checked_sub(2)?;
            (count <= rest.len()).then_some((count, kept))
        });
        Ok(Self {
            rest,
            learned,
            ..Self::of(begun, &config, records)?
        })
    }

    /// The geometry of the image and its candidates.
    pub fn candidates(&self) -> Candidates {
        self.patches.candidates()
    }

    /// Memory for the kernel of this campaign, and for as many targets as there may be.
    ///
    /// # Errors
    /// When this machine has not as much.
    pub fn memory(&self) -> Result<Memory, AskTellError> {
        let settings = self.state.settings();
        let memory = |targets| Memory::fitting_vectors(self.candidates(), settings.budget, targets);
        let since = self.rest.iter().map(|record| match &record.event {
            Event::Commanded(given) => given.command.sought().len(),
            _ => 0,
        });
        let sought = since.fold(settings.targets.len(), usize::max);
        // Where there is no memory for more, there is some for these.
        let made = memory(MOST_RESPONSES).or_else(|_| memory(sought));
        made.map_err(AskTellError::Memory)
    }
}
