//! A scan controller with a detector as the whole instrument: its overviews and its readings.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use beacon_kernel::link::Failure;
use beacon_kernel::link::message::{self, BlankReason, Raster, Refusal};
use serde::{Deserialize, Serialize};

use super::{Acquired, Beam, Interrupt, Microscope, MicroscopeError, Position};
use crate::controller::{BeamPort as _, ControllerError, SharedBoard};
use crate::data::{Axis, Channels, Map};
use crate::units::Seconds;

/// How often the end of an exposure is looked for.
const LOOK: Duration = Duration::from_millis(2);
/// How much longer than its dwell an exposure may take: a scan generator pauses between the pixels of
/// a long one, and a board may wait for its detector.
const ENDING: Duration = Duration::from_secs(10);

/// Where the command line lists these settings.
#[cfg(feature = "cli")]
const HEADING: &str = "Overviews of a controller";

/// How a controller takes its overviews.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default, deny_unknown_fields)]
pub struct ScanOptions {
    /// Rows of an overview that a controller takes.
    #[cfg_attr(feature = "cli", arg(long = "scan-rows", value_name = "N"))]
    #[cfg_attr(feature = "cli", arg(default_value_t = Self::DEFAULT.rows, help_heading = HEADING))]
    pub rows: u16,
    /// Columns of it.
    #[cfg_attr(feature = "cli", arg(long = "scan-columns", value_name = "N"))]
    #[cfg_attr(feature = "cli", arg(default_value_t = Self::DEFAULT.columns, help_heading = HEADING))]
    pub columns: u16,
    /// How long the beam stays on each of its pixels, in µs or as in 2ms.
    #[cfg_attr(feature = "cli", arg(long = "scan-dwell-us", value_name = "TIME", value_parser = crate::units::read::whole_microseconds::<u32>))]
    #[cfg_attr(feature = "cli", arg(default_value_t = Self::DEFAULT.dwell_us, help_heading = HEADING))]
    pub dwell_us: u32,
    /// How often the whole field is scanned for it; values are averaged.
    #[cfg_attr(feature = "cli", arg(long = "scan-frames", value_name = "N"))]
    #[cfg_attr(feature = "cli", arg(default_value_t = Self::DEFAULT.frames, help_heading = HEADING))]
    pub frames: u16,
    /// How wide its field is on the specimen, as in 2um or 350nm: figures and files then have that
    /// scale, and --pixel-dose-limit knows the area of a pixel.
    #[cfg_attr(feature = "cli", arg(long = "field-width", value_name = "LENGTH"))]
    #[cfg_attr(feature = "cli", arg(value_parser = parse_length, help_heading = HEADING))]
    #[serde(rename = "field_width_m", skip_serializing_if = "Option::is_none")]
    pub field_width: Option<f64>,
}

/// Reads a length in m, mm, um, nm or pm, as metres.
///
/// # Errors
/// What would be accepted.
#[cfg(feature = "cli")]
fn parse_length(text: &str) -> Result<f64, String> {
    let text = text.trim();
    // The longer names first: each ends with that of the metre.
    let units = [
        ("mm", 1e3),
        ("um", 1e6),
        ("µm", 1e6),
        ("nm", 1e9),
        ("pm", 1e12),
        ("m", 1.0),
    ];
    let found = units.iter().find_map(|&(unit, parts)| {
        let number = text.strip_suffix(unit)?.trim();
        Some(number.parse::<f64>().ok()? / parts)
    });
    found
        .filter(|metres| metres.is_finite() && *metres > 0.0)
        .ok_or_else(|| {
            "expected a length above 0 with its unit, as in 2um, 350nm or 0.1mm".to_owned()
        })
}

impl ScanOptions {
    /// 64 × 64 pixels of 50 µs, once, of unknown size.
    pub const DEFAULT: Self = Self {
        rows: 64,
        columns: 64,
        dwell_us: 50,
        frames: 1,
        field_width: None,
    };

