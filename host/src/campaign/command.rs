//! Commands that a person gives a campaign while it runs: one vocabulary for the command line, the
//! control socket, the journal and the campaign's state.

use std::fmt;
use std::ops::Range;

use beacon_kernel::{Candidate, Candidates, Edges, Pixel, Strategy};
use serde::{Deserialize, Serialize};

use super::{Region, Targets, parse_time};
use crate::scalarizer::Scalarizer;
use crate::units::{Kind, shortened};

/// A command.
///
/// Postcard numbers the variants by their order: further ones are added at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Command {
    /// Another strategy chooses, by its name.
    Strategy(String),
    /// Another target is sought, as a scalarizer is written.
    Target(String),
    /// Nothing is measured in this region any more.
    Exclude(Region),
    /// This candidate is measured next.
    Measure(u32),
    /// What was excluded in this region may be measured again.
    Include(Region),
    /// The measurement of this candidate no longer counts for model, novelty and coverage. It
    /// stays on record.
    Discard(u32),
    /// The discarded measurement of this candidate counts again.
    Restore(u32),
    /// So many points are measured in all.
    Budget(usize),
    /// So many electrons may be spent in all.
    DoseLimit(f64),
    /// Spectra have this live time, in seconds.
    Dwell(f64),
    /// Whether every proposal waits for a person.
    Approve(bool),
    /// The proposal that waits is measured.
    Accept,
    /// The proposal that waits is not measured, and its pixel is excluded until a person includes
    /// it again.
    Reject,
    /// This candidate is measured instead of the proposal that waits.
    Suggest(u32),
    /// Nothing is exposed until `resume`.
    Pause,
    /// The campaign goes on after `pause`.
    Resume,
    /// The campaign ends.
    Stop,
    /// What a person wants on record. Nothing follows from it.
    Note(String),
    /// Nothing is measured in these regions any more.
    ExcludeAll(Vec<Region>),
    /// What was excluded in these regions may be measured again.
    IncludeAll(Vec<Region>),
    /// This candidate, which a person wanted measured, is not measured for that.
    Withdraw(u32),
    /// Every proposal waits for a person, for so long.
    ApproveAfter(TimeOut),
    /// Any number of electrons may be spent.
    NoDoseLimit,
    /// So many electrons per Å² may be spent on one pixel, or any number.
    PixelDoseLimit(Option<f64>),
    /// The campaign may have been running for so many seconds, or for any time.
    TimeLimit(Option<f64>),
    /// Several other targets are sought together, each as a scalarizer is written.
    Targets(Vec<String>),
}

/// How long a proposal waits for a person, and what then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeOut {
    /// Seconds that it waits.
    pub seconds: f64,
    /// What happens without an answer.
    pub then: Otherwise,
}

/// What happens to a proposal that nobody answers in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It is measured.
    Go,
    /// The campaign pauses.
    #[default]
    Pause,
}

impl TimeOut {
    /// Who gives the command that follows when nobody does.
    pub const NAME: &'static str = "time-out";
    /// Times that a person may have.
    const RANGE: std::ops::RangeInclusive<f64> = 0.1..=604_800.0;

    /// Checks the time.
    ///
    /// # Errors
    /// What would be accepted.
    pub(crate) fn check(self) -> Result<Self, String> {
        let accepted = Self::RANGE.contains(&self.seconds);
        accepted.then_some(self).ok_or_else(|| {
            format!(
                "the time for approval is {} s; expected a tenth of a second to seven days",
                self.seconds
            )
        })
    }
}

impl fmt::Display for TimeOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let then = match self.then {
            Otherwise::Go => "go",
            Otherwise::Pause => "pause",
        };
        write!(f, "after {}s {then}", self.seconds)
    }
}

/// Most regions of one command: a stroke of a brush is many rectangles.
const MOST_REGIONS: usize = 500;
/// Longest note, in letters.
const LONGEST_NOTE: usize = 1000;

