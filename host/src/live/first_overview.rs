//! The way to the first overview, before there is a kernel.

use std::sync::Arc;

use super::LiveError;
use super::admission::{check_frame, check_pixel_limit};
use super::fold::{Beyond, state_after};
use super::station::Station;
use super::taken_up::resumed;
use crate::campaign::drive::{Failure, World as _};
use crate::campaign::{Action, Ended, Event, Now, Overview, Record, SettingError, State};
use crate::control::Control;
use crate::journal::{Place, RunFolder};
use crate::units::Seconds;

/// Comes as far as the first overview: that of the journal, else a fresh one.
pub(super) fn reach_overview(
    station: &mut Station<'_>,
    state: &mut State,
    folder: &RunFolder,
    mut records: Vec<(Place, Record)>,
    is_taken_up: bool,
) -> Result<(Arc<Overview>, Beyond), LiveError> {
    let mut first = 1;
    let is_overview = |(_, record): &(Place, Record)| matches!(record.event, Event::Overview(_));
    let before = match records.iter().position(is_overview) {
        Some(at) => at + 1,
        None => records.len(),
    };
    let rest = records.split_off(before);
    first += records.len();
    for (place, record) in &records {
        state.apply(&record.event)?;
        station.note(*place, &record.event, Seconds::ZERO);
    }
    let fresh = state.overview().is_none();
    if fresh && is_taken_up {
        let resumed = resumed(&station.config, &*station.microscope)?;
        record(station, state, &resumed)?;
        first += 1;
    }
    let listening = Control::open(folder, state_after(state, &rest), station.clock.1);
    let listening = listening?;
    if let Some(interrupt) = station.microscope.interrupt() {
        listening.set_interrupt(interrupt);
    }
    station.control = Some(listening);
    while state.overview().is_none() {
        take_stop(station, state)?;
        let now = Now {
            elapsed: station.elapsed(),
            ..Now::default()
        };
        let electrons = match state.next(&now) {
            Action::Survey { electrons } => electrons,
            Action::End(why) => return Err(LiveError::no_overview(why)),
            _ => return Err(LiveError::Overview("a person has paused it".to_owned())),
        };
        let taken = record(station, state, &Event::Surveying { electrons })
            .and_then(|()| survey_first(station, state));
        first += 2;
        if let Err(error) = taken {
            // The journal has that it was taken, so that it does not end the campaign again after a resume.
            take_stop(station, state)?;
            return Err(error);
        }
    }
    let Some(overview) = state.overview().cloned() else {
        return Err(LiveError::Overview("there is none".to_owned()));
    };
    if fresh {
        check_pixel_limit(state.settings(), state)?;
        let (image, settings) = (&overview.image, state.settings());
        let seeds = state.begun().seeds.as_deref();
        check_frame((image.height(), image.width()), settings, seeds)?;
    }
    if state.free_at_first() == 0 {
        let accepted = "an overview and responses with numbers at some candidate";
        return Err(SettingError::new("the number of candidates with data", &0, accepted).into());
    }
    let beyond = Beyond {
        records: rest,
        first,
    };
    Ok((overview, beyond))
}

/// Takes the commands up to a `stop`, where one waits. Others wait for the first overview.
fn take_stop(station: &mut Station<'_>, state: &mut State) -> Result<(), LiveError> {
    while station.is_stopped()
        && let Some(given) = station.command()
    {
        let event = match state.objection(&given.command) {
            Some(why) => Event::Refused { given, why },
            None => Event::Commanded(given),
        };
        record(station, state, &event)?;
    }
    Ok(())
}

/// Takes the first overview, and waits for an instrument that fails for a while.
fn survey_first(station: &mut Station<'_>, state: &mut State) -> Result<(), LiveError> {
    match station.survey(state) {
        Ok(event) => record(station, state, &event),
        Err(Failure::Passing(why)) => {
            record(station, state, &Event::Failed { why: why.clone() })?;
            station.recover(&why, state).map_err(LiveError::Ended)
        }
        Err(Failure::Aborted(why)) => {
            record(station, state, &Event::GivenUp { why: why.clone() })?;
            Err(LiveError::Aborted(why))
        }
        Err(Failure::Final(why)) => {
            record(station, state, &Event::Failed { why: why.clone() })?;
            Err(LiveError::Ended(Ended::Instrument(why)))
        }
        Err(failure) => Err(LiveError::Overview(format!("{failure:?}"))),
    }
}

/// Records an event before there is a kernel, and applies it.
fn record(station: &mut Station<'_>, state: &mut State, event: &Event) -> Result<(), LiveError> {
    station.record(event, &mut ()).map_err(LiveError::Ended)?;
    Ok(state.apply(event)?)
}
