//! What is compared with what: the data, the strategies, the seeds, and the cells they make.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use beacon_kernel::{Candidate, Strategy};
use serde::{Deserialize, Serialize};

use super::identity::CHECKSUM;
use super::{DataIdentity, Other, StudyError, StudyFolder, others};
use crate::campaign::{ALGORITHM, CampaignConfig, Seeds};

/// A study: every strategy with every seed on the same data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of the program: another one may decide otherwise.
    pub version: String,
    /// Revision of what decides, [`ALGORITHM`]; absent from studies older than its count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<u32>,
    /// Names of the strategies, each once; others are tested against the first.
    pub strategies: Vec<String>,
    /// Number of seeds: 1 to this.
    pub seeds: u64,
    /// Candidate numbers that every campaign measures first, instead of random ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<u32>,
    /// The data.
    pub dataset: DataIdentity,
    /// Strategies of others by their names, which are among the strategies.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, Other>,
    /// What all campaigns have in common; its strategy and seed do not count and are not
    /// written.
    #[serde(serialize_with = "without_strategy_and_seed")]
    pub campaign: CampaignConfig,
}

/// One campaign of a study.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Its number, from 1.
    pub number: usize,
    /// Its strategy.
    pub strategy: String,
    /// Its seed.
    pub seed: u64,
}

impl Plan {
    /// Most seeds of a study: what lies beyond is a slip of the finger.
    pub const MOST_SEEDS: u64 = 10_000;

    /// Plans a study.
    ///
    /// # Errors
    /// [`StudyError::UnknownStrategies`], [`StudyError::Repeated`], and
    /// [`StudyError::Setting`] for no strategy, no seed, or too many, and [`StudyError::Form`]
    /// for a setting that its file cannot hold.
    pub fn new(
        dataset: DataIdentity,
        strategies: Vec<String>,
        seeds: u64,
        start: Vec<Candidate>,
        campaign: CampaignConfig,
    ) -> Result<Self, StudyError> {
        Self::with_others(dataset, strategies, BTreeMap::new(), seeds, start, campaign)
    }