/// What is accepted after `beacon ctl DIR`, beside `status`.
pub const WORDS: &str = "status, pause, resume, stop, stop now, strategy NAME, target SCALARIZER (or several, with commas), exclude \
                         TOP..BOTTOM,LEFT..RIGHT (or several), include TOP..BOTTOM,LEFT..RIGHT (or \
                         several), measure ROW,COLUMN, withdraw ROW,COLUMN, discard ROW,COLUMN, \
                         restore ROW,COLUMN, budget POINTS, dose-limit ELECTRONS, dose-limit none, \
                         pixel-dose-limit E_PER_A2, pixel-dose-limit none, time-limit TIME, time-limit none, \
                         dwell SECONDS, approve on, approve on after TIME go, approve on after TIME pause, approve \
                         off, accept, accept ROW,COLUMN, reject, reject ROW,COLUMN, suggest ROW,COLUMN \
                         and note TEXT";

impl Command {
    /// Reads a command as `beacon ctl` is given it, for an image with these candidates. The pixel
    /// behind `accept` and `reject` is no part of the command: `judged` reads it.
    ///
    /// # Errors
    /// What is wrong with it, and what would be accepted.
    pub fn parse(words: &[&str], candidates: Candidates) -> Result<Self, String> {
        let candidate = |text: &str| candidate(text, candidates);
        Ok(match *words {
            ["strategy", name] => {
                if Strategy::from_name(name).is_none() {
                    let names = Strategy::ALL.map(Strategy::name).join(", ");
                    return Err(format!("unknown strategy `{name}`; accepted are {names}"));
                }
                Self::Strategy(name.to_owned())
            }
            ["target", text] => {
                let targets: Targets = text.parse().map_err(|e| format!("{e}"))?;
                Self::seek(&targets)
            }
            ["target", ref several @ ..] if several.len() > 1 => {
                let each: Vec<_> = several.iter().map(|text| text.trim_matches(',')).collect();
                let targets: Targets = each.join(",").parse().map_err(|e| format!("{e}"))?;
                Self::seek(&targets)
            }
            ["exclude", text] => Self::Exclude(region(text, candidates)?),
            ["include", text] => Self::Include(region(text, candidates)?),
            ["exclude", _, ref rest @ ..] if rest.len() < MOST_REGIONS => {
                Self::ExcludeAll(regions(&words[1..], candidates)?)
            }
            ["include", _, ref rest @ ..] if rest.len() < MOST_REGIONS => {
                Self::IncludeAll(regions(&words[1..], candidates)?)
            }
            ["exclude" | "include", _, ..] => {
                return Err(format!(
                    "{} regions at a time; expected {MOST_REGIONS} at most",
                    words.len() - 1
                ));
            }
            ["measure", text] => Self::Measure(candidate(text)?),
            ["withdraw", text] => Self::Withdraw(candidate(text)?),
            ["discard", text] => Self::Discard(candidate(text)?),
            ["restore", text] => Self::Restore(candidate(text)?),
            ["suggest", text] => Self::Suggest(candidate(text)?),
            ["budget", text] => Self::Budget(number(text, "budget", "a number of points")?),
            ["dose-limit", "none"] => Self::NoDoseLimit,
            ["dose-limit", text] => Self::DoseLimit(limit(text, "dose-limit", Kind::ELECTRONS)?),
            ["pixel-dose-limit", "none"] => Self::PixelDoseLimit(None),
            ["pixel-dose-limit", text] => {
                let kind = Kind::ELECTRONS_PER_SQUARE_ANGSTROM;
                Self::PixelDoseLimit(Some(limit(text, "pixel-dose-limit", kind)?))
            }
            ["time-limit", "none"] => Self::TimeLimit(None),
            ["time-limit", text] => Self::TimeLimit(Some(limit(text, "time-limit", Kind::TIME)?)),
            ["dwell", text] => Self::Dwell(quantity(text, "dwell", Kind::SECONDS)?),
            ["approve", "on"] => Self::Approve(true),
            ["approve", "off"] => Self::Approve(false),
            ["approve", "on", "after", time, then @ ("go" | "pause")] => {
                let seconds = parse_time(time)
                    .map_err(|accepted| format!("after is `{time}`; {accepted}"))?;
                let then = match then {
                    "go" => Otherwise::Go,
                    _ => Otherwise::Pause,
                };
                Self::ApproveAfter(TimeOut { seconds, then }.check()?)
            }
            ["approve", ref rest @ ..] => {
                let found = rest.join(" ");
                return Err(format!(
                    "approve is `{found}`; expected `approve on`, `approve off`, or `approve on after \
                     TIME go` and `approve on after TIME pause`, as in `approve on after 5m go`"
                ));
            }
            ["note", ref rest @ ..] => Self::Note(note(&rest.join(" "))?),
            ["accept", text] => candidate(text).map(|_| Self::Accept)?,
            ["reject", text] => candidate(text).map(|_| Self::Reject)?,
            ["accept"] => Self::Accept,
            ["reject"] => Self::Reject,
            ["pause"] => Self::Pause,
            ["resume"] => Self::Resume,
            ["stop"] => Self::Stop,
            ["pause" | "resume" | "stop", ..] => {
                return Err(format!("`{}` stands alone; leave out the rest", words[0]));
            }
            [
                word @ ("measure" | "withdraw" | "discard" | "restore" | "suggest" | "accept"
                | "reject"),
                ref rest @ ..,
            ] => {
                let text = rest.join(" ");
                let parts = text.split([' ', ',']).filter(|part| !part.is_empty());
                let comma = parts.collect::<Vec<_>>().join(",");
                // Two numbers need a comma alone; what else is wrong is said of the pixel.
                candidate(&comma)?;
                return Err(format!(
                    "`{word} {text}` has no comma; expected `{word} {comma}`"
                ));
            }
            _ => {
                let words = words.join(" ");
                let words = shortened(&words);
                return Err(format!("unknown command `{words}`; accepted are {WORDS}"));
            }
        })
    }

