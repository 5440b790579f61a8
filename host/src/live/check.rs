//! Checks of settings against the overview.

use beacon_kernel::{Candidate, Edges};

use super::LiveError;
use crate::campaign::{SettingError, Settings, State, check_seeds};
use crate::data::Channels;

/// Checks that a limit for a pixel is one of pixels whose size is known.
pub(super) fn check_pixel_limit(settings: &Settings, state: &State) -> Result<(), LiveError> {
    if settings.limits.pixel.is_some() && state.ledger().area().is_none() {
        return Err(SettingError::new(
            "the size of a pixel",
            &"unknown: the overview has no scale in metres",
            "a calibrated overview beside --pixel-dose-limit, as --field-width 2um gives a controller \
             by itself, or --dose-limit instead",
        )
        .into());
    }
    Ok(())
}

/// Checks settings against the size of the overview.
pub(super) fn check_frame(
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

/// Channels in a few words.
pub(super) fn describe(channels: &Channels) -> String {
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
