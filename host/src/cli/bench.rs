//! `beacon controller point`, `pulse` and `scan`: a board's beam without a campaign.

use std::str::FromStr;
use std::time::{Duration, Instant};

use beacon_kernel::Capacity;
use beacon_kernel::link::message::{BlankReason, Pulse, Reading, Settings, Signals, Spot};
use clap::Args;
use serde::Serialize;

use super::controller::{Place, connect};
use super::{Failure, OrFail as _, print, print_json};
use crate::campaign::DeflectionFrame;
use crate::controller::{BeamPort as _, ControllerError, Linked, Memory};
use crate::microscope::Position;
use crate::units::Kind;

/// Memory for a mirror that has nothing to mirror.
pub(super) fn no_campaign() -> Memory {
    Memory::new(Capacity::for_campaign(16, 16, 16, 1))
}

/// A place as fractions of the deflection range, or of the frame of an overview, origin top left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fractions {
    x: f64,
    y: f64,
}

impl FromStr for Fractions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let accepted = "expected two fractions X,Y from 0 to 1, origin top left, as in 0.25,0.5";
        let both: Option<Vec<f64>> = text
            .split(',')
            .map(|fraction| fraction.trim().parse().ok())
            .collect();
        match both.as_deref() {
            Some(&[x, y]) if (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y) => {
                Ok(Self { x, y })
            }
            _ => Err(accepted.to_owned()),
        }
    }
}

impl From<Fractions> for Position {
    fn from(Fractions { x, y }: Fractions) -> Self {
        Self { x, y }
    }
}

impl From<Fractions> for Spot {
    fn from(Fractions { x, y }: Fractions) -> Self {
        let code = |fraction: f64| (fraction * 65536.0).round().min(65535.0) as u16;
        Self {
            x: code(x),
            y: code(y),
        }
    }
}

/// Reads a time in seconds that a board keeps, as µs.
fn parse_dwell(text: &str) -> Result<u32, String> {
    let micros = Kind::SECONDS.read(text).ok().map(|s| (s * 1e6).round());
    let longest = f64::from(Settings::LONGEST_US);
    micros
        .filter(|micros| (1.0..=longest).contains(micros))
        .map(|micros| micros as u32)
        .ok_or_else(|| {
            let longest = longest / 1e6;
            format!("expected seconds from 0.000001 to {longest}, as in 0.001 or 1ms")
        })
}

/// Arguments of `point`.
#[derive(Debug, Args)]
pub(super) struct PointArgs {
    #[command(flatten)]
    place: Place,
    /// Where, in fractions of the deflection range.
    #[arg(value_name = "X,Y")]
    at: Fractions,
}

