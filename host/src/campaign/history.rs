//! What happened in a campaign, and when: a fold of its journal for whoever reads its results.

use beacon_kernel::{Candidate, Candidates, Pixel};
use serde::{Deserialize, Serialize};

use super::{Author, Command, Event, MeasuredPoint, Record, Region, Standing, State};

/// What happened in a campaign beside its measurements. Fields are added by later versions, never
/// renamed. Points are counted from 1, initial ones included; steps from 1 behind the initial points, and
/// step 0 stands for these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The times that a program ran it, first to last.
    pub legs: Vec<Leg>,
    /// Strategy, target and live time, with the points that they held for.
    pub phases: Vec<Phase>,
    /// What people commanded, in order, refused commands included.
    pub commands: Vec<CommandTaken>,
    /// What failed, in order.
    pub failures: Vec<FailureSeen>,
    /// Regions that are excluded at the end.
    pub excluded: Vec<Region>,
    /// Regions that are left out at the end: without data, or not to be measured.
    pub left_out: Vec<Region>,
    /// Pixels whose measurement does not count at the end: row and column.
    pub discarded: Vec<(usize, usize)>,
    /// Measured pixels that people chose: row and column.
    pub by_people: Vec<(usize, usize)>,
    /// What held when each point was measured.
    #[serde(skip)]
    pub(crate) held: Vec<Held>,
}

/// A time that a program ran the campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Version of the program.
    pub version: String,
    /// First event, in milliseconds since the beginning of 1970, UTC.
    pub began_ms: u64,
    /// Last event likewise.
    pub ended_ms: u64,
    /// How long the campaign was running, in seconds.
    pub seconds: f64,
    /// Points measured before it.
    pub from_point: usize,
    /// Points measured by its end.
    pub to_point: usize,
    /// Why it ended; absent where the program was broken off without a word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<String>,
}

/// Points for which strategy, target and live time were the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Name of the strategy.
    pub strategy: String,
    /// What was sought, as a scalarizer is written; of several the first.
    pub target: String,
    /// What was sought beside it; absent where one was.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub further_targets: Vec<String>,
    /// Units of the target; empty where it has none, or they are not known.
    #[serde(default)]
    pub units: String,
    /// Live time that was asked for, in seconds.
    pub dwell_seconds: f64,
    /// First point of the phase.
    pub from_point: usize,
    /// Last point of the phase.
    pub to_point: usize,
    /// Step of the first point.
    pub from_step: usize,
    /// Step of the last point.
    pub to_step: usize,
}

/// A command that the campaign took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandTaken {
    /// The command as `beacon ctl` takes it.
    pub command: String,
    /// Who gave it; empty where nobody said.
    pub by: String,
    /// When it was given, in milliseconds since the beginning of 1970, UTC.
    pub at_ms: u64,
    /// Points measured before it took effect.
    pub after_point: usize,
    /// Steps measured before it took effect.
    pub after_step: usize,
    /// The last step for which it held: `after_step` of a command that holds for no time, such as
    /// `measure`; absent where it held to the end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until_step: Option<usize>,
    /// Why it was refused; absent where it held.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<String>,
    #[serde(skip)]
    given: Option<Command>,
}

/// Something that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailureSeen {
    /// What it means for the campaign.
    pub kind: FailureKind,
    /// When, in milliseconds since the beginning of 1970, UTC.
    pub at_ms: u64,
    /// Points measured before.
    pub after_point: usize,
    /// Steps measured before.
    pub after_step: usize,
    /// The pixel that was meant, row and column; absent where it was about none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pixel: Option<(usize, usize)>,
    /// What was said.
    pub why: String,
}

/// What a failure means for the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The instrument failed; what was under way is tried again.
    Instrument,
    /// An exposure did not begin.
    NotExposed,
    /// A pixel is left out.
    LeftOut,
    /// A point was measured, and has no usable number.
    Unusable,
    /// An overview did not tell how far the sample had moved.
    DriftUnknown,
}

impl FailureKind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Instrument => "instrument failed",
            Self::NotExposed => "not exposed",
            Self::LeftOut => "left out",
            Self::Unusable => "no usable number",
            Self::DriftUnknown => "drift unknown",
        }
    }
}

/// What held when a point was measured.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "tables and files alone have all of it")
)]
pub(crate) struct Held {
    /// How long the campaign had been running.
    pub(crate) seconds: f64,
    pub(crate) at_ms: u64,
    pub(crate) drift: (f64, f64),
    pub(crate) dwell: f64,
    pub(crate) strategy: String,
    pub(crate) target: String,
    pub(crate) further_targets: Vec<String>,
}

