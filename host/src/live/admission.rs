//! Whether a campaign may begin or go on: every check before the beam is used.

use std::time::Duration;

use beacon_kernel::{Candidate, Edges};

use super::fold::state_after;
use super::taken_up::{from_toml, resumed, to_toml};
use super::{LiveError, TakenUp};
use crate::campaign::dose::rounded_up;
use crate::campaign::{
    ALGORITHM, Action, Begun, Event, LiveConfig, Now, SettingError, Settings, State, check_seeds,
};
use crate::data::{Axis, Channels};
use crate::journal::now_ms;
use crate::microscope::{Microscope, MicroscopeChoice};
use crate::units::{Picoamperes, Seconds};

/// The state of a campaign before anything was exposed, with every setting checked that can be.
pub(super) fn beginning(
    microscope: &dyn Microscope,
    config: &LiveConfig,
    seeds: Option<Vec<u32>>,
) -> Result<State, LiveError> {
    let settings = Settings::live(config, microscope.channels())?;
    let begun = Begun {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        algorithm: ALGORITHM,
        id: now_ms() ^ (u64::from(std::process::id()) << 44),
        settings: to_toml(config)?,
        instrument: microscope.description(),
        channels: microscope.channels().clone(),
        beam: microscope.beam(),
        frame: microscope.frame(),
        overview_time: microscope.overview_time(),
        real_to_live: microscope.longest_real_to_live(),
        seeds,
    };
    let dwell = settings.dwell;
    let state = State::new(begun, settings);
    admit_beginning(&state, dwell, Duration::ZERO)?;
    Ok(state)
}

/// The state at the beginning of a campaign that is taken up again, with every setting checked that
/// can be before anything is recorded. `dwell` is another live time from here on.
pub(super) fn resumption(
    microscope: &dyn Microscope,
    taken_up: &TakenUp,
    dwell: Option<f64>,
) -> Result<State, LiveError> {
    let TakenUp {
        found,
        begun,
        config,
        ..
    } = taken_up;
    let records = &found.records;
    check_instrument(microscope, taken_up)?;
    // The same check as at the beginning, of the settings from here on and from the beginning.
    let asked = LiveConfig {
        dwell: dwell.or(config.dwell),
        ..config.clone()
    };
    let settings = Settings::live(&asked, &begun.channels)?;
    let original: LiveConfig = from_toml(&begun.settings)?;
    let original = Settings::live(&original, &begun.channels)?;
    let mut current = begun.beam.current;
    check_size(begun.frame.as_ref().map(size_of), microscope)?;
    for (_, record) in records {
        if let Event::Overview(overview) = &record.event {
            let size = (overview.image.height(), overview.image.width());
            check_size(Some(size), microscope)?;
            check_frame(size, &settings, None)?;
            current = overview.beam.current.or(current);
        }
    }
    settings.check_with(current)?;
    let current = current.or(settings.current);
    let state = State::new((**begun).clone(), original);
    let mut at_end = state_after(&state, records);
    check_spent(taken_up, &settings, &at_end, current)?;
    if at_end.overview().is_none() {
        at_end.apply(&resumed(config, microscope)?)?;
        let kept = at_end.settings().dwell;
        let dwell = dwell.map_or(kept, |_| settings.dwell);
        admit_beginning(&at_end, dwell, taken_up.elapsed())?;
    }
    Ok(state)
}

/// Checks that a campaign goes on with the instrument that it began on.
fn check_instrument(microscope: &dyn Microscope, taken_up: &TakenUp) -> Result<(), LiveError> {
    let begun = &taken_up.begun;
    let same = same_instrument(&taken_up.before.microscope, &taken_up.config.microscope);
    if same && *microscope.channels() == begun.channels {
        return Ok(());
    }
    Err(LiveError::OtherInstrument {
        began: begun.instrument.clone(),
        channels: describe(&begun.channels),
        found: microscope.description(),
        found_channels: describe(microscope.channels()),
    })
}