    /// Plans a study in which strategies of others take part: those that are not among the
    /// `strategies` come behind them.
    ///
    /// # Errors
    /// As [`Self::new`], and [`StudyError::Orders`] and [`StudyError::ShortOrder`] for orders that are
    /// too few or too short.
    pub fn with_others(
        dataset: DataIdentity,
        mut strategies: Vec<String>,
        others: BTreeMap<String, Other>,
        seeds: u64,
        start: Vec<Candidate>,
        campaign: CampaignConfig,
    ) -> Result<Self, StudyError> {
        let further = others.keys().filter(|name| !strategies.contains(name));
        let further: Vec<String> = further.cloned().collect();
        strategies.extend(further);
        let unknown =
            |name: &&String| Strategy::from_name(name).is_none() && !others.contains_key(*name);
        let names: Vec<_> = strategies.iter().filter(unknown).cloned().collect();
        if !names.is_empty() {
            let accepted = Strategy::ALL.map(Strategy::name).join(", ");
            return Err(StudyError::UnknownStrategies { names, accepted });
        }
        for (n, name) in strategies.iter().enumerate() {
            if strategies[..n].contains(name) {
                return Err(StudyError::Repeated(name.clone()));
            }
        }
        let plan = Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            algorithm: Some(ALGORITHM),
            strategies,
            seeds,
            start: start.into_iter().map(|candidate| candidate.0).collect(),
            dataset,
            others,
            campaign,
        };
        plan.check_counts()?;
        others::check(&plan.others, &plan)?;
        plan.entries()?;
        Ok(plan)
    }

    /// Checks that its cells are as many as a study may have, whoever wrote the plan.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for no strategy, no seed, or too many.
    pub(super) fn check_counts(&self) -> Result<(), StudyError> {
        let counts = [
            ("strategies", self.strategies.len() as u64),
            ("seeds", self.seeds),
        ];
        for (name, count) in counts {
            if !(1..=Self::MOST_SEEDS).contains(&count) {
                return Err(StudyError::Setting {
                    name,
                    value: count.to_string(),
                    accepted: format!("1 to {}", Self::MOST_SEEDS),
                });
            }
        }
        Ok(())
    }

    /// Number of cells.
    pub fn cell_count(&self) -> usize {
        self.strategies.len() * self.seeds as usize
    }

    /// The cells by number: all strategies with the first seed, then with the second, so that
    /// what there is of an unfinished study is balanced.
    pub fn cells(&self) -> impl Iterator<Item = Cell> {
        self.cells_of(1..self.cell_count() + 1)
    }

    /// The cells of these numbers, from 1.
    fn cells_of(&self, numbers: Range<usize>) -> impl Iterator<Item = Cell> {
        let strategies = self.strategies.len();
        numbers.map(move |number| Cell {
            number,
            strategy: self.strategies[(number - 1) % strategies].clone(),
            seed: ((number - 1) / strategies) as u64 + 1,
        })
    }

    /// The cell that the user names.
    ///
    /// # Errors
    /// [`StudyError::NoSuchCell`].
    pub fn cell(&self, name: CellName) -> Result<Cell, StudyError> {
        let cells = self.cell_count();
        let cell = (name.of == cells)
            .then(|| (1..=cells).contains(&name.number).then_some(name.number))
            .flatten()
            .and_then(|number| self.cells_of(number..number + 1).next());
        cell.ok_or(StudyError::NoSuchCell {
            number: name.number,
            of: name.of,
            strategies: self.strategies.len(),
            seeds: self.seeds as usize,
            cells,
        })
    }

    /// The cells of one of `of` tasks that share the study: a run of neighbours, so that every task
    /// has all strategies, which take unequal times.
    ///
    /// # Errors
    /// [`StudyError::NoSuchShard`].
    pub fn shard(&self, name: CellName) -> Result<Vec<Cell>, StudyError> {
        Ok(self.cells_of(self.shard_numbers(name)?).collect())
    }

    /// The numbers of the cells of a shard.
    ///
    /// # Errors
    /// [`StudyError::NoSuchShard`].
    pub fn shard_numbers(&self, name: CellName) -> Result<Range<usize>, StudyError> {
        let CellName { number, of } = name;
        let cells = self.cell_count();
        if !(1..=cells).contains(&of) || !(1..=of).contains(&number) {
            return Err(StudyError::NoSuchShard { number, of, cells });
        }
        Ok((number - 1) * cells / of + 1..number * cells / of + 1)
    }

    /// What the campaign of a cell is asked to do.
    pub fn config(&self, cell: &Cell) -> CampaignConfig {
        CampaignConfig {
            strategy: cell.strategy.clone(),
            seed: cell.seed,
            ..self.campaign.clone()
        }
    }

    /// The points that every campaign starts from.
    pub fn seeds_of_campaigns(&self) -> Seeds {
        if self.start.is_empty() {
            Seeds::Random(self.campaign.initial)
        } else {
            Seeds::Given(self.start.iter().copied().map(Candidate).collect())
        }
    }

    /// Checksum of all that cells have in common: equal in studies whose cells can be exchanged, but for
    /// strategies of others.
    ///
    /// # Errors
    /// [`StudyError::Form`], which [`Self::new`] has excluded.
    pub fn conditions(&self) -> Result<String, StudyError> {
        Ok(self.common()?.checksum())
    }

    /// What the results of all cells depend on.
    pub(super) fn common(&self) -> Result<Conditions, StudyError> {
        let own =
            |name: &str| ["strategies", "seeds"].contains(&name) || name.starts_with("others.");
        let entries = self.entries()?.into_iter();
        Ok(Conditions(entries.filter(|(name, _)| !own(name)).collect()))
    }

    /// What the result of a cell depends on besides its seed and the name of its strategy.
    ///
    /// # Errors
    /// As [`Self::conditions`].
    pub(super) fn conditions_of(&self, cell: &Cell) -> Result<Conditions, StudyError> {
        Ok(self.conditions_beside(self.common()?, cell))
    }

    /// The same, beside what all cells have in common.
    pub(super) fn conditions_beside(&self, mut conditions: Conditions, cell: &Cell) -> Conditions {
        if let Some(other) = self.others.get(&cell.strategy) {
            let (name, value) = other.condition(cell.seed, self.campaign.steps);
            conditions.0.insert(name.to_owned(), value);
        }
        conditions
    }

    /// Checksum of all that counts, by which a study is known again.
    ///
    /// # Errors
    /// As [`Self::conditions`].
    pub fn checksum(&self) -> Result<String, StudyError> {
        Ok(Conditions(self.entries()?.into_iter().collect()).checksum())
    }

    /// How `self`, found in a folder, differs from what is asked for, entry by entry.
    ///
    /// # Errors
    /// As [`Self::conditions`].
    pub fn differences(&self, asked: &Self) -> Result<Vec<String>, StudyError> {
        let all = |entries: Vec<_>| Conditions(entries.into_iter().collect());
        Ok(all(self.entries()?).differences(&all(asked.entries()?)))
    }

    /// Why `self` cannot take the place of a plan found in a folder, entry by entry: other conditions, and less
    /// seeds or strategies than are there.
    ///
    /// # Errors
    /// As [`Self::conditions`].
    pub(super) fn objections(&self, found: &Self) -> Result<Vec<String>, StudyError> {
        let mut objections = self.objections_but_strategies(found)?;
        let mut there = found.strategies.iter();
        // A plan is joined with one that nothing else keeps from it.
        if objections.is_empty() && there.any(|strategy| !self.strategies.contains(strategy)) {
            let (there, here) = (&found.strategies, &self.strategies);
            objections.push(format!("strategies is {there:?} there and {here:?} here"));
        }
        Ok(objections)
    }

    fn objections_but_strategies(&self, found: &Self) -> Result<Vec<String>, StudyError> {
        let mut objections = found.common()?.differences(&self.common()?);
        if self.seeds < found.seeds {
            let (there, here) = (found.seeds, self.seeds);
            objections.push(format!("seeds is {there} there and {here} here"));
        }
        Ok(objections)
    }

    /// The plan with the strategies that the study in a folder has besides: whatever is asked for there is added
    /// to it. Of a strategy that both have, the plan says what it is. A program that has finished no campaign
    /// there is left out: its command may be a slip.
    ///
    /// # Errors
    /// Those of [`StudyFolder::open`] but that there is none, and [`StudyError::Orders`] where orders in the
    /// folder are fewer than the seeds of the plan.
    pub fn joined_with(mut self, folder: &Path) -> Result<Self, StudyError> {
        let found = match StudyFolder::open(folder) {
            Ok(found) => found.tried()?,
            Err(StudyError::NoStudy { .. }) => return Ok(self),
            Err(other) => return Err(other),
        };
        // Of another study nothing is taken; its folder will be refused.
        if found.algorithm != self.algorithm || !self.objections_but_strategies(&found)?.is_empty()
        {
            return Ok(self);
        }
        for strategy in found.strategies {
            if !self.strategies.contains(&strategy) {
                self.strategies.push(strategy);
            }
        }
        for (name, other) in found.others {
            self.others.entry(name).or_insert(other);
        }
        others::check(&self.others, &self)?;
        Ok(self)
    }

    /// Every entry that counts, by its path in the file form.
    fn entries(&self) -> Result<Vec<(String, String)>, StudyError> {
        let form = toml::Table::try_from(self);
        let table = form.map_err(|e| StudyError::Form(e.to_string().replace('\n', " ")))?;
        let mut entries = Vec::new();
        flatten("", &table, &mut entries);
        let mentions = ["dataset.name", "dataset.quantity", "dataset.units"];
        entries.retain(|(name, _)| !mentions.contains(&name.as_str()));
        Ok(entries)
    }
}

