//! One cell: a campaign, and its result as a file that says what it belongs to.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use beacon_kernel::{Candidate, Strategy};
use serde::{Deserialize, Serialize};

use super::identity::CHECKSUM;
use super::plan::Conditions;
use super::program::{NoOrder, Program};
use super::{Cell, METRICS, Metric, Other, Plan, StudyError};
use crate::campaign::{Campaign, CampaignConfig, CampaignError, Observer, Series, Summary};
use crate::controller::{InProcess, Memory};
use crate::data::Patches;
use crate::experiment::Oracle;
use crate::journal::Shown;
use crate::metrics::Groups;
use crate::spaces::Spaces;

/// The result of one cell, as its file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// What it depends on, as a checksum: what the study's cells have in common ([`Plan::conditions`]), and of a
    /// strategy of others its order or its command.
    pub conditions: String,
    /// What that checksum is of, so that a cell of another study can say what differs; older cells
    /// have none.
    #[serde(default, skip_serializing_if = "Conditions::are_unknown")]
    pub settings: Conditions,
    /// The spaces that its exploration was judged in; of older cells that is not known.
    #[serde(default)]
    pub spaces: SpaceChecksums,
    /// Wall time of the campaign, in seconds.
    pub seconds: f64,
    /// The campaign.
    pub campaign: Summary,
}

/// The groups of the spaces that a campaign was judged in, as checksums: coverage can be compared
/// where they are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceChecksums {
    /// CRC-64 of the cluster of every candidate's vector of true responses, in hexadecimal; absent where one
    /// response is sought.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub response: Option<String>,
    /// CRC-64 of the group of every candidate in patch space, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub patch: Option<String>,
    /// The same in latent space, which may differ between machines.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latent: Option<String>,
}

impl SpaceChecksums {
    fn new(spaces: &Spaces) -> Self {
        let checksum = |groups: &Groups| {
            let mut digest = CHECKSUM.digest();
            for label in groups.labels() {
                digest.update(&label.to_le_bytes());
            }
            format!("{:016x}", digest.finalize())
        };
        Self {
            response: spaces.judged_responses().as_ref().map(checksum),
            patch: Some(checksum(spaces.patch())),
            latent: spaces.latent_groups().map(checksum),
        }
    }
}

/// Why a result is not that of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// It is of other arguments, which differ so.
    Arguments(String),
    /// It cannot be.
    Damage(String),
}

impl CellResult {
    /// Why this is not the result of a cell of a plan, whose cells have `common` conditions; `None` when it
    /// is.
    pub(super) fn objection(
        &self,
        plan: &Plan,
        common: &Conditions,
        cell: &Cell,
    ) -> Option<Objection> {
        let campaign = &self.campaign;
        let conditions = plan.conditions_beside(common.clone(), cell);
        if conditions.checksum() != self.conditions {
            let differing = if self.settings.are_unknown() {
                "what they were is not known".to_owned()
            } else {
                self.settings.differences(&conditions).join(", ")
            };
            return Some(Objection::Arguments(differing));
        }
        if (&campaign.strategy, campaign.seed) != (&cell.strategy, cell.seed) {
            let (strategy, seed) = (&campaign.strategy, campaign.seed);
            let why = format!("it is {strategy} with seed {seed}");
            return Some(Objection::Damage(why));
        }
        let steps = plan.campaign.steps;
        let further = campaign.series.further.iter();
        let further: Vec<_> = further.flat_map(Metric::of_further).collect();
        let lengths = METRICS.iter().chain(&further);
        let lengths = lengths
            .filter_map(|metric| metric.curve(campaign))
            .map(<[f64]>::len);
        if campaign.order.len() != steps || lengths.into_iter().any(|length| length != steps) {
            let why = format!("it does not hold {steps} steps");
            return Some(Objection::Damage(why));
        }
        None
    }
}

/// A plan with the experiment it is for.
pub struct Study<M> {
    plan: Plan,
    experiment: M,
    spaces: Option<Spaces>,
    /// Where its campaigns are shown while they run.
    shown: Option<PathBuf>,
    /// How long a program of somebody else's may take for an answer.
    patience: Duration,
}

impl<M: Oracle + Clone + Sync> Study<M> {
    /// Checks that every campaign of the plan can start on the experiment, before anything is
    /// measured or written.
    ///
    /// # Errors
    /// [`StudyError::Start`] for the first that cannot.
    pub fn new(plan: Plan, experiment: M) -> Result<Self, StudyError> {
        let study = Self {
            plan,
            experiment,
            spaces: None,
            shown: None,
            patience: Program::PATIENCE,
        };
        // Seeds are all alike to this, but to orders.
        let strategies = study.plan.strategies.len();
        for (n, cell) in study.plan.cells().enumerate() {
            let checked = match study.plan.others.get(&cell.strategy) {
                Some(Other::Orders(_)) => study.followed(&cell, None),
                _ if n < strategies => study.campaign(&cell),
                _ => continue,
            };
            checked.map_err(|error| match error {
                CampaignError::Kernel(_) | CampaignError::Setting { .. } if n >= strategies => {
                    failed(&cell, error)
                }
                error => StudyError::Start(Box::new(error)),
            })?;
        }
        Ok(study)
    }

    /// Judges exploration in these spaces as well, which are those of [`Self::patches`].
    #[must_use]
    pub fn with_spaces(self, spaces: Spaces) -> Self {
        Self {
            spaces: Some(spaces),
            ..self
        }
    }

    /// Gives programs of others so long for each answer; [`Program::PATIENCE`] otherwise.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Shows every campaign in a folder below this one, for a page.
    #[must_use]
    pub fn shown_below(self, folder: &Path) -> Self {
        Self {
            shown: Some(folder.to_owned()),
            ..self
        }
    }