    /// The command that seeks these.
    pub(crate) fn seek(targets: &Targets) -> Self {
        let mut names: Vec<String> = targets.iter().map(Scalarizer::to_string).collect();
        match names.len() {
            1 => Self::Target(names.remove(0)),
            _ => Self::Targets(names),
        }
    }

    /// What is sought from this command on, each as a scalarizer is written; nothing where it is no command
    /// about that.
    pub(crate) fn sought(&self) -> &[String] {
        match self {
            Self::Target(target) => std::slice::from_ref(target),
            Self::Targets(targets) => targets,
            _ => &[],
        }
    }

    /// The regions in which nothing is measured any more by this command.
    pub(crate) fn excluded(&self) -> &[Region] {
        match self {
            Self::Exclude(region) => std::slice::from_ref(region),
            Self::ExcludeAll(regions) => regions,
            _ => &[],
        }
    }

    /// Whether it sets or lifts what the campaign may spend.
    pub(crate) fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Budget(_)
                | Self::DoseLimit(_)
                | Self::NoDoseLimit
                | Self::PixelDoseLimit(_)
                | Self::TimeLimit(_)
        )
    }

    /// The regions in which everything may be measured again by this command.
    pub(crate) fn included(&self) -> &[Region] {
        match self {
            Self::Include(region) => std::slice::from_ref(region),
            Self::IncludeAll(regions) => regions,
            _ => &[],
        }
    }

    /// The command as `beacon ctl` takes it, with pixels where the candidates are known.
    pub fn words(&self, candidates: Option<Candidates>) -> String {
        let at = |word: &str, candidate: u32| {
            let pixel = candidates.and_then(|all| all.pixel(Candidate(candidate)).ok());
            pixel.map_or_else(
                || self.to_string(),
                |Pixel { row, column }| format!("{word} {row},{column}"),
            )
        };
        match *self {
            Self::Measure(candidate) => at("measure", candidate),
            Self::Withdraw(candidate) => at("withdraw", candidate),
            Self::Discard(candidate) => at("discard", candidate),
            Self::Restore(candidate) => at("restore", candidate),
            Self::Suggest(candidate) => at("suggest", candidate),
            _ => self.to_string(),
        }
    }

    /// Whether the command holds until another ends it.
    pub(crate) fn lasts(&self) -> bool {
        matches!(
            self,
            Self::Strategy(_)
                | Self::Target(_)
                | Self::Targets(_)
                | Self::Exclude(_)
                | Self::ExcludeAll(_)
                | Self::Discard(_)
                | Self::Budget(_)
                | Self::DoseLimit(_)
                | Self::NoDoseLimit
                | Self::PixelDoseLimit(_)
                | Self::TimeLimit(_)
                | Self::Dwell(_)
                | Self::Approve(_)
                | Self::ApproveAfter(_)
                | Self::Pause
        )
    }

    /// Whether this command ends what an `earlier` one that lasts had said.
    pub(crate) fn ends(&self, earlier: &Self) -> bool {
        if !earlier.excluded().is_empty() {
            let within = |inner: &Range<usize>, outer: &Range<usize>| {
                outer.start <= inner.start && inner.end <= outer.end
            };
            return earlier.excluded().iter().all(|inner| {
                self.included().iter().any(|outer| {
                    within(&inner.rows, &outer.rows) && within(&inner.columns, &outer.columns)
                })
            });
        }
        match (earlier, self) {
            (Self::Discard(earlier), Self::Restore(candidate)) => earlier == candidate,
            (Self::Pause, Self::Resume)
            | (Self::Target(_) | Self::Targets(_), Self::Target(_) | Self::Targets(_))
            | (Self::DoseLimit(_) | Self::NoDoseLimit, Self::DoseLimit(_) | Self::NoDoseLimit)
            | (
                Self::Approve(_) | Self::ApproveAfter(_),
                Self::Approve(_) | Self::ApproveAfter(_),
            ) => true,
            (Self::Pause | Self::Discard(_), _) => false,
            (earlier, command) => {
                std::mem::discriminant(earlier) == std::mem::discriminant(command)
            }
        }
    }

    /// Whether curves are marked where this command took effect: they may go another way from there on, or a
    /// person noted something.
    pub(crate) fn marks_curves(&self) -> bool {
        !matches!(
            self,
            Self::Accept | Self::Approve(_) | Self::ApproveAfter(_) | Self::Pause | Self::Resume
        )
    }

    /// The candidate whose proposal these words judge, where they name one.
    pub(crate) fn judged(words: &[&str], candidates: Candidates) -> Option<u32> {
        match *words {
            ["accept" | "reject", text] => candidate(text, candidates).ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strategy(name) => write!(f, "strategy {name}"),
            Self::Target(text) => write!(f, "target {text}"),
            Self::Targets(targets) => {
                let names = targets.join(",");
                let written = names.parse().map(|targets: Targets| targets.to_string());
                write!(f, "target {}", written.unwrap_or(names))
            }
            Self::Exclude(region) => write!(f, "exclude {region}"),
            Self::Include(region) => write!(f, "include {region}"),
            Self::ExcludeAll(regions) => write!(f, "exclude {}", listed(regions)),
            Self::IncludeAll(regions) => write!(f, "include {}", listed(regions)),
            Self::Measure(candidate) => write!(f, "measure candidate {candidate}"),
            Self::Withdraw(candidate) => write!(f, "withdraw candidate {candidate}"),
            Self::Discard(candidate) => write!(f, "discard candidate {candidate}"),
            Self::Restore(candidate) => write!(f, "restore candidate {candidate}"),
            Self::Suggest(candidate) => write!(f, "suggest candidate {candidate}"),
            Self::Budget(points) => write!(f, "budget {points}"),
            Self::DoseLimit(electrons) => write!(f, "dose-limit {electrons:e}"),
            Self::NoDoseLimit => f.write_str("dose-limit none"),
            Self::PixelDoseLimit(Some(density)) => write!(f, "pixel-dose-limit {density:e}"),
            Self::PixelDoseLimit(None) => f.write_str("pixel-dose-limit none"),
            Self::TimeLimit(Some(seconds)) => write!(f, "time-limit {seconds}s"),
            Self::TimeLimit(None) => f.write_str("time-limit none"),
            Self::Dwell(seconds) => write!(f, "dwell {seconds}"),
            Self::Approve(true) => f.write_str("approve on"),
            Self::Approve(false) => f.write_str("approve off"),
            Self::ApproveAfter(time_out) => write!(f, "approve on {time_out}"),
            Self::Accept => f.write_str("accept"),
            Self::Reject => f.write_str("reject"),
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::Stop => f.write_str("stop"),
            Self::Note(text) => write!(f, "note {text}"),
        }
    }
}

