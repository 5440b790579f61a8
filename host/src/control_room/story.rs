//! What a journal tells, record by record, as messages for a page.
//!
//! A message has what the event itself says, which standings of candidates changed, and which facts
//! about the campaign are others than after the record before. Whoever adds up the messages up to a
//! record has the campaign as it was then, without knowing its rules.

use beacon_kernel::{Candidate, Pixel};
use serde_json::{Map, Value, json};

use crate::campaign::{
    Author, Begun, Components, Event, Folded, Foreseen, MeasuredPoint, NextPoint, Record, Region,
    Standing, State,
};
use crate::scalarizer::Scalarizer;
use crate::units::{Electrons, ElectronsPerSquareAngstrom, Picoamperes, Seconds};

/// Standings that are told pixel by pixel; more are told in rectangles.
const FEW: usize = 8;

/// The fold of the records so far, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct Story {
    folded: Folded,
    standings: Vec<Standing>,
    facts: Map<String, Value>,
}

impl Story {
    /// The campaign after the records so far; `None` before the first.
    pub(super) fn state(&self) -> Option<&State> {
        self.folded.state()
    }

    /// Takes the next record, of this number, and returns what it tells.
    pub(super) fn tell(&mut self, number: usize, record: &Record) -> Value {
        let mut told = Map::new();
        told.insert("record".into(), number.into());
        told.insert("at_ms".into(), record.at_ms.into());
        told.insert("elapsed_ms".into(), record.elapsed_ms.into());
        let points = self.state().map_or(0, |state| state.points().len());
        if let Err(why) = self.folded.take(&record.event) {
            told.insert("contradiction".into(), why.into());
        }
        let (name, details) = self.described(&record.event, points);
        told.insert("event".into(), name.into());
        told.extend(details);
        if let Some(state) = self.folded.state() {
            let changed = standings(state, &mut self.standings);
            if !changed.is_empty() {
                told.insert("standings".into(), Value::Array(changed));
            }
            let mut facts = facts(state);
            let before = std::mem::replace(&mut self.facts, facts.clone());
            facts.retain(|name, value| before.get(name) != Some(value));
            if !facts.is_empty() {
                told.insert("facts".into(), Value::Object(facts));
            }
        }
        Value::Object(told)
    }

    /// The name of an event and what it says; `points` were measured before it.
    fn described(&self, event: &Event, points: usize) -> (&'static str, Map<String, Value>) {
        let place = |candidate: u32| {
            let state = self.state();
            state.map_or(Value::Null, |state| pixel_of(state, Candidate(candidate)))
        };
        let (name, details) = match event {
            Event::Begun(begun) => ("Begun", self.begun(begun)),
            Event::Resumed(resumed) => ("Resumed", json!({ "version": resumed.version })),
            Event::Surveying { electrons } => {
                ("Surveying", json!({ "electrons": electrons.get() }))
            }
            Event::Overview(overview) => {
                let image = &overview.image;
                let size = [image.height(), image.width()];
                let (rows, columns) = (&image.rows, &image.columns);
                let scale = [rows.scale, columns.scale];
                let candidates = self.state().and_then(State::candidates);
                let candidates = candidates.map(|candidates| {
                    let last = candidates.count().saturating_sub(1) as u32;
                    let pixel = |n| candidates.pixel(Candidate(n)).ok();
                    let corners = pixel(0).zip(pixel(last));
                    json!({
                        "count": candidates.count(),
                        "window": candidates.window(),
                        "region": corners.map(|(a, b)| [a.row, b.row + 1, a.column, b.column + 1]),
                    })
                });
                let told = json!({
                    "size": size, "scale": scale, "units": columns.units, "name": image.quantity,
                    "value_units": image.units,
                    "candidates": candidates,
                });
                ("Overview", told)
            }
            Event::Surveyed(surveyed) => (
                "Surveyed",
                json!({ "shift": surveyed.shift, "confidence": surveyed.confidence }),
            ),
            Event::Proposed(proposed) => {
                let (origin, predicted) = (proposed.origin, proposed.prediction);
                let predicted = predicted.map(|(mean, sigma)| (f64::from(mean) + origin, sigma));
                let told = json!({
                    "at": place(proposed.candidate), "score": proposed.score,
                    "predicted": predicted, "seconds": proposed.seconds,
                });
                ("Proposed", told)
            }
            Event::Exposing(exposing) => (
                "Exposing",
                json!({ "at": place(exposing.candidate), "electrons": exposing.electrons.get() }),
            ),
            Event::NotExposed { why } => ("NotExposed", json!({ "why": why })),
            Event::Measured(measured) => {
                let state = self.state();
                let point = state.and_then(|state| state.points().get(points));
                let told = json!({
                    "at": place(measured.candidate),
                    "live_seconds": measured.acquired.live_time.get(),
                    "electrons": measured.electrons.get(),
                    "point": point.map(point_told),
                });
                ("Measured", told)
            }
            Event::LeftOut { candidate, why } => {
                ("LeftOut", json!({ "at": place(*candidate), "why": why }))
            }
            Event::Failed { why } => ("Failed", json!({ "why": why })),
            Event::GivenUp { why } => ("GivenUp", json!({ "why": why })),
            Event::Trained(trained) => (
                "Trained",
                json!({ "points": trained.points, "seconds": trained.seconds }),
            ),
            Event::Commanded(given) => (
                "Commanded",
                json!({
                    "command": self.words(&given.command), "by": given.by, "given_ms": given.at_ms,
                    "after": points,
                }),
            ),
            Event::Refused { given, why } => (
                "Refused",
                json!({
                    "command": self.words(&given.command), "by": given.by, "given_ms": given.at_ms,
                    "after": points, "why": why,
                }),
            ),
            Event::Reduced {
                scalarizer,
                responses,
            } => (
                "Reduced",
                json!({ "scalarizer": scalarizer, "responses": responses }),
            ),
            Event::Foreseen(foreseen) => ("Foreseen", predictions(foreseen)),
            Event::Components(learnt) => ("Components", self.components(learnt)),
            Event::Ended(ended) => ("Ended", json!({ "why": ended.to_string() })),
        };
        let Value::Object(details) = details else {
            return (name, Map::new());
        };
        (name, details)
    }

