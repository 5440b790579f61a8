//! The folder of a study: its plan and one file per finished cell.
//!
//! ```text
//! study.toml                          the plan
//! image.npy, target.npy, maps.toml    the data, so that figures can be drawn without them
//! cells/ei-7.json                     one finished campaign; nothing of one that is not
//! comparison.json, table.csv, series.csv, report.html, *.png, *.svg
//!                                     what was assembled from them
//! ```
//!
//! Files appear whole or not at all, and cells share no file, so that any number of processes
//! and machines can work on one folder.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cell::Objection;
use super::plan::Conditions;
use super::{Cell, CellResult, Maps, Other, Plan, StudyError};
use crate::data::files::write_file;

const PLAN: &str = "study.toml";
const CELLS: &str = "cells";

/// A folder that holds a study.
#[derive(Clone, Debug)]
pub struct StudyFolder {
    path: PathBuf,
    plan: Plan,
    /// What the results of all cells depend on, worked out once: a plan may hold orders of thousands of
    /// seeds.
    common: Conditions,
}

/// What there is of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// Nothing.
    Absent,
    /// A file that is not its result, and why not.
    Damaged(String),
    /// A result of other arguments, and how they differ.
    Outdated(String),
    /// Its result.
    Finished(Box<CellResult>),
}

impl StudyFolder {
    /// Makes the folder of a plan, or finds in it the plan or one that it extends, whose place
    /// it takes: finished cells stay, for their files depend on nothing else in the plan. See
    /// [`Plan::joined_with`].
    ///
    /// # Errors
    /// [`StudyError::AnotherRevision`], [`StudyError::AnotherStudy`], and [`StudyError::Unwritable`] or [`StudyError::Write`] when the
    /// folder cannot be written, now rather than after the first campaign.
    pub fn create(path: &Path, plan: &Plan) -> Result<Self, StudyError> {
        match Self::open(path) {
            Ok(found) => {
                if found.plan.algorithm != plan.algorithm {
                    return Err(StudyError::AnotherRevision {
                        folder: path.to_owned(),
                        found: found.plan.algorithm,
                    });
                }
                let differences = plan.objections(&found.tried()?)?;
                if !differences.is_empty() {
                    return Err(StudyError::AnotherStudy {
                        folder: path.to_owned(),
                        differences,
                    });
                }
            }
            Err(StudyError::NoStudy { .. }) => {}
            Err(other) => return Err(other),
        }
        let form = toml::to_string(plan).map_err(|e| unwritable(path, &e))?;
        fs::create_dir_all(path.join(CELLS)).map_err(|e| unwritable(path, &e))?;
        // Processes that start together may each put the plan in its place, and which of them does
        // last does not matter: where one was asked for more than another, the folder can be
        // extended again.
        write_file(&path.join(PLAN), form.as_bytes())?;
        Self::of(path, plan.clone())
    }

    fn of(path: &Path, plan: Plan) -> Result<Self, StudyError> {
        Ok(Self {
            path: path.to_owned(),
            common: plan.common()?,
            plan,
        })
    }