fn number<N: std::str::FromStr>(text: &str, name: &str, accepted: &str) -> Result<N, String> {
    let number = text.trim().parse();
    number.map_err(|_| format!("{name} is `{}`; expected {accepted}", shortened(text)))
}

fn quantity(text: &str, name: &str, kind: Kind) -> Result<f64, String> {
    let read = kind.read(text);
    let accepted = kind.accepted();
    read.map_err(|_| format!("{name} is `{}`; expected {accepted}", shortened(text)))
}

/// A limit that `none` lifts.
fn limit(text: &str, name: &str, kind: Kind) -> Result<f64, String> {
    quantity(text, name, kind).map_err(|why| format!("{why}, or `none`"))
}

/// The text of a note, on one line.
fn note(text: &str) -> Result<String, String> {
    let text = text.trim();
    let text: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let letters = text.chars().count();
    if (1..=LONGEST_NOTE).contains(&letters) {
        return Ok(text);
    }
    Err(format!(
        "note has {letters} letters; expected 1 to {LONGEST_NOTE}, as in `note tip replaced`"
    ))
}

/// The candidate of `ROW,COLUMN`.
fn candidate(text: &str, candidates: Candidates) -> Result<u32, String> {
    let accepted = || {
        let which = match candidates.edges() {
            Edges::Inside => format!(
                "a pixel whose window of {} pixels lies in the image",
                candidates.window()
            ),
            Edges::Reflect => "a pixel of the image".to_owned(),
        };
        format!(
            "`{}` is no candidate; expected ROW,COLUMN of {which} of {} x {}, as in {},{}",
            shortened(text),
            candidates.height(),
            candidates.width(),
            candidates.height() / 2,
            candidates.width() / 2
        )
    };
    let (row, column) = text.split_once(',').ok_or_else(accepted)?;
    let index = |text: &str| text.trim().parse::<usize>().map_err(|_| accepted());
    let pixel = Pixel {
        row: index(row)?,
        column: index(column)?,
    };
    Ok(candidates.at(pixel).ok_or_else(accepted)?.0)
}