impl History {
    /// Takes the next record of the journal, and applies it to the state.
    ///
    /// # Errors
    /// When it does not fit the campaign.
    pub(crate) fn take(
        &mut self,
        state: &mut State,
        record: &Record,
    ) -> Result<(), super::Contradiction> {
        let settings = state.settings();
        let now = Held {
            seconds: 1e-3 * record.elapsed_ms as f64,
            at_ms: record.at_ms,
            drift: state.drift(),
            dwell: settings.dwell.get(),
            strategy: settings.campaign.strategy.clone(),
            target: settings.target().to_string(),
            further_targets: settings.further_targets(),
        };
        let (points, left_out) = (state.points().len(), state.left_out().len());
        let next = state.next_point().map(|next| next.candidate);
        let under_way = state.exposing().or(next);
        if !matches!(record.event, Event::Begun(_)) {
            state.apply(&record.event)?;
        }
        let measured = state.points().len() > points;
        if measured {
            self.held.push(now);
        }
        self.take_time(record, state);
        let why_unusable = state.left_out().get(left_out).map(|(_, why)| why.as_str());
        let failed = match &record.event {
            Event::Failed { why } => Some((FailureKind::Instrument, under_way, why.as_str())),
            Event::NotExposed { why } => Some((FailureKind::NotExposed, under_way, why.as_str())),
            Event::LeftOut { candidate, why } => {
                let candidate = Candidate(*candidate);
                Some((FailureKind::LeftOut, Some(candidate), why.as_str()))
            }
            Event::Measured(measured) => why_unusable.map(|why| {
                let candidate = Candidate(measured.candidate);
                (FailureKind::Unusable, Some(candidate), why)
            }),
            Event::Surveyed(surveyed) if surveyed.shift.is_none() => Some((
                FailureKind::DriftUnknown,
                None,
                "the overview does not resemble the first",
            )),
            _ => None,
        };
        if let Some((kind, candidate, why)) = failed {
            self.failures.push(FailureSeen {
                kind,
                at_ms: record.at_ms,
                after_point: points,
                after_step: 0,
                pixel: candidate.and_then(|candidate| pixel_of(state.candidates(), candidate)),
                why: why.to_owned(),
            });
        }
        let (given, refused) = match &record.event {
            Event::Commanded(given) => (given, None),
            Event::Refused { given, why } => (given, Some(why.clone())),
            _ => return Ok(()),
        };
        self.commands.push(CommandTaken {
            command: given.command.words(state.candidates()),
            by: given.by.clone(),
            at_ms: given.at_ms,
            after_point: points,
            after_step: 0,
            until_step: None,
            refused,
            given: Some(given.command.clone()),
        });
        Ok(())
    }

    fn take_time(&mut self, record: &Record, state: &State) {
        let version = match &record.event {
            Event::Begun(begun) => Some(&begun.version),
            Event::Resumed(resumed) => Some(&resumed.version),
            _ => None,
        };
        let points = state.points().len();
        let before = self.legs.iter().map(|leg| leg.seconds).sum::<f64>();
        if let Some(version) = version {
            self.legs.push(Leg {
                version: version.clone(),
                began_ms: record.at_ms,
                ended_ms: record.at_ms,
                seconds: (1e-3 * record.elapsed_ms as f64 - before).max(0.0),
                from_point: points,
                to_point: points,
                ended: None,
            });
            return;
        }
        let Some((leg, earlier)) = self.legs.split_last_mut() else {
            return;
        };
        let before = earlier.iter().map(|leg| leg.seconds).sum::<f64>();
        leg.ended_ms = record.at_ms;
        leg.seconds = (1e-3 * record.elapsed_ms as f64 - before).max(0.0);
        leg.to_point = points;
        leg.ended = match &record.event {
            Event::Ended(ended) => Some(ended.to_string()),
            _ => None,
        };
    }