    /// The raster over a field of the deflection range.
    pub fn raster(self, settle_us: u32, field: message::Field) -> Raster {
        Raster {
            rows: self.rows,
            columns: self.columns,
            frames: self.frames,
            dwell_us: self.dwell_us,
            settle_us,
            field,
        }
    }
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A board that takes overviews and reads its detector in every exposure. The campaign's controller
/// is the same board: it moves and exposes, and what is acquired here is the reading of the exposure
/// that the controller made last.
pub struct ScannerMicroscope<'m> {
    board: SharedBoard<'m>,
    raster: Raster,
    /// Rows and columns of an overview.
    axes: (Axis, Axis),
    channels: Channels,
    interrupt: Interrupt,
}

impl<'m> ScannerMicroscope<'m> {
    /// An instrument made of a board, whose overviews are taken over a raster. Its field is
    /// `field_width` metres wide on the specimen, where that is known.
    pub fn new(board: SharedBoard<'m>, raster: Raster, field_width: Option<f64>) -> Self {
        Self {
            board,
            raster,
            axes: axes(&raster, field_width),
            channels: Channels::numbered(1, "detector"),
            interrupt: Interrupt::default(),
        }
    }

    /// Waits until the exposure under way is over, and returns why the beam is blanked.
    fn finish(&mut self, dwell: Duration) -> Result<(), MicroscopeError> {
        let begun = Instant::now();
        let longest = 2 * dwell + ENDING;
        loop {
            let status = self.board.board().status();
            let beam = status.map_err(|error| failed("acquire", &error))?.beam;
            match beam {
                message::Beam::Blanked(BlankReason::Fault(fault)) => {
                    let fault = ControllerError::Link(Failure::Refused(Refusal::Beam(fault)));
                    return Err(failed("acquire", &fault));
                }
                message::Beam::Blanked(_) => return Ok(()),
                _ if self.interrupt.is_abort() => {
                    let blanked = self.board.blank();
                    return Err(MicroscopeError::Aborted {
                        call: "acquire".to_owned(),
                        beam: match blanked {
                            Ok(()) => "the beam is blanked".to_owned(),
                            Err(error) => format!("the beam COULD NOT BE BLANKED: {error}"),
                        },
                    });
                }
                _ if begun.elapsed() > longest => {
                    return Err(failed("acquire", &ControllerError::StaysOn(longest)));
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }
}

/// Rows and columns of a raster whose field is so many metres wide on the specimen: the deflection is
/// as large in both directions.
fn axes(raster: &Raster, field_width: Option<f64>) -> (Axis, Axis) {
    let (height, width) = (raster.rows.into(), raster.columns.into());
    let pixels = (Axis::pixels("y", height), Axis::pixels("x", width));
    let Some(metres) = field_width else {
        return pixels;
    };
    let field = raster.field;
    let metres_of_range = metres / f64::from(field.right - field.left);
    let axis = |pixels: Axis, span: u32| Axis {
        units: "nm".to_owned(),
        scale: 1e9 * metres_of_range * f64::from(span) / pixels.size as f64,
        ..pixels
    };
    let (rows, columns) = pixels;
    (
        axis(rows, field.bottom - field.top),
        axis(columns, field.right - field.left),
    )
}

/// What an error of the board is to a campaign whose instrument it is: faults of what drives the beam,
/// lost links and resets may pass.
fn failed(call: &str, error: &ControllerError) -> MicroscopeError {
    let is_setting = matches!(
        error,
        ControllerError::TooOld { .. } | ControllerError::Link(Failure::Refused(_))
    );
    if error.is_not_ready() {
        return MicroscopeError::answer(call, error.to_string(), "a detector that is ready");
    }
    if is_setting && !error.is_beam_fault() {
        return MicroscopeError::Refused {
            call: call.to_owned(),
            reason: error.to_string(),
        };
    }
    MicroscopeError::Failed {
        call: call.to_owned(),
        message: error.to_string(),
    }
}

impl Microscope for ScannerMicroscope<'_> {
    fn description(&self) -> String {
        let Raster { rows, columns, .. } = self.raster;
        let board = self.board.board();
        let name = &board.identity().board;
        format!("controller {name} with a detector, {rows} x {columns} pixels")
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        let interrupt = self.interrupt.clone();
        let watch = |_, _| {
            if interrupt.is_abort() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let taken = self.board.board().overview(self.raster, watch);
        let values = taken.map_err(|error| match error {
            ControllerError::BrokenOff => MicroscopeError::Aborted {
                call: "overview".to_owned(),
                beam: "the beam is blanked".to_owned(),
            },
            error => failed("overview", &error),
        })?;
        let (rows, columns) = self.axes.clone();
        Ok(Map {
            values: values.into_iter().map(f64::from).collect(),
            rows,
            columns,
            quantity: "detector".to_owned(),
            units: String::new(),
        })
    }

    fn channels(&self) -> &Channels {
        &self.channels
    }

    fn beam(&self) -> Beam {
        Beam {
            current: None,
            overview_dwell: Some(Seconds::ONE * (self.raster.pixel_us() as f64 * 1e-6)),
        }
    }

    /// The board moves when it exposes.
    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        position.require_inside()
    }

    fn acquire(&mut self, dwell: Duration, _key: &str) -> Result<Acquired, MicroscopeError> {
        self.finish(dwell)?;
        let reading = self.board.board().reading();
        let reading = reading.map_err(|error| failed("acquire", &error))?;
        let Some(value) = reading.usable() else {
            let found = match reading {
                message::Reading {
                    saturated: true, ..
                } => "a converter at the end of its range",
                message::Reading {
                    overflowed: true, ..
                } => "more pulses than the counter holds",
                _ => "no number",
            };
            let expected = "a detector within the board's range: lower its gain, or the dwell";
            return Err(MicroscopeError::answer("acquire", found, expected));
        };
        Ok(Acquired::without_dead_time(vec![f64::from(value)], dwell))
    }

    fn frame(&self) -> Option<(Axis, Axis)> {
        Some(self.axes.clone())
    }

    fn blank(&mut self) -> Result<(), MicroscopeError> {
        let blanked = self.board.blank();
        blanked.map_err(|error| failed("blank", &error))
    }

    /// The link is sought with every request.
    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        let status = self.board.board().status();
        status
            .map(|_| ())
            .map_err(|error| failed("reconnect", &error))
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    fn interrupt(&self) -> Option<Interrupt> {
        Some(self.interrupt.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "cli")]
    fn lengths_are_read_with_their_units() {
        for (text, metres) in [
            ("2um", 2e-6),
            ("2 µm", 2e-6),
            ("350nm", 350e-9),
            ("0.1mm", 1e-4),
            ("80pm", 80e-12),
            ("1e-3m", 1e-3),
        ] {
            assert_eq!(parse_length(text), Ok(metres));
        }
        for wrong in ["", "2", "um", "-2um", "0nm", "infm", "nanm", "2 inches"] {
            let said = parse_length(wrong).unwrap_err();
            assert!(said.contains("2um"), "{wrong}: {said}");
        }
    }

    #[test]
    fn a_field_width_gives_pixels_their_size_in_both_directions() {
        let field = message::Field {
            left: 8192,
            top: 16_384,
            right: 57_344,
            bottom: 40_960,
        };
        let scan = ScanOptions {
            rows: 30,
            columns: 40,
            ..ScanOptions::DEFAULT
        };
        let raster = scan.raster(10, field);
        let (rows, columns) = axes(&raster, Some(2e-6));
        assert_eq!((rows.units.as_str(), columns.units.as_str()), ("nm", "nm"));
        // The field is half as high as wide.
        assert!((columns.scale - 50.0).abs() < 1e-9, "{columns:?}");
        assert!((rows.scale - 1000.0 / 30.0).abs() < 1e-9, "{rows:?}");
        assert!(!axes(&raster, None).0.is_calibrated());
    }
}
