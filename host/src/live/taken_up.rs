//! A campaign that is taken up again: its journal and its last settings.

use std::time::Duration;

use super::LiveError;
use crate::campaign::{ALGORITHM, Begun, Command, Event, LiveConfig, Resumed};
use crate::journal::{Found, Journal, RunFolder};
use crate::microscope::Microscope;

/// A journal that was read, with the beginning and the last settings of its campaign.
#[derive(Debug)]
pub struct TakenUp {
    pub(super) found: Found,
    pub(super) begun: Box<Begun>,
    /// The last settings of the campaign. Budget and limits may be changed: no decision depends on
    /// them.
    pub config: LiveConfig,
    /// The same as the journal has them.
    pub(super) before: LiveConfig,
}

impl TakenUp {
    /// Rows and columns of the overview, where they are known.
    pub fn size(&self) -> Option<(usize, usize)> {
        let mut records = self.found.records.iter();
        let taken = records.find_map(|(_, record)| match &record.event {
            Event::Overview(overview) => Some((overview.image.height(), overview.image.width())),
            _ => None,
        });
        let frame = self.begun.frame.as_ref();
        taken.or(frame.map(|(rows, columns)| (rows.size, columns.size)))
    }

    /// How long the campaign had been running by the end of its journal.
    pub(super) fn elapsed(&self) -> Duration {
        let last = self.found.records.last();
        Duration::from_millis(last.map_or(0, |(_, record)| record.elapsed_ms))
    }

    /// Reads the journal in a folder and moves a torn last record to `journal.torn`.
    ///
    /// # Errors
    /// When it cannot be read, or the program that began it decides otherwise.
    pub fn read(folder: &RunFolder) -> Result<Self, LiveError> {
        let mut found = Journal::inspect(&folder.journal())?;
        let Some((_, first)) = found.records.first() else {
            return Err(LiveError::NothingBegun(folder.journal()));
        };
        let Event::Begun(begun) = &first.event else {
            return Err(LiveError::NothingBegun(folder.journal()));
        };
        if begun.algorithm != ALGORITHM {
            folder.leave();
            return Err(LiveError::Algorithm {
                path: folder.journal(),
                found: begun.algorithm,
            });
        }
        let begun = begun.clone();
        // Before this the journal is another program's affair.
        found.mend()?;
        let mut config: LiveConfig = from_toml(&begun.settings)?;
        for (_, record) in &found.records {
            match &record.event {
                Event::Resumed(resumed) => config = from_toml(&resumed.settings)?,
                // What a command has changed stays changed.
                Event::Commanded(given) => match given.command {
                    Command::Budget(budget) => config.budget = budget,
                    Command::DoseLimit(limit) => config.dose_limit = Some(limit),
                    Command::NoDoseLimit => config.dose_limit = None,
                    Command::PixelDoseLimit(limit) => config.pixel_dose_limit = limit,
                    Command::TimeLimit(limit) => config.time_limit = limit,
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(Self {
            found,
            begun,
            before: config.clone(),
            config,
        })
    }
}

/// The event that a campaign goes on with.
pub(super) fn resumed(
    config: &LiveConfig,
    microscope: &dyn Microscope,
) -> Result<Event, LiveError> {
    Ok(Event::Resumed(Resumed {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        settings: to_toml(config)?,
        real_to_live: microscope.longest_real_to_live(),
    }))
}

pub(super) fn to_toml(config: &LiveConfig) -> Result<String, LiveError> {
    toml::to_string(config).map_err(|e| LiveError::Settings(e.to_string()))
}

pub(super) fn from_toml(settings: &str) -> Result<LiveConfig, LiveError> {
    toml::from_str(settings).map_err(|e| LiveError::Settings(e.to_string()))
}
