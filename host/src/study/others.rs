//! Strategies of others: orders that they measured in, and programs that are asked and told.

use std::collections::BTreeMap;
use std::path::Path;

use beacon_kernel::{Candidate, Candidates, Strategy};
use serde::{Deserialize, Serialize};

use super::identity::CHECKSUM;
use super::{Plan, StudyError};
use crate::campaign::read_order;

/// A strategy that is no part of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Other {
    /// Candidate numbers in the order of their measurement, behind the points to begin with: a list for
    /// each seed, from 1.
    Orders(Vec<Vec<u32>>),
    /// The command line of a program that is asked for points and told what was measured there; see
    /// [`Program`](super::Program).
    External(String),
}

impl Other {
    /// What a cell of such a strategy depends on besides what all cells have in common: name and value.
    pub(super) fn condition(&self, seed: u64, steps: usize) -> (&'static str, String) {
        match self {
            Self::Orders(orders) => {
                let order = orders.get((seed as usize).saturating_sub(1));
                let mut digest = CHECKSUM.digest();
                for candidate in order.into_iter().flatten().take(steps) {
                    digest.update(&candidate.to_le_bytes());
                }
                (
                    "order",
                    format!("that with checksum {:016x}", digest.finalize()),
                )
            }
            Self::External(command) => ("external", format!("`{command}`")),
        }
    }

    /// Reads orders from files, the first of seed 1.
    ///
    /// # Errors
    /// [`StudyError::Order`] for a file that cannot be used.
    pub fn read<P: AsRef<Path>>(files: &[P], candidates: Candidates) -> Result<Self, StudyError> {
        let order = |file: &P| -> Result<Vec<u32>, StudyError> {
            let order = read_order(file.as_ref(), candidates, &[]).map_err(StudyError::Order)?;
            // The points to begin with are those of the study: what is no step is one of them.
            Ok(order
                .steps
                .into_iter()
                .map(|Candidate(number)| number)
                .collect())
        };
        Ok(Self::Orders(
            files.iter().map(order).collect::<Result<_, _>>()?,
        ))
    }
}

/// Checks the names of others and the numbers of their orders.
///
/// # Errors
/// Names the first that is not accepted.
pub(super) fn check(others: &BTreeMap<String, Other>, plan: &Plan) -> Result<(), StudyError> {
    for (name, other) in others {
        let letters = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let named = (1..=40).contains(&name.len()) && name.chars().all(letters);
        if !named || name.starts_with('.') || Strategy::from_name(name).is_some() {
            return Err(StudyError::Setting {
                name: "the name of an order or a program",
                value: format!("`{name}`"),
                accepted: "up to 40 letters, digits, `-`, `_` and `.`, and the name of no strategy"
                    .to_owned(),
            });
        }
        if let Other::Orders(orders) = other {
            let (seeds, steps) = (plan.seeds as usize, plan.campaign.steps);
            if orders.len() != seeds {
                return Err(StudyError::Orders {
                    name: name.clone(),
                    found: orders.len(),
                    seeds,
                });
            }
            let mut lengths = (1..).zip(orders.iter().map(Vec::len));
            if let Some((seed, found)) = lengths.find(|&(_, length)| length < steps) {
                return Err(StudyError::ShortOrder {
                    name: name.clone(),
                    seed,
                    found,
                    steps,
                });
            }
        }
    }
    Ok(())
}