/// Settings by their paths in the file form of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions(BTreeMap<String, String>);

impl Conditions {
    /// Whether nothing is known of them, as in the files of older cells.
    pub(super) fn are_unknown(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn checksum(&self) -> String {
        let mut digest = CHECKSUM.digest();
        for (name, value) in &self.0 {
            digest.update(format!("{name} = {value}\n").as_bytes());
        }
        format!("{:016x}", digest.finalize())
    }

    /// How they differ from others, entry by entry.
    pub(super) fn differences(&self, others: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.0.keys().chain(others.0.keys()).collect();
        let value = |of: &Self, name: &String| {
            let value = of.0.get(name);
            value.map_or_else(|| "absent".to_owned(), Clone::clone)
        };
        let pairs = names
            .into_iter()
            .map(|name| (name, value(self, name), value(others, name)));
        let differing = pairs.filter(|(_, there, here)| there != here);
        differing
            .map(|(name, there, here)| format!("{name} is {there} there and {here} here"))
            .collect()
    }
}

fn flatten(path: &str, table: &toml::Table, entries: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let name = format!("{path}{key}");
        match value {
            toml::Value::Table(table) => flatten(&format!("{name}."), table, entries),
            other => entries.push((name, other.to_string())),
        }
    }
}

/// The settings that all campaigns of a study share.
fn without_strategy_and_seed<S: serde::Serializer>(
    config: &CampaignConfig,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut table = toml::Table::try_from(config).map_err(serde::ser::Error::custom)?;
    table.remove("strategy");
    table.remove("seed");
    table.serialize(serializer)
}

/// A cell, or a shard of cells, as a batch scheduler names it: `I/N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellName {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

impl FromStr for CellName {
    type Err = StudyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let (number, of) = numbers.ok_or_else(|| StudyError::CellForm(text.to_owned()))?;
        Ok(Self { number, of })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with seed {}", self.strategy, self.seed)
    }
}

#[cfg(test)]
mod tests;