/// Arguments of `pulse`.
#[derive(Debug, Args)]
pub(super) struct PulseArgs {
    #[command(flatten)]
    place: Place,
    /// How long the beam is on, in seconds or as in 500ms.
    #[arg(long, value_name = "TIME", value_parser = parse_dwell)]
    dwell: u32,
    /// Where, in fractions of the deflection range; without this where the beam is.
    #[arg(long, value_name = "X,Y")]
    at: Option<Fractions>,
    /// Wait until the detector's line at the ready input says that it is ready, for so long at most, in seconds
    /// or as in 500ms.
    #[arg(long, value_name = "TIME", value_parser = crate::campaign::parse_ready)]
    ready_timeout: Option<f64>,
    /// Have the gate output tell that the beam is on.
    #[arg(long)]
    gate: bool,
    /// How often, one after the other.
    #[arg(long, value_name = "N", default_value_t = 1)]
    count: u32,
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
pub(super) struct ScanArgs {
    #[command(flatten)]
    place: Place,
    /// Points along each side of the square.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=256))]
    side: u16,
    /// How often the square is filled.
    #[arg(long, value_name = "N", default_value_t = 20)]
    frames: u32,
    /// Where the square lies, in fractions of the deflection range: LEFT,TOP,RIGHT,BOTTOM.
    #[arg(long, value_name = "L,T,R,B", value_parser = crate::campaign::parse_frame, default_value = "0,0,1,1")]
    frame: DeflectionFrame,
    /// Put the beam on at every point for so long, in seconds or as in 500ms; without this it stays blanked.
    #[arg(long, value_name = "TIME", value_parser = parse_dwell)]
    dwell: Option<u32>,
}

/// What a command of the bench did.
#[derive(Debug, Serialize)]
struct Done {
    points: u64,
    /// How often a square was filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<u32>,
    dwell_us: u32,
    /// Dose of the last place and of all since the last campaign began, in µs of beam.
    place_dose_us: u32,
    total_dose_us: u64,
    /// What the board's detector gave in the last pulse.
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<Reading>,
}

impl Done {
    fn show(&self, json: bool) -> Result<(), Failure> {
        if json {
            return print_json(self);
        }
        let points = match (self.points, self.frames) {
            (1, _) => "1 point".to_owned(),
            (points, Some(frames)) => {
                format!(
                    "{points} points, {frames} times the {} of the square",
                    points / u64::from(frames)
                )
            }
            (points, None) => format!("{points} points"),
        };
        print(&if self.dwell_us == 0 {
            format!("{points}, with the beam blanked\n")
        } else {
            format!(
                "{points} of {} s; the place has had {} s of beam, all places {} s\n",
                1e-6 * f64::from(self.dwell_us),
                1e-6 * f64::from(self.place_dose_us),
                1e-6 * self.total_dose_us as f64
            )
        })?;
        match self.reading {
            None => Ok(()),
            Some(reading) => print(&format!(
                "the detector gave {}{} in the last one\n",
                reading.value,
                match reading {
                    Reading {
                        saturated: true, ..
                    } => ", with its converter at the end of its range,",
                    Reading {
                        overflowed: true, ..
                    } => " behind more pulses than its counter holds",
                    _ => "",
                }
            )),
        }
    }
}

/// Runs `point`.
pub(super) fn point(args: &PointArgs) -> Result<(), Failure> {
    let mut memory = no_campaign();
    let mut board = connect(&args.place, &mut memory)?;
    once_ready(|| board.point(args.at.into())).or_running()?;
    Done {
        points: 1,
        frames: None,
        dwell_us: 0,
        place_dose_us: 0,
        total_dose_us: board.status().or_running()?.dose_us,
        reading: None,
    }
    .show(args.place.json)
}

/// Runs `pulse`.
pub(super) fn pulse(args: &PulseArgs) -> Result<(), Failure> {
    let mut memory = no_campaign();
    let mut board = connect(&args.place, &mut memory)?;
    let pulse = Pulse {
        at: args.at.map(Into::into),
        dwell_us: args.dwell,
    };
    let signals = Signals {
        ready_ms: args.ready_timeout.map(|s| (1e3 * s).round() as u32),
        gate: args.gate,
    };
    board.use_signals(signals).or_running()?;
    let mut doses = Ok((0, 0));
    for _ in 0..args.count {
        doses = expose(&mut board, pulse);
        if doses.is_err() {
            break;
        }
    }
    board.use_signals(Signals::default()).or_running()?;
    let doses = doses?;
    let reading = board.reading_of_pulse().or_running()?;
    Done {
        points: args.count.into(),
        frames: None,
        dwell_us: pulse.dwell_us,
        place_dose_us: doses.0,
        total_dose_us: doses.1,
        reading,
    }
    .show(args.place.json)
}

/// How long a board may take until it knows what drives its beam: it may have been started just now.
const STARTING: Duration = Duration::from_secs(2);

/// Asks for something of the beam until what drives it answers.
pub(super) fn once_ready<R>(
    mut ask: impl FnMut() -> Result<R, ControllerError>,
) -> Result<R, ControllerError> {
    let begun = Instant::now();
    loop {
        match ask() {
            // Refused before anything moved.
            Err(error) if error.is_beam_fault() && begun.elapsed() < STARTING => {
                std::thread::sleep(STARTING / 100);
            }
            answer => return answer,
        }
    }
}

/// Exposes, and waits for the end.
pub(super) fn expose(board: &mut Linked<'_>, pulse: Pulse) -> Result<(u32, u64), Failure> {
    let doses = once_ready(|| board.pulse(pulse)).or_running()?;
    match board.until_blanked(patience(pulse)).or_running()? {
        BlankReason::Between => Ok(doses),
        reason => Err(Failure::Running(format!(
            "the exposure was cut short: {reason}"
        ))),
    }
}

/// Longest time that an exposure takes, the wait for a detector included. A scan generator pauses between the pixels of a long one.
pub(super) fn patience(pulse: Pulse) -> Duration {
    let waits = Duration::from_millis(u64::from(*Signals::WAITS_MS.end()));
    Duration::from_secs(10) + waits + 2 * Duration::from_micros(pulse.dwell_us.into())
}

/// Runs `scan`.
pub(super) fn scan(args: &ScanArgs) -> Result<(), Failure> {
    let mut memory = no_campaign();
    let mut board = connect(&args.place, &mut memory)?;
    let mut doses = (0, board.status().or_running()?.dose_us);
    for _ in 0..args.frames {
        for at in square(args.frame, args.side) {
            match args.dwell {
                None => once_ready(|| board.point(at)).or_running()?,
                Some(dwell_us) => {
                    let at = Some(at);
                    doses = expose(&mut board, Pulse { at, dwell_us })?;
                }
            }
        }
    }
    Done {
        points: u64::from(args.side).pow(2) * u64::from(args.frames),
        frames: Some(args.frames),
        dwell_us: args.dwell.unwrap_or(0),
        place_dose_us: doses.0,
        total_dose_us: doses.1,
        reading: None,
    }
    .show(args.place.json)
}

/// The points of a square, row by row, its edges included.
pub(super) fn square(frame: DeflectionFrame, side: u16) -> impl Iterator<Item = Spot> {
    let steps = f64::from(side - 1);
    let along = move |start: f64, end: f64, n: u16| start + (end - start) * f64::from(n) / steps;
    (0..side).flat_map(move |row| {
        (0..side).map(move |column| {
            Spot::from(Fractions {
                x: along(frame.left, frame.right, column),
                y: along(frame.top, frame.bottom, row),
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_in_the_range() {
        let spot = |text: &str| text.parse::<Fractions>().map(Spot::from);
        assert_eq!(spot("0, 1"), Ok(Spot { x: 0, y: 65535 }));
        assert_eq!(spot("0.5,0.25"), Ok(Spot { x: 32768, y: 16384 }));
        for wrong in ["", "0.5", "0,0,0", "1.1,0", "-0.1,0", "nan,0", "a,b"] {
            assert!(spot(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn dwells_are_what_a_board_may_keep() {
        assert_eq!(parse_dwell("1e-6"), Ok(1));
        assert_eq!(parse_dwell("8us"), Ok(8));
        assert_eq!(parse_dwell("60"), Ok(Settings::LONGEST_US));
        for wrong in ["", "0", "-1", "1e-7", "60.1", "61", "nan", "2h"] {
            let why = parse_dwell(wrong).unwrap_err();
            assert!(why.contains("from 0.000001 to 60,"), "{wrong}: {why}");
        }
    }

    #[test]
    fn a_square_has_its_corners() {
        let spots: Vec<_> = square(DeflectionFrame::FULL, 3).collect();
        assert_eq!(spots.len(), 9);
        assert_eq!(spots[0], Spot { x: 0, y: 0 });
        assert_eq!(spots[4], Spot::MIDDLE);
        assert_eq!(spots[8], Spot { x: 65535, y: 65535 });
    }
}