    fn begun(&self, begun: &Begun) -> Value {
        let settings = self.state().map(State::settings);
        let sought = settings.into_iter().flat_map(|all| &all.scalarizers);
        let sought = sought.flat_map(Scalarizer::elements);
        let channels = begun.channels.clone().naming(sought);
        let target = self.state().map(|state| state.settings().target());
        let units = target.map(|target| target.units(&channels.axis.units, &channels.units));
        json!({
            "version": begun.version, "algorithm": begun.algorithm,
            "id": format!("{:016x}", begun.id), "instrument": begun.instrument,
            // Data acquired before: nobody steers such a campaign.
            "replayed": begun.id == 0,
            "settings": begun.settings, "units": units,
            "channels": {
                "name": channels.axis.name, "units": channels.axis.units,
                "coordinates": channels.coordinates, "quantity": channels.quantity,
                "counts": channels.units, "elements": channels.elements,
                "losses": channels.is_energy_loss() || target.is_some_and(Scalarizer::is_of_losses),
            },
        })
    }

    /// What was learnt anew, and the responses of all points since.
    fn components(&self, learnt: &Components) -> Value {
        let points = self.state().map(State::points).unwrap_or_default().iter();
        let responses = points.map(|point| &point.responses);
        json!({
            "target": learnt.change.target, "spectra": learnt.change.spectra,
            "responses": responses.collect::<Vec<_>>(),
        })
    }

    /// A command in the words of `beacon ctl`.
    fn words(&self, command: &crate::campaign::Command) -> String {
        command.words(self.state().and_then(State::candidates))
    }
}

fn pixel_of(state: &State, candidate: Candidate) -> Value {
    let candidates = state.candidates();
    let pixel = candidates.and_then(|all| all.pixel(candidate).ok());
    json!(pixel.map(|pixel| [pixel.row, pixel.column]))
}

/// Rectangles of the standings that are others than those told, which are brought up to date.
fn standings(state: &State, told: &mut Vec<Standing>) -> Vec<Value> {
    let Some(candidates) = state.candidates() else {
        return Vec::new();
    };
    let standings = state.standings();
    told.resize(standings.len(), Standing::Free);
    let pairs = standings.iter().zip(told.iter()).enumerate();
    let changed: Vec<usize> = pairs
        .filter(|(_, (now, before))| now != before)
        .map(|(index, _)| index)
        .collect();
    let pixel = |index: usize| candidates.pixel(Candidate(index as u32)).ok();
    let entry = |standing: Standing, region: Region| {
        let Region { rows, columns } = region;
        json!([
            named(standing),
            [rows.start, rows.end, columns.start, columns.end]
        ])
    };
    let mut entries = Vec::new();
    if changed.len() <= FEW {
        for &index in &changed {
            let region = pixel(index).map(|pixel| Region::pixel(pixel.row, pixel.column));
            entries.extend(region.map(|region| entry(standings[index], region)));
        }
    } else {
        let mut kinds: Vec<Standing> = Vec::new();
        for &index in &changed {
            if !kinds.contains(&standings[index]) {
                kinds.push(standings[index]);
            }
        }
        for kind in kinds {
            let holds = |row, column| {
                let candidate = candidates.at(Pixel { row, column });
                let index = candidate.map(Candidate::index);
                index.is_some_and(|index| standings[index] == kind && told[index] != kind)
            };
            let regions = Region::covering(candidates.height(), candidates.width(), holds);
            entries.extend(regions.into_iter().map(|region| entry(kind, region)));
        }
    }
    told.copy_from_slice(standings);
    entries
}

