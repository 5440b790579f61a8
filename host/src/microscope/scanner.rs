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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// How long the beam stays on each of its pixels, in µs.
    #[cfg_attr(feature = "cli", arg(long = "scan-dwell-us", value_name = "US", value_parser = crate::units::read::whole_microseconds::<u32>))]
    #[cfg_attr(feature = "cli", arg(default_value_t = Self::DEFAULT.dwell_us, help_heading = HEADING))]
    pub dwell_us: u32,
    /// How often the whole field is scanned for it; values are averaged.
    #[cfg_attr(feature = "cli", arg(long = "scan-frames", value_name = "N"))]
    #[cfg_attr(feature = "cli", arg(default_value_t = Self::DEFAULT.frames, help_heading = HEADING))]
    pub frames: u16,
}

impl ScanOptions {
    /// 64 × 64 pixels of 50 µs, once.
    pub const DEFAULT: Self = Self {
        rows: 64,
        columns: 64,
        dwell_us: 50,
        frames: 1,
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
    channels: Channels,
    interrupt: Interrupt,
}

impl<'m> ScannerMicroscope<'m> {
    /// An instrument made of a board, whose overviews are taken over a raster.
    pub fn new(board: SharedBoard<'m>, raster: Raster) -> Self {
        Self {
            board,
            raster,
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
        let (height, width) = (self.raster.rows.into(), self.raster.columns.into());
        let values = values.into_iter().map(f64::from).collect();
        Ok(Map::uncalibrated(height, width, values, "detector"))
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
        Ok(Acquired {
            spectrum: vec![f64::from(value)],
            detectors: Vec::new(),
            live_time: dwell.into(),
            real_time: dwell.into(),
        })
    }

    fn frame(&self) -> Option<(Axis, Axis)> {
        let rows = Axis::pixels("y", self.raster.rows.into());
        let columns = Axis::pixels("x", self.raster.columns.into());
        Some((rows, columns))
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
}