    /// Works out what can be told at the end alone.
    pub(crate) fn finish(&mut self, state: &State) {
        let seeds = state.seeds();
        let step = |points: usize| points.saturating_sub(seeds);
        for failure in &mut self.failures {
            failure.after_step = step(failure.after_point);
        }
        for command in &mut self.commands {
            command.after_step = step(command.after_point);
        }
        for at in 0..self.commands.len() {
            self.commands[at].until_step = self.until(at);
        }
        let channels = &state.begun().channels;
        let units = |target: &str| {
            let mut all = state.settings().scalarizers.iter();
            let known = all.find(|of| of.to_string() == target);
            known.map_or_else(String::new, |of| {
                of.units(&channels.axis.units, &channels.units)
            })
        };
        self.phases.clear();
        for (index, held) in self.held.iter().enumerate() {
            let point = index + 1;
            match self.phases.last_mut() {
                Some(phase) if phase.is(held) => {
                    (phase.to_point, phase.to_step) = (point, step(point));
                }
                _ => self.phases.push(Phase {
                    strategy: held.strategy.clone(),
                    target: held.target.clone(),
                    further_targets: held.further_targets.clone(),
                    units: units(&held.target),
                    dwell_seconds: held.dwell,
                    from_point: point,
                    to_point: point,
                    from_step: step(point),
                    to_step: step(point),
                }),
            }
        }
        self.excluded = standing(state, |pixel, standing| {
            let measured = matches!(standing, Standing::Measured | Standing::Discarded);
            // What was measured there before lies in the region as well.
            standing == Standing::Excluded || measured && self.excludes(pixel)
        });
        self.left_out = standing(state, |_, standing| standing == Standing::LeftOut);
        let pixels = |of: fn(&&MeasuredPoint) -> bool| -> Vec<(usize, usize)> {
            let points = state.points().iter().filter(of);
            let pixels = points.map(|point| (point.pixel.row, point.pixel.column));
            pixels.collect()
        };
        self.discarded = pixels(|point| point.discarded);
        self.by_people = pixels(|point| point.author == Author::Person);
    }

    /// Whether the last command about the region of a pixel excluded it.
    fn excludes(&self, pixel: Pixel) -> bool {
        let mut held = self.commands.iter().rev().filter(|c| c.refused.is_none());
        let last = held.find_map(|taken| {
            let command = taken.given.as_ref()?;
            let holds = |regions: &[Region]| regions.iter().any(|region| region.holds(pixel));
            let (excludes, includes) = (holds(command.excluded()), holds(command.included()));
            (excludes || includes).then_some(excludes)
        });
        last.unwrap_or(false)
    }

    /// The strategies that chose points, in their order, each once.
    pub fn strategies(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        // Points to begin with are chosen by none.
        for phase in self.phases.iter().filter(|phase| phase.to_step > 0) {
            if !names.contains(&phase.strategy.as_str()) {
                names.push(&phase.strategy);
            }
        }
        names
    }

    /// The last step for which a command held.
    fn until(&self, at: usize) -> Option<usize> {
        let taken = &self.commands[at];
        let holds = |taken: &CommandTaken| taken.refused.is_none();
        let command = taken.given.as_ref().filter(|_| holds(taken))?;
        if !command.lasts() {
            return Some(taken.after_step);
        }
        let mut later = self.commands[at + 1..].iter().filter(|later| holds(later));
        let ends = later.find(|later| later.given.as_ref().is_some_and(|by| by.ends(command)))?;
        Some(ends.after_step)
    }

    /// How long the campaign ran in all, in seconds.
    pub fn seconds(&self) -> f64 {
        self.legs.iter().map(|leg| leg.seconds).sum()
    }

    /// Steps at which commands took effect, each with the numbers of these commands as the list has
    /// them, from 1. Refused commands, pauses, and `accept` change no curve.
    pub fn marks(&self) -> Vec<(usize, String)> {
        let mut marks: Vec<(usize, Vec<usize>)> = Vec::new();
        for (number, taken) in (1..).zip(&self.commands) {
            let marked = taken.given.as_ref().is_none_or(Command::marks_curves);
            if taken.refused.is_some() || !marked {
                continue;
            }
            match marks.last_mut() {
                Some((step, numbers)) if *step == taken.after_step => numbers.push(number),
                _ => marks.push((taken.after_step, vec![number])),
            }
        }
        marks
            .into_iter()
            .map(|(step, numbers)| (step, ranges(&numbers)))
            .collect()
    }