/// Regions as they are typed.
pub(crate) fn listed(regions: &[Region]) -> String {
    let regions: Vec<String> = regions.iter().map(Region::to_string).collect();
    regions.join(" ")
}

fn regions(texts: &[&str], candidates: Candidates) -> Result<Vec<Region>, String> {
    texts.iter().map(|text| region(text, candidates)).collect()
}

/// The region of `TOP..BOTTOM,LEFT..RIGHT`.
fn region(text: &str, candidates: Candidates) -> Result<Region, String> {
    let (height, width) = (candidates.height(), candidates.width());
    let refused = |why: &str| {
        format!(
            "`{}` is no region{why}; expected rows and columns of pixels TOP..BOTTOM,LEFT..RIGHT \
             within {height} x {width}, the ends excluded, as in {}..{},0..{width}",
            shortened(text),
            height / 4,
            height / 2,
        )
    };
    let range = |text: &str, size: usize, [what, first, last]: [&str; 3]| {
        let ends = text.trim().split_once("..");
        let ends = ends.and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)));
        let (start, end): (usize, usize) = ends.ok_or_else(|| refused(""))?;
        if end > size {
            return Err(refused(&format!(
                ": {last} is {end}, and there are {size} {what}"
            )));
        }
        if start >= end {
            return Err(refused(&format!(
                ": {first} is {start}, not below {last}, {end}"
            )));
        }
        Ok(start..end)
    };
    let (rows, columns) = text.split_once(',').ok_or_else(|| refused(""))?;
    Ok(Region {
        rows: range(rows, height, ["rows", "TOP", "BOTTOM"])?,
        columns: range(columns, width, ["columns", "LEFT", "RIGHT"])?,
    })
}

#[cfg(test)]
mod tests;