    /// The image as the network sees it.
    ///
    /// # Errors
    /// When no window fits, which [`Self::new`] has excluded.
    pub fn patches(&self) -> Result<Patches, CampaignError> {
        let CampaignConfig { window, edges, .. } = self.plan.campaign;
        Ok(self.experiment.image().patches_with_edges(window, edges)?)
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The campaign of a strategy of the kernel's; of another's, one that begins alike.
    fn campaign(&self, cell: &Cell) -> Result<Campaign, CampaignError> {
        let mut config = self.plan.config(cell);
        if self.plan.others.contains_key(&cell.strategy) {
            Strategy::Random.name().clone_into(&mut config.strategy);
        }
        let campaign = Campaign::new(config, self.plan.seeds_of_campaigns(), &self.experiment)?;
        self.judged(campaign)
    }

    fn judged(&self, campaign: Campaign) -> Result<Campaign, CampaignError> {
        match &self.spaces {
            Some(spaces) => campaign.with_spaces(spaces),
            None => Ok(campaign),
        }
    }

    /// The campaign of an order: that of the plan, or one that a program has chosen.
    fn followed(
        &self,
        cell: &Cell,
        chosen: Option<Vec<Candidate>>,
    ) -> Result<Campaign, CampaignError> {
        let config = self.plan.config(cell);
        let order = chosen.unwrap_or_else(|| {
            let seed = (cell.seed as usize).saturating_sub(1);
            let order = match self.plan.others.get(&cell.strategy) {
                Some(Other::Orders(orders)) => orders.get(seed),
                _ => None,
            };
            let order = order.into_iter().flatten().take(config.steps);
            order.copied().map(Candidate).collect()
        });
        let seeds = self.campaign(cell)?.first_points()?;
        self.judged(Campaign::following(config, seeds, order, &self.experiment)?)
    }

    /// The campaign that a program of somebody else's chooses; `None` when the observer ended it.
    fn asked(
        &self,
        cell: &Cell,
        command: &str,
        observer: &mut dyn Observer,
    ) -> Result<Option<Campaign>, StudyError> {
        let external = |why| StudyError::External {
            name: cell.strategy.clone(),
            seed: cell.seed,
            why,
        };
        let (config, mut experiment) = (self.plan.config(cell), self.experiment.clone());
        let campaign = self.campaign(cell).map_err(|e| failed(cell, e))?;
        let seeds = campaign.first_points().map_err(|e| failed(cell, e))?;
        let mut program = Program::start(command, self.patience).map_err(external)?;
        let mut is_enough = || {
            observer
                .step(0, config.steps, &Series::default())
                .is_break()
        };
        let candidates = campaign.candidates();
        let order = program.order(&config, &seeds, candidates, &mut experiment, &mut is_enough);
        match order {
            Ok(order) => {
                let campaign = self.followed(cell, Some(order));
                Ok(Some(campaign.map_err(|error| failed(cell, error))?))
            }
            Err(NoOrder::Interrupted) => Ok(None),
            Err(NoOrder::Failed(why)) => Err(external(why)),
            Err(NoOrder::Silent(step)) => Err(StudyError::Silent {
                name: cell.strategy.clone(),
                seed: cell.seed,
                command: command.to_owned(),
                step,
                patience: self.patience,
            }),
        }
    }

    fn run(
        &self,
        cell: &Cell,
        mut campaign: Campaign,
        observer: &mut dyn Observer,
    ) -> Result<(Duration, Summary), CampaignError> {
        // A page that has no room on the disk keeps nobody from comparing.
        let shown = self.shown.as_ref();
        if let Some(Ok(shown)) = shown.map(|folder| Shown::new(&folder.join(cell.to_string()))) {
            campaign = campaign.witnessed_by(Box::new(shown));
        }
        let mut memory = Memory::new(campaign.capacity());
        let mut controller = InProcess::new(&mut memory)?;
        let mut experiment = self.experiment.clone();
        let started = Instant::now();
        let outcome = campaign.run(&mut experiment, &mut controller, observer)?;
        let mut summary = Summary::new(&outcome);
        // An order that is followed is called so by the campaign.
        summary.strategy.clone_from(&cell.strategy);
        Ok((started.elapsed(), summary))
    }

    /// Runs one cell in this process; `None` when the observer ended it before its last step.
    ///
    /// # Errors
    /// [`StudyError::Campaign`] when the campaign fails; otherwise as [`Plan::conditions`].
    pub fn run_cell(
        &self,
        cell: &Cell,
        observer: &mut dyn Observer,
    ) -> Result<Option<CellResult>, StudyError> {
        let campaign = match self.plan.others.get(&cell.strategy) {
            Some(Other::External(command)) => match self.asked(cell, command, observer)? {
                Some(campaign) => Ok(campaign),
                None => return Ok(None),
            },
            Some(Other::Orders(_)) => self.followed(cell, None),
            None => self.campaign(cell),
        };
        let run = campaign.and_then(|campaign| self.run(cell, campaign, observer));
        let (time, campaign) = run.map_err(|source| failed(cell, source))?;
        let complete = campaign.order.len() == self.plan.campaign.steps;
        let settings = self.plan.conditions_of(cell)?;
        Ok(complete.then(|| CellResult {
            conditions: settings.checksum(),
            settings,
            spaces: self
                .spaces
                .as_ref()
                .map(SpaceChecksums::new)
                .unwrap_or_default(),
            seconds: time.as_secs_f64(),
            campaign,
        }))
    }
}

fn failed(cell: &Cell, source: CampaignError) -> StudyError {
    StudyError::Campaign {
        strategy: cell.strategy.clone(),
        seed: cell.seed,
        source: Box::new(source),
    }
}