    /// Opens a folder that a comparison wrote.
    ///
    /// # Errors
    /// [`StudyError::NoStudy`], and [`StudyError::Unreadable`] for a damaged plan, or one of more cells than
    /// a study may have.
    pub fn open(path: &Path) -> Result<Self, StudyError> {
        let file = path.join(PLAN);
        let unreadable = |reason: &dyn std::fmt::Display| StudyError::Unreadable {
            path: file.clone(),
            reason: reason.to_string().replace('\n', " "),
        };
        let text = fs::read_to_string(&file).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StudyError::NoStudy {
                folder: path.to_owned(),
            },
            _ => unreadable(&error),
        })?;
        let plan: Plan = toml::from_str(&text).map_err(|e| unreadable(&e))?;
        plan.check_counts().map_err(|e| unreadable(&e))?;
        Self::of(path, plan)
    }

    /// Keeps the data of the study, unless they are there.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn keep(&self, maps: &Maps) -> Result<(), StudyError> {
        if self.maps().is_ok() {
            return Ok(());
        }
        maps.write(&self.path)
    }

    /// The data of the study.
    ///
    /// # Errors
    /// [`StudyError::Unreadable`] when they are not there, or others than those of the plan.
    pub fn maps(&self) -> Result<Maps, StudyError> {
        let maps = Maps::read(&self.path)?;
        if self.plan.dataset.is_of(&maps) {
            return Ok(maps);
        }
        Err(StudyError::Unreadable {
            path: self.path.clone(),
            reason: format!("its maps are not those of {PLAN}"),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The plan in it.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The file of a cell.
    pub fn file(&self, cell: &Cell) -> PathBuf {
        let name = format!("{}-{}.json", cell.strategy, cell.seed);
        self.path.join(CELLS).join(name)
    }

    /// The cells of which there are files, by their numbers. Reads the folder once, however many cells the plan
    /// has.
    ///
    /// # Errors
    /// [`StudyError::Unreadable`] when the folder cannot be read.
    pub fn cells(&self) -> Result<Vec<Cell>, StudyError> {
        let folder = self.path.join(CELLS);
        let unreadable = |e: io::Error| StudyError::Unreadable {
            path: folder.clone(),
            reason: e.to_string(),
        };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error)),
        };
        let places = self.plan.strategies.iter().enumerate();
        let places: HashMap<&str, usize> = places.map(|(n, name)| (name.as_str(), n)).collect();
        let cell = |name: &str| {
            let (strategy, seed) = name.strip_suffix(".json")?.rsplit_once('-')?;
            let place = *places.get(strategy)?;
            let seed = seed.parse().ok().filter(|&n: &u64| n.to_string() == seed)?;
            (1..=self.plan.seeds).contains(&seed).then(|| Cell {
                number: (seed as usize - 1) * self.plan.strategies.len() + place + 1,
                strategy: strategy.to_owned(),
                seed,
            })
        };
        let mut cells = Vec::new();
        for entry in entries {
            let name = entry.map_err(unreadable)?.file_name();
            cells.extend(name.to_str().and_then(cell));
        }
        cells.sort_unstable_by_key(|cell| cell.number);
        Ok(cells)
    }

    /// The plan without programs of others that have finished no campaign: without them nothing is lost.
    ///
    /// # Errors
    /// As [`Self::cells`].
    pub(super) fn tried(&self) -> Result<Plan, StudyError> {
        let cells = self.cells()?;
        let mut plan = self.plan.clone();
        let tried = |name: &String, other: &mut Other| {
            !matches!(other, Other::External(_)) || cells.iter().any(|cell| cell.strategy == *name)
        };
        plan.others.retain(tried);
        let others = &plan.others;
        let is_there =
            |name: &String| others.contains_key(name) || !self.plan.others.contains_key(name);
        plan.strategies.retain(is_there);
        Ok(plan)
    }

    /// Reads what there is of a cell.
    pub fn read(&self, cell: &Cell) -> Stored {
        let bytes = match fs::read(self.file(cell)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Stored::Absent,
            Err(error) => return Stored::Damaged(error.to_string()),
        };
        match serde_json::from_slice::<CellResult>(&bytes) {
            Err(error) => Stored::Damaged(error.to_string()),
            Ok(result) => match result.objection(&self.plan, &self.common, cell) {
                Some(Objection::Arguments(differences)) => Stored::Outdated(differences),
                Some(Objection::Damage(reason)) => Stored::Damaged(reason),
                None => Stored::Finished(Box::new(result)),
            },
        }
    }

    /// Writes the result of a cell, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, cell: &Cell, result: &CellResult) -> Result<(), StudyError> {
        let file = self.file(cell);
        let form = serde_json::to_vec(result).map_err(|e| unwritable(&file, &e))?;
        Ok(write_file(&file, &form)?)
    }
}

fn unwritable(path: &Path, reason: &dyn std::fmt::Display) -> StudyError {
    StudyError::Unwritable {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