fn named(standing: Standing) -> &'static str {
    match standing {
        Standing::Free => "free",
        Standing::Next => "next",
        Standing::Exposing => "exposing",
        Standing::Measured => "measured",
        Standing::Excluded => "excluded",
        Standing::LeftOut => "left out",
        Standing::Discarded => "discarded",
    }
}

fn author(author: Author) -> &'static str {
    match author {
        Author::Plan => "plan",
        Author::Chance => "chance",
        Author::Strategy => "strategy",
        Author::Person => "person",
    }
}

/// What was expected of further responses.
fn predictions(of_each: &[Foreseen]) -> Value {
    json!({ "predicted": foreseen(of_each) })
}

/// Mean and standard deviation that were predicted of further responses, in their units.
fn foreseen(foreseen: &[Foreseen]) -> Vec<(f64, f32)> {
    let predicted = foreseen.iter().map(|of| {
        let (mean, sigma) = of.prediction;
        (f64::from(mean) + of.origin, sigma)
    });
    predicted.collect()
}

/// Mean and standard deviation that were predicted for a point.
fn predicted(proposed: Option<&crate::campaign::Proposed>) -> Option<(f64, f64)> {
    let proposed = proposed?;
    let (mean, sigma) = proposed.prediction?;
    Some((f64::from(mean) + proposed.origin, f64::from(sigma)))
}

fn point_told(point: &MeasuredPoint) -> Value {
    json!({
        "responses": point.responses, "author": author(point.author),
        "predicted": predicted(point.proposed.as_ref()),
        "foreseen": foreseen(&point.foreseen),
        "score": point.proposed.map(|proposed| proposed.score), "revision": point.revision,
    })
}

fn next_told(state: &State, next: &NextPoint) -> Value {
    json!({
        "at": pixel_of(state, next.candidate), "author": author(next.author),
        "predicted": predicted(next.proposed.as_ref()),
        "score": next.proposed.map(|proposed| proposed.score), "waits": next.waits,
    })
}

/// What holds of a campaign now.
fn facts(state: &State) -> Map<String, Value> {
    let settings = state.settings();
    let channels = &state.begun().channels;
    let scalarizers = settings.scalarizers.iter();
    let scalarizers: Vec<String> = scalarizers.map(ToString::to_string).collect();
    let target = settings.target();
    let units = |target: &Scalarizer| target.units(&channels.axis.units, &channels.units);
    let wishes: Vec<Value> = state
        .wishes()
        .map(|candidate| pixel_of(state, candidate))
        .collect();
    let worst = state.ledger().on_worst_pixel();
    let facts = json!({
        "strategy": settings.campaign.strategy,
        "scalarizers": scalarizers,
        "target": target.to_string(),
        "targets": settings.sought().map(ToString::to_string).collect::<Vec<_>>(),
        "sought": settings.targets_in_words(),
        "units": target.units(&channels.axis.units, &channels.units),
        "target_units": settings.sought().map(units).collect::<Vec<_>>(),
        "windows": target.windows(&channels.coordinates, &channels.axis),
        "revision": state.revision(),
        "budget": settings.budget,
        "points": state.points().len(),
        "seeds": state.seeds(),
        "seeding": state.is_seeding(),
        "dwell_seconds": settings.dwell.get(),
        "time_limit_seconds": settings.time_limit.map(Seconds::get),
        "current_pa": state.current().map(Picoamperes::get),
        "dose_electrons": state.ledger().total().get(),
        "dose_limit_electrons": settings.limits.total.map(Electrons::get),
        "worst_pixel_e_per_A2": worst.map(ElectronsPerSquareAngstrom::get),
        "pixel_limit_e_per_A2": settings.limits.pixel.map(ElectronsPerSquareAngstrom::get),
        "drift_pixels": state.drift(),
        "drift_every": settings.drift_every,
        "approval": settings.approval,
        "time_out": settings.time_out,
        "paused": state.is_paused(),
        "ended": state.ended().map(ToString::to_string),
        "failed": state.ended().is_some_and(crate::campaign::Ended::is_failure),
        "failures": state.failures().len(),
        "next": state.next_point().map(|next| next_told(state, next)),
        "exposing": state.exposing().map(|candidate| pixel_of(state, candidate)),
        "wishes": wishes,
    });
    match facts {
        Value::Object(facts) => facts,
        _ => Map::new(),
    }
}