    /// The steps after which another target was sought, and what was sought before and behind; `None` where
    /// one was sought at every step.
    #[cfg(feature = "figures")]
    pub(crate) fn target_changes(&self) -> Option<crate::figures::TargetChanges> {
        let mut sought: Vec<(&Phase, usize)> = Vec::new();
        for phase in self.phases.iter().filter(|phase| phase.to_step > 0) {
            match sought.last_mut() {
                Some((before, last)) if before.targets() == phase.targets() => {
                    *last = phase.to_step;
                }
                _ => sought.push((phase, phase.to_step)),
            }
        }
        let (_, before) = sought
            .split_last()
            .filter(|(_, before)| !before.is_empty())?;
        let mut units: Vec<&str> = Vec::new();
        for (phase, _) in &sought {
            if !phase.units.is_empty() && !units.contains(&phase.units.as_str()) {
                units.push(&phase.units);
            }
        }
        let words = sought.iter().enumerate().map(|(n, (phase, last))| {
            let units = match phase.units.as_str() {
                "" => String::new(),
                units => format!(" in {units}"),
            };
            let until = if n < before.len() {
                format!(" up to step {last}")
            } else {
                String::new()
            };
            format!("{}{units}{until}", phase.targets())
        });
        let words: Vec<String> = words.collect();
        Some(crate::figures::TargetChanges {
            after: before.iter().map(|(_, last)| *last).collect(),
            units: units.join(", then "),
            words: words.join(", then "),
        })
    }
}

impl Phase {
    /// All that was sought, with commas.
    #[cfg(any(feature = "figures", feature = "hdf5"))]
    pub(crate) fn targets(&self) -> String {
        let further = self.further_targets.iter().map(String::as_str);
        let all: Vec<_> = std::iter::once(self.target.as_str())
            .chain(further)
            .collect();
        all.join(", ")
    }

    fn is(&self, held: &Held) -> bool {
        self.strategy == held.strategy
            && self.target == held.target
            && self.further_targets == held.further_targets
            && self.dwell_seconds.to_bits() == held.dwell.to_bits()
    }
}

/// Rising numbers as ranges: `1–3, 7`.
fn ranges(numbers: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let texts: Vec<String> = ranges
        .into_iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}\u{2013}{last}")
            }
        })
        .collect();
    texts.join(", ")
}

/// Rectangles of the candidates that are wanted by where they are and how they stand.
fn standing(state: &State, wanted: impl Fn(Pixel, Standing) -> bool) -> Vec<Region> {
    let Some(candidates) = state.candidates() else {
        return Vec::new();
    };
    Region::covering(candidates.height(), candidates.width(), |row, column| {
        let pixel = Pixel { row, column };
        let candidate = candidates.at(pixel);
        candidate.is_some_and(|candidate| wanted(pixel, state.standing(candidate)))
    })
}

fn pixel_of(candidates: Option<Candidates>, candidate: Candidate) -> Option<(usize, usize)> {
    let pixel = candidates?.pixel(candidate).ok()?;
    Some((pixel.row, pixel.column))
}

#[cfg(all(test, feature = "figures"))]
mod tests {
    use super::*;

    #[test]
    fn changes_of_target_are_told_with_units_and_steps_and_other_phases_are_none() {
        let phase = |target: &str, units: &str, (from_step, to_step)| Phase {
            strategy: "ei".to_owned(),
            target: target.to_owned(),
            further_targets: Vec::new(),
            units: units.to_owned(),
            dwell_seconds: to_step as f64,
            from_point: 10 + from_step,
            to_point: 10 + to_step,
            from_step,
            to_step,
        };
        let history = |phases: &[Phase]| History {
            phases: phases.to_vec(),
            ..History::default()
        };
        let phases = [
            phase("sum", "counts", (0, 0)),
            phase("line:Pd-La", "counts", (1, 4)),
            phase("line:Pd-La", "counts", (5, 6)),
            phase("component:1/2", "√counts", (7, 9)),
        ];
        let changes = history(&phases).target_changes().unwrap();
        assert_eq!(changes.after, [6]);
        assert_eq!(changes.units, "counts, then √counts");
        assert_eq!(
            changes.words,
            "line:Pd-La in counts up to step 6, then component:1/2 in √counts"
        );
        assert_eq!(history(&phases[..3]).target_changes(), None);
    }

    #[test]
    fn a_strategy_that_was_changed_before_the_first_step_chose_nothing() {
        let phase = |strategy: &str, from_point, to_point: usize| Phase {
            strategy: strategy.to_owned(),
            target: "sum".to_owned(),
            further_targets: Vec::new(),
            units: String::new(),
            dwell_seconds: 1.0,
            from_point,
            to_point,
            from_step: from_point.saturating_sub(10),
            to_step: to_point.saturating_sub(10),
        };
        let history = History {
            phases: vec![phase("beacon-structure", 1, 4), phase("ei", 5, 30)],
            ..History::default()
        };
        assert_eq!(history.strategies(), ["ei"]);
    }
}