/// Checks that the budget and the limits that have changed are above what the campaign has used.
fn check_spent(
    taken_up: &TakenUp,
    settings: &Settings,
    at_end: &State,
    current: Option<Picoamperes>,
) -> Result<(), LiveError> {
    let (config, before) = (&taken_up.config, &taken_up.before);
    let elapsed = taken_up.elapsed();
    // A point that could not be used does not count against the budget.
    let points = at_end.points().len();
    if settings.budget < points {
        let accepted = format!("at least the {points} points that are measured");
        return Err(SettingError::new("budget", &settings.budget, &accepted).into());
    }
    // A campaign may have spent more than was announced: its own limits it keeps.
    if config.dose_limit != before.dose_limit
        && let (Some(limit), Some(_)) = (settings.limits.total, current)
        && limit < at_end.ledger().total()
    {
        let spent = at_end.ledger().total_in_words();
        let accepted = format!("at least the {spent} electrons that are spent");
        return Err(SettingError::new("dose-limit", &limit, &accepted).into());
    }
    if config.pixel_dose_limit != before.pixel_dose_limit && at_end.overview().is_some() {
        check_pixel_limit(settings, at_end)?;
        if let Some((limit, worst)) = settings.limits.pixel.zip(at_end.ledger().on_worst_pixel())
            && limit < worst
        {
            let worst = rounded_up(worst.get());
            let accepted = format!("at least the {worst:.2e} e/Å² on the pixel that took most");
            return Err(SettingError::new("pixel-dose-limit", &limit, &accepted).into());
        }
    }
    if config.time_limit != before.time_limit
        && let Some(limit) = settings.time_limit
        && limit <= elapsed.into()
    {
        let accepted = format!(
            "more than the {} s that the campaign has been running",
            elapsed.as_secs_f64()
        );
        return Err(SettingError::new("time-limit", &limit, &accepted).into());
    }
    Ok(())
}

/// Checks what the first overview and the first point need, before the beam is used at all: one check for
/// a campaign that begins, and for one that is taken up again before its first overview.
fn admit_beginning(state: &State, dwell: Seconds, elapsed: Duration) -> Result<(), LiveError> {
    let (begun, settings) = (state.begun(), state.settings());
    settings.check_with(begun.beam.current)?;
    let seeds = begun.seeds.as_deref();
    let first = seeds.map_or(settings.campaign.initial, <[u32]>::len);
    if settings.budget <= first {
        let accepted = format!(
            "at least {}: the {first} points that are measured before the strategy decides are part of it",
            first + 1
        );
        return Err(SettingError::new("budget", &settings.budget, &accepted).into());
    }
    if let Some(frame) = &begun.frame {
        check_frame(size_of(frame), settings, seeds)?;
        check_pixel_limit(settings, state)?;
    }
    let now = Now {
        elapsed,
        ..Now::default()
    };
    if let Action::End(why) = state.next(&now) {
        return Err(LiveError::no_overview(why));
    }
    state
        .admit_first_point(dwell)
        .map_err(|error| LiveError::FirstPoint(error.to_string()))
}

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

/// Checks that an instrument that tells the size of its overviews still gives the size that the
/// campaign began with.
fn check_size(
    began: Option<(usize, usize)>,
    microscope: &dyn Microscope,
) -> Result<(), SettingError> {
    let found = microscope.frame().as_ref().map(size_of);
    match (began, found) {
        (Some(began), Some(found)) if began != found => {
            let value = format!("{} x {} pixels", found.0, found.1);
            let accepted = format!("{} x {}, with which the campaign began", began.0, began.1);
            Err(SettingError::new("the overview", &value, &accepted))
        }
        _ => Ok(()),
    }
}

fn size_of((rows, columns): &(Axis, Axis)) -> (usize, usize) {
    (rows.size, columns.size)
}

/// Whether two choices may be the same instrument: a real one, or a file, may be at another place.
fn same_instrument(before: &MicroscopeChoice, now: &MicroscopeChoice) -> bool {
    let specimen = |choice: &MicroscopeChoice| matches!(choice, MicroscopeChoice::Specimen(_));
    before == now || !(specimen(before) || specimen(now))
}

/// Channels in a few words.
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
